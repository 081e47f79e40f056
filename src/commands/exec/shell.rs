//! The user's shell, which `exec` starts if there is no command.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::process::Command;

use anyhow::{Result, bail};

use super::not_run;
use super::system::command;
use crate::commands::obtain::ObtainedCredentials;
use crate::core::clock;
use crate::core::environment::{Environment, PROFILE_OF_SHELL};
use crate::core::error::{Exit, Failure};

/// The variable that names the shell.
const VARIABLE: &str = if cfg!(windows) { "COMSPEC" } else { "SHELL" };

/// A shell to start.
pub(super) struct Shell {
    program: OsString,
    /// Whether [`VARIABLE`] names it.
    is_named: bool,
    /// The profile of the shell that this process runs in, if `exec` started that, too.
    outer: Option<String>,
}

impl Shell {
    /// The shell to start on this terminal.
    ///
    /// # Errors
    /// If standard input is not a terminal: then there is a command missing, for example because a variable in a script is empty. A
    /// shell would read standard input to its end, and end with exit code 0.
    pub(super) fn of_user(environment: &Environment) -> Result<Self> {
        if !io::stdin().is_terminal() {
            let shell = if cfg!(windows) { "cmd" } else { "sh" };
            bail!(
                Failure::new("there is no command, and no terminal for a shell on standard input")
                    .hint(format!(
                        "name a command after `--`; `-- {shell}` runs the commands on standard input"
                    ))
                    .exit(Exit::Usage)
            );
        }
        let named = environment.path(VARIABLE).map(OsString::from);
        Ok(Self {
            is_named: named.is_some(),
            program: named.unwrap_or_else(login_shell),
            outer: environment.text(PROFILE_OF_SHELL),
        })
    }

    /// What starts now with these credentials, and how it ends.
    pub(super) fn notice(&self, obtained: &ObtainedCredentials) -> impl fmt::Display {
        format!(
            "starting {} with the credentials of {}, valid until {}; {}",
            self.program.to_string_lossy(),
            obtained.profile,
            clock::until(obtained.credentials.expiration, clock::now()),
            self.way_out()
        )
    }

    /// The same for a shell that a server renews the credentials for.
    pub(super) fn notice_of_server(&self, obtained: &ObtainedCredentials) -> impl fmt::Display {
        format!(
            "starting {} with a server that renews the credentials of {}; {}",
            self.program.to_string_lossy(),
            obtained.profile,
            self.way_out()
        )
    }

    fn way_out(&self) -> String {
        match &self.outer {
            None => "`exit` ends it".to_owned(),
            Some(outer) => {
                format!("it runs inside the shell for {outer}: type `exit` twice to leave both")
            }
        }
    }

    /// Starts it for a profile, without the credentials.
    pub(super) fn command(&self, profile: &str) -> Command {
        let mut command = command(&self.program);
        command.env(PROFILE_OF_SHELL, profile);
        command
    }

    /// The error if it cannot be run.
    pub(super) fn not_run(&self, error: &io::Error) -> Failure {
        let path = self.program.to_string_lossy();
        if self.is_named {
            let name = format!("{path} ({VARIABLE})");
            let hint =
                format!("set {VARIABLE} to the path of a shell, or name a command after `--`");
            not_run(&name, &self.program, error, &[]).hint(hint)
        } else {
            not_run(&path, &self.program, error, &[]).hint("name a command after `--`")
        }
    }
}

/// The login shell of this user.
#[cfg(unix)]
fn login_shell() -> OsString {
    use nix::unistd::{Uid, User};

    let user = User::from_uid(Uid::current()).ok().flatten();
    let shell = user.map(|user| user.shell.into_os_string());
    shell
        .filter(|shell| !shell.is_empty())
        .unwrap_or_else(|| "/bin/sh".into())
}

/// Windows has no login shells.
#[cfg(windows)]
fn login_shell() -> OsString {
    "cmd.exe".into()
}
