//! Remembers codes that were sent before, in this run or in an earlier one.

use chrono::{DateTime, Utc};

use super::CodeSource;
use crate::core::clock;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::{self, MfaCode};
use crate::core::mfa_device::SerialNumber;
use crate::files::store::CodeFate;
use crate::prompt::person::RetryNotice;

/// A code that was sent: AWS accepts each code only once.
pub(super) struct Sent {
    pub device: SerialNumber,
    pub code: MfaCode,
    pub source: CodeSource,
    /// The time step in which it was sent.
    pub step: i64,
    /// What became of it.
    pub came_to: CodeFate,
}

/// A code that cannot be sent, because it was sent before.
pub(super) struct KnownCode {
    pub came_to: CodeFate,
    pub step: i64,
}

impl Sent {
    pub(super) fn is(&self, device: &SerialNumber, code: &MfaCode) -> bool {
        self.device == *device && self.code == *code
    }
}

impl KnownCode {
    /// Completes "this code …".
    pub(super) fn what(&self) -> &'static str {
        match self.came_to {
            CodeFate::Accepted => "was already used, and AWS accepts each code only once",
            CodeFate::Refused => "was already refused",
            CodeFate::NotConsumed => "was already sent",
            CodeFate::Unknown => "was already sent, and may be used up",
        }
    }

    /// When the device shows another code, if it still shows this one.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let is_shown = self.step == mfa_code::step(clock::of_machine());
        is_shown.then(|| mfa_code::begin(mfa_code::step(clock::now()) + 1))
    }

    pub(super) fn retry_notice(&self) -> RetryNotice {
        RetryNotice::new(format!("this code {}", self.what())).until(self.next())
    }

    pub(super) fn failure(&self, source: &CodeSource) -> Failure {
        let text = match source {
            CodeSource::Fixed(origin) => format!("the code from {origin} {}", self.what()),
            CodeSource::Command | CodeSource::Person => format!("this code {}", self.what()),
        };
        Failure::new(RetryNotice::new(text).until(self.next()).to_string())
            .hint("run the command again with the next code")
            .exit(Exit::Refused)
    }
}
