//! Runs a command for what it prints, for a limited time.

use std::io;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select, try_join};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::core::environment::CODE;
use crate::core::error::{Failure, reason};
use crate::core::wait::NOTICE_AFTER;
use crate::plan::Origin;
use crate::prompt::descendants::Begun;
use crate::prompt::terminal;

/// More than any expected output. The output of a command is read up to this size.
pub const MOST_OUTPUT: usize = 64 * 1024;
/// How long to wait for the end of the output after the command has ended.
const GRACE: Duration = Duration::from_millis(200);

/// How long it may take until a signal ends this process.
const GIVING_UP: Duration = Duration::from_millis(500);

/// The exit code of a process that Ctrl-C or Ctrl-Break ended.
#[cfg(windows)]
pub const STATUS_CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();

/// How a command ended.
pub enum Ended {
    /// By itself, with this standard output, and this standard error if it was captured.
    ByItself {
        status: ExitStatus,
        output: Zeroizing<Vec<u8>>,
        errors: Zeroizing<Vec<u8>>,
    },
    /// We end it after its timeout.
    ByUs,
}

/// A shell that runs a command as it is written, as the AWS SDKs do.
#[cfg(unix)]
pub fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

/// A shell that runs a command as it is written, as the AWS SDKs do.
#[cfg(windows)]
pub fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt as _;

    let mut shell = Command::new("cmd.exe");
    // Unquoted: cmd.exe has its own rules for quotes, and removes an outer pair.
    shell.arg("/C").raw_arg(format!("\"{command}\""));
    shell
}

/// Runs a command and waits for it. Captures its standard output; the caller configures the rest. Calls `waiting` once, if it takes
/// long.
///
/// # Errors
/// The inner one: when the command cannot be started. The outer one: when the runtime cannot.
pub fn run(command: Command, limit: Duration, waiting: impl FnOnce()) -> Result<io::Result<Ended>> {
    let mut command = tokio::process::Command::from(command);
    command
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // It is a secret that no command needs.
        .env_remove(CODE);
    // If this fails, the command ends by its time limit.
    let _ = terminal::end_with_us();
    terminal::stay_if_ending();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut child = command.spawn()?;
        let begun = Begun::with(&child);
        let ended = within(limit, &mut child, waiting).await;
        match &ended {
            // What it has left running may be the agent of a password manager.
            Ok(Ended::ByItself { .. }) => begun.leave(),
            Ok(Ended::ByUs) => begun.end(),
            Err(_) => (),
        }
        ended
    });
    runtime.shutdown_background();
    if let Ok(Ended::ByItself { status, .. }) = &ended {
        end_with(*status);
    }
    Ok(ended)
}

/// If a signal ended a command, waits until the same signal ends this process, too.
pub fn end_with(status: ExitStatus) {
    if is_given_up(status) {
        thread::sleep(GIVING_UP);
    }
}

/// The failure of a command that cannot be started.
pub fn cannot_run(origin: &Origin, error: &io::Error) -> Failure {
    let reason = reason(error);
    Failure::new(format!("the command from {origin} cannot be run: {reason}"))
}

/// The failure of a command that was ended after its time limit.
pub fn did_not_end(origin: &Origin, limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    Failure::new(format!(
        "the command from {origin} did not end within {seconds} s"
    ))
}

/// Waits until a command has ended, or for the time limit.
async fn within(limit: Duration, child: &mut Child, waiting: impl FnOnce()) -> io::Result<Ended> {
    let mut ended_by_itself = pin!(ended_by_itself(child));
    let silence = NOTICE_AFTER.min(limit);
    let mut ended = timeout(silence, &mut ended_by_itself).await;
    if ended.is_err() {
        waiting();
        ended = timeout(limit.saturating_sub(silence), ended_by_itself).await;
    }
    ended.unwrap_or(Ok(Ended::ByUs))
}

/// Waits until a command has ended, and reads what it prints to the streams that are captured.
pub async fn ended_by_itself(child: &mut Child) -> io::Result<Ended> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, mut errors) = <(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>)>::default();
    let status = {
        let reading = pin!(try_join(
            read(stdout, &mut output),
            read_to_end(stderr, &mut errors)
        ));
        match select(reading, pin!(child.wait())).await {
            Either::Left((read, waiting)) => {
                read?;
                waiting.await?
            }
            Either::Right((status, reading)) => {
                // Processes that it left running may keep its standard output open.
                timeout(GRACE, reading).await.unwrap_or(Ok(((), ())))?;
                status?
            }
        }
    };
    Ok(Ended::ByItself {
        status,
        output,
        errors,
    })
}

/// Whether a signal ended the command, for example with Ctrl-C.
#[cfg(unix)]
fn is_given_up(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let shells_way = |signal: i32| status.code() == Some(128 + signal);
    [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .any(|signal| status.signal() == Some(signal) || shells_way(signal))
}

/// Whether Ctrl-C ended the command, by the exit code of Windows or of a shell.
#[cfg(windows)]
fn is_given_up(status: ExitStatus) -> bool {
    const OF_SHELLS: i32 = 130;

    matches!(status.code(), Some(STATUS_CONTROL_C_EXIT | OF_SHELLS))
}

async fn read(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> io::Result<()> {
    if let Some(stream) = stream {
        stream.take(MOST_OUTPUT as u64).read_to_end(into).await?;
    }
    Ok(())
}

/// The same, but also drains the rest: long messages for people must not block the command.
async fn read_to_end(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> io::Result<()> {
    if let Some(mut stream) = stream {
        (&mut stream)
            .take(MOST_OUTPUT as u64)
            .read_to_end(into)
            .await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(())
}

/// A runtime on this thread, for commands and the network.
pub fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime for commands and network calls could not be started")
}
