//! One short function per command. The only module that knows all stages.

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};
use chrono::TimeDelta;
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, Refresh, Sections, Setup, Verbosity};
use crate::credentials::Secret;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::freshness::Freshness;
use crate::mfa_code;
use crate::plan::{self, Call, Chosen, Origin, Plan, Target};
use crate::profiles::{self, File, Paths};
use crate::renewal::{self, Renewal, Wanted};
use crate::report::Report;
use crate::setup::{self, Respondent};
use crate::short_term;
use crate::store::{self, Store, private_directory};

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
    let role = plan::wanted_role(args, environment, &target, &credentials);
    let min_ttl = plan::min_ttl(args, environment)?;
    tell_target(report, &target, &paths.credentials, &min_ttl);
    let wanted = Wanted {
        role_arn: role.map(|role| role.value),
        min_ttl: TimeDelta::seconds(min_ttl.value.into()),
        force: args.force,
    };
    match renewal::look(&credentials, &target, &wanted)? {
        Freshness::Reuse { until } => renewal::tell_still_valid(report, &target, until),
        Freshness::Renew { because } => {
            let config = profiles::read(&paths.config)?.unwrap_or_default();
            let config = File {
                path: &paths.config,
                document: Document::parse(&config),
            };
            let plan = plan::plan(args, environment, &target, &credentials, &config)?;
            let given = plan::given_code(args, environment);
            tell_plan(report, &plan, given.as_ref());
            let renewal = Renewal {
                args,
                target: &target,
                plan: &plan,
                wanted: &wanted,
                path: &paths.credentials,
                report,
            };
            renewal.run(mfa_code::given(given.as_ref())?, &because)?;
        }
    }
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
        private_directory(directory).map_err(|error| {
            Failure::new(format!(
                "{} cannot be made: {}",
                directory.display(),
                profiles::reason(&error)
            ))
        })?;
    }
    let store = Store::open(path)?;
    store.check(|_file| Ok(Vec::new()))?;
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

/// Which sections are meant, and who said so.
fn tell_target(report: Report, target: &Target, path: &Path, min_ttl: &Chosen<u32>) {
    let [long_term, short_term] = &target.suffixes;
    tell(
        report,
        "profile",
        &target.profile.value,
        &target.profile.origin,
    );
    report.detail(format_args!("credentials file: {}", path.display()));
    tell(report, "long-term section", &target.long_term, long_term);
    tell(report, "section to write", &target.short_term, short_term);
    tell(
        report,
        "renewed with less left than",
        format_args!("{} s", min_ttl.value),
        &min_ttl.origin,
    );
}

/// What was decided for the call, and who decided it.
fn tell_plan(report: Report, plan: &Plan, code: Option<&Chosen<Secret>>) {
    tell(report, "device", &plan.device.value, &plan.device.origin);
    if let Call::AssumeRole(role) = &plan.call {
        tell(report, "role", &role.arn.value, &role.arn.origin);
        tell(
            report,
            "role session name",
            &role.session_name.value,
            &role.session_name.origin,
        );
        if let Some(id) = &role.external_id {
            tell(report, "external id", &id.value, &id.origin);
        }
    }
    tell(
        report,
        "duration",
        format_args!("{} s", plan.duration.value),
        &plan.duration.origin,
    );
    let connection = &plan.connection;
    tell(
        report,
        "region",
        &connection.region.value,
        &connection.region.origin,
    );
    if let Some(url) = &connection.endpoint_url {
        tell(report, "endpoint", &url.value, &url.origin);
    }
    if let Some(bundle) = &connection.ca_bundle {
        tell(report, "CA bundle", &bundle.value, &bundle.origin);
    }
    if let Some(code) = code {
        tell(report, "code", "given", &code.origin);
    }
}

fn tell(report: Report, what: &str, value: impl fmt::Display, origin: &Origin) {
    report.detail(format_args!("{what}: {value} ({origin})"));
}
