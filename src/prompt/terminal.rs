//! Asks at the terminal, even if standard input and output are redirected: through `/dev/tty`, or the console of Windows.

#[cfg_attr(not(unix), path = "terminal/no_signals.rs")]
mod signals;
#[cfg(unix)]
mod watch;
mod list;
#[cfg(any(windows, test))]
mod keys;
#[cfg(any(windows, test))]
mod line;
#[cfg_attr(unix, path = "terminal/unix.rs")]
#[cfg_attr(not(unix), path = "terminal/windows.rs")]
mod system;

use std::thread;
use std::time::Duration;

use anyhow::{Error, Result, bail};
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use self::list::Picked;
#[cfg(unix)]
pub use self::signals::is_ignored;
pub use self::signals::{Noting, end_with_us, stay_if_ending};
use self::system::Screen;
use crate::cli::Prompt;
use crate::core::clock;
use crate::core::error::{Exit, Failure};
use crate::core::screen;
use crate::core::text::{is_plain, plain};
use crate::plan::{Origin, PromptSettings, Setting};

/// How long a person may take to type a code.
pub const DEFAULT_PROMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a person may take who has to get something first: keys, or a phone with an app.
pub const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_mins(10);

/// An open terminal.
pub struct Terminal {
    term: Screen,
    #[cfg(unix)]
    file: std::fs::File,
    /// How long to wait for an answer.
    limit: Setting<Duration>,
}

/// What Enter alone means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DefaultAnswer {
    Yes,
    No,
}

/// What is wrong with an answer, so that it is asked for again.
type InputCheck = Result<(), String>;

impl Terminal {
    /// The terminal, if a person may be asked there.
    pub fn for_prompting(prompt_settings: &PromptSettings) -> Option<Self> {
        let PromptSettings { prompt, limit } = prompt_settings;
        match prompt.value {
            Prompt::Auto => Self::open_if_seen(limit.clone()),
            Prompt::Terminal => Self::open(limit.clone()),
            Prompt::Gui | Prompt::None => None,
        }
    }

