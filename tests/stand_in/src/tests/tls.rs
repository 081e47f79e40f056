//! The stand-in over TLS: whom a client trusts, and what faults look like from within.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Answer, Client, alice_at_a_quiet_time, read_answer};
use super::tls_client::{BOTH, NEW, OLD, Stream, Trust};
use crate::{ALICE_DEVICE, Account, Authority, Fault, Identity, StandIn};

fn start(identity: impl Fn(&Authority) -> Identity) -> (StandIn, Trust) {
    let authority = Authority::new("Fake Authority");
    let stand_in = StandIn::start_tls(Account::example(), &identity(&authority));
    (stand_in, Trust::of(&authority))
}

fn connect(stand_in: &StandIn, trust: &Trust, name: &'static str) -> io::Result<Stream> {
    trust.speak(Client::alice(stand_in).connect()?, name)
}

fn call(stand_in: &StandIn, trust: &Trust) -> io::Result<Answer> {
    let mut stream = connect(stand_in, trust, "127.0.0.1")?;
    stream.write_all(&Client::alice(stand_in).message("GetCallerIdentity", &[]))?;
    read_answer(&mut stream)
}

fn at_loopback(authority: &Authority) -> Identity {
    authority.identity(&["sts.amazonaws.com", "127.0.0.1"])
}

/// Waits until the stand-in has seen so many clients give up.
fn await_failed_handshakes(stand_in: &StandIn, count: usize) {
    let start = Instant::now();
    while stand_in.handshakes_failed() < count && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(stand_in.handshakes_failed(), count);
}

#[test]
fn it_answers_over_both_versions_of_tls() {
    let (stand_in, mut trust) = start(at_loopback);
    assert!(stand_in.url().starts_with("https://127.0.0.1:"));
    let alice = Client::alice(&stand_in);
    for versions in [OLD, NEW, BOTH] {
        trust.versions = versions;
        let mut stream = connect(&stand_in, &trust, "sts.amazonaws.com").unwrap();
        for _ in 0..2 {
            let message = alice.message("GetCallerIdentity", &[]);
            stream.write_all(&message).unwrap();
            assert_eq!(read_answer(&mut stream).unwrap().status, 200);
        }
    }
    assert_eq!((stand_in.calls(), stand_in.handshakes_failed()), (6, 0));
}

#[test]
fn a_server_is_believed_for_its_names_and_days_only() {
    let error = |identity: fn(&Authority) -> Identity, name| {
        let (stand_in, trust) = start(identity);
        let error = connect(&stand_in, &trust, name).unwrap_err().to_string();
        await_failed_handshakes(&stand_in, 1);
        assert_eq!(stand_in.calls(), 0);
        error
    };
    let wrong_name = error(at_loopback, "iam.amazonaws.com");
    assert!(wrong_name.contains("not valid for name"), "{wrong_name}");
    let ended = error(|it| it.expired_identity(&["127.0.0.1"]), "127.0.0.1");
    assert!(ended.contains("certificate expired"), "{ended}");
    let to_come = error(|it| it.future_identity(&["127.0.0.1"]), "127.0.0.1");
    assert!(to_come.contains("not valid yet"), "{to_come}");
}

#[test]
fn another_authority_of_the_same_name_is_not_believed() {
    let (stand_in, trust) = start(at_loopback);
    let other = Trust::of(&Authority::new("Fake Authority"));
    assert!(connect(&stand_in, &other, "127.0.0.1").is_err());
    await_failed_handshakes(&stand_in, 1);
    let answer = call(&stand_in, &trust);
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn what_is_not_tls_disturbs_nobody() {
    let (stand_in, trust) = start(at_loopback);
    let alice = Client::alice(&stand_in);
    let silent = alice.connect().unwrap();
    stand_in.fault(Fault::Throttling);
    let mut plain = alice.connect().unwrap();
    plain
        .write_all(&alice.message("GetCallerIdentity", &[]))
        .unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told);
    assert!(!told.starts_with(b"HTTP"));
    await_failed_handshakes(&stand_in, 1);
    assert_eq!(stand_in.calls(), 0);
    // The fault waited for a request.
    assert_eq!(call(&stand_in, &trust).unwrap().status, 400);
    assert_eq!(call(&stand_in, &trust).unwrap().status, 200);

    let start = Instant::now();
    drop(stand_in);
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(silent);
}

#[test]
fn faults_are_the_same_as_without_tls() {
    for (fault, expected, costs_the_code) in [
        (Fault::ResetBeforeReading, ErrorKind::ConnectionReset, false),
        (Fault::ResetAfterSpending, ErrorKind::UnexpectedEof, true),
        (Fault::Truncated, ErrorKind::UnexpectedEof, true),
    ] {
        let (stand_in, trust) = start(at_loopback);
        let alice = alice_at_a_quiet_time(&stand_in);
        let code = stand_in.fresh_code(ALICE_DEVICE);
        let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
        let get_session = || {
            let mut stream = connect(&stand_in, &trust, "127.0.0.1")?;
            stream.write_all(&alice.message("GetSessionToken", &mfa))?;
            read_answer(&mut stream)
        };
        stand_in.fault(fault.clone());
        assert_eq!(get_session().unwrap_err().kind(), expected, "{fault:?}");
        assert_eq!(
            get_session().unwrap().status == 200,
            !costs_the_code,
            "{fault:?}"
        );
        assert_eq!(stand_in.calls(), 2);
    }
}

#[test]
fn an_orderly_end_is_told_of() {
    let (stand_in, trust) = start(at_loopback);
    let alice = Client::alice(&stand_in);
    let message = String::from_utf8(alice.message("GetCallerIdentity", &[])).unwrap();
    let message = message.replace("user-agent", "connection: close\r\nuser-agent");
    let mut stream = connect(&stand_in, &trust, "127.0.0.1").unwrap();
    stream.write_all(message.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    // Without the word of the server this would be an error.
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn no_answer_waits_for_an_acknowledgement() {
    let (stand_in, trust) = start(at_loopback);
    let times = (0..10).map(|_| {
        let start = Instant::now();
        assert_eq!(call(&stand_in, &trust).unwrap().status, 200);
        start.elapsed()
    });
    // It would be 40 ms each time.
    assert!(times.min().unwrap() < Duration::from_millis(35));
}
