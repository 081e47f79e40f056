//! Runs the command of `exec` on Unix.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_local;

use crate::core::core_dump;
use crate::core::error::{Exit, reason};
use crate::prompt::terminal::is_ignored;

/// What a shell adds to the number of the signal that has ended a command.
const BY_SIGNAL: i32 = 128;

/// The signals that others send to this process and mean for the command.
const FORWARDED: [(SignalKind, Signal); 6] = [
    (SignalKind::terminate(), Signal::TERM),
    (SignalKind::hangup(), Signal::HUP),
    (SignalKind::user_defined1(), Signal::USR1),
    (SignalKind::user_defined2(), Signal::USR2),
    (SignalKind::interrupt(), Signal::INT),
    (SignalKind::quit(), Signal::QUIT),
];

pub(super) fn command(program: &OsStr) -> Command {
    Command::new(program)
}

/// Returns if the command cannot be run.
pub(super) fn replace_process(mut command: Command) -> io::Error {
    use std::os::unix::process::CommandExt as _;

    command.exec()
}

pub(super) fn why(error: &io::Error, _arguments: &[OsString]) -> String {
    reason(error)
}

/// Runs the command, and passes signals on to it.
pub(super) async fn run_beside(command: Command) -> io::Result<ExitStatus> {
    // What is ignored here, as `nohup` has it, stays ignored there.
    let forwarded = FORWARDED
        .into_iter()
        .filter(|(kind, _)| !is_ignored(kind.as_raw_value()));
    let streams: Vec<_> = forwarded
        .map(|(kind, to_send)| Ok((signal(kind)?, to_send)))
        .collect::<io::Result<_>>()?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    // Only the command may leave one.
    core_dump::forbid();
    let process = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    for (mut stream, to_send) in streams {
        spawn_local(async move {
            while stream.recv().await.is_some() {
                if let Some(process) = process.filter(|_| !is_of_terminal(to_send)) {
                    // If this fails, the command has ended.
                    let _ = kill_process(process, to_send);
                }
            }
        });
    }
    child.wait().await
}

/// Whether a signal probably came from the terminal, which sends Ctrl-C to the command, too.
fn is_of_terminal(signal: Signal) -> bool {
    let is_in_foreground = || {
        let terminal = File::open("/dev/tty");
        terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
    };
    matches!(signal, Signal::INT | Signal::QUIT) && is_in_foreground()
}

/// The exit code of the command. If a signal has ended it, the same signal ends this process.
pub(super) fn end_like(ended: ExitStatus) -> ExitCode {
    if let Some(signal) = ended.signal() {
        // If it fails, the exit code says the same.
        let _ = emulate_default_handler(signal);
    }
    let by_signal = ended.signal().map(|signal| BY_SIGNAL + signal);
    let code = ended
        .code()
        .or(by_signal)
        .and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(Exit::Failed as u8))
}
