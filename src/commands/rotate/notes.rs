//! Reads what a section says about its keys and their rotation, and refuses to write if another program has changed it since.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};

use super::rotation_step::Progress;
use crate::commands::keychain::entry::KeychainEntry;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::error::Failure;
use crate::core::text::masked;
use crate::files::document::Change;
use crate::files::profiles::{File, key};

/// The keys that matter to a rotation. Other programs may change any of them at any time.
const KEYS: [&str; 9] = [
    key::AWS_ACCESS_KEY_ID,
    key::AWS_SECRET_ACCESS_KEY,
    key::CREDENTIAL_PROCESS,
    key::ROTATION_BEGUN,
    key::ROTATION_OF,
    key::NEW_ACCESS_KEY_ID,
    key::NEW_SECRET_ACCESS_KEY,
    key::OLD_ACCESS_KEY_ID,
    key::OLD_SECRET_ACCESS_KEY,
];
/// The keys that contain other access keys next to the current one.
const BESIDE: [&str; 4] = [
    key::NEW_ACCESS_KEY_ID,
    key::NEW_SECRET_ACCESS_KEY,
    key::OLD_ACCESS_KEY_ID,
    key::OLD_SECRET_ACCESS_KEY,
];

/// The lines of a section, at one moment.
pub(super) struct Notes {
    section: String,
    values: [Option<Secret>; KEYS.len()],
}

impl Notes {
    /// Reads them.
    pub(super) fn of(file: &File<'_>, section: &str) -> Self {
        Self {
            section: section.to_owned(),
            values: KEYS.map(|key| file.get(section, key).map(Secret::new)),
        }
    }

    /// The value of one of the lines.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let place = KEYS.iter().position(|other| *other == key)?;
        self.values[place].as_ref().map(Secret::expose)
    }

    /// Updates them after changes are written.
    pub(super) fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes {
            if let Some(place) = KEYS.iter().position(|key| *key == change.key()) {
                self.values[place] = match change {
                    Change::Set(_, value) => Some(Secret::new(&**value)),
                    Change::Remove(_) => None,
                };
            }
        }
    }

    /// The access key ID that is used: that in the section, or that of the entry in a keychain.
    pub(super) fn current(&self) -> Option<String> {
        match self.get(key::AWS_ACCESS_KEY_ID) {
            Some(id) => Some(id.to_owned()),
            None => Some(KeychainEntry::parse(self.get(key::CREDENTIAL_PROCESS)?)?.access_key_id),
        }
    }

    /// How far the rotation is.
    pub(super) fn progress(&self, current: String) -> Progress {
        let begun = self.get(key::ROTATION_BEGUN);
        let begun = begun.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let owned = |key| self.get(key).map(str::to_owned);
        Progress {
            current,
            begun: begun.map(|time| time.with_timezone(&Utc)),
            new: owned(key::NEW_ACCESS_KEY_ID),
            old: owned(key::OLD_ACCESS_KEY_ID),
        }
    }

    /// Whether keys are in the section under any name: both of them, or the ID of an entry in a keychain.
    pub(super) fn have(&self, keys: &LongTermKeys) -> bool {
        let id = Some(&*keys.access_key_id);
        let is_pair = |(of_id, of_secret)| {
            self.get(of_id) == id
                && self
                    .get(of_secret)
                    .is_none_or(|secret| secret == keys.secret_access_key.expose())
        };
        self.current().as_deref() == id && self.get(key::AWS_ACCESS_KEY_ID).is_none()
            || [
                (key::AWS_ACCESS_KEY_ID, key::AWS_SECRET_ACCESS_KEY),
                (key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY),
                (key::OLD_ACCESS_KEY_ID, key::OLD_SECRET_ACCESS_KEY),
            ]
            .into_iter()
            .any(is_pair)
    }

    /// Refuses to continue if the section no longer has the key whose rotation was started, but still contains keys of that rotation:
    /// somebody has put in another key, and the others do not belong to it.
    pub(super) fn check_own(&self, file: &File<'_>) -> Result<()> {
        let holds = self.held().next().is_some();
        match self.get(key::ROTATION_OF) {
            Some(own) if holds && self.current().as_deref() != Some(own) => {
                bail!(self.replaced(own, file))
            }
            None if holds => bail!(self.without_owner(file)),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses to write to a section that has changed.
    pub(super) fn check(&self, file: &File<'_>) -> Result<()> {
        let found = Self::of(file, &self.section);
        let changed: Vec<&str> = KEYS
            .into_iter()
            .filter(|key| self.get(key) != found.get(key))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let expected = self.current().unwrap_or_default();
        if found.current().as_deref() != Some(&*expected) {
            bail!(found.replaced(&expected, file));
        }
        bail!(
            Failure::new(format!(
                "[{}] in {} was changed while its access key {} was being rotated: {}",
                self.section,
                file.path.display(),
                masked(&expected),
                changed.join(", ")
            ))
            .hint("check the section, then run the command again: it continues with what is there")
        )
    }

    /// Refuses to write a new key over another one next to the current one.
    pub(super) fn check_beside(&self, file: &File<'_>) -> Result<()> {
        let found = Self::of(file, &self.section);
        if BESIDE.iter().all(|key| self.get(key) == found.get(key)) {
            return Ok(());
        }
        self.check(file)
    }

    /// The access keys next to the current one.
    fn held(&self) -> impl Iterator<Item = &str> {
        let ids = [key::NEW_ACCESS_KEY_ID, key::OLD_ACCESS_KEY_ID];
        ids.into_iter().filter_map(|key| self.get(key))
    }

    /// There are keys next to the current one, but nothing shows that they are from its rotation: a person may have put them there.
    fn without_owner(&self, file: &File<'_>) -> Failure {
        let held: Vec<String> = self.held().map(masked).collect();
        Failure::new(format!(
            "[{}] in {} contains {} besides its access key, but no record of the rotation",
            self.section,
            file.path.display(),
            held.join(" and ")
        ))
        .hint("if nothing needs those keys, remove the lines that start with `mfa_creds_` in an editor, then run the command again")
    }

    /// The section, which says this, has another key than it should.
    fn replaced(&self, expected: &str, file: &File<'_>) -> Failure {
        let expected = masked(expected);
        let found = self.current().map(|id| masked(&id));
        let what = match &found {
            Some(found) => format!("has access key {found} instead of {expected}"),
            None => format!("no longer has access key {expected}"),
        };
        let failure = Failure::new(format!(
            "[{}] in {} {what}: it was changed during a rotation",
            self.section,
            file.path.display()
        ));
        let held: Vec<String> = self.held().map(masked).collect();
        failure.hint(match found {
            _ if held.is_empty() => "run the command again to rotate the current key".to_owned(),
            None => {
                format!("put {expected} and its secret back, then run the command again: it continues from there")
            }
            Some(found) => format!(
                "to continue with {expected}, put it and its secret back; to keep {found}, remove the lines that start with `mfa_creds_`, \
                 which contain {}; then run the command again",
                held.join(" and ")
            ),
        })
    }
}
