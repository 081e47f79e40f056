//! Defines an MFA device and its serial number, and explains what people write by mistake.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::core::arn::Arn;
use crate::core::form::Form;

/// What STS accepts as `SerialNumber`: the ARN of a virtual device, or the serial number of a hardware token.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SerialNumber(String);

/// Why a text is not a serial number, and what to write instead.
#[derive(Debug, Eq, PartialEq)]
pub struct WrongDevice {
    /// Completes "the device X …".
    pub problem: String,
    /// What to do.
    pub hint: String,
}

/// A device that IAM knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// As IAM gives it.
    pub serial: String,
    pub kind: DeviceKind,
    /// When it was enabled, where IAM says so.
    pub since: Option<DateTime<Utc>>,
}

/// What a device is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceKind {
    /// An app.
    Virtual,
    /// A token that shows codes.
    Hardware,
    /// A key or a passkey, which has no codes.
    Fido,
    /// Something that this version does not know.
    Unknown,
}

impl Device {
    /// A device with this serial number.
    pub fn new(serial: &str, since: Option<DateTime<Utc>>) -> Self {
        let arn = Arn::parse(serial);
        Self {
            serial: serial.to_owned(),
            kind: match arn.and_then(|arn| arn.kind_and_name()) {
                Some(("mfa", _)) => DeviceKind::Virtual,
                Some(("u2f" | "fido", _)) => DeviceKind::Fido,
                _ if SerialNumber::parse(serial).is_ok() => DeviceKind::Hardware,
                _ => DeviceKind::Unknown,
            },
            since,
        }
    }

    /// Its serial number, where STS can use it.
    pub fn usable(&self) -> Option<SerialNumber> {
        SerialNumber::parse(&self.serial).ok()
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Virtual => "app",
            Self::Hardware => "hardware token",
            Self::Fido => "FIDO key",
            Self::Unknown => "unknown",
        })
    }
}

/// STS's limits for the length of a serial number.
const LENGTH: std::ops::RangeInclusive<usize> = 9..=256;

impl SerialNumber {
    /// Interprets a text as a serial number.
    pub fn parse(text: &str) -> Result<Self, WrongDevice> {
        let text = text.trim();
        if text.starts_with("arn:") {
            check_arn(text)?;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_+=/:,.@-".contains(c);
        if !LENGTH.contains(&text.chars().count()) || !text.chars().all(plain) {
            return Err(WrongDevice {
                problem: "is neither an ARN nor a serial number".to_owned(),
                hint: "write an ARN like arn:aws:iam::123456789012:mfa/NAME, or a hardware token's serial number like GAHT12345678"
                    .to_owned(),
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// As STS and the prompt expect it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_arn(arn: &str) -> Result<(), WrongDevice> {
    let Some(arn) = Arn::parse(arn) else {
        return Err(malformed());
    };
    if arn.service != "iam" || !Form::AccountId.fits(arn.account) {
        return Err(malformed());
    }
    match arn.kind_and_name() {
        Some(("mfa", name)) if !name.is_empty() => Ok(()),
        Some(("user", path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            Err(WrongDevice {
                problem: "is a user, not an MFA device".to_owned(),
                hint: format!(
                    "write the ARN of a device, often {}; the IAM console shows it",
                    Arn::of_iam(arn.partition, arn.account, &format!("mfa/{name}"))
                ),
            })
        }
        Some(("u2f" | "fido", _)) => Err(WrongDevice {
            problem: "is a FIDO security key or passkey, which STS cannot use".to_owned(),
            hint: "sign in with `aws login`, or add an authenticator app to the user and write its ARN, which contains `:mfa/`"
                .to_owned(),
        }),
        _ => Err(malformed()),
    }
}

fn malformed() -> WrongDevice {
    WrongDevice {
        problem: "is not the ARN of an MFA device".to_owned(),
        hint: "write it like arn:aws:iam::123456789012:mfa/NAME".to_owned(),
    }
}
