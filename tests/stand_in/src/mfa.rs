//! The verification of one-time codes: which were used, and how often a device was tried.
//!
//! Codes are good two steps either way, and once each. A used code does not invalidate older ones.
//! A device may be tried nine times in a window of three minutes, good tries counted. Measured on
//! AWS: radkawar/stackd, docs/iam-mfa.md.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::device::Device;
use crate::errors::AwsError;
use crate::totp;

/// How many steps a code may be early or late.
pub(crate) const TOLERANCE: i64 = 2;
const WINDOW_SECONDS: i64 = 180;
const TRIES_PER_WINDOW: u32 = 9;

/// What happened to the devices so far, by serial number.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    histories: HashMap<String, History>,
}

#[derive(Debug, Default)]
struct History {
    used_steps: BTreeSet<i64>,
    window: i64,
    tries: u32,
}

impl History {
    /// Counts a try. False if it is one too many.
    fn may_try(&mut self, now: DateTime<Utc>) -> bool {
        let window = now.timestamp().div_euclid(WINDOW_SECONDS);
        if self.window != window {
            self.window = window;
            self.tries = 0;
        }
        self.tries += 1;
        self.tries <= TRIES_PER_WINDOW
    }
}

impl Verifications {
    /// Checks a code, and spends it.
    pub(crate) fn verify(
        &mut self,
        device: &Device,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<(), AwsError> {
        let history = self.history(device);
        if device.seed.is_none() || !history.may_try(now) {
            return Err(AwsError::unable_to_validate_code());
        }
        let expected = totp::step_at(now);
        let step = (expected - TOLERANCE..=expected + TOLERANCE)
            .filter(|step| !history.used_steps.contains(step))
            .find(|step| device.shows(&[code], *step))
            .ok_or_else(AwsError::invalid_code)?;
        history.used_steps.insert(step);
        Ok(())
    }

    pub(crate) fn is_used(&self, serial: &str, step: i64) -> bool {
        let history = self.histories.get(serial);
        history.is_some_and(|history| history.used_steps.contains(&step))
    }

    fn history(&mut self, device: &Device) -> &mut History {
        self.histories.entry(device.serial.clone()).or_default()
    }
}

#[cfg(test)]
mod tests;
