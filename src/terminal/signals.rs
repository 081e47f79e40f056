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
