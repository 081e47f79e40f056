//! Access control lists and other extended attributes of the credentials file: they stay, and nobody can read more than before.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";
const NOBODY: u32 = u32::MAX;
/// Some user and some group.
const GUEST: u32 = 4321;

/// An access control list as the kernel takes it: tags, rights and ids.
fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

/// Owner: read and write; a guest: read; the group: nothing; mask: read; others: nothing. The mode shows the mask as the group's.
fn with_a_guest() -> Vec<u8> {
    list(&[
        (0x01, 6, NOBODY),
        (0x02, 4, GUEST),
        (0x04, 0, NOBODY),
        (0x10, 4, NOBODY),
        (0x20, 0, NOBODY),
    ])
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(64 * 1024);
    getxattr(path, name, spare_capacity(&mut value)).ok()?;
    Some(value)
}

/// Sets an attribute, where the file system has such.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let done = setxattr(path, name, value, XattrFlags::empty());
    if let Err(error) = done {
        println!("skipped: {} takes no {name}: {error}", path.display());
    }
    done.is_ok()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Renews, and returns what was said.
fn renew(home: &Home, sts: &StandIn) -> String {
    let code = sts.fresh_code(ALICE_DEVICE);
    let before = home.credentials();
    let arguments = ["-p", "work", "--force", "-v", "--token", &code];
    let outcome = home.run_with(sts, &arguments).succeeds();
    assert_ne!(home.credentials(), before);
    outcome.stderr
}

#[test]
fn an_access_control_list_and_other_attributes_stay() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let path = home.file("credentials");
    if !set(&path, ACCESS, &with_a_guest()) || !set(&path, "user.note", b"mine") {
        return;
    }
    assert_eq!(mode(&path), 0o640);
    let said = renew(&home, &sts);
    assert_eq!(attribute(&path, ACCESS), Some(with_a_guest()));
    assert_eq!(attribute(&path, "user.note").as_deref(), Some(&b"mine"[..]));
    assert_eq!(mode(&path), 0o640);
    // It took the place of the old one all the same.
    assert!(!said.contains("in place"), "{said}");
    let warning = "warning: ~/.aws/credentials can be read by others (its access control list): chmod 600 ~/.aws/credentials\n";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn a_list_whose_mask_lets_nobody_read_is_no_reason_to_warn() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let path = home.file("credentials");
    if !set(&path, ACCESS, &with_a_guest()) {
        return;
    }
    // What the warning says to type.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let kept = attribute(&path, ACCESS);
    let said = renew(&home, &sts);
    assert!(!said.contains("can be read by"), "{said}");
    assert_eq!(attribute(&path, ACCESS), kept);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_list_of_the_directory_gives_nobody_more() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let path = home.file("credentials");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    if !set(&home.file(""), DEFAULT, &with_a_guest()) {
        return;
    }
    renew(&home, &sts);
    assert_eq!(attribute(&path, ACCESS), None);
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn doctor_tells_who_can_read_it() {
    let home = Home::of_alice();
    let path = home.file("credentials");
    if !set(&path, ACCESS, &with_a_guest()) {
        return;
    }
    crate::support::doctor::says(
        home.run(&["doctor", "--offline", "-p", "work"]),
        "warning",
        "permissions",
        "~/.aws/credentials can be read by others (its access control list), and contains secrets",
        Some("chmod 600 ~/.aws/credentials"),
    );
}
