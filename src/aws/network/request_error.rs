//! Defines why a request got no successful response, from an unknown host name to a refusal.
//!
//! It contains no error chain and no request of the SDK: both can contain the code.

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
    /// The service refused the request, with a reason.
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// The response is incomplete or not from the service.
    Foreign { status: u16, evidence: String },
    /// The request did not reach the service.
    Unreachable(ConnectError),
    /// There was no response before the timeout. The request may have worked.
    NoAnswer,
    /// The connection ended before the response did. The request may have worked.
    BrokenOff,
    /// The SDK could not build the request.
    Unbuilt,
}

impl RequestError {
    /// Classifies an error of the SDK. The result contains none of the codes that were sent.
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
                        evidence: "it is too long".to_owned(),
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

    /// Classifies an error of a request without a response. Only a failure before the connection is sure not to have reached the
    /// service.
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
        // From the proxy of a plain request: the service never responds like this.
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
            evidence: format!("its status is {status}, and its type is {}", message(kind)),
        }
    }

    /// The code and the message of a refusal.
    pub fn refusal(&self) -> Option<(&str, &str)> {
        match self {
            Self::Refused { code, message, .. } => Some((code, message)),
            _ => None,
        }
    }

    /// Whether the service did not process the request for internal reasons, so that it may be repeated.
    pub fn is_of_service(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                *status >= 500 || aws_errors::is_throttling(*status, code)
            }
            Self::Foreign { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the request may have worked anyway.
    pub fn may_have_worked(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Foreign { .. } | Self::NoAnswer | Self::BrokenOff => true,
            Self::Unreachable(_) | Self::Unbuilt => false,
        }
    }
}

/// Masks the codes: a response may quote them.
fn without_codes(text: &str, codes: &[MfaCode]) -> String {
    codes.iter().fold(text.to_owned(), |text, sent| {
        text.replace(sent.expose(), "(the code)")
    })
}
