//! Reads and writes a section with temporary credentials, in aws-mfa's format.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::files::document::Change;
use crate::files::profiles::{File, Values, config_header, key};

/// aws-mfa's form of `expiration`, in UTC without a suffix.
const EXPIRATION_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// The form of a written `expiration`. Both are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExpirationStyle {
    /// `2026-11-28 18:00:00`, in UTC.
    AwsMfa,
    /// `2026-11-28T18:00:00Z`, which starship reads and aws-mfa cannot read:
    /// <https://starship.rs/config/#aws>.
    Rfc3339,
}

/// The prefix of the access key ID of temporary credentials.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>.
pub const TEMPORARY_PREFIX: &str = "ASIA";
/// The same in `LocalStack`.
/// See <https://docs.localstack.cloud/aws/capabilities/config/credentials/>.
const LOCALSTACK_PREFIX: &str = "LSIA";
/// The access key ID in AWS's examples. moto and `LocalStack` 4 give it to every session; AWS never issues it.
const EXAMPLE_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// What a section says about the credentials in it.
#[derive(Debug, Eq, PartialEq)]
pub struct Stored {
    /// Why the credentials cannot be used, if they cannot.
    pub defect: Option<Defect>,
    /// The role that they are for.
    pub role_arn: Option<String>,
    /// When they expire, as written.
    pub expiration: Option<String>,
    /// The digest of the session policies, the session tags and the source identity that they were requested with.
    pub session_scope: Option<String>,
}

/// Why stored credentials cannot be used, whatever their expiration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Defect {
    /// The section is missing or empty.
    Missing,
    /// A key is missing or empty.
    Incomplete(&'static str),
    /// `aws_security_token` differs from the session token, and botocore would use it.
    StaleSecurityToken,
    /// Long-term keys with the rest of an earlier session, as `aws configure` leaves them.
    LongTermKeys,
}

/// Reads a section.
pub fn read(credentials: &File<'_>, section: &str) -> Stored {
    stored(&credentials.values(section))
}

fn stored(values: &Values<'_>) -> Stored {
    let get = |key| values.get(key);
    let needed = [
        key::AWS_ACCESS_KEY_ID,
        key::AWS_SECRET_ACCESS_KEY,
        key::AWS_SESSION_TOKEN,
        key::EXPIRATION,
    ];
    let missing: Vec<&'static str> = needed
        .into_iter()
        .filter(|key| get(key).is_none())
        .collect();
    let defect = match missing[..] {
        [] if are_long_term_keys(values) => Some(Defect::LongTermKeys),
        [] => get(key::AWS_SECURITY_TOKEN)
            .filter(|token| Some(token) != get(key::AWS_SESSION_TOKEN).as_ref())
            .map(|_stale| Defect::StaleSecurityToken),
        [..] if missing.len() == needed.len() => Some(Defect::Missing),
        [first, ..] => Some(Defect::Incomplete(first)),
    };
    Stored {
        defect,
        role_arn: get(key::ASSUMED_ROLE_ARN),
        expiration: get(key::EXPIRATION),
        session_scope: session_scope(values),
    }
}

/// The digest of a session scope, if it was written with these credentials: aws-mfa and other tools leave it when they write theirs.
fn session_scope(values: &Values<'_>) -> Option<String> {
    let written = values.get(key::WRITTEN_SESSION_SCOPE)?;
    let (id, digest) = written.split_once(':')?;
    (values.get(key::AWS_ACCESS_KEY_ID)? == id).then(|| digest.to_owned())
}

/// The credentials in a section, if they are complete.
pub fn credentials(file: &File<'_>, section: &str) -> Option<Credentials> {
    let values = file.values(section);
    complete(&values, &stored(&values))
}

/// Both, for half the work.
pub fn read_with_credentials(file: &File<'_>, section: &str) -> (Stored, Option<Credentials>) {
    let values = file.values(section);
    let stored = stored(&values);
    let credentials = complete(&values, &stored);
    (stored, credentials)
}

