//! Defines an error as a user sees it: one sentence, a hint with what to type, and an exit code.

use std::fmt;
use std::io;

use crate::core::busy_file::is_busy;
use crate::core::text::plain;

/// The exit code of a failed run. The numbers are part of the interface, and documented in the guide `reference`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Any failure without a code of its own.
    Failed = 1,
    /// The flags contradict each other; clap reports most of these cases itself, with the same code. Also the failure of a command whose
    /// exit code 1 is an answer, as with grep.
    Usage = 2,
    /// A code was needed, and nobody could be asked.
    HumanNeeded = 3,
    /// STS refused the code or the device.
    Refused = 4,
    /// As in shells: the command of `exec` exists but cannot be run.
    NotExecutable = 126,
    /// As in shells: there is no such command.
    NotFound = 127,
}

/// An error that a user reads. Any other error that reaches `main` is also printed, with exit code 1. Texts that it quotes cannot add
/// lines to it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure with the general exit code.
    pub fn new(message: impl AsRef<str>) -> Self {
        Self {
            message: plain(message.as_ref()),
            hint: None,
            exit: Exit::Failed,
        }
    }

    /// Says what to type.
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(plain(hint.as_ref()));
        self
    }

    /// Adds a line for each thing that the message is about.
    pub fn listing(mut self, lines: &[String]) -> Self {
        for line in lines {
            self.message.push('\n');
            self.message.push_str(&plain(line));
        }
        self
    }

    /// Sets the exit code, which is 1 by default.
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What went wrong, without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The exit code for an error that reached `main`.
pub fn exit(error: &anyhow::Error) -> Exit {
    error
        .downcast_ref::<Failure>()
        .map_or(Exit::Failed, |failure| failure.exit)
}

/// The hint of an error, if it has one.
pub fn hint(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Failure>()?.hint.as_deref()
}

/// The message of an error, without its hint.
pub fn message(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.message.clone(),
        None => plain(&error.to_string()),
    }
}

/// The lines of an error as they are shown.
pub fn lines(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.to_string(),
        None => plain(&error.to_string()),
    }
}

/// The reason of an I/O error in words, without the number, and without the period with which Windows ends it.
pub fn reason(error: &io::Error) -> String {
    if is_busy(error) {
        return "another program has it open".to_owned();
    }
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    words.trim_end_matches('.').to_lowercase()
}
