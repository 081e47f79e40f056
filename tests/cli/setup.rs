//! The wizard: writes long-term keys, checks them with AWS, moves them, and replaces them only after a question.

use std::fs;

#[cfg(unix)]
use expectrl::Expect as _;
#[cfg(unix)]
use expectrl::session::OsSession;
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, assert_mode};
use crate::support::sections::long_term;
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

#[cfg(unix)]
const OLD_ID: &str = "AKIAFAKEFAKEFAKEOLD0";
#[cfg(unix)]
const OLD_SECRET: &str = "FakeOldSecretOfAliceNotRealFakeSecretFak";

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
        assert_mode(&home.file("credentials"), 0o600);
        assert_mode(&home.path().join(".aws"), 0o700);
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
        "error: [work-long-term] in ~/.aws/credentials already contains keys\n\
         hint: run `mfa-creds setup --profile work` in a terminal to replace them, or choose another profile\n",
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
            "an access key ID has at least 16 capital letters and digits, like AKIA…",
        ),
        (
            "",
            "",
            "an access key ID has at least 16 capital letters and digits, like AKIA…",
        ),
        (
            ALICE_ACCESS_KEY_ID,
            "short",
            "a secret access key has 40 characters; this one has 5",
        ),
        (
            ALICE_ACCESS_KEY_ID,
            "FakeSecretOfAlice NotReal FakeSecretFake",
            "a secret access key contains only letters, digits, `/`, `+`, and `=`",
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
         hint: run the command in a terminal, or pipe in four lines: profile, access key ID, secret access key, device\n",
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
            .contains("run `mfa-creds setup --profile=-x` to write it"),
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

#[cfg(unix)]
#[track_caller]
fn answer(session: &mut OsSession, question: &str, answer: &str) {
    session.expect(question).unwrap();
    session.send_line(answer).unwrap();
}

#[cfg(unix)]
#[track_caller]
fn answer_keys(session: &mut OsSession, id: &str, secret: &str) {
    answer(session, "aws_access_key_id: ", id);
    answer(session, "aws_secret_access_key (not shown): ", secret);
}

#[cfg(unix)]
#[test]
fn keys_that_are_there_are_replaced_after_a_yes_and_nothing_else() {
    let new = format!("# mine\n{}# the end\n", long_term("work"));
    let old = new
        .replace(ALICE_ACCESS_KEY_ID, OLD_ID)
        .replace(ALICE_SECRET_ACCESS_KEY, OLD_SECRET);
    for (typed, status) in [("", 1), ("n", 1), ("y", 0)] {
        let sts = StandIn::start(Account::example());
        let home = Home::with(&old);
        let mut session = on_terminal(&home, &sts, "exec \"$0\" setup");
        answer(&mut session, "Profile name to", "work");
        answer(
            &mut session,
            "[work-long-term] already contains access key AKIA…OLD0. Replace it? [y/N]:",
            typed,
        );
        if status == 0 {
            answer_keys(&mut session, ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY);
            // The device is there already.
            answer(&mut session, "Check the keys with AWS? [Y/n]:", "n");
            session.expect("wrote [work-long-term]").unwrap();
            assert_eq!(exited(session), 0);
            assert_eq!(home.credentials(), new);
        } else {
            session
                .expect("error: access key AKIA…OLD0 of [work-long-term] in")
                .unwrap();
            session.expect("was not replaced").unwrap();
            assert_eq!(exited(session), 1);
            assert_eq!(home.credentials(), old);
        }
        assert_eq!(sts.calls(), 0);
    }
}

#[cfg(unix)]
#[test]
fn keys_that_change_before_the_new_ones_are_typed_are_not_replaced() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" setup -p work");
    answer(&mut session, "Profile name to", "");
    answer(&mut session, "Replace it? [y/N]:", "y");
    session.expect("aws_access_key_id: ").unwrap();
    let rotated = long_term("work") + "mfa_creds_rotation_begun = 2026-11-27T00:00:00Z\n";
    home.write("credentials", &rotated);
    session.send_line(OLD_ID).unwrap();
    answer(&mut session, "(not shown): ", OLD_SECRET);
    answer(&mut session, "Check the keys", "n");
    session.expect("error: [work-long-term] in ").unwrap();
    session.expect("was changed in the meantime").unwrap();
    assert_eq!(exited(session), 1);
    assert_eq!(home.credentials(), rotated);
    home.run(&["setup", "-p", "work"]).stdin("work\n").ends(
        1,
        "error: the access key rotation for [work-long-term] is not finished\n\
         hint: run `mfa-creds rotate -p work` to finish it, then run the command again\n",
    );
}

