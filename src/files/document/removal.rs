//! Removes keys from sections of a text, and sections that become empty.

use std::collections::HashSet;

use super::edit::{Change, Uneditable, check_body, edit_body, line_ending};
use super::line::{LineKind, Lines};

/// A section's place in a text.
struct ClearedLines<'t> {
    name: &'t str,
    /// The number of the header's line, counted from 1.
    line: usize,
    header: usize,
    body: usize,
    /// Whether the header's line has anything else.
    is_bare: bool,
}

/// Makes the changes, which remove keys, in all sections with these names. A section that becomes empty is removed: it has no key left,
/// and no comment except after a blank line, where a comment belongs to the next section.
///
/// # Errors
/// [`Uneditable`]: a section with a malformed line, or with more lines to a value than one.
pub fn clear(
    text: &str,
    sections: &HashSet<&str>,
    changes: &[Change<'_>],
) -> Result<String, Uneditable> {
    let line_end = line_ending(text);
    let places = places(text);
    let mut new = String::with_capacity(text.len());
    new.push_str(&text[..places.first().map_or(text.len(), |place| place.header)]);
    let ends = places[1.min(places.len())..].iter().map(|next| next.header);
    for (place, end) in places.iter().zip(ends.chain([text.len()])) {
        if !sections.contains(place.name) {
            new.push_str(&text[place.header..end]);
            continue;
        }
        let old = &text[place.body..end];
        check_body(Lines::of_body(old, place.line + 1), changes)?;
        let mut body = String::new();
        edit_body(&mut body, old, &text[end..], changes, line_end);
        match of_next(&body).filter(|_| place.is_bare) {
            None => {
                new.push_str(&text[place.header..place.body]);
                new.push_str(&body);
            }
            Some("") if end == text.len() => {
                // With the blank line that sets a new section apart at the end of a file.
                let above = new.strip_suffix(line_end).unwrap_or(&new);
                if above.ends_with('\n') {
                    new.truncate(above.len());
                }
            }
            Some(of_next) => new.push_str(of_next),
        }
    }
    Ok(new)
}

fn places(text: &str) -> Vec<ClearedLines<'_>> {
    let mut lines = Lines::of_file(text);
    let structure = std::iter::from_fn(|| lines.next_of_structure());
    let headers = structure.filter_map(|line| {
        Some(ClearedLines {
            name: line.header?,
            line: line.number,
            header: line.start,
            body: line.end,
            is_bare: text[line.start..line.end]
                .split_once(']')
                .is_some_and(|(_, rest)| rest.trim().is_empty()),
        })
    });
    headers.collect()
}

/// The part of an empty section's body that belongs to the next section; none if the section is not empty.
fn of_next(body: &str) -> Option<&str> {
    let mut is_apart = false;
    let mut next = body.len();
    for (position, line) in Lines::of_body(body, 1) {
        match line.kind {
            LineKind::Blank => is_apart = true,
            LineKind::Comment if is_apart => next = next.min(position),
            _ => return None,
        }
    }
    Some(&body[next..])
}
