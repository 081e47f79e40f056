//! Decides where the code comes from, where the prompt appears, and how long it waits.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum as _;

use crate::cli::{self, Prompt};
use crate::core::credentials::Secret;
use crate::core::environment::{
    CODE, Environment, MFA_CREDS_PROMPT, MFA_CREDS_PROMPT_TIMEOUT, MFA_PROCESS,
};
use crate::core::error::Failure;
use crate::plan::setting::{Origin, Setting, default, first, flag, variable};
use crate::plan::settings::given_seconds;

/// How long to wait for another process that renews with the same device: as long as a person may take to type a code.
const LOCK_TIMEOUT: Duration = Duration::from_mins(2);

/// The limits of a prompt timeout: no answer comes sooner, and no longer wait is useful.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);

/// How the code is obtained.
pub struct CodeSettings {
    pub given: Option<Given>,
    /// A command that prints the code.
    pub process: Option<Setting<String>>,
    pub prompt_settings: PromptSettings,
    /// How long to wait for another process that renews with the same device.
    pub lock_timeout: Duration,
}

/// A code that was given in advance.
pub enum Given {
    Code(Setting<Secret>),
    /// The flag or the variable says that it is on standard input.
    StandardInput,
}

/// How the prompt asks for a code.
#[derive(Clone, Debug)]
pub struct PromptSettings {
    pub prompt: Setting<Prompt>,
    /// How long the prompt waits for an answer.
    pub limit: Setting<Duration>,
}

impl CodeSettings {
    /// From the flags and the environment.
    pub fn new(asked: &cli::CodeFlags, environment: &Environment, usual: Duration) -> Result<Self> {
        let token = first([
            flag("--token", asked.token.as_ref()),
            variable(environment, CODE),
        ]);
        let given = token.map(|Setting { value, origin }| match value.as_str() {
            "-" => Given::StandardInput,
            _ => Given::Code(Setting {
                value: Secret::new(value),
                origin,
            }),
        });
        let prompt_settings = PromptSettings::new(&asked.prompt_flags, environment, usual)?;
        // The process that holds the turn may wait this long for an answer.
        let lock_timeout = LOCK_TIMEOUT.max(prompt_settings.limit.value);
        Ok(Self {
            given,
            process: first([
                flag("--mfa-process", asked.mfa_process.as_ref()),
                process_of_environment(environment),
            ]),
            prompt_settings,
            lock_timeout: asked.lock_timeout.map_or(lock_timeout, Duration::from_secs),
        })
    }
}

impl PromptSettings {
    /// From the flags and the environment; `usual` is the default prompt timeout.
    pub fn new(
        asked: &cli::PromptFlags,
        environment: &Environment,
        usual: Duration,
    ) -> Result<Self> {
        let limit = given_seconds(
            "--prompt-timeout",
            asked.timeout.prompt_timeout,
            Some((environment, MFA_CREDS_PROMPT_TIMEOUT)),
        )?;
        Ok(Self {
            prompt: prompt(asked, environment)?,
            limit: match limit {
                Some(Setting { value, origin }) => Setting {
                    value: Duration::from_secs(value).clamp(SHORTEST, LONGEST),
                    origin,
                },
                None => default(usual),
            },
        })
    }
}

fn prompt(asked: &cli::PromptFlags, environment: &Environment) -> Result<Setting<Prompt>> {
    let by_flag = |value, name| Setting {
        value,
        origin: Origin::Flag(name),
    };
    match asked.prompt {
        _ if asked.no_input => return Ok(by_flag(Prompt::None, "--no-input")),
        Some(Prompt::None) => return Ok(by_flag(Prompt::None, "--prompt none")),
        Some(Prompt::Gui) => return Ok(by_flag(Prompt::Gui, "--prompt gui")),
        Some(prompt) => return Ok(by_flag(prompt, "--prompt")),
        None => {}
    }
    let Some(Setting { value, origin }) = variable(environment, MFA_CREDS_PROMPT) else {
        return Ok(default(Prompt::Auto));
    };
    match Prompt::from_str(&value, true) {
        Ok(value) => Ok(Setting { value, origin }),
        Err(_unknown) => bail!(
            Failure::new(format!("`{value}` ({origin}) is not a kind of prompt"))
                .hint("use auto, terminal, gui, or none")
        ),
    }
}

/// The command that the environment names.
pub fn process_of_environment(environment: &Environment) -> Option<Setting<String>> {
    variable(environment, MFA_PROCESS)
}
