//! Reads and writes entries of the system keychain, where long-term keys are not in clear text.
//!
//! An entry is named after the access key ID, and contains what AWS tools read from a `credential_process`: any program that prints
//! entries can pass it to them. The section gets a line that runs this tool to print it.

#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
mod native;

use std::borrow::Cow;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::core::form::{Form, misfit};

/// The keychains of this system.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Keychain {
    /// The desktop's: GNOME Keyring, KWallet, or KeePassXC
    #[cfg(all(unix, not(target_os = "macos")))]
    #[default]
    SecretService,
    /// The kernel's, only to read what earlier versions stored: it is lost at a restart, and hidden from other sessions
    #[cfg(target_os = "linux")]
    #[value(hide = true)]
    Keyutils,
    /// The login keychain
    #[cfg(target_os = "macos")]
    #[default]
    Macos,
    /// The one of the control panel
    #[cfg(windows)]
    #[default]
    CredentialManager,
}

/// The service name of our entries in the keychain.
const SERVICE: &str = "mfa-creds";
/// The arguments of the command in a section, without the ID.
const GET: &str = "keychain get";
/// The flag in lines of earlier versions that names the keychain.
const STORE: &str = "--store";

/// The hint if an entry is not what it should be.
const CHECK_ENTRY: &str = "check the entry in the keychain app";

/// More than keys take, in bytes.
const CAPACITY: usize = 1024;

/// An entry: what AWS tools expect from a `credential_process`.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    version: u8,
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    secret_access_key: Cow<'a, str>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(secret) = &mut self.secret_access_key {
            secret.zeroize();
        }
    }
}

/// Where the keys of a section are, according to its `credential_process`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeychainEntry {
    pub keychain: Keychain,
    pub access_key_id: String,
}

/// Whether the keys were already in the keychain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    New,
    WasThere,
}

impl KeychainEntry {
    /// Reads the command of a section; none if it does not print an entry.
    pub fn parse(command: &str) -> Option<Self> {
        let (_program, entry) = command.rsplit_once(&format!(" {GET} "))?;
        let words: Vec<&str> = entry.split_whitespace().collect();
        let (access_key_id, keychain) = match words[..] {
            [id] => (id, Keychain::default()),
            [id, STORE, name] => (id, Keychain::from_str(name, false).ok()?),
            _ => return None,
        };
        Some(Self {
            keychain,
            access_key_id: access_key_id.to_owned(),
        })
    }

    /// The command that prints the entry, as the AWS tools run it.
    pub fn command(&self, environment: &Environment) -> Result<String> {
        let id = &self.access_key_id;
        // A shell runs the command.
        if !Form::AccessKeyId.fits(id) {
            bail!(
                Failure::new(format!("`{id}` is not an access key ID"))
                    .hint("use the ID that AWS showed when the key was created, like AKIA…; nothing was changed")
            );
        }
        let program = program(environment)?;
        let Some(program) = program.to_str().filter(|path| !path.contains(['\n', '\r'])) else {
            bail!(
                Failure::new(format!(
                    "the path of mfa-creds cannot be written to a file: {}",
                    program.display()
                ))
                .hint("install it in another directory")
            );
        };
        // Changes nothing for an ID of this form; it protects in case the form is ever relaxed.
        let id = crate::core::text::quoted(id);
        Ok(format!("{} {GET} {id}", quoted(program)))
    }
}

