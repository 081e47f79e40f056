//! Reads the keys at the end of a role chain, and decides which section contains the session that they get.

use anyhow::{Result, bail};

use crate::core::clock;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::environment::credentials::{
    ACCESS_KEY_ID, SECRET_ACCESS_KEY, SECURITY_TOKEN, SESSION_TOKEN,
};
use crate::core::error::Failure;
use crate::files::profiles::{File, Files, key};
use crate::files::section_format;
use crate::plan::decision::{CHAINED_SECONDS, Decision, Strategy};
use crate::plan::role_chain::{ChainEnd, ChainRole, RoleChain};
use crate::plan::section_checks::check_sections;
use crate::plan::section_names::{ProfileSections, SectionNames};
use crate::plan::setting::{INHERITED, Setting, inherited};
use crate::plan::{KeySource, KeySourceId, Keys, LoginSession, Native};

/// The hint for a key that is missing from a section.
pub const ADD_THE_KEY: &str =
    "add it: look up the access key in the IAM console, or create a new one there";

/// The keys at the end of a chain, the command that prints them, or the session of `aws login`.
pub(super) fn key_source(
    chain: &RoleChain,
    names: &SectionNames,
    files: &Files<'_>,
    environment: &Environment,
) -> Result<KeySource> {
    let id = &chain.key_source;
    let file = if id.in_config {
        &files.config
    } else {
        &files.credentials
    };
    let key_source = KeySource {
        keys: match &chain.end {
            ChainEnd::Environment(set) => Keys::Stored(in_environment(environment, set)?),
            ChainEnd::Login(identity) => {
                Keys::Login(LoginSession::of(identity.clone(), names.login_cache())?)
            }
            ChainEnd::Keys => keys(file, &id.section)?,
        },
        id: id.clone(),
        is_of_environment: matches!(chain.end, ChainEnd::Environment(_)),
        device_key: if id.in_config {
            key::MFA_SERIAL
        } else {
            key::AWS_MFA_DEVICE
        },
    };
    if let Keys::Stored(keys) = &key_source.keys {
        check_access_key_id(&keys.access_key_id, &key_source.id)?;
    }
    Ok(key_source)
}

/// The keys in the environment, which a profile says are there.
fn in_environment(environment: &Environment, set: &Setting<String>) -> Result<LongTermKeys> {
    let Setting { value, origin } = set;
    let hint = format!(
        "set {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} to an IAM user's own keys (AKIA…), without {SESSION_TOKEN}"
    );
    let get = |name| {
        let missing = || {
            Failure::new(format!("{name} is not set, but {origin} is {value}")).hint(hint.clone())
        };
        environment.text(name).ok_or_else(missing)
    };
    let access_key_id = get(ACCESS_KEY_ID)?;
    let secret = get(SECRET_ACCESS_KEY)?;
    let mut tokens = [SESSION_TOKEN, SECURITY_TOKEN].into_iter();
    if let Some(token) = tokens.find(|name| environment.text(name).is_some()) {
        bail!(
            Failure::new(format!(
                "{token} is set, and temporary credentials cannot get a session: {origin} is {value}"
            ))
            .hint(hint)
        );
    }
    Ok(LongTermKeys {
        access_key_id,
        secret_access_key: Secret::new(secret),
    })
}

