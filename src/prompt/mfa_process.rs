//! Gets a code from a command, such as one of a password manager or a hardware key: `mfa_process`, as in aws-vault.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::core::environment::MFA_DEVICE;
use crate::core::error::{Exit, Failure, reason};
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::plan::{PromptSettings, Setting};
use crate::prompt::child::{self, Ended};
use crate::prompt::terminal::Terminal;

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
    // Without a terminal, or where nobody may be asked, the command can show what it has to say, but ask nothing.
    shell.stdin(Stdio::null());
    let terminal = Terminal::for_prompting(prompt_settings);
    let _as_it_was = terminal.as_ref().and_then(Terminal::keep);
    if let Some((input, errors)) = terminal.as_ref().and_then(Terminal::for_child) {
        shell.stdin(input).stderr(errors);
    }
    match child::run(shell, limit, || ())? {
        Err(error) => bail!(
            Failure::new(format!(
                "the command of {origin} cannot be run: {}",
                reason(&error)
            ))
            .hint("run it by itself; it must print the six digits")
        ),
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
        Ok(Ended::ByItself { status, output, .. })
            if !status.success() && output.len() < child::MOST_OUTPUT =>
        {
            bail!(
                Failure::new(format!("the command of {origin} failed: {status}"))
                    .hint("run it by itself; it must print the six digits")
            )
        }
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
