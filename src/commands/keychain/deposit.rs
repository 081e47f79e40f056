//! Puts keys into a keychain, proves that another process can read them, and removes them when that fails.

#[cfg(unix)]
use std::env;
use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use anyhow::Context as _;
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
/// How long a keychain may take to answer where it can ask nobody.
#[cfg(unix)]
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Keys on their way into a keychain.
pub struct Deposit {
    place: KeychainEntry,
    /// What prints them from there.
    pub command: String,
}

impl Deposit {
    /// Says where they will be.
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

    /// Puts the keys into the keychain, and makes sure that the command prints them: here, and for whoever shares nothing with this
    /// session. Where it does not do so there, `consent` says whether that is enough.
    ///
    /// # Errors
    /// When the keychain cannot be used, the command does not print them, or there is no consent. Nothing is then there that was not
    /// before.
    pub fn make(
        &self,
        keys: &LongTermKeys,
        section: &str,
        path: &Path,
        environment: &Environment,
        consent: impl FnOnce() -> Result<()>,
    ) -> Result<Put> {
        let put = self.place.keychain.put(keys)?;
        let proven = self.prove(keys, section, path, environment);
        let proven = proven.and_then(|()| {
            if self.is_read_elsewhere(keys, environment)? {
                Ok(())
            } else {
                consent()
            }
        });
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
            let name = self.keychain().name();
            report.warning_for(format_args!("{name} keeps a copy of the keys"), &error);
        }
    }

    /// Whether the command prints the keys in a session of its own, without a terminal, and with no other variables than every program
    /// of this user has: as for an IDE, a job of cron, or another login.
    #[cfg(unix)]
    fn is_read_elsewhere(&self, keys: &LongTermKeys, environment: &Environment) -> Result<bool> {
        let program = env::current_exe().context("where this program is cannot be told")?;
        let mut command = Command::new(program);
        command
            .args(["keychain", "elsewhere", &self.command])
            .env_clear()
            .env("PATH", USUAL_PATH)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if let Some(home) = environment.path("HOME") {
            command.env("HOME", home);
        }
        // The usual one is found without it; another one, programs have from the login on.
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
            device_key: key::AWS_MFA_DEVICE,
        };
        let printed = credential_process::keys(&by_command, environment)?;
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
