//! Asks for the code in a window, for programs without a terminal: of pinentry, zenity or kdialog, of macOS, or our own on Windows.

#[cfg(any(target_os = "macos", test))]
mod osascript;
#[cfg_attr(unix, path = "window/programs.rs")]
#[cfg_attr(windows, path = "window/dialog.rs")]
mod system;

use std::time::Duration;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::plan::Setting;
use crate::prompt::terminal::{nobody_answered, nothing_typed};

/// The title of the window.
const TITLE: &str = "mfa-creds";

/// A display to ask on.
pub struct Gui {
    limit: Setting<Duration>,
}

/// The outcome of a window.
#[cfg_attr(test, derive(Debug, Eq, PartialEq))]
enum Answer {
    Text(Zeroizing<String>),
    /// The person closed it.
    Cancelled,
    /// It timed out.
    TimedOut,
    /// There was none.
    NoWindow,
}

impl Gui {
    /// Finds a display; none if this process has none.
    pub fn find(limit: Setting<Duration>, environment: &Environment) -> Option<Self> {
        system::has_display(environment).then_some(Self { limit })
    }

    /// Asks for a line.
    ///
    /// # Errors
    /// Exit code 3 when the person closes the window or does not answer, or when no window can be opened.
    pub fn ask(&self, prompt: &str, problem: Option<&str>) -> Result<Zeroizing<String>> {
        match system::ask(prompt, problem, self.limit.value)? {
            Answer::Text(text) => Ok(text),
            Answer::Cancelled => bail!(nothing_typed()),
            Answer::TimedOut => bail!(nobody_answered(&self.limit)),
            Answer::NoWindow => bail!(
                Failure::new("an MFA code is needed, and no program can ask for it in a window")
                    .hint(system::HINT)
                    .exit(Exit::HumanNeeded)
            ),
        }
    }
}
