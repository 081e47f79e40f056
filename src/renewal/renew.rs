//! Renews the credentials of a group of profiles with one code. For the same keys and device, one process at a time does so, while
//! the others wait.
//!
//! ```text
//!           look again <------------------------------------------+
//!               |                                                 |
//!    all fresh  |  stale, and a session serves    stale, no session
//!       |       |              |                        |         |
//!       v       |              |               turn to ask: get a code, then look again
//!      end      |              |                        |         |
//!               |              +----------+-------------+         |
//!               |                         v                       |
//!               |               turn to call: look again          |
//!               |                         |                       |
//!               |        session is stored | code is there       |
//!               |               |         v                       |
//!               |               |   send the code --- refused ----+
//!               |               |         |
//!               |               |   write the session
//!               |               v         v
//!               |        assume the roles, write each as it comes
//!               |               |
//!               |        AWS rejects the session: forget it ------+
//!               v
//!              end
//! ```
//!
//! A process holds the turn to ask from the first prompt until the new credentials are written, and the turn to call while it calls
//! STS. "Look again" reads the files again, because another process may have renewed meanwhile. A loop ends after three rounds.

mod pending_write;
mod redemption;

use std::path::Path;
use std::rc::Rc;

use anyhow::{Error, Result, bail};
use chrono::{DateTime, Utc};

use self::pending_write::PendingWrite;
pub use self::pending_write::{Writer, of_session};
use self::redemption::Redeemed;
use crate::aws::network::{self, Preparation};
use crate::aws::sts::{Client, Refusal, RefusalKind};
use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::error::Failure;
use crate::core::text::masked;
use crate::files::document::Document;
use crate::files::profiles::{self, File};
use crate::files::sessions::Session;
use crate::files::store::{self, Lock, Turn, UsedCodes};
use crate::plan::{CodeSettings, Strategy};
use crate::renewal::cache_state::{CacheState, look};
use crate::renewal::codes::Codes;
use crate::renewal::group::{Group, Job, Outcome, fail_together};
use crate::report::Report;

/// How often the files are read again if other processes or AWS end a session that was just found.
const ROUNDS: usize = 3;

/// A section with the new session that no job requested.
pub struct SessionSection {
    pub section: String,
    pub until: DateTime<Utc>,
}

/// Gets new credentials for a group and writes them, unless another process has just done so; each job says how it ended.
/// Everything that can fail without a code is tried before a code is asked for.
pub fn renew(
    code_settings: &CodeSettings,
    path: &Path,
    report: Report,
    group: &Group,
    codes: &mut Codes<'_>,
) -> Option<SessionSection> {
    match Renewal::begin(code_settings, path, report, group, codes) {
        Ok(renewal) => renewal?.run(),
        Err(error) => {
            fail_together(&group.open(), error);
            None
        }
    }
}

/// A renewal under way.
struct Renewal<'a, 'e> {
    code_settings: &'a CodeSettings,
    report: Report,
    group: &'a Group,
    codes: &'a mut Codes<'e>,
    writer: Writer<'a>,
    used: UsedCodes,
    client: LazyClient,
    /// The turn to ask, from the first prompt until the new credentials are written.
    asking_turn: Option<Lock>,
}

/// What the files say now.
struct FileState {
    session: Option<Session>,
    /// Whether a job needs a session that is not stored.
    needs_session: bool,
}

/// The result of using a session.
enum Served {
    /// Each job has what it needs, or failed for a reason of its own.
    All,
    /// AWS rejects the session.
    Dismissed,
}

impl<'a, 'e> Renewal<'a, 'e> {
    /// Tries everything that needs no code. None if nothing is left to renew.
    fn begin(
        code_settings: &'a CodeSettings,
        path: &'a Path,
        report: Report,
        group: &'a Group,
        codes: &'a mut Codes<'e>,
    ) -> Result<Option<Self>> {
        let writer = Writer::open(path, report, &group.jobs, Some(&group.session_key))?;
        writer.store.check_records(&group.session_key.section())?;
        writer.check()?;
        if group.open().is_empty() {
            return Ok(None);
        }
        writer.warn_of_readers();
        let Some(preparation) = prepare(&group.open(), report)? else {
            return Ok(None);
        };
        let client = LazyClient::Preparing(preparation);
        tell_begin(report, &group.open());
        let used = writer
            .store
            .used_codes(&group.session_key.section(), &group.keys);
        Ok(Some(Self {
            code_settings,
            report,
            group,
            codes,
            writer,
            used,
            client,
            asking_turn: None,
        }))
    }

    fn run(mut self) -> Option<SessionSection> {
        if let Err(error) = self.by_session() {
            fail_together(&self.group.open_for_session(), error);
        }
        for job in self.group.open() {
            // What is stored now serves other processes, too.
            self.asking_turn = None;
            if let Err(error) = self.directly(job) {
                job.fail(error);
            }
        }
        self.writer.session_section
    }

