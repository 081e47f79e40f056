//! The two files, read.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::cli::Request;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::plan::{self, Chosen, Naming, Origin};
use crate::profiles::{self, File, Files, Paths};

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
        let Some(credentials) = profiles::read(&paths.credentials)? else {
            let naming = Naming::new(&request.suffixes, environment)?;
            let profile = request.profiles.names.first().map(|name| Chosen {
                value: name.clone(),
                origin: Origin::Flag("--profile"),
            });
            let target = naming
                .target(profile.unwrap_or_else(|| plan::profile_of_environment(environment)))?;
            bail!(
                Failure::new(format!(
                    "there is no credentials file {}",
                    paths.credentials.display()
                ))
                .hint(format!("`{}` makes it", target.setup_command))
            );
        };
        Ok(Self {
            credentials,
            config: profiles::read(&paths.config)?.unwrap_or_default(),
        })
    }

    /// What is in them.
    pub fn files<'t>(&'t self, paths: &'t Paths) -> Files<'t> {
        Files {
            credentials: File {
                path: &paths.credentials,
                document: Document::parse(&self.credentials),
            },
            config: File {
                path: &paths.config,
                document: Document::parse(&self.config),
            },
        }
    }
}
