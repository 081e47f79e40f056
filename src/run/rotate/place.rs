//! Where the keys of a section are kept while they are rotated: in the section itself, or their secrets in a keychain.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};

use super::super::ready::Ready;
use crate::cli::Keychain;
use crate::credentials::{LongTermKeys, Secret};
use crate::document::{Change, Document};
use crate::environment::Environment;
use crate::error::Failure;
use crate::keychain::Place;
use crate::plan::{Keys, check_sections};
use crate::profiles::{self, File, Paths, key};
use crate::report::Report;
use crate::rotation::Progress;
use crate::store::{Edit, Store};

/// The long-term section whose keys are rotated.
pub(super) struct Kept<'k> {
    store: &'k Store,
    paths: Paths,
    section: String,
    /// Where the secrets are; none where they are in the file.
    keychain: Option<Keychain>,
    environment: &'k Environment,
}

impl<'k> Kept<'k> {
    /// The section of a user's keys.
    ///
    /// # Errors
    /// When its keys cannot be written.
    pub(super) fn of(ready: &'k Ready, environment: &'k Environment) -> Result<Self> {
        let base = &ready.user.base;
        let keychain = match &base.keys {
            Keys::Stored(_) => None,
            Keys::Process(command) => match Place::parse(&command.value) {
                Some(place) => Some(place.keychain),
                None => bail!(
                    Failure::new(format!(
                        "a command prints the keys of [{}]: {}",
                        base.section, command.origin
                    ))
                    .hint("rotate them where it has them from, or let them stand in the file for the while")
                ),
            },
        };
        if !ready.store.is_of(&base.path) {
            bail!(
                Failure::new(format!("{} is not in the credentials file", base.place()))
                    .hint("move its keys to a section of the credentials file first")
            );
        }
        let kept = Self {
            store: &ready.store,
            paths: Paths::find(environment)?,
            section: base.section.clone(),
            keychain,
            environment,
        };
        let current = kept.progress()?.current;
        if current != ready.keys.access_key_id {
            bail!(
                Failure::new(format!(
                    "the keys of {} were changed meanwhile",
                    base.place()
                ))
                .hint("run this again")
            );
        }
        let in_config = kept.in_config(&current)?;
        if let Some(section) = in_config.first() {
            bail!(
                Failure::new(format!("{section} has the same access key {current}"))
                    .hint("take it out there, or move it to the credentials file, so that it is rotated, too")
            );
        }
        Ok(kept)
    }

    /// Tries all that could keep a new key from being written.
    ///
    /// # Errors
    /// What is in the way.
    pub(super) fn check(&self) -> Result<()> {
        let like_it = LongTermKeys {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: Secret::new("secret"),
        };
        self.store.check(|_file| Ok(vec![self.of_new(&like_it)]))
    }

    /// What the section says.
    ///
    /// # Errors
    /// When it cannot be read in one way only, or has no keys of its own.
    pub(super) fn progress(&self) -> Result<Progress> {
        let section = &self.section;
        self.with_file(|file| {
            check_sections(file, &[section])?;
            let get = |key| file.get(section, key);
            let current = match self.keychain {
                None => get(key::AWS_ACCESS_KEY_ID),
                Some(_) => id_in_keychain(file, section),
            };
            let Some(current) = current else {
                bail!(
                    Failure::new(format!(
                        "[{section}] in {} has no keys of its own",
                        file.path.display()
                    ))
                    .hint("write them into it; those that are inherited from [DEFAULT] cannot be rotated")
                );
            };
            let begun = get(key::ROTATION_BEGUN);
            let begun = begun.and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
            Ok(Progress {
                current,
                begun: begun.map(|time| time.to_utc()),
                new: get(key::NEW_ACCESS_KEY_ID),
                old: get(key::OLD_ACCESS_KEY_ID),
            })
        })
    }

    /// Looks at the credentials file as it is now.
    ///
    /// # Errors
    /// When it cannot be read, and what `look` says.
    pub(super) fn with_file<T>(&self, look: impl FnOnce(&File<'_>) -> Result<T>) -> Result<T> {
        let path = &self.paths.credentials;
        let text = profiles::read(path)?.unwrap_or_default();
        look(&File {
            path,
            document: Document::parse(&text),
        })
    }

    /// Notes that a key will be asked for.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn begin(&self, now: DateTime<Utc>) -> Result<()> {
        let now = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let begun = Change::Set(key::ROTATION_BEGUN, Cow::Owned(now));
        self.write(vec![begun])
    }

    /// Keeps a new key beside the current one.
    ///
    /// # Errors
    /// When it cannot be written. Nobody has it then.
    pub(super) fn keep_new(&self, new: &LongTermKeys) -> Result<()> {
        if let Some(keychain) = self.keychain {
            keychain.put(new)?;
        }
        let written = self.store.update(|_file| Ok(vec![self.of_new(new)]));
        if written.is_err() {
            self.remove_from_keychain(&new.access_key_id, Report::quiet());
        }
        written.map(|_| ())
    }

