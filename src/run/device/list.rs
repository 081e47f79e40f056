//! The devices that the user has, as a table and as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::Ready;
use crate::cli::ListDevices;
use crate::device::Device;
use crate::environment::Environment;
use crate::iam::Owner;
use crate::report::{self, Report};

pub(super) fn list(args: &ListDevices, environment: &Environment) -> Result<()> {
    let ready = Ready::new(&args.of, environment)?;
    let iam = ready.iam();
    let owner = iam.owner()?;
    let devices = iam.devices(&owner)?;
    let set = ready.set().map(|set| set.value.as_str());
    if args.json {
        return report::data(&json(&owner, &devices, set)?);
    }
    if devices.is_empty() {
        Report::new(&args.of.verbosity).progress(format_args!(
            "{} has no MFA device; `mfa-creds device enroll{}` makes one",
            owner.called(),
            ready.flag
        ));
        return Ok(());
    }
    report::data(&table(&devices, set))
}

fn table(devices: &[Device], set: Option<&str>) -> String {
    let width = |text: &dyn Fn(&Device) -> String| {
        devices
            .iter()
            .map(|device| text(device).len())
            .max()
            .unwrap_or_default()
    };
    let serial = width(&|device| device.serial.clone()).max("DEVICE".len());
    let kind = width(&|device| device.kind.to_string()).max("KIND".len());
    let mut text = format!(
        "{:serial$}  {:kind$}  {:10}  USE\n",
        "DEVICE", "KIND", "SINCE"
    );
    for device in devices {
        let since = device
            .since
            .map_or_else(String::new, |since| since.format("%Y-%m-%d").to_string());
        let used = if device.usable().is_none() {
            "not for STS"
        } else if set == Some(device.serial.as_str()) {
            "set for this profile"
        } else {
            ""
        };
        let line = format!(
            "{:serial$}  {:kind$}  {since:10}  {used}",
            device.serial,
            device.kind.to_string()
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What scripts get. Keys may be added.
#[derive(Serialize)]
struct Listed<'l> {
    version: u8,
    account: &'l str,
    /// None for the root user.
    user: Option<&'l str>,
    devices: Vec<ListedDevice<'l>>,
}

#[derive(Serialize)]
struct ListedDevice<'l> {
    serial_number: &'l str,
    kind: String,
    /// Whether STS can use it.
    usable: bool,
    /// Whether the profile names it.
    set: bool,
    enabled: Option<String>,
}

fn json(owner: &Owner, devices: &[Device], set: Option<&str>) -> Result<String> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let devices = devices.iter().map(|device| ListedDevice {
        serial_number: &device.serial,
        kind: device.kind.to_string(),
        usable: device.usable().is_some(),
        set: set == Some(device.serial.as_str()),
        enabled: device.since.map(time),
    });
    let listed = Listed {
        version: 1,
        account: &owner.account,
        user: owner.name.as_deref(),
        devices: devices.collect(),
    };
    Ok(serde_json::to_string_pretty(&listed)? + "\n")
}
