//! The verification of one-time codes: which were used, and how often a device was tried.
//!
//! Codes are good two steps either way, and once each. A used code does not invalidate older ones.
//! A device may be tried nine times in a window of three minutes, good tries counted. Measured on
//! AWS: radkawar/stackd, docs/iam-mfa.md.
//!
//! To enable or resynchronise a device takes two codes, one directly after the other, and newer
//! than those of the time before.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::device::Device;
use crate::errors::AwsError;
use crate::totp;

/// How many steps a code may be early or late.
pub(crate) const TOLERANCE: i64 = 2;
/// How many steps the codes may be early or late that resynchronise a device.
const RESYNC_TOLERANCE: i64 = 20;
const WINDOW_SECONDS: i64 = 180;
const TRIES_PER_WINDOW: u32 = 9;

/// What happened to the devices so far, by serial number.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    histories: HashMap<String, History>,
    /// How often a device that was just enabled is unknown to STS.
    pub(crate) seen_after: usize,
}

#[derive(Debug, Default)]
struct History {
    used_steps: BTreeSet<i64>,
    window: i64,
    tries: u32,
    /// How many steps the device was found to be ahead.
    drift: i64,
    /// The newest step that enabled or resynchronised the device.
    synchronised: Option<i64>,
    /// How often the device will be unknown.
    unseen: usize,
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

    /// Spends two codes, and says the step of the second.
    fn synchronise(
        &mut self,
        device: &Device,
        codes: [&str; 2],
        tolerance: i64,
        now: DateTime<Utc>,
    ) -> Result<i64, AwsError> {
        if !self.may_try(now) {
            return Err(AwsError::invalid_authentication_code());
        }
        let expected = totp::step_at(now) + self.drift;
        let first = (expected - tolerance..expected + tolerance)
            .filter(|step| self.synchronised.is_none_or(|last| last < *step))
            .find(|step| device.shows(&codes, *step))
            .ok_or_else(AwsError::invalid_authentication_code)?;
        self.used_steps.extend([first, first + 1]);
        self.synchronised = Some(first + 1);
        Ok(first + 1)
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
        if history.unseen > 0 {
            history.unseen -= 1;
            return Err(AwsError::unable_to_validate_code());
        }
        if device.seed.is_none() || !history.may_try(now) {
            return Err(AwsError::unable_to_validate_code());
        }
        let expected = totp::step_at(now) + history.drift;
        let step = (expected - TOLERANCE..=expected + TOLERANCE)
            .filter(|step| !history.used_steps.contains(step))
            .find(|step| device.shows(&[code], *step))
            .ok_or_else(AwsError::invalid_code)?;
        history.used_steps.insert(step);
        Ok(())
    }

    /// Checks the codes that enable a device, and spends them.
    pub(crate) fn enable(
        &mut self,
        device: &Device,
        codes: [&str; 2],
        now: DateTime<Utc>,
    ) -> Result<(), AwsError> {
        let unseen = self.seen_after;
        let history = self.history(device);
        history.synchronise(device, codes, TOLERANCE, now)?;
        history.unseen = unseen;
        Ok(())
    }

    /// Checks the codes that resynchronise a device, and takes the second for the present one.
    pub(crate) fn resync(
        &mut self,
        device: &Device,
        codes: [&str; 2],
        now: DateTime<Utc>,
    ) -> Result<(), AwsError> {
        let history = self.history(device);
        let step = history.synchronise(device, codes, RESYNC_TOLERANCE, now)?;
        history.drift = step - totp::step_at(now);
        Ok(())
    }

    /// Forgets a device that was deleted, but not how often its serial number was tried.
    pub(crate) fn forget(&mut self, serial: &str) {
        if let Some(history) = self.histories.get_mut(serial) {
            *history = History {
                window: history.window,
                tries: history.tries,
                ..History::default()
            };
        }
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
