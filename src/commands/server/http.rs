//! Answers requests for credentials.
//!
//! Every client needs the token of what it asks for. The server does not answer browsers: a page could make one send requests, also under
//! a name of its own that leads to this address (DNS rebinding). So a request that says where it comes from, or is for a host name of
//! somebody else, is refused, and no answer allows another site to read it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN,
};
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, spawn_local, yield_now};
use tokio::time::{sleep, timeout};

use super::supply::Supply;
use crate::commands::obtain::ObtainedCredentials;
use crate::core::clock::timestamp;
use crate::core::credentials::Secret;
use crate::core::text;

/// How many connections are open at the same time. For another one, the oldest is closed, so that clients that send nothing keep nobody
/// waiting.
const CONNECTIONS: usize = 64;
/// How long a client may take to send a request.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// How long a connection may last.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
/// How large a request may be, in bytes: the least that the library takes.
const MOST_BYTES: usize = 8192;
/// How many headers a request may have.
const MOST_HEADERS: usize = 64;
/// How long to wait if the system has no more sockets.
const EXHAUSTED: Duration = Duration::from_millis(200);
/// The host names under which containers reach the host that they run on, and this machine's own.
const NAMES: [&str; 4] = [
    "localhost",
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
];
/// Whether a request comes from a page: <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site>.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What a server has at a path.
pub(in crate::commands) struct Route {
    pub url: String,
    pub token: Secret,
    pub(super) path: String,
    pub(super) supply: Rc<Supply>,
}

/// Credentials, as the SDKs read them:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<&'a str>,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
    /// botocore, and the SDKs for Rust and others read it here, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// An error, as the SDKs read it.
#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    message: &'a str,
}

type Body = Full<Bytes>;

/// Answers requests.
pub(super) async fn serve(listener: TcpListener, routes: Vec<Route>) {
    let routes = Rc::new(routes);
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(EXHAUSTED).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let routes = Rc::clone(&routes);
        let task = spawn_local(async move {
            // A client that is too slow gets no answer.
            let _ = timeout(CONNECTION_TIME, connection(stream, &routes)).await;
        });
        open.push_back(task.abort_handle());
        // What has sent its request already gets its answer first.
        yield_now().await;
    }
}

async fn connection(stream: TcpStream, routes: &[Route]) {
    let service =
        service_fn(|request| async move { Ok::<_, Infallible>(answer(&request, routes).await) });
    // An error is the client's: it has sent something else, or has gone away.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MOST_BYTES)
        .max_headers(MOST_HEADERS)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: &Request<Incoming>, routes: &[Route]) -> Response<Body> {
    let headers = request.headers();
    if headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE) || !is_for_us(request) {
        return refusal(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "this server is not for browsers",
        );
    }
    let path = request.uri().path();
    let Some(route) = routes.iter().find(|route| is_of(route, path, headers)) else {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "the Authorization header does not have the token for this path",
        );
    };
    if request.method() != Method::GET {
        let mut refused = refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "use GET",
        );
        let allowed = HeaderValue::from_static("GET");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    match route.supply.get().await {
        Ok(obtained) => found(&obtained),
        // Not one of the errors after which SDKs ask again and again.
        Err(why) => refusal(StatusCode::NOT_FOUND, "CredentialsNotAvailable", &why),
    }
}

/// Whether a request is for this server, by whatever address or name it can be reached: in its only Host header, and in its URL if that
/// names a host.
fn is_for_us(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = Authority::try_from(host.as_bytes());
    host.is_ok_and(|host| is_ours(&host)) && request.uri().authority().is_none_or(is_ours)
}

fn is_ours(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok() || NAMES.iter().any(|name| host.eq_ignore_ascii_case(name))
}

/// Whether a request has the token of a path. How long the comparison takes tells nothing about the token.
fn is_of(route: &Route, path: &str, headers: &HeaderMap) -> bool {
    let token = headers
        .get(AUTHORIZATION)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let is_authorized: bool = token.ct_eq(route.token.expose().as_bytes()).into();
    is_authorized && route.path == path
}

fn found(obtained: &ObtainedCredentials) -> Response<Body> {
    let credentials = &obtained.credentials;
    let answer = Answer {
        role_arn: credentials.role_arn.as_deref(),
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose(),
        token: credentials.session_token.expose(),
        expiration: timestamp(credentials.expiration),
        account_id: obtained.account_id.as_deref(),
    };
    response(StatusCode::OK, &answer)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    response(status, &Refusal { code, message })
}

fn response(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text = text::json(value).map(|text| Bytes::copy_from_slice(text.as_bytes()));
    let (status, body) = match text {
        Ok(text) => (status, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
