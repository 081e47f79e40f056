//! The way from stale credentials to new ones, which one process at a time goes for a section while the others wait.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::Refresh;
use crate::credentials::{Credentials, Secret};
use crate::document::Document;
use crate::error::Failure;
use crate::freshness::{self, Asked, Freshness, Reason};
use crate::mfa_code::{self, MfaCode};
use crate::plan::{self, Call, Plan, Target};
use crate::profiles::{self, File};
use crate::report::{self, Report};
use crate::short_term;
use crate::store::{self, Edit, Lock, Store, Turn, Way};
use crate::sts;

/// How long to wait for another process that renews the same profile: as long as a person may take to type a code.
const LOCK_TIMEOUT: Duration = Duration::from_mins(2);

/// What the credentials have to be like.
pub struct Wanted {
    /// The role that they must be for; none for the user's own session.
    pub role_arn: Option<String>,
    /// How long they must still last at least.
    pub min_ttl: TimeDelta,
    /// Renew them in any case.
    pub force: bool,
}

/// Whether the credentials that are stored are as wanted.
///
/// # Errors
/// When their section cannot be read in one way only.
pub fn look(credentials: &File<'_>, target: &Target, wanted: &Wanted) -> Result<Freshness> {
    plan::check_sections(credentials, &[&target.short_term])?;
    let asked = Asked {
        role_arn: wanted.role_arn.as_deref(),
        min_ttl: wanted.min_ttl,
        force: wanted.force,
    };
    let stored = short_term::read(credentials, &target.short_term);
    Ok(freshness::judge(&stored, &asked, Utc::now()))
}

/// All that is known when the way begins.
pub struct Renewal<'a> {
    pub args: &'a Refresh,
    pub target: &'a Target,
    pub plan: &'a Plan,
    pub wanted: &'a Wanted,
    pub path: &'a Path,
    pub report: Report,
}

impl Renewal<'_> {
    /// Gets new credentials for one code, and writes them, unless another process has just done so.
    ///
    /// # Errors
    /// Whatever is in the way; what can be known before is found before the code is asked for.
    pub fn run(&self, given: Option<MfaCode>, because: &Reason) -> Result<()> {
        let section = &self.target.short_term;
        let store = Store::open(self.path)?;
        store.check(|file| self.edits(file, &like_those_to_come(self.plan)))?;
        // Only when something is written anyway: a run before every command must not nag.
        if let Some(readers) = store.readers() {
            let path = self.path.display();
            self.report.warning(format_args!(
                "{path} can be read by {readers}: chmod 600 '{path}'"
            ));
        }
        let client = sts::prepare(self.plan)?;
        self.report
            .progress(format_args!("renewing [{section}]: {because}"));
        let given = match given {
            Some(code) => Some(code),
            None => mfa_code::piped()?,
        };
        let (code, _asking) = match given {
            // Whoever has a code need not wait until a person has typed one for another process.
            Some(code) => (code, None),
            None if self.args.no_input => {
                bail!(mfa_code::nobody("--no-input forbids to ask for it"))
            }
            None => {
                let asking = self.take(&store, Turn::Ask)?;
                if self.done_meanwhile()? {
                    return Ok(());
                }
                (mfa_code::ask(self.plan)?, Some(asking))
            }
        };
        let _calling = self.take(&store, Turn::Call)?;
        if self.done_meanwhile()? {
            return Ok(());
        }
        let credentials = client.exchange(self.plan, &code)?;
        let way = store.update(|file| self.edits(file, &credentials))?;
        if let Way::InPlace(reason) = way {
            self.report.detail(format_args!(
                "wrote {} in place, with a backup meanwhile: {reason}",
                self.path.display()
            ));
        }
        self.report
            .progress(granted(self.target, self.plan, &credentials, Utc::now()));
        Ok(())
    }

    fn take(&self, store: &Store, turn: Turn) -> Result<Lock> {
        let section = &self.target.short_term;
        let timeout = self
            .args
            .lock_timeout
            .map_or(LOCK_TIMEOUT, Duration::from_secs);
        store.take(turn, section, timeout, |holder| {
            Report::notice(format_args!(
                "waiting for {}, which is renewing [{section}]",
                store::process(holder)
            ));
        })
    }

    /// Whether another process has renewed the credentials while this one waited.
    fn done_meanwhile(&self) -> Result<bool> {
        let text = profiles::read(self.path)?.unwrap_or_default();
        let credentials = File {
            path: self.path,
            document: Document::parse(&text),
        };
        match look(&credentials, self.target, self.wanted)? {
            Freshness::Reuse { until } => {
                tell_still_valid(self.report, self.target, until);
                Ok(true)
            }
            Freshness::Renew { .. } => Ok(false),
        }
    }

    /// What to write. The file may have changed while the code was typed.
    fn edits(&self, file: &File<'_>, credentials: &Credentials) -> Result<Vec<Edit<'static>>> {
        let section = &self.target.short_term;
        plan::check_sections(file, &[section])?;
        if !file.document.has(&self.target.long_term) {
            bail!(
                Failure::new(format!(
                    "[{}] has gone from {} while the code was typed, so nothing was written",
                    self.target.long_term,
                    self.path.display()
                ))
                .hint("is another tool writing the file? look at it, then run it again")
            );
        }
        if short_term::holds_long_term_keys(file, section) {
            bail!(plan::long_term_keys_in_the_way(self.target, file));
        }
        Ok(vec![Edit {
            section: section.clone(),
            changes: short_term::changes(credentials),
        }])
    }
}

/// Credentials of the shape that STS grants, to try beforehand whether they could be written.
fn like_those_to_come(plan: &Plan) -> Credentials {
    Credentials {
        access_key_id: "ASIA".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Secret::new("token"),
        expiration: DateTime::UNIX_EPOCH,
        role_arn: match &plan.call {
            Call::GetSessionToken => None,
            Call::AssumeRole(role) => Some(role.arn.value.clone()),
        },
    }
}

/// Says that nothing has to be done.
pub fn tell_still_valid(report: Report, target: &Target, until: DateTime<Utc>) {
    report.progress(format_args!(
        "[{}] is still valid until {}",
        target.short_term,
        report::until(until, Utc::now())
    ));
}

fn granted(target: &Target, plan: &Plan, credentials: &Credentials, now: DateTime<Utc>) -> String {
    let asked = TimeDelta::seconds(plan.duration.value.into());
    // A minute for the clocks and the way.
    let less = if credentials.expiration - now < asked - TimeDelta::minutes(1) {
        format!(" (asked for {})", report::span(asked))
    } else {
        String::new()
    };
    let until = report::until(credentials.expiration, now);
    format!("[{}] is valid until {until}{less}", target.short_term)
}
