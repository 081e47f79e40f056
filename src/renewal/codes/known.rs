//! Codes that were sent before, in this run or in an earlier one.

use chrono::{DateTime, Utc};

use super::Source;
use crate::core::clock;
use crate::core::device::SerialNumber;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::{self, MfaCode};
use crate::files::store::Use;
use crate::prompt::person::RetryNotice;

/// A code that was sent: AWS takes each once.
pub(super) struct Sent {
    pub device: SerialNumber,
    pub code: MfaCode,
    pub source: Source,
    /// The time step in which it was sent.
    pub step: i64,
    /// What became of it.
    pub came_to: Use,
}

/// A code that cannot be sent, as it was sent before.
pub(super) struct Known {
    pub came_to: Use,
    pub step: i64,
}

impl Sent {
    pub(super) fn is(&self, device: &SerialNumber, code: &MfaCode) -> bool {
        self.device == *device && self.code == *code
    }
}

impl Known {
    /// Completes "this code …".
    pub(super) fn what(&self) -> &'static str {
        match self.came_to {
            Use::Accepted => "was used already, and AWS takes each once",
            Use::Refused => "was refused already",
            Use::Unserved => "was sent already",
            Use::Lost => "was sent already, and may have been used up",
        }
    }

    /// When the device shows another, where it still shows this one.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let is_shown = self.step == mfa_code::step(clock::of_machine());
        is_shown.then(|| mfa_code::begin(mfa_code::step(clock::now()) + 1))
    }

    pub(super) fn complaint(&self) -> RetryNotice {
        RetryNotice::new(format!("this code {}", self.what())).until(self.next())
    }

    pub(super) fn failure(&self, source: &Source) -> Failure {
        let text = match source {
            Source::Fixed(origin) => format!("the code from {origin} {}", self.what()),
            Source::Command | Source::Person => format!("this code {}", self.what()),
        };
        Failure::new(RetryNotice::new(text).until(self.next()).to_string())
            .hint("run it again with the next code")
            .exit(Exit::Refused)
    }
}
