//! Commands of the system's shells, for hints. On Windows, each works in cmd.exe and in PowerShell, or names both forms.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::*;
#[cfg(windows)]
pub use self::windows::*;

/// Removes a variable from the environment.
pub fn unset(name: &str) -> String {
    unset_all(&[name])
}
