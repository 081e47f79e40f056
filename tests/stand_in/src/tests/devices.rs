//! The life of an MFA device: created, enabled, used, out of step, deactivated, deleted.

use super::client::{Answer, Client, alice_at_a_quiet_time};
use super::iam::mfa_session;
use crate::encoding::base64;
use crate::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};
use crate::{Account, Device, StandIn, User};

const PHONE: &str = "arn:aws:iam::123456789012:mfa/phone";

/// An account whose user alice has no device.
pub(super) fn without_device() -> Account {
    let alice = User::new("alice").access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY);
    Account::new().user(alice).user(User::new("bob"))
}

pub(super) fn create(client: &Client, name: &str) -> Answer {
    let parameters = [("VirtualMFADeviceName", name)];
    client.iam().call("CreateVirtualMFADevice", &parameters)
}

/// Calls an action with two codes in a row, of which the first is so many steps from now.
pub(super) fn synchronise(
    stand_in: &StandIn,
    client: &Client,
    action: &str,
    (user, serial): (&str, &str),
    offset: i64,
) -> Answer {
    let codes = [offset, offset + 1].map(|offset| stand_in.code_at_step(serial, offset));
    let parameters = [
        ("UserName", user),
        ("SerialNumber", serial),
        ("AuthenticationCode1", codes[0].as_str()),
        ("AuthenticationCode2", codes[1].as_str()),
    ];
    client.iam().call(action, &parameters)
}

pub(super) fn enable(stand_in: &StandIn, client: &Client, user: &str, serial: &str) -> Answer {
    synchronise(stand_in, client, "EnableMFADevice", (user, serial), -1)
}

fn log_in(client: &Client, serial: &str, code: &str) -> Answer {
    let mfa = [("SerialNumber", serial), ("TokenCode", code)];
    client.call("GetSessionToken", &mfa)
}

#[test]
fn a_device_is_created_enabled_used_deactivated_and_deleted() {
    let stand_in = StandIn::start(without_device());
    let alice = alice_at_a_quiet_time(&stand_in);
    let created = create(&alice, "phone");
    assert_eq!(created.text("SerialNumber"), PHONE);
    let seed = stand_in.seed(PHONE).unwrap();
    assert_eq!(seed.len(), 64);
    assert_eq!(created.text("Base32StringSeed"), base64(seed.as_bytes()));
    assert!(created.text("QRCodePNG").starts_with("iVBORw0KGgo"));
    assert_eq!(stand_in.unassigned(), [PHONE]);
    assert_eq!(log_in(&alice, PHONE, &stand_in.code(PHONE)).status, 403);

    let enabled = enable(&stand_in, &alice, "alice", PHONE);
    assert_eq!(enabled.status, 200);
    assert!(!enabled.body.contains("Result>"), "{}", enabled.body);
    assert_eq!(stand_in.devices("alice"), [PHONE]);
    assert_eq!(stand_in.unassigned(), Vec::<String>::new());
    let listed = alice.iam().call("ListMFADevices", &[]);
    let now = stand_in.now().format("%Y-%m-%dT%H:").to_string();
    assert!(listed.text("EnableDate").starts_with(&now));

    let session = alice.with(&log_in(&alice, PHONE, &stand_in.fresh_code(PHONE)));
    let parameters = [("UserName", "alice"), ("SerialNumber", PHONE)];
    let answer = session.iam().call("DeactivateMFADevice", &parameters);
    assert_eq!(answer.status, 200);
    assert_eq!(stand_in.unassigned(), [PHONE]);
    assert_eq!(
        log_in(&alice, PHONE, &stand_in.fresh_code(PHONE)).status,
        403
    );
    let answer = alice.iam().call("DeleteVirtualMFADevice", &parameters[1..]);
    assert_eq!(answer.status, 200);
    assert_eq!(stand_in.seed(PHONE), None);
}

#[test]
fn every_device_has_a_seed_of_its_own() {
    let stand_in = StandIn::start(without_device());
    let alice = Client::alice(&stand_in);
    let parameters = [("VirtualMFADeviceName", "phone"), ("Path", "/team/")];
    let answer = alice.iam().call("CreateVirtualMFADevice", &parameters);
    let in_path = "arn:aws:iam::123456789012:mfa/team/phone";
    assert_eq!(answer.text("SerialNumber"), in_path);
    assert_eq!(create(&alice, "phone").status, 200);
    assert_ne!(stand_in.seed(PHONE), stand_in.seed(in_path));
    let before = stand_in.seed(PHONE);
    let serial = [("SerialNumber", PHONE)];
    alice.iam().call("DeleteVirtualMFADevice", &serial);
    create(&alice, "phone");
    assert_ne!(stand_in.seed(PHONE), before);
}

#[test]
fn virtual_devices_are_listed_by_assignment() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    create(&alice, "phone");
    for (status, enabled, unassigned) in [
        ("Any", true, true),
        ("Assigned", true, false),
        ("Unassigned", false, true),
    ] {
        let status = [("AssignmentStatus", status)];
        let answer = alice.iam().call("ListVirtualMFADevices", &status);
        assert_eq!(answer.body.contains("mfa/alice<"), enabled);
        assert_eq!(answer.body.contains("<EnableDate>"), enabled);
        assert_eq!(answer.body.contains("mfa/phone<"), unassigned);
        // Seeds are told once.
        assert!(!answer.body.contains("Base32StringSeed"));
    }
}

#[test]
fn the_codes_that_enable_a_device_are_spent() {
    let stand_in = StandIn::start(without_device());
    let alice = alice_at_a_quiet_time(&stand_in);
    create(&alice, "phone");
    assert_eq!(enable(&stand_in, &alice, "alice", PHONE).status, 200);
    for offset in [-1, 0] {
        let answer = log_in(&alice, PHONE, &stand_in.code_at_step(PHONE, offset));
        assert!(answer.text("Message").contains("invalid MFA one time"));
    }
    let fresh = stand_in.fresh_code(PHONE);
    assert_eq!(fresh, stand_in.code_at_step(PHONE, 1));
    assert_eq!(log_in(&alice, PHONE, &fresh).status, 200);
}

#[test]
fn sts_sees_a_new_device_after_a_while() {
    let stand_in = StandIn::start(without_device());
    stand_in.devices_are_seen_after(2);
    let alice = alice_at_a_quiet_time(&stand_in);
    create(&alice, "phone");
    enable(&stand_in, &alice, "alice", PHONE);
    let code = stand_in.fresh_code(PHONE);
    for _ in 0..2 {
        let answer = log_in(&alice, PHONE, &code);
        assert!(answer.text("Message").contains("unable to validate"));
    }
    assert_eq!(log_in(&alice, PHONE, &code).status, 200);
}

#[test]
fn a_device_that_is_out_of_step_works_after_a_resync() {
    let alice = User::new("alice")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .device(Device::new(ALICE_DEVICE).drifted(7));
    let stand_in = StandIn::start(Account::new().user(alice));
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.fresh_code(ALICE_DEVICE);
    assert_eq!(code, stand_in.code(ALICE_DEVICE));
    let answer = log_in(&alice, ALICE_DEVICE, &code);
    assert!(answer.text("Message").contains("invalid MFA one time"));

    let device = ("alice", ALICE_DEVICE);
    let answer = synchronise(&stand_in, &alice, "ResyncMFADevice", device, -1);
    assert_eq!(answer.status, 200);
    mfa_session(&stand_in, &alice);
    let late = stand_in.code_at_step(ALICE_DEVICE, -2);
    assert_eq!(log_in(&alice, ALICE_DEVICE, &late).status, 200);
}
