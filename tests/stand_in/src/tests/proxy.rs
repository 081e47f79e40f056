//! The proxy: what it lets through and where to, and how it fails.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Answer, Client, read_answer};
use super::tls_client::Trust;
use crate::encoding::base64;
use crate::{Account, Authority, Fault, Proxy, ProxyRequest, Route, StandIn};

const HOST: &str = "sts.us-gov-west-1.amazonaws.com";
const TUNNEL: &str = "CONNECT sts.us-gov-west-1.amazonaws.com:443 HTTP/1.1\r\nHost: \
    sts.us-gov-west-1.amazonaws.com:443\r\n";

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    let patience = Duration::from_secs(10);
    stream.set_read_timeout(Some(patience)).unwrap();
    stream
}

fn login(user: &str, password: &str) -> String {
    let login = base64(format!("{user}:{password}").as_bytes());
    format!("Proxy-Authorization: Basic {login}\r\n")
}

/// A client that takes the stand-in for the service at its own address.
fn alice(stand_in: &StandIn) -> Client {
    let mut alice = Client::alice(stand_in);
    alice.url = format!("http://{HOST}");
    alice
}

/// The plain request that asks who alice is, by way of a proxy.
fn plain(alice: &Client, headers: &str) -> Vec<u8> {
    let message = String::from_utf8(alice.message("GetCallerIdentity", &[])).unwrap();
    let first = format!("POST http://{HOST}/ HTTP/1.1\r\n{headers}");
    message.replacen("POST / HTTP/1.1\r\n", &first, 1).into()
}

/// Asks for a tunnel, and reads up to where it begins.
fn open_tunnel(stream: &mut TcpStream, headers: &str) -> String {
    let message = format!("{TUNNEL}{headers}\r\n");
    stream.write_all(message.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap()
}

/// Asks for a tunnel that is refused, on a connection that stays open.
fn refused_tunnel(stream: &mut TcpStream, headers: &str) -> Answer {
    let message = format!("{TUNNEL}{headers}\r\n");
    stream.write_all(message.as_bytes()).unwrap();
    let answer = read_answer(stream).unwrap();
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(answer.body.starts_with("<!DOCTYPE html>"));
    answer
}

#[test]
fn a_tunnel_leads_to_the_stand_in_whatever_host_is_asked_for() {
    let authority = Authority::new("Fake Authority");
    let stand_in = StandIn::start_tls(Account::example(), &authority.identity(&[HOST]));
    let proxy = Proxy::start(Route::to(stand_in.address()));
    let alice = alice(&stand_in);
    let times: Vec<_> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let mut stream = connect(&proxy);
            let head = open_tunnel(&mut stream, "");
            assert_eq!(head, "HTTP/1.1 200 Connection established\r\n\r\n");
            let mut stream = Trust::of(&authority).speak(stream, HOST).unwrap();
            for _ in 0..2 {
                let message = alice.message("GetCallerIdentity", &[]);
                stream.write_all(&message).unwrap();
                assert_eq!(read_answer(&mut stream).unwrap().status, 200);
            }
            start.elapsed()
        })
        .collect();
    assert_eq!((stand_in.calls(), proxy.requests().len()), (10, 5));
    assert_eq!(
        proxy.requests()[0],
        ProxyRequest {
            method: "CONNECT".to_owned(),
            target: format!("{HOST}:443"),
            authorization: None,
        }
    );
    // Each delayed acknowledgement would cost 40 ms.
    assert!(times.iter().min().unwrap() < &Duration::from_millis(35));
}

#[test]
fn a_plain_request_is_forwarded() {
    let stand_in = StandIn::start(Account::example());
    let proxy = Proxy::start(Route::to(stand_in.address()));
    let mut stream = connect(&proxy);
    stream.write_all(&plain(&alice(&stand_in), "")).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.text("Arn"), "arn:aws:iam::123456789012:user/alice");
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(stand_in.calls(), 1);
    assert_eq!(
        proxy.requests(),
        [ProxyRequest {
            method: "POST".to_owned(),
            target: format!("http://{HOST}/"),
            authorization: None,
        }]
    );
}

