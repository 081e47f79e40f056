//! Runs the command of `exec` on Windows, where no process can take the place of another: as far as possible, nobody sees that there
//! are two.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::pin::pin;
use std::process::{self, Command, ExitCode};

use futures_util::future::{Either, select};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

use crate::core::error::reason;
use crate::prompt::child::{self, STATUS_CONTROL_C_EXIT};
use crate::prompt::descendants::Begun;

/// What Windows can start itself. It opens other files with their program, which only shells do.
const EXTENSIONS: [&str; 4] = ["exe", "com", "bat", "cmd"];
/// Windows' error for a file that is not a program.
const ERROR_BAD_EXE_FORMAT: i32 = 193;

/// The command, found by PATH and PATHEXT: many commands are batch files, such as `npm`. The standard library adds only `.exe`.
/// The current directory is not searched: its files may be anybody's.
pub(super) fn command(program: &OsStr) -> Command {
    let found = which::which_all(program).ok();
    let found = found.and_then(|mut found| found.find(|path| starts(path)));
    found.map_or_else(|| Command::new(program), Command::new)
}

fn starts(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Waits for the command and ends this process with its exit code. Returns if it cannot be run.
#[allow(
    clippy::exit,
    reason = "an exit code has 32 bits here, and ExitCode has 8"
)]
pub(super) fn replace_process(command: Command) -> io::Error {
    match run(command) {
        Ok(code) => process::exit(code),
        Err(error) => error,
    }
}

fn run(command: Command) -> io::Result<i32> {
    let runtime = child::runtime().map_err(io::Error::other)?;
    runtime.block_on(run_beside(command))
}

/// Waits for the command, and returns its exit code.
pub(super) async fn run_beside(command: Command) -> io::Result<i32> {
    // The console sends them to the command, too, which decides what they mean.
    let _not_for_us = (ctrl_c()?, ctrl_break()?);
    let mut closing = ctrl_close()?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    // Whoever ends this process means the command, as on Unix and with the launchers of Python and Scoop. What the command has
    // started lives on, as on Unix.
    let begun = Begun::only(&child);
    match select(pin!(child.wait()), pin!(closing.recv())).await {
        Either::Left((status, _)) => Ok(status?.code().unwrap_or(1)),
        Either::Right(_) => {
            // The console gives the command time to clean up.
            begun.leave();
            Ok(STATUS_CONTROL_C_EXIT)
        }
    }
}

/// Ends this process with the exit code of the command.
#[allow(
    clippy::exit,
    reason = "an exit code has 32 bits here, and ExitCode has 8"
)]
pub(super) fn end_like(ended: i32) -> ExitCode {
    process::exit(ended)
}

/// Why a command cannot be run.
pub(super) fn why(error: &io::Error, arguments: &[OsString]) -> String {
    let has_line_break = |argument: &OsString| argument.to_string_lossy().contains(['\r', '\n']);
    if error.raw_os_error() == Some(ERROR_BAD_EXE_FORMAT) {
        "it is not a program".to_owned()
    } else if error.kind() == ErrorKind::InvalidInput && arguments.iter().any(has_line_break) {
        "a batch file cannot get an argument with a line break".to_owned()
    } else {
        reason(error)
    }
}
