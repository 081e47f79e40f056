//! Waits for the signals that end a server on Unix.

use std::future::pending;
use std::io;
use std::process::ExitCode;

use futures_util::future::select_all;
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{SignalKind, signal};

use crate::core::error::Exit;
use crate::prompt::terminal::is_ignored;

const SIGNALS: [SignalKind; 3] = [
    SignalKind::interrupt(),
    SignalKind::terminate(),
    SignalKind::hangup(),
];

/// The signal that came. A prompt that is open ends before this process does.
pub(super) async fn wait() -> io::Result<i32> {
    let mut waiting = Vec::new();
    for kind in SIGNALS {
        if !is_ignored(kind.as_raw_value()) {
            let mut stream = signal(kind)?;
            waiting.push(Box::pin(async move {
                stream.recv().await;
                kind.as_raw_value()
            }));
        }
    }
    if waiting.is_empty() {
        // Only a signal that nothing can catch ends this process.
        pending::<()>().await;
    }
    Ok(select_all(waiting).await.0)
}

/// Ends this process as the signal would have.
pub(super) fn end(signal: &io::Result<i32>) -> ExitCode {
    if let Ok(signal) = signal {
        // If it fails, the exit code tells it.
        let _ = emulate_default_handler(*signal);
    }
    ExitCode::from(Exit::Failed as u8)
}
