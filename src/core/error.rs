//! Defines an error as a user sees it: one sentence, a hint with what to type, and an exit code.

use std::fmt;
use std::io;

use crate::core::text::plain;

/// How a run ended badly. The numbers are part of the interface and stand in the guide `reference`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Anything that has no code of its own.
    Failed = 1,
    /// The flags do not go together: most of that, clap tells, with the same code. Or a command whose 1 is an answer, as of grep, has
    /// none to give.
    Usage = 2,
    /// A code was needed, and there was nobody to ask.
    HumanNeeded = 3,
    /// STS refused the code or the device.
    Refused = 4,
    /// As in shells: the command of `exec` is there, but cannot be run.
    NotExecutable = 126,
    /// As in shells: there is no such command.
    NotFound = 127,
}

/// An error that a user reads. Whatever else reaches `main` is printed, too, with exit code 1. Each of its lines is one of ours,
/// whatever the texts are that it quotes.
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

    /// Lists what the message is about, a line each.
    pub fn listing(mut self, lines: &[String]) -> Self {
        for line in lines {
            self.message.push('\n');
            self.message.push_str(&plain(line));
        }
        self
    }

    /// Ends the process with this code in place of 1.
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

/// How a run ends for whatever reached `main`.
pub fn exit(error: &anyhow::Error) -> Exit {
    error
        .downcast_ref::<Failure>()
        .map_or(Exit::Failed, |failure| failure.exit)
}

/// What an error says to type, where it does.
pub fn hint(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Failure>()?.hint.as_deref()
}

/// What an error says, without its hint.
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

/// The reason of an I/O error in words, without the number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    words.to_lowercase()
}
