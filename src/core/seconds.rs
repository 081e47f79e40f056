//! Reads durations as people write them, in seconds.

use std::time::Duration;

/// Reads a whole number of seconds, or a duration like `12h`, `1h30m`.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| humantime::parse_duration(text).map(|duration: Duration| duration.as_secs()))
        .map_err(|_| "write seconds like `43200`, or a duration like `12h` or `1h30m`".to_owned())
}
