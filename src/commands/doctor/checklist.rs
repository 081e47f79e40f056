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
    /// It works, but not as somebody may think, or not for long.
    Warning,
    /// Something does not work.
    Problem,
}

/// One line of the checklist.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    subject: &'static str,
    level: CheckLevel,
    message: String,
    /// What to type or to do.
    fix: Option<String>,
}

/// What was found, in the order in which it was looked for.
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

    /// Something is right.
    pub fn ok(&mut self, subject: &'static str, message: impl AsRef<str>) {
        self.add(subject, CheckLevel::Ok, message.as_ref(), None);
    }

    /// Something may surprise.
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

    /// Something does not work, in the words of the error that a run ends with for it.
    pub fn failed(&mut self, subject: &'static str, why: &anyhow::Error) {
        let message = error::message(why);
        self.add(subject, CheckLevel::Problem, &message, error::hint(why));
    }

    /// The same where it did not work; else what came of it.
    pub fn attempt<T>(&mut self, subject: &'static str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.failed(subject, &error)).ok()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.checks.len()
    }

    /// A path as it is shown.
    pub(super) fn shown(&self, path: &Path) -> String {
        self.redactor.redact(&path.to_string_lossy())
    }

    /// Whether something does not work.
    pub fn has_problems(&self) -> bool {
        self.count(CheckLevel::Problem) > 0
    }

    /// Two checks may come upon the same thing: it is said once, as bad as the worse of them takes it.
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
            fix: fix.map(|fix| self.redactor.redact(fix)),
        });
    }

    fn count(&self, level: CheckLevel) -> usize {
        let checks = self.checks.iter();
        checks.filter(|check| check.level == level).count()
    }

    /// For people: a line for each check, below it the fix, and at the end how many there are of each kind.
    pub fn text(&self, has_colour: bool) -> String {
        let subjects = self.checks.iter().map(|check| check.subject.len());
        let width = subjects.max().unwrap_or_default();
        let mut text = String::new();
        for check in &self.checks {
            let (word, style) = match check.level {
                CheckLevel::Ok => ("ok     ", Style::new().green()),
                CheckLevel::Warning => ("warning", Style::new().yellow()),
                CheckLevel::Problem => ("problem", Style::new().red()),
            };
            let word = style.force_styling(has_colour).apply_to(word);
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

/// Everything. The guide `reference` documents it: keys may be added, but none is renamed or goes.
#[derive(Serialize)]
struct ChecklistJson<'l> {
    version: u8,
    checks: &'l [Check],
    ok: usize,
    warnings: usize,
    problems: usize,
}
