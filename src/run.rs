//! One short function per command. The only module that knows all stages.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, Refresh, Sections, Setup, Verbosity};
use crate::credentials::Credentials;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::freshness::{self, Asked, Freshness, Reason};
use crate::mfa_code::{self, MfaCode};
use crate::plan::{self, Call, Plan, Target};
use crate::profiles::{self, File, Paths};
use crate::report::{self, Report};
use crate::setup::{self, Respondent};
use crate::store::{self, Edit, Lock, Store, Turn, Way};
use crate::{short_term, sts};

/// How long to wait for another process that renews the same profile: as long as a person may take to type a code.
const LOCK_TIMEOUT: Duration = Duration::from_mins(2);

/// Does what the command line says.
///
/// # Errors
/// What a user has to know.
pub fn run(cli: &Cli, environment: &Environment) -> Result<()> {
    match &cli.command {
        Some(Command::Setup(Setup {
            sections,
            verbosity,
        })) => set_up(sections, verbosity, environment),
        None if cli.refresh.setup => {
            set_up(&cli.refresh.sections, &cli.refresh.verbosity, environment)
        }
        None => refresh(&cli.refresh, environment),
    }
}

/// Makes sure that the profile has valid credentials.
fn refresh(args: &Refresh, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let target = plan::target(&args.sections, environment)?;
    let paths = Paths::find(environment)?;
    store::recover(&paths.credentials)?;
    let Some(text) = profiles::read(&paths.credentials)? else {
        bail!(no_file(&paths.credentials, &target));
    };
    let credentials = File {
        path: &paths.credentials,
        document: Document::parse(&text),
    };
    warn_of_irregularities(
        report,
        &credentials,
        &[&target.long_term, &target.short_term],
    );
    let wanted = Wanted {
        role_arn: plan::wanted_role(args, environment, &target, &credentials)
            .map(|role| role.value),
        min_ttl: TimeDelta::seconds(plan::min_ttl(args, environment)?.into()),
        force: args.force,
    };
    match look(&credentials, &target, &wanted)? {
        Freshness::Reuse { until } => tell_still_valid(report, &target, until),
        Freshness::Renew { because } => {
            let config = profiles::read(&paths.config)?.unwrap_or_default();
            let config = File {
                path: &paths.config,
                document: Document::parse(&config),
            };
            let plan = plan::plan(args, environment, &target, &credentials, &config)?;
            tell(report, &target, &plan);
            let renewal = Renewal {
                args,
                target: &target,
                plan: &plan,
                wanted: &wanted,
                path: &paths.credentials,
                report,
            };
            renewal.run(mfa_code::given(args, environment)?, &because)?;
        }
    }
    Ok(())
}

/// What the credentials have to be like.
struct Wanted {
    role_arn: Option<String>,
    min_ttl: TimeDelta,
    force: bool,
}

/// Whether the credentials that are stored are as wanted.
fn look(credentials: &File<'_>, target: &Target, wanted: &Wanted) -> Result<Freshness> {
    plan::check_sections(credentials, &[&target.short_term])?;
    let asked = Asked {
        role_arn: wanted.role_arn.as_deref(),
        min_ttl: wanted.min_ttl,
        force: wanted.force,
    };
    let stored = short_term::read(credentials, &target.short_term);
    Ok(freshness::judge(&stored, &asked, Utc::now()))
}

/// The way from stale credentials to new ones, which only one process at a time goes for a section.
struct Renewal<'a> {
    args: &'a Refresh,
    target: &'a Target,
    plan: &'a Plan,
    wanted: &'a Wanted,
    path: &'a Path,
    report: Report,
}

