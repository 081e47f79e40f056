//! The list of the user's devices.

use stand_in::{ALICE_DEVICE, Account, Device, StandIn};

use crate::support::accounts::{FIDO, alice, stand_in};
use crate::support::home::Home;
use crate::support::sections::long_term;

#[test]
fn the_list_shows_what_the_user_has() {
    let sts = stand_in(
        alice()
            .device(Device::new(ALICE_DEVICE))
            .device(Device::fido(FIDO))
            .device(Device::new("GAHT12345678")),
    );
    let home = Home::of_alice();
    let outcome = home
        .run_with(&sts, &["device", "list", "-p", "work"])
        .outcome();
    let lines: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| {
            line.split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    assert_eq!(lines[0], ["DEVICE", "KIND", "SINCE", "USE"]);
    assert_eq!(lines[1][..2], [ALICE_DEVICE, "app"]);
    assert_eq!(lines[1][3], "set for this profile");
    assert_eq!(lines[2][..2], [FIDO, "FIDO key"]);
    assert_eq!(lines[2][3], "use aws login");
    assert_eq!(lines[3][..2], ["GAHT12345678", "hardware token"]);
    assert_eq!(
        (lines[3].len(), outcome.status),
        (3, Some(0)),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr, "");

    let outcome = home
        .run_with(&sts, &["device", "list", "-p", "work", "--json"])
        .outcome();
    let list: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(list["version"], 1);
    assert_eq!(
        (&list["account"], &list["user"]),
        (&"123456789012".into(), &"alice".into())
    );
    let devices = list["devices"].as_array().unwrap();
    let of = |key: &str| -> Vec<serde_json::Value> {
        devices.iter().map(|device| device[key].clone()).collect()
    };
    assert_eq!(of("serial_number"), [ALICE_DEVICE, FIDO, "GAHT12345678"]);
    assert_eq!(of("usable"), [true, false, true]);
    assert_eq!(of("set"), [true, false, false]);
    assert!(
        of("enabled")
            .iter()
            .all(|time| time.as_str().unwrap().ends_with('Z'))
    );
}

#[test]
fn the_list_of_nobody_and_of_a_device_that_is_set_wrongly() {
    let sts = stand_in(alice());
    // What is set in the file may be what is to be mended.
    let home = Home::with(&long_term("work").replace(":mfa/", ":user/"));
    home.run_with(&sts, &["device", "list", "-p", "work"]).ends(
        0,
        "alice has no MFA device; `mfa-creds device enroll -p work` creates one\n",
    );
    let outcome = home
        .run_with(&sts, &["device", "list", "-p", "work", "--json"])
        .outcome();
    assert!(outcome.stdout.contains("\"devices\": []"), "{outcome:?}");
}

#[test]
fn the_list_is_asked_for_with_the_session_where_there_is_one() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    let outcome = home
        .run_with(&sts, &["device", "list", "-p", "work"])
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let last = sts.requests().pop().unwrap();
    assert_eq!(last.action, "ListMFADevices");
    assert!(last.access_key_id.unwrap().starts_with("ASIA"));
}

#[test]
fn verbose_says_where_the_list_comes_from() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let outcome = home
        .run_with(
            &sts,
            &[
                "device",
                "list",
                "-v",
                "-p",
                "work",
                "--region",
                "eu-west-1",
            ],
        )
        .outcome();
    for line in [
        "keys: [work-long-term] in ~/.aws/credentials\n",
        "STS region: eu-west-1 (--region)\n",
        "IAM region: eu-west-1 (--region)\n",
        "IAM signing region: us-east-1 (the only one in its partition)\n",
        "signed with the long-term keys\n",
    ] {
        assert!(outcome.stderr.contains(line), "{line}: {outcome:?}");
    }
}
