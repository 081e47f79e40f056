//! Puts everything in order when a signal ends the process: the terminal as dialoguer or a command has made it (without echo, line mode
//! or cursor), commands and windows that were started, and whatever else was registered.
//!
//! ```text
//!    prompt begins --> watched: the signal is noted, a thread waits for it
//!                         |                      |
//!              answered   |                      | signal
//!                         v                      v
//!                     restored        terminal restored, children ended, registered work done
//!                         |                      |
//!                         v                      v
//!                     unwatched        the signal's own action ends the process
//! ```

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;

use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP,
    SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::prompt::descendants;

const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
/// The signals beside SIGINT that end a process by default and can be caught, but for SIGPIPE, which is ignored.
const OTHERS: [i32; 13] = [
    SIGHUP, SIGQUIT, SIGTERM, SIGABRT, SIGALRM, SIGBUS, SIGPROF, SIGSYS, SIGTRAP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
];
/// The same, where only Linux has them so: SIGSTKFLT, SIGIO and SIGPWR, which not every machine has in this place.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
const OF_LINUX: [i32; 3] = [16, 29, 30];
/// The real-time signals that the C library does not keep to itself: glibc has two of them, musl three.
#[cfg(target_os = "linux")]
const REAL_TIME: std::ops::RangeInclusive<i32> = if cfg!(target_env = "gnu") {
    34..=64
} else {
    35..=64
};

/// The terminal, and how it was.
static TERMINAL: OnceLock<(File, Termios)> = OnceLock::new();
/// The signals beside SIGINT, each with whether it came. Console takes any of them for Ctrl-C and raises SIGINT, so SIGINT
/// counts only where none of them came.
static CAME: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();
/// Whether a signal is ending the process.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
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
    // Suspended at a hidden prompt, the shell would switch echo on again, and a secret would be seen.
    signal_hook::flag::register_conditional_default(SIGTSTP, Arc::clone(may_suspend))?;
    end_with_us()
}

/// Sees to it that a signal that ends this process ends what it has begun, too, and leaves the terminal as it was.
pub fn end_with_us() -> io::Result<()> {
    static BEGUN: Once = Once::new();

    let mut begun = Ok(());
    BEGUN.call_once(|| begun = begin_to_watch());
    begun
}

fn begin_to_watch() -> io::Result<()> {
    descendants::remember_inherited();
    // As in a write to a file: it is an error of what is written.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let ignored = ignored();
    let watched = others().filter(|signal| !ignored.contains(*signal));
    let came = CAME.get_or_init(|| watched.map(|signal| (signal, Arc::default())).collect());
    let mut signals = Signals::new(Some(SIGINT).filter(|signal| !ignored.contains(*signal)))?;
    for (signal, came) in came {
        let added = signal_hook::flag::register(*signal, Arc::clone(came))
            .and_then(|_id| signals.add_signal(*signal));
        // Not every system has every one of them.
        if OTHERS.contains(signal) {
            added?;
        }
    }
    thread::spawn(move || {
        for _signal in signals.forever() {
            die();
        }
    });
    Ok(())
}

/// Every signal beside SIGINT that ends the process, unless it is caught.
fn others() -> impl Iterator<Item = i32> {
    let others = OTHERS.into_iter();
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    let others = others.chain(OF_LINUX);
    #[cfg(target_os = "linux")]
    let others = others.chain(REAL_TIME);
    others
}

/// The signals that whoever has begun this process has said are to be ignored, as `nohup` does. Only Linux tells.
struct Ignored(u64);

impl Ignored {
    fn contains(&self, signal: i32) -> bool {
        self.0 & (1 << (signal - 1)) != 0
    }
}

fn ignored() -> Ignored {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    Ignored(mask.unwrap_or_default())
}

/// dialoguer has done its work: the terminal is as it was, until the next time.
pub(super) fn let_suspend() {
    if let Some(may_suspend) = MAY_SUSPEND.get() {
        may_suspend.store(true, Ordering::SeqCst);
    }
}

/// Does not come back where a signal is ending the process: nothing new is begun then.
pub fn stay_if_ending() {
    while IS_ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Ends the process as the signal that came would have. Does not come back.
pub(super) fn die() {
    IS_ENDING.store(true, Ordering::SeqCst);
    descendants::end_begun();
    restore();
    let mut came = CAME.get().into_iter().flatten();
    let other = came.find(|(_, came)| came.load(Ordering::SeqCst));
    // Where it fails, or the library knows no default that ends the process, it ends as when it is told to.
    let _ = emulate_default_handler(other.map_or(SIGINT, |(signal, _)| *signal));
    let _ = emulate_default_handler(SIGTERM);
}

/// Leaves the terminal as it was.
pub(super) fn restore() {
    if let Some((terminal, attributes)) = TERMINAL.get()
        && is_ours(terminal)
    {
        // Where these fail there is no terminal any more.
        let _ = (&*terminal).write_all(SHOW_CURSOR);
        let _ = (&*terminal).write_all(b"\n");
        let _ = tcsetattr(terminal, OptionalActions::Now, attributes);
    }
}

/// How a terminal was. It is so again when this is dropped, or when a signal ends the process.
pub struct Kept {
    terminal: File,
    attributes: Termios,
}

impl Kept {
    /// How it is now; none where it cannot be known.
    pub(super) fn of(terminal: &File) -> Option<Self> {
        let kept = Self {
            attributes: tcgetattr(terminal).ok()?,
            terminal: terminal.try_clone().ok()?,
        };
        leave_as_it_was(terminal).ok()?;
        let_suspend();
        Some(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if is_ours(&self.terminal) {
            // Where it fails there is no terminal any more.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.attributes);
        }
    }
}

/// Whether this process is in the foreground. In the background the terminal is somebody else's, and to touch it would stop the
/// process.
fn is_ours(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
}

/// The signals by which people give up, each with whether it came while it was noted.
static NOTED: OnceLock<[(i32, Arc<AtomicBool>); 4]> = OnceLock::new();
/// Whether they end the process at once, as ever.
static MAY_END: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// While this is held, signals do not end the process: prompts and countdowns end in an error, so that something can be put
/// in order.
pub struct Noting;

impl Noting {
    /// From now on.
    pub fn begin() -> io::Result<Self> {
        let may_end = MAY_END.get_or_init(|| Arc::new(AtomicBool::new(true)));
        if NOTED.get().is_none() {
            let noted = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].map(|signal| (signal, Arc::default()));
            let noted = NOTED.get_or_init(|| noted).iter();
            let ignored = ignored();
            for (signal, came) in noted.filter(|(signal, _)| !ignored.contains(*signal)) {
                signal_hook::flag::register_conditional_default(*signal, Arc::clone(may_end))?;
                // Who gives up twice does not want to wait.
                signal_hook::flag::register_conditional_default(*signal, Arc::clone(came))?;
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
