//! The verification of one-time codes: which were used, and how often a device was tried.
//!
//! Codes are good two steps either way, and once each. A used code does not invalidate older ones.
//! A device may be tried nine times in a window of three minutes, good tries counted. Measured on
//! AWS: radkawar/stackd, docs/iam-mfa.md.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::account::Device;
use crate::errors::AwsError;
use crate::totp;

/// How many steps a code may be early or late.
pub(crate) const TOLERANCE: i64 = 2;
const WINDOW_SECONDS: i64 = 180;
const TRIES_PER_WINDOW: u32 = 9;

/// What happened to the devices so far, by serial number.
#[derive(Debug, Default)]
pub(crate) struct Verifications(HashMap<String, History>);

#[derive(Debug, Default)]
struct History {
    used_steps: BTreeSet<i64>,
    window: i64,
    tries: u32,
}

impl Verifications {
    /// Checks a code, and spends it.
    pub(crate) fn verify(
        &mut self,
        device: &Device,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<(), AwsError> {
        let history = self.0.entry(device.serial.clone()).or_default();
        let window = now.timestamp().div_euclid(WINDOW_SECONDS);
        if history.window != window {
            history.window = window;
            history.tries = 0;
        }
        history.tries += 1;
        if history.tries > TRIES_PER_WINDOW {
            return Err(AwsError::unable_to_validate_code());
        }
        let now = totp::step_at(now);
        let step = (now - TOLERANCE..=now + TOLERANCE)
            .filter(|step| !history.used_steps.contains(step))
            .find(|step| totp::code(&device.seed, *step) == code)
            .ok_or_else(AwsError::invalid_code)?;
        history.used_steps.insert(step);
        Ok(())
    }

    pub(crate) fn is_used(&self, serial: &str, step: i64) -> bool {
        let history = self.0.get(serial);
        history.is_some_and(|history| history.used_steps.contains(&step))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// The begin of a three-minute window, and so of a step.
    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn code(device: &Device, offset: i64) -> String {
        totp::code(&device.seed, totp::step_at(noon()) + offset)
    }

    #[test]
    fn codes_are_good_two_steps_either_way() {
        let device = Device::new("GAHT12345678");
        for (offset, good) in [
            (-3, false),
            (-2, true),
            (-1, true),
            (0, true),
            (1, true),
            (2, true),
            (3, false),
        ] {
            let mut verifications = Verifications::default();
            let result = verifications.verify(&device, &code(&device, offset), noon());
            assert_eq!(result.is_ok(), good, "{offset}");
        }
    }

    #[test]
    fn a_code_works_once_and_leaves_the_others_alone() {
        let device = Device::new("GAHT12345678");
        let mut verifications = Verifications::default();
        for (offset, good) in [(0, true), (0, false), (-1, true), (1, true), (-1, false)] {
            let result = verifications.verify(&device, &code(&device, offset), noon());
            let expected = if good {
                Ok(())
            } else {
                Err(AwsError::invalid_code())
            };
            assert_eq!(result, expected, "{offset}");
        }
    }

    #[test]
    fn the_tenth_try_in_three_minutes_locks_the_device_out() {
        let (device, other) = (Device::new("GAHT12345678"), Device::new("GAHT87654321"));
        let mut verifications = Verifications::default();
        verifications
            .verify(&device, &code(&device, 0), noon())
            .unwrap();
        for _ in 0..8 {
            let result = verifications.verify(&device, "wrong", noon());
            assert_eq!(result, Err(AwsError::invalid_code()));
        }
        let late = noon() + TimeDelta::seconds(59);
        for _ in 0..2 {
            let result = verifications.verify(&device, &code(&device, 1), late);
            assert_eq!(result, Err(AwsError::unable_to_validate_code()));
        }
        verifications
            .verify(&other, &code(&other, 0), noon())
            .unwrap();

        let next_window = noon() + TimeDelta::minutes(3);
        let result = verifications.verify(&device, &code(&device, 6), next_window);
        assert_eq!(result, Ok(()));
    }
}
