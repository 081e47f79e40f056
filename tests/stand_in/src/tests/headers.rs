//! The headers that all answers of the service have, and others have not.

use std::io::Write;

use super::client::{Answer, Client, read_answer};
use crate::{Account, Fault, StandIn};

fn has_service_headers(answer: &Answer) -> bool {
    let headers = ["date", "x-amzn-requestid"].map(|name| answer.header(name).is_some());
    assert_eq!(headers[0], headers[1], "{}", answer.head);
    headers[0]
}

#[test]
fn all_answers_of_the_service_have_a_date_and_a_request_id() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    for (action, client) in [
        ("GetCallerIdentity", alice.clone()),
        ("GetUser", alice.iam()),
        ("NoAction", alice.clone()),
    ] {
        assert!(has_service_headers(&client.call(action, &[])));
    }
    for fault in [
        Fault::Throttling,
        Fault::InternalError,
        Fault::ServiceUnavailable,
        Fault::Empty200,
        Fault::Fractional,
    ] {
        stand_in.fault(fault);
        assert!(has_service_headers(&alice.call("GetSessionToken", &[])));
    }
    for message in ["nothing\r\n\r\n", "POST /other HTTP/1.1\r\n\r\n"] {
        let mut stream = alice.connect().unwrap();
        stream.write_all(message.as_bytes()).unwrap();
        assert!(has_service_headers(&read_answer(&mut stream).unwrap()));
    }
}

#[test]
fn what_others_answer_does_not_look_as_if_it_came_from_the_service() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    for fault in [Fault::HtmlLoginPage, Fault::Redirect, Fault::BadGateway] {
        stand_in.fault(fault);
        assert!(!has_service_headers(&alice.call("GetSessionToken", &[])));
    }
}

#[test]
fn a_request_id_stands_in_the_head_and_in_the_body() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    for action in ["GetCallerIdentity", "NoAction"] {
        let answer = alice.call(action, &[]);
        assert_eq!(
            answer.header("x-amzn-RequestId"),
            Some(answer.text("RequestId"))
        );
    }
}
