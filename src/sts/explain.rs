//! What STS and the network answer, said so that a person knows what to do.
//!
//! Never shows an error chain or the request of the SDK: both can hold the code.

use std::error::Error;
use std::io;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Exit, Failure};
use crate::mfa_code::MfaCode;
use crate::plan::{Call, Plan};

/// Said where the code may have reached STS without an answer.
const CODE_MAY_BE_USED: &str = "run it again with the next code; this one may have been used up";

/// A failed call as a user reads it.
pub(super) fn explain<E>(
    error: &SdkError<E, HttpResponse>,
    plan: &Plan,
    code_sent: &MfaCode,
) -> Failure
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => {
            let metadata = refusal.err();
            let Some(code) = metadata.code() else {
                return not_from_sts(plan, &nature(refusal.raw()));
            };
            // A message may quote what it complains of.
            let message = metadata
                .message()
                .unwrap_or_default()
                .trim()
                .replace(code_sent.expose(), "(the code)");
            refused(refusal.raw().status().as_u16(), code, &message, plan)
        }
        SdkError::TimeoutError(_) => no_answer(plan),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => unreachable(
            plan,
            "no connection in time",
            "check the network, and proxy settings like HTTPS_PROXY",
        ),
        SdkError::DispatchFailure(_) => not_delivered(error, plan),
        SdkError::ResponseError(response) => {
            if cause::<io::Error>(error).is_some() || is_cut_off(error) {
                return broken_off(plan);
            }
            not_from_sts(plan, &nature(response.raw()))
        }
        _ => {
            Failure::new("the request to STS could not be built").hint("check the settings with -v")
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

/// An answer that STS would not give: of a proxy, a hotspot, or a wrong endpoint.
pub(super) fn not_from_sts(plan: &Plan, evidence: &str) -> Failure {
    Failure::new(format!(
        "the answer from {} is not from AWS STS: {evidence}",
        host(plan)
    ))
    .hint("is there a login page of a network or proxy in between? open a web page, then run it again with the next code")
}

fn refused(status: u16, code: &str, message: &str, plan: &Plan) -> Failure {
    let section = &plan.keys_section;
    let device = format!("{} ({})", plan.device.value, plan.device.origin);
    let key = masked(&plan.keys.access_key_id);
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
        "AccessDenied" => match &plan.call {
            Call::AssumeRole(role) => Failure::new(format!(
                "AWS denied the role {} ({}) to access key {key}: {message}",
                role.arn.value, role.arn.origin
            ))
            .hint("the role's trust policy must allow this user, and its external id if it asks for one must be in --external-id"),
            Call::GetSessionToken => {
                Failure::new(format!("AWS denied the session to access key {key}: {message}"))
                    .hint("ask an administrator: a policy or an organization's rule forbids sts:GetSessionToken")
            }
        },
        "InvalidClientTokenId" => Failure::new(format!(
            "AWS does not know access key {key} of {section}, or the key is inactive"
        ))
        .hint("the IAM console shows the user's access keys; in China and GovCloud set the region, too"),
        "SignatureDoesNotMatch" | "RequestExpired" if clock(code, message) => Failure::new(format!(
            "the clock of this machine is off: {message}"
        ))
        .hint("set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL; the code was not used"),
        "SignatureDoesNotMatch" if message.contains("scoped to a valid region") => {
            Failure::new(format!(
                "{} is not the right region for this endpoint ({}): {message}",
                plan.connection.region.value, plan.connection.region.origin
            ))
            .hint("set it with --region or AWS_REGION")
        }
        "SignatureDoesNotMatch" | "IncompleteSignature" => Failure::new(format!(
            "aws_secret_access_key of {section} does not belong to access key {key}"
        ))
        .hint("write the secret that was shown when the key was made; if it is lost, make a new key"),
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
            Failure::new("AWS STS is asked too often just now")
                .hint("wait a moment and run it again with the next code")
        }
        "RegionDisabledException" => Failure::new(format!(
            "STS is not active in {} for this account ({})",
            plan.connection.region.value, plan.connection.region.origin
        ))
        .hint("choose another with --region, or have the region activated"),
        "ValidationError" if message.contains("serialNumber") || message.contains("tokenCode") => {
            Failure::new(format!("AWS cannot use device {device}, or its code: {message}"))
                .hint("the IAM console shows the device's ARN")
                .exit(Exit::Refused)
        }
        "ValidationError" if message.contains("MaxSessionDuration") => Failure::new(format!(
            "the role does not last {} s ({}): its maximum is lower",
            plan.duration.value, plan.duration.origin
        ))
        .hint("ask for less with --duration, 3600 always works"),
        _ if status >= 500 => Failure::new(format!(
            "AWS STS at {} has a problem of its own: {status} {code}",
            host(plan)
        ))
        .hint(CODE_MAY_BE_USED),
        _ => Failure::new(format!("AWS STS refused the request: {code}: {message}"))
            .hint("`-v` shows where each setting came from"),
    }
}

