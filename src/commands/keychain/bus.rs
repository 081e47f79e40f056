//! Finds the user's D-Bus if no environment variable names it, as under cron or su.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::entry;
use crate::core::environment::Environment;

/// The directory of a login session, with its bus.
/// See <https://specifications.freedesktop.org/basedir-spec/latest/>.
pub const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// The address of the bus, in a session with a bus of its own.
const ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// What `XDG_RUNTIME_DIR` is on every system with a login manager.
/// See <https://www.freedesktop.org/software/systemd/man/latest/pam_systemd.html>.
pub fn usual_runtime() -> PathBuf {
    PathBuf::from(format!("/run/user/{}", rustix::process::getuid().as_raw()))
}

/// Restarts this program with the usual directory if no variable names one and it has a bus of this user: so cron jobs and logins
/// without a session reach the keychain as the desktop does.
pub fn find(environment: &Environment) -> Result<()> {
    let runtime = usual_runtime();
    let user = rustix::process::getuid().as_raw();
    if [RUNTIME, ADDRESS]
        .into_iter()
        .any(|name| environment.path(name).is_some())
        || !fs::symlink_metadata(runtime.join("bus")).is_ok_and(|bus| bus.uid() == user)
    {
        return Ok(());
    }
    let error = Command::new(entry::own_path()?)
        .args(env::args_os().skip(1))
        .env(RUNTIME, runtime)
        .exec();
    Err(error).context("mfa-creds cannot restart itself")
}
