//! A command that gets the credentials in its environment.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use super::Outgoing;
use crate::core::core_dump;
use crate::core::error::{Exit, Failure};
use crate::files::profiles::reason;

/// Runs it with the credentials and nothing that contradicts them. The terminal, the standard streams and the signals are
/// the command's. On Unix it takes the place of this process, so that its end is ours.
///
/// # Errors
/// When it cannot be run: as in shells, exit code 127 when it is not found, and 126 otherwise.
pub fn exec(outgoing: &Outgoing, words: &[OsString]) -> Result<ExitCode> {
    let Some((program, arguments)) = words.split_first() else {
        bail!("there is no command to run");
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in outgoing.contradicting() {
        command.env_remove(name);
    }
    for (name, value) in outgoing.variables() {
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

/// There is no exec: wait for it, and hand its exit code on.
#[cfg(not(unix))]
fn replace_process(command: &mut Command) -> io::Result<ExitCode> {
    let code = command.status()?.code().unwrap_or(1);
    // Whatever does not fit is no success.
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn not_run(program: &OsString, error: &io::Error) -> Failure {
    let failure = Failure::new(format!(
        "{} cannot be run: {}",
        program.to_string_lossy(),
        reason(error)
    ));
    // A script whose interpreter is missing is there.
    let is_there = Path::new(program).components().count() > 1 && Path::new(program).exists();
    if error.kind() == ErrorKind::NotFound && !is_there {
        failure
            .hint("is it installed, and in PATH? an alias or a function of the shell is no command")
            .exit(Exit::NotFound)
    } else {
        failure.exit(Exit::NotExecutable)
    }
}