#[test]
fn who_does_not_log_in_is_not_let_through() {
    let stand_in = StandIn::start(Account::example());
    let route = Route::to(stand_in.address()).login("alice", "fake:pass word");
    let proxy = Proxy::start(route);
    let mut stream = connect(&proxy);
    for headers in [String::new(), login("alice", "wrong")] {
        let answer = refused_tunnel(&mut stream, &headers);
        assert_eq!(answer.status, 407);
        assert_eq!(
            answer.header("proxy-authenticate"),
            Some("Basic realm=\"fake\"")
        );
    }
    let right = login("alice", "fake:pass word");
    assert!(open_tunnel(&mut stream, &right).starts_with("HTTP/1.1 200 "));
    let alice = alice(&stand_in);
    let mut stream = connect(&proxy);
    stream.write_all(&plain(&alice, "")).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 407);
    stream.write_all(&plain(&alice, &right)).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    assert_eq!(stand_in.calls(), 1);

    let requests = proxy.requests();
    let logins = requests.iter().map(|it| it.authorization.as_deref());
    let logins: Vec<_> = logins.collect();
    let right = Some("alice:fake:pass word");
    assert_eq!(logins, [None, Some("alice:wrong"), right, None, right]);
}

#[test]
fn every_request_may_be_refused() {
    let stand_in = StandIn::start(Account::example());
    for status in [403, 502, 503] {
        let proxy = Proxy::start(Route::refused(status));
        let mut stream = connect(&proxy);
        assert_eq!(refused_tunnel(&mut stream, "").status, status);
        stream.write_all(&plain(&alice(&stand_in), "")).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, status);
        assert_eq!(proxy.requests().len(), 2);
    }
    assert_eq!(stand_in.calls(), 0);
}

#[test]
fn what_a_proxy_cannot_do_it_says() {
    let stand_in = StandIn::start(Account::example());
    let address = stand_in.address();
    let proxy = Proxy::start(Route::to(address));
    let mut stream = connect(&proxy);
    let message = alice(&stand_in).message("GetCallerIdentity", &[]);
    stream.write_all(&message).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 400);
    drop(stand_in);
    assert_eq!(refused_tunnel(&mut stream, "").status, 502);
}

#[test]
fn a_proxy_may_never_answer() {
    let proxy = Proxy::start(Route::hanging());
    let mut stream = connect(&proxy);
    let patience = Duration::from_millis(200);
    stream.set_read_timeout(Some(patience)).unwrap();
    write!(stream, "{TUNNEL}\r\n").unwrap();
    let kind = stream.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(proxy.requests().len(), 1);
    assert_stops_at_once(proxy);
}

#[test]
fn a_proxy_may_close_at_once() {
    let proxy = Proxy::start(Route::closing());
    let mut stream = connect(&proxy);
    let _ = write!(stream, "{TUNNEL}\r\n");
    let result = stream.read_to_end(&mut Vec::new());
    assert!(matches!(
        result.map_err(|error| error.kind()),
        Ok(0) | Err(ErrorKind::ConnectionReset)
    ));
    assert_eq!(proxy.requests(), []);
}

#[test]
fn a_fault_goes_through_a_tunnel() {
    let authority = Authority::new("Fake Authority");
    let stand_in = StandIn::start_tls(Account::example(), &authority.identity(&[HOST]));
    let proxy = Proxy::start(Route::to(stand_in.address()));
    let alice = alice(&stand_in);
    for fault in [
        Fault::ResetBeforeReading,
        Fault::ResetAfterSpending,
        Fault::Truncated,
    ] {
        stand_in.fault(fault);
        let mut stream = connect(&proxy);
        open_tunnel(&mut stream, "");
        let mut stream = Trust::of(&authority).speak(stream, HOST).unwrap();
        let message = alice.message("GetCallerIdentity", &[]);
        stream.write_all(&message).unwrap();
        let kind = read_answer(&mut stream).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::UnexpectedEof);
    }
}

#[test]
fn it_stops_at_once_whatever_goes_on() -> io::Result<()> {
    let stand_in = StandIn::start(Account::example());
    let proxy = Proxy::start(Route::to(stand_in.address()));
    let alice = alice(&stand_in);
    stand_in.fault_always(Fault::Hang(Duration::from_mins(1)));
    let mut tunnel = connect(&proxy);
    open_tunnel(&mut tunnel, "");
    tunnel.write_all(&alice.message("GetCallerIdentity", &[]))?;
    let mut forwarded = connect(&proxy);
    forwarded.write_all(&plain(&alice, ""))?;
    let mut idle = connect(&proxy);
    open_tunnel(&mut idle, "");
    let _silent = connect(&proxy);
    while stand_in.calls() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    assert_stops_at_once(proxy);
    for mut stream in [tunnel, forwarded, idle] {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
    Ok(())
}

fn assert_stops_at_once(proxy: Proxy) {
    let start = Instant::now();
    drop(proxy);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
#[should_panic(expected = "192.0.2.1:443 is not a loopback address")]
fn it_leads_nowhere_but_to_the_loopback_interface() {
    let _ = Route::to("192.0.2.1:443".parse().unwrap());
}
