//! Reads a changed file again before it is written, with our own parser and with rust-ini, which shares no code with it.
//!
//! rust-ini supports neither continuation lines nor indented comments, and interprets a backslash at the end of a line. A file with any
//! of those, or one that rust-ini reads differently from us, gets no second opinion.

use std::collections::HashMap;

use ini::{Ini, ParseOption};
use memchr::memmem;

use super::Edit;
use crate::files::document::{Change, Document};

/// One section: its name, and its keys and values as written.
type Reading = Vec<(String, Vec<(String, String)>)>;

/// Whether both parsers find exactly the intended changes.
pub(super) fn check(old: &str, new: &str, edits: &[Edit<'_>]) -> Result<(), String> {
    let (old, new) = changed_sections(old, new, edits);
    let ours = our_reading(old);
    compare(&ours, &our_reading(new), edits)?;
    let plain = |text| Document::parse(text).is_plain();
    if !plain(old) || !plain(new) {
        return Ok(());
    }
    match other_reading(old) {
        Some(before) if before == ours => {
            let after = other_reading(new).ok_or("its syntax is invalid")?;
            compare(&before, &after, edits)
        }
        _ => Ok(()),
    }
}

/// Both texts without the sections that are byte for byte the same in both, before the first difference and after the last one: every
/// parser reads those alike in both. With all sections if one of those has the name of a section that is changed.
fn changed_sections<'t>(old: &'t str, new: &'t str, edits: &[Edit<'_>]) -> (&'t str, &'t str) {
    let (start, end) = same_sections(old.as_bytes(), new.as_bytes());
    let (head, rest) = old.split_at(start);
    let tail = &rest[rest.len() - end..];
    let changes = |name: &str| {
        let mut sections = edits.iter().flat_map(Edit::of_sections);
        sections.any(|(section, _)| section == name)
    };
    let is_changed = |text| Document::parse(text).names().any(changes);
    if is_changed(head) || is_changed(tail) {
        return (old, new);
    }
    (&old[start..old.len() - end], &new[start..new.len() - end])
}

/// How many bytes at the start and at the end are whole sections that are the same in both texts. All that is left out ends before a
/// header at the left margin, or starts with one: no parser reads it as part of what is above.
fn same_sections(old: &[u8], new: &[u8]) -> (usize, usize) {
    let same = same_at_start(old, new);
    let start = memmem::rfind(&old[..same], HEADER).map_or(0, |at| at + 1);
    let (old, new) = (&old[start..], &new[start..]);
    let same = same_at_end(old, new);
    let tail = &old[old.len() - same..];
    let end = memmem::find(tail, HEADER).map_or(0, |at| tail.len() - at - 1);
    (start, end)
}

/// A line ending and the start of a header.
const HEADER: &[u8] = b"\n[";

fn same_at_start(old: &[u8], new: &[u8]) -> usize {
    let ((old, _), (new, _)) = (old.as_chunks::<8>(), new.as_chunks::<8>());
    8 * old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count()
}

fn same_at_end(old: &[u8], new: &[u8]) -> usize {
    let ((_, old), (_, new)) = (old.as_rchunks::<8>(), new.as_rchunks::<8>());
    let pairs = old.iter().rev().zip(new.iter().rev());
    8 * pairs.take_while(|(old, new)| old == new).count()
}

fn compare(before: &Reading, after: &Reading, edits: &[Edit<'_>]) -> Result<(), String> {
    let mut changes: HashMap<&str, &[Change<'_>]> = HashMap::new();
    for edit in edits {
        changes.extend(edit.of_sections());
    }
    let outside = |reading: &'_ Reading| -> Reading {
        let others = reading
            .iter()
            .filter(|(name, _)| !changes.contains_key(name.as_str()));
        others.cloned().collect()
    };
    if outside(before) != outside(after) {
        return Err("another section differs".to_owned());
    }
    let (mut before, mut after) = (by_name(before, &changes), by_name(after, &changes));
    for (section, changes) in changes {
        let before = before.remove(section).unwrap_or_default();
        if after.remove(section).unwrap_or_default() != intended(before, changes) {
            return Err(format!("[{section}] differs"));
        }
    }
    Ok(())
}

/// The keys and values of the sections that are changed.
fn by_name<'r>(
    reading: &'r Reading,
    changes: &HashMap<&str, &[Change<'_>]>,
) -> HashMap<&'r str, Vec<(String, String)>> {
    let mut sections: HashMap<&str, Vec<(String, String)>> = HashMap::new();
    for (name, properties) in reading {
        if changes.contains_key(name.as_str()) {
            let section = sections.entry(name).or_default();
            section.extend(properties.iter().cloned());
        }
    }
    sections
}