impl Renewal<'_> {
    /// Gets new credentials for one code, and writes them, unless another process has just done so.
    fn run(&self, given: Option<MfaCode>, because: &Reason) -> Result<()> {
        let section = &self.target.short_term;
        let store = Store::open(self.path)?;
        store.check()?;
        // Only when something is written anyway: a run before every command must not nag.
        if let Some(readers) = store.readers() {
            let path = self.path.display();
            self.report.warning(format_args!(
                "{path} can be read by {readers}: chmod 600 '{path}'"
            ));
        }
        self.report
            .progress(format_args!("renewing [{section}]: {because}"));
        let given = match given {
            Some(code) => Some(code),
            None => mfa_code::piped()?,
        };
        // Whoever has a code need not wait until a person has typed one for another process.
        let asking = match given {
            Some(_) => None,
            None => Some(self.take(&store, Turn::Ask)?),
        };
        if asking.is_some() && self.done_meanwhile()? {
            return Ok(());
        }
        let client = sts::prepare(self.plan);
        let code = match given {
            Some(code) => code,
            None => mfa_code::ask(self.args, self.plan)?,
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
    fn edits<'c>(&self, file: &File<'_>, credentials: &'c Credentials) -> Result<Vec<Edit<'c>>> {
        let section = &self.target.short_term;
        plan::check_sections(file, &[section])?;
        if short_term::holds_long_term_keys(file, section) {
            bail!(plan::long_term_keys_in_the_way(self.target, file));
        }
        Ok(vec![Edit {
            section: section.clone(),
            changes: short_term::changes(credentials),
        }])
    }
}

/// Asks for long-term keys and writes them, or moves those that stand in the way.
fn set_up(sections: &Sections, verbosity: &Verbosity, environment: &Environment) -> Result<()> {
    let report = Report::new(verbosity);
    let paths = Paths::find(environment)?;
    let path = &paths.credentials;
    let suggested = plan::target(sections, environment)?;
    let mut respondent = Respondent::find()?;
    let target = plan::target(
        &Sections {
            profile: Some(respondent.profile(&suggested.profile.value)?),
            long_term_suffix: sections.long_term_suffix.clone(),
            short_term_suffix: sections.short_term_suffix.clone(),
        },
        environment,
    )?;
    let text: Zeroizing<String> = profiles::read(path)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&text),
    };
    let (long_term, short_term) = (&target.long_term, &target.short_term);
    plan::check_sections(&file, &[long_term, short_term])?;
    if setup::has_keys(&file, long_term) {
        bail!(setup::occupied(path, long_term));
    }
    if let Some(directory) = path.parent() {
        store::private_directory(directory).map_err(|error| {
            Failure::new(format!(
                "{} cannot be made: {}",
                directory.display(),
                profiles::reason(&error)
            ))
        })?;
    }
    let store = Store::open(path)?;
    store.check()?;
    if short_term::holds_long_term_keys(&file, short_term)
        && respondent.agrees_to_move(short_term, long_term)?
    {
        let device = if setup::has_device(&file, short_term) {
            None
        } else {
            respondent.device()?
        };
        store.update(|file| setup::move_keys(file, short_term, long_term, device.as_ref()))?;
        report.progress(format_args!(
            "moved the keys from [{short_term}] to [{long_term}]"
        ));
    } else {
        let answers = respondent.keys()?;
        store.update(|file| setup::write(file, long_term, &answers))?;
        report.progress(format_args!("wrote [{long_term}] to {}", path.display()));
    }
    report.progress(format_args!(
        "next: mfa-creds --profile {}",
        target.profile.value
    ));
    Ok(())
}

fn no_file(path: &Path, target: &Target) -> Failure {
    Failure::new(format!("there is no credentials file {}", path.display()))
        .hint(format!("`{}` makes it", target.setup_command))
}

/// Tells of malformed lines elsewhere: they are none of our business, but other tools may refuse the file for them.
fn warn_of_irregularities(report: Report, file: &File<'_>, sections: &[&str]) {
    for note in file.document.notes() {
        let message = format!("{}:{} {}", file.path.display(), note.line, note.what);
        let ours = sections
            .iter()
            .any(|section| file.document.is_in(note, section));
        if !note.what.is_malformed() {
            report.detail(format_args!(
                "{message}: some AWS SDKs refuse the file for it"
            ));
        } else if !ours {
            report.warning(format_args!("{message}: AWS tools refuse the file for it"));
        }
    }
}

fn tell_still_valid(report: Report, target: &Target, until: DateTime<Utc>) {
    report.progress(format_args!(
        "[{}] is still valid until {}",
        target.short_term,
        report::until(until, Utc::now())
    ));
}

/// What was decided and who decided it.
fn tell(report: Report, target: &Target, plan: &Plan) {
    let line = |what: &str, value: &str, origin: &plan::Origin| {
        report.detail(format_args!("{what}: {value} ({origin})"));
    };
    line("profile", &target.profile.value, &target.profile.origin);
    report.detail(format_args!("long-term keys: {}", plan.keys_section));
    line("device", plan.device.value.as_str(), &plan.device.origin);
    if let Call::AssumeRole(role) = &plan.call {
        line("role", &role.arn.value, &role.arn.origin);
        line(
            "role session name",
            &role.session_name.value,
            &role.session_name.origin,
        );
        if let Some(id) = &role.external_id {
            line("external id", &id.value, &id.origin);
        }
    }
    line(
        "duration",
        &format!("{} s", plan.duration.value),
        &plan.duration.origin,
    );
    let connection = &plan.connection;
    line(
        "region",
        &connection.region.value,
        &connection.region.origin,
    );
    if let Some(url) = &connection.endpoint_url {
        line("endpoint", &url.value, &url.origin);
    }
    if let Some(bundle) = &connection.ca_bundle {
        line("CA bundle", &bundle.value, &bundle.origin);
    }
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
