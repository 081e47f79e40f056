//! `mfa-creds exec`: runs a command with the credentials in its environment.

mod shell;
#[cfg(windows)]
mod windows;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use self::shell::Shell;
#[cfg(windows)]
use self::windows::{command, replace_process, why};
use super::obtain::{ObtainedCredentials, obtain};
use crate::cli::SingleProfile;
use crate::core::core_dump;
use crate::core::environment::{Environment, PROFILE_OF_SHELL};
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
    /// The command and its arguments [default: your shell]
    #[arg(
        trailing_var_arg = true,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// Runs a command, or the user's shell, with the credentials of a profile. It replaces this process.
///
/// # Errors
/// A message for the user; exit code 127 or 126 if the command cannot be run.
pub(super) fn exec(args: &Exec, environment: &Environment) -> Result<ExitCode> {
    let report = Report::new(&args.of.verbosity);
    let input = StandardInput::OfAnother;
    let Some((program, arguments)) = args.command.split_first() else {
        let shell = Shell::of_user(environment)?;
        let mut profile = String::new();
        let obtained = obtain(&args.of, environment, report, input, |_, sections| {
            profile.clone_from(&sections.profile.value);
        })?;
        report.progress(shell.notice(&profile, obtained.credentials.expiration));
        bail!(shell.not_run(&run(&obtained, shell.command(&profile))))
    };
    let obtained = obtain(&args.of, environment, report, input, |_, _| ())?;
    let mut command = command(program);
    // A shell in it would have credentials of another run.
    command.args(arguments).env_remove(PROFILE_OF_SHELL);
    let error = run(&obtained, command);
    bail!(not_run(
        &program.to_string_lossy(),
        program,
        &error,
        arguments
    ))
}

/// Runs the command with the credentials and without variables that contradict them. It gets the terminal, the standard streams and
/// the signals. It replaces this process, so its exit code is ours. Returns if it cannot be run.
fn run(obtained: &ObtainedCredentials, mut command: Command) -> io::Error {
    for name in obtained.contradicting() {
        command.env_remove(name);
    }
    for (name, value) in obtained.variables() {
        command.env(name, value.as_str());
    }
    core_dump::allow_again();
    replace_process(command)
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

/// The error if a program, which has this name for the user, cannot be run: as in shells, exit code 127 when it is not found, and 126
/// otherwise.
fn not_run(name: &str, program: &OsStr, error: &io::Error, arguments: &[OsString]) -> Failure {
    let failure = Failure::new(format!("{name} cannot be run: {}", why(error, arguments)));
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
