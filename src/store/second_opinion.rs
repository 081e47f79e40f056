//! Another parser reads the file before and after an edit: rust-ini, which shares no code with our own model.
//!
//! Where it reads the old text otherwise than we do (it knows no continuation lines, for example), it has no opinion.

use ini::{Ini, ParseOption};

use super::Edit;
use crate::document::{Change, Document};

/// One section: its name, and its keys and values as written.
type Reading = Vec<(String, Vec<(String, String)>)>;

/// Whether the other parser finds exactly the intended changes.
///
/// # Errors
/// The section where it does not.
pub(super) fn check(old: &str, new: &str, edits: &[Edit<'_>]) -> Result<(), String> {
    let Some(before) = other_reading(old).filter(|reading| *reading == our_reading(old)) else {
        return Ok(());
    };
    let after = other_reading(new).ok_or("its syntax")?;
    let outside = |reading: &Reading| -> Reading {
        let edited = |name: &str| edits.iter().any(|edit| edit.section == name);
        reading
            .iter()
            .filter(|(name, _)| !edited(name))
            .cloned()
            .collect()
    };
    if outside(&before) != outside(&after) {
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
        if section(&after) != intended(section(&before), &edit.changes) {
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
                .map(|property| (property.key.to_ascii_lowercase(), property.raw.to_owned()));
            (section.name().to_owned(), properties.collect())
        })
        .collect()
}
