//! The terminal of the person, whatever standard input and output are: `/dev/tty`, through console and dialoguer.

use std::io;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use console::Term;
use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Input, Password, Select};
use zeroize::Zeroizing;

use crate::error::{Exit, Failure};

/// An open terminal.
pub struct Terminal {
    term: Term,
    #[cfg(unix)]
    file: std::fs::File,
}

/// Says what is wrong with an answer, so that it is asked for again.
type Complaint = Result<(), String>;

impl Terminal {
    /// Asks for a line in the terminal's own line mode: every key that edits, ends or suspends does what it does elsewhere,
    /// the prompt stays on the screen, and whatever ends the process leaves the terminal as it was.
    ///
    /// # Errors
    /// Exit code 3 when the person ends the input (Ctrl-D) or the terminal is gone.
    pub fn ask_line(
        &self,
        prompt: &str,
        check: impl Fn(&str) -> Complaint,
    ) -> Result<Zeroizing<String>> {
        loop {
            self.term
                .write_str(&format!("{prompt}: "))
                .and_then(|()| self.term.flush())
                .context("the terminal went away")?;
            let Some(line) = self.read_line().context("the terminal went away")? else {
                let _ = self.term.write_line("");
                bail!(Failure::new("nothing was typed").exit(Exit::HumanNeeded));
            };
            match check(&line) {
                Ok(()) => return Ok(line),
                Err(complaint) => self.term.write_line(&format!("error: {complaint}"))?,
            }
        }
    }

    /// Waits until then, with a line that says how long, in whole seconds.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn count_down(&self, end: DateTime<Utc>, line: impl Fn(i64) -> String) -> Result<()> {
        let mut shown = false;
        while let Ok(left) = (end - Utc::now()).to_std() {
            let whole = i64::try_from(left.as_millis().div_ceil(1000))?;
            self.term
                .clear_line()
                .and_then(|()| self.term.write_str(&line(whole)))
                .and_then(|()| self.term.flush())
                .context("the terminal went away")?;
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
            self.term.clear_line().context("the terminal went away")?;
        }
        Ok(())
    }

    /// Asks for a line that can be edited; an empty one stands for the default.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask_or(
        &self,
        prompt: &str,
        default: &str,
        check: impl Fn(&str) -> Complaint,
    ) -> Result<String> {
        self.restore_on_signals()?;
        let answer = Input::<String>::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .default(default.to_owned())
            .show_default(!default.is_empty())
            .validate_with(|text: &String| check(text))
            .interact_text_on(&self.term);
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
        self.restore_on_signals()?;
        let answer = Password::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .allow_empty_password(true)
            .validate_with(|text: &String| check(text))
            .interact_on(&self.term);
        finish(answer).map(Zeroizing::new)
    }

    /// Whether a list can be shown: dialoguer panics where there are fewer lines than for its prompt and two items.
    pub fn has_room_for_a_list(&self) -> bool {
        !matches!(self.term.size().0, 1..3)
    }

    /// Has one of several picked, by its place among them. None where the person wants none of them (Esc).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn pick(&self, prompt: &str, items: &[String]) -> Result<Option<usize>> {
        self.restore_on_signals()?;
        let answer = Select::with_theme(&SimpleTheme)
            .with_prompt(prompt)
            .items(items)
            .default(0)
            .interact_on_opt(&self.term);
        finish(answer)
    }

    /// Asks a question that is answered by yes or no.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        self.restore_on_signals()?;
        let answer = Confirm::with_theme(&SimpleTheme)
            .with_prompt(question)
            .default(true)
            .interact_on(&self.term);
        finish(answer)
    }
}

