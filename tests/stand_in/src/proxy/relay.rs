//! The connections to a proxy, and those that it makes.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{End, ProxyRequest, Route};
use crate::connections::{Connections, PATIENCE, make_ready};
use crate::encoding::from_base64;
use crate::http::{Connection, HttpRequest, HttpResponse, ReadError, reason};

/// Longer than a client waits.
const SILENCE: Duration = Duration::from_mins(10);
/// Headers that are for the proxy.
const NOT_PASSED_ON: [&str; 5] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
];

/// What the connections share.
#[derive(Debug)]
pub(super) struct Relay {
    route: Route,
    requests: Mutex<Vec<ProxyRequest>>,
}

impl Relay {
    pub(super) fn new(route: Route) -> Self {
        let requests = Mutex::default();
        Self { route, requests }
    }

    // A panic in another thread is that thread's failure; the list is whole at every moment.
    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<ProxyRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection until its end.
    pub(super) fn serve(&self, stream: TcpStream, connections: &Connections) {
        if matches!(self.route.end, End::Closed) {
            return;
        }
        let mut connection = Connection::new(stream);
        while connection.wait_for_request() {
            let (page, keep_alive) = match connection.read_request() {
                Ok(request) => {
                    let Some(page) = self.refusal(&request) else {
                        return self.lead_on(connection, &request, connections);
                    };
                    (page, request.keep_alive)
                }
                Err(ReadError::Refused(status)) => (page(status), false),
                Err(ReadError::Broken) => return,
            };
            if connection.write(&page, keep_alive).is_err() || !keep_alive {
                return;
            }
        }
    }

    /// What is answered in place of leading the request on. Notes the request.
    fn refusal(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let login = request.header("proxy-authorization").map(login);
        let may_pass = self.route.login.is_none() || self.route.login == login;
        self.requests().push(ProxyRequest {
            method: request.method.clone(),
            target: request.target.clone(),
            authorization: login,
        });
        match self.route.end {
            _ if !may_pass => Some(page(407).header("Proxy-Authenticate", "Basic realm=\"fake\"")),
            End::Refused(status) => Some(page(status)),
            End::To(_) if request.method != "CONNECT" && origin_form(request).is_none() => {
                Some(page(400))
            }
            _ => None,
        }
    }

    fn lead_on(
        &self,
        mut connection: Connection<TcpStream>,
        request: &HttpRequest,
        connections: &Connections,
    ) {
        let End::To(address) = self.route.end else {
            connections.wait(SILENCE);
            return;
        };
        let Ok(server) = connect(address) else {
            let _ = connection.write(&page(502), false);
            return;
        };
        let Some(_held) = connections.hold(&server) else {
            return;
        };
        // An error here is the end of the connection, and the client sees it.
        let _ = match origin_form(request) {
            Some(target) => forward(connection, &server, &message(request, target)),
            None => tunnel(connection, &server),
        };
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let server = TcpStream::connect_timeout(&address, PATIENCE)?;
    make_ready(&server);
    // The client knows how long it waits.
    server.set_read_timeout(None)?;
    Ok(server)
}

/// Sends one request on, and returns what comes of it until the server closes the connection.
fn forward(
    mut connection: Connection<TcpStream>,
    mut server: &TcpStream,
    message: &[u8],
) -> io::Result<()> {
    server.write_all(message)?;
    io::copy(&mut server, &mut connection.stream)?;
    Ok(())
}

/// Passes all bytes on, in both directions.
fn tunnel(mut connection: Connection<TcpStream>, server: &TcpStream) -> io::Result<()> {
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    connection.stream.write_all(established)?;
    let (client, early) = connection.into_parts();
    (&*server).write_all(&early)?;
    // The server may take its time to answer, and so may the client to ask.
    client.set_read_timeout(None)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &client, &mut &*server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &*server, &mut &client);
        // Nothing more comes, so the client need not go on either.
        let _ = client.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// The part of a whole `http` URL that its server is asked for.
fn origin_form(request: &HttpRequest) -> Option<&str> {
    let rest = request.target.strip_prefix("http://")?;
    Some(rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// The request as it goes to the server, which is to close the connection after its answer.
fn message(request: &HttpRequest, target: &str) -> Vec<u8> {
    let mut message = format!("{} {target} HTTP/1.1\r\n", request.method);
    for (name, value) in &request.headers {
        if !NOT_PASSED_ON.iter().any(|it| name.eq_ignore_ascii_case(it)) {
            message.extend([name, ": ", value, "\r\n"]);
        }
    }
    message.push_str("Connection: close\r\n\r\n");
    let mut message = message.into_bytes();
    message.extend_from_slice(&request.body);
    message
}

fn login(header: &str) -> String {
    let decoded = header.strip_prefix("Basic ").and_then(from_base64);
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.unwrap_or_else(|| header.to_owned())
}

fn page(status: u16) -> HttpResponse {
    let title = format!("{status} {}", reason(status));
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><p>Fake \
         Proxy, Inc.</p></body></html>\n"
    );
    HttpResponse::new(status, "text/html; charset=utf-8", page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_passed_on_without_what_was_for_the_proxy() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: "http://sts.amazonaws.com".to_owned(),
            headers: vec![
                header("Host", "sts.amazonaws.com"),
                header("Proxy-Authorization", "Basic dTpw"),
                header("Proxy-Connection", "keep-alive"),
                header("Connection", "keep-alive"),
                header("Content-Length", "3"),
            ],
            body: b"a=b".to_vec(),
            keep_alive: true,
        };
        let passed_on = message(&request, origin_form(&request).unwrap());
        assert_eq!(
            String::from_utf8(passed_on).unwrap(),
            "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\nContent-Length: 3\r\nConnection: \
             close\r\n\r\na=b"
        );
    }

    #[test]
    fn a_login_is_decoded_or_kept_as_it_came() {
        assert_eq!(login("Basic dTpw"), "u:p");
        assert_eq!(login("Bearer dTpw"), "Bearer dTpw");
        assert_eq!(login("Basic ?"), "Basic ?");
    }
}
