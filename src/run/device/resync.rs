//! A device whose clock has drifted away.

use anyhow::{Result, bail};

use super::{Ready, terminal};
use crate::cli::Resync;
use crate::device::{Device, SerialNumber};
use crate::enrolment;
use crate::environment::Environment;
use crate::error::{Exit, Failure};
use crate::iam::{Iam, Owner};
use crate::report::Report;
use crate::terminal::Terminal;

pub(super) fn resync(args: &Resync, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let terminal = terminal(&args.of, environment, "a resynchronisation")?;
    let mut ready = Ready::new(&args.of, environment)?;
    let device = ready.user.device.take().transpose()?;
    let iam = ready.iam();
    let owner = iam.owner()?;
    let serial = match device {
        Some(device) => device.value,
        None => pick(&iam, &owner, &terminal)?,
    };
    let codes = enrolment::two_codes(&terminal)?;
    match iam.resync(&owner, &serial, &codes) {
        Ok(()) => {}
        Err(problem) if problem.code() == Some("InvalidAuthenticationCode") => bail!(
            Failure::new(format!("AWS refused the two codes of {serial}"))
                .hint("they have to be two in a row of this device; run it again")
                .exit(Exit::Refused)
        ),
        Err(problem) => bail!(problem),
    }
    report.progress(format_args!("AWS knows again which codes {serial} shows"));
    Ok(())
}

fn pick(iam: &Iam<'_>, owner: &Owner, terminal: &Terminal) -> Result<SerialNumber> {
    let devices = iam.devices(owner)?;
    let mut usable: Vec<SerialNumber> = devices.iter().filter_map(Device::usable).collect();
    if usable.len() > 1 && terminal.has_room_for_a_list() {
        let items: Vec<String> = usable.iter().map(ToString::to_string).collect();
        let Some(place) = terminal.pick("Which MFA device?", &items)? else {
            bail!(Failure::new("no MFA device was picked").exit(Exit::HumanNeeded));
        };
        return Ok(usable.swap_remove(place));
    }
    match usable.pop() {
        Some(only) if usable.is_empty() => Ok(only),
        Some(_) => bail!(Failure::new("nobody says which device to use").hint("use --device")),
        None => bail!(Failure::new(format!(
            "{} has no MFA device with codes",
            owner.called()
        ))),
    }
}
