//! What every command begins with: the two files, read, and how their sections are called.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::cli::{Profiles, Suffixes};
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::plan::{self, Chosen, Naming, Origin};
use crate::profiles::{self, File, Files, Paths, key};
use crate::store;

/// The ground that a command stands on.
pub(super) struct Ground {
    pub paths: Paths,
    pub naming: Naming,
    texts: Texts,
}

impl Ground {
    /// Reads what there is.
    ///
    /// # Errors
    /// When there is no credentials file, or one of the files cannot be read.
    pub fn read(
        suffixes: &Suffixes,
        profiles: &Profiles,
        environment: &Environment,
    ) -> Result<Self> {
        let paths = Paths::find(environment)?;
        let naming = Naming::new(suffixes, environment)?;
        let texts = Texts::read(&paths, &naming, profiles, environment)?;
        Ok(Self {
            paths,
            naming,
            texts,
        })
    }

    /// The same, where something may be written: a write that was interrupted is ended before.
    ///
    /// # Errors
    /// As above, and when the file cannot be made whole.
    pub fn recover(
        suffixes: &Suffixes,
        profiles: &Profiles,
        environment: &Environment,
    ) -> Result<Self> {
        store::recover(&Paths::find(environment)?.credentials)?;
        Self::read(suffixes, profiles, environment)
    }

    /// What is in the files.
    pub fn files(&self, profiles: &Profiles) -> Files<'_> {
        self.texts.files(&self.paths, profiles)
    }
}

/// The texts of the two files.
struct Texts {
    credentials: Zeroizing<String>,
    config: Zeroizing<String>,
}

impl Texts {
    /// Reads them. The config file need not exist.
    ///
    /// # Errors
    /// When there is no credentials file, or one of them cannot be read.
    fn read(
        paths: &Paths,
        naming: &Naming,
        profiles: &Profiles,
        environment: &Environment,
    ) -> Result<Self> {
        let config = profiles::read(&paths.config)?.unwrap_or_default();
        if let Some(credentials) = profiles::read(&paths.credentials)? {
            return Ok(Self {
                credentials,
                config,
            });
        }
        // Keys may stand in the config file, too.
        if config.contains(key::AWS_ACCESS_KEY_ID) {
            return Ok(Self {
                credentials: Zeroizing::default(),
                config,
            });
        }
        let profile = profiles.names.first().map(|name| Chosen {
            value: name.clone(),
            origin: Origin::Flag("--profile"),
        });
        let profile = profile.unwrap_or_else(|| plan::profile_of_environment(environment));
        let target = naming.target(profile)?;
        bail!(
            Failure::new(format!(
                "there is no credentials file {}",
                paths.credentials.display()
            ))
            .hint(format!("`{}` makes it", target.setup_command))
        );
    }

    /// What is in them.
    fn files<'t>(&'t self, paths: &'t Paths, profiles: &Profiles) -> Files<'t> {
        let parse = |text| {
            let mut document = Document::parse(text);
            if profiles.all || profiles.names.len() > 1 {
                document.index();
            }
            document
        };
        Files {
            credentials: File {
                path: &paths.credentials,
                document: parse(&self.credentials),
            },
            config: File {
                path: &paths.config,
                document: parse(&self.config),
            },
        }
    }
}
