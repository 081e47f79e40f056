//! Asks for the code in a window of pinentry, zenity or kdialog, for programs without a terminal.

use std::time::Duration;

use anyhow::Result;
use zeroize::Zeroizing;

use crate::core::environment::Environment;
#[cfg(unix)]
use crate::core::text::plain;
use crate::plan::Setting;

/// The title of the window.
#[cfg(unix)]
const TITLE: &str = "mfa-creds";

/// A display to ask on.
pub struct Gui {
    #[cfg(unix)]
    limit: Setting<Duration>,
}

#[cfg(unix)]
impl Gui {
    /// Finds a display; none if this process has none.
    pub fn find(limit: Setting<Duration>, environment: &Environment) -> Option<Self> {
        let has_display = cfg!(target_os = "macos")
            || ["WAYLAND_DISPLAY", "DISPLAY"]
                .iter()
                .any(|name| environment.text(name).is_some());
        has_display.then_some(Self { limit })
    }

    /// Asks for a line. If a program cannot, the next one is tried.
    ///
    /// # Errors
    /// Exit code 3 when the person closes the window or does not answer, or when no program can ask.
    pub fn ask(&self, prompt: &str, problem: Option<&str>) -> Result<Zeroizing<String>> {
        let problem = problem.map(without_markup);
        programs::ask(&without_markup(prompt), problem.as_deref(), &self.limit)
    }
}

/// A text without markup: some programs interpret it, or their own escape sequences.
#[cfg(unix)]
fn without_markup(text: &str) -> String {
    plain(text).replace(['<', '>', '&', '\\'], "\u{fffd}")
}

#[cfg(not(unix))]
impl Gui {
    /// Finds a display: none, because no program can ask on this system.
    pub fn find(_limit: Setting<Duration>, _environment: &Environment) -> Option<Self> {
        None
    }

    /// Is never asked.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub fn ask(&self, _prompt: &str, _complaint: Option<&str>) -> Result<Zeroizing<String>> {
        anyhow::bail!("no program can ask")
    }
}

#[cfg(unix)]
mod programs {
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    use anyhow::{Result, bail};
    use pinentry::{PassphraseInput, unix::Options};
    use zeroize::Zeroizing;

    use super::TITLE;
    use crate::core::error::{Exit, Failure};
    use crate::plan::Setting;
    use crate::prompt::child::{self, Ended};
    use crate::prompt::descendants;
    use crate::prompt::terminal::{self, nobody_answered, nothing_typed};

    /// The system's default, then other names that may be installed.
    const PINENTRIES: [&str; 6] = [
        "pinentry",
        "pinentry-mac",
        "pinentry-gnome3",
        "pinentry-gtk-2",
        "pinentry-qt",
        "pinentry-qt5",
    ];
    /// pinentry accepts lines of 1,000 bytes, and special characters take three.
    const LONGEST_TEXT: usize = 300;
    /// Not a terminal: a pinentry for terminals must not use one that this process may not use.
    const NO_TERMINAL: &str = "/dev/null/none";
    /// How long to wait for a program beyond its own timeout.
    const GRACE: Duration = Duration::from_secs(1);
    /// GTK's message about a missing display.
    const NO_DISPLAY: &str = "cannot open display";
    /// zenity's exit status after its timeout.
    const ZENITY_TIMEOUT: i32 = 5;

    /// The outcome of a window.
    enum Answer {
        Text(Zeroizing<String>),
        /// The person closed it.
        Cancelled,
        /// It timed out.
        TimedOut,
        /// There was none.
        NoWindow,
    }

    pub(super) fn ask(
        prompt: &str,
        problem: Option<&str>,
        chosen: &Setting<Duration>,
    ) -> Result<Zeroizing<String>> {
        let limit = chosen.value;
        let text = match problem {
            Some(problem) => format!("{problem}\n{prompt}"),
            None => prompt.to_owned(),
        };
        let seconds = limit.as_secs().to_string();
        let zenity = ["--entry", "--title", TITLE, "--timeout", &seconds, "--text"];
        let kdialog = ["--title", TITLE, "--inputbox"];
        let mut answer = by_pinentry(prompt, problem, limit);
        for (program, arguments) in [("zenity", &zenity[..]), ("kdialog", &kdialog)] {
            if let Answer::NoWindow = answer {
                let mut command = Command::new(program);
                command.args(arguments).arg(&text);
                answer = by_command(command, limit)?;
            }
        }
        match answer {
            Answer::Text(text) => Ok(text),
            Answer::Cancelled => bail!(nothing_typed()),
            Answer::TimedOut => bail!(nobody_answered(chosen)),
            Answer::NoWindow => bail!(
                Failure::new("an MFA code is needed, and no program can ask for it in a window")
                    .hint("install pinentry-gnome3, pinentry-qt, zenity, or kdialog, or run the command once in a terminal")
                    .exit(Exit::HumanNeeded)
            ),
        }
    }

    /// Asks by the first pinentry that can open a window.
    fn by_pinentry(prompt: &str, problem: Option<&str>, limit: Duration) -> Answer {
        let (prompt, problem) = (shortened(prompt), problem.map(shortened));
        let seconds = u16::try_from(limit.as_secs()).unwrap_or(u16::MAX);
        // If this fails, the window ends by its time limit.
        let _ = terminal::end_with_us();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = PINENTRIES.iter().filter_map(|name| {
                terminal::stay_if_ending();
                let mut input = PassphraseInput::with_binary(name)?;
                input
                    .with_title(TITLE)
                    .with_description(&prompt)
                    .with_prompt("MFA code")
                    .with_timeout(seconds)
                    .with_unix_options(Options::builder().tty_name(NO_TERMINAL).build());
                if let Some(problem) = &problem {
                    input.with_error(problem);
                }
                match input.interact() {
                    Ok(text) => Some(Answer::Text(exposed(&text))),
                    Err(pinentry::Error::Cancelled) => Some(Answer::Cancelled),
                    Err(pinentry::Error::Timeout) => Some(Answer::TimedOut),
                    Err(_) => None,
                }
            });
            // If the answer comes too late, the process is about to end.
            let _ = sender.send(answers.next().unwrap_or(Answer::NoWindow));
        });
        receiver
            .recv_timeout(limit + GRACE)
            .unwrap_or_else(|error| match error {
                RecvTimeoutError::Timeout => {
                    descendants::end_begun();
                    Answer::TimedOut
                }
                RecvTimeoutError::Disconnected => Answer::NoWindow,
            })
    }

    fn exposed(text: &secrecy::SecretString) -> Zeroizing<String> {
        use secrecy::ExposeSecret as _;

        Zeroizing::new(text.expose_secret().to_owned())
    }

    fn by_command(mut command: Command, limit: Duration) -> Result<Answer> {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        Ok(match child::run(command, limit + GRACE, || ())? {
            Err(_not_run) => Answer::NoWindow,
            Ok(Ended::ByUs) => Answer::TimedOut,
            Ok(Ended::ByItself {
                status,
                output,
                errors,
            }) => match status.code() {
                // zenity reports that as a cancelled dialog.
                Some(1) if String::from_utf8_lossy(&errors).contains(NO_DISPLAY) => {
                    Answer::NoWindow
                }
                Some(0) => Answer::Text(Zeroizing::new(
                    String::from_utf8_lossy(&output).trim().to_owned(),
                )),
                Some(1) => Answer::Cancelled,
                Some(ZENITY_TIMEOUT) => Answer::TimedOut,
                _ => Answer::NoWindow,
            },
        })
    }

    fn shortened(text: &str) -> String {
        text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
    }
}
