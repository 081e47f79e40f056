//! Keys, secrets and tokens.

use std::io::Write;

use super::client::{Client, read_answer};
use crate::{ALICE_ACCESS_KEY_ID, Account, StandIn, User};

const NO_MATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

fn error_of(client: &Client) -> (u16, String, String) {
    let answer = client.call("GetCallerIdentity", &[]);
    let (status, code, message) = answer.error();
    (status, code.to_owned(), message.to_owned())
}

fn denied(code: &str, message: &str) -> (u16, String, String) {
    (403, code.to_owned(), message.to_owned())
}

#[test]
fn a_key_must_be_known_and_active_and_have_its_secret() {
    let bob = User::new("bob").inactive_access_key("AKIAFAKEFAKEFAKEBOB1", "FakeSecretOfBob");
    let stand_in = StandIn::start(Account::example().user(bob));
    let invalid = "The security token included in the request is invalid.";
    for id in ["AKIAFAKEFAKEFAKENONE", "AKIAFAKEFAKEFAKEBOB1"] {
        let client = Client::new(&stand_in, id, "FakeSecretOfBob");
        assert_eq!(error_of(&client), denied("InvalidClientTokenId", invalid));
    }
    let client = Client::new(&stand_in, ALICE_ACCESS_KEY_ID, "FakeSecretOfBob");
    assert_eq!(error_of(&client), denied("SignatureDoesNotMatch", NO_MATCH));
}

#[test]
fn a_session_needs_its_own_token() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let session = alice.with(&alice.call("GetSessionToken", &[]));
    let other = alice.with(&alice.call("GetSessionToken", &[]));
    let invalid = "The security token included in the request is invalid";

    let mut without = session.clone();
    without.token = None;
    let mut swapped = session.clone();
    swapped.token = other.token;
    let mut left_over = alice;
    left_over.token = session.token.clone();
    for client in [without, swapped, left_over] {
        assert_eq!(error_of(&client), denied("InvalidClientTokenId", invalid));
    }
    let mut wrong_secret = session;
    wrong_secret.secret = other.secret;
    assert_eq!(
        error_of(&wrong_secret),
        denied("SignatureDoesNotMatch", NO_MATCH)
    );
}

#[test]
fn a_request_must_be_signed() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let error_of = |message: &str| {
        let mut stream = alice.connect().unwrap();
        stream.write_all(message.as_bytes()).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        (
            answer.status,
            answer.text("Code").to_owned(),
            answer.text("Message").to_owned(),
        )
    };
    let signed = String::from_utf8(alice.message("GetCallerIdentity", &[])).unwrap();
    assert_eq!(
        error_of(&signed.replace("authorization:", "x-nothing:")),
        denied(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token"
        )
    );
    assert_eq!(
        error_of(&signed.replace("SignedHeaders=", "")).1,
        "IncompleteSignature"
    );
    assert_eq!(
        error_of(&signed.replace("GetCallerIdentity", "GetCallerIdentitz")).2,
        NO_MATCH
    );
    assert_eq!(error_of(&signed.replace("host;", "")).2, NO_MATCH);
    assert_eq!(
        error_of(&signed.replace("/sts/", "/iam/")).1,
        "SignatureDoesNotMatch"
    );
    assert_eq!(error_of(&signed).0, 200);
}
