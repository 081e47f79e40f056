//! Commands that are run for what they print, for so long and no longer.

use std::io;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select, try_join};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// More than anything that is asked for. A command that prints more than this is not waited for until it has done so.
pub const MOST_OUTPUT: usize = 4096;
/// How long the end of the output may take after the end of the command.
const GRACE: Duration = Duration::from_millis(200);

/// How a command ended.
pub enum Ended {
    /// By itself, with this on its standard output, and on its standard error where that was taken, too.
    ByItself {
        status: ExitStatus,
        output: Zeroizing<Vec<u8>>,
        errors: Zeroizing<Vec<u8>>,
    },
    /// It was ended when its time was over.
    ByUs,
}

/// Runs a command and waits for it. Its standard output is taken; the rest is as the caller says.
///
/// # Errors
/// When it cannot be begun. The outer one: when the system has no runtime left.
pub fn run(command: Command, limit: Duration) -> Result<io::Result<Ended>> {
    let mut command = tokio::process::Command::from(command);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    end_with_us();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut child = command.spawn()?;
        let id = child.id();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read_and_wait = async {
            let (mut output, mut errors) = <(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>)>::default();
            let status = {
                let reading = pin!(try_join(
                    read(stdout, &mut output),
                    read(stderr, &mut errors)
                ));
                match select(reading, pin!(child.wait())).await {
                    Either::Left((read, waiting)) => {
                        read?;
                        waiting.await?
                    }
                    Either::Right((status, reading)) => {
                        // What it has left running may keep its standard output open.
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
        };
        let ended = timeout(limit, read_and_wait).await;
        ended.unwrap_or_else(|_elapsed| {
            id.into_iter().for_each(end);
            Ok(Ended::ByUs)
        })
    });
    runtime.shutdown_background();
    Ok(ended)
}

async fn read(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> io::Result<()> {
    if let Some(stream) = stream {
        stream.take(MOST_OUTPUT as u64).read_to_end(into).await?;
    }
    Ok(())
}

/// Sees to it that a signal that ends this process ends what it has begun, too.
#[cfg(unix)]
pub fn end_with_us() {
    use std::sync::Once;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else {
            return;
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                end_descendants(std::process::id());
                // Where it fails, whoever sent the signal may send another.
                let _ = emulate_default_handler(signal);
            }
        });
    });
}

#[cfg(not(unix))]
pub fn end_with_us() {}

/// Ends a process and all that it has begun, as far as the system tells what that is.
fn end(process: u32) {
    end_descendants(process);
    #[cfg(unix)]
    if let Some(process) = rustix::process::Pid::from_raw(process.cast_signed()) {
        // Where there is none any more, it has ended.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

/// Ends what a process has begun. Only Linux tells what that is.
pub fn end_descendants(process: u32) {
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children"));
        let children = children.unwrap_or_default();
        children
            .split_whitespace()
            .filter_map(|child| child.parse().ok())
            .for_each(end);
    }
}

/// A runtime, on this thread, for what has to be waited for: commands, and the network.
///
/// # Errors
/// When the system has none left.
pub fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime for commands and network calls could not be made")
}
