//! Decides which profiles a run is about.

use std::collections::HashSet;

use anyhow::{Error, Result, bail};

use crate::cli::{Profile, Profiles};
use crate::core::environment::{Environment, PROFILE};
use crate::core::error::Failure;
use crate::core::text;
use crate::files::profiles::{File, Files, config_header, key, name_a_file, profile_of};
use crate::files::section_format;
use crate::plan::Inputs;
use crate::plan::includes::of_profile;
use crate::plan::role_chain::{self, ChainEnd, ChainProfile, NoWay};
use crate::plan::section_checks::{is_no_file, missing_long_term};
use crate::plan::section_names::{ProfileSections, SectionNames};
use crate::plan::setting::{Origin, Setting, default, flag, in_file, variable};

/// Which profiles a run is about.
pub struct Selection {
    pub profiles: Vec<Setting<String>>,
    /// Profiles that `--all` leaves out because something is wrong with them.
    pub left_out: Vec<(String, Error)>,
}

impl Inputs<'_> {
    /// The requested profiles, each once.
    pub fn selected(&self, asked: &Profiles) -> Result<Selection> {
        let (names, files) = (self.names, self.files);
        let mut left_out = Vec::new();
        let (profiles, origin) = if asked.all {
            let (profiles, broken) = all(names, files);
            left_out = broken;
            (profiles, Origin::Flag("--all"))
        } else {
            (asked.names.clone(), Origin::Flag("--profile"))
        };
        let mut profiles: Vec<Setting<String>> = profiles
            .into_iter()
            .map(|value| Setting {
                value,
                origin: origin.clone(),
            })
            .collect();
        if asked.all && profiles.is_empty() && left_out.is_empty() {
            bail!(
                Failure::new(format!(
                    "--all found no long-term section in {}",
                    files.credentials.path.display()
                ))
                .hint(if is_no_file(&files.credentials) {
                    name_a_file()
                } else if let Some(profile) = over_logins(names, files).first() {
                    format!(
                        "name the profiles that depend on `aws login`: {}",
                        text::flag("--profile", profile)
                    )
                } else {
                    format!("run `{}` to write one", names.setup_command("default"))
                })
            );
        }
        if !asked.all && profiles.is_empty() {
            profiles.push(profile_of_environment(self.environment));
        }
        let mut seen = HashSet::new();
        for profile in &mut profiles {
            *profile = self.written_for(profile.clone());
        }
        profiles.retain(|profile| seen.insert(profile.value.clone()));
        // A section that is there twice is selected, and its renewal says what is wrong.
        left_out.retain(|(name, _)| seen.insert(name.clone()));
        Ok(Selection { profiles, left_out })
    }

    /// The requested profile, for a command that accepts only one.
    pub fn single_profile(&self, asked: &Profile) -> Setting<String> {
        let named = flag("--profile", asked.name.as_ref());
        self.written_for(named.unwrap_or_else(|| profile_of_environment(self.environment)))
    }

    /// The names of the profiles that can be requested, each once.
    pub fn candidates(&self) -> Vec<String> {
        let (mut names, _left_out) = all(self.names, self.files);
        names.extend(over_logins(self.names, self.files));
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The error for a profile that is in neither file, in the words of a renewal.
    pub fn unknown_profile(&self, sections: &ProfileSections) -> Option<Failure> {
        let Files {
            credentials,
            config,
        } = self.files;
        let name = &sections.profile.value;
        // Not the long-term section of another profile.
        let is_own = |section: &str| {
            let profile = self.names.profile_of(section);
            credentials.document.has(section) && profile.is_none_or(|of| of == section)
        };
        let is_known = credentials.document.has(&sections.long_term)
            || is_own(&sections.short_term)
            || is_own(name)
            || config_header(&config.document, name).is_some();
        (!is_known).then(|| missing_long_term(sections, self.names, self.files))
    }

    /// A role's credentials are used by the name of their section, for example in `AWS_PROFILE`.
    fn written_for(&self, profile: Setting<String>) -> Setting<String> {
        match self.names.written_for(&profile.value, self.files) {
            Some(value) => Setting { value, ..profile },
            None => profile,
        }
    }
}

/// The profile if no flag names one.
pub fn profile_of_environment(environment: &Environment) -> Setting<String> {
    variable(environment, PROFILE).unwrap_or_else(|| default("default".to_owned()))
}

