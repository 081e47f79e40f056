//! Defines long-term keys and temporary credentials. What is secret has a type that cannot be printed.

use std::fmt;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

/// Text that must never be shown: wiped when dropped, without `Display`, and with a `Debug` that hides it.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for a signature, a file or the requested output.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The keys of an IAM user. They do not expire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LongTermKeys {
    /// `AKIA…`; not secret, but shown only where it helps.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
}

/// Temporary credentials, as STS granted them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token.
    pub session_token: Secret,
    /// When they end.
    pub expiration: DateTime<Utc>,
    /// The role that they are for; none for a plain session of the user.
    pub role_arn: Option<String>,
    /// The digest of the session policies, the session tags and the source identity that a role was assumed with; none without any.
    pub session_scope: Option<String>,
}

impl Credentials {
    /// Whether requests can be signed with them: the ID and the token go into headers, which must be printable ASCII.
    pub fn can_sign(&self) -> bool {
        is_printed(&self.access_key_id) && is_printed(self.session_token.expose())
    }
}

/// Whether a text is printable ASCII without blanks, like everything that AWS issues.
pub fn is_printed(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}
