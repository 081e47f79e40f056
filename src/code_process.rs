//! A code from a command, such as one of a password manager or a hardware key: `mfa_process`, as in aws-vault.

use std::io::{self, ErrorKind};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::child::{self, Ended};
use crate::device::SerialNumber;
use crate::error::{Exit, Failure};
use crate::mfa_code::MfaCode;
use crate::plan::Chosen;
use crate::profiles::reason;
use crate::terminal::Terminal;

/// Tells the command which device is meant.
const DEVICE: &str = "MFA_DEVICE";

/// Runs the command, with the terminal as its standard input and standard error, so that it can ask for a touch or a
/// password.
///
/// # Errors
/// When it fails, takes too long, or prints something else than six digits.
pub fn code(command: &Chosen<String>, device: &SerialNumber, limit: Duration) -> Result<MfaCode> {
    let Chosen { value, origin } = command;
    let mut shell = shell(value);
    shell.env(DEVICE, device.as_str());
    attach(&mut shell, limit);
    match child::run(shell, limit)? {
        Err(error) => bail!(Failure::new(format!(
            "the command of {origin} cannot be run: {}",
            reason(&error)
        ))),
        Ok(Ended::ByUs) => bail!(
            Failure::new(format!(
                "the command of {origin} did not end within {} s",
                limit.as_secs()
            ))
            .hint(
                "does it wait for somebody? run it by itself; --prompt-timeout gives it more time"
            )
            .exit(Exit::HumanNeeded)
        ),
        Ok(Ended::ByItself { status, .. }) if !status.success() => bail!(
            Failure::new(format!("the command of {origin} failed: {status}"))
                .hint("run it by itself; it must print the six digits")
        ),
        Ok(Ended::ByItself { output, .. }) => {
            let text = str::from_utf8(&output).unwrap_or_default();
            MfaCode::parse(text).or_else(|_not_a_code| {
                bail!(
                    Failure::new(format!(
                        "the command of {origin} prints something else than six digits"
                    ))
                    .hint("run it by itself; it must print the six digits, and nothing else")
                )
            })
        }
    }
}

/// Without a terminal the command can show what it has to say, but ask nothing.
fn attach(command: &mut Command, limit: Duration) {
    let streams = || -> io::Result<(Stdio, Stdio)> {
        let terminal = Terminal::open(limit).ok_or(ErrorKind::NotFound)?;
        Ok((terminal.for_child()?, terminal.for_child()?))
    };
    match streams() {
        Ok((input, error)) => command.stdin(input).stderr(error),
        Err(_no_terminal) => command.stdin(Stdio::null()),
    };
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd.exe");
    shell.args(["/C", command]);
    shell
}
