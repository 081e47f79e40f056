//! Reads lines from standard input, instead of what a person would type.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, StdinLock};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::core::error::{Exit, Failure};
use crate::core::wait::NOTICE_AFTER;
use crate::report::Report;

/// How long a program may take to write its lines: it may ask a person for a touch or a password.
const INPUT_TIMEOUT: Duration = Duration::from_mins(2);
/// Longer than any expected line.
const LONGEST_LINE: u64 = 1024;

/// Lines of standard input, read as they are needed, because the writer may take a while.
pub struct InputLines(Receiver<Zeroizing<String>>);

/// How long to wait for a line that is sent together with the one before.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How many blank lines to skip.
const MOST_BLANK: usize = 16;

impl InputLines {
    /// Starts to read. None if standard input is a terminal.
    pub fn open() -> Option<Self> {
        if io::stdin().is_terminal() {
            return None;
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::spawn(move || {
            // PowerShell starts piped text with a byte order mark.
            let mut mark = Some('\u{feff}');
            while let Some(line) = read_line(&mut io::stdin().lock()) {
                let line = mark
                    .take()
                    .map_or(&**line, |mark| line.trim_start_matches(mark));
                // Some programs end lines with only a carriage return.
                for line in line.split('\r') {
                    if sender.send(Zeroizing::new(line.to_owned())).is_err() {
                        return;
                    }
                }
            }
        });
        Some(Self(receiver))
    }

    /// The next line, without its end. None at the end of input.
    ///
    /// # Errors
    /// Exit code 3 when it stays open and nothing arrives.
    pub fn next(&self, what: &str) -> Result<Option<Zeroizing<String>>> {
        let line = self.0.recv_timeout(NOTICE_AFTER).or_else(|error| {
            if error == RecvTimeoutError::Timeout {
                Report::notice(format_args!("waiting for {what} on standard input"));
            }
            self.0
                .recv_timeout(INPUT_TIMEOUT.saturating_sub(NOTICE_AFTER))
        });
        match line {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!(nothing_came(what)),
        }
    }

    /// The next line that is not empty. None at the end of input, or after too many empty lines.
    pub fn next_filled(&self, what: &str) -> Result<Option<Zeroizing<String>>> {
        for _ in 0..MOST_BLANK {
            match self.next(what)? {
                Some(line) if line.is_empty() => {}
                other => return Ok(other),
            }
        }
        Ok(None)
    }

    /// The next line that is not empty, if it is already there.
    pub fn next_at_once(&self) -> Option<Zeroizing<String>> {
        (0..MOST_BLANK)
            .map_while(|_| self.0.recv_timeout(AT_ONCE).ok())
            .find(|line| !line.is_empty())
    }
}

/// Up to this many lines of standard input, without their ends. None if it is a terminal or empty.
///
/// # Errors
/// Exit code 3 when it stays open and nothing arrives.
pub fn lines(most: usize, what: &str) -> Result<Vec<Zeroizing<String>>> {
    let mut lines = Vec::new();
    if let Some(input) = InputLines::open() {
        while lines.len() < most
            && let Some(line) = input.next(what)?
        {
            lines.push(line);
        }
    }
    // Only blank lines count as empty.
    if lines.iter().all(|line| line.is_empty()) {
        lines.clear();
    }
    Ok(lines)
}

fn nothing_came(what: &str) -> Failure {
    Failure::new(format!(
        "{what} did not arrive on standard input within {} s",
        INPUT_TIMEOUT.as_secs()
    ))
    .hint("close standard input with `</dev/null` to be asked at the terminal")
    .exit(Exit::HumanNeeded)
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
