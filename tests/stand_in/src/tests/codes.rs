//! One-time codes over the wire. The window and the budget are tested in `mfa`.

use std::thread;

use super::client::{Client, alice_at_a_quiet_time};
use crate::{ALICE_DEVICE, Account, Device, Role, StandIn, User};

const ROLE: &str = "arn:aws:iam::123456789012:role/admin";
const INVALID: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const UNABLE: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please \
    verify your MFA serial number is valid and associated with this user.";

fn get_session_token(client: &Client, serial: &str, code: &str) -> Result<(), String> {
    let parameters = [("SerialNumber", serial), ("TokenCode", code)];
    let answer = client.call("GetSessionToken", &parameters);
    if answer.status == 200 {
        return Ok(());
    }
    assert_eq!((answer.status, answer.text("Code")), (403, "AccessDenied"));
    Err(answer.text("Message").to_owned())
}

#[test]
fn a_code_is_spent_for_both_operations() {
    let stand_in = StandIn::start(Account::example().role(Role::new(ROLE).requires_mfa()));
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.fresh_code(ALICE_DEVICE);
    assert_eq!(code, stand_in.code(ALICE_DEVICE));
    let assume = [
        ("RoleArn", ROLE),
        ("RoleSessionName", "work"),
        ("SerialNumber", ALICE_DEVICE),
        ("TokenCode", code.as_str()),
    ];
    assert_eq!(alice.call("AssumeRole", &assume).status, 200);
    assert_eq!(
        get_session_token(&alice, ALICE_DEVICE, &code),
        Err(INVALID.to_owned())
    );
    assert_eq!(
        alice.call("AssumeRole", &assume).error(),
        (403, "AccessDenied", INVALID)
    );
    assert_ne!(stand_in.fresh_code(ALICE_DEVICE), code);
}

#[test]
fn five_codes_are_fresh_at_a_time() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    for offset in [0, 1, 2, -1, -2] {
        let code = stand_in.fresh_code(ALICE_DEVICE);
        assert_eq!(code, stand_in.code_at_step(ALICE_DEVICE, offset));
        assert_eq!(get_session_token(&alice, ALICE_DEVICE, &code), Ok(()));
    }
}

#[test]
fn a_device_must_be_the_users_own() {
    let bob = User::new("bob")
        .access_key("AKIAFAKEFAKEFAKEBOB1", "FakeSecretOfBob")
        .device(Device::new("GAHT12345678").seed(b"FakeSeedOfTheToken12"));
    let stand_in = StandIn::start(Account::example().user(bob));
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.code(ALICE_DEVICE);
    let unable = Err(UNABLE.to_owned());
    let user_for_mfa = ALICE_DEVICE.replace(":mfa/", ":user/");
    assert_eq!(get_session_token(&alice, &user_for_mfa, &code), unable);
    let code = stand_in.code("GAHT12345678");
    assert_eq!(get_session_token(&alice, "GAHT12345678", &code), unable);

    let mut bob = Client::new(&stand_in, "AKIAFAKEFAKEFAKEBOB1", "FakeSecretOfBob");
    bob.date = alice.date;
    assert_eq!(get_session_token(&bob, "GAHT12345678", &code), Ok(()));
}

#[test]
fn a_serial_number_needs_a_code_and_a_code_a_serial_number() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let message = "MultiFactorAuthentication failed, must provide both MFA serial number and one \
                   time pass code.";
    for parameter in [("SerialNumber", ALICE_DEVICE), ("TokenCode", "123456")] {
        let answer = alice.call("GetSessionToken", &[parameter]);
        assert_eq!(answer.error(), (403, "AccessDenied", message));
    }
}

#[test]
fn a_device_that_is_tried_too_often_is_locked_out() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.code_at_step(ALICE_DEVICE, -3);
    for _ in 0..9 {
        assert_eq!(
            get_session_token(&alice, ALICE_DEVICE, &code),
            Err(INVALID.to_owned())
        );
    }
    let code = stand_in.fresh_code(ALICE_DEVICE);
    assert_eq!(
        get_session_token(&alice, ALICE_DEVICE, &code),
        Err(UNABLE.to_owned())
    );
}

#[test]
fn of_parallel_clients_with_one_code_exactly_one_wins() {
    let stand_in = StandIn::start(Account::example());
    let alice = alice_at_a_quiet_time(&stand_in);
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let results: Vec<_> = thread::scope(|scope| {
        let call = || get_session_token(&alice, ALICE_DEVICE, &code);
        let threads: Vec<_> = (0..9).map(|_| scope.spawn(call)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}
