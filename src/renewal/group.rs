//! Defines the jobs of a renewal, and the group of those that share keys and device: one code serves all of them.

use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::Error;
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock;
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::mfa_device::SerialNumber;
use crate::files::freshness::{Reason, Wanted};
use crate::files::profiles::File;
use crate::files::sessions::{Session, SessionKey};
use crate::plan::{Origin, Plan, ProfileSections, Setting, Strategy};
use crate::renewal::stored_sessions::session_at_hand;

/// A session that expires sooner is not shared with a profile whose goal is a session, nor is one that lasts this much shorter
/// than the command line requests.
const SHARED_MARGIN: TimeDelta = TimeDelta::minutes(15);

/// A profile whose credentials are to be renewed.
pub struct Job {
    /// Its place among the requested profiles.
    pub order: usize,
    pub sections: ProfileSections,
    pub wanted: Wanted,
    pub because: Reason,
    pub plan: Plan,
    /// How it ended; empty until then. Several jobs may share an error.
    pub outcome: OnceCell<Result<Outcome, Rc<Error>>>,
}

/// Where the credentials of a profile came from.
pub enum Outcome {
    /// Another process has renewed the credentials meanwhile.
    StillFresh(Credentials),
    /// They are new.
    Renewed(Credentials),
    /// They are those of the session that was already stored.
    Shared(Credentials),
}

/// Jobs that share the keys and the device.
pub struct Group {
    pub session_key: SessionKey,
    pub keys: LongTermKeys,
    /// The device, and its origin.
    pub device: Setting<SerialNumber>,
    /// A command that prints the codes.
    pub mfa_process: Option<Setting<String>>,
    pub jobs: Vec<Job>,
}

/// Whether a session meets the request of a profile whose credentials are stale.
pub fn serves(session: &Session, plan: &Plan, wanted: &Wanted, now: DateTime<Utc>) -> bool {
    match plan.decision.way {
        Strategy::Chain => true,
        Strategy::Session => {
            let left = session.credentials.expiration - now;
            let asked = match plan.wanted.origin {
                Origin::Flag(_) => TimeDelta::seconds(plan.wanted.value.into()),
                _ => TimeDelta::zero(),
            };
            let least = SHARED_MARGIN.max(asked - SHARED_MARGIN).max(wanted.min_ttl);
            !wanted.force && left >= least
        }
        Strategy::Direct | Strategy::Login => false,
    }
}

impl Job {
    /// Whether its section is neither read nor written.
    pub fn is_private(&self) -> bool {
        self.sections.storage.is_private()
    }

    /// Whether it has not ended yet.
    pub fn is_open(&self) -> bool {
        self.outcome.get().is_none()
    }

    /// Ends it. Only the first outcome counts.
    pub fn end(&self, outcome: Outcome) {
        let _ = self.outcome.set(Ok(outcome));
    }

    /// Ends it with an error of its own.
    pub fn fail(&self, error: Error) {
        let _ = self.outcome.set(Err(Rc::new(error)));
    }

    /// Whether it can do without a new session.
    pub fn is_served(&self, session: Option<&Session>, now: DateTime<Utc>) -> bool {
        session.is_some_and(|session| serves(session, &self.plan, &self.wanted, now))
    }
}

/// Ends jobs with an error that they share.
pub fn fail_together(jobs: &[&Job], error: Error) {
    let error = Rc::new(error);
    for job in jobs {
        let _ = job.outcome.set(Err(Rc::clone(&error)));
    }
}

/// The stored session for some jobs. For a job that leaves its section alone, a session from there does not count, except to assume a
/// role.
pub fn session_of(
    jobs: &[Job],
    session_key: &SessionKey,
    path: &Path,
    credentials: &File<'_>,
) -> Option<Session> {
    let session = session_at_hand(path, credentials, session_key)?;
    let is_barred = |section: &String| {
        let jobs = &mut jobs.iter();
        jobs.any(|job| {
            let is_goal = job.plan.decision.way == Strategy::Session;
            job.is_private() && is_goal && job.sections.short_term == *section
        })
    };
    (!session.section.as_ref().is_some_and(is_barred)).then_some(session)
}

impl Group {
    /// The stored session for the jobs.
    pub fn session_at_hand(&self, path: &Path, credentials: &File<'_>) -> Option<Session> {
        session_of(&self.jobs, &self.session_key, path, credentials)
    }

    /// How many codes are needed with this session: one for a new session, and one for each role that uses a code of its own.
    pub fn codes(&self, session: Option<&Session>) -> usize {
        let now = clock::now();
        let of_session = |job: &&Job| job.plan.has_session();
        let new_session = self
            .jobs
            .iter()
            .filter(of_session)
            .any(|job| !job.is_served(session, now));
        let direct = self.jobs.iter().filter(|job| !job.plan.has_session());
        usize::from(new_session) + direct.count()
    }

    /// The jobs that have not ended.
    pub fn open(&self) -> Vec<&Job> {
        self.jobs.iter().filter(|job| job.is_open()).collect()
    }

    /// Those of them that a session serves.
    pub fn open_for_session(&self) -> Vec<&Job> {
        let mut open = self.open();
        open.retain(|job| job.plan.has_session());
        open
    }
}
