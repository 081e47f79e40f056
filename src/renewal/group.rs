//! Profiles whose credentials are stale, brought together by what they share: one code serves all that have the same keys and
//! the same device.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock;
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::device::SerialNumber;
use crate::files::document::Document;
use crate::files::freshness::{self, Asked, Freshness, Reason};
use crate::files::profiles::{self, File, Text};
use crate::files::section_format::{self, Defect};
use crate::files::sessions::{self, Maker, Session};
use crate::files::store;
use crate::plan::{self, Chosen, Origin, Plan, Target, Way};

/// A session that ends sooner is not worth to begin with.
const SESSION_MARGIN: TimeDelta = TimeDelta::minutes(1);

/// A session that ends sooner is not shared with a profile that wants a session itself, nor one that lasts so much shorter
/// than the command line says.
const SHARED_MARGIN: TimeDelta = TimeDelta::minutes(15);

/// What the credentials have to be like.
#[derive(Debug)]
pub struct Wanted {
    /// The role that they must be for; none for the user's own session.
    pub role_arn: Option<String>,
    /// How long they must still last at least.
    pub min_ttl: TimeDelta,
    /// Renew them in any case.
    pub force: bool,
}

/// A profile whose credentials are to be renewed.
pub struct Job {
    /// Its place among the profiles that are asked for.
    pub order: usize,
    pub target: Target,
    pub wanted: Wanted,
    pub because: Reason,
    pub plan: Plan,
}

/// Jobs that share the keys and the device.
pub struct Group {
    pub maker: Maker,
    pub keys: LongTermKeys,
    /// The device, and who chose it.
    pub device: Chosen<SerialNumber>,
    /// A command that prints the codes.
    pub process: Option<Chosen<String>>,
    pub jobs: Vec<Job>,
}

/// How it ended for one profile.
pub enum Done {
    /// Another process has renewed the credentials meanwhile.
    StillValid(Credentials),
    /// They are new.
    Renewed(Credentials),
    /// They are those of the session that was there already.
    Shared(Credentials),
}

/// How it ended for the jobs of a group, which are known by their places in it.
#[derive(Default)]
pub struct Results {
    pub done: BTreeMap<usize, Done>,
    /// What went wrong, for which jobs.
    pub failed: Vec<(Vec<usize>, Error)>,
    /// The section that holds a new session, where it is not one of a job, and when the session ends.
    pub owner: Option<(String, DateTime<Utc>)>,
}

/// What is stored for a profile.
pub enum Seen {
    /// Credentials as they are wanted.
    Valid(Credentials),
    /// Others, if any, and why they will not do.
    Stale {
        because: Reason,
        credentials: Option<Credentials>,
    },
}

/// Looks at what is stored for a profile.
///
/// # Errors
/// When its section cannot be read in one way only.
pub fn look(credentials: &File<'_>, target: &Target, wanted: &Wanted) -> Result<Seen> {
    let texts = if target.keep.is_private() {
        sessions(credentials.path)
    } else {
        Vec::new()
    };
    look_in(credentials, &files(&texts), target, wanted)
}

/// The same where the files of sessions are read already.
///
/// # Errors
/// As above.
pub fn look_in(
    credentials: &File<'_>,
    sessions: &[File<'_>],
    target: &Target,
    wanted: &Wanted,
) -> Result<Seen> {
    if !target.keep.is_private() {
        plan::check_sections(credentials, &[&target.short_term])?;
        return Ok(see(credentials, &target.short_term, wanted));
    }
    let section = sessions::kept_for(&target.long_term);
    let seen = sessions.iter().map(|file| see(file, &section, wanted));
    let longest = seen.max_by_key(Seen::expiration);
    Ok(longest.unwrap_or(Seen::Stale {
        because: Reason::Defective(Defect::Missing),
        credentials: None,
    }))
}

fn see(file: &File<'_>, section: &str, wanted: &Wanted) -> Seen {
    let asked = Asked {
        role_arn: wanted.role_arn.as_deref(),
        min_ttl: wanted.min_ttl,
        force: wanted.force,
    };
    let stored = section_format::read(file, section);
    let credentials = section_format::credentials(file, section);
    match (freshness::judge(&stored, &asked, clock::now()), credentials) {
        (Freshness::Reuse, Some(credentials)) => Seen::Valid(credentials),
        (Freshness::Renew { because }, credentials) => Seen::Stale {
            because,
            credentials,
        },
        (Freshness::Reuse, None) => Seen::Stale {
            because: Reason::Defective(Defect::Missing),
            credentials: None,
        },
    }
}

impl Seen {
    /// The credentials, whether they will do or not.
    pub fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Valid(credentials) => Some(credentials),
            Self::Stale { credentials, .. } => credentials.as_ref(),
        }
    }

    fn expiration(&self) -> Option<DateTime<Utc>> {
        Some(self.credentials()?.expiration)
    }
}

