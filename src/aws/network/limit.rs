//! Limits how much of a response is read, because all of it is in memory until it is complete. The call limits the time, and the
//! HTTP client limits the number of headers.

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// More bytes than any response has.
const MOST: usize = 1024 * 1024;
/// The only one that grows with the account: of 5,000 users, which is AWS's usual limit, it has about three million.
const MOST_OF_REPORT: usize = 64 * 1024 * 1024;
const REPORT: &[u8] = b"Action=GetCredentialReport&";

/// Reads at most this much of each response.
#[derive(Debug)]
pub(super) struct Limit;

impl Intercept for Limit {
    fn name(&self) -> &'static str {
        "limit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context
            .inner()
            .request()
            .map(aws_sdk_sts::config::http::HttpRequest::body)
            .and_then(SdkBody::bytes)
            .unwrap_or_default();
        let most = if request.starts_with(REPORT) {
            MOST_OF_REPORT
        } else {
            MOST
        };
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, most));
        Ok(())
    }
}
