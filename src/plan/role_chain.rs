//! Follows `source_profile` from a profile to the credentials that it depends on, as the AWS tools do.

use anyhow::{Error, Result};

use crate::core::error::Failure;
use crate::core::text::nearest;
use crate::files::profiles::{File, Files, config_header, key, name_a_file, profile_of};
use crate::files::section_format;
use crate::plan::KeySourceId;
use crate::plan::includes::{Includes, of_profile};
use crate::plan::login::login_session;
use crate::plan::section_checks::{check_sections, is_no_file, missing_long_term, signed_in};
use crate::plan::section_names::{ProfileSections, SectionNames};
use crate::plan::setting::{Origin, Setting, inherited};

/// The `credential_source` of keys in the environment. Other sources are roles of a machine.
const ENVIRONMENT: &str = "Environment";

/// A profile in the chain.
#[derive(Debug)]
pub(super) struct ChainProfile {
    pub name: String,
    /// Its section in the credentials file, if that has its settings.
    pub long_term: Option<String>,
    /// Its section of the credentials file with the profile's own name, if the profile is a role: AWS tools prefer its settings to
    /// those in the config file.
    pub own: Option<String>,
    /// Its header in the config file.
    pub config: Option<String>,
    /// The profiles whose settings apply where it has none.
    pub includes: Vec<String>,
}

/// A role in the chain.
#[derive(Debug)]
pub(super) struct ChainRole {
    /// The index of its profile in the chain.
    pub profile: usize,
    pub arn: Setting<String>,
}

/// The whole chain. The keys belong to the last profile.
#[derive(Debug)]
pub(super) struct RoleChain {
    /// From the requested profile to the one with the keys.
    pub profiles: Vec<ChainProfile>,
    /// In the same order: the last one is assumed first.
    pub roles: Vec<ChainRole>,
    pub key_source: KeySourceId,
    pub end: ChainEnd,
}

/// What is at the end of a chain.
#[derive(Debug)]
pub(super) enum ChainEnd {
    /// Long-term keys, or a command that prints them.
    Keys,
    /// Long-term keys in the environment, which this setting says.
    Environment(Setting<String>),
    /// A session of `aws login`, which this setting names.
    Login(Setting<String>),
}

/// Why the chain does not lead to keys.
#[derive(Debug)]
pub(super) enum NoWay {
    /// The credentials do not come from a user's keys, which is not a mistake.
    Elsewhere(Failure),
    /// Something in the files must be fixed.
    Broken(Error),
}

impl From<NoWay> for Error {
    fn from(no_way: NoWay) -> Self {
        match no_way {
            NoWay::Elsewhere(failure) => failure.into(),
            NoWay::Broken(error) => error,
        }
    }
}

impl From<Error> for NoWay {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Failure> for NoWay {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure.into())
    }
}

/// Follows the chain. The role is the one that the profile itself assumes.
pub(super) fn follow(
    role: Option<Setting<String>>,
    sections: &ProfileSections,
    names: &SectionNames,
    files: &Files<'_>,
) -> Result<RoleChain, NoWay> {
    let walker = Walker {
        sections,
        names,
        files,
    };
    let chain = match walker.follow(role) {
        Ok(chain) => chain,
        Err(no_way) => {
            // It is often why.
            check_includes(&walker.profile(&sections.profile.value), &files.config)?;
            return Err(no_way);
        }
    };
    for profile in &chain.profiles {
        check_includes(profile, &files.config)?;
        for section in [&profile.long_term, &profile.own].into_iter().flatten() {
            check_sections(&files.credentials, &[section])?;
        }
        for header in profile.config.iter().chain(&profile.includes) {
            check_sections(&files.config, &[header])?;
        }
    }
    Ok(chain)
}

/// Refuses a profile that includes itself, or one that does not exist.
fn check_includes(profile: &ChainProfile, config: &File<'_>) -> Result<(), NoWay> {
    let header = profile.config.as_deref();
    match header.and_then(|header| Includes::of(header, config).mistake) {
        Some(mistake) => Err(mistake.into()),
        None => Ok(()),
    }
}

/// The section of the credentials file with the settings of a profile, if there is one.
pub(super) fn settings_section(
    profile: &str,
    names: &SectionNames,
    credentials: &File<'_>,
) -> Option<String> {
    let long_term = names.long_term(profile);
    if credentials.document.has(&long_term) {
        return Some(long_term);
    }
    section_format::holds_usable_long_term_keys(credentials, profile).then(|| profile.to_owned())
}

