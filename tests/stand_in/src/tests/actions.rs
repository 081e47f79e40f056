//! `GetSessionToken` and `GetCallerIdentity`, and what is wrong with parameters.

use chrono::TimeDelta;

use super::client::{Answer, Client, alice_at_a_quiet_time};
use crate::{ALICE_DEVICE, Account, StandIn};

fn mfa(code: &str) -> [(&'static str, &str); 2] {
    [("SerialNumber", ALICE_DEVICE), ("TokenCode", code)]
}

#[test]
fn a_code_buys_a_session_that_works() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.code(ALICE_DEVICE);
    let answer = alice.call("GetSessionToken", &mfa(&code));
    assert!(answer.body.starts_with(
        "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  \
         <GetSessionTokenResult>\n    <Credentials>\n      <AccessKeyId>ASIAFAKE"
    ));
    assert!(answer.text("Expiration").ends_with('Z'));
    assert!(answer.head.contains("\r\nContent-Type: text/xml\r\n"));
    assert!(answer.head.contains("\r\nDate: "));
    let request_id = format!("\r\nx-amzn-RequestId: {}\r\n", answer.text("RequestId"));
    assert!(answer.head.contains(&request_id));
    let left = answer.expiration() - stand_in.now();
    assert!((43_190..=43_200).contains(&left.num_seconds()), "{left}");

    let identity = alice.with(&answer).call("GetCallerIdentity", &[]);
    assert_eq!(identity.text("Arn"), "arn:aws:iam::123456789012:user/alice");
    assert_eq!(identity.text("Account"), "123456789012");
    assert!(identity.text("UserId").starts_with("AIDAFAKE"));
}

#[test]
fn a_session_ends_with_its_granted_duration() {
    let stand_in = StandIn::start(Account::example());
    stand_in.granted_at_most(900);
    let alice = Client::alice(&stand_in);
    let answer = alice.call("GetSessionToken", &[("DurationSeconds", "129600")]);
    let session = alice.with(&answer);
    assert!((answer.expiration() - stand_in.now()).num_seconds() <= 900);

    stand_in.set_clock_offset(TimeDelta::seconds(890));
    let session = session.at(stand_in.now());
    assert_eq!(session.call("GetCallerIdentity", &[]).status, 200);
    stand_in.set_clock_offset(TimeDelta::seconds(901));
    assert_eq!(
        session.call("GetCallerIdentity", &[]).error(),
        (
            403,
            "ExpiredToken",
            "The security token included in the request is expired"
        )
    );
}

#[test]
fn parameters_have_limits() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let message = |parameters: &[(&str, &str)]| {
        let answer = alice.call("GetSessionToken", parameters);
        assert_eq!(
            (answer.status, answer.text("Code")),
            (400, "ValidationError")
        );
        let message = answer.text("Message");
        let rest = message
            .strip_prefix("1 validation error detected: Value '")
            .unwrap();
        rest.to_owned()
    };
    assert_eq!(
        message(&[("DurationSeconds", "60")]),
        "60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater \
         than or equal to 900"
    );
    assert_eq!(
        message(&[("DurationSeconds", "129601")]),
        "129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less \
         than or equal to 129600"
    );
    assert_eq!(
        message(&mfa("12345")),
        "12345' at 'tokenCode' failed to satisfy constraint: Member must have length greater than \
         or equal to 6"
    );
    assert_eq!(
        message(&mfa("12345a")),
        "12345a' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\d]*"
    );
    assert_eq!(
        message(&[("SerialNumber", "GAHT 12345678"), ("TokenCode", "123456")]),
        "GAHT 12345678' at 'serialNumber' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [\\w+=/:,.@-]*"
    );
    let answer = alice.call("GetSessionToken", &[("DurationSeconds", "900.0")]);
    assert_eq!(answer.error(), (400, "MalformedInput", ""));
}

#[test]
fn session_credentials_buy_no_session() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let session = alice.with(&alice.call("GetSessionToken", &[]));
    assert_eq!(
        session.call("GetSessionToken", &[]).error(),
        (
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials"
        )
    );
}

#[test]
fn other_actions_do_not_exist() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    assert_eq!(
        alice.call("ListUsers", &[]).error(),
        (
            400,
            "InvalidAction",
            "Could not find operation ListUsers for version 2011-06-15"
        )
    );
    let answer: Answer = alice.call("GetCallerIdentity", &[("Version", "2011-06-14")]);
    assert_eq!((answer.status, answer.text("Code")), (400, "InvalidAction"));
}

#[test]
fn requests_are_kept() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    alice.call("GetCallerIdentity", &[]);
    alice.call("GetSessionToken", &[("DurationSeconds", "60")]);
    let requests = stand_in.requests();
    assert_eq!((stand_in.calls(), requests.len()), (2, 2));
    assert_eq!(requests[0].action, "GetCallerIdentity");
    assert_eq!(
        (requests[0].status, requests[0].error_code.as_deref()),
        (Some(200), None)
    );
    assert_eq!(requests[1].parameter("DurationSeconds"), Some("60"));
    assert_eq!(requests[1].status, Some(400));
    assert_eq!(requests[1].error_code.as_deref(), Some("ValidationError"));
    assert_eq!(
        requests[1].access_key_id.as_deref(),
        Some("AKIAFAKEFAKEFAKEALIC")
    );
    assert_eq!(requests[1].region.as_deref(), Some("eu-west-1"));
    assert_eq!(requests[1].service.as_deref(), Some("sts"));
    assert_eq!(requests[1].user_agent, "test");
}