    /// Serves all jobs that a session serves, with the stored session or a new one.
    fn by_session(&mut self) -> Result<()> {
        let mut dismissed = None;
        for _ in 0..ROUNDS {
            let Some((session, is_new, _calling)) = self.session(dismissed.as_deref())? else {
                return Ok(());
            };
            match self.serve(&session, is_new)? {
                Served::All => return Ok(()),
                Served::Dismissed => {
                    let id = session.credentials.access_key_id;
                    self.report.progress(format_args!(
                        "AWS no longer accepts the session {}",
                        masked(&id)
                    ));
                    dismissed = Some(id);
                }
            }
        }
        bail!(went_away())
    }

    /// The session, whether it is new, and the turn to call with it. None if no job needs it anymore.
    fn session(&mut self, dismissed: Option<&str>) -> Result<Option<(Session, bool, Lock)>> {
        let mut rounds = 0;
        while rounds < ROUNDS {
            let state = self.look_again(dismissed)?;
            let Some(first) = self.first_for_session() else {
                return Ok(None);
            };
            if state.needs_session {
                let seconds = first.plan.steps[0].duration.value;
                self.have_code(seconds, |renewal| {
                    let state = renewal.look_again(dismissed)?;
                    Ok(state.needs_session)
                })?;
            }
            if self.first_for_session().is_none() {
                return Ok(None);
            }
            let calling = self.take(Turn::Call)?;
            let state = self.look_again(dismissed)?;
            let Some(first) = self.first_for_session() else {
                return Ok(None);
            };
            if !state.needs_session {
                if let Some(session) = state.session {
                    return Ok(Some((session, false, calling)));
                }
                rounds += 1;
                continue;
            }
            match self.redeem(&first.plan)? {
                Redeemed::For(credentials) => {
                    let session = Session {
                        credentials,
                        section: None,
                    };
                    return Ok(Some((session, true, calling)));
                }
                // The codes limit how often.
                Redeemed::Retry => {}
                // The session was removed since it was found.
                Redeemed::NoCode => rounds += 1,
            }
        }
        bail!(went_away())
    }

