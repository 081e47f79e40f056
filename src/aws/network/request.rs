//! What went wrong with a request, said so that a person knows what to do, as far as it does not depend on the call.

use super::send::SET_THE_CLOCK;
use super::trouble::{Trouble, is_of_clock, is_throttling};
use crate::core::error::Failure;
use crate::core::mfa_code::MfaCode;
use crate::plan::{Connection, KeySource, Origin, Service, Setting};

/// Whose credentials sign a request.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// The long-term keys.
    Keys,
    /// The MFA session.
    Session,
    /// The role with this ARN.
    Role(&'a str),
}

/// A request, with all that a message about it may name.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub connection: &'a Connection,
    /// Where the keys are that sign it, or that the session was made with.
    pub key_source: &'a KeySource,
    pub access_key_id: &'a str,
    pub signer: Signer<'a>,
    /// The flags that name the profile with those keys.
    pub flags: &'a str,
    /// The codes that are sent with it.
    pub codes: &'a [MfaCode],
}

impl Request<'_> {
    /// The trouble as a user reads it.
    pub fn explain(&self, trouble: &Trouble) -> Failure {
        let (service, host) = (self.service().name(), self.host());
        match trouble {
            Trouble::Refused {
                status,
                code,
                message,
            } => self.refused(*status, code, message),
            Trouble::Foreign { evidence, .. } => self.foreign(evidence),
            Trouble::Unreachable(obstacle) => match self.connection.route() {
                Ok(route) => obstacle.explain(self, &route),
                Err(_never_sent) => Failure::new(format!("{service} cannot be reached")),
            },
            Trouble::NoAnswer => {
                let Setting { value, origin } = &self.connection.timeout;
                Failure::new(format!(
                    "{service} at {host} did not answer within {} s ({origin})",
                    value.as_secs()
                ))
                .hint(self.afterwards())
            }
            Trouble::BrokenOff => {
                Failure::new(format!("the connection to {service} at {host} broke off"))
                    .hint(self.afterwards())
            }
            Trouble::Unbuilt => {
                Failure::new(format!("the request to {service} could not be built"))
                    .hint("check the settings with -v")
            }
        }
    }

    /// An answer that AWS would not give: of a proxy, a hotspot, or a wrong endpoint.
    pub fn foreign(&self, evidence: &str) -> Failure {
        let again = self.with_the_next_code("run it again");
        Failure::new(format!(
            "the answer from {} is not from {}: {evidence}",
            self.host(),
            self.service().name()
        ))
        .hint(format!(
            "is there a login page of a network or proxy in between? open a web page, then {again}"
        ))
    }

    fn refused(&self, status: u16, code: &str, message: &str) -> Failure {
        let service = self.service().name();
        let section = &self.key_source.id;
        let key = masked(self.access_key_id);
        let connection = self.connection;
        match code {
            "InvalidClientTokenId" if matches!(self.signer, Signer::Keys) => Failure::new(format!(
                "AWS does not know access key {key} of {section}, or the key is inactive"
            ))
            .hint("the IAM console shows the user's access keys; in China and GovCloud set the region, too"),
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" => {
                Failure::new(format!("AWS does not take {}: {message}", self.signer_name()))
                    .hint(format!("`mfa-creds{} --force` makes a new session", self.flags))
            }
            "SignatureDoesNotMatch" | "RequestExpired" if is_of_clock(code, message) => {
                let unused = if self.codes.is_empty() { "" } else { "; the code was not used" };
                Failure::new(format!("the clock of this machine is off: {message}"))
                    .hint(format!("{SET_THE_CLOCK}{unused}"))
            }
            "SignatureDoesNotMatch" if message.contains("scoped to a valid region") => {
                Failure::new(format!(
                    "{} is not the right region for this endpoint ({}): {message}",
                    connection.region.value, connection.region.origin
                ))
                .hint(match connection.region.origin {
                    // It comes before the variable.
                    Origin::Flag(_) => "set it with --region",
                    _ => "set it with --region or AWS_REGION",
                })
            }
            "SignatureDoesNotMatch" | "IncompleteSignature" if !matches!(self.signer, Signer::Keys) => {
                Failure::new(format!(
                    "the secret access key of {} is not the right one",
                    self.signer_name()
                ))
                .hint("somebody has changed it in the file; run it again")
            }
            "SignatureDoesNotMatch" | "IncompleteSignature" => Failure::new(format!(
                "aws_secret_access_key of {section} does not belong to access key {key}"
            ))
            .hint("write the secret that was shown when the key was made; if it is lost, make a new key"),
            _ if is_throttling(status, code) => {
                Failure::new(format!("{service} is asked too often just now")).hint(format!(
                    "wait a moment and {}",
                    self.with_the_next_code("run it again")
                ))
            }
            "RegionDisabledException" => Failure::new(format!(
                "STS is not active in {} for this account ({})",
                connection.region.value, connection.region.origin
            ))
            .hint("choose another with --region, or have the region activated"),
            _ if status >= 500 => Failure::new(format!(
                "{service} at {} has a problem of its own: {status} {code}",
                self.host()
            ))
            .hint(self.afterwards()),
            _ => Failure::new(format!("{service} refused the request: {code}: {message}"))
                .hint("`-v` shows where each setting came from"),
        }
    }

    /// Who signed the request.
    pub fn signer_name(&self) -> String {
        let key = masked(self.access_key_id);
        match self.signer {
            Signer::Keys => format!("access key {key}"),
            Signer::Session => format!("the MFA session of access key {key}"),
            Signer::Role(arn) => format!("the role {arn}"),
        }
    }

    fn with_the_next_code(&self, what: &str) -> String {
        if self.codes.is_empty() {
            what.to_owned()
        } else {
            format!("{what} with the next code")
        }
    }

    /// What to do where a code may have reached AWS without an answer.
    fn afterwards(&self) -> &'static str {
        if self.codes.is_empty() {
            "run it again; no code was used for this"
        } else {
            "run it again with the next code; this one may have been used up"
        }
    }

    /// The host that the request went to.
    pub fn host(&self) -> String {
        let route = self.connection.route();
        route.map_or_else(|_never_sent| String::new(), |route| route.host())
    }

    fn service(&self) -> Service {
        self.connection.service
    }
}

/// An access key id with its middle left out, enough to find it in the console.
pub fn masked(id: &str) -> String {
    match id.char_indices().rev().nth(3) {
        Some((last, _)) if id.len() > 8 && id.is_ascii() => format!("{}…{}", &id[..4], &id[last..]),
        _ => "…".to_owned(),
    }
}
