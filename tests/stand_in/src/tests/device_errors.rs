//! What IAM says if something about a device is wrong.

use super::client::{Answer, Client, alice_at_a_quiet_time};
use super::devices::{create, enable, synchronise, without_device};
use super::iam::mfa_session;
use crate::{ALICE_DEVICE, Account, StandIn};

const PHONE: &str = "arn:aws:iam::123456789012:mfa/phone";
const INVALID: (u16, &str, &str) = (
    403,
    "InvalidAuthenticationCode",
    "Authentication code for device is not valid.",
);
const NO_PHONE: (u16, &str, &str) = (
    404,
    "NoSuchEntity",
    "VirtualMFADevice with serial number arn:aws:iam::123456789012:mfa/phone doesn't exist.",
);

fn deactivate(client: &Client, user: &str, serial: &str) -> Answer {
    let parameters = [("UserName", user), ("SerialNumber", serial)];
    client.iam().call("DeactivateMFADevice", &parameters)
}

fn delete(client: &Client, serial: &str) -> Answer {
    let parameters = [("SerialNumber", serial)];
    client.iam().call("DeleteVirtualMFADevice", &parameters)
}

#[test]
fn a_name_can_be_taken() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let message = "MFADevice entity at the same path and name already exists.";
    let taken = (409, "EntityAlreadyExists", message);
    assert_eq!(create(&alice, "alice").error(), taken);
    assert_eq!(create(&alice, "phone").status, 200);
    assert_eq!(create(&alice, "phone").error(), taken);
}

#[test]
fn a_device_has_one_user() {
    let stand_in = StandIn::start(without_device());
    let alice = alice_at_a_quiet_time(&stand_in);
    create(&alice, "phone");
    assert_eq!(enable(&stand_in, &alice, "bob", PHONE).status, 200);
    let message = "MFA Device is already in use.";
    assert_eq!(
        enable(&stand_in, &alice, "alice", PHONE).error(),
        (409, "EntityAlreadyExists", message)
    );
    let message = "MFA Device for user bob already exists.";
    assert_eq!(
        enable(&stand_in, &alice, "bob", PHONE).error(),
        (409, "EntityAlreadyExists", message)
    );
    let message = "MFA VirtualDevice in use. Must deactivate first.";
    assert_eq!(
        delete(&alice, PHONE).error(),
        (409, "DeleteConflict", message)
    );
    let not_the_users = (404, "NoSuchEntity", "MFA Device invalid for user.");
    assert_eq!(deactivate(&alice, "alice", PHONE).error(), not_the_users);
    let device = ("alice", PHONE);
    let answer = synchronise(&stand_in, &alice, "ResyncMFADevice", device, 1);
    assert_eq!(answer.error(), not_the_users);
}

#[test]
fn users_and_devices_must_exist() {
    let stand_in = StandIn::start(without_device());
    let alice = Client::alice(&stand_in);
    assert_eq!(delete(&alice, PHONE).error(), NO_PHONE);
    assert_eq!(deactivate(&alice, "alice", PHONE).error(), NO_PHONE);
    for action in ["EnableMFADevice", "ResyncMFADevice"] {
        let parameters = |user| {
            [
                ("UserName", user),
                ("SerialNumber", PHONE),
                ("AuthenticationCode1", "123456"),
                ("AuthenticationCode2", "654321"),
            ]
        };
        let answer = alice.iam().call(action, &parameters("alice"));
        assert_eq!(answer.error(), NO_PHONE);
        let answer = alice.iam().call(action, &parameters("carol"));
        let message = "The user with name carol cannot be found.";
        assert_eq!(answer.error(), (404, "NoSuchEntity", message));
    }
}

#[test]
fn wrong_codes_are_refused_and_counted() {
    let stand_in = StandIn::start(without_device());
    let alice = alice_at_a_quiet_time(&stand_in);
    create(&alice, "phone");
    let device = ("alice", PHONE);
    let enable_from = |offset| synchronise(&stand_in, &alice, "EnableMFADevice", device, offset);
    for _ in 0..9 {
        assert_eq!(enable_from(-3).error(), INVALID);
    }
    assert_eq!(enable_from(0).error(), INVALID);
    assert_eq!(stand_in.unassigned(), [PHONE]);
}

