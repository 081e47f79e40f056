//! Renders MFA devices as a table and as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::core::clock::timestamp;
use crate::core::mfa_device::Device;
use crate::core::text::{self, plain};

/// A line for each; `set` is the one that the profile names.
pub fn table(devices: &[Device], set: Option<&str>) -> String {
    let width = |text: &dyn Fn(&Device) -> String| {
        devices
            .iter()
            .map(|device| console::measure_text_width(&text(device)))
            .max()
            .unwrap_or_default()
    };
    let serial = width(&|device| plain(&device.serial)).max("DEVICE".len());
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
            plain(&device.serial),
            device.kind.to_string()
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
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
