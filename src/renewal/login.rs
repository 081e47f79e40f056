//! Gets the credentials of a session of `aws login`, and assumes roles with them. No code is needed.
//!
//! AWS tools store the session in a file, which they write without a lock. One process of ours at a time renews a session. If an AWS tool
//! has renewed it meanwhile, AWS may reject our renewal; the file then has a newer session, and that is used.

use std::path::Path;
use std::time::Duration;

use anyhow::{Error, Result, bail};
use chrono::TimeDelta;

use crate::aws::login::{self, NotRenewed};
use crate::aws::network::{RequestContext, Signer};
use crate::aws::sts::{Client, RefusalKind};
use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::digest;
use crate::core::error::{Exit, Failure};
use crate::core::wait::poll;
use crate::files::document::Document;
use crate::files::login_cache::{self, StoredLogin, Unusable};
use crate::files::profiles::{self, File};
use crate::files::store::{self, Store, Turn};
use crate::plan::{CodeSettings, Keys, LoginSession, Origin, Plan, Setting};
use crate::prompt::aws_login;
use crate::renewal::cache_state::{CacheState, LOGIN_MARGIN, look};
use crate::renewal::group::{Job, Outcome, fail_together};
use crate::renewal::renew::{Writer, prepare, tell_begin};
use crate::report::Report;

/// The credentials only have to last until the roles are assumed.
const MARGIN_FOR_ROLES: TimeDelta = TimeDelta::minutes(1);
/// AWS tools write the file in place, so it is incomplete for a moment: it is read again this often, after this long.
const PAUSES: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// The same after AWS has refused a session, which an AWS tool may have renewed and not yet stored.
const PAUSES_FOR_OTHERS: usize = 25;
/// How often the file is read again because somebody else has changed it.
const ROUNDS: usize = 3;

/// Jobs that depend on the same session.
pub struct LoginGroup {
    /// Those whose goal are its credentials. Nothing is written for them but the session itself.
    pub goals: Vec<Job>,
    /// Those that assume roles.
    pub roles: Vec<Job>,
}

