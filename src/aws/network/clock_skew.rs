//! Warns about a clock of this machine that differs from AWS's.

use crate::core::clock::span;
use chrono::TimeDelta;

/// What to do about a clock that is off.
pub const SET_THE_CLOCK: &str =
    "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL";

/// How far the clock of this machine is off, where AWS's is so far ahead of it.
pub fn off(ahead: TimeDelta) -> String {
    let direction = if ahead < TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    format!("your clock is {} {direction} AWS's", span(ahead.abs()))
}
