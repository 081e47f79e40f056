//! How the code is come by, as the command line and the environment say.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum as _;

use super::chosen::{Chosen, first, flag, variable};
use super::settings::given_seconds;
use crate::cli::{self, Prompt};
use crate::credentials::Secret;
use crate::environment::Environment;
use crate::error::Failure;

/// How long to wait for another process that renews with the same device: as long as a person may take to type a code.
const LOCK_TIMEOUT: Duration = Duration::from_mins(2);

/// How the code is come by.
pub struct Asking {
    pub given: Option<Given>,
    /// A command that prints the code.
    pub process: Option<Chosen<String>>,
    pub prompting: Prompting,
    /// How long to wait for another process that renews with the same device.
    pub lock_timeout: Duration,
}

/// A code that is there in advance.
pub enum Given {
    Code(Chosen<Secret>),
    /// It is on standard input, and somebody has said so.
    StandardInput,
}

/// How a person is asked.
#[derive(Clone, Copy, Debug)]
pub struct Prompting {
    pub prompt: Prompt,
    /// How long an answer may take.
    pub limit: Duration,
}

impl Asking {
    /// As asked for.
    ///
    /// # Errors
    /// When the environment says something that cannot be.
    pub fn new(asked: &cli::Asking, environment: &Environment, usual: Duration) -> Result<Self> {
        let token = first([
            flag("--token", asked.token.as_ref()),
            variable(environment, "MFA_TOKEN"),
        ]);
        let given = token.map(|Chosen { value, origin }| match asked.token.as_deref() {
            Some("-") => Given::StandardInput,
            _ => Given::Code(Chosen {
                value: Secret::new(value),
                origin,
            }),
        });
        Ok(Self {
            given,
            process: first([
                flag("--mfa-process", asked.mfa_process.as_ref()),
                variable(environment, "MFA_PROCESS"),
            ]),
            prompting: Prompting::new(&asked.prompting, environment, usual)?,
            lock_timeout: asked.lock_timeout.map_or(LOCK_TIMEOUT, Duration::from_secs),
        })
    }
}

impl Prompting {
    /// As asked for; `usual` is how long an answer may take where nobody says so.
    ///
    /// # Errors
    /// When the environment says something that cannot be.
    pub fn new(asked: &cli::Prompting, environment: &Environment, usual: Duration) -> Result<Self> {
        let limit = given_seconds(
            "--prompt-timeout",
            asked.prompt_timeout,
            Some((environment, "MFA_CREDS_PROMPT_TIMEOUT")),
        )?;
        Ok(Self {
            prompt: prompt(asked, environment)?,
            limit: limit.map_or(usual, |limit| Duration::from_secs(limit.value)),
        })
    }
}

fn prompt(asked: &cli::Prompting, environment: &Environment) -> Result<Prompt> {
    if asked.no_input {
        return Ok(Prompt::None);
    }
    if let Some(prompt) = asked.prompt {
        return Ok(prompt);
    }
    let Some(Chosen { value, origin }) = variable(environment, "MFA_CREDS_PROMPT") else {
        return Ok(Prompt::Auto);
    };
    match Prompt::from_str(&value, true) {
        Ok(prompt) => Ok(prompt),
        Err(_unknown) => bail!(
            Failure::new(format!("`{value}` ({origin}) is not a place to ask"))
                .hint("use auto, terminal, gui or none")
        ),
    }
}
