//! Defines a change of a section for the store.

use crate::files::document::clear;
use crate::files::document::edit;
use crate::files::document::{Change, Uneditable};

/// A change of the file.
#[derive(Clone)]
pub enum Edit<'v> {
    /// Sets or removes keys of one section, each at most once. Creates the section if there is none.
    Section {
        section: String,
        changes: Vec<Change<'v>>,
    },
    /// Removes keys from some sections, and the sections if they become empty.
    Clear {
        sections: Vec<String>,
        changes: Vec<Change<'v>>,
    },
}

impl<'v> Edit<'v> {
    /// Changes of some keys of a section.
    pub fn new(section: impl Into<String>, changes: Vec<Change<'v>>) -> Self {
        Self::Section {
            section: section.into(),
            changes,
        }
    }

    /// The removal of some keys.
    pub fn clear(sections: Vec<String>, keys: &[&'static str]) -> Self {
        Self::Clear {
            sections,
            changes: keys.iter().map(|key| Change::Remove(key)).collect(),
        }
    }

    /// Whether it changes a section of this name.
    pub fn is_of(&self, name: &str) -> bool {
        self.of_sections().any(|(section, _)| section == name)
    }

    /// The changes of each section.
    pub(super) fn of_sections(&self) -> impl Iterator<Item = (&str, &[Change<'v>])> {
        let (sections, changes) = match self {
            Self::Section { section, changes } => (std::slice::from_ref(section), changes),
            Self::Clear { sections, changes } => (&sections[..], changes),
        };
        sections
            .iter()
            .map(move |section| (section.as_str(), &changes[..]))
    }

    /// The text with the changes.
    pub(super) fn apply(&self, text: &str) -> Result<String, Uneditable> {
        match self {
            Self::Section { section, changes } => edit(text, section, changes),
            Self::Clear { sections, changes } => {
                let sections = sections.iter().map(String::as_str).collect();
                clear(text, &sections, changes)
            }
        }
    }
}
