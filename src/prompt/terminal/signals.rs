//! Cleans up when a signal ends the process: restores the terminal, which a prompt or a command may have left without echo, line mode or
//! cursor, and ends commands and windows that were started.
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
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;

use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGBUS, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP,
    SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::prompt::descendants;

const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
/// The signals besides SIGINT that end a process by default and can be caught, except SIGPIPE, which is ignored.
const OTHERS: [i32; 13] = [
    SIGHUP, SIGQUIT, SIGTERM, SIGABRT, SIGALRM, SIGBUS, SIGPROF, SIGSYS, SIGTRAP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
];
/// The same on Linux only: SIGSTKFLT, SIGIO and SIGPWR, whose numbers depend on the architecture.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
const OF_LINUX: [i32; 3] = [16, 29, 30];
/// The real-time signals that the C library does not reserve: glibc reserves two, musl three.
#[cfg(target_os = "linux")]
const REAL_TIME: std::ops::RangeInclusive<i32> = if cfg!(target_env = "gnu") {
    34..=64
} else {
    35..=64
};

/// The terminal, and its original state.
static TERMINAL: OnceLock<(File, Termios)> = OnceLock::new();
/// The signals besides SIGINT, each with whether it came. console treats any of them as Ctrl-C and raises SIGINT, so SIGINT counts only
/// if none of them came.
static CAME: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();
/// Whether a signal is ending the process.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// Whether the user may suspend the process now.
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
    // If the process is suspended at a hidden prompt, the shell turns echo on again, and a secret would be shown.
    signal_hook::flag::register_conditional_default(SIGTSTP, Arc::clone(may_suspend))?;
    end_with_us()
}

/// From now on, a signal that ends this process also ends what it has started, and restores the terminal.
pub fn end_with_us() -> io::Result<()> {
    static BEGUN: Once = Once::new();

    let mut begun = Ok(());
    BEGUN.call_once(|| begun = begin_to_watch());
    begun
}

fn begin_to_watch() -> io::Result<()> {
    descendants::remember_inherited();
    // As with a write to a file: the write fails instead.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let ignored = ignored();
    let watched = others().filter(|signal| !ignored.contains(*signal));
    let came = CAME.get_or_init(|| watched.map(|signal| (signal, Arc::default())).collect());
    let mut signals = Signals::new(Some(SIGINT).filter(|signal| !ignored.contains(*signal)))?;
    for (signal, came) in came {
        let added = signal_hook::flag::register(*signal, Arc::clone(came))
            .and_then(|_id| signals.add_signal(*signal));
        // Not every system has all of them.
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

/// Every signal besides SIGINT that ends the process, unless it is caught.
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

/// The signals that the calling process set to be ignored, as `nohup` does. Only Linux lists them.
struct Ignored(u64);

impl Ignored {
    fn contains(&self, signal: i32) -> bool {
        self.0 & (1 << (signal - 1)) != 0
    }
}

/// Whether the calling process set a signal to be ignored.
pub fn is_ignored(signal: i32) -> bool {
    ignored().contains(signal)
}

fn ignored() -> Ignored {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    Ignored(mask.unwrap_or_default())
}

/// Allows suspending again, after a prompt has restored the terminal.
pub(super) fn let_suspend() {
    if let Some(may_suspend) = MAY_SUSPEND.get() {
        may_suspend.store(true, Ordering::SeqCst);
    }
}

/// Suspends the process, as the system does for Ctrl-Z where line mode is on. Returns when it continues.
pub(super) fn suspend() {
    // If it fails, the process goes on.
    let _ = emulate_default_handler(SIGTSTP);
}

/// Does not return if a signal is ending the process, so that nothing new is started.
pub fn stay_if_ending() {
    while IS_ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Ends the process as the signal that came would have. Does not return.
pub(super) fn die() {
    IS_ENDING.store(true, Ordering::SeqCst);
    descendants::end_begun();
    restore();
    let mut came = CAME.get().into_iter().flatten();
    let other = came.find(|(_, came)| came.load(Ordering::SeqCst));
    // If it fails, or the library knows no default that ends the process, SIGTERM ends it.
    let _ = emulate_default_handler(other.map_or(SIGINT, |(signal, _)| *signal));
    let _ = emulate_default_handler(SIGTERM);
}

/// Restores the terminal.
pub(super) fn restore() {
    if let Some((terminal, attributes)) = TERMINAL.get()
        && is_ours(terminal)
    {
        // If these fail, the terminal is gone.
        if !console::is_dumb() {
            let _ = (&*terminal).write_all(SHOW_CURSOR);
        }
        let _ = (&*terminal).write_all(b"\n");
        let _ = tcsetattr(terminal, OptionalActions::Now, attributes);
    }
}

/// The state of a terminal. It is restored when this is dropped, or when a signal ends the process.
pub struct Kept {
    terminal: File,
    attributes: Termios,
}

impl Kept {
    /// The current state; none if it cannot be read.
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
            // If it fails, the terminal is gone.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.attributes);
        }
    }
}

/// Whether this process is in the foreground. In the background the terminal belongs to another job, and changing it would stop this
/// process.
pub(super) fn is_ours(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
}

/// Has a byte for each time that the process was continued after it had been suspended.
static CONTINUED: OnceLock<UnixStream> = OnceLock::new();

/// From now on, records when the process is continued. Forgets earlier times.
pub(super) fn note_continuing() -> io::Result<()> {
    if CONTINUED.get().is_none() {
        let (stream, of_handler) = UnixStream::pair()?;
        stream.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGCONT, of_handler)?;
        CONTINUED.get_or_init(|| stream);
    }
    has_continued();
    Ok(())
}

/// Becomes readable when the process is continued. A wait for input that also waits for this misses no signal.
pub(super) fn continuing() -> Option<&'static UnixStream> {
    CONTINUED.get()
}

/// Whether the process was continued since the last call.
pub(super) fn has_continued() -> bool {
    let mut stream = CONTINUED.get();
    let read = stream.as_mut().map(|stream| stream.read(&mut [0; 64]));
    matches!(read, Some(Ok(1..)))
}

/// The signals with which people end a program, each with whether it came while signals were noted.
static NOTED: OnceLock<[(i32, Arc<AtomicBool>); 4]> = OnceLock::new();
/// Whether they end the process immediately, as by default.
static MAY_END: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// While this is held, signals do not end the process. Prompts and countdowns end with an error instead, so that the caller can clean
/// up.
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
                // A second signal ends the process immediately.
                signal_hook::flag::register_conditional_default(*signal, Arc::clone(came))?;
                signal_hook::flag::register(*signal, Arc::clone(came))?;
            }
        }
        may_end.store(false, Ordering::SeqCst);
        Ok(Self)
    }

    /// Ends the process as the signal that came meanwhile would have.
    pub fn end(self) {
        let came = noted();
        drop(self);
        if let Some(signal) = came {
            // If it fails, the error of the prompt ends the process.
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
