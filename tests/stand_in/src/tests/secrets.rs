//! Everything secret is on the list.

use super::client::alice_at_a_quiet_time;
use crate::encoding::base64;
use crate::fakes::Fakes;
use crate::{
    ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, Role, StandIn, User, all_secrets,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/admin";

fn sorted(mut secrets: Vec<String>) -> Vec<String> {
    secrets.sort();
    secrets
}

#[test]
fn what_is_there_from_the_beginning_is_secret() {
    let key = User::new("security").device(Device::fido("arn:aws:iam::123456789012:u2f/key"));
    let bob = User::new("bob")
        .inactive_access_key("AKIAFAKEFAKEFAKEBOB1", "FakeSecretOfBob")
        .device(Device::new("GAHT12345678").seed(b"short"));
    let stand_in = StandIn::start(Account::example().user(key).user(bob));
    let seed = stand_in.seed(ALICE_DEVICE).unwrap();
    let in_answer = base64(seed.as_bytes());
    let expected = [
        ALICE_SECRET_ACCESS_KEY,
        "FakeSecretOfBob",
        &seed,
        in_answer.trim_end_matches('='),
        "ONUG64TU",
        "T05VRzY0VFU",
    ];
    let expected = sorted(expected.map(str::to_owned).to_vec());
    assert_eq!(stand_in.secrets(), expected);
}

#[test]
fn what_a_stand_in_gives_out_is_secret() {
    let stand_in = StandIn::start(Account::example().role(Role::new(ROLE)));
    let alice = alice_at_a_quiet_time(&stand_in);
    let before = stand_in.secrets();
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    let session = alice.call("GetSessionToken", &mfa);
    let role = [("RoleArn", ROLE), ("RoleSessionName", "work")];
    let role = alice.call("AssumeRole", &role);
    let admin = alice.with(&session).iam();
    let phone = [("VirtualMFADeviceName", "phone")];
    let phone = admin.call("CreateVirtualMFADevice", &phone);
    let serial = phone.text("SerialNumber").to_owned();
    let seed = stand_in.seed(&serial).unwrap();
    let in_answer = phone.text("Base32StringSeed").trim_end_matches('=');
    let deletion = [("SerialNumber", serial.as_str())];
    assert_eq!(admin.call("DeleteVirtualMFADevice", &deletion).status, 200);

    let codes = [-4, 7].map(|offset| stand_in.code_at_step(ALICE_DEVICE, offset));
    let mut expected = before;
    expected.extend([code.as_str(), &codes[0], &codes[1], &seed, in_answer].map(str::to_owned));
    for answer in [&session, &role] {
        expected.extend(["SecretAccessKey", "SessionToken"].map(|it| answer.text(it).to_owned()));
    }
    assert_eq!(stand_in.secrets(), sorted(expected));
}

#[test]
fn the_secrets_of_stopped_stand_ins_stay_secret() {
    let secret = Fakes::default().credentials(chrono::Utc::now());
    let secret = secret.secret_access_key;
    let user = User::new("bob").access_key("AKIAFAKEFAKEFAKEBOB1", &secret);
    let stand_in = StandIn::start(Account::new().user(user));
    assert_eq!(stand_in.secrets(), [secret.as_str()]);
    drop(stand_in);
    assert!(all_secrets().contains(&secret));
}
