//! Stores MFA sessions, each under the access key and the device that made it, never under a profile.
//!
//! If a profile owns the session, its section of the credentials file contains it, and the session file only names that section.
//! Otherwise the session file contains it. The session file has the format of the credentials file. Its sections are:
//!
//! - one for each pair of access key ID and device, which also names the long-term section with the key;
//! - `profile NAME`, with the credentials of a profile that must not have any in its own section;
//! - `scoped DIGEST NAME`, with those that were requested with less power on the command line;
//! - `written NAME`, with digests by which we recognize a secret that we wrote into a section of the credentials file.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::core::credentials::Credentials;
use crate::core::digest;
use crate::core::mfa_device::SerialNumber;
use crate::files::document::Change;
use crate::files::freshness::WantedScope;
use crate::files::profiles::{File, key};
use crate::files::section_format;

/// The pair that makes a session: an access key ID and a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionKey {
    pub access_key_id: String,
    pub device: SerialNumber,
}

/// A session that is stored.
#[derive(Clone, Debug)]
pub struct Session {
    pub credentials: Credentials,
    /// The section of the credentials file that contains it; none if the session file does.
    pub section: Option<String>,
}

impl SessionKey {
    /// The section of the pair in the session file.
    pub fn section(&self) -> String {
        format!("{} {}", self.access_key_id, self.device)
    }
}

/// The prefix of the sections for a profile. No access key ID has this form.
const KEPT_FOR: &str = "profile";

/// The prefix of the sections for a profile and a session scope.
const SCOPED: &str = "scoped";
/// How many digits of the digest of a scope are in the name of its section.
const SCOPE_DIGITS: usize = 32;

/// The prefix of the sections that record which credentials we wrote into a section of the credentials file.
const WRITTEN: &str = "written";

/// The section of the session file that records which credentials we wrote into this section of the credentials file.
pub fn written(section: &str) -> String {
    format!("{WRITTEN} {section}")
}

/// The digest by which we recognize a pair of ours. The secret is far too long to be guessed from it.
fn digest(access_key_id: &str, secret_access_key: &str) -> String {
    let text = Zeroizing::new(format!("{access_key_id} {secret_access_key}"));
    format!("{access_key_id}:{}", digest::sha256(text.as_bytes()))
}

/// Records that credentials are about to be written into a section. Until they are, the previous ones are also recognized.
pub fn note_written(
    section: &str,
    credentials: &Credentials,
    sessions: &[File<'_>],
) -> (String, Change<'static>) {
    let secret = credentials.secret_access_key.expose();
    let mut pairs = vec![digest(&credentials.access_key_id, secret)];
    let name = written(section);
    let known = sessions.iter().find_map(|file| file.get(&name, key::PAIRS));
    pairs.extend(
        known
            .iter()
            .flat_map(|known| known.split(' ').take(1))
            .map(str::to_owned),
    );
    let pairs = Cow::Owned(pairs.join(" "));
    (name, Change::Set(key::PAIRS, pairs))
}

/// Whether a section has a secret that we did not write, next to the access key ID of a session of ours or without an ID. Then
/// somebody has written a new secret, but not its ID yet.
pub fn has_foreign_secret(section: &str, credentials: &File<'_>, sessions: &[File<'_>]) -> bool {
    let values = credentials.values(section);
    let Some(secret) = values.get(key::AWS_SECRET_ACCESS_KEY) else {
        return false;
    };
    let id = values.get(key::AWS_ACCESS_KEY_ID);
    let name = written(section);
    let pairs: Vec<String> = sessions
        .iter()
        .filter_map(|file| file.get(&name, key::PAIRS))
        .flat_map(|pairs| pairs.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let id_of = |pair: &str| pair.split(':').next().unwrap_or_default().to_owned();
    let may_be_it = |pair: &&String| id.as_ref().is_none_or(|id| *id == id_of(pair));
    let is_ours = |pair: &String| digest(&id_of(pair), &secret) == *pair;
    let known: Vec<&String> = pairs.iter().filter(may_be_it).collect();
    // For an ID that we have not recorded, its form tells whose it is.
    (id.is_none() || !known.is_empty()) && !known.into_iter().any(is_ours)
}

/// The section of the session file with the credentials of the profile that has this long-term section.
pub fn kept_for(long_term: &str) -> String {
    format!("{KEPT_FOR} {long_term}")
}

/// The section with those that were requested with this session scope on the command line.
pub fn scoped_for(long_term: &str, scope: &WantedScope) -> String {
    // No two scopes of a profile share these digits.
    let digits: String = scope.digest.chars().take(SCOPE_DIGITS).collect();
    format!("{SCOPED} {digits} {long_term}")
}

/// The sections with credentials that were requested with a session scope on the command line, each with the long-term section of
/// its profile.
pub fn scoped<'s>(sessions: &'s File<'_>) -> impl Iterator<Item = (&'s str, &'s str)> {
    let names = sessions.document.names();
    names.filter_map(|name| {
        let rest = name.strip_prefix(SCOPED)?.strip_prefix(' ')?;
        let (_digits, long_term) = rest.split_once(' ')?;
        Some((name, long_term))
    })
}

