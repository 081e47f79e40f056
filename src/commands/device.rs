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

/// Describes the command in the help.
pub(super) const ABOUT: &str = "List, enroll, and resynchronize MFA devices";

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
    /// List the MFA devices of the user
    List(ListDevices),
    /// Create an MFA device in an authenticator app, and enable it
    Enroll(Enroll),
    /// Resynchronize a device whose clock has drifted
    Resync(Resync),
}

/// Runs the command.
pub(super) fn device(command: &DeviceCommand, environment: &Environment) -> Result<()> {
    match command {
        DeviceCommand::List(args) => list::list(args, environment),
        DeviceCommand::Enroll(args) => enroll::enroll(args, environment),
        DeviceCommand::Resync(args) => resync::resync(args, environment),
    }
}

/// Settings of prompts at which the person may have to fetch a phone first.
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

/// The terminal: only a person there can type two consecutive codes.
fn terminal(prompt_settings: &PromptSettings) -> Result<Terminal> {
    let Some(terminal) = Terminal::for_prompting(prompt_settings) else {
        let Setting { value, origin } = &prompt_settings.prompt;
        let why = match value {
            cli::Prompt::Auto | cli::Prompt::Terminal => "there is none".to_owned(),
            cli::Prompt::Gui | cli::Prompt::None => format!("{origin} forbids using it"),
        };
        bail!(
            Failure::new(format!("two codes must be typed at a terminal, but {why}"))
                .hint("run the command in a terminal")
                .exit(Exit::HumanNeeded)
        )
    };
    Ok(terminal)
}
