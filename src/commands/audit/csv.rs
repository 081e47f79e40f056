//! Reads and writes comma-separated values (<https://datatracker.ietf.org/doc/html/rfc4180>).

use crate::core::text::plain;

/// The records, each with the number of its first line, counted from 1. Empty lines are skipped.
pub(super) fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut records = Vec::new();
    let mut letters = text.chars().peekable();
    let mut line = 1;
    while letters.peek().is_some() {
        let begin = line;
        let mut fields = Vec::new();
        let mut field = String::new();
        let mut is_quoted = false;
        loop {
            match letters.next() {
                Some('"') if is_quoted => {
                    if letters.next_if_eq(&'"').is_some() {
                        field.push('"');
                    } else {
                        is_quoted = false;
                    }
                }
                Some('"') if field.is_empty() => is_quoted = true,
                Some(',') if !is_quoted => fields.push(std::mem::take(&mut field)),
                Some('\r') if !is_quoted && letters.peek() == Some(&'\n') => {}
                Some('\n') => {
                    line += 1;
                    if !is_quoted {
                        break;
                    }
                    field.push('\n');
                }
                Some(letter) => field.push(letter),
                None => break,
            }
        }
        fields.push(field);
        if fields != [""] {
            records.push((begin, fields));
        }
    }
    records
}

/// A field on one line, in quotes if necessary. What a spreadsheet would run as a formula becomes plain
/// text: an IAM name may start like one, and someone who can create users must not run anything on the auditor's machine.
pub fn field(text: &str) -> String {
    let text = plain(text);
    let text = if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    };
    if text.contains(['"', ',']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
