//! Stores the old and the new keys of a section during a rotation: in the section itself, or with their secrets in a keychain.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};

use super::notes::Notes;
use super::rotation_step::Progress;
use crate::commands::keychain::entry::{Keychain, KeychainEntry};
use crate::commands::keychain::{in_flawed_keychain, outside_credentials_file};
use crate::commands::signed_in_user::SignedInUser;
use crate::core::clock;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::text::masked;
use crate::files::document::{Change, Document};
use crate::files::profiles::{self, File, Paths, key};
use crate::files::store::{self, Edit, Store};
use crate::plan::{KeySourceId, Keys, check_sections};
use crate::report::Report;

/// The long-term section whose keys are rotated.
pub(super) struct KeySection<'k> {
    store: &'k Store,
    paths: Paths,
    section: String,
    /// The keychain with the secrets; none if they are in the file.
    keychain: Option<Keychain>,
    environment: &'k Environment,
    /// What the section said when it was last read or written.
    notes: Notes,
}

impl<'k> KeySection<'k> {
    /// The section of a user's keys.
    pub(super) fn of(signed_in: &'k SignedInUser, environment: &'k Environment) -> Result<Self> {
        let key_source = &signed_in.user.key_source;
        let keychain = keychain(signed_in)?;
        if !signed_in.store.is_of(&key_source.id.path) {
            bail!(outside_credentials_file(&key_source.id));
        }
        let paths = Paths::find(environment)?;
        let notes = with_file(&paths.credentials, |file| {
            check_sections(file, &[&key_source.id.section])?;
            let notes = Notes::of(file, &key_source.id.section);
            notes.check_own(file)?;
            Ok(notes)
        })?;
        let kept = Self {
            store: &signed_in.store,
            paths,
            section: key_source.id.section.clone(),
            keychain,
            environment,
            notes,
        };
        kept.check_holds(&signed_in.keys, &key_source.id)?;
        Ok(kept)
    }

    /// Makes sure that the section has the keys that sign, and that the config file does not have them as well.
    fn check_holds(&self, keys: &LongTermKeys, id: &KeySourceId) -> Result<()> {
        let current = self.progress()?.current;
        let secret = self.notes.get(key::AWS_SECRET_ACCESS_KEY);
        if current != keys.access_key_id
            || self.keychain.is_none() && secret != Some(keys.secret_access_key.expose())
        {
            bail!(
                Failure::new(format!("the keys of {id} were changed in the meantime"))
                    .hint("run the command again")
            );
        }
        let in_config = self.in_config(&current)?;
        if let Some(section) = in_config.first() {
            bail!(
                Failure::new(format!("{section} has the same access key {current}")).hint(
                    "remove it there, or move it to the credentials file so that it is rotated too"
                )
            );
        }
        Ok(())
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        format!("[{}]", self.section)
    }

    /// Tries everything that could prevent a new key from being written.
    pub(super) fn check(&self) -> Result<()> {
        let like_it = LongTermKeys {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: Secret::new("secret"),
        };
        self.store
            .check(|_file| Ok(vec![self.edit(self.of_new(&like_it))]))
    }

    /// How far the rotation is. Fails if another program has changed the section.
    pub(super) fn progress(&self) -> Result<Progress> {
        let section = &self.section;
        self.with_file(|file| {
            check_sections(file, &[section])?;
            self.notes.check(file)?;
            let current = match self.keychain {
                None => self.notes.get(key::AWS_ACCESS_KEY_ID).map(str::to_owned),
                Some(_) => id_in_keychain(file, section),
            };
            let Some(current) = current else {
                bail!(
                    Failure::new(format!(
                        "[{section}] in {} has no keys of its own",
                        file.path.display()
                    ))
                    .hint("write the keys to this section; keys inherited from [DEFAULT] cannot be rotated")
                );
            };
            Ok(self.notes.progress(current))
        })
    }