#[test]
fn resyncs_count_as_tries_of_sts() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let device = ("alice", ALICE_DEVICE);
    for _ in 0..9 {
        let answer = synchronise(&stand_in, &alice, "ResyncMFADevice", device, -30);
        assert_eq!(answer.error(), INVALID);
    }
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    let answer = alice.call("GetSessionToken", &mfa);
    assert!(answer.text("Message").contains("unable to validate"));
}

#[test]
fn a_user_has_up_to_eight_devices() {
    let stand_in = StandIn::start(without_device());
    let alice = alice_at_a_quiet_time(&stand_in);
    for number in 1..=9 {
        let name = format!("phone{number}");
        create(&alice, &name);
        let serial = format!("arn:aws:iam::123456789012:mfa/{name}");
        let answer = enable(&stand_in, &alice, "bob", &serial);
        if number <= 8 {
            assert_eq!(answer.status, 200);
        } else {
            let message = "Cannot exceed quota for MFADevicesPerUser: 8";
            assert_eq!(answer.error(), (409, "LimitExceeded", message));
        }
    }
}

#[test]
fn who_has_a_device_changes_the_own_ones_with_mfa_only() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    create(&alice, "phone");
    let message = "To complete this action, please ensure that you are authenticated with an MFA \
                   device that is enabled for this user.";
    let needs_mfa = (403, "AccessDenied", message);
    let answer = enable(&stand_in, &alice, "alice", PHONE);
    assert_eq!(answer.error(), needs_mfa);
    assert_eq!(deactivate(&alice, "alice", PHONE).error(), needs_mfa);
    let answer = deactivate(&alice, "alice", ALICE_DEVICE);
    assert_eq!(answer.error(), needs_mfa);
    let device = ("alice", ALICE_DEVICE);
    let answer = synchronise(&stand_in, &alice, "ResyncMFADevice", device, -2);
    assert_eq!(answer.status, 200);

    let session = mfa_session(&stand_in, &alice);
    assert_eq!(enable(&stand_in, &session, "alice", PHONE).status, 200);
    assert_eq!(deactivate(&session, "alice", ALICE_DEVICE).status, 200);
    assert_eq!(deactivate(&session, "alice", PHONE).status, 200);
    // Without a device, the key alone is enough again.
    let device = ("alice", PHONE);
    let answer = synchronise(&stand_in, &alice, "EnableMFADevice", device, 1);
    assert_eq!(answer.status, 200);
}

#[test]
fn parameters_have_limits() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in).iam();
    let message = |action: &str, parameters: &[(&str, &str)]| {
        let answer = alice.call(action, parameters);
        assert_eq!(
            (answer.status, answer.text("Code")),
            (400, "ValidationError")
        );
        answer.text("Message").to_owned()
    };
    assert_eq!(
        message(
            "EnableMFADevice",
            &[
                ("UserName", "alice"),
                ("SerialNumber", PHONE),
                ("AuthenticationCode1", "12345"),
                ("AuthenticationCode2", "12345a"),
            ]
        ),
        "2 validation errors detected: Value '12345' at 'authenticationCode1' failed to satisfy \
         constraint: Member must have length greater than or equal to 6; Value '12345a' at \
         'authenticationCode2' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\d]+"
    );
    assert_eq!(
        message("DeactivateMFADevice", &[("SerialNumber", PHONE)]),
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: \
         Member must not be null"
    );
    let name = message("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "a b")]);
    assert!(name.contains("'virtualMFADeviceName' failed"), "{name}");
    let path = [("VirtualMFADeviceName", "a"), ("Path", "team")];
    let path = message("CreateVirtualMFADevice", &path);
    assert!(path.starts_with("The specified value for path is invalid."));
    let status = message("ListVirtualMFADevices", &[("AssignmentStatus", "Some")]);
    assert!(status.ends_with("enum value set: [Any, Unassigned, Assigned]"));
    let user = message("GetUser", &[("UserName", "a b")]);
    assert!(user.contains("'userName' failed"), "{user}");
}
