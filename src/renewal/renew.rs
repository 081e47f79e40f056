//! The way from stale credentials to new ones, for a group of profiles: one code for all of them. One process at a time goes
//! it for the same keys and device, while the others wait.

mod spending;
mod written;

use std::path::Path;
use std::rc::Rc;

use anyhow::{Error, Result, bail};

use self::spending::Spent;
use self::written::News;
pub use self::written::of_session;
use crate::aws::network::{self, Preparation};
use crate::aws::sts::{Client, Reading, Refusal};
use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::error::Failure;
use crate::files::document::Document;
use crate::files::profiles::{self, File};
use crate::files::sessions::Session;
use crate::files::store::{self, Lock, Store, Turn, UsedCodes};
use crate::plan::{Asking, Way, quoted_path};
use crate::renewal::codes::Codes;
use crate::renewal::group::{Done, Group, Job, Results, Seen, look};
use crate::report::Report;

/// How often the files are looked at, while other processes or AWS end sessions that were just found.
const ROUNDS: usize = 3;

/// Gets new credentials for a group and writes them, unless another process has just done so. Whatever is in the way is told
/// for each profile; what can be known before is found before a code is asked for.
pub fn renew(
    asking: &Asking,
    path: &Path,
    report: Report,
    group: &Group,
    codes: &mut Codes<'_>,
) -> Results {
    let mut results = Results::default();
    let begun = Renewal::begin(asking, path, report, group, codes, &mut results);
    match begun {
        Ok(Some(mut renewal)) => renewal.run(),
        Ok(None) => {}
        Err(error) => results.failed.push((results.open(group), error)),
    }
    // Where everything had ended, nothing has failed.
    results.failed.retain(|(jobs, _)| !jobs.is_empty());
    results
}

/// A renewal under way.
struct Renewal<'a, 'e> {
    asking: &'a Asking,
    path: &'a Path,
    report: Report,
    group: &'a Group,
    codes: &'a mut Codes<'e>,
    results: &'a mut Results,
    store: Store,
    used: UsedCodes,
    client: LazyClient,
    /// The turn to ask, from the first prompt until what the code has bought is written.
    asking_turn: Option<Lock>,
}

/// What the files say now.
struct State {
    session: Option<Session>,
    /// Whether a job needs a session that is not there.
    needs_session: bool,
}

/// Whether a session served.
enum Served {
    /// Each job has what it needs, or failed for a reason of its own.
    All,
    /// AWS does not take the session.
    Dismissed,
}

impl<'a, 'e> Renewal<'a, 'e> {
    /// Tries all that can be tried without a code. None where nothing is left to renew.
    fn begin(
        asking: &'a Asking,
        path: &'a Path,
        report: Report,
        group: &'a Group,
        codes: &'a mut Codes<'e>,
        results: &'a mut Results,
    ) -> Result<Option<Self>> {
        let store = Store::open(path)?;
        store.check_sessions()?;
        written::rehearse(&store, path, group, results)?;
        if results.open(group).is_empty() {
            return Ok(None);
        }
        // Only when something is written there anyway: a run before every command must not nag.
        let is_written = !group.jobs.iter().all(Job::is_private);
        if let Some(readers) = store::readers(path).filter(|_| is_written) {
            report.warning(format_args!(
                "{} can be read by {readers}: chmod 600 {}",
                path.display(),
                quoted_path(path)
            ));
        }
        for job in results.open(group) {
            let mut steps = group.jobs[job].plan.steps.iter();
            if let Err(error) = steps.try_for_each(|step| network::check(&step.connection)) {
                results.failed.push((vec![job], error));
            }
        }
        let open = results.open(group);
        if open.is_empty() {
            return Ok(None);
        }
        let steps = open.iter().flat_map(|job| &group.jobs[*job].plan.steps);
        let client = LazyClient::Preparing(network::prepare(
            steps.map(|step| &step.connection),
            report,
        )?);
        tell_begin(report, group, &results.open(group));
        let used = store.used_codes(&group.maker.section(), &group.keys);
        Ok(Some(Self {
            asking,
            path,
            report,
            group,
            codes,
            results,
            store,
            used,
            client,
            asking_turn: None,
        }))
    }

