//! Clocks that are off, of the client and of the service.

use chrono::{DateTime, TimeDelta, Utc};

use super::client::{Answer, Client, alice_at_a_quiet_time};
use crate::{ALICE_DEVICE, Account, StandIn};

/// The time that an answer tells.
fn date_of(answer: &Answer) -> DateTime<Utc> {
    let date = answer.header("date").unwrap();
    assert_eq!(date.len(), "Tue, 24 Nov 2026 10:00:00 GMT".len(), "{date}");
    assert!(date.ends_with(" GMT"), "{date}");
    DateTime::parse_from_rfc2822(date).unwrap().to_utc()
}

fn is_near(a: DateTime<Utc>, b: DateTime<Utc>) -> bool {
    (a - b).abs() < TimeDelta::seconds(10)
}

#[test]
fn a_clock_that_is_off_is_found_out_before_the_code_is_spent() {
    let stand_in = StandIn::start(Account::example());
    let code = stand_in.code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    for (minutes, beginning) in [
        (-16, "Signature expired: "),
        (16, "Signature not yet current: "),
    ] {
        let date = Utc::now() + TimeDelta::minutes(minutes);
        let answer = Client::alice(&stand_in)
            .at(date)
            .call("GetSessionToken", &mfa);
        assert_eq!(
            (answer.status, answer.text("Code")),
            (403, "SignatureDoesNotMatch")
        );
        let message = answer.text("Message");
        assert!(message.starts_with(beginning), "{message}");
        assert!(message.contains(&date.format("%Y%m%dT%H%M%SZ is ").to_string()));
        assert!(message.ends_with(" 15 min.)"));
    }
    let date = Utc::now() - TimeDelta::minutes(14);
    let answer = Client::alice(&stand_in)
        .at(date)
        .call("GetSessionToken", &mfa);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_code_is_good_after_the_client_has_learnt_the_time() {
    for minutes in [-90, 90] {
        let stand_in = StandIn::start(Account::example());
        let ahead = alice_at_a_quiet_time(&stand_in).date.unwrap() - Utc::now();
        stand_in.set_clock_offset(ahead + TimeDelta::minutes(minutes));
        let alice = Client::alice(&stand_in);
        let code = stand_in.fresh_code(ALICE_DEVICE);
        let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
        // More often than a device may be tried.
        for _ in 0..10 {
            let answer = alice.call("GetSessionToken", &mfa);
            assert_eq!(answer.text("Code"), "SignatureDoesNotMatch");
            assert!(is_near(date_of(&answer), stand_in.now()));
        }
        let answer = alice.call("GetSessionToken", &mfa);
        let alice = alice.at(date_of(&answer));
        assert_eq!(stand_in.fresh_code(ALICE_DEVICE), code);
        let answer = alice.call("GetSessionToken", &mfa);
        assert_eq!(answer.status, 200);
        assert!(is_near(date_of(&answer), stand_in.now()));
    }
}

#[test]
fn iam_looks_at_the_clock_before_the_codes() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let codes = [-1, 0].map(|step| stand_in.code_at_step(ALICE_DEVICE, step));
    let resync = [
        ("UserName", "alice"),
        ("SerialNumber", ALICE_DEVICE),
        ("AuthenticationCode1", codes[0].as_str()),
        ("AuthenticationCode2", codes[1].as_str()),
    ];
    let late = alice.clone().at(stand_in.now() - TimeDelta::minutes(16));
    let answer = late.iam().call("ResyncMFADevice", &resync);
    assert_eq!(answer.text("Code"), "SignatureDoesNotMatch");
    assert_eq!(alice.iam().call("ResyncMFADevice", &resync).status, 200);
}
