//! Renews the credentials of a profile by running this program again.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::{Result, bail};
use chrono::TimeDelta;
use zeroize::Zeroizing;

use super::{flags, handover};
use crate::cli::SingleProfile;
use crate::commands::obtain::ObtainedCredentials;
use crate::core::environment::{CODE, Environment, MFA_CREDS_PROMPT};
use crate::core::error::{self, Exit, Failure, reason};
use crate::prompt::child::{self, Ended};
use crate::prompt::descendants::Begun;

/// This program as Linux knows it, even if its file was replaced by another version.
const SELF: &str = "/proc/self/exe";

/// Where a person may be asked for a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Asking {
    /// Wherever the flags say.
    Anywhere,
    /// In a window, unless the flags say something else: a command that reads the terminal would get what is typed.
    InWindow,
}

/// How a renewal gets a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CodeUse {
    /// From a person or a command, if one is needed.
    IfNeeded,
    /// Not at all: with the stored session, or not.
    Never,
}

/// The first credentials, and how they are renewed.
pub(in crate::commands) struct FirstCredentials {
    pub obtained: ObtainedCredentials,
    pub renewal: Renewal,
}

/// Why there are no credentials.
pub(in crate::commands) enum NotObtained {
    /// A person was needed.
    PersonNeeded(String),
    /// Anything else.
    Failed(String),
}

/// Runs this program to renew credentials.
pub(in crate::commands) struct Renewal {
    /// What the credentials are of: a profile or a role.
    pub name: String,
    words: Vec<OsString>,
    asking: Asking,
    pub renew_before: TimeDelta,
    /// What to do if it fails.
    pub way_out: String,
    is_verbose: bool,
}

/// Obtains the first credentials. This says on standard error what it does, and gets a code from wherever the flags say.
///
/// # Errors
/// The inner one: the exit code of a run that has already reported its error.
pub(in crate::commands) fn obtain_first(
    of: &SingleProfile,
    renew_before: u64,
    asking: Asking,
    environment: &Environment,
) -> Result<Result<FirstCredentials, ExitCode>> {
    let mut command = program();
    command
        .args(request(
            flags::of_every_renewal(of, of.profile.name.as_ref()),
            renew_before,
        ))
        .stderr(Stdio::inherit());
    if of.request.force {
        command.arg("--force");
    }
    if let Some(seconds) = of.request.min_ttl {
        command.arg(format!("--min-ttl={seconds}"));
    }
    if let Some(code) = &of.code_flags.token {
        // Other users can see a command line.
        command.env(CODE, code);
    }
    let Output { status, stdout, .. } = command
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| cannot_run(&error))?;
    let stdout = Zeroizing::new(stdout);
    if !status.success() {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        return Ok(Err(ExitCode::from(code.unwrap_or(Exit::Failed as u8))));
    }
    let obtained = handover::read(&stdout)?;
    let words = flags::of_every_renewal(of, Some(&obtained.profile));
    let way_out = flags::way_out(of, &obtained.renewal);
    let asked = &of.code_flags.prompt_flags;
    let is_chosen =
        asked.prompt.is_some() || asked.no_input || environment.text(MFA_CREDS_PROMPT).is_some();
    Ok(Ok(FirstCredentials {
        renewal: Renewal {
            name: obtained.profile.clone(),
            words: request(words, renew_before),
            asking: if is_chosen { Asking::Anywhere } else { asking },
            renew_before: super::margin(renew_before),
            way_out,
            is_verbose: of.verbosity.verbose > 0,
        },
        obtained,
    }))
}

fn request(mut words: Vec<OsString>, renew_before: u64) -> Vec<OsString> {
    let before = format!("--renew-before={renew_before}").into();
    words.splice(0..0, ["export".into(), "--format=server".into(), before]);
    words
}

/// This program. If its file was replaced since, Linux still has the version that runs.
fn program() -> Command {
    let path = env::current_exe().unwrap_or_default();
    let path = if path.exists() {
        path
    } else {
        PathBuf::from(SELF)
    };
    named(Command::new(path))
}

/// The same command under our name: `/proc/self/exe` would tell nobody who asks for a code.
#[cfg(unix)]
fn named(mut command: Command) -> Command {
    std::os::unix::process::CommandExt::arg0(&mut command, "mfa-creds");
    command
}

/// The name is in the path.
#[cfg(windows)]
fn named(command: Command) -> Command {
    command
}

fn cannot_run(error: &io::Error) -> Failure {
    let path = env::current_exe().unwrap_or_default();
    let failure = Failure::new(format!(
        "{} cannot be run: {}",
        path.display(),
        reason(error)
    ));
    if error.kind() == io::ErrorKind::NotFound {
        failure.hint("install mfa-creds again")
    } else {
        failure
    }
}

impl Renewal {
    /// Obtains credentials that last long enough.
    pub(super) async fn run(&self, code_use: CodeUse) -> Result<ObtainedCredentials, NotObtained> {
        self.output(code_use)
            .await
            .map_err(|error| NotObtained::Failed(error::message(&error)))?
    }

    async fn output(&self, code_use: CodeUse) -> Result<Result<ObtainedCredentials, NotObtained>> {
        let mut command = program();
        command
            .args(&self.words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command.stderr(match (code_use, self.is_verbose) {
            (CodeUse::IfNeeded, true) => Stdio::inherit(),
            (_, _) => Stdio::piped(),
        });
        match code_use {
            CodeUse::IfNeeded => {
                command.env_remove(CODE);
                if self.asking == Asking::InWindow {
                    command.arg("--prompt=gui");
                }
            }
            // Nothing else is asked where a code is said to be on standard input.
            CodeUse::Never => {
                command.env(CODE, "-");
            }
        }
        let mut child = tokio::process::Command::from(command)
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        let running = Running(Some(Begun::with(&child)));
        let ended = child::ended_by_itself(&mut child).await?;
        running.leave();
        let Ended::ByItself {
            status,
            output,
            errors,
        } = ended
        else {
            bail!("the renewal was ended");
        };
        if status.success() {
            return Ok(Ok(handover::read(&output)?));
        }
        let why = message_of(&String::from_utf8_lossy(&errors));
        Ok(Err(match status.code() {
            Some(code) if code == Exit::HumanNeeded as i32 => NotObtained::PersonNeeded(why),
            _ => NotObtained::Failed(why),
        }))
    }
}

/// A renewal that ends, with its window, when this is dropped.
struct Running(Option<Begun>);

impl Running {
    /// It has ended by itself.
    fn leave(mut self) {
        if let Some(begun) = self.0.take() {
            begun.leave();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(begun) = self.0.take() {
            begun.end();
        }
    }
}

/// The message of the error that a run has reported. The hint is for somebody who ran it by hand.
fn message_of(errors: &str) -> String {
    let mut messages = errors
        .lines()
        .filter_map(|line| line.strip_prefix("error: "));
    messages.next_back().unwrap_or("see above").to_owned()
}
