//! Warns if this machine's clock differs from that of AWS.

use crate::core::clock::span;
use chrono::TimeDelta;

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
