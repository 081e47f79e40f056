//! IAM: who may call it, with which signature, and what it tells.

use super::client::{Answer, Client, alice_at_a_quiet_time};
use crate::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};
use crate::{Account, Device, Fault, Role, StandIn, User};

const KEY: &str = "arn:aws:iam::123456789012:u2f/user/alice/key-FAKEFAKEFAKE";

pub(super) fn mfa_session(stand_in: &StandIn, client: &Client) -> Client {
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    client.with(&client.call("GetSessionToken", &mfa))
}

fn alice() -> User {
    User::new("alice").access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
}

/// The texts of all elements with this name.
fn texts<'a>(answer: &'a Answer, element: &str) -> Vec<&'a str> {
    let (start, end) = (format!("<{element}>"), format!("</{element}>"));
    let rest = answer.body.split(&start).skip(1);
    rest.filter_map(|rest| Some(rest.split_once(&end)?.0))
        .collect()
}

#[test]
fn a_request_goes_to_the_service_of_its_version() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let answer = alice.iam().call("GetUser", &[]);
    assert!(answer.body.starts_with(
        "<GetUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <GetUserResult>"
    ));
    let answer = alice.iam().call("GetCallerIdentity", &[]);
    assert!(
        answer
            .body
            .starts_with("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">")
    );
    let message = "Could not find operation GetCallerIdentity for version 2010-05-08";
    assert_eq!(answer.error(), (400, "InvalidAction", message));
    let answer = alice.call("GetUser", &[]);
    let message = "Could not find operation GetUser for version 2011-06-15";
    assert_eq!(answer.error(), (400, "InvalidAction", message));

    let requests = stand_in.requests();
    assert_eq!(requests[0].service.as_deref(), Some("iam"));
    assert_eq!(requests[0].region.as_deref(), Some("us-east-1"));
    assert_eq!(requests[1].error_code.as_deref(), Some("InvalidAction"));
    assert_eq!(requests[2].service.as_deref(), Some("sts"));
}

#[test]
fn a_signature_is_for_the_region_of_the_partition() {
    for (partition, region, other) in [
        ("aws", "us-east-1", "us-east-2"),
        ("aws-cn", "cn-north-1", "cn-northwest-1"),
        ("aws-us-gov", "us-gov-west-1", "us-east-1"),
    ] {
        let stand_in = StandIn::start(Account::new().partition(partition).user(alice()));
        let mut client = Client::alice(&stand_in).iam();
        client.region = region;
        assert_eq!(client.call("GetUser", &[]).status, 200);
        client.region = other;
        let message = format!("Credential should be scoped to a valid region, not '{other}'.");
        assert_eq!(
            client.call("GetUser", &[]).error(),
            (403, "SignatureDoesNotMatch", message.as_str())
        );
    }
}

#[test]
fn a_signature_for_sts_is_none_for_iam() {
    let stand_in = StandIn::start(Account::example());
    let mut alice = Client::alice(&stand_in);
    alice.region = "us-east-1";
    let answer = alice.call("GetUser", &[("Version", "2010-05-08")]);
    let message = "Credential should be scoped to correct service: 'iam'.";
    assert_eq!(answer.error(), (403, "SignatureDoesNotMatch", message));
}

#[test]
fn a_session_needs_mfa() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let without = alice.with(&alice.call("GetSessionToken", &[]));
    let message = "The security token included in the request is invalid";
    assert_eq!(
        without.iam().call("GetUser", &[]).error(),
        (403, "InvalidClientTokenId", message)
    );
    let with = mfa_session(&stand_in, &alice);
    assert_eq!(with.iam().call("GetUser", &[]).text("UserName"), "alice");
}