    fn run(&mut self) {
        if let Err(error) = self.by_session() {
            let jobs = self.results.open_for_session(self.group);
            self.results.failed.push((jobs, error));
        }
        for job in self.results.open(self.group) {
            // What is there now is there for others, too.
            self.asking_turn = None;
            if let Err(error) = self.directly(job) {
                self.results.failed.push((vec![job], error));
            }
        }
    }

    /// Serves all jobs that a session serves: with the one that is stored, else with a new one.
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
                        "AWS does not take the session {} any more",
                        network::masked(&id)
                    ));
                    dismissed = Some(id);
                }
            }
        }
        bail!(went_away())
    }

    /// The session, whether it is new, and the turn to call with it. None where no job needs it any more.
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
            match self.spend(&first.plan)? {
                Spent::On(credentials) => {
                    let session = Session {
                        credentials,
                        section: None,
                    };
                    return Ok(Some((session, true, calling)));
                }
                // As often as codes can be got.
                Spent::InVain => {}
                // The session has gone since it was found.
                Spent::Nothing => rounds += 1,
            }
        }
        bail!(went_away())
    }

    /// The job that says what the session is to be like: the one that wants it longest.
    fn first_for_session(&self) -> Option<&'a Job> {
        let open = self.results.open_for_session(self.group);
        let jobs = open.iter().map(|job| &self.group.jobs[*job]);
        jobs.reduce(|first, job| {
            let seconds = |job: &Job| job.plan.steps[0].duration.value;
            if seconds(job) > seconds(first) {
                job
            } else {
                first
            }
        })
    }

    /// Gives each job what it needs of the session, and writes it.
    fn serve(&mut self, session: &Session, is_new: bool) -> Result<Served> {
        let group = self.group;
        let way = |job: usize| group.jobs[job].plan.decision.way;
        let (roles, own): (Vec<usize>, Vec<usize>) = self
            .results
            .open_for_session(group)
            .into_iter()
            .partition(|job| way(*job) == Way::Chain);
        // A new one at once, so that whatever comes between costs no second code.
        if is_new {
            self.write_session(session, &own, Done::Renewed)?;
        }
        let refused = self.assume(&roles, &session.credentials)?;
        if let Some((job, _)) = refused.first()
            && !is_new
        {
            let plan = &group.jobs[*job].plan;
            if !self
                .client
                .get()?
                .takes(plan, &group.keys, &session.credentials)
            {
                return Ok(Served::Dismissed);
            }
        }
        for (job, error) in refused {
            self.results.failed.push((vec![job], error));
        }
        if !is_new && !own.is_empty() {
            self.write_session(session, &own, Done::Shared)?;
        }
        Ok(Served::All)
    }

    /// Writes a session for the jobs that want it for itself, and where it can be found again.
    fn write_session(
        &mut self,
        session: &Session,
        jobs: &[usize],
        done: fn(Credentials) -> Done,
    ) -> Result<()> {
        let credentials = &session.credentials;
        self.write(&News {
            credentials: jobs.iter().map(|job| (*job, credentials)).collect(),
            session: session.section.is_none().then_some(credentials),
        })?;
        let ended = jobs.iter().map(|job| (*job, done(credentials.clone())));
        self.results.done.extend(ended);
        Ok(())
    }

    /// Assumes roles from the session, and writes what comes as it comes. Returns those for which AWS did not take the
    /// session.
    fn assume(&mut self, roles: &[usize], session: &Credentials) -> Result<Vec<(usize, Error)>> {
        let mut refused = Vec::new();
        if roles.is_empty() {
            return Ok(refused);
        }
        let group = self.group;
        let client = self.client.get()?;
        let mut count = self.report.count("roles", roles.len());
        let mut written = Ok(());
        let plans = roles.iter().map(|job| (*job, &group.jobs[*job].plan));
        client.assume(plans, &group.keys, session, |answers| {
            let mut got = Vec::new();
            for (job, answer) in answers {
                count.step();
                match answer {
                    Ok(credentials) => got.push((job, credentials)),
                    Err(Refusal {
                        error,
                        reading: Reading::Session,
                    }) => refused.push((job, error)),
                    Err(Refusal { error, .. }) => self.results.failed.push((vec![job], error)),
                }
            }
            if !got.is_empty()
                && let Err(error) = self.write_roles(got)
            {
                written = Err(error);
            }
        });
        written.map(|()| refused)
    }

    fn write_roles(&mut self, got: Vec<(usize, Credentials)>) -> Result<()> {
        self.write(&News {
            credentials: got.iter().map(|(job, new)| (*job, new)).collect(),
            session: None,
        })?;
        for (job, credentials) in got {
            self.results.done.insert(job, Done::Renewed(credentials));
        }
        Ok(())
    }

    /// Assumes a role with a code of its own.
    fn directly(&mut self, job: usize) -> Result<()> {
        let plan = &self.group.jobs[job].plan;
        let is_done = |renewal: &Self| renewal.results.done.contains_key(&job);
        loop {
            if is_done(self) {
                return Ok(());
            }
            self.have_code(plan.decision.seconds, |renewal| {
                renewal.look_again(None)?;
                Ok(!is_done(renewal))
            })?;
            if is_done(self) {
                return Ok(());
            }
            let _calling = self.take(Turn::Call)?;
            self.look_again(None)?;
            if is_done(self) {
                return Ok(());
            }
            let first = match self.spend(plan)? {
                Spent::On(first) => first,
                Spent::InVain => continue,
                Spent::Nothing => bail!(self.codes.nobody("it has gone")),
            };
            return match self.assume(&[job], &first)?.pop() {
                Some((_, error)) => Err(error),
                None => Ok(()),
            };
        }
    }

    fn take(&self, turn: Turn) -> Result<Lock> {
        let timeout = self.asking.lock_timeout;
        let credentials = self.group.maker.section();
        self.report
            .trace(format_args!("waiting for the turn: {turn:?}"));
        self.store.take(turn, &credentials, timeout, |holder| {
            Report::notice(format_args!(
                "waiting for {}, which is renewing credentials with the same device",
                store::process(holder)
            ));
        })
    }

    /// Notes what other processes have renewed while this one waited, and finds the session that is stored now.
    fn look_again(&mut self, dismissed: Option<&str>) -> Result<State> {
        let text = profiles::read(self.path)?.unwrap_or_default();
        let credentials = File {
            path: self.path,
            document: Document::parse(&text),
        };
        for index in self.results.open(self.group) {
            let job = &self.group.jobs[index];
            if let Seen::Valid(found) = look(&credentials, &job.target, &job.wanted)? {
                self.results.done.insert(index, Done::StillValid(found));
            }
        }
        let session = self
            .group
            .session_at_hand(self.path, &credentials)
            .filter(|session| Some(session.credentials.access_key_id.as_str()) != dismissed);
        let now = clock::now();
        let needs_session = self
            .results
            .open_for_session(self.group)
            .iter()
            .any(|job| !self.group.jobs[*job].is_served(session.as_ref(), now));
        self.report.trace(match (&session, needs_session) {
            (Some(session), false) => format!(
                "a session is there: {}, until {}",
                network::masked(&session.credentials.access_key_id),
                session.credentials.expiration
            ),
            (_, false) => "no session is needed".to_owned(),
            (Some(_), true) => "the session that is there does not do".to_owned(),
            (None, true) => "there is no session".to_owned(),
        });
        Ok(State {
            session,
            needs_session,
        })
    }
}

fn went_away() -> Failure {
    Failure::new("the MFA session went away again and again while it was used")
        .hint("is another tool writing the file? look at it, then run it again")
}

/// The client, which is waited for only when it is needed.
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
            Self::Preparing(_) | Self::Broken => bail!("the HTTP client could not be made"),
        }
    }
}

fn tell_begin(report: Report, group: &Group, jobs: &[usize]) {
    if let [job] = jobs {
        let job = &group.jobs[*job];
        report.progress(format_args!(
            "renewing {}: {}",
            job.target.label(),
            job.because
        ));
        return;
    }
    let jobs = || jobs.iter().map(|job| &group.jobs[*job]);
    let sections: Vec<String> = jobs().map(|job| job.target.label()).collect();
    report.progress(format_args!("renewing {}", sections.join(", ")));
    for job in jobs() {
        report.detail(format_args!("{}: {}", job.target.label(), job.because));
    }
}
