//! What the end of the walk has: the keys, and the section for their session.

use anyhow::{Result, bail};

use crate::core::clock;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::error::Failure;
use crate::files::profiles::{Files, key};
use crate::files::section_format;
use crate::plan::chosen::{INHERITED, inherited};
use crate::plan::decision::{CHAINED_SECONDS, Decision, Way};
use crate::plan::sections::check_sections;
use crate::plan::target::{Naming, Target};
use crate::plan::walk::{BaseSection, Hop, Walk};
use crate::plan::{Base, Keys, Native};

/// The keys of a section, or the command that prints them.
///
/// # Errors
/// When one is missing, or they are temporary.
pub(super) fn base(found: &BaseSection, files: &Files<'_>) -> Result<Base> {
    let file = if found.in_config {
        &files.config
    } else {
        &files.credentials
    };
    let section = &found.section;
    let get = |key| inherited(file, section, key);
    let (id, secret) = (get(key::AWS_ACCESS_KEY_ID), get(key::AWS_SECRET_ACCESS_KEY));
    let keys = match (id, secret, get(key::CREDENTIAL_PROCESS)) {
        (Some(id), Some(secret), _) => Keys::Stored(LongTermKeys {
            access_key_id: id.value,
            secret_access_key: Secret::new(secret.value),
        }),
        (None, None, Some(command)) => Keys::Process(command),
        (id, _, _) => {
            let missing = match id {
                None => key::AWS_ACCESS_KEY_ID,
                Some(_) => key::AWS_SECRET_ACCESS_KEY,
            };
            bail!(
                Failure::new(format!(
                    "{missing} of [{section}] in {} is missing or empty",
                    file.path.display()
                ))
                .hint("write it there; the IAM console shows or makes a user's access keys")
            );
        }
    };
    let base = Base {
        keys,
        section: section.clone(),
        path: file.path.to_path_buf(),
        device_key: if found.in_config {
            key::MFA_SERIAL
        } else {
            key::AWS_MFA_DEVICE
        },
    };
    if let Keys::Stored(keys) = &base.keys
        && keys
            .access_key_id
            .starts_with(section_format::TEMPORARY_PREFIX)
    {
        bail!(
            Failure::new(format!(
                "{} holds temporary credentials (ASIA…), which cannot get a session",
                base.place()
            ))
            .hint("put the IAM user's own keys (AKIA…) there")
        );
    }
    Ok(base)
}

/// The section that the profile with the keys has for its session, unless it is for something else.
pub(super) fn owner(
    walk: &Walk,
    naming: &Naming,
    target: &Target,
    files: &Files<'_>,
) -> Option<String> {
    let (base, credentials) = (&walk.base, &files.credentials);
    if walk.roles.is_empty()
        || walk.links.len() == 1
        || base.in_config
        || inherited(credentials, &base.section, key::ASSUME_ROLE).is_some()
    {
        return None;
    }
    let owner = naming.short_term(naming.profile_of(&base.section)?);
    let is_free = owner != target.short_term
        && owner != base.section
        && owner != INHERITED
        && !section_format::has_other_source(&files.config, &owner)
        && section_format::may_take_session(credentials, &owner, clock::now())
        && check_sections(credentials, &[&owner]).is_ok();
    is_free.then_some(owner)
}

/// Where every role on the way is of the config file, and the keys' own profile is the last source, the AWS tools find the
/// session there.
pub(super) fn native(
    walk: &Walk,
    decision: &Decision,
    owner: Option<&str>,
    files: &Files<'_>,
) -> Option<Native> {
    let source = walk.links.last()?.profile.as_str();
    let header = |hop: &Hop| walk.links[hop.link].config.as_deref();
    let get = |hop, key| files.config.get(header(hop)?, key);
    // They would ask AWS for longer than it grants from a session.
    let too_long = |hop| {
        get(hop, key::DURATION_SECONDS)
            .and_then(|seconds| seconds.parse::<u32>().ok())
            .is_some_and(|seconds| seconds > CHAINED_SECONDS)
    };
    let roles = || walk.roles.iter();
    let possible = decision.way == Way::Chain
        && owner == Some(source)
        && roles().all(|hop| hop.arn.is_of_config() && !too_long(hop));
    possible.then(|| Native {
        source: source.to_owned(),
        but_for: roles()
            .find(|hop| get(hop, key::MFA_SERIAL).is_some())
            .and_then(header)
            .map(str::to_owned),
    })
}
