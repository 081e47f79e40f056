//! Faults on demand: what networks, proxies and AWS itself do now and then.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use crate::errors::AwsError;
use crate::http::HttpResponse;

const LOGIN_URL: &str = "http://login.example/";
const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>\
    <h1>Welcome to the guest network</h1><form method=\"post\" action=\"/login\">\
    <input name=\"user\"><button>Log in</button></form></body></html>\n";
const MOVED_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>302 Found</title></head><body>\
    <a href=\"http://login.example/\">Log in</a></body></html>\n";
const BAD_GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\
    \r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// Something that goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS is asked too often: status 400, `Throttling`. No code is spent.
    Throttling,
    /// Status 500, `InternalFailure`. No code is spent.
    InternalError,
    /// Status 503, `ServiceUnavailable`. No code is spent.
    ServiceUnavailable,
    /// STS is switched off in the region. No code is spent. `GetCallerIdentity` still answers.
    RegionDisabled,
    /// Any other refusal of the service. No code is spent.
    Refused {
        /// The status of HTTP.
        status: u16,
        /// AWS's code of the error; of AWS Sign-In, its `error`, such as `TOKEN_EXPIRED`.
        code: &'static str,
        /// AWS's text.
        message: &'static str,
    },
    /// The connection is reset once the first byte of the request is there. No code is spent.
    ResetBeforeReading,
    /// The request is carried out, so the code is spent; then the connection closes unanswered.
    ResetAfterSpending,
    /// The request is carried out at once, but answered only after this time.
    Hang(Duration),
    /// The request is not carried out, and that is answered only after this time: status 503.
    Stalled(Duration),
    /// The request is carried out, but only half of the body arrives.
    Truncated,
    /// A captive portal answers: status 200, and an HTML page. No code is spent.
    HtmlLoginPage,
    /// A captive portal sends the client to its login page: status 302. No code is spent.
    Redirect,
    /// A load balancer answers in place of the service: status 502, and an HTML page. No code is
    /// spent.
    BadGateway,
    /// Status 200 without a body. No code is spent.
    Empty200,
    /// Status 200 with this JSON, whatever it says. The request is not carried out.
    Json(&'static str),
    /// The request is carried out, but the answer has no credentials.
    NoCredentials,
    /// The request is carried out, and `Expiration` has microseconds, as moto and `LocalStack`
    /// write it.
    Fractional,
    /// Before a session of `aws login` is refreshed, another client refreshes it, and writes this
    /// cache file.
    Overtaken(PathBuf),
}

impl Fault {
    /// The error that is answered in place of carrying out the request.
    pub(crate) fn error(&self, account_id: &str) -> Option<AwsError> {
        match self {
            Self::Throttling => Some(AwsError::new(400, "Throttling", "Rate exceeded")),
            Self::InternalError => Some(AwsError::new(
                500,
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or \
                 failure.",
            )),
            Self::ServiceUnavailable | Self::Stalled(_) => Some(AwsError::new(
                503,
                "ServiceUnavailable",
                "The request has failed due to a temporary failure of the server.",
            )),
            Self::RegionDisabled => Some(AwsError::region_disabled(account_id)),
            Self::Refused {
                status,
                code,
                message,
            } => Some(AwsError::new(*status, code, *message)),
            _ => None,
        }
    }

    /// What somebody else answers, before the request comes to the service.
    pub(crate) fn page(&self) -> Option<HttpResponse> {
        let page = |status, page| HttpResponse::new(status, "text/html; charset=utf-8", page);
        match self {
            Self::HtmlLoginPage => Some(page(200, LOGIN_PAGE)),
            Self::Redirect => Some(page(302, MOVED_PAGE).header("Location", LOGIN_URL)),
            Self::BadGateway => Some(page(502, BAD_GATEWAY_PAGE)),
            Self::Json(text) => Some(HttpResponse::new(200, "application/json", *text)),
            _ => None,
        }
    }
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) once: VecDeque<Fault>,
    pub(crate) always: Option<Fault>,
}

impl Faults {
    /// The fault of the next request.
    pub(crate) fn take(&mut self) -> Option<Fault> {
        self.once.pop_front().or_else(|| self.always.clone())
    }
}
