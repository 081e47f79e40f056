//! Collects what the checks of `doctor` found, each with a fix to type, and redacts it so that it can be pasted into a ticket.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use console::Style;
use serde::Serialize;

use super::redactor::Redactor;
use crate::core::error;
use crate::core::text;

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckLevel {
    Ok,
    /// It works, but perhaps not as expected, or not for long.
    Warning,
    /// Something does not work.
    Problem,
}

/// One line of the checklist.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was checked.
    subject: &'static str,
    level: CheckLevel,
    message: String,
    /// What to type or to do.
    fix: Option<String>,
}

/// The results, in the order of the checks.
pub struct Checklist {
    checks: Vec<Check>,
    redactor: Redactor,
}

impl Checklist {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            checks: Vec::new(),
            redactor: Redactor::new(),
        }
    }

    /// Adds that something is right.
    pub fn ok(&mut self, subject: &'static str, message: impl AsRef<str>) {
        self.add(subject, CheckLevel::Ok, message.as_ref(), None);
    }

    /// Adds something that may surprise, and its fix.
    pub fn warning(
        &mut self,
        subject: &'static str,
        message: impl AsRef<str>,
        fix: impl AsRef<str>,
    ) {
        self.add(
            subject,
            CheckLevel::Warning,
            message.as_ref(),
            Some(fix.as_ref()),
        );
    }

    /// Something does not work.
    pub fn problem(
        &mut self,
        subject: &'static str,
        message: impl AsRef<str>,
        fix: impl AsRef<str>,
    ) {
        self.add(
            subject,
            CheckLevel::Problem,
            message.as_ref(),
            Some(fix.as_ref()),
        );
    }

    /// Adds an error in the same words as a run that fails with it.
    pub fn failed(&mut self, subject: &'static str, why: &anyhow::Error) {
        let message = error::message(why);
        self.add(subject, CheckLevel::Problem, &message, error::hint(why));
    }

    /// The same, for what a run may do without.
    pub fn warned(&mut self, subject: &'static str, why: &anyhow::Error) {
        let message = error::message(why);
        self.add(subject, CheckLevel::Warning, &message, error::hint(why));
    }

    /// Adds the error if there is one; otherwise returns the value.
    pub fn attempt<T>(&mut self, subject: &'static str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.failed(subject, &error)).ok()
    }

    /// The number of lines.
    pub(super) fn len(&self) -> usize {
        self.checks.len()
    }

    /// A path in the form in which it is shown.
    pub(super) fn shown(&self, path: &Path) -> String {
        self.redactor.redact(&path.to_string_lossy())
    }

    /// Whether something does not work.
    pub fn has_problems(&self) -> bool {
        self.count(CheckLevel::Problem) > 0
    }

    /// If two checks find the same thing, it gets one line, with the worse of the two levels.
    pub(super) fn add(
        &mut self,
        subject: &'static str,
        level: CheckLevel,
        message: &str,
        fix: Option<&str>,
    ) {
        let message = self.redactor.redact(message);
        let mut checks = self.checks.iter_mut();
        if let Some(same) = checks.find(|check| check.message == message) {
            same.level = same.level.max(level);
            return;
        }
        self.checks.push(Check {
            subject,
            level,
            message,
            fix: fix.map(|fix| self.redactor.redact_command(fix)),
        });
    }

    fn count(&self, level: CheckLevel) -> usize {
        let checks = self.checks.iter();
        checks.filter(|check| check.level == level).count()
    }

    /// For people: a line for each check with its fix below it, and the totals at the end.
    pub fn text(&self, has_colors: bool) -> String {
        let subjects = self.checks.iter().map(|check| check.subject.len());
        let width = subjects.max().unwrap_or_default();
        let mut text = String::new();
        for check in &self.checks {
            let (word, style) = match check.level {
                CheckLevel::Ok => ("ok     ", Style::new().green()),
                CheckLevel::Warning => ("warning", Style::new().yellow()),
                CheckLevel::Problem => ("problem", Style::new().red()),
            };
            let word = style.force_styling(has_colors).apply_to(word);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{word}  {:width$}  {}", check.subject, check.message);
            if let Some(fix) = &check.fix {
                let _ = writeln!(text, "         fix: {fix}");
            }
        }
        let number = |level, word: &str| match self.count(level) {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        let ok = self.count(CheckLevel::Ok);
        let warnings = number(CheckLevel::Warning, "warning");
        let problems = number(CheckLevel::Problem, "problem");
        let _ = writeln!(text, "{ok} ok, {warnings}, {problems}");
        text
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        let listed = ChecklistJson {
            version: 1,
            checks: &self.checks,
            ok: self.count(CheckLevel::Ok),
            warnings: self.count(CheckLevel::Warning),
            problems: self.count(CheckLevel::Problem),
        };
        text::json(&listed).map(|text| text.to_string())
    }
}

/// The whole list. The guide `reference` documents it: keys may be added, but none may be renamed or removed.
#[derive(Serialize)]
struct ChecklistJson<'l> {
    version: u8,
    checks: &'l [Check],
    ok: usize,
    warnings: usize,
    problems: usize,
}
