//! Disables core dumps of this process, because its memory contains secrets.

/// Disables core dumps for this process, whatever the limit of core files and the core pattern are. It also keeps other programs of the
/// same user from reading its memory. A program that replaces this process can be dumped again. If the system refuses, nothing changes.
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

    /// The limit that the calling process set.
    static ALLOWED: OnceLock<Rlimit> = OnceLock::new();

    /// Disables core dumps for this process. If the system refuses, nothing changes.
    pub fn forbid() {
        let allowed = getrlimit(Resource::Core);
        // The maximum stays, so that the commands that we run can raise the limit again.
        let none = Rlimit {
            current: Some(0),
            ..allowed
        };
        if setrlimit(Resource::Core, none).is_ok() {
            let _ = ALLOWED.set(allowed);
        }
    }

    /// Restores the limit, for a command that replaces this process.
    pub fn allow_again() {
        if let Some(allowed) = ALLOWED.get() {
            let _ = setrlimit(Resource::Core, *allowed);
        }
    }
}

/// On Windows, a program cannot disable them for itself.
#[cfg(not(unix))]
pub fn forbid() {}

/// Nothing was disabled.
#[cfg(not(unix))]
pub fn allow_again() {}
