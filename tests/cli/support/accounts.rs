//! Accounts of the stand-in with the user alice in them.

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, Account, Device, StandIn, User};

pub const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/alice/key-FAKEFAKEFAKE";

pub fn alice() -> User {
    User::new("alice").access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
}

pub fn stand_in(user: User) -> StandIn {
    StandIn::start(Account::new().user(user))
}

/// An account of a partition, with alice in it.
pub fn account_in(partition: &str) -> (Account, String) {
    let device = format!("arn:{partition}:iam::123456789012:mfa/alice");
    let alice = User::new("alice")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .device(Device::new(&device));
    (Account::new().partition(partition).user(alice), device)
}
