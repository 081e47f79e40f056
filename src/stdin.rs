//! Lines that are piped in, in place of what a person would type.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::mpsc::{self, RecvTimeoutError};
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
        Err(_elapsed) => bail!(
            Failure::new(format!(
                "{what} did not come on standard input within {} s",
                PATIENCE.as_secs()
            ))
            .hint("close standard input with `</dev/null` to be asked at the terminal")
            .exit(Exit::HumanNeeded)
        ),
    }
}

fn read(most: usize) -> Vec<Zeroizing<String>> {
    let mut input = io::stdin().lock();
    let mut lines = Vec::new();
    while lines.len() < most {
        let mut line = Zeroizing::new(Vec::new());
        match input
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
        {
            Ok(1..) => {
                let text = String::from_utf8_lossy(&line);
                lines.push(Zeroizing::new(text.trim_end().to_owned()));
            }
            Ok(0) | Err(_) => break,
        }
    }
    // Nothing but blanks is nothing.
    if lines.iter().all(|line| line.is_empty()) {
        lines.clear();
    }
    lines
}
