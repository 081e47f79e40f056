//! Commands that are run for what they print, for so long and no longer.

use std::io;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select};
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStdout;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// More than anything that is asked for. A command that prints more than this is not waited for until it has done so.
const MOST_OUTPUT: u64 = 4096;
/// How long the end of the output may take after the end of the command.
const GRACE: Duration = Duration::from_millis(200);

/// How a command ended.
pub enum Ended {
    /// By itself, with this on its standard output.
    ByItself {
        status: ExitStatus,
        output: Zeroizing<Vec<u8>>,
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
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut child = command.spawn()?;
        let stdout = child.stdout.take();
        let read_and_wait = async {
            let mut output = Zeroizing::new(Vec::new());
            let status = {
                let reading = pin!(read(stdout, &mut output));
                match select(reading, pin!(child.wait())).await {
                    Either::Left((read, waiting)) => {
                        read?;
                        waiting.await?
                    }
                    Either::Right((status, reading)) => {
                        // What it has left running may keep its standard output open.
                        timeout(GRACE, reading).await.unwrap_or(Ok(()))?;
                        status?
                    }
                }
            };
            Ok(Ended::ByItself { status, output })
        };
        timeout(limit, read_and_wait)
            .await
            .unwrap_or(Ok(Ended::ByUs))
    });
    runtime.shutdown_background();
    Ok(ended)
}

async fn read(stdout: Option<ChildStdout>, output: &mut Vec<u8>) -> io::Result<()> {
    if let Some(stdout) = stdout {
        stdout.take(MOST_OUTPUT).read_to_end(output).await?;
    }
    Ok(())
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
