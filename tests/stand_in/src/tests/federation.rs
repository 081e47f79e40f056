//! `GetFederationToken`: who gets one, and what a federated user may do.

use super::client::{Client, alice_at_a_quiet_time};
use crate::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn, User};

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

#[test]
fn a_federated_user_may_call_get_caller_identity_and_no_more() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let asked = [("Name", "alice"), ("Policy", POLICY)];
    let answer = alice.call("GetFederationToken", &asked);
    let arn = "arn:aws:sts::123456789012:federated-user/alice";
    assert_eq!(answer.text("Arn"), arn);
    assert_eq!(answer.text("FederatedUserId"), "123456789012:alice");
    let federated = alice.with(&answer);
    let identity = federated.call("GetCallerIdentity", &[]);
    assert_eq!(identity.text("Arn"), arn);
    assert_eq!(identity.text("UserId"), "123456789012:alice");
    for action in ["GetSessionToken", "GetFederationToken", "AssumeRole"] {
        let denied =
            format!("User: {arn} is not authorized to perform: sts:{action} on resource: *");
        assert_eq!(
            federated.call(action, &asked).error(),
            (403, "AccessDenied", denied.as_str())
        );
    }
    let user = [("UserName", "alice")];
    assert_eq!(federated.iam().call("GetUser", &user).status, 403);
}

#[test]
fn only_long_term_keys_get_one() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    let session = alice.with(&alice.call("GetSessionToken", &mfa));
    let asked = [("Name", "alice"), ("Policy", POLICY)];
    let message = "Cannot call GetFederationToken with session credentials";
    assert_eq!(
        session.call("GetFederationToken", &asked).error(),
        (403, "AccessDenied", message)
    );
}

#[test]
fn a_policy_allows_it_or_not() {
    let denied = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetFederationToken on \
                  resource: arn:aws:sts::123456789012:federated-user/alice";
    let alice = User::new("alice").access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY);
    for (action, resource, status) in [
        ("sts:GetFederationToken", "*", 200),
        (
            "sts:GetFederationToken",
            "arn:aws:sts::123456789012:federated-user/${aws:username}",
            200,
        ),
        (
            "sts:GetFederationToken",
            "arn:aws:sts::123456789012:federated-user/bob",
            403,
        ),
        ("s3:*", "*", 403),
    ] {
        let policy = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}}}"#
        );
        let account = Account::new().user(alice.clone().policy("own", &policy));
        let stand_in = StandIn::start(account);
        let asked = [("Name", "alice"), ("Policy", POLICY)];
        let answer = Client::alice(&stand_in).call("GetFederationToken", &asked);
        assert_eq!(answer.status, status, "{action} {resource}");
        if status == 403 {
            assert_eq!(answer.text("Message"), denied);
        }
    }
}

#[test]
fn its_name_and_its_policy_are_checked() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let long = "a".repeat(33);
    for asked in [
        &[("Policy", POLICY)][..],
        &[("Name", "alice")],
        &[("Name", "a"), ("Policy", POLICY)],
        &[("Name", &long), ("Policy", POLICY)],
        &[("Name", "a b"), ("Policy", POLICY)],
        &[
            ("Name", "alice"),
            ("Policy", POLICY),
            ("DurationSeconds", "899"),
        ],
        &[
            ("Name", "alice"),
            ("Policy", POLICY),
            ("DurationSeconds", "129601"),
        ],
    ] {
        let answer = alice.call("GetFederationToken", asked);
        assert_eq!(answer.text("Code"), "ValidationError", "{asked:?}");
    }
}