/// The long-term sections of the profiles whose credentials are in a session file.
pub fn kept<'s>(sessions: &'s File<'_>) -> impl Iterator<Item = &'s str> {
    let names = sessions.document.names();
    names.filter_map(|name| name.strip_prefix(KEPT_FOR)?.strip_prefix(' '))
}

/// The pairs that have a section in a session file.
pub fn session_keys(sessions: &File<'_>) -> Vec<SessionKey> {
    let names = sessions.document.names();
    names
        .filter_map(|name| {
            let (id, device) = name.split_once(' ')?;
            (![KEPT_FOR, SCOPED, WRITTEN].contains(&id)).then_some(())?;
            Some(SessionKey {
                access_key_id: id.to_owned(),
                device: SerialNumber::parse(device).ok()?,
            })
        })
        .collect()
}

/// The sessions whose credentials are in a session file.
pub fn all(sessions: &File<'_>) -> Vec<(SessionKey, Credentials)> {
    session_keys(sessions)
        .into_iter()
        .filter_map(|session_key| {
            let credentials = section_format::credentials(sessions, &session_key.section())?;
            Some((session_key, credentials))
        })
        .collect()
}

/// The session of a pair that lasts longest, if it expires after this time.
pub fn find(
    session_key: &SessionKey,
    credentials: &File<'_>,
    sessions: &[File<'_>],
    after: DateTime<Utc>,
) -> Option<Session> {
    let name = session_key.section();
    sessions
        .iter()
        .filter_map(|sessions| match sessions.get(&name, key::SECTION) {
            Some(section) => {
                let found = section_format::credentials(credentials, &section)?;
                // Another program may have written there since.
                let id = sessions.get(&name, key::AWS_ACCESS_KEY_ID)?;
                (found.access_key_id == id).then_some(Session {
                    credentials: found,
                    section: Some(section),
                })
            }
            None => Some(Session {
                credentials: section_format::credentials(sessions, &name)?,
                section: None,
            }),
        })
        .filter(|session| {
            session.credentials.role_arn.is_none()
                && session.credentials.can_sign()
                && session.credentials.expiration > after
        })
        .max_by_key(|session| session.credentials.expiration)
}

/// The session of an access key that lasts longest, if it expires after this time, and the pair that made it.
pub fn of_key(
    access_key_id: &str,
    credentials: &File<'_>,
    sessions: &[File<'_>],
    after: DateTime<Utc>,
) -> Option<(SessionKey, Session)> {
    let session_keys = sessions.iter().flat_map(session_keys);
    session_keys
        .filter(|session_key| session_key.access_key_id == access_key_id)
        .filter_map(|session_key| {
            let session = find(&session_key, credentials, sessions, after)?;
            Some((session_key, session))
        })
        .max_by_key(|(_, session)| session.credentials.expiration)
}

/// Whether a section of the credentials file contains a session of another pair, whose key is still in use.
pub fn is_of_another(
    session_key: &SessionKey,
    section: &str,
    credentials: &File<'_>,
    sessions: &File<'_>,
) -> bool {
    let own = session_key.section();
    let id = credentials.get(section, key::AWS_ACCESS_KEY_ID);
    let in_use = |key: &str| {
        let mut sections = credentials.document.names();
        key == session_key.access_key_id
            || sections
                .any(|name| credentials.get(name, key::AWS_ACCESS_KEY_ID).as_deref() == Some(key))
    };
    sessions.document.names().any(|name| {
        name != own
            && sessions.get(name, key::SECTION).as_deref() == Some(section)
            && sessions.get(name, key::AWS_ACCESS_KEY_ID) == id
            && name.split_once(' ').is_some_and(|(key, _)| in_use(key))
    })
}

/// The changes that record a session in the section of its pair.
pub fn changes(session: &Session) -> Vec<Change<'static>> {
    let Some(section) = &session.section else {
        let mut changes = section_format::changes(&session.credentials);
        changes.push(Change::Remove(key::SECTION));
        return changes;
    };
    let id = &session.credentials.access_key_id;
    let mut changes: Vec<Change<'static>> = section_format::changes(&session.credentials)
        .iter()
        .map(|change| Change::Remove(change.key()))
        .filter(|change| change.key() != key::AWS_ACCESS_KEY_ID)
        .collect();
    changes.push(Change::Set(key::AWS_ACCESS_KEY_ID, Cow::Owned(id.clone())));
    changes.push(Change::Set(key::SECTION, Cow::Owned(section.clone())));
    changes
}