    /// Forgets the new key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn forget_new(&self, id: &str, report: Report) -> Result<()> {
        let keys = [key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY];
        self.write(keys.map(Change::Remove).into())?;
        self.remove_from_keychain(id, report);
        Ok(())
    }

    /// The new key, with its secret.
    ///
    /// # Errors
    /// When that is not there any more.
    pub(super) fn new_keys(&self, id: &str) -> Result<LongTermKeys> {
        self.keys(id, key::NEW_SECRET_ACCESS_KEY)
    }

    /// The current key as the section has it.
    ///
    /// # Errors
    /// When its secret is not there.
    pub(super) fn current_keys(&self, id: &str) -> Result<LongTermKeys> {
        self.keys(id, key::AWS_SECRET_ACCESS_KEY)
    }

    /// Lets the new key take the place of the current one, in every section that has it; that one is kept beside it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn swap(&self, new: &LongTermKeys) -> Result<()> {
        let place = self.keychain.map(|keychain| Place {
            keychain,
            access_key_id: new.access_key_id.clone(),
        });
        let command = place.map(|place| place.command(self.environment));
        let command = command.transpose()?;
        let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
        self.store.update(|file| {
            let section = &self.section;
            let get = |key| file.get(section, key).unwrap_or_default();
            let (take, old_pair) = if let Some(command) = &command {
                let old = id_in_keychain(file, section).unwrap_or_default();
                (
                    vec![set(key::CREDENTIAL_PROCESS, command)],
                    vec![set(key::OLD_ACCESS_KEY_ID, &old)],
                )
            } else {
                let secret = new.secret_access_key.expose();
                (
                    vec![
                        set(key::AWS_ACCESS_KEY_ID, &new.access_key_id),
                        set(key::AWS_SECRET_ACCESS_KEY, secret),
                    ],
                    vec![
                        set(key::OLD_ACCESS_KEY_ID, &get(key::AWS_ACCESS_KEY_ID)),
                        set(key::OLD_SECRET_ACCESS_KEY, &get(key::AWS_SECRET_ACCESS_KEY)),
                    ],
                )
            };
            let same = |name: &&str| *name != section && self.is_same(file, name);
            let others = file.document.names().filter(same);
            let mut edits: Vec<Edit<'_>> =
                others.map(|name| Edit::new(name, take.clone())).collect();
            let mut changes = take.clone();
            changes
                .extend([key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY].map(Change::Remove));
            changes.extend(old_pair);
            edits.push(Edit::new(section.clone(), changes));
            Ok(edits)
        })?;
        Ok(())
    }

    /// Where else an access key is, for messages.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn others_with(&self, id: &str) -> Result<Vec<String>> {
        let mut found = self.with_file(|file| Ok(sections_with(file, id)))?;
        found.extend(self.in_config(id)?);
        Ok(found)
    }

    /// Removes what was kept for the rotation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn tidy_up(&self, old: Option<&str>, report: Report) -> Result<()> {
        let keys = [
            key::OLD_ACCESS_KEY_ID,
            key::OLD_SECRET_ACCESS_KEY,
            key::ROTATION_BEGUN,
        ];
        self.write(keys.map(Change::Remove).into())?;
        if let Some(old) = old {
            self.remove_from_keychain(old, report);
        }
        Ok(())
    }

    fn write(&self, changes: Vec<Change<'_>>) -> Result<()> {
        let edit = Edit::new(self.section.clone(), changes);
        self.store.update(|_file| Ok(vec![edit]))?;
        Ok(())
    }

    fn of_new(&self, new: &LongTermKeys) -> Edit<'static> {
        let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
        let mut changes = vec![set(key::NEW_ACCESS_KEY_ID, &new.access_key_id)];
        if self.keychain.is_none() {
            let secret = new.secret_access_key.expose();
            changes.push(set(key::NEW_SECRET_ACCESS_KEY, secret));
        }
        Edit::new(self.section.clone(), changes)
    }

    fn keys(&self, id: &str, secret: &'static str) -> Result<LongTermKeys> {
        if let Some(keychain) = self.keychain {
            return keychain.get(id);
        }
        self.with_file(|file| {
            let secret = file.get(&self.section, secret).with_context(|| {
                format!(
                    "the secret of access key {id} has gone from [{}]",
                    self.section
                )
            })?;
            Ok(LongTermKeys {
                access_key_id: id.to_owned(),
                secret_access_key: Secret::new(secret),
            })
        })
    }

    /// Whether another section has the same keys as ours, from the same place.
    fn is_same(&self, file: &File<'_>, name: &str) -> bool {
        let both = |key| {
            let ours = file.get(&self.section, key);
            ours.is_some() && ours == file.get(name, key)
        };
        if self.keychain.is_none() {
            return both(key::AWS_ACCESS_KEY_ID) && both(key::AWS_SECRET_ACCESS_KEY);
        }
        let ours = id_in_keychain(file, &self.section);
        ours.is_some() && ours == id_in_keychain(file, name)
    }

    fn in_config(&self, id: &str) -> Result<Vec<String>> {
        let path = &self.paths.config;
        let text = profiles::read(path)?.unwrap_or_default();
        Ok(sections_with(
            &File {
                path,
                document: Document::parse(&text),
            },
            id,
        ))
    }

    fn remove_from_keychain(&self, id: &str, report: Report) {
        if let Some(keychain) = self.keychain
            && let Err(error) = keychain.remove(id)
        {
            report.warning(format_args!(
                "{} keeps access key {id}: {error}",
                keychain.name()
            ));
        }
    }
}

/// The access key id that a section gets from a keychain.
fn id_in_keychain(file: &File<'_>, section: &str) -> Option<String> {
    let command = file.get(section, key::CREDENTIAL_PROCESS)?;
    Some(Place::parse(&command)?.access_key_id)
}

/// The sections that use an access key, for messages.
fn sections_with(file: &File<'_>, id: &str) -> Vec<String> {
    let has = |name: &&str| {
        file.get(name, key::AWS_ACCESS_KEY_ID).as_deref() == Some(id)
            || id_in_keychain(file, name).as_deref() == Some(id)
    };
    let names = file.document.names().filter(has);
    names
        .map(|name| format!("[{name}] in {}", file.path.display()))
        .collect()
}
