//! What people are told: on standard error, and nothing else there.

use std::fmt;
use std::io::Write as _;

use chrono::{DateTime, Local, TimeDelta, Utc};

use crate::cli::{LogLevel, Verbosity};

/// How much to say.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Level {
    Errors,
    Warnings,
    Progress,
    Details,
}

/// The way to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Report(Level);

impl Report {
    /// As asked for on the command line; `-q` and `-v` win over aws-mfa's `--log-level`.
    pub fn new(verbosity: &Verbosity) -> Self {
        let by_log_level = match verbosity.log_level {
            Some(LogLevel::Critical | LogLevel::Error) => Level::Errors,
            Some(LogLevel::Warning | LogLevel::Notset) => Level::Warnings,
            Some(LogLevel::Info) | None => Level::Progress,
            Some(LogLevel::Debug) => Level::Details,
        };
        Self(if verbosity.quiet {
            Level::Errors
        } else if verbosity.verbose > 0 {
            Level::Details
        } else {
            by_log_level
        })
    }

    /// What a person has to know who sits before a process that waits: at every level, as the prompt is.
    pub fn notice(message: impl fmt::Display) {
        line(format_args!("{message}"));
    }

    /// Something that should be looked at, though it is no error.
    pub fn warning(self, message: impl fmt::Display) {
        self.say(Level::Warnings, format_args!("warning: {message}"));
    }

    /// What is done.
    pub fn progress(self, message: impl fmt::Display) {
        self.say(Level::Progress, format_args!("{message}"));
    }

    /// Why it is done so: only with `-v`.
    pub fn detail(self, message: impl fmt::Display) {
        self.say(Level::Details, format_args!("{message}"));
    }

    fn say(self, level: Level, message: fmt::Arguments<'_>) {
        if level <= self.0 {
            line(message);
        }
    }
}

/// Says why the run ends, at every level.
pub fn error(message: impl fmt::Display) {
    line(format_args!("error: {message}"));
}

fn line(message: fmt::Arguments<'_>) {
    // In one piece, so that the lines of several processes do not mix. Nobody is left to tell where the stream is closed.
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// An end, for people: `09:03 +02:00, 12 h`, with the date where it is a day off or more.
pub fn until(end: DateTime<Utc>, now: DateTime<Utc>) -> impl fmt::Display {
    // Only when it is shown: the local time zone has to be read.
    fmt::from_fn(move |f| {
        let left = end - now;
        let form = if left < TimeDelta::days(1) {
            "%H:%M %:z"
        } else {
            "%Y-%m-%d %H:%M %:z"
        };
        let local = end.with_timezone(&Local);
        write!(f, "{}, {}", local.format(form), span(left))
    })
}

/// A span of time, for people: `45 s`, `35 min`, `12 h`, `11 h 20 min`, `1 d 12 h`.
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    if seconds < 90 {
        return format!("{seconds} s");
    }
    let minutes = (seconds + 30) / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