fn complete(values: &Values<'_>, stored: &Stored) -> Option<Credentials> {
    if stored.defect.is_some() {
        return None;
    }
    let get = |key| values.get(key);
    Some(Credentials {
        access_key_id: get(key::AWS_ACCESS_KEY_ID)?,
        secret_access_key: Secret::new(get(key::AWS_SECRET_ACCESS_KEY)?),
        session_token: Secret::new(get(key::AWS_SESSION_TOKEN)?),
        expiration: parse_expiration(stored.expiration.as_ref()?)?,
        role_arn: stored.role_arn.clone(),
        session_scope: stored.session_scope.clone(),
    })
}

/// The section whose values every other section inherits, in aws-mfa.
pub const INHERITED: &str = "DEFAULT";

/// Reads an `expiration`: aws-mfa's form (UTC), or RFC 3339 with `Z`, an offset or fractions of a second.
pub fn parse_expiration(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc()).filter(clock::is_writable);
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| time.and_utc())
        .filter(clock::is_writable)
}

/// Whether a section contains long-term keys, or a secret of such keys, which must never be overwritten: a secret access key whose ID
/// is neither one of temporary credentials nor the one that we wrote there. A session token next to them proves nothing, because
/// `aws configure` leaves the token of an earlier session.
pub fn holds_long_term_keys(file: &File<'_>, section: &str) -> bool {
    let values = file.values(section);
    are_long_term_keys(&values)
        || values.get(key::AWS_SECRET_ACCESS_KEY).is_none()
            && values
                .get(key::AWS_ACCESS_KEY_ID)
                .is_some_and(|id| is_long_term_id(&id, &values))
            && file.get(INHERITED, key::AWS_SECRET_ACCESS_KEY).is_some()
}

/// The secret access key of a section, which it may inherit: for aws-mfa and the AWS CLI, one of `[DEFAULT]` completes it.
pub fn secret_access_key(file: &File<'_>, section: &str) -> Option<String> {
    file.get(section, key::AWS_SECRET_ACCESS_KEY)
        .or_else(|| file.get(INHERITED, key::AWS_SECRET_ACCESS_KEY))
}

/// Whether a section contains long-term keys that AWS tools can use as they are: both keys, and no session token.
pub fn holds_usable_long_term_keys(file: &File<'_>, section: &str) -> bool {
    let values = file.values(section);
    are_long_term_keys(&values)
        && values.get(key::AWS_ACCESS_KEY_ID).is_some()
        && values.get(key::AWS_SESSION_TOKEN).is_none()
}

/// Whether a section has an access key ID that is not one of a session.
pub fn has_long_term_id(file: &File<'_>, section: &str) -> bool {
    let values = file.values(section);
    let id = values.get(key::AWS_ACCESS_KEY_ID);
    id.is_some_and(|id| is_long_term_id(&id, &values))
}

fn are_long_term_keys(values: &Values<'_>) -> bool {
    let is_long_term = match values.get(key::AWS_ACCESS_KEY_ID) {
        Some(id) => is_long_term_id(&id, values),
        None => values.get(key::ASSUMED_ROLE).is_none(),
    };
    is_long_term && values.get(key::AWS_SECRET_ACCESS_KEY).is_some()
}

fn is_long_term_id(id: &str, values: &Values<'_>) -> bool {
    let has = |key| values.get(key).is_some();
    let may_be_of_a_session = has(key::AWS_SESSION_TOKEN) || has(key::ASSUMED_ROLE);
    let is_of_a_session = is_temporary(id) || may_be_of_a_session && is_of_another_server(id);
    !is_of_a_session && values.get(key::WRITTEN_ACCESS_KEY_ID).as_deref() != Some(id)
}

/// Whether an access key ID can only be one of temporary credentials.
fn is_temporary(access_key_id: &str) -> bool {
    access_key_id.starts_with(TEMPORARY_PREFIX)
}

/// Whether an access key ID is one that `LocalStack` or moto gives to a session. People also type the one from the examples.
fn is_of_another_server(access_key_id: &str) -> bool {
    access_key_id.starts_with(LOCALSTACK_PREFIX) || access_key_id == EXAMPLE_ID
}

