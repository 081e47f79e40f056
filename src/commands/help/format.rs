//! The characters of the form that the build script writes guides in, and that `help` reads.

/// Separates the fields of a block.
pub const FIELD: char = '\u{1f}';
/// Begins code in running text.
pub const CODE: char = '\u{1}';
/// Begins strong text.
pub const STRONG: char = '\u{2}';
/// Begins emphasized text.
pub const EMPHASIS: char = '\u{3}';
/// Ends text in one of these styles.
pub const END: char = '\u{4}';
