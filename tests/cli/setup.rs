//! The wizard: writes long-term keys once, moves them, and overwrites nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};

use crate::support::home::Home;
use crate::support::sections::long_term;

fn answers(profile: &str, device: &str) -> String {
    format!("{profile}\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{device}\n")
}

#[test]
fn writes_a_new_file_that_nobody_else_can_read() {
    for arguments in [&["setup"][..], &["--setup"]] {
        let home = Home::new();
        fs::remove_dir(home.path().join(".aws")).unwrap();
        home.run(arguments)
            .stdin(&answers("work", ALICE_DEVICE))
            .ends(
                0,
                "wrote [work-long-term] to ~/.aws/credentials\nnext: mfa-creds --profile work\n",
            );
        assert_eq!(home.credentials(), long_term("work"));
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(home.file("credentials")), 0o600);
        assert_eq!(mode(home.path().join(".aws")), 0o700);
    }
}

#[test]
fn the_device_may_be_left_out_and_the_profile_may_be_given() {
    let home = Home::new();
    home.run(&["setup", "-p", "work", "-q"])
        .stdin(&answers("", ""))
        .ends(0, "");
    let keys = long_term("work");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    assert_eq!(home.credentials(), keys);
}

#[test]
fn appends_to_a_file_and_changes_nothing_in_it() {
    let old = "# mine\n[other]\nregion=x\n";
    let home = Home::with(old);
    home.run(&["setup"])
        .stdin(&answers("work", ALICE_DEVICE))
        .succeeds();
    assert_eq!(home.credentials(), format!("{old}\n{}", long_term("work")));
}

#[test]
fn never_overwrites_keys() {
    let home = Home::of_alice();
    home.run(&["setup"]).stdin(&answers("work", "")).ends(
        1,
        "error: [work-long-term] in ~/.aws/credentials already holds keys\n\
         hint: choose another profile, or change the keys with an editor\n",
    );
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn moves_keys_that_stand_in_the_way_and_leaves_the_rest() {
    let home = Home::with(&format!(
        "# first\n[work]\nregion = eu-west-1\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\n\
         aws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n# second\n\n[other]\nx = 1\n"
    ));
    home.run(&["setup"])
        .stdin(&format!("work\n{ALICE_DEVICE}\n"))
        .ends(
            0,
            "moved the keys from [work] to [work-long-term]\nnext: mfa-creds --profile work\n",
        );
    assert_eq!(
        home.credentials(),
        format!(
            "# first\n[work]\nregion = eu-west-1\n# second\n\n[other]\nx = 1\n\n{}",
            long_term("work")
        )
    );
}

#[test]
fn refuses_what_cannot_be_a_key() {
    for (id, secret, message) in [
        (
            "ASIAFAKEFAKEFAKEFAKE",
            ALICE_SECRET_ACCESS_KEY,
            "this is a temporary key (ASIA…); long-term keys start with AKIA",
        ),
        (
            "alice",
            ALICE_SECRET_ACCESS_KEY,
            "an access key id has at least 16 capital letters and digits, like AKIA…",
        ),
        (
            "",
            "",
            "an access key id has at least 16 capital letters and digits, like AKIA…",
        ),
        (
            ALICE_ACCESS_KEY_ID,
            "short",
            "a secret access key has 40 characters; this has 5",
        ),
        (
            ALICE_ACCESS_KEY_ID,
            "FakeSecretOfAlice NotReal FakeSecretFake",
            "a secret access key contains only letters, digits, `/`, `+` and `=`",
        ),
    ] {
        let home = Home::new();
        home.run(&["setup"])
            .stdin(&format!("work\n{id}\n{secret}\n\n"))
            .ends(1, &format!("error: {message}\n"));
        assert!(!home.file("credentials").exists());
    }
    let home = Home::new();
    home.run(&["setup"]).stdin(&answers("work", "phone")).ends(
        1,
        "error: the device phone is neither an ARN nor a serial number\n\
         hint: write an ARN like arn:aws:iam::123456789012:mfa/NAME, or a hardware token's serial number like GAHT12345678\n",
    );
}

#[test]
fn needs_somebody_to_ask() {
    let home = Home::new();
    home.run(&["setup"]).ends(
        3,
        "error: setup needs a terminal to ask for the keys\n\
         hint: run the command in a terminal, or pipe in four lines: profile, access key id, secret access key, device\n",
    );
}

#[test]
fn answers_are_lines_however_a_program_ends_and_begins_them() {
    let lines = answers("work", ALICE_DEVICE);
    for piped in [
        lines.replace('\n', "\r"),
        lines.replace('\n', "\r\n"),
        format!("\u{feff}{lines}"),
    ] {
        let home = Home::new();
        home.run(&["setup"]).stdin(&piped).ends(
            0,
            "wrote [work-long-term] to ~/.aws/credentials\nnext: mfa-creds --profile work\n",
        );
        assert_eq!(home.credentials(), long_term("work"));
    }
}

#[test]
fn keys_in_quotation_marks_are_told_and_not_moved() {
    let keys = long_term("work").replace("-long-term", "");
    let text = keys.replace(
        ALICE_SECRET_ACCESS_KEY,
        &format!("\"{ALICE_SECRET_ACCESS_KEY}\""),
    );
    let home = Home::with(&text);
    home.run(&["setup", "-p", "work"]).stdin("work\n").ends(
        1,
        "error: aws_secret_access_key of [work] in ~/.aws/credentials is in quotation marks, which AWS tools treat as part of the value\n\
         hint: remove the quotation marks, then run the command again\n",
    );
    assert_eq!(home.credentials(), text);
}

#[test]
fn a_name_that_begins_with_a_hyphen_is_typed_as_it_works() {
    let home = Home::of_alice();
    let outcome = home.run(&["--profile=-x"]).outcome();
    assert!(
        outcome
            .stderr
            .contains("`mfa-creds setup --profile=-x` writes it"),
        "{outcome:?}"
    );
    home.run(&["setup", "--profile=-x"])
        .stdin(&answers("-x", ALICE_DEVICE))
        .ends(
            0,
            "wrote [-x-long-term] to ~/.aws/credentials\nnext: mfa-creds --profile=-x\n",
        );
}

#[test]
fn keys_that_a_rotation_has_kept_are_told() {
    let text = format!(
        "[work-long-term]\nmfa_creds_new_access_key_id = {ALICE_ACCESS_KEY_ID}\n\
         mfa_creds_new_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n"
    );
    let home = Home::with(&text);
    let rename = "rename mfa_creds_new_access_key_id to aws_access_key_id, and mfa_creds_new_secret_access_key to aws_secret_access_key\n";
    home.run(&["setup", "-p", "work"])
        .stdin(&answers("work", ""))
        .ends(
            1,
            &format!(
                "error: a rotation left keys in [work-long-term] in ~/.aws/credentials\nhint: {rename}"
            ),
        );
    home.run(&["-p", "work"]).ends(
        1,
        &format!(
            "error: aws_access_key_id of [work-long-term] in ~/.aws/credentials is missing or empty\n\
             hint: a rotation stored keys there: {rename}"
        ),
    );
    assert_eq!(home.credentials(), text);
}
