//! A changed file is read again before it is written: by our own model, and by another parser, rust-ini, which shares no
//! code with it.
//!
//! rust-ini knows neither continuation lines nor indented comments, and takes a backslash at the end of a line for more than
//! it is. A file with any of those it has no opinion of, nor one that it reads otherwise than we do.

use ini::{Ini, ParseOption};

use super::Edit;
use crate::document::{Change, Document};

/// One section: its name, and its keys and values as written.
type Reading = Vec<(String, Vec<(String, String)>)>;

/// Whether a second reading finds exactly the intended changes.
///
/// # Errors
/// Where it does not.
pub(super) fn check(old: &str, new: &str, edits: &[Edit<'_>]) -> Result<(), String> {
    let ours = our_reading(old);
    compare(&ours, &our_reading(new), edits)?;
    let plain = |text| Document::parse(text).is_plain();
    if !plain(old) || !plain(new) {
        return Ok(());
    }
    match other_reading(old) {
        Some(before) if before == ours => {
            let after = other_reading(new).ok_or("its syntax")?;
            compare(&before, &after, edits)
        }
        _ => Ok(()),
    }
}

fn compare(before: &Reading, after: &Reading, edits: &[Edit<'_>]) -> Result<(), String> {
    let outside = |reading: &Reading| -> Reading {
        let edited = |name: &str| edits.iter().any(|edit| edit.section == name);
        reading
            .iter()
            .filter(|(name, _)| !edited(name))
            .cloned()
            .collect()
    };
    if outside(before) != outside(after) {
        return Err("a section that was not to be changed".to_owned());
    }
    for edit in edits {
        let section = |reading: &Reading| -> Vec<(String, String)> {
            reading
                .iter()
                .filter(|(name, _)| *name == edit.section)
                .flat_map(|(_, properties)| properties.clone())
                .collect()
        };
        if section(after) != intended(section(before), &edit.changes) {
            return Err(format!("[{}]", edit.section));
        }
    }
    Ok(())
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

    use super::check;
    use crate::document::{Change, edit};
    use crate::store::Edit;

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
            let new = edit(old, "p", &edits[0].changes).unwrap();
            assert_eq!(check(old, &new, &edits), Ok(()), "{old:?}");
        }
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
