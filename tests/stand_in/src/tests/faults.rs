//! Each fault as a client sees it, and whether it costs the code.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::client::{Answer, Client, alice_at_a_quiet_time};
use crate::{ALICE_DEVICE, Account, Fault, StandIn};

const OPT_IN: Fault = Fault::Refused {
    status: 403,
    code: "OptInRequired",
    message: "The AWS Access Key Id needs a subscription for the service",
};

/// What the client got of the faulty request, and whether the same code worked after it.
fn strike(fault: Fault) -> (std::io::Result<Answer>, bool, StandIn) {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    stand_in.fault(fault);
    let answer = alice.try_call("GetSessionToken", &mfa);
    let good_afterwards = alice.call("GetSessionToken", &mfa).status == 200;
    (answer, good_afterwards, stand_in)
}

#[test]
fn errors_of_the_service_leave_the_code_alone() {
    for (fault, status, code) in [
        (Fault::Throttling, 400, "Throttling"),
        (Fault::InternalError, 500, "InternalFailure"),
        (Fault::ServiceUnavailable, 503, "ServiceUnavailable"),
        (Fault::RegionDisabled, 403, "RegionDisabledException"),
        (OPT_IN, 403, "OptInRequired"),
    ] {
        let (answer, good_afterwards, stand_in) = strike(fault);
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.text("Code")), (status, code));
        let kind = if status < 500 { "Sender" } else { "Receiver" };
        assert_eq!(answer.text("Type"), kind);
        assert!(good_afterwards);
        let request = &stand_in.requests()[0];
        assert_eq!(
            (request.status, request.error_code.as_deref()),
            (Some(status), Some(code))
        );
    }
}

#[test]
fn a_disabled_region_still_answers_get_caller_identity() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    stand_in.fault_always(Fault::RegionDisabled);
    assert_eq!(
        alice.call("GetSessionToken", &[]).text("Message"),
        "STS is not activated in this region for account:123456789012. Your account administrator \
         can activate STS in this region using the IAM Console."
    );
    assert_eq!(alice.call("GetCallerIdentity", &[]).status, 200);
}

#[test]
fn a_refusal_has_the_shape_of_its_service() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    stand_in.fault_always(OPT_IN);
    for (client, action, name) in [
        (alice.clone(), "GetSessionToken", "sts"),
        (alice.iam(), "GetUser", "iam"),
    ] {
        let answer = client.call(action, &[]);
        let message = "The AWS Access Key Id needs a subscription for the service";
        assert_eq!(answer.error(), (403, "OptInRequired", message));
        let beginning = format!("<ErrorResponse xmlns=\"https://{name}.amazonaws.com/doc/");
        assert!(answer.body.starts_with(&beginning), "{}", answer.body);
    }
}

#[test]
fn a_reset_before_reading_leaves_the_code_alone() {
    let (answer, good_afterwards, stand_in) = strike(Fault::ResetBeforeReading);
    let kind = answer.unwrap_err().kind();
    // Other systems may close the connection in order where Linux resets it.
    let orderly = !cfg!(target_os = "linux") && kind == ErrorKind::UnexpectedEof;
    assert!(kind == ErrorKind::ConnectionReset || orderly, "{kind}");
    assert!(good_afterwards);
    assert_eq!(stand_in.calls(), 2);
    assert_eq!(stand_in.requests()[0].status, None);
}

#[test]
fn a_reset_after_spending_costs_the_code() {
    let (answer, good_afterwards, stand_in) = strike(Fault::ResetAfterSpending);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(!good_afterwards);
    let request = &stand_in.requests()[0];
    assert_eq!(
        (request.action.as_str(), request.status),
        ("GetSessionToken", None)
    );
}

#[test]
fn a_truncated_answer_costs_the_code() {
    let (answer, good_afterwards, _) = strike(Fault::Truncated);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(!good_afterwards);
}

#[test]
fn a_hanging_answer_comes_late() {
    let start = Instant::now();
    let (answer, good_afterwards, _) = strike(Fault::Hang(Duration::from_millis(300)));
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.unwrap().status, 200);
    assert!(!good_afterwards);
}

#[test]
fn answers_may_be_no_answers() {
    let (answer, good_afterwards, _) = strike(Fault::HtmlLoginPage);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("Content-Type: text/html"));
    assert!(answer.body.starts_with("<!DOCTYPE html>") && good_afterwards);

    let (answer, good_afterwards, _) = strike(Fault::Redirect);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some("http://login.example/"));
    assert!(answer.body.starts_with("<!DOCTYPE html>") && good_afterwards);

    let (answer, good_afterwards, stand_in) = strike(Fault::BadGateway);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.text("Code")), (502, ""));
    assert!(answer.body.starts_with("<html>") && good_afterwards);
    assert_eq!(stand_in.requests()[0].status, Some(502));

    let (answer, good_afterwards, _) = strike(Fault::Empty200);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(good_afterwards);

    let (answer, good_afterwards, _) = strike(Fault::NoCredentials);
    let answer = answer.unwrap();
    assert!(answer.body.contains("</GetSessionTokenResult>"));
    assert!(!answer.body.contains("Credentials") && !good_afterwards);
}

#[test]
fn an_expiration_may_have_a_fraction() {
    let (answer, _, _) = strike(Fault::Fractional);
    let answer = answer.unwrap();
    let expiration = answer.text("Expiration");
    assert_eq!(
        expiration.len(),
        "2026-11-22T19:00:00.123456Z".len(),
        "{expiration}"
    );
    assert!(answer.expiration().timestamp() > 0);
}

#[test]
fn queued_faults_come_first_and_lasting_ones_stay() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    stand_in.fault_always(Fault::Throttling);
    stand_in.fault(Fault::InternalError);
    stand_in.fault(Fault::ServiceUnavailable);
    let status = || alice.call("GetCallerIdentity", &[]).status;
    assert_eq!(
        [status(), status(), status(), status()],
        [500, 503, 400, 400]
    );
    stand_in.clear_faults();
    assert_eq!(status(), 200);
}