/// Takes the jobs that depend on a session of `aws login`, in groups.
pub fn take_groups(jobs: &mut Vec<Job>) -> Vec<LoginGroup> {
    let mut groups: Vec<(Box<Path>, LoginGroup)> = Vec::new();
    let of_login = jobs.extract_if(.., |job| matches!(job.plan.key_source.keys, Keys::Login(_)));
    for job in of_login {
        let Keys::Login(LoginSession { cache, .. }) = &job.plan.key_source.keys else {
            continue;
        };
        let place = groups.iter().position(|(other, _)| **other == **cache);
        let place = place.unwrap_or_else(|| {
            let group = LoginGroup {
                goals: Vec::new(),
                roles: Vec::new(),
            };
            groups.push((cache.as_path().into(), group));
            groups.len() - 1
        });
        let group = &mut groups[place].1;
        match job.plan.role() {
            Some(_) => group.roles.push(job),
            None => group.goals.push(job),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl LoginGroup {
    fn open(&self) -> Vec<&Job> {
        let jobs = self.goals.iter().chain(&self.roles);
        jobs.filter(|job| job.is_open()).collect()
    }

    /// All jobs, when they have ended.
    pub fn into_jobs(self) -> Vec<Job> {
        self.goals.into_iter().chain(self.roles).collect()
    }
}

/// Gets new credentials for a group and writes them; each job says how it ended.
pub fn renew(code_settings: &CodeSettings, path: &Path, report: Report, group: &LoginGroup) {
    let renewed = Renewal::begin(code_settings, path, report, group).and_then(|renewal| {
        let Some(mut renewal) = renewal else {
            return Ok(());
        };
        renewal.run()
    });
    if let Err(error) = renewed {
        fail_together(&group.open(), error);
    }
}

/// A renewal under way.
struct Renewal<'a> {
    code_settings: &'a CodeSettings,
    report: Report,
    group: &'a LoginGroup,
    session: &'a LoginSession,
    /// The plan of a job, for what all jobs share.
    plan: &'a Plan,
    writer: Writer<'a>,
    client: Client,
    /// The access key ID of credentials that AWS no longer accepts, though they should last.
    dismissed: Option<String>,
}

/// What a try to get the credentials leads to.
enum Tried {
    Usable(Credentials, Source),
    /// Somebody has to sign in. There may be credentials that are still valid.
    NotSignedIn(Failure, Option<Credentials>),
}

/// Where credentials come from.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Source {
    Cache,
    Aws,
}

impl<'a> Renewal<'a> {
    /// Tries everything that can fail without a call. None if no job is left.
    fn begin(
        code_settings: &'a CodeSettings,
        path: &'a Path,
        report: Report,
        group: &'a LoginGroup,
    ) -> Result<Option<Self>> {
        let writer = Writer::open(path, report, &group.roles, None)?;
        if !group.roles.is_empty() {
            writer.check()?;
            writer.warn_of_readers();
        }
        let Some(preparation) = prepare(&group.open(), report)? else {
            return Ok(None);
        };
        let open = group.open();
        let Some((plan, Keys::Login(session))) = open
            .first()
            .map(|job| (&job.plan, &job.plan.key_source.keys))
        else {
            return Ok(None);
        };
        tell_begin(report, &open);
        Ok(Some(Self {
            code_settings,
            report,
            group,
            session,
            plan,
            writer,
            client: Client::new(preparation.finish()?),
            dismissed: None,
        }))
    }

    fn run(&mut self) -> Result<()> {
        let _turn = if self.group.roles.is_empty() {
            None
        } else {
            let turn = self.turn(&self.writer.store)?;
            self.look_again()?;
            Some(turn)
        };
        if self.group.open().is_empty() {
            return Ok(());
        }
        let (credentials, source) = self.credentials()?;
        for job in self.group.goals.iter().filter(|job| job.is_open()) {
            job.end(match source {
                Source::Cache => Outcome::StillFresh(credentials.clone()),
                Source::Aws => Outcome::Renewed(credentials.clone()),
            });
        }
        if !self.assume(&credentials, source == Source::Cache)? {
            return Ok(());
        }
        self.dismissed = Some(credentials.access_key_id);
        let (credentials, _) = self.credentials()?;
        self.assume(&credentials, false).map(drop)
    }

    /// Finds the roles that another process assumed while this one waited.
    fn look_again(&self) -> Result<()> {
        let path = self.writer.path;
        let text = profiles::read(path)?.unwrap_or_default();
        let credentials = File {
            path,
            document: Document::parse(&text),
        };
        for job in self.group.roles.iter().filter(|job| job.is_open()) {
            if let CacheState::Fresh(found) = look(&credentials, &job.sections, &job.wanted)? {
                job.end(Outcome::StillFresh(found));
            }
        }
        Ok(())
    }

    /// The profile that is signed in.
    fn profile(&self) -> &str {
        self.plan.profiles.last().map_or("", String::as_str)
    }

    /// The credentials of the session. If nobody is signed in, offers to do that.
    fn credentials(&mut self) -> Result<(Credentials, Source)> {
        let mut has_signed_in = false;
        loop {
            match self.tried()? {
                Tried::Usable(credentials, _) if has_signed_in => {
                    return Ok((credentials, Source::Aws));
                }
                Tried::Usable(credentials, source) => return Ok((credentials, source)),
                Tried::NotSignedIn(problem, rest) => {
                    let settings = &self.code_settings.prompt_settings;
                    if !has_signed_in && aws_login::offer(self.profile(), &problem, settings)? {
                        self.check_identity()?;
                        has_signed_in = true;
                        continue;
                    }
                    let Some(rest) = rest else {
                        bail!(problem);
                    };
                    self.report
                        .warning_for("the last credentials are used", &problem.into());
                    return Ok((rest, Source::Cache));
                }
            }
        }
    }

    /// Refuses to continue if somebody else has signed in: `aws login` then changes the profile, which this run has read before.
    fn check_identity(&self) -> Result<()> {
        let Setting { value, origin } = &self.session.identity;
        let Origin::File { key, section, path } = origin else {
            return Ok(());
        };
        let text = profiles::read(path)?.unwrap_or_default();
        let config = File {
            path,
            document: Document::parse(&text),
        };
        match config.get(section, key) {
            Some(now) if now != *value => bail!(
                Failure::new(format!(
                    "`aws login` has signed in {now} for [{section}], which was {value}"
                ))
                .hint("run the command again")
            ),
            _ => Ok(()),
        }
    }

    fn tried(&mut self) -> Result<Tried> {
        match self.stored()? {
            Err(problem) => Ok(Tried::NotSignedIn(problem, None)),
            Ok(stored) if self.serves(&stored) => {
                Ok(Tried::Usable(stored.credentials, Source::Cache))
            }
            Ok(_) => self.in_turn(),
        }
    }

    /// Whether stored credentials last long enough.
    fn serves(&self, stored: &StoredLogin) -> bool {
        self.is_accepted(stored) && lasts(stored, self.needed(LOGIN_MARGIN))
    }

    fn is_accepted(&self, stored: &StoredLogin) -> bool {
        let id = Some(&stored.credentials.access_key_id);
        id != self.dismissed.as_ref()
    }

    /// How long credentials must last: for those whose goal they are at least this margin.
    fn needed(&self, margin: TimeDelta) -> TimeDelta {
        let goals = self.group.goals.iter().filter(|job| job.is_open());
        let needed = goals.map(|job| {
            if job.wanted.force {
                TimeDelta::MAX
            } else {
                job.wanted.min_ttl.max(margin)
            }
        });
        needed.max().unwrap_or(MARGIN_FOR_ROLES)
    }

    /// Renews the session, unless another process has just done so.
    fn in_turn(&mut self) -> Result<Tried> {
        let before = self.stored()?.ok();
        let cache = &self.session.cache;
        let beside = Store::of_directory(cache.parent().unwrap_or(cache))?;
        let _turn = self.turn(&beside)?;
        let mut refused: Option<(StoredLogin, String)> = None;
        for _ in 0..ROUNDS {
            let stored = match self.stored()? {
                Ok(stored) => stored,
                Err(problem) => return Ok(Tried::NotSignedIn(problem, None)),
            };
            let is_new = before
                .as_ref()
                .is_none_or(|before| !is_same(before, &stored));
            if self.serves(&stored) || is_new && lasts(&stored, LOGIN_MARGIN) {
                return Ok(Tried::Usable(stored.credentials, Source::Cache));
            }
            if let Some((refused, how)) = &refused
                && is_same(refused, &stored)
            {
                return Ok(self.ended(how, stored));
            }
            match self.renewed(&stored) {
                Ok(credentials) => return Ok(Tried::Usable(credentials, Source::Aws)),
                Err(NotRenewed::Ended) => {
                    self.wait_for_others(&stored)?;
                    refused = Some((stored, "has ended".to_owned()));
                }
                Err(NotRenewed::Rejected(why)) => {
                    self.wait_for_others(&stored)?;
                    refused = Some((stored, why));
                }
                Err(NotRenewed::UnusableKey) => {
                    let problem = self.unusable("its dpopKey cannot sign");
                    return Ok(Tried::NotSignedIn(problem, self.rest_of(stored)));
                }
                Err(NotRenewed::Failed(error)) => return self.despite(error, stored),
            }
        }
        bail!(
            Failure::new(format!(
                "{} changed repeatedly while it was renewed",
                self.plan.key_source
            ))
            .hint("another tool may be renewing it: run the command again")
        )
    }

    /// Waits until the file has another session than one that AWS has refused, for a limited time.
    fn wait_for_others(&self, refused: &StoredLogin) -> Result<()> {
        let LoginSession { identity, cache } = self.session;
        let read = || -> Result<Option<()>> {
            let stored = login_cache::read(cache, &identity.value)?;
            let is_other = matches!(stored, Some(Ok(stored)) if !is_same(&stored, refused));
            Ok(is_other.then_some(()))
        };
        poll([PAUSE; PAUSES_FOR_OTHERS], || (), read).map(drop)
    }

    /// One process of ours at a time uses a session for a credentials file, and one at a time renews it, whichever file that is for.
    fn turn(&self, store: &Store) -> Result<store::Lock> {
        let id = digest::sha256(self.session.identity.value.as_bytes());
        let timeout = self.code_settings.lock_timeout;
        store.take(Turn::Login, &id, timeout, |holder| {
            let process = store::process(holder);
            Report::waiting_for_process(
                holder,
                format_args!(
                    "waiting for {process}, which is renewing the same session of `aws login`"
                ),
            )
        })
    }

    /// The session in the file, or what is wrong with it.
    fn stored(&self) -> Result<Result<StoredLogin, Failure>> {
        let LoginSession { identity, cache } = self.session;
        let mut flaw = "";
        let read = || match login_cache::read(cache, &identity.value)? {
            Some(Err(Unusable(why))) => {
                flaw = why;
                anyhow::Ok(None)
            }
            Some(Ok(stored)) => Ok(Some(Some(stored))),
            None => Ok(Some(None)),
        };
        Ok(match poll([PAUSE; PAUSES], || (), read)? {
            Some(Some(stored)) => Ok(stored),
            None => Err(self.unusable(flaw)),
            Some(None) => Err(self.failure(format!(
                "{} is not signed in: `aws login` has no session for {} ({})",
                self.profile(),
                identity.value,
                identity.origin
            ))),
        })
    }

    fn ended(&self, how: &str, stored: StoredLogin) -> Tried {
        let problem = self.failure(format!("{} {how}", self.plan.key_source));
        Tried::NotSignedIn(problem, self.rest_of(stored))
    }

    /// The credentials that cannot be renewed, if they are valid for as long as they have to be at least.
    fn rest_of(&self, stored: StoredLogin) -> Option<Credentials> {
        let serves = self.is_accepted(&stored) && lasts(&stored, self.needed(TimeDelta::zero()));
        serves.then_some(stored.credentials)
    }

    fn unusable(&self, why: &str) -> Failure {
        self.failure(format!(
            "{} cannot be used for {}: {why}",
            self.session.cache.display(),
            self.plan.key_source
        ))
    }

    fn failure(&self, problem: String) -> Failure {
        Failure::new(problem)
            .hint(format!(
                "sign in with `{}`",
                aws_login::command_line(self.profile())
            ))
            .exit(Exit::HumanNeeded)
    }

    /// Renews a session, and stores what AWS returns: the old refresh token may no longer work.
    fn renewed(&self, stored: &StoredLogin) -> Result<Credentials, NotRenewed> {
        let cache = &self.session.cache;
        login_cache::check_writable(cache)?;
        let request = RequestContext {
            connection: &self.plan.steps[0].connection,
            key_source: &self.plan.key_source,
            access_key_id: &stored.credentials.access_key_id,
            signer: Signer::Login,
            flags: &self.plan.key_source_flags,
            codes: &[],
        };
        let renewed = login::renew(self.client.network(), &request, stored)?;
        if let Err(error) = stored.renew(cache, &renewed) {
            self.report.warning_for(
                format_args!(
                    "the renewed session was not stored, so AWS tools may ask you to run `{}`",
                    aws_login::command_line(self.profile())
                ),
                &error,
            );
        } else {
            self.report.trace(format_args!("wrote {}", cache.display()));
        }
        Ok(renewed.credentials)
    }

    /// If AWS cannot be reached, credentials that are still valid serve anyway.
    fn despite(&self, error: Error, stored: StoredLogin) -> Result<Tried> {
        let Some(rest) = self.rest_of(stored) else {
            return Err(error);
        };
        self.report
            .warning_for("the session of `aws login` was not renewed", &error);
        Ok(Tried::Usable(rest, Source::Cache))
    }

    /// Assumes the roles, and writes each result as it arrives. Returns whether AWS does not accept the session, if that may be so: the
    /// roles are then still open.
    fn assume(&mut self, session: &Credentials, may_be_refused: bool) -> Result<bool> {
        let roles = self.group.roles.iter().filter(|job| job.is_open());
        let roles: Vec<&Job> = roles.collect();
        if roles.is_empty() {
            return Ok(false);
        }
        let (client, writer) = (&self.client, &mut self.writer);
        let mut is_refused = false;
        let mut count = self.report.count("roles", roles.len());
        let is_counted = count.is_shown();
        let mut written = Ok(());
        let plans = roles.iter().map(|job| (*job, &job.plan));
        let id = &session.access_key_id;
        client.assume(plans, id, session, is_counted, |answers| {
            let mut got = Vec::new();
            for (job, answer) in answers {
                count.step();
                match answer {
                    Ok(credentials) => got.push((job, credentials)),
                    Err(refusal) if may_be_refused && refusal.kind == RefusalKind::Session => {
                        is_refused = true;
                    }
                    Err(refusal) => job.fail(refusal.error),
                }
            }
            if !got.is_empty()
                && let Err(error) = writer.write_roles(got)
            {
                written = Err(error);
            }
        });
        written.map(|()| is_refused)
    }
}

fn lasts(stored: &StoredLogin, least: TimeDelta) -> bool {
    let left = stored.left(clock::now());
    left.is_some_and(|left| left >= least)
}

fn is_same(one: &StoredLogin, other: &StoredLogin) -> bool {
    one.refresh_token == other.refresh_token
}
