//! Connections, parallel clients, and the end.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, read_answer};
use crate::{ALICE_DEVICE, Account, Fault, StandIn};

#[test]
fn a_connection_serves_many_requests() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let mut stream = alice.connect().unwrap();
    for _ in 0..3 {
        stream
            .write_all(&alice.message("GetCallerIdentity", &[]))
            .unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    }
    assert_eq!(stand_in.calls(), 3);
}

#[test]
fn sixty_four_clients_are_served_at_once() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let session = alice.with(&alice.call("GetSessionToken", &[]));
                assert_eq!(session.call("GetCallerIdentity", &[]).status, 200);
            });
        }
    });
    assert_eq!(stand_in.calls(), 128);
    assert!(
        stand_in
            .requests()
            .iter()
            .all(|request| request.status == Some(200))
    );
}

#[test]
fn what_is_not_a_request_is_refused() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    for (message, status) in [
        (&b"\x16\x03\x01 hello\r\n\r\n"[..], 400),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
    ] {
        let mut stream = alice.connect().unwrap();
        stream.write_all(message).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, status);
    }
}

#[test]
fn it_stops_at_once_whatever_its_clients_do() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    stand_in.fault(Fault::Hang(Duration::from_mins(1)));
    let mut hanging = alice.connect().unwrap();
    hanging
        .write_all(&alice.message("GetSessionToken", &[]))
        .unwrap();
    // The fault is for the request whose first byte comes first.
    while stand_in.calls() == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    let mut silent = alice.connect().unwrap();
    let mut midway = alice.connect().unwrap();
    midway.write_all(b"POST / HTTP/1.1\r\n").unwrap();

    let start = Instant::now();
    drop(stand_in);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    for stream in [&mut hanging, &mut silent, &mut midway] {
        let mut rest = Vec::new();
        // An orderly end or a reset, but no answer.
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
}

#[test]
fn it_listens_on_the_loopback_interface_only() {
    let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = StandIn::start_on(address, Account::example()).unwrap_err();
    assert_eq!(error.to_string(), "0.0.0.0:0 is not a loopback address");
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    assert!(StandIn::start_on(address, Account::example()).is_ok());
}

#[test]
#[should_panic(expected = "there is no MFA device nobody")]
fn a_device_that_does_not_exist_shows_no_code() {
    let stand_in = StandIn::start(Account::example());
    assert_eq!(stand_in.code(ALICE_DEVICE).len(), 6);
    let _ = stand_in.code("nobody");
}
