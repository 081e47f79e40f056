//! Defines why a request got no successful answer, from an unknown host name to a refusal.
//!
//! Nothing in it is an error chain or a request of the SDK: both can hold the code.

use std::error::Error;
use std::io;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::connect_error::{ConnectError, PROXY_AUTHENTICATION_REQUIRED, ProxyAnswer};
use super::library_errors::{cause, connect_error, io_kind, is_cut_off};
use crate::core::aws_errors;
use crate::core::mfa_code::MfaCode;
use crate::core::text::message;

/// What went wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// The service has said why not.
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// Something answered that is not the service, or not wholly.
    Foreign { status: u16, evidence: String },
    /// The request has not met the service.
    Unreachable(ConnectError),
    /// There was no answer in time. Whether it was carried out is not known.
    NoAnswer,
    /// The connection ended before the answer did. Whether it was carried out is not known.
    BrokenOff,
    /// The SDK could not make a request of it.
    Unbuilt,
}

impl RequestError {
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
                    message: message(&without_codes(
                        metadata.message().unwrap_or_default(),
                        codes,
                    )),
                }
            }
            SdkError::TimeoutError(_) => Self::NoAnswer,
            SdkError::DispatchFailure(_) => Self::undelivered(error),
            SdkError::ResponseError(response) => {
                if cause::<LengthLimitError>(error).is_some() {
                    return Self::Foreign {
                        status: response.raw().status().as_u16(),
                        evidence: "it is longer than any of its answers".to_owned(),
                    };
                }
                if is_cut_off(error) {
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
        let cause = cause::<hyper_util::client::legacy::Error>(error);
        if cause.is_some_and(hyper_util::client::legacy::Error::is_connect) {
            return Self::Unreachable(connect_error(error));
        }
        match io_kind(error) {
            Some(io::ErrorKind::TimedOut) => Self::NoAnswer,
            _ => Self::BrokenOff,
        }
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
            return Self::Unreachable(ConnectError::Proxy(ProxyAnswer {
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
            Self::Refused { status, code, .. } => {
                *status >= 500 || aws_errors::is_throttling(*status, code)
            }
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

/// An answer may quote what it complains of.
fn without_codes(text: &str, codes: &[MfaCode]) -> String {
    codes.iter().fold(text.to_owned(), |text, sent| {
        text.replace(sent.expose(), "(the code)")
    })
}
