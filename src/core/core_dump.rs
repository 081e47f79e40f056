//! Forbids core dumps of this process, because its memory holds secrets.

/// From here on, this process leaves none, whatever the limit of core files is and whoever is handed them. Nor can other programs
/// of the same user read its memory. What replaces this process can be dumped again. Where the system does not let us, nothing
/// changes.
#[cfg(target_os = "linux")]
pub fn forbid() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Linux allows it by itself.
#[cfg(target_os = "linux")]
pub fn allow_again() {}

#[cfg(all(unix, not(target_os = "linux")))]
pub use limit::{allow_again, forbid};

#[cfg(all(unix, not(target_os = "linux")))]
mod limit {
    use std::sync::OnceLock;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// What whoever called us allows.
    static ALLOWED: OnceLock<Rlimit> = OnceLock::new();

    /// From here on, this process leaves none. Where the system does not let us, nothing changes.
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
    }

    /// For a command that takes the place of this process: it finds the limit as it was.
    pub fn allow_again() {
        if let Some(allowed) = ALLOWED.get() {
            let _ = setrlimit(Resource::Core, *allowed);
        }
    }
}

/// There is none on Windows that a program could forbid for itself.
#[cfg(not(unix))]
pub fn forbid() {}

/// Nothing was forbidden.
#[cfg(not(unix))]
pub fn allow_again() {}
