//! Lines that are piped in, in place of what a person would type.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, StdinLock};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::error::{Exit, Failure};
use crate::report::Report;

/// How long a program may take to write its lines: it may have to ask a person for a touch or a password.
const PATIENCE: Duration = Duration::from_mins(2);
/// After so long, whoever waits is told for what.
const SILENCE: Duration = Duration::from_secs(2);
/// Longer than any line that is looked for.
const LONGEST_LINE: u64 = 1024;

/// Lines of standard input, taken as they are needed: whoever writes them may have to be waited for.
pub struct Lines(Receiver<Zeroizing<String>>);

/// How long a line may take that comes together with the one before.
const AT_ONCE: Duration = Duration::from_millis(100);
/// After so many blank lines nothing else is expected.
const MOST_BLANK: usize = 16;

impl Lines {
    /// Begins to read. None where standard input is a terminal.
    pub fn open() -> Option<Self> {
        if io::stdin().is_terminal() {
            return None;
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut blank = 0;
            while blank < MOST_BLANK
                && let Some(line) = read_line(&mut io::stdin().lock())
            {
                if line.is_empty() {
                    blank += 1;
                } else if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Some(Self(receiver))
    }

    /// The next line that is not empty, without its end. None at the end of input.
    ///
    /// # Errors
    /// Exit code 3 when it stays open and nothing comes.
    pub fn next(&self, what: &str) -> Result<Option<Zeroizing<String>>> {
        let line = self.0.recv_timeout(SILENCE).or_else(|error| {
            if error == RecvTimeoutError::Timeout {
                Report::notice(format_args!("waiting for {what} on standard input"));
            }
            self.0.recv_timeout(PATIENCE.saturating_sub(SILENCE))
        });
        match line {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!(nothing_came(what)),
        }
    }

    /// The next line, where it is there already.
    pub fn next_at_once(&self) -> Option<Zeroizing<String>> {
        self.0.recv_timeout(AT_ONCE).ok()
    }
}

/// The first lines of standard input, as many as there are, without their ends. None where it is a terminal or empty.
///
/// # Errors
/// Exit code 3 when it stays open and nothing comes.
pub fn lines(most: usize, what: &str) -> Result<Vec<Zeroizing<String>>> {
    if io::stdin().is_terminal() {
        return Ok(Vec::new());
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone only after the time limit.
        let _ = sender.send(read(most));
    });
    let lines = receiver.recv_timeout(SILENCE).or_else(|error| {
        if error == RecvTimeoutError::Timeout {
            Report::notice(format_args!("waiting for {what} on standard input"));
        }
        receiver.recv_timeout(PATIENCE.saturating_sub(SILENCE))
    });
    match lines {
        Ok(lines) => Ok(lines),
        Err(_elapsed) => bail!(nothing_came(what)),
    }
}

fn nothing_came(what: &str) -> Failure {
    Failure::new(format!(
        "{what} did not come on standard input within {} s",
        PATIENCE.as_secs()
    ))
    .hint("close standard input with `</dev/null` to be asked at the terminal")
    .exit(Exit::HumanNeeded)
}

fn read(most: usize) -> Vec<Zeroizing<String>> {
    let mut input = io::stdin().lock();
    let mut lines = Vec::new();
    while lines.len() < most {
        match read_line(&mut input) {
            Some(line) => lines.push(line),
            None => break,
        }
    }
    // Nothing but blanks is nothing.
    if lines.iter().all(|line| line.is_empty()) {
        lines.clear();
    }
    lines
}

/// A line without its end; none at the end of input.
fn read_line(input: &mut StdinLock<'_>) -> Option<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::new());
    let mut input = input.take(LONGEST_LINE);
    match input.read_until(b'\n', &mut line) {
        Ok(1..) => {
            let text = String::from_utf8_lossy(&line);
            Some(Zeroizing::new(text.trim_end().to_owned()))
        }
        Ok(0) | Err(_) => None,
    }
}
