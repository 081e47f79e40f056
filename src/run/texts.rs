//! The two files, read.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::cli::{Profiles, Request};
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::plan::{self, Chosen, Naming, Origin};
use crate::profiles::{self, File, Files, Paths, key};

/// The texts of the two files.
pub(super) struct Texts {
    credentials: Zeroizing<String>,
    config: Zeroizing<String>,
}

impl Texts {
    /// Reads them. The config file need not exist.
    ///
    /// # Errors
    /// When there is no credentials file, or one of them cannot be read.
    pub fn read(paths: &Paths, request: &Request, environment: &Environment) -> Result<Self> {
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
        let naming = Naming::new(&request.suffixes, environment)?;
        let profile = request.profiles.names.first().map(|name| Chosen {
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
    pub fn files<'t>(&'t self, paths: &'t Paths, profiles: &Profiles) -> Files<'t> {
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