/// The section of the credentials file that has settings of a role with this name, if there is one.
pub(super) fn own_section(
    profile: &str,
    header: Option<&str>,
    files: &Files<'_>,
) -> Option<String> {
    of_profile(files, profile, header, key::ROLE_ARN)?;
    files
        .credentials
        .document
        .has(profile)
        .then(|| profile.to_owned())
}

struct Walker<'a> {
    sections: &'a ProfileSections,
    names: &'a SectionNames,
    files: &'a Files<'a>,
}

/// What a profile contributes to the chain.
enum Link {
    End(KeySourceId, ChainEnd),
    Role(Setting<String>),
}

impl Walker<'_> {
    fn follow(&self, role: Option<Setting<String>>) -> Result<RoleChain, NoWay> {
        let first = self.profile(&self.sections.profile.value);
        let own = self.own_end(&first, role.as_ref())?;
        let roles = role.map(|arn| ChainRole { profile: 0, arn });
        let roles = roles.into_iter().collect();
        match own {
            Some((key_source, end)) => Ok(RoleChain {
                profiles: vec![first],
                roles,
                key_source,
                end,
            }),
            None => self.follow_sources(first, roles),
        }
    }

    /// The end of the chain, if it is the profile itself; none if its source assumes the role.
    fn own_end(
        &self,
        profile: &ChainProfile,
        role: Option<&Setting<String>>,
    ) -> Result<Option<(KeySourceId, ChainEnd)>, NoWay> {
        let credentials = &self.files.credentials;
        let long_term = &self.sections.long_term;
        // As everywhere, the long-term section overrides the config file.
        if credentials.document.has(long_term) {
            return Ok(Some((self.keys_in_credentials(long_term), ChainEnd::Keys)));
        }
        if role.is_some_and(|role| {
            role.is_of_profile()
                || self.source(profile).is_some()
                || self.of_environment(profile).is_some()
        }) {
            return Ok(None);
        }
        if let Some(end) = self.login(profile) {
            return Ok(Some(end));
        }
        match self.keys_in_config(profile) {
            Some(key_source) => Ok(Some((key_source, ChainEnd::Keys))),
            None => Err(match signed_in(self.sections, self.names, self.files) {
                Some(failure) => NoWay::Elsewhere(failure),
                None => missing_long_term(self.sections, self.names, self.files).into(),
            }),
        }
    }

    /// Follows the sources up to the one that has keys.
    fn follow_sources(
        &self,
        first: ChainProfile,
        mut roles: Vec<ChainRole>,
    ) -> Result<RoleChain, NoWay> {
        let mut profiles = vec![first];
        loop {
            let from = &profiles[profiles.len() - 1];
            let Some(next) = self.source(from) else {
                let Some(of_environment) = self.of_environment(from) else {
                    return Err(self.without_source(from));
                };
                return Ok(RoleChain {
                    key_source: self.beside_environment(from),
                    profiles,
                    roles,
                    end: ChainEnd::Environment(of_environment),
                });
            };
            let profile = self.profile(&next.value);
            let link = self.find(&profile, &next, &profiles)?;
            let position = profiles.len();
            profiles.push(profile);
            let of_profile = |arn| ChainRole {
                profile: position,
                arn,
            };
            match link {
                Link::End(key_source, end) => {
                    // As in aws-mfa, a role in the long-term section is the role of the profile's own section.
                    roles.extend(self.own_role(&key_source).map(of_profile));
                    return Ok(RoleChain {
                        profiles,
                        roles,
                        key_source,
                        end,
                    });
                }
                Link::Role(arn) => roles.push(of_profile(arn)),
            }
        }
    }

    fn profile(&self, name: &str) -> ChainProfile {
        let header = config_header(&self.files.config.document, name);
        ChainProfile {
            name: name.to_owned(),
            long_term: settings_section(name, self.names, &self.files.credentials),
            own: own_section(name, header, self.files),
            config: header.map(str::to_owned),
            includes: header
                .map(|header| Includes::of(header, &self.files.config).headers)
                .unwrap_or_default(),
        }
    }

    /// As in AWS tools, the keys of a source override its role, and a role overrides a session of `aws login`.
    fn find(
        &self,
        profile: &ChainProfile,
        named_by: &Setting<String>,
        before: &[ChainProfile],
    ) -> Result<Link, NoWay> {
        if let Some(section) = &profile.long_term {
            let keys = self.keys_in_credentials(section);
            return Ok(Link::End(keys, ChainEnd::Keys));
        }
        if let Some(key_source) = self.keys_in_config(profile) {
            return Ok(Link::End(key_source, ChainEnd::Keys));
        }
        if before.iter().any(|other| other.name == profile.name) {
            return Err(looped(profile, named_by, before).into());
        }
        if let Some(arn) = self.of(profile, key::ROLE_ARN) {
            return Ok(Link::Role(arn));
        }
        match self.login(profile) {
            Some((key_source, end)) => Ok(Link::End(key_source, end)),
            None => Err(self.dead_end(profile, named_by)),
        }
    }

    /// The session of `aws login` that the profile gets its credentials from.
    fn login(&self, profile: &ChainProfile) -> Option<(KeySourceId, ChainEnd)> {
        let header = profile.config.as_ref()?;
        let session = login_session(&self.files.config, header)?;
        let key_source = KeySourceId {
            path: self.files.config.path.to_path_buf(),
            section: header.clone(),
            in_config: true,
        };
        Some((key_source, ChainEnd::Login(session)))
    }

    /// Keys in the profile of the config file, which AWS tools also read.
    fn keys_in_config(&self, profile: &ChainProfile) -> Option<KeySourceId> {
        let header = profile.config.as_ref()?;
        let usable = section_format::holds_usable_long_term_keys(&self.files.config, header);
        usable.then(|| KeySourceId {
            path: self.files.config.path.to_path_buf(),
            section: header.clone(),
            in_config: true,
        })
    }

    fn own_role(&self, key_source: &KeySourceId) -> Option<Setting<String>> {
        if key_source.in_config {
            return None;
        }
        inherited(
            &self.files.credentials,
            &key_source.section,
            key::ASSUME_ROLE,
        )
    }

    fn keys_in_credentials(&self, section: &str) -> KeySourceId {
        KeySourceId {
            path: self.files.credentials.path.to_path_buf(),
            section: section.to_owned(),
            in_config: false,
        }
    }

    fn source(&self, profile: &ChainProfile) -> Option<Setting<String>> {
        self.of(profile, key::SOURCE_PROFILE)
    }

    /// The setting with which a role takes its keys from the environment.
    /// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>.
    fn of_environment(&self, profile: &ChainProfile) -> Option<Setting<String>> {
        self.of(profile, key::CREDENTIAL_SOURCE)
            .filter(|source| source.value == ENVIRONMENT)
    }

    /// Where settings go that belong to the keys in the environment: AWS tools read the device of such a role in the config file.
    fn beside_environment(&self, profile: &ChainProfile) -> KeySourceId {
        let usual = || format!("profile {}", profile.name);
        KeySourceId {
            path: self.files.config.path.to_path_buf(),
            section: profile.config.clone().unwrap_or_else(usual),
            in_config: true,
        }
    }

    fn of(&self, profile: &ChainProfile, key: &'static str) -> Option<Setting<String>> {
        of_profile(self.files, &profile.name, profile.config.as_deref(), key)
    }

    fn without_source(&self, profile: &ChainProfile) -> NoWay {
        let role = self.of(profile, key::ROLE_ARN);
        let place = match role.map(|role| role.origin) {
            Some(Origin::File { section, path, .. }) => {
                format!("[{section}] in {}", path.display())
            }
            _ => format!("the profile {}", profile.name),
        };
        let other = [key::CREDENTIAL_SOURCE, key::WEB_IDENTITY_TOKEN_FILE]
            .into_iter()
            .find(|key| self.of(profile, key).is_some());
        NoWay::Elsewhere(match other {
            Some(other) => Failure::new(format!(
                "{place} assumes its role with {other}, not with a user's long-term keys"
            ))
            .hint(format!(
                "to use MFA, replace {other} with source_profile; AWS tools get such credentials without mfa-creds"
            )),
            None => Failure::new(format!(
                "{place} has role_arn without source_profile"
            ))
            .hint(format!(
                "add `source_profile = NAME`, naming the profile whose keys assume the role, or write keys to [{}]",
                self.names.long_term(&profile.name)
            )),
        })
    }

    /// The error if AWS tools get the credentials of a source in another way, so that it has no long-term keys.
    fn elsewhere(&self, profile: &ChainProfile, origin: &Origin) -> Option<Failure> {
        let Files {
            credentials,
            config,
        } = self.files;
        let name = &profile.name;
        let places = [(config, profile.config.as_ref()), (credentials, Some(name))];
        let source = places.into_iter().find_map(|(file, section)| {
            let section = section?;
            let mut sources = key::OTHER_SOURCES.into_iter();
            sources.find(|source| {
                *source != key::CREDENTIAL_PROCESS && file.get(section, source).is_some()
            })
        })?;
        let failure = Failure::new(format!(
            "the profile {name} ({origin}) gets its credentials from {source}, not from a user's long-term keys"
        ));
        Some(failure.hint("use AWS tools directly: they get such credentials and assume the role without mfa-creds"))
    }

    /// The error if a source has keys in its section of the credentials file that are not a user's.
    fn other_keys(&self, profile: &ChainProfile, origin: &Origin) -> Option<Failure> {
        let (name, credentials) = (&profile.name, &self.files.credentials);
        credentials.get(name, key::AWS_ACCESS_KEY_ID)?;
        let path = credentials.path.display();
        let long_term = self.names.long_term(name);
        let setup = self.names.setup_command(name);
        Some(if section_format::holds_long_term_keys(credentials, name) {
            Failure::new(format!(
                "the profile {name} ({origin}) has long-term keys together with a session token in [{name}] of {path}, which AWS rejects"
            ))
            .hint(format!("run `{setup}` to move them to [{long_term}]"))
        } else {
            Failure::new(format!(
                "the profile {name} ({origin}) has no long-term keys: [{name}] in {path} contains temporary credentials or an incomplete key"
            ))
            .hint(format!(
                "if you have an IAM user's long-term keys, run `{setup}` to write them to [{long_term}]"
            ))
        })
    }

    /// The error if a source is in one of the files, but has neither keys nor a role.
    fn without_keys(&self, profile: &ChainProfile, origin: &Origin) -> Option<Failure> {
        let ChainProfile { name, config, .. } = profile;
        let credentials = &self.files.credentials;
        if config.is_none() && !credentials.document.has(name) {
            return None;
        }
        let in_config = config
            .as_ref()
            .and_then(|header| self.files.config.get(header, key::CREDENTIAL_PROCESS));
        let command = in_config.or_else(|| credentials.get(name, key::CREDENTIAL_PROCESS));
        let failure = Failure::new(format!(
            "the profile {name} ({origin}) has neither long-term keys nor a role"
        ));
        Some(failure.hint(match command {
            Some(_) => format!(
                "put a credential_process that prints long-term keys in [{}]",
                self.names.long_term(name)
            ),
            None => self.way_to_keys(name),
        }))
    }

    /// The error if no file has the source.
    fn no_profile(&self, name: &str, origin: &Origin) -> Failure {
        let names = self.files.credentials.document.names();
        let bases = names.filter_map(|name| self.names.profile_of(name));
        let others = self.files.config.document.names().filter_map(profile_of);
        let failure = Failure::new(format!("there is no profile {name} ({origin})"));
        failure.hint(match nearest(name, bases.chain(others)) {
            Some(name) => format!("did you mean source_profile = {name}?"),
            None => self.way_to_keys(name),
        })
    }

    /// How a profile gets long-term keys.
    fn way_to_keys(&self, name: &str) -> String {
        if is_no_file(&self.files.credentials) {
            return name_a_file();
        }
        let setup = self.names.setup_command(name);
        format!("run `{setup}` to write [{}]", self.names.long_term(name))
    }

    fn dead_end(&self, profile: &ChainProfile, named_by: &Setting<String>) -> NoWay {
        let origin = &named_by.origin;
        let elsewhere = self
            .elsewhere(profile, origin)
            .or_else(|| self.other_keys(profile, origin))
            .or_else(|| self.without_keys(profile, origin));
        match elsewhere {
            Some(failure) => NoWay::Elsewhere(failure),
            None => self.no_profile(&profile.name, origin).into(),
        }
    }
}

/// The error for a profile that is its own source, directly or not.
fn looped(profile: &ChainProfile, named_by: &Setting<String>, before: &[ChainProfile]) -> Failure {
    let start = before
        .iter()
        .position(|other| other.name == profile.name)
        .unwrap_or_default();
    let round: Vec<&str> = before[start..]
        .iter()
        .chain([profile])
        .map(|profile| profile.name.as_str())
        .collect();
    let place = match &named_by.origin {
        Origin::File { path, .. } => format!(" in {}", path.display()),
        _ => String::new(),
    };
    Failure::new(format!(
        "source_profile{place} forms a loop: {}",
        round.join(" -> ")
    ))
    .hint("set one of them to a profile with long-term keys")
}
