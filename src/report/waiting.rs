//! Shows on the terminal what this process waits for, and how long it has waited: one line, drawn again each second.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use console::Term;

use crate::core::screen;

const SECOND: Duration = Duration::from_secs(1);

/// Whether a wait is shown.
static IS_WAITING: AtomicBool = AtomicBool::new(false);
/// How many columns the text of the line has that is on the terminal now; none if there is no line.
static LINE: Mutex<Option<usize>> = Mutex::new(None);

/// A wait that is shown. Dropping it clears the line.
#[derive(Debug)]
pub struct Waiting {
    /// Dropping it ends the thread.
    is_over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Shows a wait from now on. None where a line cannot be drawn again: not on a terminal that can do so, or in the background.
    pub(super) fn begin(text: &str, since: Instant) -> Option<Self> {
        let terminal = Term::stderr();
        if !screen::redraws_lines(&terminal) || !is_in_foreground() {
            return None;
        }
        let mut waiting = Self {
            is_over: None,
            thread: None,
        };
        // A wait within another one needs no line of its own.
        if !IS_WAITING.swap(true, Ordering::SeqCst) {
            let (sender, receiver) = mpsc::channel();
            let text = text.to_owned();
            waiting.is_over = Some(sender);
            waiting.thread = Some(thread::spawn(move || {
                loop {
                    let seconds = since.elapsed().as_secs();
                    draw(&terminal, Some(&format!("{text} ({seconds} s)")));
                    if receiver.recv_timeout(SECOND) != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                }
                draw(&terminal, None);
                IS_WAITING.store(false, Ordering::SeqCst);
            }));
        }
        Some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.is_over.take());
        if let Some(thread) = self.thread.take() {
            // It cannot panic.
            let _ = thread.join();
        }
    }
}

/// Clears the line before something else is written. It is drawn again with the next second.
pub(super) fn clear() {
    if IS_WAITING.load(Ordering::Relaxed) {
        draw(&Term::stderr(), None);
    }
}

/// Replaces the line.
fn draw(terminal: &Term, text: Option<&str>) {
    if !is_in_foreground() {
        return;
    }
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let text_or_nothing = text.unwrap_or_default();
    let output = match *line {
        None => text_or_nothing.to_owned(),
        Some(columns) => {
            let width = usize::from(terminal.size().1).max(1);
            // A line that is longer than the terminal is wide has several rows.
            let up = match columns.saturating_sub(1) / width {
                0 => String::new(),
                rows => format!("\u{1b}[{rows}A"),
            };
            format!("{up}\r\u{1b}[J{text_or_nothing}")
        }
    };
    *line = text.map(console::measure_text_width);
    // If the terminal is gone, nobody needs it.
    let _ = std::io::stderr().write_all(output.as_bytes());
}

/// Whether the terminal is this process's to draw on.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stderr())
        .map_or(true, |foreground| foreground == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground() -> bool {
    true
}
