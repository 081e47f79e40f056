//! `mfa-creds device`: lists, enrolls and resynchronizes the MFA devices of a user.

mod enroll;
mod list;
mod enrollment;
mod qr;
mod resync;
mod listing;

use anyhow::{Result, bail};

use self::enroll::Enroll;
use self::list::ListDevices;
use self::resync::Resync;
use super::signed_in_user::SignedInUser;
use crate::cli;
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::plan::{PromptSettings, Setting};
use crate::prompt::terminal::{DEFAULT_FETCH_TIMEOUT, Terminal};
use clap::{Args, Subcommand};

/// What it does, for the help.
pub(super) const ABOUT: &str = "Show, enroll and resynchronise the MFA devices of a user";

/// What can be done with MFA devices.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Devices {
    #[command(subcommand)]
    pub command: DeviceCommand,
}

/// What can be done with MFA devices.
#[derive(Subcommand)]
pub enum DeviceCommand {
    /// Show the MFA devices that the user has at AWS
    List(ListDevices),
    /// Make an MFA device with an authenticator app, and enable it
    Enroll(Enroll),
    /// Tell AWS which codes a device shows, when its clock has drifted away
    Resync(Resync),
}

/// Does what the command says.
pub(super) fn device(command: &DeviceCommand, environment: &Environment) -> Result<()> {
    match command {
        DeviceCommand::List(args) => list::list(args, environment),
        DeviceCommand::Enroll(args) => enroll::enroll(args, environment),
        DeviceCommand::Resync(args) => resync::resync(args, environment),
    }
}

/// How a person is asked who may have to fetch a telephone.
fn prompt_settings(
    timeout: cli::PromptTimeout,
    environment: &Environment,
) -> Result<PromptSettings> {
    let asked = cli::PromptFlags {
        timeout,
        ..cli::PromptFlags::default()
    };
    PromptSettings::new(&asked, environment, DEFAULT_FETCH_TIMEOUT)
}

/// Two codes of a device can come from a person at a terminal only.
fn terminal(prompt_settings: &PromptSettings) -> Result<Terminal> {
    let Some(terminal) = Terminal::for_prompting(prompt_settings) else {
        let Setting { value, origin } = &prompt_settings.prompt;
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
