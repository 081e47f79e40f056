//! What `mfa-creds rotate` is run on, and how it ends.

use std::time::Duration;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, Fault, KeyStatus, StandIn};

use crate::support::home::Home;
use crate::support::sections::{long_term, value};

pub const ROTATE: [&str; 4] = ["rotate", "-p", "work", "--yes"];
pub const OTHER: &str = "AKIAFAKEFAKEFAKEOTHR";
const AT_ONCE: Fault = Fault::Hang(Duration::ZERO);

/// What stands around the section, and in it.
pub fn file() -> String {
    let section = long_term("work").replace("]\n", "]\n; mine\n");
    format!("# top\n[x]\ny=1\n\n{section}color = blue\n\n[last]\nz = 2\n")
}

pub fn home() -> Home {
    Home::with(&file())
}

pub fn current(home: &Home) -> (String, String) {
    let text = home.credentials();
    let get = |key| value(&text, "work-long-term", key).unwrap();
    (get("aws_access_key_id"), get("aws_secret_access_key"))
}

pub fn is_active(sts: &StandIn, (id, secret): &(String, String)) -> bool {
    sts.access_keys("alice").contains(&KeyStatus {
        access_key_id: id.clone(),
        secret_access_key: secret.clone(),
        active: true,
    })
}

/// There is one key, the file has it, and everything else in the file is as it was.
#[track_caller]
pub fn assert_rotated(home: &Home, sts: &StandIn) {
    let pair = current(home);
    let keys = sts.access_keys("alice");
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(is_active(sts, &pair));
    assert_ne!(pair.0, ALICE_ACCESS_KEY_ID);
    let wanted = file()
        .replace(ALICE_ACCESS_KEY_ID, &pair.0)
        .replace(ALICE_SECRET_ACCESS_KEY, &pair.1);
    assert_eq!(home.credentials(), wanted);
}

/// After so many requests that are answered, one goes wrong.
pub fn fault_after(sts: &StandIn, number: usize, fault: Fault) {
    for _ in 0..number {
        sts.fault(AT_ONCE);
    }
    sts.fault(fault);
}

/// What is said of a key that may be the one whose secret was lost.
pub fn told_of_lost_key(sts: &StandIn, id: &str) -> String {
    let made = sts.made_at("alice", id).format("%Y-%m-%d %H:%M:%S UTC");
    format!(
        "error: access key {id} of alice, created at {made}, was not deleted: it may be the one that an earlier run requested, or somebody else's\n\
         hint: if nothing needs it, run `aws iam delete-access-key --user-name alice --access-key-id {id}` with an MFA session, then run the \
         command again\n"
    )
}
