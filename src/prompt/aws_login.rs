//! Offers to run `aws login`, which opens a browser and waits for the person.

use std::process::Command;

use anyhow::{Result, bail};

use crate::core::environment::CODE;
use crate::core::error::{Failure, reason};
use crate::core::text;
use crate::plan::PromptSettings;
use crate::prompt::child;
use crate::prompt::terminal::{DefaultAnswer, Terminal};

/// The command line that signs a profile in.
pub fn command_line(profile: &str) -> String {
    format!("aws login {}", text::flag("--profile", profile))
}

/// Asks whether to sign in, and does it. Returns whether that happened: not if there is no terminal, or if the person declines.
pub fn offer(profile: &str, problem: &Failure, prompt_settings: &PromptSettings) -> Result<bool> {
    let Some(terminal) = Terminal::for_prompting(prompt_settings) else {
        return Ok(false);
    };
    terminal.say(problem.message())?;
    let question = format!("Run `{}` now?", command_line(profile));
    if !terminal.confirm(&question, DefaultAnswer::Yes)? {
        return Ok(false);
    }
    let _as_it_was = terminal.keep();
    let mut command = Command::new("aws");
    command.arg("login");
    if profile.starts_with('-') {
        // As a word of its own, it would be another flag.
        command.arg(format!("--profile={profile}"));
    } else {
        command.args(["--profile", profile]);
    }
    // It is a secret that no command needs.
    command.env_remove(CODE);
    // Standard output may be read by another program, and standard input belong to it.
    if let (Some((input, errors)), Some((_input, output))) =
        (terminal.for_child(), terminal.for_child())
    {
        command.stdin(input).stdout(output).stderr(errors);
    }
    let ended = command.status();
    if let Ok(status) = &ended {
        child::end_with(*status);
    }
    match ended {
        Ok(status) if status.success() => Ok(true),
        Ok(status) => bail!(
            Failure::new(format!("`{}` failed: {status}", command_line(profile)))
                .hint("`aws login` needs AWS CLI 2.32.0 or later, and the managed policy SignInLocalDevelopmentAccess")
        ),
        Err(error) => bail!(
            Failure::new(format!("aws cannot be run: {}", reason(&error)))
                .hint("install AWS CLI 2.32.0 or later")
        ),
    }
}
