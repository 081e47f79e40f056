//! Starting processes.

use std::sync::{Mutex, Once, PoisonError};

/// Starts one process at a time: what the library for terminals opens before it forks must not leak into other children,
/// who would keep it open.
pub fn spawning<T>(spawn: impl FnOnce() -> T) -> T {
    static ONE: Mutex<()> = Mutex::new(());
    static SIGNALS: Once = Once::new();
    SIGNALS.call_once(end_on_signals);
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    spawn()
}

/// Whoever starts the tests may ignore signals, as scripts do for what runs in the background, and children would inherit it.
/// What is handled here is as by default in them.
#[cfg(unix)]
fn end_on_signals() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};
    use signal_hook::flag::register_conditional_shutdown;

    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        let always = Arc::new(AtomicBool::new(true));
        register_conditional_shutdown(signal, 128 + signal, always).unwrap();
    }
}

#[cfg(not(unix))]
fn end_on_signals() {}
