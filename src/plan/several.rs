//! Which profiles are asked for.

use anyhow::{Result, bail};

use super::chosen::{Chosen, Origin, default, in_file, variable};
use super::target::Naming;
use super::walk::{Link, walk};
use crate::cli::Profiles;
use crate::environment::Environment;
use crate::error::Failure;
use crate::profiles::{File, Files, key, profile_of};
use crate::short_term;

/// The profiles that are asked for, each once.
///
/// # Errors
/// When `--all` finds none.
pub fn profiles(
    asked: &Profiles,
    environment: &Environment,
    naming: &Naming,
    files: &Files<'_>,
) -> Result<Vec<Chosen<String>>> {
    let (names, origin) = if asked.all {
        (all(naming, files), Origin::Flag("--all"))
    } else {
        (asked.names.clone(), Origin::Flag("--profile"))
    };
    let mut profiles: Vec<Chosen<String>> = Vec::new();
    for value in names {
        if !value.is_empty() && !profiles.iter().any(|other| other.value == value) {
            let origin = origin.clone();
            profiles.push(Chosen { value, origin });
        }
    }
    if asked.all && profiles.is_empty() {
        bail!(
            Failure::new(format!(
                "--all finds no long-term section in {}",
                files.credentials.path.display()
            ))
            .hint(format!("`{}` writes one", naming.setup_command("default")))
        );
    }
    if profiles.is_empty() {
        profiles.push(profile_of_environment(environment));
    }
    Ok(profiles)
}

/// The one profile that is meant where no flag names one.
pub fn profile_of_environment(environment: &Environment) -> Chosen<String> {
    variable(environment, "AWS_PROFILE").unwrap_or_else(|| default("default".to_owned()))
}

/// The profiles that `--all` means: those with a long-term section, in the order of the credentials file, and the roles of
/// the config file that hang on one.
fn all(naming: &Naming, files: &Files<'_>) -> Vec<String> {
    let Files {
        credentials,
        config,
    } = files;
    let mut profiles: Vec<String> = Vec::new();
    let add = |profiles: &mut Vec<String>, profile: &str| {
        if !profiles.iter().any(|other| other == profile) {
            profiles.push(profile.to_owned());
        }
    };
    for section in credentials.document.names() {
        // With a suffix, long-term sections are known by their names; without one, by what is in them.
        if let Some(profile) = naming.profile_of(section)
            && (profile != section || is_base(credentials, section))
        {
            add(&mut profiles, profile);
        }
    }
    for header in config.document.names() {
        if let Some(profile) = profile_of(header)
            && let Some(role) = in_file(config, header, key::ROLE_ARN)
            && hangs_on_a_base(profile, role, naming, files)
        {
            add(&mut profiles, profile);
        }
    }
    profiles
}

fn is_base(credentials: &File<'_>, section: &str) -> bool {
    credentials.get(section, key::CREDENTIAL_PROCESS).is_some()
        || short_term::holds_long_term_keys(credentials, section)
}

fn hangs_on_a_base(
    profile: &str,
    role: Chosen<String>,
    naming: &Naming,
    files: &Files<'_>,
) -> bool {
    let profile = Chosen {
        value: profile.to_owned(),
        origin: Origin::Default,
    };
    naming
        .target_beside_role(profile, &files.config)
        .and_then(|target| walk(Some(role), &target, naming, files))
        .is_ok_and(|walk| {
            // Keys that need no MFA are none of our business.
            naming.profile_of(&walk.base.section).is_some()
                || walk.links.iter().any(|link| has_device(link, files))
        })
}

fn has_device(link: &Link, files: &Files<'_>) -> bool {
    let in_config = link
        .config
        .as_ref()
        .is_some_and(|header| files.config.get(header, key::MFA_SERIAL).is_some());
    let in_credentials = link.long_term.as_ref().is_some_and(|section| {
        [key::AWS_MFA_DEVICE, key::MFA_SERIAL]
            .iter()
            .any(|key| files.credentials.get(section, key).is_some())
    });
    in_config || in_credentials
}
