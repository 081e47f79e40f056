//! Holds everything that a message about a request to AWS may name.

use crate::core::error::Failure;
use crate::core::mfa_code::MfaCode;
use crate::core::text::masked;
use crate::plan::{Connection, KeySource, Service};

pub const RUN_AGAIN: &str = "run the command again";

/// Whose credentials sign a request.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// The long-term keys.
    Keys,
    /// The MFA session.
    Session,
    /// The credentials of `aws login`.
    Login,
    /// The role with this ARN.
    Role(&'a str),
}

/// A request, with everything that a message about it may name.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    pub connection: &'a Connection,
    /// The place of the keys that sign it, or that the session was created with.
    pub key_source: &'a KeySource,
    pub access_key_id: &'a str,
    pub signer: Signer<'a>,
    /// The flags that name the profile with those keys.
    pub flags: &'a str,
    /// The codes that are sent with it.
    pub codes: &'a [MfaCode],
}

impl RequestContext<'_> {
    /// A response that is not from AWS, but from a proxy, a hotspot, or a wrong endpoint.
    pub fn foreign(&self, evidence: &str) -> Failure {
        let again = self.with_the_next_code(RUN_AGAIN);
        Failure::new(format!(
            "the response from {} is not from {}: {evidence}",
            self.host(),
            self.service().name()
        ))
        .hint(format!(
            "the network or a proxy may redirect to a login page: open a web page, then {again}"
        ))
    }

    /// Who signed the request.
    pub fn signer_name(&self) -> String {
        let key = masked(self.access_key_id);
        match self.signer {
            Signer::Keys => format!("access key {key}"),
            Signer::Session => format!("the MFA session of access key {key}"),
            Signer::Login => self.key_source.to_string(),
            Signer::Role(arn) => format!("the role {arn}"),
        }
    }

    pub(super) fn with_the_next_code(&self, what: &str) -> String {
        if self.codes.is_empty() {
            what.to_owned()
        } else {
            format!("{what} with the next code")
        }
    }

    /// What to do if a code may have reached AWS without a response.
    pub(super) fn afterwards(&self) -> &'static str {
        if matches!(self.service(), Service::SignIn | Service::Login) {
            // A code may have been used for the credentials, which are stored.
            RUN_AGAIN
        } else if self.codes.is_empty() {
            "run the command again; no code was used"
        } else {
            "run the command again with the next code; this one may be used up"
        }
    }

    /// The host that the request went to.
    pub fn host(&self) -> String {
        let route = self.connection.route();
        route.map_or_else(|_never_sent| String::new(), |route| route.host())
    }

    pub(super) fn service(&self) -> Service {
        self.connection.service
    }
}
