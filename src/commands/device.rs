//! The MFA devices of the user who has the keys of a profile.

mod enroll;
mod list;
mod enrollment;
mod qr;
mod resync;
mod table;

use anyhow::{Result, bail};

use super::ready::Ready;
use crate::cli::{self, DeviceCommand};
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::plan::{Chosen, Prompting};
use crate::prompt::terminal::{PATIENCE_TO_FETCH, Terminal};

/// Does what the command says.
///
/// # Errors
/// What a user has to know.
pub(super) fn device(command: &DeviceCommand, environment: &Environment) -> Result<()> {
    match command {
        DeviceCommand::List(args) => list::list(args, environment),
        DeviceCommand::Enroll(args) => enroll::enroll(args, environment),
        DeviceCommand::Resync(args) => resync::resync(args, environment),
    }
}

/// How a person is asked who may have to fetch a telephone.
fn prompting(timeout: cli::PromptTimeout, environment: &Environment) -> Result<Prompting> {
    let asked = cli::Prompting {
        timeout,
        ..cli::Prompting::default()
    };
    Prompting::new(&asked, environment, PATIENCE_TO_FETCH)
}

/// Two codes of a device can come from a person at a terminal only.
fn terminal(prompting: &Prompting) -> Result<Terminal> {
    let Some(terminal) = Terminal::for_prompting(prompting) else {
        let Chosen { value, origin } = &prompting.prompt;
        let why = match value {
            cli::Prompt::Auto | cli::Prompt::Terminal => "there is none".to_owned(),
            cli::Prompt::Gui | cli::Prompt::None => format!("{origin} forbids to use it"),
        };
        bail!(
            Failure::new(format!(
                "two codes have to be asked for at a terminal, and {why}"
            ))
            .hint("run it in a terminal")
            .exit(Exit::HumanNeeded)
        )
    };
    Ok(terminal)
}