fn clock(code: &str, message: &str) -> bool {
    code == "RequestExpired"
        || message.contains("Signature expired")
        || message.contains("Signature not yet current")
}

/// Everything that keeps a request from being answered.
fn not_delivered(error: &(dyn Error + 'static), plan: &Plan) -> Failure {
    let text = whole_text(error);
    if let Some(tls) = text.split("invalid peer certificate: ").nth(1) {
        let reason = tls.split([' ', ':', ',', '(', '{']).next().unwrap_or(tls);
        return unreachable(
            plan,
            &format!("its certificate is not trusted: {reason}"),
            "behind a company's proxy, set AWS_CA_BUNDLE to a file with the company's CA certificate",
        );
    }
    if text.contains("failed to lookup address") || text.contains("dns error") {
        return unreachable(
            plan,
            "its name is not known to the DNS",
            "check the network, and the region with -v",
        );
    }
    match cause::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            unreachable(plan, "connection refused", "check the endpoint with -v")
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            unreachable(plan, "there is no network", "check the network")
        }
        Some(io::ErrorKind::TimedOut) => no_answer(plan),
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => broken_off(plan),
        _ if is_cut_off(error) => broken_off(plan),
        _ => unreachable(
            plan,
            "the connection failed",
            "check the network, the endpoint with -v, and proxy settings like HTTPS_PROXY",
        ),
    }
}

fn unreachable(plan: &Plan, why: &str, hint: &str) -> Failure {
    Failure::new(format!(
        "AWS STS at {} cannot be reached: {why}",
        host(plan)
    ))
    .hint(hint)
}

fn no_answer(plan: &Plan) -> Failure {
    Failure::new(format!("AWS STS at {} did not answer in time", host(plan))).hint(CODE_MAY_BE_USED)
}

fn broken_off(plan: &Plan) -> Failure {
    Failure::new(format!(
        "the connection to AWS STS at {} broke off",
        host(plan)
    ))
    .hint(CODE_MAY_BE_USED)
}

/// Where the call went: the host of a given endpoint, else the region.
pub(super) fn host(plan: &Plan) -> String {
    match &plan.connection.endpoint_url {
        Some(url) => url
            .value
            .parse::<http::Uri>()
            .ok()
            .and_then(|uri| {
                let port = uri.port().map(|port| format!(":{port}"));
                Some(format!("{}{}", uri.host()?, port.unwrap_or_default()))
            })
            .unwrap_or_default(),
        None => plan.connection.region.value.clone(),
    }
}

fn is_cut_off(error: &(dyn Error + 'static)) -> bool {
    let text = whole_text(error);
    [
        "before message completed",
        "end of file",
        "unexpected eof",
        "IncompleteMessage",
        "connection closed",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// What all errors of a chain say, to look for signs in. Never shown.
fn whole_text(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).filter_map(|error| error.downcast_ref()).last()
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An access key id with its middle left out, enough to find it in the console.
fn masked(id: &str) -> String {
    match id.char_indices().rev().nth(3) {
        Some((last, _)) if id.len() > 8 && id.is_ascii() => format!("{}…{}", &id[..4], &id[last..]),
        _ => "…".to_owned(),
    }
}
