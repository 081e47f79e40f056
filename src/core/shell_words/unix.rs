//! The commands of a POSIX shell.

use std::path::Path;

use crate::core::text::quoted_path;

/// Shows where links lead.
pub const SHOW_LINKS: &str = "`ls -l`";
/// Shows who may use a file.
pub const SHOW_RIGHTS: &str = "`ls -ld`";
/// How to check the clock.
pub const CHECK_THE_CLOCK: &str = "check this machine's clock with `date -u`";
/// How to fix a wrong clock.
pub const SET_THE_CLOCK: &str = if cfg!(target_os = "macos") {
    "set it, for example with `sudo sntp -sS time.apple.com`"
} else {
    "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL"
};

/// Makes a file of ours writable.
pub fn make_writable(path: &Path) -> String {
    format!("chmod u+w {}", quoted_path(path))
}

/// Creates a directory, and those above it.
pub fn make_directory(path: &Path) -> String {
    format!("mkdir -p {}", quoted_path(path))
}

/// Removes a file.
pub fn remove_file(path: &Path) -> String {
    format!("rm {}", quoted_path(path))
}

/// Makes a file readable and writable for this user.
pub fn make_readable(path: &Path) -> String {
    format!(
        "chmod u+rw {}, or chown it if it belongs to another user",
        quoted_path(path)
    )
}

/// Lets nobody but this user read a file.
pub fn make_private(path: &Path) -> String {
    format!("chmod 600 {}", quoted_path(path))
}

/// Removes whatever is there.
pub fn remove_all(path: &Path) -> String {
    format!("rm -r {}", quoted_path(path))
}

/// Lists a directory.
pub fn list(directory: &Path) -> String {
    format!("`ls -la {}`", quoted_path(directory))
}

/// Ends a process.
pub fn end_process(id: u32) -> String {
    format!("`kill {id}`")
}

/// Removes variables from the environment.
pub fn unset_all(names: &[&str]) -> String {
    format!("unset {}", names.join(" "))
}

/// Removes another aws-mfa, or puts this program in its place.
pub fn replace_aws_mfa(path: &Path) -> String {
    format!(
        "pip uninstall aws-mfa, or ln -sf \"$(command -v mfa-creds)\" {}",
        quoted_path(path)
    )
}