/// The answer; Ctrl-C ends the process as it would have without a prompt.
fn finish<T>(answer: dialoguer::Result<T>) -> Result<T> {
    signals::let_suspend();
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
impl Terminal {
    /// Opens the terminal; none where this process has none.
    pub fn open() -> Option<Self> {
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        let term = Term::read_write_pair(file.try_clone().ok()?, file.try_clone().ok()?);
        Some(Self { term, file })
    }

    /// A line without its end; none at the end of input. A terminal gives out at most one line at a time.
    fn read_line(&self) -> io::Result<Option<Zeroizing<String>>> {
        use std::io::Read as _;

        let mut line = Zeroizing::new(Vec::new());
        let mut buffer = Zeroizing::new([0; 256]);
        while !line.ends_with(b"\n") {
            match (&self.file).read(&mut buffer[..]) {
                Ok(0) if line.is_empty() => return Ok(None),
                Ok(0) => break,
                Ok(count) => line.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Zeroizing::new(
            String::from_utf8_lossy(&line).trim_end().to_owned(),
        )))
    }

    fn restore_on_signals(&self) -> Result<()> {
        signals::leave_as_it_was(&self.file).context("the terminal cannot be used")
    }
}

#[cfg(not(unix))]
impl Terminal {
    /// Opens the terminal; none where this process has none.
    pub fn open() -> Option<Self> {
        let term = Term::stderr();
        term.is_term().then_some(Self { term })
    }

    fn read_line(&self) -> io::Result<Option<Zeroizing<String>>> {
        self.term.read_line().map(Zeroizing::new).map(Some)
    }

    #[allow(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the same call on every system"
    )]
    fn restore_on_signals(&self) -> Result<()> {
        Ok(())
    }
}

/// dialoguer switches off echo, line mode and the cursor. A signal that ends the process must not leave it so.
#[cfg(unix)]
mod signals {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::thread;

    use rustix::process::getpgrp;
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
    const OTHERS: [i32; 3] = [SIGHUP, SIGQUIT, SIGTERM];

    /// The terminal, and how it was.
    static TERMINAL: OnceLock<(File, Termios)> = OnceLock::new();
    /// Which of [`OTHERS`] came. Console takes any of them for Ctrl-C and raises SIGINT, so SIGINT counts only where none
    /// of them came.
    static CAME: OnceLock<[Arc<AtomicBool>; 3]> = OnceLock::new();
    /// Whether the person may suspend the process now.
    static MAY_SUSPEND: OnceLock<Arc<AtomicBool>> = OnceLock::new();

    pub(super) fn leave_as_it_was(terminal: &File) -> io::Result<()> {
        let may_suspend = MAY_SUSPEND.get_or_init(Default::default);
        may_suspend.store(false, Ordering::SeqCst);
        if TERMINAL.get().is_some() {
            return Ok(());
        }
        let state = (terminal.try_clone()?, tcgetattr(terminal)?);
        if TERMINAL.set(state).is_err() {
            return Ok(());
        }
        let came = CAME.get_or_init(Default::default);
        for (signal, came) in OTHERS.into_iter().zip(came) {
            signal_hook::flag::register(signal, Arc::clone(came))?;
        }
        // Suspended at a hidden prompt, the shell would switch echo on again, and a secret would be seen.
        signal_hook::flag::register_conditional_default(SIGTSTP, Arc::clone(may_suspend))?;
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        thread::spawn(move || {
            for _signal in signals.forever() {
                die();
            }
        });
        Ok(())
    }

    /// dialoguer has done its work: the terminal is as it was, until the next time.
    pub(super) fn let_suspend() {
        if let Some(may_suspend) = MAY_SUSPEND.get() {
            may_suspend.store(true, Ordering::SeqCst);
        }
    }

    /// Ends the process as the signal that came would have. Does not come back.
    pub(super) fn die() {
        if let Some((terminal, attributes)) = TERMINAL.get()
            // In the background the terminal is somebody else's, and to touch it would stop the process.
            && tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
        {
            // Where these fail there is no terminal any more.
            let _ = (&*terminal).write_all(SHOW_CURSOR);
            let _ = (&*terminal).write_all(b"\n");
            let _ = tcsetattr(terminal, OptionalActions::Now, attributes);
        }
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

    /// There is no suspending.
    pub(super) fn let_suspend() {}
}
