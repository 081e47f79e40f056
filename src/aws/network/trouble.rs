//! What a request came to that did not come to its answer: from a name that nobody knows to a refusal.
//!
//! Nothing in it is an error chain or a request of the SDK: both can hold the code.

use std::error::Error;
use std::io;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::obstacle::{Flaw, Obstacle, PROXY_AUTHENTICATION_REQUIRED, ProxyAnswer};
use crate::core::mfa_code::MfaCode;

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
    /// The request has not met the service.
    Unreachable(Obstacle),
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
                Self::Refused {
                    status: refusal.raw().status().as_u16(),
                    code: without_codes(code, codes),
                    message: without_codes(metadata.message().unwrap_or_default().trim(), codes),
                }
            }
            SdkError::TimeoutError(_) => Self::NoAnswer,
            SdkError::DispatchFailure(_) => Self::undelivered(error),
            SdkError::ResponseError(response) => {
                if cause::<LengthLimitError>(error).is_some()
                    || whole_text(error).contains("length limit exceeded")
                {
                    return Self::Foreign {
                        status: response.raw().status().as_u16(),
                        evidence: "it is longer than any of its answers".to_owned(),
                    };
                }
                if cause::<io::Error>(error).is_some() || is_cut_off(error) {
                    return Self::BrokenOff;
                }
                Self::foreign(response.raw())
            }
            _ => Self::Unbuilt,
        }
    }

    /// Everything that keeps a request from being answered. Only what went wrong before there was a connection has surely not met
    /// the service.
    pub(super) fn undelivered(error: &(dyn Error + 'static)) -> Self {
        let text = whole_text(error);
        let kind = cause::<io::Error>(error).map(io::Error::kind);
        if !text.contains(WHILE_CONNECTING) {
            return match kind {
                Some(io::ErrorKind::TimedOut) => Self::NoAnswer,
                _ => Self::BrokenOff,
            };
        }
        Self::Unreachable(obstacle(&text, kind))
    }

    fn foreign(response: &HttpResponse) -> Self {
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.split(';').next())
            .unwrap_or("unknown");
        let status = response.status().as_u16();
        // Of the proxy that a plain request went to: the service has no such answer.
        if status == PROXY_AUTHENTICATION_REQUIRED {
            let asks = response.headers().get_all("proxy-authenticate");
            let schemes = asks.filter_map(|asks| asks.split([' ', ',']).next());
            return Self::Unreachable(Obstacle::Proxy(ProxyAnswer {
                status: Some(status),
                schemes: schemes.map(str::to_owned).collect(),
            }));
        }
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
            Self::Unreachable(_) | Self::Unbuilt => false,
        }
    }
}

/// Whether a refusal is about the clock of this machine.
pub fn is_of_clock(code: &str, message: &str) -> bool {
    code == "RequestExpired"
        || message.contains("Signature expired")
        || message.contains("Signature not yet current")
}

/// An answer may quote what it complains of.
fn without_codes(text: &str, codes: &[MfaCode]) -> String {
    codes.iter().fold(text.to_owned(), |text, sent| {
        text.replace(sent.expose(), "(the code)")
    })
}

/// What kept a connection from coming about, in the words of the libraries for TLS, proxies and HTTP.
fn obstacle(text: &str, kind: Option<io::ErrorKind>) -> Obstacle {
    if let Some(flaw) = text.split("invalid peer certificate: ").nth(1) {
        return Obstacle::Distrust(flaw_of(flaw), None);
    }
    if text.contains("received corrupt message") || text.contains("received fatal alert") {
        return Obstacle::NoTls;
    }
    if text.contains("tunnel error: proxy authorization required") {
        return Obstacle::Proxy(ProxyAnswer {
            status: Some(PROXY_AUTHENTICATION_REQUIRED),
            schemes: Vec::new(),
        });
    }
    if text.contains("tunnel error: ") && !text.contains("underlying connection") {
        return Obstacle::Proxy(ProxyAnswer::default());
    }
    if text.contains("failed to lookup address") || text.contains("dns error") {
        return Obstacle::UnknownName;
    }
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => Obstacle::Refused,
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            Obstacle::NoNetwork
        }
        Some(io::ErrorKind::TimedOut) => Obstacle::NoConnection,
        _ if text.contains("timeout occurred") => Obstacle::NoConnection,
        _ => Obstacle::Failed,
    }
}

/// What is wrong with a certificate, in the words of the TLS library.
fn flaw_of(text: &str) -> Flaw {
    // An authority's own certificate, as most that somebody has made by hand are.
    if text.starts_with("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
        Flaw::UnknownIssuer
    } else if text.starts_with("certificate expired") || text.starts_with("Expired") {
        Flaw::Expired
    } else if text.starts_with("certificate not valid yet") || text.starts_with("NotValidYet") {
        Flaw::NotYetValid
    } else if text.starts_with("certificate not valid for name")
        || text.starts_with("NotValidForName")
    {
        Flaw::WrongName
    } else {
        let word = text.split([' ', ':', ',', '(', '{']).next().unwrap_or(text);
        Flaw::Other(word.to_owned())
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
