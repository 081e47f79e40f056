//! Writes messages to standard error, data to standard output, and the trace to its file.

mod waiting;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result};
use console::Term;

pub use self::waiting::Waiting;
use crate::cli::{LogLevel, Verbosity};
use crate::core::clock::of_machine;
use crate::core::error;
use crate::core::regular_file::{self, Unfit};
use crate::core::screen;
use crate::core::text::plain;
use crate::core::wait::NOTICE_AFTER;

/// The file that gets every message, in addition to standard error.
static TRACE: OnceLock<File> = OnceLock::new();

/// How much is reported.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum ReportLevel {
    Errors,
    Waits,
    Warnings,
    Progress,
    Details,
    Trace,
}

/// Reports on standard error, up to a level.
#[derive(Clone, Copy, Debug)]
pub struct Report(ReportLevel);

impl Report {
    /// The level from the command line; `-q` and `-v` override aws-mfa's `--log-level`.
    pub fn new(verbosity: &Verbosity) -> Self {
        Self::or(verbosity, ReportLevel::Progress)
    }

    /// The same for a program that calls us, and shows our messages only if we fail: no progress, unless requested.
    pub fn to_a_program(verbosity: &Verbosity) -> Self {
        Self::or(verbosity, ReportLevel::Warnings)
    }

    fn or(verbosity: &Verbosity, usual: ReportLevel) -> Self {
        let by_log_level = match verbosity.log_level {
            Some(LogLevel::Critical | LogLevel::Error) => ReportLevel::Errors,
            Some(LogLevel::Warning | LogLevel::Notset) => ReportLevel::Warnings,
            Some(LogLevel::Info) => ReportLevel::Progress,
            None => usual,
            Some(LogLevel::Debug) => ReportLevel::Details,
        };
        Self(if verbosity.quiet {
            ReportLevel::Errors
        } else if verbosity.verbose > 1 {
            ReportLevel::Trace
        } else if verbosity.verbose > 0 {
            ReportLevel::Details
        } else {
            by_log_level
        })
    }

    /// Reports only errors.
    pub fn quiet() -> Self {
        Self(ReportLevel::Errors)
    }

    /// Reports only errors and waits. The caller reports the rest itself.
    pub fn without_warnings() -> Self {
        Self(ReportLevel::Waits)
    }

    /// Something that a person in front of a waiting process needs to know: at every level, like the prompt.
    pub fn notice(message: impl fmt::Display) {
        tell(&plain(&message.to_string()));
    }

    /// What this process waits for, at every level, once it has waited for [`NOTICE_AFTER`]. On a terminal, the line shows how long
    /// the wait has been, until the result is dropped.
    pub fn waiting(message: impl fmt::Display) -> Option<Waiting> {
        begin_to_wait(&plain(&message.to_string()), NOTICE_AFTER)
    }

    /// The same for a wait for another process, by its ID if that is known. If it runs in the same session, its prompt may be on the
    /// same terminal, where a line that is drawn again would erase it: then there is a plain line.
    pub fn waiting_for_process(id: Option<u32>, message: impl fmt::Display) -> Option<Waiting> {
        if id.is_some_and(is_in_our_session) {
            Self::notice(message);
            return None;
        }
        Self::waiting(message)
    }

    /// The same as [`Report::waiting`], unless only errors are reported.
    pub fn waiting_unless_quiet(self, message: impl fmt::Display) -> Option<Waiting> {
        if self.0 < ReportLevel::Waits {
            into_trace(&plain(&message.to_string()));
            return None;
        }
        Self::waiting(message)
    }

    /// What this process waits for from now on, as progress.
    pub fn waiting_from_now(self, message: impl fmt::Display) -> Option<Waiting> {
        if self.0 < ReportLevel::Progress {
            self.progress(message);
            return None;
        }
        begin_to_wait(&plain(&message.to_string()), Duration::ZERO)
    }

    /// Something to check, though it is not an error.
    pub fn warning(self, message: impl fmt::Display) {
        self.say(ReportLevel::Warnings, format_args!("warning: {message}"));
    }

    /// The same, with an error as the reason, and its hint.
    pub fn warning_for(self, message: impl fmt::Display, error: &Error) {
        let message = plain(&format!("warning: {message}"));
        self.say_lines(
            ReportLevel::Warnings,
            &format!("{message}: {}", error::lines(error)),
        );
    }

    /// What is done.
    pub fn progress(self, message: impl fmt::Display) {
        self.say(ReportLevel::Progress, format_args!("{message}"));
    }

    /// Why it is done so: only with `-v`.
    pub fn detail(self, message: impl fmt::Display) {
        self.say(ReportLevel::Details, format_args!("{message}"));
    }

    /// Each step on the way: only with `-vv`, and always in the trace file.
    pub fn trace(self, message: impl fmt::Display) {
        self.say(ReportLevel::Trace, format_args!("{message}"));
    }

    /// Whether details go anywhere.
    pub fn has_details(self) -> bool {
        self.0 >= ReportLevel::Details || TRACE.get().is_some()
    }

