//! One short function per command. The only module that knows all stages.

use std::path::Path;

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, Refresh, Sections, Setup, Verbosity};
use crate::credentials::Credentials;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::freshness::{self, Asked, Freshness, Reason};
use crate::plan::{self, Call, Plan, Target};
use crate::profiles::{self, File, Paths};
use crate::report::{self, Report};
use crate::setup::{self, Respondent};
use crate::store::{self, Edit};
use crate::{mfa_code, short_term, sts};

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
    plan::check_sections(&credentials, &[&target.short_term])?;

    let role = plan::wanted_role(args, environment, &target, &credentials);
    let asked = Asked {
        role_arn: role.as_ref().map(|role| role.value.as_str()),
        min_ttl: TimeDelta::seconds(plan::min_ttl(args, environment)?.into()),
        force: args.force,
    };
    let now = Utc::now();
    match freshness::judge(
        &short_term::read(&credentials, &target.short_term),
        &asked,
        now,
    ) {
        Freshness::Reuse { until } => {
            report.progress(format_args!(
                "[{}] is still valid until {}",
                target.short_term,
                report::until(until, now)
            ));
            Ok(())
        }
        Freshness::Renew { because } => {
            let config = profiles::read(&paths.config)?.unwrap_or_default();
            let config = File {
                path: &paths.config,
                document: Document::parse(&config),
            };
            let plan = plan::plan(args, environment, &target, &credentials, &config)?;
            tell(report, &target, &plan);
            renew(
                args,
                environment,
                &target,
                &plan,
                &because,
                &paths.credentials,
            )
        }
    }
}

/// Gets new credentials for one code, and writes them.
fn renew(
    args: &Refresh,
    environment: &Environment,
    target: &Target,
    plan: &Plan,
    because: &Reason,
    path: &Path,
) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let given = mfa_code::given(args, environment)?;
    store::check(path)?;
    report.progress(format_args!("renewing [{}]: {because}", target.short_term));
    let client = sts::prepare(plan);
    let code = match given {
        Some(code) => code,
        None => mfa_code::ask(args, plan)?,
    };
    let credentials = client.exchange(plan, &code)?;
    store::update(path, |file| {
        plan::check_sections(file, &[&target.short_term])?;
        // Somebody may have written there while the code was typed.
        if short_term::holds_long_term_keys(file, &target.short_term) {
            bail!(plan::long_term_keys_in_the_way(target, file));
        }
        Ok(vec![Edit {
            section: target.short_term.clone(),
            changes: short_term::changes(&credentials),
        }])
    })?;
    report.progress(granted(target, plan, &credentials, Utc::now()));
    Ok(())
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
    store::check(path)?;
    if short_term::holds_long_term_keys(&file, short_term)
        && respondent.agrees_to_move(short_term, long_term)?
    {
        let device = if setup::has_device(&file, short_term) {
            None
        } else {
            respondent.device()?
        };
        store::update(path, |file| {
            setup::move_keys(file, short_term, long_term, device.as_ref())
        })?;
        report.progress(format_args!(
            "moved the keys from [{short_term}] to [{long_term}]"
        ));
    } else {
        let answers = respondent.keys()?;
        store::update(path, |file| setup::write(file, long_term, &answers))?;
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
                "{message}: the AWS SDKs refuse the file for it"
            ));
        } else if !ours {
            report.warning(format_args!("{message}: AWS tools refuse the file for it"));
        }
    }
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