impl Keychain {
    /// For messages: `the Secret Service`.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::SecretService => "the Secret Service",
            #[cfg(target_os = "linux")]
            Self::Keyutils => "the kernel's keyring",
            #[cfg(target_os = "macos")]
            Self::Macos => "the macOS keychain",
            #[cfg(windows)]
            Self::CredentialManager => "the Windows Credential Manager",
        }
    }

    /// Why it must not be used for keys; none if it may.
    pub fn flaw(self) -> Option<&'static str> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Keyutils => Some(
                "forgets its keys when the machine restarts, and hides them from other sessions",
            ),
            _ => None,
        }
    }

    /// Refuses a keychain that must not be used for keys.
    pub fn check_takes_keys(self) -> Result<()> {
        match self.flaw() {
            None => Ok(()),
            Some(flaw) => bail!(
                Failure::new(format!(
                    "{} does not accept new keys: it {flaw}",
                    self.name()
                ))
                .hint(format!(
                    "leave out {STORE} to use {}, or leave the keys in the file",
                    Self::default().name()
                ))
                .exit(Exit::Usage)
            ),
        }
    }

    /// Makes sure that there is a keychain to store keys in, without a question to anybody.
    pub fn check_is_there(self) -> Result<()> {
        self.check_takes_keys()?;
        match self {
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::SecretService => secret_service::check(),
            #[cfg(any(target_os = "linux", target_os = "macos", windows))]
            #[allow(
                unreachable_patterns,
                reason = "not every system has a second keychain"
            )]
            _ => native::get(self, SERVICE).map(drop),
        }
    }

    /// Stores keys, and reads them back to make sure.
    pub fn put(self, keys: &LongTermKeys) -> Result<Put> {
        self.check_takes_keys()?;
        let id = &keys.access_key_id;
        match self.find(id)? {
            Some(found) if found.secret_access_key == keys.secret_access_key => {
                return Ok(Put::WasThere);
            }
            Some(_other) => bail!(
                Failure::new(format!(
                    "{} contains a different secret for access key {id}",
                    self.name()
                ))
                .hint(format!(
                    "one of the two is wrong: `mfa-creds {GET} {}` prints the stored one; remove it in the keychain app",
                    crate::core::text::quoted(id)
                ))
            ),
            None => {}
        }
        self.set(id, &text(keys)?)?;
        match self.find(id)? {
            Some(found) if found.secret_access_key == keys.secret_access_key => Ok(Put::New),
            _ => bail!(
                Failure::new(format!(
                    "{} does not return what was stored in it",
                    self.name()
                ))
                .hint("check the entry in the keychain app; the file was not changed")
            ),
        }
    }

    /// The keys of an access key ID.
    pub fn get(self, access_key_id: &str) -> Result<LongTermKeys> {
        let found = self.find(access_key_id)?;
        found.ok_or_else(|| {
            Failure::new(format!(
                "{} has no secret for access key {access_key_id}",
                self.name()
            ))
            .hint(format!(
                "{}: remove credential_process from the section and write the keys with `mfa-creds setup`, or create new keys",
                match self.flaw() {
                    Some(_) => "it is in another login session, or the machine was restarted",
                    None => "it was stored by another user or on another machine, or removed",
                }
            ))
            .into()
        })
    }

    /// Removes an entry.
    pub fn remove(self, access_key_id: &str) -> Result<()> {
        match self {
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::SecretService => secret_service::remove(access_key_id),
            #[cfg(any(target_os = "linux", target_os = "macos", windows))]
            #[allow(
                unreachable_patterns,
                reason = "not every system has a second keychain"
            )]
            _ => native::remove(self, access_key_id),
        }
    }

    fn find(self, access_key_id: &str) -> Result<Option<LongTermKeys>> {
        let found = match self {
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::SecretService => secret_service::get(access_key_id)?,
            #[cfg(any(target_os = "linux", target_os = "macos", windows))]
            #[allow(
                unreachable_patterns,
                reason = "not every system has a second keychain"
            )]
            _ => native::get(self, access_key_id)?,
        };
        let Some(found) = found else {
            return Ok(None);
        };
        let Some(keys) = keys_in(&found, access_key_id) else {
            bail!(
                Failure::new(format!(
                    "the entry in {} for access key {access_key_id} is not what mfa-creds stored",
                    self.name()
                ))
                .hint(CHECK_ENTRY)
            );
        };
        Ok(Some(keys))
    }

    fn set(self, access_key_id: &str, secret: &[u8]) -> Result<()> {
        match self {
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::SecretService => secret_service::put(access_key_id, secret),
            #[cfg(target_os = "linux")]
            Self::Keyutils => self.check_takes_keys(),
            #[cfg(any(target_os = "macos", windows))]
            _ => native::put(self, access_key_id, secret),
        }
    }
}