/// The profiles that `--all` selects: profiles with a long-term section, in the order of the credentials file; and from the config
/// file, profiles with their own keys and device, and roles that depend on any of these. The list may have duplicates.
fn all(names: &SectionNames, files: &Files<'_>) -> (Vec<String>, Vec<(String, Error)>) {
    let Files {
        credentials,
        config,
    } = files;
    let mut profiles: Vec<String> = Vec::new();
    let mut left_out: Vec<(String, Error)> = Vec::new();
    let add_role = |profile: &str, role, profiles: &mut Vec<String>, left_out: &mut Vec<_>| {
        match hangs_on_a_base(profile, role, names, files) {
            Ok(true) => profiles.push(profile.to_owned()),
            Ok(false) | Err(NoWay::Elsewhere(_)) => {}
            Err(NoWay::Broken(error)) => left_out.push((profile.to_owned(), error)),
        }
    };
    for section in credentials.document.names() {
        // With a suffix, the name identifies a long-term section; without one, its content does.
        if let Some(profile) = names.profile_of(section)
            && (profile != section || is_base(credentials, section))
        {
            profiles.push(profile.to_owned());
        }
    }
    for header in config.document.names() {
        if let Some(profile) = profile_of(header)
            && config.get(header, key::ROLE_ARN).is_none()
            && config.get(header, key::MFA_SERIAL).is_some()
            && section_format::holds_usable_long_term_keys(config, header)
            // AWS tools use those keys first, and no session was requested.
            && !section_format::holds_long_term_keys(credentials, profile)
        {
            profiles.push(profile.to_owned());
        }
        if let Some(profile) = profile_of(header)
            && let Some(role) = of_profile(files, profile, Some(header), key::ROLE_ARN)
        {
            add_role(profile, role, &mut profiles, &mut left_out);
        }
    }
    for section in credentials.document.names() {
        let is_long_term = names.profile_of(section).is_some_and(|of| of != section);
        if !is_long_term && let Some(role) = in_file(credentials, section, key::ROLE_ARN) {
            add_role(section, role, &mut profiles, &mut left_out);
        }
    }
    (profiles, left_out)
}

/// The profiles that depend on `aws login`, which `--all` leaves out.
fn over_logins(names: &SectionNames, files: &Files<'_>) -> Vec<String> {
    let profiles = files.config.document.names().filter_map(profile_of);
    let is_over_login = |profile: &&str| {
        let Ok(sections) = names.sections_of(default((*profile).to_owned()), files) else {
            return false;
        };
        let follow = |role| role_chain::follow(Some(role), &sections, names, files).ok();
        let chain = sections.role.clone().and_then(follow);
        sections.login.is_some()
            || chain.is_some_and(|chain| matches!(chain.end, ChainEnd::Login(_)))
    };
    profiles.filter(is_over_login).map(str::to_owned).collect()
}

fn is_base(credentials: &File<'_>, section: &str) -> bool {
    credentials.get(section, key::CREDENTIAL_PROCESS).is_some()
        || section_format::holds_usable_long_term_keys(credentials, section)
}

fn hangs_on_a_base(
    profile: &str,
    role: Setting<String>,
    names: &SectionNames,
    files: &Files<'_>,
) -> Result<bool, NoWay> {
    let profile = Setting {
        value: profile.to_owned(),
        origin: Origin::Default,
    };
    let sections = names.sections_of(profile, files)?;
    let chain = role_chain::follow(Some(role), &sections, names, files)?;
    match chain.end {
        // What is in the environment is for one of them, and for `aws login` somebody may have to sign in first.
        ChainEnd::Environment(_) | ChainEnd::Login(_) => return Ok(false),
        ChainEnd::Keys => {}
    }
    // Keys that need no MFA are ignored.
    Ok(names.profile_of(&chain.key_source.section).is_some()
        || chain
            .profiles
            .iter()
            .any(|profile| has_device(profile, files)))
}

fn has_device(profile: &ChainProfile, files: &Files<'_>) -> bool {
    let in_own = profile
        .own
        .as_ref()
        .is_some_and(|own| files.credentials.get(own, key::MFA_SERIAL).is_some());
    let mut headers = profile.config.iter().chain(&profile.includes);
    let in_config = headers.any(|header| files.config.get(header, key::MFA_SERIAL).is_some());
    let in_credentials = profile.long_term.as_ref().is_some_and(|section| {
        [key::AWS_MFA_DEVICE, key::MFA_SERIAL]
            .iter()
            .any(|key| files.credentials.get(section, key).is_some())
    });
    in_own || in_config || in_credentials
}
