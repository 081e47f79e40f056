//! `mfa-creds exec`: runs a command with the credentials in its environment.

mod own_profile;
mod served;
mod shell;
#[cfg_attr(unix, path = "exec/unix.rs")]
#[cfg_attr(windows, path = "exec/windows.rs")]
mod system;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use self::shell::Shell;
use super::obtain::{ObtainedCredentials, Purpose, obtain};
use crate::cli::SingleProfile;
use crate::core::core_dump;
use crate::core::environment::{Environment, PROFILE_OF_SHELL};
use crate::core::error::{Exit, Failure};
use crate::core::seconds;
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
    /// Give the command a local server instead of keys; AWS tools get new credentials from it while the command runs
    #[arg(long)]
    pub server: bool,
    /// How long before credentials expire the server renews them: seconds, or `30m` [default: 15m]
    #[arg(long, requires = "server", value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true, hide_short_help = true)]
    pub renew_before: Option<u64>,
    /// The command and its arguments [default: your shell]
    #[arg(
        trailing_var_arg = true,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// What `exec` runs.
enum ToRun<'a> {
    /// A command and its arguments.
    Command(&'a OsString, &'a [OsString]),
    /// The user's shell.
    Shell(Shell),
}

/// Runs a command, or the user's shell, with the credentials of a profile. Without a server, it replaces this process.
///
/// # Errors
/// A message for the user; exit code 127 or 126 if the command cannot be run.
pub(super) fn exec(args: &Exec, environment: &Environment) -> Result<ExitCode> {
    let to_run = match args.command.split_first() {
        Some((program, arguments)) => ToRun::Command(program, arguments),
        None => ToRun::Shell(Shell::of_user(environment)?),
    };
    if args.server {
        return served::run(args, &to_run, environment);
    }
    let report = Report::new(&args.of.verbosity);
    let purpose = Purpose::once(StandardInput::OfAnother);
    let obtained = obtain(&args.of, environment, report, purpose, |_, _| Ok(()))?;
    if let ToRun::Shell(shell) = &to_run {
        report.progress(shell.notice(&obtained));
    }
    bail!(to_run.not_run(&run(&obtained, to_run.command(&obtained.profile))))
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
    system::replace_process(command)
}

impl ToRun<'_> {
    /// The command for the credentials of a profile, without them.
    fn command(&self, profile: &str) -> Command {
        match self {
            Self::Command(program, arguments) => {
                let mut command = system::command(program);
                // A shell in it would have credentials of another run.
                command.args(*arguments).env_remove(PROFILE_OF_SHELL);
                command
            }
            Self::Shell(shell) => shell.command(profile),
        }
    }

    /// The error if it cannot be run.
    fn not_run(&self, error: &io::Error) -> Failure {
        match self {
            Self::Command(program, arguments) => {
                not_run(&program.to_string_lossy(), program, error, arguments)
            }
            Self::Shell(shell) => shell.not_run(error),
        }
    }
}

/// The error if a program, which has this name for the user, cannot be run: as in shells, exit code 127 when it is not found, and 126
/// otherwise.
fn not_run(name: &str, program: &OsStr, error: &io::Error, arguments: &[OsString]) -> Failure {
    let failure = Failure::new(format!(
        "{name} cannot be run: {}",
        system::why(error, arguments)
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
