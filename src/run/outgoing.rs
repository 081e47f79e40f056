//! Credentials that go out of the process: to whoever reads what is printed, or to a command that takes its place.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, Result};

use super::choice;
use super::details::warn_of_irregularities;
use super::ending::Ending;
use super::ground::Ground;
use super::work::{Look, Work};
use crate::cli::{Exec, Export, Format, Outgoing, Profiles};
use crate::codes::StandardInput;
use crate::environment::Environment;
use crate::output;
use crate::output::Region;
use crate::plan::{self, Keep, Origin, Target, quoted};
use crate::profiles::{Files, config_header, key};
use crate::report::{self, Report};
use crate::short_term;

/// Prints the credentials of a profile.
///
/// # Errors
/// What a user has to know.
pub(super) fn export(args: &Export, environment: &Environment) -> Result<()> {
    let verbosity = &args.outgoing.verbosity;
    let (report, input) = match args.format {
        // An SDK hands on the standard input of its own program.
        Format::Process => (Report::to_a_program(verbosity), StandardInput::OfAnother),
        _ => (Report::new(verbosity), StandardInput::Ours),
    };
    let outgoing = get(
        &args.outgoing,
        environment,
        report,
        input,
        |target, files| {
            if args.format == Format::Process {
                warn_of_shadows(report, target, files);
            }
        },
    )?;
    let text = outgoing.render(args.format)?;
    if io::stdout().is_terminal() {
        report.warning(
            "these are secrets, and they are on the screen now; see `mfa-creds export --help` for where they belong",
        );
    }
    report::data(&text)
}

/// Runs a command with the credentials of a profile. Does not come back where the command takes the place of this process.
///
/// # Errors
/// What a user has to know; exit code 127 or 126 when the command cannot be run.
pub(super) fn exec(args: &Exec, environment: &Environment) -> Result<std::process::ExitCode> {
    let report = Report::new(&args.outgoing.verbosity);
    let input = StandardInput::OfAnother;
    let outgoing = get(&args.outgoing, environment, report, input, |_, _| ())?;
    output::exec::exec(&outgoing, &args.command)
}

/// The credentials of the profile, renewed if need be.
fn get(
    args: &Outgoing,
    environment: &Environment,
    report: Report,
    input: StandardInput,
    tell: impl FnOnce(&Target, &Files<'_>),
) -> Result<output::Outgoing> {
    let request = &args.request;
    let profiles = Profiles {
        names: args.profile.name.iter().cloned().collect(),
        all: false,
    };
    let ground = Ground::recover(&request.suffixes, &profiles, environment)?;
    let files = ground.files(&profiles);
    let naming = &ground.naming;
    let work = Work {
        request,
        asking: &args.asking,
        environment,
        ground: &ground,
        files: &files,
        min_ttl: plan::min_ttl(request.min_ttl, environment)?,
        input,
    };
    let mut selected = plan::profiles(&profiles, environment, naming, &files)?.profiles;
    let profile = selected.pop().context("no profile is meant")?;
    let profile = choice::of_several(profile, &work)?;
    work.tell_ground(report);
    let target = naming.target_beside_role(profile, &files)?;
    let target = if args.no_store {
        target.kept(Keep::NoStore)
    } else {
        target.in_its_place(&files.credentials)
    };
    warn_of_irregularities(
        report,
        &files.credentials,
        &[&target.long_term, &target.short_term],
    );
    tell(&target, &files);
    let region = region(&work, &target);
    let credentials = match work.look(report, 0, target)? {
        Look::Reuse(_, credentials) => credentials,
        Look::Renew(job) => {
            let mut ending = Ending::new(report, 1);
            work.renew(vec![*job], &mut ending)?;
            ending.end_of_one()?
        }
    };
    Ok(output::Outgoing {
        credentials,
        region,
    })
}

fn region(work: &Work<'_>, target: &Target) -> Option<Region> {
    let region = plan::region(work.request, work.environment, target, work.files)?;
    Some(match region.origin {
        Origin::Environment(_) => Region::OfEnvironment(region.value),
        _ => Region::OfProfile(region.value),
    })
}

/// Says what AWS tools take in place of a profile's `credential_process`, which may be us.
fn warn_of_shadows(report: Report, target: &Target, files: &Files<'_>) {
    let Some(process) = &target.process else {
        return;
    };
    let section = &target.short_term;
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, section);
    let in_config = header.filter(|header| config.get(header, key::AWS_ACCESS_KEY_ID).is_some());
    let has = |section: &str, key| credentials.get(section, key).is_some();
    let id = credentials.get(section, key::AWS_ACCESS_KEY_ID);
    let is_temporary = id.is_some_and(|id| id.starts_with(short_term::TEMPORARY_PREFIX));
    let by_hand = || "take them out with an editor".to_owned();
    let (place, way_out) = if has(section, key::AWS_ACCESS_KEY_ID) {
        let way_out = if short_term::holds_long_term_keys(credentials, section)
            && !has(&target.long_term, key::AWS_ACCESS_KEY_ID)
        {
            format!("move them with `{}`", target.setup_command)
        } else if has(section, key::ASSUMED_ROLE) && is_temporary {
            let profile = quoted(&target.profile.value);
            format!("remove them with `mfa-creds clear -p {profile}`")
        } else {
            by_hand()
        };
        (
            format!("[{section}] in {}", credentials.path.display()),
            way_out,
        )
    } else if let Some(header) = in_config {
        (
            format!("[{header}] in {}", config.path.display()),
            by_hand(),
        )
    } else {
        return;
    };
    report.warning(format_args!(
        "the AWS CLI and SDKs do not run the credential_process of {process}, because {place} has keys: {way_out}"
    ));
}
