//! One short function per command. The only module that knows all stages.

mod details;
mod ending;
mod ground;
mod ready;
mod work;
mod choice;
mod refresh;
mod outgoing;
mod status;
mod doctor;
mod clear;
mod device;
mod rotate;
mod audit;
mod policy;
mod keychain;
mod setup;
mod completions;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chrono::TimeDelta;

use crate::cli::{Cli, Command, Preview, Setup};
use crate::clock;
use crate::environment::Environment;
use crate::error::{self, Exit, Failure};
use crate::group::{self, Wanted};
use crate::plan::{self, Keys, Plan, Selection};
use crate::preview;
use crate::profiles::{self, File, Paths};
use crate::regular_file;
use crate::report::{self, Report};
use crate::session::{Maker, Session};
pub use completions::answer_shell;
use ending::Ending;
use ground::Ground;

/// Begins the trace, where the environment wants one.
///
/// # Errors
/// When the file cannot be written, or is one of those that are read.
pub fn trace(environment: &Environment) -> Result<()> {
    let Some(path) = environment.path("MFA_CREDS_TRACE") else {
        return Ok(());
    };
    let name = format!("the trace {} (MFA_CREDS_TRACE)", path.display());
    let is_same = |own: &Path| *own == path || regular_file::is_same(own, &path);
    if let Ok(Paths {
        credentials,
        config,
    }) = Paths::find(environment)
        && [&*credentials, &config].into_iter().any(is_same)
    {
        bail!(
            Failure::new(format!("{name} would be written into a file of AWS's"))
                .hint("name another file")
        );
    }
    report::trace_to(&path).map_err(|error| {
        let why = profiles::reason(&error);
        Failure::new(format!("{name} cannot be written: {why}"))
            .hint("name a file in a directory that is yours, or unset it")
            .into()
    })
}

/// Does what the command line says.
///
/// # Errors
/// What a user has to know.
pub fn run(cli: &Cli, environment: &Environment) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Setup(args)) => setup::set_up(args, environment)?,
        Some(Command::Plan(args)) => show_plan(args, environment)?,
        Some(Command::Export(args)) => outgoing::export(args, environment)?,
        Some(Command::Exec(args)) => return outgoing::exec(args, environment),
        Some(Command::Status(args)) => return status::status(args, environment),
        Some(Command::Doctor(args)) => return doctor::doctor(args, environment),
        Some(Command::Clear(args)) => clear::clear(args, environment)?,
        Some(Command::Device(args)) => device::device(&args.command, environment)?,
        Some(Command::Rotate(args)) => rotate::rotate(args, environment)?,
        Some(Command::Audit(args)) => return audit::audit(args, environment),
        Some(Command::Policy(args)) => policy::policy(args)?,
        Some(Command::Keychain(args)) => keychain::keychain(&args.command, environment)?,
        Some(Command::Completions(args)) => completions::completions(args)?,
        Some(Command::Man(args)) => completions::man(args)?,
        None if cli.refresh.setup => setup::set_up(&Setup::of(&cli.refresh), environment)?,
        None => refresh::refresh(&cli.refresh, environment)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code of what `run` or `trace` could not do. The 1 of `audit` says that somebody lacks MFA: where it fails, it is 2, as of
/// grep and diff.
pub fn exit_code(cli: &Cli, error: &anyhow::Error) -> u8 {
    let exit = match (error::exit(error), &cli.command) {
        (Exit::Failed, Some(Command::Audit(_))) => Exit::Usage,
        (exit, _) => exit,
    };
    exit as u8
}

/// Shows what a refresh would do, and touches nothing.
fn show_plan(args: &Preview, environment: &Environment) -> Result<()> {
    let request = &args.request;
    let ground = Ground::read(&request.suffixes, environment)?;
    ground.check_keys(&args.profiles, environment)?;
    let (paths, naming) = (&ground.paths, &ground.naming);
    let files = ground.files(&args.profiles);
    let min_ttl = plan::min_ttl(request.min_ttl, environment)?;
    let selection = plan::profiles(&args.profiles, environment, naming, &files)?;
    let Selection { profiles, left_out } = selection;
    let mut parts = Vec::new();
    let mut ending = Ending::new(Report::quiet(), profiles.len() + left_out.len());
    for (profile, error) in left_out {
        ending.fail(vec![profile], error)?;
    }
    for profile in profiles {
        let name = profile.value.clone();
        let part = naming
            .target_beside_role(profile, &files)
            .and_then(|target| {
                let target = target.overridden_by_itself(&files.credentials);
                let role = plan::wanted_role(request, environment, &target, &files);
                let wanted = Wanted {
                    role_arn: role.map(|role| role.value),
                    min_ttl: TimeDelta::seconds(min_ttl.value.into()),
                    force: request.force,
                };
                let seen = group::look(&files.credentials, &target, &wanted)?;
                let mut plan = plan::plan(request, environment, naming, &target, &files)?;
                plan.process = plan::process_of_environment(environment).or(plan.process);
                let now = clock::now();
                let session = session_at_hand(&plan, &files.credentials)
                    .filter(|session| group::serves(session, &plan, &wanted, now));
                let session = session.as_ref();
                let path = &paths.credentials;
                Ok(preview::render(&target, &plan, &seen, session, path, now))
            });
        match part {
            Ok(part) => parts.push(part),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    report::data(&parts.join("\n"))?;
    ending.end_of(parts.len())
}

/// The session that the calls of a plan may use. Where a command prints the keys, it is not run to find out.
fn session_at_hand(plan: &Plan, credentials: &File<'_>) -> Option<Session> {
    let Keys::Stored(keys) = &plan.base.keys else {
        return None;
    };
    let (path, access_key_id) = (credentials.path, &keys.access_key_id);
    let Some(device) = &plan.device else {
        let found = group::session_of_key(path, credentials, access_key_id);
        return found.map(|(_maker, session)| session);
    };
    let maker = Maker {
        access_key_id: access_key_id.clone(),
        device: device.value.clone(),
    };
    group::session_at_hand(path, credentials, &maker)
}