    /// The job that decides the settings of the session: the one that requests the longest duration.
    fn first_for_session(&self) -> Option<&'a Job> {
        let group: &'a Group = self.group;
        group.open_for_session().into_iter().reduce(|first, job| {
            let seconds = |job: &Job| job.plan.steps[0].duration.value;
            if seconds(job) > seconds(first) {
                job
            } else {
                first
            }
        })
    }

    /// Gets the credentials of each job from the session, and writes them.
    fn serve(&mut self, session: &Session, is_new: bool) -> Result<Served> {
        let group = self.group;
        let (roles, own): (Vec<&Job>, Vec<&Job>) = group
            .open_for_session()
            .into_iter()
            .partition(|job| job.plan.decision.way == Strategy::Chain);
        // A new session is written immediately, so that a later failure costs no second code.
        if is_new {
            self.write_session(session, &own, Outcome::Renewed)?;
        }
        let refused = self.assume(&roles, &session.credentials)?;
        if let Some((job, _)) = refused.first()
            && !is_new
            && !self
                .client
                .get()?
                .takes(&job.plan, &group.keys.access_key_id, &session.credentials)
        {
            return Ok(Served::Dismissed);
        }
        for (job, error) in refused {
            job.fail(error);
        }
        if !is_new && !own.is_empty() {
            self.write_session(session, &own, Outcome::Shared)?;
        }
        Ok(Served::All)
    }

    /// Writes a session for the jobs whose goal it is, and where later runs find it.
    fn write_session(
        &mut self,
        session: &Session,
        jobs: &[&Job],
        outcome: fn(Credentials) -> Outcome,
    ) -> Result<()> {
        let credentials = &session.credentials;
        self.writer.write(&PendingWrite {
            credentials: jobs.iter().map(|job| (*job, credentials)).collect(),
            session: session.section.is_none().then_some(credentials),
        })?;
        for job in jobs {
            job.end(outcome(credentials.clone()));
        }
        Ok(())
    }

    /// Assumes roles from the session, and writes each result as it arrives. Returns the jobs for which AWS rejected the session.
    fn assume(
        &mut self,
        roles: &[&'a Job],
        session: &Credentials,
    ) -> Result<Vec<(&'a Job, Error)>> {
        let mut refused = Vec::new();
        if roles.is_empty() {
            return Ok(refused);
        }
        let group = self.group;
        let client = self.client.get()?;
        let mut count = self.report.count("roles", roles.len());
        let mut written = Ok(());
        let plans = roles.iter().map(|job| (*job, &job.plan));
        let is_counted = count.is_shown();
        client.assume(
            plans,
            &group.keys.access_key_id,
            session,
            is_counted,
            |answers| {
                let mut got = Vec::new();
                for (job, answer) in answers {
                    count.step();
                    match answer {
                        Ok(credentials) => got.push((job, credentials)),
                        Err(Refusal {
                            error,
                            kind: RefusalKind::Session,
                        }) => refused.push((job, error)),
                        Err(Refusal { error, .. }) => job.fail(error),
                    }
                }
                if !got.is_empty()
                    && let Err(error) = self.writer.write_roles(got)
                {
                    written = Err(error);
                }
            },
        );
        written.map(|()| refused)
    }

    /// Assumes a role with a code of its own.
    fn directly(&mut self, job: &'a Job) -> Result<()> {
        let plan = &job.plan;
        loop {
            if !job.is_open() {
                return Ok(());
            }
            self.have_code(plan.decision.seconds, |renewal| {
                renewal.look_again(None)?;
                Ok(job.is_open())
            })?;
            if !job.is_open() {
                return Ok(());
            }
            let _calling = self.take(Turn::Call)?;
            self.look_again(None)?;
            if !job.is_open() {
                return Ok(());
            }
            let first = match self.redeem(plan)? {
                Redeemed::For(first) => first,
                Redeemed::Retry => continue,
                Redeemed::NoCode => bail!(self.codes.nobody("it was already used")),
            };
            return match self.assume(&[job], &first)?.pop() {
                Some((_, error)) => Err(error),
                None => Ok(()),
            };
        }
    }

    fn take(&self, turn: Turn) -> Result<Lock> {
        let timeout = self.code_settings.lock_timeout;
        let credentials = self.group.session_key.section();
        self.report
            .trace(format_args!("waiting for the turn: {turn:?}"));
        self.writer
            .store
            .take(turn, &credentials, timeout, |holder| {
                let process = store::process(holder);
                Report::waiting_for_process(
                    holder,
                    format_args!(
                        "waiting for {process}, which is renewing credentials with the same device"
                    ),
                )
            })
    }

    /// Finds what other processes renewed while this one waited, and the session that is stored now.
    fn look_again(&mut self, dismissed: Option<&str>) -> Result<FileState> {
        let path = self.writer.path;
        let text = profiles::read(path)?.unwrap_or_default();
        let credentials = File {
            path,
            document: Document::parse(&text),
        };
        for job in self.group.open() {
            if let CacheState::Fresh(found) = look(&credentials, &job.sections, &job.wanted)? {
                job.end(Outcome::StillFresh(found));
            }
        }
        let session = self
            .group
            .session_at_hand(path, &credentials)
            .filter(|session| Some(session.credentials.access_key_id.as_str()) != dismissed);
        let now = clock::now();
        let needs_session = self
            .group
            .open_for_session()
            .iter()
            .any(|job| !job.is_served(session.as_ref(), now));
        self.report.trace(match (&session, needs_session) {
            (Some(session), false) => format!(
                "using the stored session {}, valid until {}",
                masked(&session.credentials.access_key_id),
                session.credentials.expiration
            ),
            (_, false) => "no session is needed".to_owned(),
            (Some(_), true) => "the stored session does not meet the request".to_owned(),
            (None, true) => "no session is stored".to_owned(),
        });
        Ok(FileState {
            session,
            needs_session,
        })
    }
}

/// Checks how the services of the open jobs are reached, and prepares that. A job whose services cannot be reached fails; none if no job
/// is left.
pub(super) fn prepare(jobs: &[&Job], report: Report) -> Result<Option<Preparation>> {
    let open = || jobs.iter().filter(|job| job.is_open());
    for job in open() {
        let mut steps = job.plan.steps.iter();
        if let Err(error) = steps.try_for_each(|step| network::check(&step.connection)) {
            job.fail(error);
        }
    }
    if open().next().is_none() {
        return Ok(None);
    }
    let steps = open().flat_map(|job| &job.plan.steps);
    network::prepare(steps.map(|step| &step.connection), report).map(Some)
}

fn went_away() -> Failure {
    Failure::new("the MFA session was removed repeatedly while it was in use")
        .hint("another tool may be writing the file: check it, then run the command again")
}

/// The client. Waits for it only when it is needed.
enum LazyClient {
    Preparing(Preparation),
    Ready(Rc<Client>),
    Broken,
}

impl LazyClient {
    fn get(&mut self) -> Result<Rc<Client>> {
        *self = match std::mem::replace(self, Self::Broken) {
            Self::Preparing(preparation) => {
                Self::Ready(Rc::new(Client::new(preparation.finish()?)))
            }
            other => other,
        };
        match self {
            Self::Ready(client) => Ok(Rc::clone(client)),
            Self::Preparing(_) | Self::Broken => bail!("the HTTP client could not be created"),
        }
    }
}

pub(super) fn tell_begin(report: Report, jobs: &[&Job]) {
    if let [job] = jobs {
        report.progress(format_args!(
            "renewing {}: {}",
            job.sections.label(),
            job.because
        ));
        return;
    }
    let sections: Vec<String> = jobs.iter().map(|job| job.sections.label()).collect();
    report.progress(format_args!("renewing {}", sections.join(", ")));
    for job in jobs {
        report.detail(format_args!("{}: {}", job.sections.label(), job.because));
    }
}