#[cfg(unix)]
#[test]
fn aws_says_whose_the_keys_are_or_what_is_wrong_with_them() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" setup -p work");
    answer(&mut session, "Profile name to", "");
    answer_keys(&mut session, OLD_ID, ALICE_SECRET_ACCESS_KEY);
    answer(&mut session, "Check the keys with AWS? [Y/n]:", "");
    session
        .expect("error: AWS does not recognize access key AKIA…OLD0, or the key is inactive\r\n")
        .unwrap();
    answer_keys(&mut session, ALICE_ACCESS_KEY_ID, OLD_SECRET);
    session
        .expect("error: the secret access key does not belong to access key AKIA…ALIC\r\n")
        .unwrap();
    assert!(!home.file("credentials").exists());
    answer_keys(&mut session, ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY);
    session
        .expect("these are the keys of alice in account 123456789012")
        .unwrap();
    answer(&mut session, "MFA device (optional):", ALICE_DEVICE);
    session.expect("next: mfa-creds --profile work").unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(home.credentials(), long_term("work"));
    let calls: Vec<String> = sts
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect();
    assert_eq!(calls, ["GetCallerIdentity"; 3]);
}

#[cfg(unix)]
#[test]
fn keys_that_cannot_be_checked_are_written_with_a_warning() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let script = "AWS_ENDPOINT_URL_STS=http://127.0.0.1:9 exec \"$0\" setup -p work";
    let mut session = on_terminal(&home, &sts, script);
    answer(&mut session, "Profile name to", "");
    answer_keys(&mut session, ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY);
    answer(&mut session, "Check the keys with AWS? [Y/n]:", "y");
    session
        .expect("warning: the keys were not checked: ")
        .unwrap();
    answer(&mut session, "MFA device (optional):", ALICE_DEVICE);
    assert_eq!(exited(session), 0);
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn piped_keys_are_not_checked() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    home.run_with(&sts, &["setup", "-q"])
        .stdin(&answers("work", ALICE_DEVICE))
        .ends(0, "");
    assert_eq!(sts.calls(), 0);
}

#[cfg(unix)]
#[test]
fn a_narrow_terminal_shows_each_answer_and_each_error_once() {
    let wrong = "arn:aws:iam::123456789012:user/alice";
    for columns in [80, 40] {
        let sts = StandIn::start(Account::example());
        let home = Home::new();
        let script = format!("stty echo columns {columns}; exec \"$0\" setup -p work");
        let mut session = on_terminal(&home, &sts, &script);
        answer(&mut session, "Profile name to", "");
        session.expect("aws_access_key_id: ").unwrap();
        session.send_line("alice").unwrap();
        session.expect("aws_access_key_id: ").unwrap();
        session.send_line(ALICE_ACCESS_KEY_ID).unwrap();
        answer(&mut session, "(not shown): ", ALICE_SECRET_ACCESS_KEY);
        answer(&mut session, "Check the keys", "n");
        session.expect("MFA device (optional): ").unwrap();
        session.send_line(wrong).unwrap();
        let seen = session.expect("MFA device (optional): ").unwrap();
        let seen = String::from_utf8_lossy(seen.before()).into_owned();
        let [echo, error, ""] = seen.split("\r\n").collect::<Vec<_>>()[..] else {
            panic!("{seen:?}")
        };
        assert_eq!(echo, wrong);
        assert!(
            error.starts_with("error: this is a user, not an MFA device"),
            "{seen:?}"
        );
        session.send_line(ALICE_DEVICE).unwrap();
        let seen = session.expect("next: ").unwrap();
        let seen = String::from_utf8_lossy(seen.before()).into_owned();
        assert_eq!(seen.matches(ALICE_DEVICE).count(), 1, "{seen:?}");
        assert!(!seen.contains('\u{1b}'), "{seen:?}");
        assert_eq!(exited(session), 0);
    }
}