/// The keys in a section; otherwise, its command.
fn keys(file: &File<'_>, section: &str) -> Result<Keys> {
    let get = |key| inherited(file, section, key);
    let (key_id, secret) = (get(key::AWS_ACCESS_KEY_ID), get(key::AWS_SECRET_ACCESS_KEY));
    let missing = match (key_id, secret, get(key::CREDENTIAL_PROCESS)) {
        (Some(key_id), Some(secret), _) => {
            return Ok(Keys::Stored(LongTermKeys {
                access_key_id: key_id.value,
                secret_access_key: Secret::new(secret.value),
            }));
        }
        (None, None, Some(command)) => return Ok(Keys::Process(command)),
        (None, _, _) => key::AWS_ACCESS_KEY_ID,
        (Some(_), _, _) => key::AWS_SECRET_ACCESS_KEY,
    };
    let failure = Failure::new(format!(
        "{missing} of [{section}] in {} is missing or empty",
        file.path.display()
    ));
    bail!(if get(key::NEW_ACCESS_KEY_ID).is_some() {
        failure.hint(format!(
            "a rotation stored keys there: rename {} to aws_access_key_id, and {} to aws_secret_access_key",
            key::NEW_ACCESS_KEY_ID,
            key::NEW_SECRET_ACCESS_KEY
        ))
    } else {
        failure.hint(ADD_THE_KEY)
    })
}

/// Refuses a malformed access key ID, and one of temporary credentials.
fn check_access_key_id(access_key_id: &str, of: &KeySourceId) -> Result<()> {
    if let Some(odd) = access_key_id.chars().find(|c| !c.is_ascii_graphic()) {
        bail!(
            Failure::new(format!(
                "{} of {of} contains the character U+{:04X}, which no access key ID contains",
                key::AWS_ACCESS_KEY_ID,
                u32::from(odd)
            ))
            .hint("type the line again; look up the access key in the IAM console")
        );
    }
    if access_key_id.starts_with(section_format::TEMPORARY_PREFIX) {
        bail!(
            Failure::new(format!(
                "{of} contains temporary credentials (ASIA…), which cannot get a session"
            ))
            .hint("put the IAM user's own keys (AKIA…) there")
        );
    }
    Ok(())
}

/// The section for the session of the profile with the keys, unless something else uses it.
pub(super) fn session_section(
    chain: &RoleChain,
    names: &SectionNames,
    sections: &ProfileSections,
    files: &Files<'_>,
) -> Option<String> {
    let (id, credentials) = (&chain.key_source, &files.credentials);
    if chain.roles.is_empty()
        || chain.profiles.len() == 1
        || id.in_config
        || inherited(credentials, &id.section, key::ASSUME_ROLE).is_some()
    {
        return None;
    }
    let section = names.short_term(names.profile_of(&id.section)?);
    let is_free = section != sections.short_term
        && section != id.section
        && section != INHERITED
        && !section_format::has_other_source(&files.config, &section)
        && section_format::may_take_session(credentials, &section, clock::now())
        && check_sections(credentials, &[&section]).is_ok();
    is_free.then_some(section)
}

/// AWS tools find the session by themselves if every role in the chain is in the config file and the last source is the profile
/// with the keys.
pub(super) fn native(
    chain: &RoleChain,
    decision: &Decision,
    session_section: Option<&str>,
    files: &Files<'_>,
) -> Option<Native> {
    let source = chain.profiles.last()?.name.as_str();
    let header = |role: &ChainRole| chain.profiles[role.profile].config.as_deref();
    let get = |role: &ChainRole, key| {
        let own = chain.profiles[role.profile].own.as_ref();
        own.and_then(|own| files.credentials.get(own, key))
            .or_else(|| files.config.get(header(role)?, key))
    };
    // The AWS tools would request more than AWS grants from a session.
    let too_long = |role| {
        get(role, key::DURATION_SECONDS)
            .and_then(|seconds| seconds.parse::<u32>().ok())
            .is_some_and(|seconds| seconds > CHAINED_SECONDS)
    };
    let roles = || chain.roles.iter();
    let possible = decision.way == Strategy::Chain
        && session_section == Some(source)
        // They know no such key.
        && chain.profiles.iter().all(|profile| profile.includes.is_empty())
        && roles().all(|role| role.arn.is_of_profile() && !too_long(role));
    possible.then(|| Native {
        source: source.to_owned(),
        but_for: roles()
            .find(|role| get(role, key::MFA_SERIAL).is_some())
            .map(|role| header(role).unwrap_or(&chain.profiles[role.profile].name))
            .map(str::to_owned),
    })
}
