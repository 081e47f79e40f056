//! Where signals are not those of Unix.

/// The system ends the process by itself.
pub(super) fn die() {}

/// The system does so.
pub(super) fn restore() {}

/// There is no suspending.
pub(super) fn let_suspend() {}
