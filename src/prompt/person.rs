//! Asks a person for the code: at the terminal, or in a window if there is no terminal.

use std::fmt;

use anyhow::Result;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::cli::Prompt;
use crate::core::clock;
use crate::core::environment::Environment;
use crate::plan::{Origin, PromptSettings, Setting};
use crate::prompt::terminal::Terminal;
use crate::prompt::window::Gui;

/// How a person can be asked.
pub enum Person {
    AtTerminal(Terminal),
    AtDisplay(Gui),
}

/// What the person is told before the next prompt for a code.
#[derive(Default)]
pub struct RetryNotice {
    /// What is wrong with the last code, if anything.
    text: Option<String>,
    /// When the device shows the next code, if that has to be waited for.
    pub next: Option<DateTime<Utc>>,
}

impl Person {
    /// Finds out how a person can be asked, or why nobody can.
    pub fn find(
        prompt_settings: &PromptSettings,
        environment: &Environment,
    ) -> Result<Self, String> {
        let Setting { value, origin } = &prompt_settings.prompt;
        let terminal = || Terminal::for_prompting(prompt_settings).map(Self::AtTerminal);
        let display = || Gui::find(prompt_settings.limit.clone(), environment).map(Self::AtDisplay);
        match value {
            Prompt::Auto => terminal().or_else(display).ok_or_else(no_terminal),
            Prompt::Terminal => terminal().ok_or_else(no_terminal),
            Prompt::Gui => display().ok_or("there is no display for a window".to_owned()),
            Prompt::None => Err(forbidden(origin)),
        }
    }

    /// Asks for a code.
    ///
    /// # Errors
    /// Exit code 3 when the person does not answer, or can no longer.
    pub fn ask(
        &self,
        prompt: &str,
        retry_notice: Option<&RetryNotice>,
    ) -> Result<Zeroizing<String>> {
        match self {
            Self::AtTerminal(terminal) => {
                if let Some(retry_notice) = retry_notice {
                    if let Some(text) = &retry_notice.text {
                        terminal.say(&format!("error: {text}"))?;
                    }
                    if let Some(next) = retry_notice.next {
                        terminal.count_down(next, next_code)?;
                    }
                }
                terminal.ask_line(prompt, |_| Ok(()))
            }
            Self::AtDisplay(gui) => {
                let retry_notice = retry_notice.map(RetryNotice::to_string);
                gui.ask(prompt, retry_notice.as_deref())
            }
        }
    }
}

fn next_code(left: i64) -> String {
    format!("the next code comes in {left} s")
}

/// Why nobody is asked, if a setting forbids it.
pub fn forbidden(origin: &Origin) -> String {
    format!("{origin} forbids asking")
}

fn no_terminal() -> String {
    if Terminal::is_in_background() {
        "a background job cannot ask for it at the terminal".to_owned()
    } else {
        "there is no terminal to ask for it".to_owned()
    }
}

impl RetryNotice {
    /// A notice without a wait.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            next: None,
        }
    }

    /// The same, with the time of the next code.
    pub fn until(self, next: Option<DateTime<Utc>>) -> Self {
        Self { next, ..self }
    }
}

/// In one line, with the time that is left now.
impl fmt::Display for RetryNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.as_deref();
        let left = self
            .next
            .map(|next| (next - clock::now()).num_seconds() + 1);
        match (text, left) {
            (Some(text), Some(left @ 1..)) => {
                write!(f, "{text}; the next one comes in {left} s")
            }
            (None, Some(left @ 1..)) => f.write_str(&next_code(left)),
            (text, _) => f.write_str(text.unwrap_or_default()),
        }
    }
}
