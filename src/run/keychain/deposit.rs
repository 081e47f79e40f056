//! Keys on their way into a keychain: what proves that they are there, and what takes them out again.

use std::path::Path;

use anyhow::{Result, bail};

use crate::cli;
use crate::credentials::LongTermKeys;
use crate::environment::Environment;
use crate::error::Failure;
use crate::key_process;
use crate::keychain::{Place, Put};
use crate::plan::{Base, Chosen, Keys, Origin};
use crate::profiles::key;
use crate::report::Report;

/// Keys on their way into a keychain.
pub struct Deposit {
    place: Place,
    /// What prints them from there.
    pub command: String,
}

impl Deposit {
    /// Says where they will be.
    ///
    /// # Errors
    /// When no command can be written that leads there.
    pub fn new(
        keychain: cli::Keychain,
        keys: &LongTermKeys,
        environment: &Environment,
    ) -> Result<Self> {
        let place = Place {
            keychain,
            access_key_id: keys.access_key_id.clone(),
        };
        let command = place.command(environment)?;
        Ok(Self { place, command })
    }

    /// Which keychain it is.
    pub fn keychain(&self) -> cli::Keychain {
        self.place.keychain
    }

    /// Puts the keys into the keychain, and makes sure that the command prints them.
    ///
    /// # Errors
    /// When the keychain cannot be used, or the command does not print them. Nothing is then there that was not before.
    pub fn make(
        &self,
        keys: &LongTermKeys,
        section: &str,
        path: &Path,
        environment: &Environment,
    ) -> Result<Put> {
        let put = self.place.keychain.put(keys)?;
        let proven = self.prove(keys, section, path, environment);
        if proven.is_err() {
            self.take_back(put, Report::quiet());
        }
        proven.map(|()| put)
    }

    /// Removes an entry that was made for nothing.
    pub fn take_back(&self, put: Put, report: Report) {
        if put == Put::New
            && let Err(error) = self.place.keychain.remove(&self.place.access_key_id)
        {
            report.warning(format_args!(
                "{} keeps a copy of the keys: {error}",
                self.keychain().name()
            ));
        }
    }

    fn prove(
        &self,
        keys: &LongTermKeys,
        section: &str,
        path: &Path,
        environment: &Environment,
    ) -> Result<()> {
        let by_command = Base {
            keys: Keys::Process(Chosen {
                value: self.command.clone(),
                origin: Origin::File {
                    key: key::CREDENTIAL_PROCESS,
                    section: section.to_owned(),
                    path: path.to_path_buf(),
                },
            }),
            section: section.to_owned(),
            path: path.to_path_buf(),
        };
        let printed = key_process::keys(&by_command, environment)?;
        if printed.access_key_id != keys.access_key_id
            || printed.secret_access_key != keys.secret_access_key
        {
            bail!(
                Failure::new(format!(
                    "`{}` prints other keys than those of [{section}]",
                    self.command
                ))
                .hint("is there another mfa-creds at that place? nothing was changed")
            );
        }
        Ok(())
    }
}
