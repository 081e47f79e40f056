//! Defines a one-time code, and the time steps in which a device shows it.

use std::fmt;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

/// AWS accepts codes of six digits.
const DIGITS: usize = 6;

/// How long a device shows a code. See <https://datatracker.ietf.org/doc/html/rfc6238#section-4.1>.
const STEP_SECONDS: i64 = 30;

/// A one-time code. Wiped when dropped, never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct MfaCode(Zeroizing<String>);

/// The text is not six digits.
#[derive(Debug)]
pub struct NotACode;

impl MfaCode {
    /// Six digits; blanks around and between them are ignored.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        if digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(NotACode)
        }
    }

    /// The six digits, for the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MfaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaCode(hidden)")
    }
}

/// The time step that a moment is in, by this machine's clock.
pub fn step(moment: DateTime<Utc>) -> i64 {
    moment.timestamp().div_euclid(STEP_SECONDS)
}

/// When a step starts.
pub fn begin(step: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(step.saturating_mul(STEP_SECONDS), 0).unwrap_or(DateTime::UNIX_EPOCH)
}
