//! Checks which credentials and which MFA session are stored, and until when they are valid.

use std::path::Path;

use super::checklist::Checklist;
use super::profile::Examined;
use crate::core::clock::{self, until};
use crate::core::credentials::Credentials;
use crate::core::shell_words;
use crate::core::text::masked;
use crate::files::freshness::Reason;
use crate::files::profiles::{self, File, key};
use crate::files::section_format::{Defect, holds_long_term_keys};
use crate::files::store;
use crate::plan::{Account, Keys, Origin, ProfileSections, Setting, User};
use crate::prompt::aws_login;
use crate::renewal::account::account_of;
use crate::renewal::cache_state::{CacheState, look};
use crate::renewal::stored_sessions::session_of_key;

/// Checks the credentials of the profile, and the MFA session of its keys.
pub fn check(list: &mut Checklist, examined: &Examined<'_>, user: Option<&User>) {
    let credentials = &examined.inputs.files.credentials;
    unusable(list, credentials.path);
    stored(list, examined, user.is_some());
    if let Some(User { key_source, .. }) = user
        && let Keys::Stored(keys) = &key_source.keys
    {
        session(list, credentials, &keys.access_key_id);
    }
}

fn stored(list: &mut Checklist, examined: &Examined<'_>, has_keys: bool) {
    let Examined { inputs, sections } = examined;
    // The check of the environment reports a wrong value.
    let min_ttl = inputs.min_ttl().unwrap_or(Setting {
        value: 0,
        origin: Origin::Default,
    });
    let subject = "credentials";
    let Some(wanted) = list.attempt(subject, inputs.wanted(sections, &min_ttl)) else {
        return;
    };
    let Some(state) = list.attempt(subject, look(&inputs.files.credentials, sections, &wanted))
    else {
        return;
    };
    let (credentials, short_term) = (&inputs.files.credentials, &sections.short_term);
    let (label, renew) = (sections.label(), format!("run `{}`", sections.command("")));
    match state {
        CacheState::Fresh(found) => {
            list.ok(
                subject,
                format!(
                    "{label} is valid until {}",
                    until(found.expiration, clock::now())
                ),
            );
            account(list, sections, credentials, &found);
        }
        CacheState::Stale { because, .. } => match because {
            // The check of the keys reports these.
            Reason::Defective(Defect::StaleSecurityToken | Defect::LongTermKeys) => {}
            // And it reports keys that cannot get any.
            Reason::Defective(Defect::Missing) if !has_keys => {}
            Reason::Defective(_) if !has_keys && holds_long_term_keys(credentials, short_term) => {}
            Reason::Defective(Defect::Missing) if sections.storage.is_private() => {
                list.ok(subject, format!("{label}: {because}"));
            }
            Reason::NotSignedIn | Reason::UnusableLogin(_) => list.warning(
                subject,
                format!("{label}: {because}"),
                format!("sign in with `{}`", aws_login::command_line(&label)),
            ),
            _ => list.warning(subject, format!("{label}: {because}"), renew),
        },
    }
}

/// The account ID next to stored credentials, which AWS tools use.
fn account(list: &mut Checklist, sections: &ProfileSections, file: &File<'_>, found: &Credentials) {
    let subject = "account ID";
    let section = &sections.short_term;
    let stored = file
        .get(section, key::AWS_ACCOUNT_ID)
        .filter(|_| !sections.storage.is_private());
    match (account_of(found, file), stored) {
        (Account::Unclear { problem, way_out }, _) => list.warning(subject, problem, way_out),
        (Account::Known(id), Some(stored)) if stored != id => list.warning(
            subject,
            format!(
                "aws_account_id of [{section}] in {} is {stored}, but its credentials are in the account {id}",
                file.path.display()
            ),
            format!("change it to {id}; the next renewal also does that"),
        ),
        _ => {}
    }
}

fn session(list: &mut Checklist, credentials: &File<'_>, access_key_id: &str) {
    let found = session_of_key(credentials.path, credentials, access_key_id);
    let id = masked(access_key_id);
    list.ok(
        "MFA session",
        match found {
            Some((session_key, session)) => format!(
                "for {id} and {}, valid until {}",
                session_key.device,
                until(session.credentials.expiration, clock::now())
            ),
            None => format!("none for {id}: the next renewal needs a code"),
        },
    );
}

/// Session files that cannot be used.
fn unusable(list: &mut Checklist, credentials: &Path) {
    let subject = "MFA session";
    for path in store::session_files(credentials) {
        let fix = format!(
            "{}, and type a new code for each device",
            shell_words::remove_file(&path)
        );
        match profiles::read(&path) {
            Ok(Some(text)) if !store::is_whole(&text) => list.warning(
                subject,
                format!("{} is ambiguous, and is ignored", path.display()),
                fix,
            ),
            Ok(_) => {}
            Err(error) => list.warning(subject, crate::core::error::message(&error), fix),
        }
    }
}