    /// Looks at the credentials file as it is now.
    pub(super) fn with_file<T>(&self, look: impl FnOnce(&File<'_>) -> Result<T>) -> Result<T> {
        with_file(&self.paths.credentials, look)
    }

    /// Notes that a key is about to be requested.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) -> Result<()> {
        let current = self.progress()?.current;
        let now = clock::timestamp(now);
        self.write(&[
            Change::Set(key::ROTATION_BEGUN, Cow::Owned(now)),
            Change::Set(key::ROTATION_OF, Cow::Owned(current)),
        ])
    }

    /// Stores a new key next to the current one, whichever that is by now: it must not be lost.
    ///
    /// # Errors
    /// If it cannot be written. Its secret is then lost.
    pub(super) fn keep_new(&mut self, new: &LongTermKeys) -> Result<()> {
        if let Some(keychain) = self.keychain {
            keychain.put(new)?;
        }
        let mut changes = self.of_new(new);
        // Another program may have written the section as it was before the rotation began.
        let of = self.notes.get(key::ROTATION_OF).map(str::to_owned);
        changes.extend(of.map(|of| Change::Set(key::ROTATION_OF, Cow::Owned(of))));
        let written = self.store.update(|file| {
            self.notes.check_beside(file)?;
            Ok(vec![self.edit(changes.clone())])
        });
        if written.is_err() {
            self.remove_from_keychain(&new.access_key_id, Report::quiet());
        }
        written?;
        self.notes.apply(&changes);
        Ok(())
    }

    /// Restores a key of ours that another program has removed from the section. Says whether that was necessary.
    pub(super) fn rescue(&self, keys: &LongTermKeys) -> Result<bool> {
        let section = &self.section;
        if self.with_file(|file| Ok(Notes::of(file, section).have(keys)))? {
            return Ok(false);
        }
        let mut is_kept_now = false;
        self.store.update(|file| {
            let found = Notes::of(file, &self.section);
            is_kept_now = !found.have(keys);
            if !is_kept_now {
                return Ok(Vec::new());
            }
            if let Some(other) = found.get(key::NEW_ACCESS_KEY_ID) {
                bail!(
                    Failure::new(format!(
                        "the lines that start with `mfa_creds_new_` in [{}] contain {} instead",
                        self.section,
                        masked(other)
                    ))
                    .hint("remove them in an editor, then run the command again")
                );
            }
            let mut changes = self.of_new(keys);
            let mut note = |key, value: Option<&str>| {
                if let Some(value) = value.filter(|_| found.get(key).is_none()) {
                    changes.push(Change::Set(key, Cow::Owned(value.to_owned())));
                }
            };
            note(key::ROTATION_BEGUN, self.notes.get(key::ROTATION_BEGUN));
            note(key::ROTATION_OF, found.current().as_deref());
            Ok(vec![self.edit(changes)])
        })?;
        Ok(is_kept_now)
    }

    /// Stores a copy of a new key outside the file, which other programs write: it is the only copy of the secret. The keychain needs none.
    pub(super) fn keep_copy(&self, keys: &LongTermKeys) -> Result<()> {
        if self.keychain.is_some() {
            return Ok(());
        }
        let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
        let changes = vec![
            set(key::AWS_ACCESS_KEY_ID, &keys.access_key_id),
            set(key::AWS_SECRET_ACCESS_KEY, keys.secret_access_key.expose()),
        ];
        let edit = Edit::new(self.section.clone(), changes);
        self.store
            .rotations()?
            .update(|_file| Ok(vec![edit]))
            .map(drop)
    }

    /// The copy that an earlier run stored.
    pub(super) fn copy(&self) -> Result<Option<LongTermKeys>> {
        let path = self.store.rotations_path();
        if !path.exists() {
            return Ok(None);
        }
        store::check_own(&path)?;
        with_file(&path, |file| {
            let get = |key| file.get(&self.section, key);
            let pair = get(key::AWS_ACCESS_KEY_ID).zip(get(key::AWS_SECRET_ACCESS_KEY));
            Ok(pair.map(|(access_key_id, secret)| LongTermKeys {
                access_key_id,
                secret_access_key: Secret::new(secret),
            }))
        })
    }

