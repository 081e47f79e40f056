//! No core dump of a process that holds secrets: whatever makes it abort, they stay in memory.

#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What whoever called us allows.
#[cfg(unix)]
static ALLOWED: OnceLock<Rlimit> = OnceLock::new();

/// From here on, this process leaves none. Where the system does not let us, it is as it was.
#[cfg(unix)]
pub fn forbid() {
    let allowed = getrlimit(Resource::Core);
    // The commands that we run are no reason to lower what they could raise themselves.
    let none = Rlimit {
        current: Some(0),
        ..allowed
    };
    if setrlimit(Resource::Core, none).is_ok() {
        let _ = ALLOWED.set(allowed);
    }
    // A program that is handed core dumps may keep them whatever the limit is. It also keeps other programs of the same user
    // from our memory. What replaces this process can be dumped again.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// For a command that takes the place of this process: it finds the limit as it was.
#[cfg(unix)]
pub fn allow_again() {
    if let Some(allowed) = ALLOWED.get() {
        let _ = setrlimit(Resource::Core, *allowed);
    }
}

/// There is none on Windows that a program could forbid for itself.
#[cfg(not(unix))]
pub fn forbid() {}

/// Nothing was forbidden.
#[cfg(not(unix))]
pub fn allow_again() {}
