//! Traces each request and each response in one line, and measures AWS's clock. It reads nothing else in them, because they contain
//! codes and credentials.

use std::sync::Mutex;
use std::time::Instant;

use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use chrono::{DateTime, Utc};

use super::preparation::Prepared;
use crate::core::clock;
use crate::report::Report;

/// The name of the call comes first in its body: <https://docs.aws.amazon.com/STS/latest/APIReference/CommonParameters.html>.
const ACTION: &[u8] = b"Action=";
/// The header with the ID of a request.
const REQUEST_ID: &str = "x-amzn-requestid";

/// Traces the requests of one client, which sends them one after the other.
#[derive(Debug)]
pub(super) struct Tracing {
    report: Report,
    /// Whether TLS proves that the response is from AWS: the server that sets the time gets a signature for that time.
    is_authentic: bool,
    begin: Mutex<Option<Instant>>,
}

impl Tracing {
    pub fn new(report: Report, prepared: &Prepared) -> Self {
        Self {
            report,
            is_authentic: prepared.is_authentic(),
            begin: Mutex::new(None),
        }
    }

    /// The time since the one before, in milliseconds.
    fn next(&self) -> u128 {
        let mut begin = self
            .begin
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = begin.replace(Instant::now());
        before.map_or(0, |before| before.elapsed().as_millis())
    }
}

/// Whether a text is an ID, and not an echo of something that was sent.
fn is_id(id: &str) -> bool {
    const LONG: usize = 16;
    id.len() >= LONG && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Intercept for Tracing {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.next();
        let request = context.request();
        let body = request.body().bytes().unwrap_or_default();
        let action = body.strip_prefix(ACTION).unwrap_or_default();
        let letters = action
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric());
        let action: String = letters.map(|byte| char::from(*byte)).collect();
        let uri = request.uri().parse::<http::Uri>().unwrap_or_default();
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        self.report.trace(format_args!(
            "> {action} to {}://{}",
            scheme.unwrap_or_default(),
            authority.map_or("", http::uri::Authority::as_str)
        ));
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let time = self.next();
        let response = context.response();
        let date = response.headers().get("date");
        if let Some(date) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            && self.is_authentic
        {
            clock::compare(date.with_timezone(&Utc));
        }
        let id = response.headers().get(REQUEST_ID);
        let id = id.filter(|id| is_id(id)).unwrap_or("none");
        self.report.trace(format_args!(
            "< status {} after {time} ms, request ID {id}",
            response.status()
        ));
        Ok(())
    }
}
