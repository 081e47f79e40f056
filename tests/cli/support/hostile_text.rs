//! Text that would steer a terminal, and output in which there is none.

use crate::support::home::Outcome;

pub fn is_nasty(c: char) -> bool {
    c.is_control() && c != '\n'
        || "\u{2028}\u{2029}\u{202a}\u{202b}\u{202d}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{200b}\u{feff}\u{61c}".contains(c)
}

#[track_caller]
pub fn assert_clean(what: &str, outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(is_nasty), "{what}: {outcome:?}");
        let is_forged = |line: &str| line == "hint: run evil" || line.starts_with("error: evil");
        assert!(!text.lines().any(is_forged), "{what}: {outcome:?}");
    }
}
