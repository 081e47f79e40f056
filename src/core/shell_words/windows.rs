//! The commands of cmd.exe and PowerShell.

use std::path::Path;

use crate::core::text::quoted_path;

/// Shows where links lead.
pub const SHOW_LINKS: &str = "`dir`";
/// Shows who may use a file.
pub const SHOW_RIGHTS: &str = "`icacls`";
/// How to check the clock: the two shells have no command in common for that.
pub const CHECK_THE_CLOCK: &str = "check this machine's clock and time zone";
/// How to fix a wrong clock.
pub const SET_THE_CLOCK: &str = "set it, for example with `w32tm /resync` as administrator";

/// Makes a file writable.
pub fn make_writable(path: &Path) -> String {
    format!("attrib -R {}", quoted_path(path))
}

/// Creates a directory, and those above it.
pub fn make_directory(path: &Path) -> String {
    format!("mkdir {}", quoted_path(path))
}

/// Removes a file.
pub fn remove_file(path: &Path) -> String {
    format!("del {}", quoted_path(path))
}

pub use crate::core::access::{make_private, make_readable};

/// Removes whatever is there.
pub fn remove_all(path: &Path) -> String {
    if path.is_dir() {
        // With `cmd`, because in PowerShell `rmdir` has other flags.
        format!("cmd /c rmdir /s /q {}", quoted_path(path))
    } else {
        remove_file(path)
    }
}

/// Lists a directory.
pub fn list(directory: &Path) -> String {
    format!("`dir {}`", quoted_path(directory))
}

/// Ends a process. Without `/f`, the system refuses for programs of a console.
pub fn end_process(id: u32) -> String {
    format!("`taskkill /f /pid {id}`")
}

/// Removes variables from the environment.
pub fn unset_all(names: &[&str]) -> String {
    let of_cmd: Vec<String> = names.iter().map(|name| format!("set {name}=")).collect();
    let of_powershell: Vec<String> = names.iter().map(|name| format!("Env:{name}")).collect();
    format!(
        "unset {} (cmd.exe: `{}`, PowerShell: `Remove-Item {}`)",
        names.join(" and "),
        of_cmd.join("&"),
        of_powershell.join(", ")
    )
}

/// Removes another aws-mfa.
pub fn replace_aws_mfa(_path: &Path) -> String {
    "pip uninstall aws-mfa".to_owned()
}