    /// Forgets the copy.
    pub(super) fn forget_copy(&self) -> Result<()> {
        if !self.store.rotations_path().exists() {
            return Ok(());
        }
        let keys = [key::AWS_ACCESS_KEY_ID, key::AWS_SECRET_ACCESS_KEY];
        let edit = Edit::clear(vec![self.section.clone()], &keys);
        let rotations = self.store.rotations()?;
        rotations.update(|_file| Ok(vec![edit])).map(drop)
    }

    /// Forgets the new key.
    pub(super) fn forget_new(&mut self, id: &str, report: Report) -> Result<()> {
        let keys = [key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY];
        self.write(&keys.map(Change::Remove))?;
        self.remove_from_keychain(id, report);
        self.forget_copy()
    }

    /// The new key, with its secret.
    pub(super) fn new_keys(&self, id: &str) -> Result<LongTermKeys> {
        self.keys(id, key::NEW_SECRET_ACCESS_KEY)
    }

    /// The current key as the section has it.
    pub(super) fn current_keys(&self, id: &str) -> Result<LongTermKeys> {
        self.keys(id, key::AWS_SECRET_ACCESS_KEY)
    }

    /// Replaces the current key with the new one in every section that has it, and stores the current one next to it.
    pub(super) fn swap(&mut self, new: &LongTermKeys) -> Result<()> {
        let place = self.keychain.map(|keychain| KeychainEntry {
            keychain,
            access_key_id: new.access_key_id.clone(),
        });
        let command = place.map(|place| place.command(self.environment));
        let command = command.transpose()?;
        let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
        let take = match &command {
            Some(command) => vec![set(key::CREDENTIAL_PROCESS, command)],
            None => vec![
                set(key::AWS_ACCESS_KEY_ID, &new.access_key_id),
                set(key::AWS_SECRET_ACCESS_KEY, new.secret_access_key.expose()),
            ],
        };
        let mut changes = take.clone();
        changes.extend([key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY].map(Change::Remove));
        changes.push(set(key::ROTATION_OF, &new.access_key_id));
        let old = self.notes.current().unwrap_or_default();
        changes.push(set(key::OLD_ACCESS_KEY_ID, &old));
        if self.keychain.is_none() {
            let old = self.notes.get(key::AWS_SECRET_ACCESS_KEY);
            changes.push(set(key::OLD_SECRET_ACCESS_KEY, old.unwrap_or_default()));
        }
        self.store.update(|file| {
            let section = &self.section;
            self.notes.check(file)?;
            let same = |name: &&str| *name != section && self.is_same(file, name);
            let others = file.document.names().filter(same);
            let mut edits: Vec<Edit<'_>> =
                others.map(|name| Edit::new(name, take.clone())).collect();
            edits.push(self.edit(changes.clone()));
            Ok(edits)
        })?;
        self.notes.apply(&changes);
        Ok(())
    }

    /// Where else an access key is, for messages.
    pub(super) fn others_with(&self, id: &str) -> Result<Vec<String>> {
        let mut found = self.with_file(|file| Ok(sections_with(file, id)))?;
        found.extend(self.in_config(id)?);
        Ok(found)
    }

    /// Removes what was stored for the rotation.
    pub(super) fn tidy_up(&mut self, old: Option<&str>, report: Report) -> Result<()> {
        let keys = [
            key::OLD_ACCESS_KEY_ID,
            key::OLD_SECRET_ACCESS_KEY,
            key::ROTATION_BEGUN,
            key::ROTATION_OF,
        ];
        let mut changes: Vec<_> = keys.map(Change::Remove).into();
        // A new key that a person made the current one is no longer new.
        if self.notes.get(key::NEW_ACCESS_KEY_ID) == self.notes.current().as_deref() {
            let keys = [key::NEW_ACCESS_KEY_ID, key::NEW_SECRET_ACCESS_KEY];
            changes.extend(keys.map(Change::Remove));
        }
        self.write(&changes)?;
        if let Some(old) = old {
            self.remove_from_keychain(old, report);
        }
        self.forget_copy()
    }