    /// Shows how many of several things are done, on a terminal.
    pub fn count(self, what: &'static str, total: usize) -> Count {
        let term = Term::stderr();
        let count = Count {
            term: (self.0 >= ReportLevel::Progress && total > 1 && screen::is_capable(&term))
                .then_some(term),
            what,
            total,
            done: 0,
        };
        count.show();
        count
    }

    fn say(self, level: ReportLevel, message: fmt::Arguments<'_>) {
        if level <= self.0 || TRACE.get().is_some() {
            self.say_lines(level, &plain(&message.to_string()));
        }
    }

    fn say_lines(self, level: ReportLevel, lines: &str) {
        if level <= self.0 {
            tell(lines);
        } else {
            into_trace(lines);
        }
    }
}

/// A line on the terminal that shows progress. Dropping it clears the line.
pub struct Count {
    term: Option<Term>,
    what: &'static str,
    total: usize,
    done: usize,
}

impl Count {
    pub fn is_shown(&self) -> bool {
        self.term.is_some()
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done += 1;
        self.show();
    }

    fn show(&self) {
        if let Some(term) = &self.term {
            // If the terminal is gone, nobody needs it.
            let _ = term.clear_line();
            let _ = term.write_str(&format!("{}: {} of {}", self.what, self.done, self.total));
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if let Some(term) = &self.term {
            let _ = term.clear_line();
        }
    }
}

/// Writes the requested data to standard output.
///
/// # Errors
/// When it cannot be written. A closed pipe is not an error.
pub fn data(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// Reports why the run ends, at every level.
pub fn error(error: &Error) {
    tell(&format!("error: {}", error::lines(error)));
}

/// The same for one of several things.
pub fn error_of(what: &str, error: &Error) {
    tell(&format!("error: {}: {}", plain(what), error::lines(error)));
}

/// Writes lines that are safe to show.
fn tell(lines: &str) {
    into_trace(lines);
    write(lines);
}

fn write(lines: &str) {
    waiting::clear();
    let is_colored = screen::is_labeled(lines) && screen::has_colors(&Term::stderr());
    let colored = is_colored.then(|| screen::with_colored_labels(lines));
    let lines = colored.as_deref().unwrap_or(lines);
    // In one write, so that the lines of several processes do not mix. If the stream is closed, nobody can be told.
    let _ = std::io::stderr().write_all(format!("{lines}\n").as_bytes());
}

/// Shows a wait that has lasted for some time.
fn begin_to_wait(message: &str, waited: Duration) -> Option<Waiting> {
    into_trace(message);
    let now = Instant::now();
    let waiting = Waiting::begin(message, now.checked_sub(waited).unwrap_or(now));
    if waiting.is_none() {
        write(message);
    }
    waiting
}

/// Whether another process can have this process's terminal.
#[cfg(unix)]
fn is_in_our_session(process: u32) -> bool {
    use rustix::process::{Pid, getsid};

    let theirs =
        Pid::from_raw(process.cast_signed()).and_then(|process| getsid(Some(process)).ok());
    theirs.is_some() && theirs == getsid(None).ok()
}

#[cfg(not(unix))]
fn is_in_our_session(_process: u32) -> bool {
    true
}

/// From now on, also appends every message of every level to a file. A new file is readable only by its owner.
pub fn trace_to(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(windows)]
    let is_new = !path.exists();
    let opened = regular_file::without_waiting(&mut options).open(path);
    let file = opened.map_err(|error| {
        let unfit = regular_file::check_path(path).err();
        match unfit.as_ref().and_then(regular_file::unfit) {
            // A pipe with a reader can be opened.
            Some(Unfit::Fifo) => io::Error::other("it is a named pipe that no process reads"),
            _ => unfit.unwrap_or(error),
        }
    })?;
    let metadata = file.metadata()?;
    match regular_file::check(&metadata) {
        Err(error) if !can_be_watched(&file, &error) => return Err(error),
        Ok(()) if metadata.len() == 0 => regular_file::leave_to_owner(&file)?,
        _ => {}
    }
    #[cfg(windows)]
    if is_new {
        crate::core::access::leave_to_user(path, crate::core::access::Kind::File);
    }
    // It is set once, at the start.
    let _ = TRACE.set(file);
    Ok(())
}

/// Whether a trace to something other than a regular file makes sense: somebody reads it, as with `/dev/stderr`, or it is discarded.
fn can_be_watched(file: &File, error: &io::Error) -> bool {
    match regular_file::unfit(error) {
        Some(Unfit::Fifo | Unfit::NullDevice) => true,
        Some(Unfit::CharacterDevice) => file.is_terminal(),
        _ => false,
    }
}

fn into_trace(message: &str) {
    if let Some(mut file) = TRACE.get() {
        let (time, process) = (of_machine().format("%FT%T%.3fZ"), std::process::id());
        let indented = message.replace('\n', "\n  ");
        // A trace that cannot be written does not stop the run.
        let _ = file.write_all(format!("{time} p{process} {indented}\n").as_bytes());
    }
}
