//! Credentials that go out of the process: to whoever reads what is printed, or to a command that takes its place.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, Result, bail};

use super::ending::Ending;
use super::ground::Ground;
use super::output;
use super::output::Region;
use super::pick_profile;
use super::verbose::warn_of_irregularities;
use super::work::{Look, Work};
use crate::cli::{Exec, Export, Format, Outgoing, Profiles};
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::text::is_plain;
use crate::files::profiles::Files;
use crate::plan::{self, Keep, Origin, Shadow, Target};
use crate::renewal::codes::StandardInput;
use crate::report::{self, Report};

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
///
/// # Errors
/// What a user has to know.
pub(super) fn get(
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
    let profile = pick_profile::of_several(profile, &work)?;
    work.tell_ground(report);
    let target = naming.target_beside_role(profile, &files)?;
    let target = if args.no_store {
        target.kept(Keep::NoStore)
    } else {
        target.in_its_place(&files.credentials)
    };
    warn_of_irregularities(report, &files, &[&target]);
    tell(&target, &files);
    // Before a code is asked for.
    let region = region(&work, &target)?;
    let renewal = format!("`{} --force` gets new credentials", target.command(""));
    let credentials = match work.look(report, 0, target)? {
        Look::Reuse(_, credentials) => credentials,
        Look::Renew(job) => {
            let mut ending = Ending::new(report, 1);
            work.renew(vec![*job], &mut ending)?;
            ending.end_of_one()?
        }
    };
    let outgoing = output::Outgoing {
        credentials,
        region,
    };
    for (name, value) in outgoing.variables() {
        check(name, &value, &renewal)?;
    }
    Ok(outgoing)
}

/// What goes out is read by shells, and often on a screen before.
fn check(name: &str, value: &str, way_out: &str) -> Result<()> {
    if is_plain(value) {
        return Ok(());
    }
    bail!(
        Failure::new(format!(
            "the value for {name} holds characters that AWS never uses and that cannot be shown"
        ))
        .hint(way_out)
    )
}

fn region(work: &Work<'_>, target: &Target) -> Result<Option<Region>> {
    let Some(region) = plan::region(work.request, work.environment, target, work.files) else {
        return Ok(None);
    };
    plan::check_region(&region)?;
    Ok(Some(match region.origin {
        Origin::Environment(_) => Region::OfEnvironment(region.value),
        _ => Region::OfProfile(region.value),
    }))
}

/// Says what AWS tools take in place of a profile's `credential_process`, which may be us.
fn warn_of_shadows(report: Report, target: &Target, files: &Files<'_>) {
    if let Some(Shadow { problem, way_out }) = plan::keys_before_process(target, files) {
        report.warning(format_args!("{problem}: {way_out}"));
    }
}
