//! Reads and writes entries of the system's keychain, where long-term keys do not stand in clear text.
//!
//! An entry is called by the access key id, and holds what AWS tools read from a `credential_process`: any program that prints
//! entries can hand it to them. The section gets a line that runs this tool to print it.

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
    /// The desktop's: GNOME Keyring, KWallet or KeePassXC
    #[cfg(all(unix, not(target_os = "macos")))]
    #[default]
    SecretService,
    /// The kernel's, for what earlier versions have put there: it forgets, and other sessions do not see it
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

/// Whose the entries are, among those of other programs.
const SERVICE: &str = "mfa-creds";
/// What the command of a section says after the name of the program.
const GET: &str = "keychain get";
/// And in lines of earlier versions, where the keychain is not the usual one.
const STORE: &str = "--store";

/// More than keys take, in bytes.
const CAPACITY: usize = 1024;

/// An entry: what AWS tools want from a `credential_process`.
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

/// Where the keys of a section are: what its `credential_process` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeychainEntry {
    pub keychain: Keychain,
    pub access_key_id: String,
}

/// Whether keys had to be put into the keychain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    New,
    WasThere,
}

impl KeychainEntry {
    /// Reads the command of a section; none where it is not one that prints an entry.
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
                Failure::new(format!("`{id}` is no access key id"))
                    .hint("write the one that was shown when the key was made, like AKIA…; nothing was changed")
            );
        }
        let program = program(environment)?;
        let Some(program) = program.to_str().filter(|path| !path.contains(['\n', '\r'])) else {
            bail!(
                Failure::new(format!(
                    "the path of this program cannot be written into a file: {}",
                    program.display()
                ))
                .hint("install it in another directory")
            );
        };
        // Of such an id, that changes nothing: it is there for the day on which the form is another one.
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

    /// Why no keys may be left to it; none where they may.
    pub fn flaw(self) -> Option<&'static str> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Keyutils => Some(
                "forgets its keys when the machine restarts, and hides them from other sessions",
            ),
            _ => None,
        }
    }

    /// Refuses a keychain that keys must not be left to.
    pub fn check_takes_keys(self) -> Result<()> {
        match self.flaw() {
            None => Ok(()),
            Some(flaw) => bail!(
                Failure::new(format!("{} takes no new keys: it {flaw}", self.name()))
                    .hint(format!(
                        "leave out {STORE} to use {}, or leave the keys in the file",
                        Self::default().name()
                    ))
                    .exit(Exit::Usage)
            ),
        }
    }

    /// Puts keys in, and reads them back before it says that they are there.
    pub fn put(self, keys: &LongTermKeys) -> Result<Put> {
        self.check_takes_keys()?;
        let id = &keys.access_key_id;
        match self.find(id)? {
            Some(found) if found.secret_access_key == keys.secret_access_key => {
                return Ok(Put::WasThere);
            }
            Some(_other) => bail!(
                Failure::new(format!(
                    "{} holds another secret for access key {id}",
                    self.name()
                ))
                .hint(format!(
                    "one of them is wrong: `mfa-creds {GET} {}` prints that one; remove it with the program that shows the keychain",
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
                    "{} does not give back what was put into it",
                    self.name()
                ))
                .hint("nothing was changed in the file; look at it with the program that shows the keychain")
            ),
        }
    }

    /// The keys of an access key id.
    pub fn get(self, access_key_id: &str) -> Result<LongTermKeys> {
        let found = self.find(access_key_id)?;
        found.ok_or_else(|| {
            Failure::new(format!(
                "{} has no secret for access key {access_key_id}",
                self.name()
            ))
            .hint(format!(
                "{}: take credential_process out of the section and write the keys with `mfa-creds setup`, or make new ones",
                match self.flaw() {
                    Some(_) => "it is in another login session, or the machine was restarted",
                    None => "it was put in by another user or on another machine, or removed",
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
                    "what {} has for access key {access_key_id} is not what was put in",
                    self.name()
                ))
                .hint("look at it with the program that shows the keychain")
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

/// The keys in an entry; none where it is not one of this access key, or holds what no key is: it goes into files.
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
pub fn is_text_of(text: &[u8], keys: &LongTermKeys) -> bool {
    let entry = serde_json::from_slice::<Entry<'_>>(text);
    entry.is_ok_and(|entry| {
        entry.access_key_id == keys.access_key_id
            && entry.secret_access_key == keys.secret_access_key.expose()
    })
}

/// Keys as AWS tools read them from a `credential_process`.
pub fn text(keys: &LongTermKeys) -> Result<Zeroizing<Vec<u8>>> {
    let entry = Entry {
        version: 1,
        access_key_id: Cow::Borrowed(&keys.access_key_id),
        secret_access_key: Cow::Borrowed(keys.secret_access_key.expose()),
    };
    // So long that it never moves and leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer(&mut *text, &entry).context("the keys cannot be written as JSON")?;
    Ok(text)
}

/// Where this program is found again: the name on PATH that leads to it, which stays when a package is renewed, else where it is.
fn program(environment: &Environment) -> Result<PathBuf> {
    let own = env::current_exe().context("where this program is cannot be told")?;
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