/// Whether a section has keys of any kind, or a command that prints them.
pub fn has_keys(file: &File<'_>, section: &str) -> bool {
    [
        key::AWS_ACCESS_KEY_ID,
        key::AWS_SECRET_ACCESS_KEY,
        key::CREDENTIAL_PROCESS,
    ]
    .into_iter()
    .any(|key| file.get(section, key).is_some())
}

/// Whether a section contains credentials that neither this tool nor aws-mfa wrote, or names another source of credentials.
pub fn is_foreign(file: &File<'_>, section: &str) -> bool {
    let has = |key| file.get(section, key).is_some();
    let credentials = [
        key::AWS_ACCESS_KEY_ID,
        key::AWS_SECRET_ACCESS_KEY,
        key::AWS_SESSION_TOKEN,
    ];
    !has(key::ASSUMED_ROLE)
        && (credentials.into_iter().any(has) || key::OTHER_SOURCES.into_iter().any(has))
}

/// Whether the config file names another source for the credentials of a profile, which keys in a section of its name would
/// override.
pub fn has_other_source(config: &File<'_>, profile: &str) -> bool {
    config_header(&config.document, profile).is_some_and(|header| {
        let has = |key| config.get(header, key).is_some();
        key::OTHER_SOURCES.into_iter().any(has)
    })
}

/// Whether a session may be written to a section that the user did not name: it contains nothing of another program, and no valid
/// credentials of a role.
pub fn may_take_session(file: &File<'_>, section: &str, now: DateTime<Utc>) -> bool {
    let of_a_role = credentials(file, section)
        .is_some_and(|found| found.role_arn.is_some() && found.expiration > now);
    !is_foreign(file, section) && !of_a_role && !holds_long_term_keys(file, section)
}

/// The keys that [`changes`] sets or removes: all of our keys in a section.
pub const KEYS: [&str; 9] = [
    key::ASSUMED_ROLE,
    key::ASSUMED_ROLE_ARN,
    key::AWS_ACCESS_KEY_ID,
    key::AWS_SECRET_ACCESS_KEY,
    key::AWS_SESSION_TOKEN,
    key::AWS_SECURITY_TOKEN,
    key::EXPIRATION,
    key::WRITTEN_ACCESS_KEY_ID,
    key::WRITTEN_SESSION_SCOPE,
];

/// The changes that bring the credentials into a section, key for key as aws-mfa writes them. An access key ID that could be one
/// of long-term keys, as some servers other than AWS give to sessions, is noted as ours.
pub fn changes(new: &Credentials, style: ExpirationStyle) -> Vec<Change<'static>> {
    let set = |key, value: &str| Change::Set(key, Cow::Owned(value.to_owned()));
    let token = new.session_token.expose();
    let (assumed, role) = match &new.role_arn {
        Some(arn) => ("True", set(key::ASSUMED_ROLE_ARN, arn)),
        None => ("False", Change::Remove(key::ASSUMED_ROLE_ARN)),
    };
    let expiration = match style {
        ExpirationStyle::AwsMfa => new.expiration.format(EXPIRATION_FORMAT).to_string(),
        ExpirationStyle::Rfc3339 => clock::timestamp(new.expiration),
    };
    let id = &new.access_key_id;
    let written = if is_temporary(id) || is_of_another_server(id) {
        Change::Remove(key::WRITTEN_ACCESS_KEY_ID)
    } else {
        set(key::WRITTEN_ACCESS_KEY_ID, &new.access_key_id)
    };
    let scope = match &new.session_scope {
        Some(digest) => set(key::WRITTEN_SESSION_SCOPE, &format!("{id}:{digest}")),
        None => Change::Remove(key::WRITTEN_SESSION_SCOPE),
    };
    vec![
        set(key::ASSUMED_ROLE, assumed),
        role,
        set(key::AWS_ACCESS_KEY_ID, &new.access_key_id),
        set(key::AWS_SECRET_ACCESS_KEY, new.secret_access_key.expose()),
        set(key::AWS_SESSION_TOKEN, token),
        set(key::AWS_SECURITY_TOKEN, token),
        set(key::EXPIRATION, &expiration),
        written,
        scope,
    ]
}
