//! Checks typed keys with one call of STS that no policy can deny.

use std::borrow::Cow;

use anyhow::Result;

use crate::aws::iam::{Caller, Iam, IamError};
use crate::aws::network;
use crate::cli::{Profiles, Request, Suffixes};
use crate::commands::loaded_files::LoadedFiles;
use crate::core::aws_errors::{
    INVALID_CLIENT_TOKEN_ID, SIGNATURE_DOES_NOT_MATCH, WRONG_REGION_PHRASE, is_of_clock,
};
use crate::core::credentials::LongTermKeys;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::text::masked;
use crate::files::document::{self, Change};
use crate::files::profiles::{self, Paths, key};
use crate::plan::{KeySource, KeySourceId, Keys, ProfileSections, SectionNames};
use crate::report::Report;

/// What AWS says about keys.
pub enum Verdict {
    /// These are the keys of somebody.
    Accepted(Caller),
    /// The ID or the secret is wrong, and which of them.
    Rejected(String),
}

/// Asks AWS who owns the keys that are about to be written to the long-term section.
///
/// # Errors
/// If AWS cannot be asked.
pub fn check_keys(
    keys: &LongTermKeys,
    sections: &ProfileSections,
    suffixes: &Suffixes,
    environment: &Environment,
    report: Report,
) -> Result<Verdict> {
    let paths = Paths::find(environment)?;
    let id = KeySourceId {
        path: paths.credentials.clone(),
        section: sections.long_term.clone(),
        in_config: false,
    };
    // The settings of the connection are those that will count once the keys are written.
    let text = text_with_keys(&paths, keys, &sections.long_term)?;
    let config = profiles::read(&paths.config)?;
    let names = SectionNames::new(suffixes, environment)?;
    let loaded = LoadedFiles::of(paths, names, Some(text), config);
    let request = Request {
        suffixes: suffixes.clone(),
        ..Request::default()
    };
    let files = loaded.files(&Profiles::default());
    let access = loaded
        .inputs(&request, environment, &files)
        .user(sections)?
        .access;
    let key_source = KeySource {
        is_of_environment: false,
        keys: Keys::Stored(keys.clone()),
        id,
        device_key: key::AWS_MFA_DEVICE,
    };
    let network = network::prepare([&access.sts], report)?.finish()?;
    let iam = Iam {
        network: &network,
        access: &access,
        key_source: &key_source,
        keys,
        session: None,
        flag: &sections.flags,
    };
    match iam.caller() {
        Ok(caller) => Ok(Verdict::Accepted(caller)),
        Err(error) => match fault_of(keys, &error) {
            Some(fault) => Ok(Verdict::Rejected(fault)),
            None => Err(error.into()),
        },
    }
}

/// The credentials file as it will be.
fn text_with_keys(paths: &Paths, keys: &LongTermKeys, section: &str) -> Result<profiles::Text> {
    let text = profiles::read(&paths.credentials)?.unwrap_or_default();
    let secret = keys.secret_access_key.expose();
    let changes = [
        Change::Set(key::AWS_ACCESS_KEY_ID, Cow::Borrowed(&*keys.access_key_id)),
        Change::Set(key::AWS_SECRET_ACCESS_KEY, Cow::Borrowed(secret)),
    ];
    let edited = document::edit(&text, section, &changes)
        .map_err(|uneditable| Failure::new(uneditable.to_string()))?;
    Ok(profiles::Text::new(edited.into_boxed_str()))
}

/// What is wrong with the ID or the secret; none if AWS rejects something else, such as the clock or the region. They were typed, so
/// this names no file.
fn fault_of(keys: &LongTermKeys, error: &IamError) -> Option<String> {
    let id = masked(&keys.access_key_id);
    match error.request_error.as_ref()?.refusal()? {
        (INVALID_CLIENT_TOKEN_ID, _) => Some(format!(
            "AWS does not recognize access key {id}, or the key is inactive"
        )),
        (code @ SIGNATURE_DOES_NOT_MATCH, message)
            if !is_of_clock(code, message) && !message.contains(WRONG_REGION_PHRASE) =>
        {
            Some(format!(
                "the secret access key does not belong to access key {id}"
            ))
        }
        _ => None,
    }
}
