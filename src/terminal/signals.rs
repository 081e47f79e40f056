//! dialoguer switches off echo, line mode and the cursor. A signal that ends the process must not leave it so.

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
    restore();
    let came = CAME.get_or_init(Default::default);
    let other = OTHERS
        .into_iter()
        .zip(came)
        .find(|(_, came)| came.load(Ordering::SeqCst));
    // Where it fails, the error of the prompt ends the process.
    let _ = emulate_default_handler(other.map_or(SIGINT, |(signal, _)| signal));
}

/// Leaves the terminal as it was.
pub(super) fn restore() {
    if let Some((terminal, attributes)) = TERMINAL.get()
        // In the background the terminal is somebody else's, and to touch it would stop the process.
        && tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
    {
        // Where these fail there is no terminal any more.
        let _ = (&*terminal).write_all(SHOW_CURSOR);
        let _ = (&*terminal).write_all(b"\n");
        let _ = tcsetattr(terminal, OptionalActions::Now, attributes);
    }
}

/// How a terminal was. It is so again when this is dropped.
pub struct Kept {
    terminal: File,
    attributes: Termios,
}

impl Kept {
    /// How it is now; none where it cannot be known.
    pub(super) fn of(terminal: &File) -> Option<Self> {
        Some(Self {
            attributes: tcgetattr(terminal).ok()?,
            terminal: terminal.try_clone().ok()?,
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Where it fails there is no terminal any more.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.attributes);
    }
}

/// The signals by which people give up, each with whether it came while it was noted.
static NOTED: OnceLock<[(i32, Arc<AtomicBool>); 3]> = OnceLock::new();
/// Whether they end the process at once, as ever.
static MAY_END: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// While this is held, signals do not end the process: prompts and countdowns end in an error, so that something can be put
/// in order.
pub struct Noting;

impl Noting {
    /// From now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn begin() -> io::Result<Self> {
        let may_end = MAY_END.get_or_init(|| Arc::new(AtomicBool::new(true)));
        if NOTED.get().is_none() {
            let noted = [SIGHUP, SIGINT, SIGTERM].map(|signal| (signal, Arc::default()));
            for (signal, came) in NOTED.get_or_init(|| noted) {
                signal_hook::flag::register_conditional_default(*signal, Arc::clone(may_end))?;
                signal_hook::flag::register(*signal, Arc::clone(came))?;
            }
        }
        may_end.store(false, Ordering::SeqCst);
        Ok(Self)
    }

    /// Ends the process as the signal would have that came meanwhile.
    pub fn end(self) {
        let came = noted();
        drop(self);
        if let Some(signal) = came {
            // Where it fails, the error of the prompt ends the process.
            let _ = emulate_default_handler(signal);
        }
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(may_end) = MAY_END.get() {
            may_end.store(true, Ordering::SeqCst);
        }
    }
}

/// The signal that came while signals were noted.
pub(super) fn noted() -> Option<i32> {
    let came = NOTED.get()?.iter();
    came.filter(|(_, came)| came.load(Ordering::SeqCst))
        .map(|(signal, _)| *signal)
        .next()
}
