//! `mfa-creds exec`: runs a command with the credentials in its environment.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use super::obtain::{ObtainedCredentials, obtain};
use crate::cli::SingleProfile;
use crate::core::core_dump;
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure, reason};
use crate::renewal::codes::StandardInput;
use crate::report::Report;

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Run a command with credentials in its environment";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
Exit codes: the exit code of COMMAND, 127 if it is not found, 126 if it cannot be run; without credentials, the exit code of `mfa-creds`.";

/// The arguments of `exec`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Exec {
    #[command(flatten)]
    pub of: SingleProfile,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// Runs a command with the credentials of a profile. On Unix, the command replaces this process.
///
/// # Errors
/// A message for the user; exit code 127 or 126 if the command cannot be run.
pub(super) fn exec(args: &Exec, environment: &Environment) -> Result<ExitCode> {
    let report = Report::new(&args.of.verbosity);
    let input = StandardInput::OfAnother;
    let obtained = obtain(&args.of, environment, report, input, |_, _| ())?;
    run(&obtained, &args.command)
}

/// Runs the command with the credentials and without variables that contradict them. It gets the terminal, the standard streams and
/// the signals. On Unix it replaces this process, so its exit code is ours.
///
/// # Errors
/// When it cannot be run: as in shells, exit code 127 when it is not found, and 126 otherwise.
fn run(obtained: &ObtainedCredentials, words: &[OsString]) -> Result<ExitCode> {
    let Some((program, arguments)) = words.split_first() else {
        bail!("there is no command to run");
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in obtained.contradicting() {
        command.env_remove(name);
    }
    for (name, value) in obtained.variables() {
        command.env(name, value.as_str());
    }
    core_dump::allow_again();
    match replace_process(&mut command) {
        Ok(code) => Ok(code),
        Err(error) => bail!(not_run(program, &error)),
    }
}

#[cfg(unix)]
fn replace_process(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;

    Err(command.exec())
}

/// Without exec: waits for the command, and passes on its exit code.
#[cfg(not(unix))]
fn replace_process(command: &mut Command) -> io::Result<ExitCode> {
    let code = command.status()?.code().unwrap_or(1);
    // A code that does not fit is a failure.
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn not_run(program: &OsString, error: &io::Error) -> Failure {
    let failure = Failure::new(format!(
        "{} cannot be run: {}",
        program.to_string_lossy(),
        reason(error)
    ));
    // A script whose interpreter is missing does exist.
    let is_there = Path::new(program).components().count() > 1 && Path::new(program).exists();
    if error.kind() == ErrorKind::NotFound && !is_there {
        failure
            .hint(
                "check that it is installed and in PATH; it must not be a shell alias or function",
            )
            .exit(Exit::NotFound)
    } else {
        failure.exit(Exit::NotExecutable)
    }
}
