//! `mfa-creds device resync`: sends AWS two codes of a device whose clock has drifted.

use anyhow::{Result, bail};

use super::enrollment;
use super::{SignedInUser, prompt_settings, terminal};
use crate::aws::iam::{Caller, Iam};
use crate::cli::{self, OfUser, PromptTimeout};
use crate::core::aws_errors;
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_device::{Device, SerialNumber};
use crate::plan::PromptSettings;
use crate::renewal::discovery;
use crate::report::Report;
use clap::Args;

/// The arguments of `device resync`.
#[derive(Args)]
pub struct Resync {
    #[command(flatten)]
    pub device: cli::Device,
    #[command(flatten)]
    pub timeout: PromptTimeout,
    #[command(flatten)]
    pub of: OfUser,
}

pub(super) fn resync(args: &Resync, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let prompt_settings = prompt_settings(args.timeout, environment)?;
    let terminal = terminal(&prompt_settings)?;
    let mut signed_in = SignedInUser::new(&args.of, Some(&args.device), environment, report)?;
    let device = signed_in.user.device.take().transpose()?;
    let iam = signed_in.iam();
    let caller = iam.caller()?;
    let serial = match device {
        Some(device) => device.value,
        None => only_or_picked(&iam, &caller, &signed_in, &prompt_settings)?,
    };
    if let Ok(devices) = iam.devices(&caller)
        && !devices
            .iter()
            .any(|device| device.serial == serial.as_str())
    {
        bail!(
            Failure::new(format!("{serial} is not a device of {}", caller.called()))
                .hint(see_devices(&signed_in))
                .exit(Exit::Refused)
        );
    }
    let codes = enrollment::two_codes(&terminal)?;
    match iam.resync(&caller, &serial, &codes) {
        Ok(()) => {}
        Err(problem) if problem.code() == Some(aws_errors::INVALID_AUTHENTICATION_CODE) => bail!(
            Failure::new(format!("AWS rejected the two codes of {serial}"))
                .hint("run the command again, and type two consecutive codes of this device")
                .exit(Exit::Refused)
        ),
        Err(problem) => bail!(problem),
    }
    report.progress(format_args!("resynchronized {serial}"));
    Ok(())
}

fn see_devices(signed_in: &SignedInUser) -> String {
    format!(
        "run `mfa-creds device list{}` to see the user's devices",
        signed_in.flag
    )
}

fn only_or_picked(
    iam: &Iam<'_>,
    caller: &Caller,
    signed_in: &SignedInUser,
    prompt_settings: &PromptSettings,
) -> Result<SerialNumber> {
    let devices = iam.devices(caller)?;
    let usable: Vec<SerialNumber> = devices.iter().filter_map(Device::usable).collect();
    match &usable[..] {
        [] => bail!(
            Failure::new(format!(
                "{} has no MFA device that shows codes",
                caller.called()
            ))
            .hint(see_devices(signed_in))
        ),
        [only] => Ok(only.clone()),
        _ => {
            let base = &signed_in.user.key_source;
            let terminal = discovery::terminal_to_pick(prompt_settings, caller, base, &usable)?;
            discovery::pick(&terminal, &usable)
        }
    }
}