    /// Asks for a line in the terminal's own line mode: all keys for editing, ending and suspending work as usual, the prompt stays on the
    /// screen, and the terminal needs no cleanup when the process ends.
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D, on Windows Ctrl-Z), does not answer, or the terminal is gone.
    pub fn ask_line(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> InputCheck,
    ) -> Result<Zeroizing<String>> {
        self.ask_again(prompt, check, || self.read_line(prompt))
    }

    /// Asks until an answer passes the check.
    fn ask_again(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> InputCheck,
        read: impl Fn() -> Result<Option<Zeroizing<String>>>,
    ) -> Result<Zeroizing<String>> {
        loop {
            self.show_prompt(prompt)?;
            let Some(line) = read()? else {
                let _ = self.term.write_line("");
                bail!(nothing_typed());
            };
            match check(&line) {
                Ok(()) => return Ok(line),
                Err(problem) => self.say(&format!("error: {problem}"))?,
            }
        }
    }

    fn show_prompt(&self, prompt: &str) -> Result<()> {
        self.watch_for_suspension();
        self.term
            .write_str(&format!("{}: ", plain(prompt)))
            .and_then(|()| self.term.flush())
            .map_err(gone)
    }

    /// Shows a line, made safe for the terminal.
    pub fn say(&self, text: &str) -> Result<()> {
        let text = plain(text);
        if screen::is_labeled(&text) && self.has_colors() {
            return self.draw(&screen::with_colored_labels(&text));
        }
        self.draw(&text)
    }

    /// Shows lines with colors.
    pub fn draw(&self, text: &str) -> Result<()> {
        self.term.write_line(text).map_err(gone)
    }

    /// Waits until then, with a line that shows the remaining whole seconds.
    pub fn count_down(&self, end: DateTime<Utc>, line: impl Fn(i64) -> String) -> Result<()> {
        let is_capable = self.is_capable();
        let mut shown = false;
        while let Ok(left) = (end - clock::now()).to_std() {
            self.check_interrupted()?;
            let whole = i64::try_from(left.as_millis().div_ceil(1000))?;
            if is_capable {
                self.term
                    .clear_line()
                    .and_then(|()| self.term.write_str(&line(whole)))
                    .and_then(|()| self.term.flush())
                    .map_err(gone)?;
            } else if !shown {
                self.say(&line(whole))?;
            }
            shown = true;
            // To the next whole second.
            let rest = left.subsec_nanos();
            thread::sleep(Duration::from_nanos(if rest == 0 {
                1_000_000_000
            } else {
                rest.into()
            }));
        }
        if shown {
            self.forget_input();
        }
        if shown && is_capable {
            self.term.clear_line().map_err(gone)?;
        }
        Ok(())
    }

    /// Fails if a signal came while signals were noted.
    fn check_interrupted(&self) -> Result<()> {
        if signals::noted().is_none() {
            return Ok(());
        }
        let _ = self.term.write_line("");
        bail!(interrupted())
    }

    /// Asks for a line; an empty one means the default. A default that cannot be shown is not used.
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D), does not answer, or the terminal is gone.
    pub fn ask_or(
        &self,
        prompt: &str,
        default: &str,
        check: impl Fn(&str) -> InputCheck,
    ) -> Result<String> {
        let default = if is_plain(default) { default } else { "" };
        let or_default = |line: &str| if line.is_empty() { default } else { line }.to_owned();
        let prompt = match default {
            "" => prompt.to_owned(),
            default => format!("{prompt} [{default}]"),
        };
        let line = self.ask_line(&prompt, |line| check(&or_default(line)))?;
        Ok(or_default(&line))
    }

    /// Asks for a line that is not shown. It is hidden before the prompt, so that nothing that is pasted early is shown.
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D), or the terminal is gone.
    pub fn ask_hidden(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> InputCheck,
    ) -> Result<Zeroizing<String>> {
        self.hiding(|| self.ask_again(prompt, check, || self.read_hidden_line()))
    }

    /// How many lines and columns it has.
    pub fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (rows.into(), columns.into())
    }

    /// Whether a list fits: the prompt, an item and the line of the cursor.
    pub fn has_room_for_a_list(&self) -> bool {
        !self.is_capable() || !matches!(self.term.size().0, 1..3)
    }

    /// Asks to pick one of several items, and returns its index. None if the person cancels (Esc).
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D), does not answer, or the terminal is gone.
    pub fn pick(&self, prompt: &str, items: &[String]) -> Result<Option<usize>> {
        if !self.is_capable() {
            return self.pick_by_number(prompt, items).map(Some);
        }
        let items: Vec<String> = items.iter().map(|item| plain(item)).collect();
        match self.pick_from_list(&plain(prompt), &items)? {
            Picked::Item(index) => Ok(Some(index)),
            Picked::Nothing => Ok(None),
            Picked::EndOfInput => bail!(nothing_typed()),
        }
    }

    /// The same with plain lines: asks for the number of an item. An empty answer means the first one.
    fn pick_by_number(&self, prompt: &str, items: &[String]) -> Result<usize> {
        self.say(prompt)?;
        for (number, item) in (1..).zip(items) {
            self.say(&format!("{number}) {item}"))?;
        }
        let index = |line: &str| match line.trim() {
            "" => Ok(0),
            number => (1..=items.len())
                .position(|item| number == item.to_string())
                .ok_or_else(|| format!("type a number from 1 to {}", items.len())),
        };
        let line = self.ask_line("Number [1]", |line| index(line).map(drop))?;
        index(&line).map_err(|problem| Failure::new(problem).into())
    }

    /// Asks a yes-or-no question.
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D), does not answer, or the terminal is gone.
    pub fn confirm(&self, question: &str, default: DefaultAnswer) -> Result<bool> {
        let choice = match default {
            DefaultAnswer::Yes => "[Y/n]",
            DefaultAnswer::No => "[y/N]",
        };
        let parse = |line: &str| match line.trim().to_lowercase().as_str() {
            "" => Ok(default),
            "y" | "yes" => Ok(DefaultAnswer::Yes),
            "n" | "no" => Ok(DefaultAnswer::No),
            _ => Err("answer y or n".to_owned()),
        };
        self.forget_input();
        let line = self.ask_line(&format!("{question} {choice}"), |line| {
            parse(line).map(drop)
        })?;
        Ok(parse(&line) == Ok(DefaultAnswer::Yes))
    }
}

fn gone(error: impl Into<Error>) -> Error {
    let error: Error = error.into();
    Failure::new(format!("the terminal was closed: {error}"))
        .hint("run the command again in a terminal")
        .exit(Exit::HumanNeeded)
        .into()
}

/// A signal came while signals were noted.
fn interrupted() -> Failure {
    Failure::new("interrupted").exit(Exit::HumanNeeded)
}

/// The person has ended the input.
pub fn nothing_typed() -> Failure {
    Failure::new("nothing was typed")
        .hint("run the command again, and answer the prompt")
        .exit(Exit::HumanNeeded)
}

/// Nobody has answered in time.
pub fn nobody_answered(limit: &Setting<Duration>) -> Failure {
    let seconds = limit.value.as_secs();
    let failure = Failure::new(format!("nobody answered within {seconds} s"));
    match limit.origin {
        _ if limit.value >= DEFAULT_FETCH_TIMEOUT => failure.hint("run the command again"),
        // The flag comes before the variable, which not every command has a flag for.
        Origin::Flag(_) => {
            failure.hint("run the command again; --prompt-timeout 10m gives more time")
        }
        _ => failure.hint("run the command again; MFA_CREDS_PROMPT_TIMEOUT=10m gives more time"),
    }
    .exit(Exit::HumanNeeded)
}
