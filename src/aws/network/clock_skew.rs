//! Warns if this machine's clock differs from that of AWS.

use crate::core::clock::span;
use chrono::TimeDelta;

/// How to fix a wrong clock.
pub const SET_THE_CLOCK: &str =
    "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL";

/// How far this machine's clock is off, if AWS's clock is this far ahead of it.
pub fn off(ahead: TimeDelta) -> String {
    let direction = if ahead < TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    format!(
        "this machine's clock is {} {direction} AWS's",
        span(ahead.abs())
    )
}