fn intended(
    mut properties: Vec<(String, String)>,
    changes: &[Change<'_>],
) -> Vec<(String, String)> {
    for change in changes {
        match change {
            Change::Set(key, value) => {
                let wanted = value.to_string();
                match properties.iter_mut().find(|(name, _)| name == key) {
                    Some((_, old)) => *old = wanted,
                    None => properties.push(((*key).to_owned(), wanted)),
                }
            }
            Change::Remove(key) => properties.retain(|(name, _)| name != key),
        }
    }
    properties
}

fn other_reading(text: &str) -> Option<Reading> {
    let options = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        ..ParseOption::default()
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ini = Ini::load_from_str_opt(text, options).ok()?;
    let reading = ini
        .iter()
        .filter(|(name, properties)| name.is_some() || !properties.is_empty());
    Some(
        reading
            .map(|(name, properties)| {
                let properties = properties
                    .iter()
                    .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()));
                (name.unwrap_or_default().to_owned(), properties.collect())
            })
            .collect(),
    )
}

fn our_reading(text: &str) -> Reading {
    Document::parse(text)
        .all()
        .map(|section| {
            let properties = section.properties();
            let properties = properties
                .iter()
                .map(|property| (property.key.to_ascii_lowercase(), property.raw_value()));
            (section.name().to_owned(), properties.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{changed_sections, check};
    use crate::files::document::Change;
    use crate::files::store::Edit;

    fn edits() -> Vec<Edit<'static>> {
        let changes = vec![Change::Set("k", Cow::Borrowed("v")), Change::Remove("x")];
        vec![Edit::new("p", changes)]
    }

    #[test]
    fn what_was_intended_passes() {
        for old in [
            "",
            "[p]\nk = 1\nx = 2\n[q]\ny = 3\n",
            "[q]\n  # indented comment\ny = 3\n[p]\n",
            "[q]\ny = c:\\new\\",
            "[q]\ns3 =\n  n = 1\n",
            "[p]\n  k = 1 # note\n",
            "[q]\nnonsense\n",
        ] {
            let edits = edits();
            let new = edits[0].apply(old).unwrap();
            assert_eq!(check(old, &new, &edits), Ok(()), "{old:?}");
        }
    }

    #[test]
    fn only_sections_that_differ_are_read_again() {
        let same = "[a]\nk = 1\n\n[b]\nlonger = 1\n\n";
        let last = "[y]\nlonger = 1\n\n[z]\nk = 1\n";
        let old = format!("{same}[p]\nk = 1\nx = 2\n{last}");
        let new = edits()[0].apply(&old).unwrap();
        let (cut, cut_new) = changed_sections(&old, &new, &edits());
        assert_eq!(cut, "[p]\nk = 1\nx = 2\n[y]\nlonger = 1\n\n");
        assert_eq!(cut_new, "[p]\nk = v\n[y]\nlonger = 1\n\n");
        // A second section of the name can matter.
        let twice = format!("[p]\nk = 1\n{old}");
        let new = edits()[0].apply(&twice).unwrap();
        assert_eq!(changed_sections(&twice, &new, &edits()), (&*twice, &*new));
        // One that is new, at the end.
        let new = edits()[0].apply(same).unwrap();
        let cut = ("[b]\nlonger = 1\n\n", "[b]\nlonger = 1\n\n[p]\nk = v\n");
        assert_eq!(changed_sections(same, &new, &edits()), cut);
        assert_eq!(changed_sections("", "[p]\n", &edits()), ("", "[p]\n"));
    }

    #[test]
    fn anything_else_does_not() {
        let old = "[p]\nk = 1\nx = 2\n[q]\ny = 3\n";
        for new in [
            "[p]\nk = w\n[q]\ny = 3\n",
            "[p]\nk = v\nx = 2\n[q]\ny = 3\n",
            "[p]\nk = v\n[q]\ny = 4\n",
            "[p]\nk = v\n",
            "[p]\nk = v\n[q]\ny = 3\n[r]\n",
            "[p]\nk = v\nz = 1\n[q]\ny = 3\n",
        ] {
            assert!(check(old, new, &edits()).is_err(), "{new:?}");
        }
    }
}
