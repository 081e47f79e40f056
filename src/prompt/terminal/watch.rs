//! Ends prompts that cannot be interrupted after their timeout.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::nobody_answered;
use super::signals;
use crate::core::error::Exit;
use crate::plan::Setting;
use crate::report;

/// Ends the process when a prompt that cannot be interrupted times out. Dropped when there is an answer.
pub(super) struct Watch {
    /// Dropping it stops the watch.
    _answer: mpsc::Sender<()>,
}

impl Watch {
    pub(super) fn begin(limit: Setting<Duration>) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if receiver.recv_timeout(limit.value) == Err(mpsc::RecvTimeoutError::Timeout) {
                signals::restore();
                report::error(&nobody_answered(&limit).into());
                end();
            }
        });
        Self { _answer: sender }
    }
}

#[allow(
    clippy::exit,
    reason = "the prompt blocks until there is an answer, so the process ends with it, as at a signal"
)]
fn end() -> ! {
    std::process::exit(Exit::HumanNeeded as i32)
}
