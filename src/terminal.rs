//! The terminal of the person, whatever standard input and output are: `/dev/tty`, through console and dialoguer.

use std::io;

use anyhow::{Context, Result};
use console::Term;
use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Input, Password};
use zeroize::Zeroizing;

/// An open terminal.
pub struct Terminal(Term);

/// Says what is wrong with an answer, so that it is asked for again.
type Complaint = Result<(), String>;

impl Terminal {
    /// Opens the terminal; none where this process has none.
    pub fn open() -> Option<Self> {
        open().map(Self)
    }

    /// Asks for a line.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> Complaint,
    ) -> Result<Zeroizing<String>> {
        let answer = Input::<String>::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .allow_empty(true)
            .report(false)
            .validate_with(|text: &String| check(text))
            .interact_text_on(&self.0);
        finish(answer).map(Zeroizing::new)
    }

    /// Asks for a line and shows what was typed; an empty one stands for the default.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask_or(
        &self,
        prompt: &str,
        default: &str,
        check: impl Fn(&str) -> Complaint,
    ) -> Result<String> {
        let answer = Input::<String>::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .default(default.to_owned())
            .show_default(!default.is_empty())
            .validate_with(|text: &String| check(text))
            .interact_text_on(&self.0);
        finish(answer)
    }

    /// Asks for a line that is not shown.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask_hidden(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> Complaint,
    ) -> Result<Zeroizing<String>> {
        let answer = Password::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .allow_empty_password(true)
            .validate_with(|text: &String| check(text))
            .interact_on(&self.0);
        finish(answer).map(Zeroizing::new)
    }

    /// Asks a question that is answered by yes or no.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        let answer = Confirm::with_theme(&SimpleTheme)
            .with_prompt(question)
            .default(true)
            .interact_on(&self.0);
        finish(answer)
    }
}

/// The answer; Ctrl-C ends the process as it would have without a prompt.
fn finish<T>(answer: dialoguer::Result<T>) -> Result<T> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(dialoguer::Error::IO(error)) => {
            if error.kind() == io::ErrorKind::Interrupted {
                signals::die();
            }
            Err(error).context("the terminal went away")
        }
    }
}

#[cfg(unix)]
fn open() -> Option<Term> {
    let read = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .ok()?;
    let write = read.try_clone().ok()?;
    signals::leave_terminal_as_it_was(read.try_clone().ok()?).ok()?;
    Some(Term::read_write_pair(read, write))
}

#[cfg(not(unix))]
fn open() -> Option<Term> {
    let term = Term::stderr();
    term.is_term().then_some(term)
}

/// A prompt switches off echo and line mode. A signal that ends the process must not leave it so.
#[cfg(unix)]
mod signals {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::thread;

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    const OTHERS: [i32; 3] = [SIGHUP, SIGQUIT, SIGTERM];

    /// Which of [`OTHERS`] came. Console takes any of them for Ctrl-C and raises SIGINT, so SIGINT counts only where none
    /// of them came.
    static CAME: OnceLock<[Arc<AtomicBool>; 3]> = OnceLock::new();

    pub(super) fn leave_terminal_as_it_was(terminal: File) -> io::Result<()> {
        let attributes = tcgetattr(&terminal)?;
        let came = CAME.get_or_init(Default::default);
        for (signal, came) in OTHERS.into_iter().zip(came) {
            signal_hook::flag::register(signal, Arc::clone(came))?;
        }
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        thread::spawn(move || {
            for _signal in signals.forever() {
                // Where these fail there is no terminal any more.
                let _ = (&terminal).write_all(b"\n");
                let _ = tcsetattr(&terminal, OptionalActions::Now, &attributes);
                die();
            }
        });
        Ok(())
    }

    /// Ends the process as the signal that came would have. Does not come back.
    pub(super) fn die() {
        let came = CAME.get_or_init(Default::default);
        let other = OTHERS
            .into_iter()
            .zip(came)
            .find(|(_, came)| came.load(Ordering::SeqCst));
        // Where it fails, the error of the prompt ends the process.
        let _ = emulate_default_handler(other.map_or(SIGINT, |(signal, _)| signal));
    }
}

#[cfg(not(unix))]
mod signals {
    /// The system ends the process by itself.
    pub(super) fn die() {}
}
