//! Stands in for `signals` on systems other than Unix, where nothing has to be done.

/// There is no suspending.
pub(super) fn suspend() {}

/// The system does so.
pub fn end_with_us() -> std::io::Result<()> {
    Ok(())
}

/// The system ends the process at once.
pub fn stay_if_ending() {}

/// They end the process.
pub struct Noting;

impl Noting {
    /// Nothing to do.
    pub fn begin() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// No signal came.
    pub fn end(self) {}
}

/// None.
pub(super) fn noted() -> Option<i32> {
    None
}
