//! MFA devices, and what they show.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::totp;

/// An MFA device: a virtual one, a hardware token, or a FIDO security key.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) serial: String,
    /// A security key has none, as it shows no codes.
    pub(crate) seed: Option<Vec<u8>>,
    /// How many steps its clock is ahead.
    pub(crate) drift: i64,
    pub(crate) enabled: DateTime<Utc>,
}

impl Device {
    /// A device with this serial number: an ARN for a virtual device, such as
    /// [`ALICE_DEVICE`](crate::ALICE_DEVICE), or a plain one for a hardware token, such as
    /// `GAHT12345678`.
    ///
    /// Its seed follows from the serial number, so that it is the same in every run.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        let digest = Sha256::digest(format!("fake seed of {serial}"));
        Self::fido(serial).seed(&digest[..20])
    }

    /// A FIDO security key, with an ARN such as
    /// `arn:aws:iam::123456789012:u2f/user/alice/key-FAKEFAKEFAKE`. It is listed, but shows no
    /// codes, so STS cannot verify it.
    #[must_use]
    pub fn fido(arn: &str) -> Self {
        Self {
            serial: arn.to_owned(),
            seed: None,
            drift: 0,
            enabled: long_ago(),
        }
    }

    /// The same device with this seed.
    #[must_use]
    pub fn seed(mut self, seed: &[u8]) -> Self {
        self.seed = Some(seed.to_owned());
        self
    }

    /// The same device with a clock that is so many steps of 30 seconds ahead, or behind if
    /// negative. More than two are too many for STS, until the device is resynchronised.
    #[must_use]
    pub fn drifted(mut self, steps: i64) -> Self {
        self.drift = steps;
        self
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.serial.starts_with("arn:") && self.serial.contains(":mfa/")
    }

    /// The step by the device's own clock.
    pub(crate) fn step_at(&self, now: DateTime<Utc>) -> i64 {
        totp::step_at(now) + self.drift
    }

    /// The code of a step by the device's own clock. A security key has none.
    pub(crate) fn code(&self, step: i64) -> Option<String> {
        let seed = self.seed.as_ref()?;
        Some(totp::code(seed, step))
    }

    /// Whether these are the device's codes of a step and of those after it.
    pub(crate) fn shows(&self, codes: &[&str], step: i64) -> bool {
        let mut pairs = (step..).zip(codes);
        pairs.all(|(step, code)| self.code(step).as_deref() == Some(*code))
    }
}

/// When everything was made that was there before the stand-in started.
pub(crate) fn long_ago() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}