    /// Writes to the section, if it is unchanged.
    fn write(&mut self, changes: &[Change<'static>]) -> Result<()> {
        self.store.update(|file| {
            self.notes.check(file)?;
            Ok(vec![self.edit(changes.to_vec())])
        })?;
        self.notes.apply(changes);
        Ok(())
    }

    fn edit(&self, changes: Vec<Change<'static>>) -> Edit<'static> {
        Edit::new(self.section.clone(), changes)
    }

    fn of_new(&self, new: &LongTermKeys) -> Vec<Change<'static>> {
        let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
        let mut changes = vec![set(key::NEW_ACCESS_KEY_ID, &new.access_key_id)];
        if self.keychain.is_none() {
            let secret = new.secret_access_key.expose();
            changes.push(set(key::NEW_SECRET_ACCESS_KEY, secret));
        }
        changes
    }

    fn keys(&self, id: &str, secret: &'static str) -> Result<LongTermKeys> {
        if let Some(keychain) = self.keychain {
            return keychain.get(id);
        }
        let secret = self.notes.get(secret).with_context(|| {
            format!(
                "the secret of access key {id} is missing from [{}]",
                self.section
            )
        })?;
        Ok(LongTermKeys {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
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
        with_file(&self.paths.config, |file| Ok(sections_with(file, id)))
    }

    fn remove_from_keychain(&self, id: &str, report: Report) {
        if let Some(keychain) = self.keychain
            && let Err(error) = keychain.remove(id)
        {
            let name = keychain.name();
            report.warning_for(
                format_args!("{name} still contains access key {id}"),
                &error,
            );
        }
    }
}

/// The keychain with the keys; none if they are in the file.
fn keychain(signed_in: &SignedInUser) -> Result<Option<Keychain>> {
    let key_source = &signed_in.user.key_source;
    let section = &key_source.id.section;
    let Keys::Process(command) = &key_source.keys else {
        return Ok(None);
    };
    let Some(KeychainEntry { keychain, .. }) = KeychainEntry::parse(&command.value) else {
        bail!(
            Failure::new(format!(
                "a command prints the keys of [{section}]: {}",
                command.origin
            ))
            .hint(
                "rotate them where the command gets them, or store them in the file during the rotation"
            )
        );
    };
    if let Some(flaw) = keychain.flaw() {
        bail!(in_flawed_keychain(keychain, flaw, section, &signed_in.flag));
    }
    Ok(Some(keychain))
}

fn with_file<T>(path: &Path, look: impl FnOnce(&File<'_>) -> Result<T>) -> Result<T> {
    let text = profiles::read(path)?.unwrap_or_default();
    look(&File {
        path,
        document: Document::parse(&text),
    })
}

/// The access key ID that a section gets from a keychain.
fn id_in_keychain(file: &File<'_>, section: &str) -> Option<String> {
    let command = file.get(section, key::CREDENTIAL_PROCESS)?;
    Some(KeychainEntry::parse(&command)?.access_key_id)
}

/// The sections that use an access key, for messages.
fn sections_with(file: &File<'_>, id: &str) -> Vec<String> {
    let has = |name: &&str| {
        file.get(name, key::AWS_ACCESS_KEY_ID).as_deref() == Some(id)
            || file
                .get(name, key::CREDENTIAL_PROCESS)
                .is_some_and(|command| command.contains(id))
    };
    let names = file.document.names().filter(has);
    names
        .map(|name| format!("[{name}] in {}", file.path.display()))
        .collect()
}
