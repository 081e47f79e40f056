//! `mfa-creds exec`: runs a command with the credentials in its environment.

#[cfg(windows)]
mod windows;

#[cfg(unix)]
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

#[cfg(windows)]
use self::windows::{command, replace_process, why};
use super::obtain::{ObtainedCredentials, obtain};
use crate::cli::SingleProfile;
use crate::core::core_dump;
use crate::core::environment::Environment;
#[cfg(unix)]
use crate::core::error::reason;
use crate::core::error::{Exit, Failure};
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

/// Runs a command with the credentials of a profile. The command replaces this process.
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
/// the signals. It replaces this process, so its exit code is ours. Returns if it cannot be run.
///
/// # Errors
/// As in shells, exit code 127 when it is not found, and 126 otherwise.
fn run(obtained: &ObtainedCredentials, words: &[OsString]) -> Result<ExitCode> {
    let Some((program, arguments)) = words.split_first() else {
        bail!("there is no command to run");
    };
    let mut command = command(program);
    command.args(arguments);
    for name in obtained.contradicting() {
        command.env_remove(name);
    }
    for (name, value) in obtained.variables() {
        command.env(name, value.as_str());
    }
    core_dump::allow_again();
    let error = replace_process(command);
    bail!(not_run(program, &error, arguments))
}

#[cfg(unix)]
fn command(program: &OsStr) -> Command {
    Command::new(program)
}

/// Returns if the command cannot be run.
#[cfg(unix)]
fn replace_process(mut command: Command) -> io::Error {
    use std::os::unix::process::CommandExt as _;

    command.exec()
}

#[cfg(unix)]
fn why(error: &io::Error, _arguments: &[OsString]) -> String {
    reason(error)
}

fn not_run(program: &OsString, error: &io::Error, arguments: &[OsString]) -> Failure {
    let failure = Failure::new(format!(
        "{} cannot be run: {}",
        program.to_string_lossy(),
        why(error, arguments)
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
