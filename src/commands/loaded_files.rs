//! Reads the credentials file and the config file, which every command does first.

use std::path::Path;

use anyhow::{Error, Result, bail};

use crate::cli::{Profiles, Request, Suffixes};
use crate::core::environment::Environment;
use crate::core::error::{self, Failure};
use crate::files::document::Document;
use crate::files::profiles::{self, File, Files, Paths, Text, key};
use crate::files::store;
use crate::plan::{self, Inputs, Origin, ProfileSections, SectionNames, Setting};

/// The two files as they were read.
pub(super) struct LoadedFiles {
    pub paths: Paths,
    pub names: SectionNames,
    texts: Texts,
}

impl LoadedFiles {
    /// Reads the files. A file that does not exist is empty.
    pub fn read(suffixes: &Suffixes, environment: &Environment) -> Result<Self> {
        Ok(Self {
            paths: Paths::find(environment)?,
            names: SectionNames::new(suffixes, environment)?,
            texts: Texts::read(&Paths::find(environment)?)?,
        })
    }

    /// The same for commands that need keys. It first completes an interrupted write.
    pub fn recover(
        suffixes: &Suffixes,
        profiles: &Profiles,
        environment: &Environment,
    ) -> Result<Self> {
        store::recover(&Paths::find(environment)?.credentials)?;
        let loaded = Self::read(suffixes, environment)?;
        loaded.check_keys(profiles, environment)?;
        Ok(loaded)
    }

    /// Refuses to continue if no file can have keys.
    pub fn check_keys(&self, profiles: &Profiles, environment: &Environment) -> Result<()> {
        if self.may_have_keys() {
            return Ok(());
        }
        store::regular(&self.paths.credentials)?;
        let profile = profiles.names.first().map(|name| Setting {
            value: name.clone(),
            origin: Origin::Flag("--profile"),
        });
        let profile = profile.unwrap_or_else(|| plan::profile_of_environment(environment));
        let sections = self.names.sections_by_name(profile)?;
        bail!(self.without_keys(&sections, &self.files(profiles)));
    }

    /// The error if no file can have keys.
    fn without_keys(&self, sections: &ProfileSections, files: &Files<'_>) -> Failure {
        let (path, setup_command) = (&*self.paths.credentials, &sections.setup_command);
        match store::way_to_write(path) {
            Ok(_) => plan::not_set_up(&missing(path), setup_command, files),
            Err(_) => no_file(path, setup_command),
        }
    }

    /// Whether there is a file that keys may be in.
    fn may_have_keys(&self) -> bool {
        let Texts {
            credentials,
            config,
        } = &self.texts;
        credentials.is_some()
            || config.contains(key::AWS_ACCESS_KEY_ID)
            || config.contains(key::CREDENTIAL_SOURCE)
            || config.contains(key::LOGIN_SESSION)
    }

    /// The error for a profile that is in neither file, in the words of a renewal.
    pub fn unknown_profile(
        &self,
        inputs: &Inputs<'_>,
        sections: &ProfileSections,
    ) -> Option<Error> {
        let unknown = inputs.unknown_profile(sections)?;
        Some(if self.may_have_keys() {
            unknown.into()
        } else {
            self.without_keys(sections, inputs.files).into()
        })
    }

    /// From texts that were already read.
    pub fn of(
        paths: Paths,
        names: SectionNames,
        credentials: Option<Text>,
        config: Option<Text>,
    ) -> Self {
        Self {
            paths,
            names,
            texts: Texts {
                credentials,
                config: config.unwrap_or_default(),
            },
        }
    }

    /// Everything that a plan depends on.
    pub fn inputs<'i>(
        &'i self,
        request: &'i Request,
        environment: &'i Environment,
        files: &'i Files<'i>,
    ) -> Inputs<'i> {
        Inputs {
            request,
            environment,
            names: &self.names,
            files,
        }
    }

    /// The parsed files.
    pub fn files(&self, profiles: &Profiles) -> Files<'_> {
        let parse = |text| {
            let mut document = Document::parse(text);
            if profiles.all || profiles.names.len() > 1 {
                document.index();
            }
            document
        };
        let credentials = self.texts.credentials.as_ref();
        Files {
            credentials: File {
                path: &self.paths.credentials,
                document: parse(credentials.map_or("", |text| text)),
            },
            config: File {
                path: &self.paths.config,
                document: parse(&self.texts.config),
            },
        }
    }
}

fn missing(path: &Path) -> String {
    format!("there is no credentials file {}", path.display())
}

/// The error for a missing credentials file, with the reason if none can be created.
pub(super) fn no_file(path: &Path, setup_command: &str) -> Failure {
    let missing = missing(path);
    match store::way_to_write(path) {
        Ok(_) => Failure::new(missing).hint(format!("run `{setup_command}` to create it")),
        Err(error) => {
            let why = error::message(&error);
            let failure = Failure::new(format!("{missing}, and none can be created: {why}"));
            match error::hint(&error) {
                Some(hint) => failure.hint(hint),
                None => failure.hint("set AWS_SHARED_CREDENTIALS_FILE to another file"),
            }
        }
    }
}

/// The texts of the two files.
struct Texts {
    /// None if there is no such file.
    credentials: Option<Text>,
    config: Text,
}

impl Texts {
    fn read(paths: &Paths) -> Result<Self> {
        Ok(Self {
            credentials: profiles::read(&paths.credentials)?,
            config: profiles::read(&paths.config)?.unwrap_or_default(),
        })
    }
}
