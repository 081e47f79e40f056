//! Hands an address that is a secret to a browser.
//!
//! Every user of a machine sees the arguments of every program. So the browser is started with the address of a server on this machine,
//! which redirects to the secret one, once. A private file would hide it as well, but browsers in snap or Flatpak cannot read one. Where
//! the system tells whose a connection is, the server redirects no other user.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::future::{Either, select};
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::browser::{Opener, PRINT, no_browser};
use super::peer;
use crate::commands::server;
use crate::core::credentials::Secret;
use crate::core::error::{Failure, reason};
use crate::core::wait::NOTICE_AFTER;
use crate::prompt::child;
use crate::report::Report;

/// How long a browser may take to ask.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a client may take to send a request. Browsers also open connections that they use later.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long to wait if the system has no more sockets.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// What redirects a browser, once.
struct Page {
    /// Nobody can guess it.
    path: Secret,
    to: Secret,
    address: SocketAddr,
    is_taken: Cell<bool>,
    fetched: Notify,
    report: Report,
}

/// How it ended.
enum End {
    Fetched,
    NotFetched,
    NoBrowser,
}

/// Opens a browser at an address, and waits until it has fetched that.
pub(super) fn hand_over(openers: Vec<Opener>, to: Secret, report: Report) -> Result<()> {
    let runtime = child::runtime()?;
    let tried: Vec<String> = openers.iter().map(ToString::to_string).collect();
    let tasks = LocalSet::new();
    let end = tasks.block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("this machine has no port for the browser")?;
        let address = listener.local_addr();
        let address = address.context("the server for the browser has no address")?;
        let page = Rc::new(Page {
            path: Secret::new(format!("/{}", server::token()?.expose())),
            to,
            address,
            is_taken: Cell::new(false),
            fetched: Notify::new(),
            report,
        });
        spawn_local(serve(listener, Rc::clone(&page)));
        let mut opening = pin!(open(openers, &page));
        anyhow::Ok(match timeout(NOTICE_AFTER, opening.as_mut()).await {
            Ok(end) => end,
            Err(_elapsed) => {
                let _shown = report.waiting_unless_quiet("waiting for the browser");
                opening.await
            }
        })
    })?;
    match end {
        End::Fetched => Ok(()),
        End::NotFetched => bail!(
            Failure::new(format!(
                "no browser fetched the address within {} s",
                PATIENCE.as_secs()
            ))
            .hint(PRINT)
        ),
        End::NoBrowser => {
            let tried = tried.join(" and ");
            bail!(no_browser(&format!("{tried} failed")))
        }
    }
}

/// Tries one program after the other, until one of them has a browser that fetches the page.
async fn open(openers: Vec<Opener>, page: &Page) -> End {
    let deadline = Instant::now() + PATIENCE;
    let address = Secret::new(format!("http://{}{}", page.address, page.path.expose()));
    let mut fetched = pin!(page.fetched.notified());
    for opener in openers {
        let mut child = match opener.command(address.expose()).spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = reason(&error);
                page.report
                    .detail(format_args!("{opener} cannot be run: {why}"));
                continue;
            }
        };
        let ended = pin!(child.wait());
        match timeout_at(deadline, select(&mut fetched, ended)).await {
            Ok(Either::Left(_)) => return End::Fetched,
            // On Windows, the exit code tells nothing.
            Ok(Either::Right((Ok(status), _))) if status.success() || cfg!(windows) => {
                return match timeout_at(deadline, fetched).await {
                    Ok(()) => End::Fetched,
                    Err(_elapsed) => End::NotFetched,
                };
            }
            Ok(Either::Right(_)) => page.report.detail(format_args!("{opener} failed")),
            Err(_elapsed) => return End::NotFetched,
        }
    }
    End::NoBrowser
}

async fn serve(listener: TcpListener, page: Rc<Page>) {
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            sleep(EXHAUSTED).await;
            continue;
        };
        let page = Rc::clone(&page);
        spawn_local(async move {
            // A client that is too slow gets no answer.
            let _ = timeout(PATIENCE, connection(stream, client, &page)).await;
        });
    }
}

async fn connection(stream: TcpStream, client: SocketAddr, page: &Page) {
    let has_fetched = Cell::new(false);
    let service = service_fn(|request| {
        let response = answer(&request, client, page);
        has_fetched.set(response.status() == StatusCode::FOUND);
        async { Ok::<_, Infallible>(response) }
    });
    // An error is the client's.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if has_fetched.get() {
        page.fetched.notify_one();
    }
}

fn answer(request: &Request<Incoming>, client: SocketAddr, page: &Page) -> Response<Empty<Bytes>> {
    let path = request.uri().path().as_bytes();
    let is_path: bool = path.ct_eq(page.path.expose().as_bytes()).into();
    if !is_path || request.method() != Method::GET || page.is_taken.get() {
        return response(StatusCode::NOT_FOUND);
    }
    if peer::is_of_another_user(client, page.address) {
        page.report.warning(
            "another user of this machine asked for the address of the console, and did not get it",
        );
        return response(StatusCode::FORBIDDEN);
    }
    let Ok(mut to) = HeaderValue::from_str(page.to.expose()) else {
        return response(StatusCode::INTERNAL_SERVER_ERROR);
    };
    to.set_sensitive(true);
    page.is_taken.set(true);
    let mut response = response(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, to);
    response
}

fn response(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