/// The files of sessions that can be read.
pub fn sessions(path: &Path) -> Vec<(PathBuf, Text)> {
    let texts = store::session_files(path).into_iter().filter_map(|path| {
        let text = profiles::read(&path).ok()??;
        Some((path, text))
    });
    texts.collect()
}

/// What is in them.
pub fn files(texts: &[(PathBuf, Text)]) -> Vec<File<'_>> {
    let files = texts.iter().map(|(path, text)| File {
        path,
        document: Document::parse(text),
    });
    files.collect()
}

/// The session of a key and a device that is stored and not about to end. A file of sessions that cannot be read holds none.
pub fn session_at_hand(path: &Path, credentials: &File<'_>, maker: &Maker) -> Option<Session> {
    let texts = sessions(path);
    let now = clock::now();
    sessions::find(maker, credentials, &files(&texts), SESSION_MARGIN, now)
}

/// The same of a key and whatever device.
pub fn session_of_key(
    path: &Path,
    credentials: &File<'_>,
    access_key_id: &str,
) -> Option<(Maker, Session)> {
    let texts = sessions(path);
    let now = clock::now();
    sessions::of_key(
        access_key_id,
        credentials,
        &files(&texts),
        SESSION_MARGIN,
        now,
    )
}

/// Whether a session will do for a profile whose credentials are stale.
pub fn serves(session: &Session, plan: &Plan, wanted: &Wanted, now: DateTime<Utc>) -> bool {
    match plan.decision.way {
        Way::Chain => true,
        Way::Session => {
            let left = session.credentials.expiration - now;
            let asked = match plan.wanted.origin {
                Origin::Flag(_) => TimeDelta::seconds(plan.wanted.value.into()),
                _ => TimeDelta::zero(),
            };
            let least = SHARED_MARGIN.max(asked - SHARED_MARGIN).max(wanted.min_ttl);
            !wanted.force && left >= least
        }
        Way::Direct => false,
    }
}

/// Whether a section holds a session of another key or device, which is still good for something.
pub fn holds_session_of_another(
    path: &Path,
    credentials: &File<'_>,
    section: &str,
    maker: &Maker,
) -> bool {
    let found = section_format::credentials(credentials, section);
    if found.is_none_or(|found| found.expiration <= clock::now()) {
        return false;
    }
    files(&sessions(path))
        .iter()
        .any(|sessions| sessions::is_of_another(maker, section, credentials, sessions))
}

impl Job {
    /// Whether its section is neither read nor written.
    pub fn is_private(&self) -> bool {
        self.target.keep.is_private()
    }

    /// Whether it can do without a new session.
    pub fn is_served(&self, session: Option<&Session>, now: DateTime<Utc>) -> bool {
        session.is_some_and(|session| serves(session, &self.plan, &self.wanted, now))
    }
}

impl Group {
    /// The session that is at hand for the jobs. Where a job is not to read its section, one from there is none.
    pub fn session_at_hand(&self, path: &Path, credentials: &File<'_>) -> Option<Session> {
        let session = session_at_hand(path, credentials, &self.maker)?;
        let is_barred = |section: &String| {
            let jobs = &mut self.jobs.iter();
            jobs.any(|job| job.is_private() && job.target.short_term == *section)
        };
        (!session.section.as_ref().is_some_and(is_barred)).then_some(session)
    }

    /// How many codes are needed where this is the session: one for a new one, and one for each role that takes its own.
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

    /// Whether a session is an end in itself for one of the jobs.
    pub fn wants_session(&self) -> bool {
        let mut ways = self.jobs.iter().map(|job| job.plan.decision.way);
        ways.any(|way| way == Way::Session)
    }
}

impl Results {
    /// The jobs that are not ended.
    pub fn open(&self, group: &Group) -> Vec<usize> {
        let failed = |job: &usize| self.failed.iter().any(|(jobs, _)| jobs.contains(job));
        (0..group.jobs.len())
            .filter(|job| !self.done.contains_key(job) && !failed(job))
            .collect()
    }

    /// Those of them that a session serves.
    pub fn open_for_session(&self, group: &Group) -> Vec<usize> {
        let mut open = self.open(group);
        open.retain(|job| group.jobs[*job].plan.has_session());
        open
    }
}
