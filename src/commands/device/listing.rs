//! Renders MFA devices as a table and as JSON.

use anyhow::Result;
use serde::Serialize;

use crate::core::clock::timestamp;
use crate::core::mfa_device::{Device, DeviceKind};
use crate::core::table;
use crate::core::text::{self, plain};

/// One line for each device; `set` is the one that the profile names.
pub fn table(devices: &[Device], set: Option<&str>) -> String {
    // The third column is as wide as a date, even if no date is known.
    let head = ["DEVICE", "KIND", "SINCE     ", "USE"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(devices.iter().map(|device| {
        let since = device
            .since
            .map_or_else(String::new, |since| since.format("%Y-%m-%d").to_string());
        let used = if device.kind == DeviceKind::Fido {
            "use aws login"
        } else if device.usable().is_none() {
            "not for STS"
        } else if set == Some(device.serial.as_str()) {
            "set for this profile"
        } else {
            ""
        };
        [
            plain(&device.serial),
            device.kind.to_string(),
            since,
            used.to_owned(),
        ]
    }));
    table::table(&rows)
}

/// What scripts get. Keys may be added.
#[derive(Serialize)]
struct DevicesJson<'l> {
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

/// The same as JSON.
pub fn json(
    account: &str,
    user: Option<&str>,
    devices: &[Device],
    set: Option<&str>,
) -> Result<String> {
    let devices = devices.iter().map(|device| ListedDevice {
        serial_number: &device.serial,
        kind: device.kind.to_string(),
        usable: device.usable().is_some(),
        set: set == Some(device.serial.as_str()),
        enabled: device.since.map(timestamp),
    });
    let listed = DevicesJson {
        version: 1,
        account,
        user,
        devices: devices.collect(),
    };
    text::json(&listed).map(|text| text.to_string())
}
