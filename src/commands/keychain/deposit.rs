//! Puts keys into a keychain, proves that another process can read them, and removes them when that fails.

use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::time::Duration;

use anyhow::{Result, bail};

#[cfg(target_os = "linux")]
use super::bus;
#[cfg(unix)]
use super::entry;
use super::entry::{Keychain, KeychainEntry, Put};
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::files::profiles::key;
use crate::plan::{KeySource, KeySourceId, Keys, Origin, Setting};
#[cfg(unix)]
use crate::prompt::child::{self, Ended};
use crate::prompt::credential_process;
use crate::report::Report;

/// Where cron finds programs.
#[cfg(unix)]
const USUAL_PATH: &str = "/usr/bin:/bin";
/// How long a keychain may take to answer if it cannot ask anybody.
#[cfg(unix)]
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Keys on their way into a keychain.
pub struct Deposit {
    place: KeychainEntry,
    /// The command that prints them.
    pub command: String,
}

impl Deposit {
    /// Decides where they will be.
    pub fn new(keys: &LongTermKeys, environment: &Environment) -> Result<Self> {
        let place = KeychainEntry {
            keychain: Keychain::default(),
            access_key_id: keys.access_key_id.clone(),
        };
        let command = place.command(environment)?;
        Ok(Self { place, command })
    }

    /// Which keychain it is.
    pub fn keychain(&self) -> Keychain {
        self.place.keychain
    }

    /// Puts the keys into the keychain, and makes sure that the command prints them, in this session and outside of it. If that works
    /// only in this session, `consent` asks whether that is enough.
    ///
    /// # Errors
    /// If the keychain cannot be used, the command does not print them, or there is no consent. The keychain is then as it was.
    pub fn make(
        &self,
        keys: &LongTermKeys,
        section: &str,
        path: &Path,
        environment: &Environment,
        consent: impl FnOnce() -> Result<()>,
    ) -> Result<Put> {
        let put = self.place.keychain.put(keys)?;
        let proven = self
            .prove(keys, section, path, environment)
            .and_then(|()| self.is_read_elsewhere(keys, environment));
        if matches!(proven, Ok(true)) {
            return Ok(put);
        }
        self.take_back(put, Report::quiet());
        proven?;
        // The entry is not there during the question, so that Ctrl-C leaves none behind.
        consent()?;
        self.place.keychain.put(keys)
    }

    /// Removes an entry that is not needed.
    pub fn take_back(&self, put: Put, report: Report) {
        if put == Put::New
            && let Err(error) = self.place.keychain.remove(&self.place.access_key_id)
        {
            let name = self.keychain().name();
            report.warning_for(format_args!("{name} still has a copy of the keys"), &error);
        }
    }

    /// Whether the command prints the keys in a session of its own, without a terminal, and with only the variables that every program
    /// of this user has: like an IDE, a cron job, or another login.
    #[cfg(unix)]
    fn is_read_elsewhere(&self, keys: &LongTermKeys, environment: &Environment) -> Result<bool> {
        let mut command = Command::new(entry::own_path()?);
        command
            .args(["keychain", "elsewhere", &self.command])
            .env_clear()
            .env("PATH", USUAL_PATH)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if let Some(home) = environment.path("HOME") {
            command.env("HOME", home);
        }
        // The usual directory is found without it; the variable for another one is set at login.
        #[cfg(target_os = "linux")]
        if let Some(runtime) = environment
            .path(bus::RUNTIME)
            .filter(|runtime| *runtime != bus::usual_runtime())
        {
            command.env(bus::RUNTIME, runtime);
        }
        Ok(match child::run(command, ANSWER_TIMEOUT, || ())? {
            Ok(Ended::ByItself { status, output, .. }) => {
                status.success() && entry::is_text_of(&output, keys)
            }
            Ok(Ended::ByUs) | Err(_) => false,
        })
    }

    /// Its keychain belongs to the user, whatever the session.
    #[cfg(not(unix))]
    fn is_read_elsewhere(&self, _keys: &LongTermKeys, _environment: &Environment) -> Result<bool> {
        Ok(true)
    }

    fn prove(
        &self,
        keys: &LongTermKeys,
        section: &str,
        path: &Path,
        environment: &Environment,
    ) -> Result<()> {
        let by_command = KeySource {
            keys: Keys::Process(Setting {
                value: self.command.clone(),
                origin: Origin::File {
                    key: key::CREDENTIAL_PROCESS,
                    section: section.to_owned(),
                    path: path.to_path_buf(),
                },
            }),
            id: KeySourceId {
                path: path.to_path_buf(),
                section: section.to_owned(),
                in_config: false,
            },
            is_of_environment: false,
            device_key: key::AWS_MFA_DEVICE,
        };
        let printed = credential_process::keys(&by_command, environment)?;
        if printed.access_key_id != keys.access_key_id
            || printed.secret_access_key != keys.secret_access_key
        {
            bail!(
                Failure::new(format!(
                    "`{}` prints different keys than [{section}] contains",
                    self.command
                ))
                .hint("check which program is at that path; nothing was changed")
            );
        }
        Ok(())
    }
}
