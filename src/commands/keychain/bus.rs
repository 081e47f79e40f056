//! Finds the user's D-Bus where no environment variable names it, as under cron or su.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::core::environment::Environment;

/// Where the bus is, among other things of a login.
/// See <https://specifications.freedesktop.org/basedir-spec/latest/>.
pub const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// And where it is in a session that has one of its own.
const ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// What `XDG_RUNTIME_DIR` is on every system with a login manager.
/// See <https://www.freedesktop.org/software/systemd/man/latest/pam_systemd.html>.
pub fn usual_runtime() -> PathBuf {
    PathBuf::from(format!("/run/user/{}", rustix::process::getuid().as_raw()))
}

/// Begins this program anew with the usual place, where the variables say none and there is a bus of ours: so a job of cron, and a
/// login without a session, reach the keychain as the desktop does.
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
    let program = env::current_exe().context("where this program is cannot be told")?;
    let error = Command::new(program)
        .args(env::args_os().skip(1))
        .env(RUNTIME, runtime)
        .exec();
    Err(error).context("this program cannot be begun anew")
}
