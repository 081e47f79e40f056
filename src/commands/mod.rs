//! One short function per command. The only module that knows all stages.

mod verbose;
mod ending;
mod ground;
mod ready;
mod work;
mod pick_profile;
mod refresh;
mod plan;
mod outgoing;
mod output;
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

pub use self::completions::answer_shell;
use crate::cli::{Cli, Command, Setup};
use crate::core::environment::Environment;
use crate::core::error::{self, Exit, Failure};
use crate::core::regular_file;
use crate::files::profiles::{self, Paths};
use crate::report;

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
        Some(Command::Plan(args)) => plan::show_plan(args, environment)?,
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
