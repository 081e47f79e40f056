//! Posts to a service for which the SDK has no client.

use std::time::Duration;

use aws_sdk_sts::config::http::{HttpRequest, HttpResponse};
use aws_sdk_sts::error::{ErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_types::body::SdkBody;
use chrono::{DateTime, FixedOffset};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::connect_error::PROXY_AUTHENTICATION_REQUIRED;
use super::preparation::{Network, connect_timeout};
use super::request_context::RequestContext;
use super::request_error::RequestError;
use crate::core::aws_errors::is_throttling;
use crate::core::clock;
use crate::core::credentials::Secret;
use crate::core::text::message;

/// How often the same is posted.
const TRIES: u32 = 3;
/// The pause before the second try. It grows with each try.
const PAUSE: Duration = Duration::from_millis(300);
/// More bytes than any response has.
const MOST: usize = 256 * 1024;

/// What is posted. It changes nothing that matters if it is posted again.
pub struct Post<'a> {
    /// The name of the action, for the trace.
    pub name: &'a str,
    pub path: &'a str,
    /// The media type of the body.
    pub kind: &'a str,
    pub body: &'a Zeroizing<String>,
    /// A header that is made for each request to an address.
    pub proof: Option<(&'static str, Proof<'a>)>,
}

/// Makes the value of a header for an address.
pub type Proof<'a> = &'a dyn Fn(&str) -> anyhow::Result<Secret>;

/// A response.
pub struct PostAnswer {
    pub status: u16,
    /// The time by the service's clock.
    date: Option<DateTime<FixedOffset>>,
    /// The media type of the body.
    pub kind: String,
    pub body: Zeroizing<Vec<u8>>,
}

impl Network {
    /// Posts, and posts again if nothing came of it. The trace gets the name of the action, and nothing of the request or the response.
    pub fn post(
        &self,
        request: &RequestContext<'_>,
        post: &Post<'_>,
    ) -> anyhow::Result<PostAnswer> {
        let Post { name, path, .. } = post;
        let prepared = self.prepared(request.connection)?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(connect_timeout(request.connection))
            .build();
        let pauses = SharedAsyncSleep::new(TokioSleep::new());
        let connector = prepared.connectors.connector(Some(settings), Some(pauses));
        let url = prepared.route.url.to_string();
        let url = format!("{}{path}", url.trim_end_matches('/'));
        let host = prepared.route.host();
        let answer = self.wait_for(request.connection, async {
            let deadline = Instant::now() + request.connection.timeout.value;
            let mut tries = 1;
            loop {
                let scheme = prepared.route.url.scheme_str().unwrap_or_default();
                self.report
                    .trace(format_args!("> {name} to {scheme}://{host}"));
                let begin = Instant::now();
                let answer = self.send(request, || send(&connector, &url, post)).await;
                if let Ok(answer) = &answer {
                    let time = begin.elapsed().as_millis();
                    self.report
                        .trace(format_args!("< status {} after {time} ms", answer.status));
                    if let Some(date) = answer.date
                        && prepared.is_authentic()
                    {
                        clock::compare(date.to_utc());
                    }
                }
                let may_pass = match &answer {
                    Ok(answer) => answer.status >= 500 || is_throttling(answer.status, ""),
                    Err(RequestError::Unreachable(error)) => error.may_pass(),
                    // What is posted may be posted again.
                    Err(RequestError::BrokenOff) => true,
                    Err(_) => false,
                };
                let pause = PAUSE * tries;
                let is_late =
                    Instant::now() + pause + connect_timeout(request.connection) > deadline;
                if !may_pass || tries == TRIES || is_late {
                    return answer;
                }
                sleep(pause).await;
                tries += 1;
            }
        });
        answer.map_err(|error| request.explain(&error).into())
    }
}

async fn send(
    connector: &Connector,
    url: &str,
    post: &Post<'_>,
) -> Result<PostAnswer, SdkError<ErrorMetadata, HttpResponse>> {
    let mut request = HttpRequest::new(SdkBody::from(post.body.as_bytes()));
    let built = request.set_method("POST");
    built.map_err(SdkError::construction_failure)?;
    let built = request.set_uri(url);
    built.map_err(SdkError::construction_failure)?;
    let headers = request.headers_mut();
    headers.insert("content-type", post.kind.to_owned());
    headers.insert("accept", "application/json");
    headers.insert(
        "user-agent",
        concat!("mfa-creds/", env!("CARGO_PKG_VERSION")),
    );
    if let Some((name, proof)) = post.proof {
        let proof = proof(url).map_err(SdkError::construction_failure)?;
        headers.insert(name, proof.expose().to_owned());
    }
    let answer = connector.call(request).await;
    let mut answer = answer.map_err(SdkError::dispatch_failure)?;
    let status = answer.status().as_u16();
    if status == PROXY_AUTHENTICATION_REQUIRED {
        return Err(SdkError::response_error("a proxy answers", answer));
    }
    let date = answer.headers().get("date");
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let kind = answer.headers().get("content-type");
    let kind = kind.and_then(|kind| kind.split(';').next());
    let kind = message(kind.unwrap_or("unknown"));
    match Limited::new(answer.take_body(), MOST).collect().await {
        Ok(whole) => Ok(PostAnswer {
            status,
            date,
            kind,
            body: Zeroizing::new(whole.to_bytes().to_vec()),
        }),
        Err(error) => Err(SdkError::response_error(error, answer)),
    }
}