/// The keys in an entry; none if it is of another access key, or contains something that is not a key: it is written to files.
fn keys_in(entry: &[u8], access_key_id: &str) -> Option<LongTermKeys> {
    let entry = serde_json::from_slice::<Entry<'_>>(entry).ok()?;
    let values = [
        (Form::AccessKeyId, &*entry.access_key_id),
        (Form::SecretAccessKey, &*entry.secret_access_key),
    ];
    let is_it = entry.access_key_id == access_key_id && misfit(&values).is_none();
    is_it.then(|| LongTermKeys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: Secret::new(&*entry.secret_access_key),
    })
}

/// Whether a text is what `text` makes of these keys.
#[cfg(unix)]
pub fn is_text_of(text: &[u8], keys: &LongTermKeys) -> bool {
    let entry = serde_json::from_slice::<Entry<'_>>(text);
    entry.is_ok_and(|entry| {
        entry.access_key_id == keys.access_key_id
            && entry.secret_access_key == keys.secret_access_key.expose()
    })
}

/// Keys in the format of a `credential_process`.
pub fn text(keys: &LongTermKeys) -> Result<Zeroizing<Vec<u8>>> {
    let entry = Entry {
        version: 1,
        access_key_id: Cow::Borrowed(&keys.access_key_id),
        secret_access_key: Cow::Borrowed(keys.secret_access_key.expose()),
    };
    // Large enough never to move, which would leave a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer(&mut *text, &entry).context("the keys cannot be written as JSON")?;
    Ok(text)
}

/// Where this program is.
pub(super) fn own_path() -> Result<PathBuf> {
    env::current_exe().context("the path of mfa-creds cannot be determined")
}

/// The path of this program: the one in PATH that leads to it, which survives a package upgrade, otherwise its own.
fn program(environment: &Environment) -> Result<PathBuf> {
    let own = own_path()?;
    let real = |path: &Path| fs::canonicalize(path).ok();
    let name = own.file_name().unwrap_or_default();
    let path = environment.path("PATH").unwrap_or_default();
    let mut named = env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name));
    Ok(named
        .find(|candidate| real(candidate).is_some_and(|found| Some(found) == real(&own)))
        .unwrap_or(own))
}

/// The program for the shell that runs the command.
#[cfg(not(windows))]
fn quoted(program: &str) -> String {
    crate::core::text::quoted(program)
}

#[cfg(windows)]
fn quoted(program: &str) -> String {
    format!("\"{program}\"")
}

#[cfg(test)]
mod tests {
    use super::keys_in;

    #[test]
    fn an_entry_that_somebody_has_changed_is_no_keys() {
        const ID: &str = "AKIAFAKEFAKEFAKEFAKE";
        let entry = |id: &str, secret: &str| {
            serde_json::json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret})
                .to_string()
        };
        let keys = keys_in(entry(ID, "FakeSecret").as_bytes(), ID).unwrap();
        assert_eq!(keys.secret_access_key.expose(), "FakeSecret");
        for (id, asked, secret) in [
            (ID, "AKIAFAKEFAKEFAKEOTHR", "FakeSecret"),
            (ID, ID, "Fake\n[default]\ncredential_process = evil"),
            (ID, ID, "Fake Secret"),
            (ID, ID, ""),
            (
                "AKIAX;touch${IFS}evil",
                "AKIAX;touch${IFS}evil",
                "FakeSecret",
            ),
        ] {
            assert!(keys_in(entry(id, secret).as_bytes(), asked).is_none());
        }
    }
}