#[test]
fn a_role_may_do_nothing() {
    let role = "arn:aws:iam::123456789012:role/admin";
    let stand_in = StandIn::start(Account::example().role(Role::new(role)));
    let alice = Client::alice(&stand_in);
    let assume = [("RoleArn", role), ("RoleSessionName", "work")];
    let admin = alice.with(&alice.call("AssumeRole", &assume)).iam();
    let caller = "User: arn:aws:sts::123456789012:assumed-role/admin/work";
    let denied = format!(
        "{caller} is not authorized to perform: iam:ListMFADevices on resource: user alice"
    );
    assert_eq!(
        admin
            .call("ListMFADevices", &[("UserName", "alice")])
            .error(),
        (403, "AccessDenied", denied.as_str())
    );
    let denied = format!(
        "{caller} is not authorized to perform: iam:CreateVirtualMFADevice on resource: \
         arn:aws:iam::123456789012:mfa/new"
    );
    assert_eq!(
        admin
            .call("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "new")])
            .error(),
        (403, "AccessDenied", denied.as_str())
    );
    let message = "Must specify userName when calling with non-User credentials";
    assert_eq!(
        admin.call("GetUser", &[]).error(),
        (400, "ValidationError", message)
    );
}

#[test]
fn a_policy_denies_what_it_names_and_no_more() {
    let user = alice()
        .denies("iam:ListMFADevices")
        .denies("iam:DeleteVirtualMFADevice")
        .denies("sts:GetSessionToken");
    let stand_in = StandIn::start(Account::new().user(user));
    let client = Client::alice(&stand_in);
    let check = |answer: &Answer, action: &str, resource: &str| {
        let message = format!(
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: {action} on \
             resource: {resource} with an explicit deny in an identity-based policy: \
             arn:aws:iam::123456789012:policy/fake-deny"
        );
        assert_eq!(answer.error(), (403, "AccessDenied", message.as_str()));
    };
    let answer = client.iam().call("ListMFADevices", &[]);
    check(&answer, "iam:ListMFADevices", "user alice");
    let serial = [("SerialNumber", ALICE_DEVICE)];
    let answer = client.iam().call("DeleteVirtualMFADevice", &serial);
    check(&answer, "iam:DeleteVirtualMFADevice", ALICE_DEVICE);
    let answer = client.call("GetSessionToken", &[]);
    check(&answer, "sts:GetSessionToken", "user alice");
    assert_eq!(client.iam().call("GetUser", &[]).status, 200);
    let answer = client.iam().call("ListVirtualMFADevices", &[]);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_user_has_a_path_and_devices_in_order() {
    let user = alice()
        .path("/team/")
        .device(Device::new("GAHT12345678"))
        .device(Device::fido(KEY))
        .device(Device::new(ALICE_DEVICE));
    let bob = User::new("bob").device(Device::new("arn:aws:iam::123456789012:mfa/bob"));
    let stand_in = StandIn::start(Account::new().user(user).user(bob));
    let client = Client::alice(&stand_in);
    let arn = "arn:aws:iam::123456789012:user/team/alice";
    assert_eq!(client.call("GetCallerIdentity", &[]).text("Arn"), arn);
    let answer = client.iam().call("GetUser", &[("UserName", "alice")]);
    assert_eq!((answer.text("Arn"), answer.text("Path")), (arn, "/team/"));
    assert!(answer.text("CreateDate").ends_with('Z'));

    let answer = client.iam().call("ListMFADevices", &[]);
    let serials = ["GAHT12345678", KEY, ALICE_DEVICE];
    assert_eq!(texts(&answer, "SerialNumber"), serials);
    assert_eq!(stand_in.devices("alice"), serials);
    assert_eq!(texts(&answer, "UserName"), ["alice"; 3]);
    assert_eq!(texts(&answer, "EnableDate"), ["2024-10-04T00:00:00Z"; 3]);
    assert_eq!(answer.text("IsTruncated"), "false");

    let answer = client.iam().call("ListMFADevices", &[("UserName", "bob")]);
    assert_eq!(texts(&answer, "UserName"), ["bob"]);
    let answer = client.iam().call("ListVirtualMFADevices", &[]);
    assert_eq!(texts(&answer, "UserName"), ["alice", "bob"]);
    let message = "The user with name carol cannot be found.";
    assert_eq!(
        client
            .iam()
            .call("ListMFADevices", &[("UserName", "carol")])
            .error(),
        (404, "NoSuchEntity", message)
    );
}

#[test]
fn a_security_key_is_never_verified() {
    let stand_in = StandIn::start(Account::new().user(alice().device(Device::fido(KEY))));
    let mfa = [("SerialNumber", KEY), ("TokenCode", "123456")];
    let answer = Client::alice(&stand_in).call("GetSessionToken", &mfa);
    let message = answer.text("Message");
    assert!(message.contains("unable to validate"), "{message}");
    assert_eq!(stand_in.seed(KEY), None);
}

#[test]
#[should_panic(expected = "key-FAKEFAKEFAKE shows no codes")]
fn a_security_key_shows_no_codes() {
    let stand_in = StandIn::start(Account::new().user(alice().device(Device::fido(KEY))));
    let _ = stand_in.code(KEY);
}

#[test]
fn faults_strike_iam_too() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in).iam();
    stand_in.fault(Fault::Throttling);
    let answer = alice.call("ListMFADevices", &[]);
    assert_eq!(answer.error(), (400, "Throttling", "Rate exceeded"));
    assert!(answer.body.contains("iam.amazonaws.com"));
    assert_eq!(alice.call("ListMFADevices", &[]).status, 200);
}
