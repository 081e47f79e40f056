//! Gets a code from a command, such as one of a password manager or a hardware key: `mfa_process`, as in aws-vault.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::core::environment::MFA_DEVICE;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::plan::{PromptSettings, Setting};
use crate::prompt::child::{self, Ended};
use crate::prompt::terminal::Terminal;

/// What to do about a command that does not print a code.
const SIX_DIGITS: &str = "run it by itself: it must print the six digits, and nothing else";

/// Runs the command, with the terminal as its standard input and standard error, so that it can ask for a touch or a
/// password.
pub fn code(
    command: &Setting<String>,
    device: &SerialNumber,
    prompt_settings: &PromptSettings,
) -> Result<MfaCode> {
    let Setting { value, origin } = command;
    let mut shell = child::shell(value);
    shell.env(MFA_DEVICE, device.as_str());
    let limit = prompt_settings.limit.value;
    // Without a terminal, or if asking is forbidden, the command can print messages but not ask.
    shell.stdin(Stdio::null());
    let terminal = Terminal::for_prompting(prompt_settings);
    let _as_it_was = terminal.as_ref().and_then(Terminal::keep);
    if let Some((input, errors)) = terminal.as_ref().and_then(Terminal::for_child) {
        shell.stdin(input).stderr(errors);
    }
    match child::run(shell, limit, || ())? {
        Err(error) => bail!(child::cannot_run(origin, &error).hint(SIX_DIGITS)),
        Ok(Ended::ByUs) => bail!(
            child::did_not_end(origin, limit)
            .hint(
                "run it by itself: it may be waiting for input; --prompt-timeout gives it more time"
            )
            .exit(Exit::HumanNeeded)
        ),
        Ok(Ended::ByItself { status, output, .. })
            if !status.success() && output.len() < child::MOST_OUTPUT =>
        {
            bail!(
                Failure::new(format!("the command from {origin} failed: {status}"))
                    .hint(SIX_DIGITS)
            )
        }
        Ok(Ended::ByItself { output, .. }) => {
            let text = str::from_utf8(&output).unwrap_or_default();
            MfaCode::parse(text).or_else(|_not_a_code| {
                bail!(
                    Failure::new(format!(
                        "the command from {origin} does not print six digits"
                    ))
                    .hint(SIX_DIGITS)
                )
            })
        }
    }
}
