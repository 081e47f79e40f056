//! What a request came to that did not come to its answer: from a name that nobody knows to a refusal.
//!
//! Nothing in it is an error chain or a request of the SDK: both can hold the code.

use std::error::Error;
use std::io;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::mfa_code::MfaCode;

/// What went wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// The service has said why not.
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// Something answered that is not the service, or not wholly.
    Foreign { status: u16, evidence: String },
    /// The request has not left this machine, or has met nobody.
    Unreachable { why: String, hint: &'static str },
    /// There was no answer in time. Whether it was carried out is not known.
    NoAnswer,
    /// The connection ended before the answer did. Whether it was carried out is not known.
    BrokenOff,
    /// The SDK could not make a request of it.
    Unbuilt,
}

impl Trouble {
    /// What an error of the SDK means. Codes that were sent do not appear in it.
    pub fn of<E>(error: &SdkError<E, HttpResponse>, codes: &[MfaCode]) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => {
                let metadata = refusal.err();
                let Some(code) = metadata.code() else {
                    return Self::foreign(refusal.raw());
                };
                let mut message = metadata.message().unwrap_or_default().trim().to_owned();
                // A message may quote what it complains of.
                for sent in codes {
                    message = message.replace(sent.expose(), "(the code)");
                }
                Self::Refused {
                    status: refusal.raw().status().as_u16(),
                    code: code.to_owned(),
                    message,
                }
            }
            SdkError::TimeoutError(_) => Self::NoAnswer,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::unreachable(
                "no connection in time",
                "check the network, and proxy settings like HTTPS_PROXY",
            ),
            SdkError::DispatchFailure(_) => Self::undelivered(error),
            SdkError::ResponseError(response) => {
                if cause::<io::Error>(error).is_some() || is_cut_off(error) {
                    return Self::BrokenOff;
                }
                Self::foreign(response.raw())
            }
            _ => Self::Unbuilt,
        }
    }

    /// Everything that keeps a request from being answered.
    fn undelivered(error: &(dyn Error + 'static)) -> Self {
        let text = whole_text(error);
        if let Some(tls) = text.split("invalid peer certificate: ").nth(1) {
            let reason = tls.split([' ', ':', ',', '(', '{']).next().unwrap_or(tls);
            return Self::unreachable(
                format!("its certificate is not trusted: {reason}"),
                "behind a company's proxy, set AWS_CA_BUNDLE to a file with the company's CA certificate",
            );
        }
        if text.contains("failed to lookup address") || text.contains("dns error") {
            return Self::unreachable(
                "its name is not known to the DNS",
                "check the network, and the region with -v",
            );
        }
        match cause::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                Self::unreachable("connection refused", "check the endpoint with -v")
            }
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                Self::unreachable("there is no network", "check the network")
            }
            Some(io::ErrorKind::TimedOut) => Self::NoAnswer,
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => Self::BrokenOff,
            _ if text.contains(WHILE_CONNECTING) && !is_cut_off(error) => Self::unreachable(
                "the connection failed",
                "check the network, the endpoint with -v, and proxy settings like HTTPS_PROXY",
            ),
            _ => Self::BrokenOff,
        }
    }

    fn unreachable(why: impl Into<String>, hint: &'static str) -> Self {
        Self::Unreachable {
            why: why.into(),
            hint,
        }
    }

    fn foreign(response: &HttpResponse) -> Self {
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.split(';').next())
            .unwrap_or("unknown");
        let status = response.status().as_u16();
        Self::Foreign {
            status,
            evidence: format!("its status is {status}, its type {kind}"),
        }
    }

    /// The code and the message of a refusal.
    pub fn refusal(&self) -> Option<(&str, &str)> {
        match self {
            Self::Refused { code, message, .. } => Some((code, message)),
            _ => None,
        }
    }

    /// Whether the service has not looked at the request, for reasons of its own: it may be made again.
    pub fn is_of_service(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => *status >= 500 || is_throttling(*status, code),
            Self::Foreign { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the request may have been carried out all the same.
    pub fn may_have_worked(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Foreign { .. } | Self::NoAnswer | Self::BrokenOff => true,
            Self::Unreachable { .. } | Self::Unbuilt => false,
        }
    }
}

/// What the HTTP client says of an error before anything was sent.
const WHILE_CONNECTING: &str = "(Connect)";

/// Whether a refusal says that there are too many requests.
pub(super) fn is_throttling(status: u16, code: &str) -> bool {
    status == 429
        || matches!(
            code,
            "Throttling"
                | "ThrottlingException"
                | "RequestThrottled"
                | "RequestThrottledException"
                | "RequestLimitExceeded"
                | "TooManyRequestsException"
                | "SlowDown"
        )
}

/// Whether a connection ended before the answer did.
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
