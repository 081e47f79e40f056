//! What STS and the network answer, said so that a person knows what to do.
//!
//! Never shows an error chain or the request of the SDK: both can hold the code.

use std::error::Error;
use std::io;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use super::Refusal;
use super::undelivered::{cause, is_cut_off};
use crate::credentials::LongTermKeys;
use crate::error::{Exit, Failure};
use crate::mfa_code::MfaCode;
use crate::plan::{Call, Plan, Role, Step, Way};

/// A call that is made, with all that a message about it may name.
pub(super) struct Attempt<'a> {
    pub plan: &'a Plan,
    pub keys: &'a LongTermKeys,
    pub step: &'a Step,
    /// The code that is sent, if one is.
    pub code: Option<&'a MfaCode>,
    pub signer: Signer<'a>,
}

/// Whose credentials sign a call.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// The long-term keys.
    Keys,
    /// The MFA session.
    Session,
    /// The role with this ARN.
    Role(&'a str),
}

impl Attempt<'_> {
    /// A failed call as a user reads it.
    pub(super) fn explain<E>(&self, error: &SdkError<E, HttpResponse>) -> Refusal
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        if let SdkError::ServiceError(refusal) = error
            && let Signer::Session = self.signer
            && is_of_the_session(refusal.err())
        {
            return Refusal::Session(self.failure(error).into());
        }
        Refusal::Other(self.failure(error).into())
    }

    fn failure<E>(&self, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => {
                let metadata = refusal.err();
                let Some(code) = metadata.code() else {
                    return self.not_from_sts(&nature(refusal.raw()));
                };
                let mut message = metadata.message().unwrap_or_default().trim().to_owned();
                // A message may quote what it complains of.
                if let Some(sent) = self.code {
                    message = message.replace(sent.expose(), "(the code)");
                }
                self.refused(refusal.raw().status().as_u16(), code, &message)
            }
            SdkError::TimeoutError(_) => self.no_answer(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => self.unreachable(
                "no connection in time",
                "check the network, and proxy settings like HTTPS_PROXY",
            ),
            SdkError::DispatchFailure(_) => self.not_delivered(error),
            SdkError::ResponseError(response) => {
                if cause::<io::Error>(error).is_some() || is_cut_off(error) {
                    return self.broken_off();
                }
                self.not_from_sts(&nature(response.raw()))
            }
            _ => Failure::new("the request to STS could not be built")
                .hint("check the settings with -v"),
        }
    }

    /// An answer that STS would not give: of a proxy, a hotspot, or a wrong endpoint.
    pub(super) fn not_from_sts(&self, evidence: &str) -> Failure {
        let again = self.with_the_next_code("run it again");
        Failure::new(format!(
            "the answer from {} is not from AWS STS: {evidence}",
            self.host()
        ))
        .hint(format!(
            "is there a login page of a network or proxy in between? open a web page, then {again}"
        ))
    }

    fn refused(&self, status: u16, code: &str, message: &str) -> Failure {
        let section = self.plan.base.place();
        let device = format!("{} ({})", self.plan.device.value, self.plan.device.origin);
        let key = masked(&self.keys.access_key_id);
        let Step {
            connection,
            duration,
            ..
        } = self.step;
        match code {
            "AccessDenied" if message.contains("invalid MFA one time pass code") => {
                Failure::new(format!(
                    "AWS refused the code for device {device}: it is wrong, or was used already"
                ))
                .hint("wait for the next code and run it again; each code works once")
                .exit(Exit::Refused)
            }
            "AccessDenied" if message.contains("unable to validate MFA code") => {
                Failure::new(format!(
                    "AWS cannot check codes of device {device} for access key {key}"
                ))
                .hint("is it this user's device? the IAM console shows its ARN; after many wrong codes, wait 3 minutes")
                .exit(Exit::Refused)
            }
            "AccessDenied" => match &self.step.call {
                Call::AssumeRole(role) => self.role_denied(role, message),
                Call::GetSessionToken => {
                    let failure =
                        Failure::new(format!("AWS denied the session to access key {key}: {message}"));
                    if self.plan.role().is_some() {
                        return failure.hint("a policy forbids sts:GetSessionToken; `--direct` assumes the role without a session");
                    }
                    failure.hint("ask an administrator: a policy or an organization's rule forbids sts:GetSessionToken")
                }
            },
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"
                if !matches!(self.signer, Signer::Keys) => Failure::new(format!(
                "AWS does not take {} for {}: {message}",
                self.signer_name(),
                self.role_name()
            ))
            .hint("in a region that has to be activated, a session works only where it was made: give both one region, or use --direct"),
            "InvalidClientTokenId" => Failure::new(format!(
                "AWS does not know access key {key} of {section}, or the key is inactive"
            ))
            .hint("the IAM console shows the user's access keys; in China and GovCloud set the region, too"),
            "SignatureDoesNotMatch" | "RequestExpired" if clock(code, message) => {
                let unused = if self.code.is_some() { "; the code was not used" } else { "" };
                Failure::new(format!("the clock of this machine is off: {message}"))
                    .hint(format!("set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL{unused}"))
            }
            "SignatureDoesNotMatch" if message.contains("scoped to a valid region") => {
                Failure::new(format!(
                    "{} is not the right region for this endpoint ({}): {message}",
                    connection.region.value, connection.region.origin
                ))
                .hint("set it with --region or AWS_REGION")
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
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
                Failure::new("AWS STS is asked too often just now").hint(format!(
                    "wait a moment and {}",
                    self.with_the_next_code("run it again")
                ))
            }
            "RegionDisabledException" => Failure::new(format!(
                "STS is not active in {} for this account ({})",
                connection.region.value, connection.region.origin
            ))
            .hint("choose another with --region, or have the region activated"),
            "ValidationError" if message.contains("serialNumber") || message.contains("tokenCode") => {
                Failure::new(format!("AWS cannot use device {device}, or its code: {message}"))
                    .hint("the IAM console shows the device's ARN")
                    .exit(Exit::Refused)
            }
            "ValidationError" if message.contains("MaxSessionDuration") => Failure::new(format!(
                "{} does not last {} s ({}): its maximum is lower",
                self.role_name(),
                duration.value,
                duration.origin
            ))
            .hint("ask for less with --duration; 3600 always works"),
            _ if status >= 500 => Failure::new(format!(
                "AWS STS at {} has a problem of its own: {status} {code}",
                self.host()
            ))
            .hint(self.afterwards()),
            _ => Failure::new(format!("AWS STS refused the request: {code}: {message}"))
                .hint("`-v` shows where each setting came from"),
        }
    }

    fn role_denied(&self, role: &Role, message: &str) -> Failure {
        let trust = if role.external_id.is_some() {
            "the role's trust policy must allow this user, with this external id"
        } else {
            "the role's trust policy must allow this user, and its external id if it asks for one must be in external_id"
        };
        let other_way = match (self.signer, self.plan.decision.way) {
            (Signer::Keys, _) => "; `--chain` assumes it from a session",
            (Signer::Session, _) => "; `--direct` assumes it with a code of its own",
            (Signer::Role(_), Way::Chain) => "; a role that another role assumes cannot demand MFA",
            (Signer::Role(_), _) => "",
        };
        Failure::new(format!(
            "AWS denied the role {} ({}) to {}: {message}",
            role.arn.value,
            role.arn.origin,
            self.signer_name()
        ))
        .hint(format!("{trust}{other_way}"))
    }

    /// Who signed the call.
    fn signer_name(&self) -> String {
        let key = masked(&self.keys.access_key_id);
        match self.signer {
            Signer::Keys => format!("access key {key}"),
            Signer::Session => format!("the MFA session of access key {key}"),
            Signer::Role(arn) => format!("the role {arn}"),
        }
    }

    fn role_name(&self) -> String {
        match &self.step.call {
            Call::AssumeRole(role) => format!("the role {}", role.arn.value),
            Call::GetSessionToken => "the session".to_owned(),
        }
    }

    fn with_the_next_code(&self, what: &str) -> String {
        match self.code {
            Some(_) => format!("{what} with the next code"),
            None => what.to_owned(),
        }
    }

    /// What to do where a code may have reached STS without an answer.
    pub(super) fn afterwards(&self) -> &'static str {
        match self.code {
            Some(_) => "run it again with the next code; this one may have been used up",
            None => "run it again; no code was used for this",
        }
    }

    /// Where the call went: the host of a given endpoint, else the region.
    pub(super) fn host(&self) -> String {
        match &self.step.connection.endpoint_url {
            Some(url) => url
                .value
                .parse::<http::Uri>()
                .ok()
                .and_then(|uri| {
                    let port = uri.port().map(|port| format!(":{port}"));
                    Some(format!("{}{}", uri.host()?, port.unwrap_or_default()))
                })
                .unwrap_or_default(),
            None => self.step.connection.region.value.clone(),
        }
    }
}

/// What an answer is like, for one that cannot be read.
fn nature(response: &HttpResponse) -> String {
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.split(';').next())
        .unwrap_or("unknown");
    format!(
        "its status is {}, its type {kind}",
        response.status().as_u16()
    )
}

fn clock(code: &str, message: &str) -> bool {
    code == "RequestExpired"
        || message.contains("Signature expired")
        || message.contains("Signature not yet current")
}

/// Whether STS complains of the credentials that signed.
fn is_of_the_session(refusal: &impl ProvideErrorMetadata) -> bool {
    let message = refusal.message().unwrap_or_default();
    match refusal.code() {
        Some("ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId") => true,
        Some(code @ "SignatureDoesNotMatch") => {
            !clock(code, message) && !message.contains("scoped to a valid region")
        }
        _ => false,
    }
}

/// An access key id with its middle left out, enough to find it in the console.
pub fn masked(id: &str) -> String {
    match id.char_indices().rev().nth(3) {
        Some((last, _)) if id.len() > 8 && id.is_ascii() => format!("{}…{}", &id[..4], &id[last..]),
        _ => "…".to_owned(),
    }
}
