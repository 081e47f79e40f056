//! Waits for what ends a server on Windows.

use std::io;
use std::process::{self, ExitCode};

use crate::core::error::Exit;
use crate::prompt::child::STATUS_CONTROL_C_EXIT;

/// Returns when Ctrl-C was pressed. A prompt that is open ends before this process does.
pub(super) async fn wait() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Ends this process as Ctrl-C would have.
#[allow(
    clippy::exit,
    reason = "an exit code has 32 bits here, and ExitCode has 8"
)]
pub(super) fn end(ended: &io::Result<()>) -> ExitCode {
    if ended.is_ok() {
        process::exit(STATUS_CONTROL_C_EXIT);
    }
    ExitCode::from(Exit::Failed as u8)
}
