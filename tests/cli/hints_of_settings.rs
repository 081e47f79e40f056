//! Hints that name a setting: what is stronger than it is taken into account, and it counts where it is said to be written.

use std::os::unix::fs::symlink;

use expectrl::Expect as _;
use stand_in::{ALICE_DEVICE, Account, Device, Role, StandIn};

use crate::support::accounts::alice;
use crate::support::enrollment::{FIRST, begin, type_codes};
use crate::support::next_code::passed_side_by_side;
use crate::support::roles::ADMIN;
use crate::support::roles::admin;
use crate::support::sections::{FAR, keys_only, long_term, short_term};
use crate::support::shell::{ADMIN_LINE, Input, Scene, WORK, command_in, plain};
use crate::support::terminal::exited;

#[test]
fn a_region_that_a_variable_sets_is_not_set_in_a_file() {
    let scene = Scene::new(Some(&long_term("work")), "").set("AWS_REGION", "us-gov-west-1");
    let said = scene.types(WORK, Input::Nothing).said;
    let (_, flag) = said.split_once("for example with `").unwrap();
    let (flag, rest) = flag.split_once('`').unwrap();
    assert!(!rest.contains("~/.aws/config"), "{said}");
    let typed = scene.types(&format!("{WORK} {flag}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
}

#[test]
fn the_source_of_a_role_is_renewed_as_is_said() {
    let scene = Scene::new(Some(&long_term("work")), &admin("work"));
    let line = ADMIN_LINE.replace(" -q", "");
    let said = scene.types(&line, Input::Nothing).said;
    let command = said.lines().find_map(command_in).unwrap();
    assert_eq!(command, "mfa-creds --profile work");
    let typed = scene.types(&command, Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
}

#[test]
fn a_session_that_aws_does_not_take_is_made_anew_for_the_same_profile() {
    let stale = format!("{}{}", long_term("work"), short_term("work", FAR));
    let scene = Scene::new(Some(&stale), "");
    let (command, again) = scene.follows("mfa-creds audit -p work --csv", Input::Code);
    assert_eq!(command, "mfa-creds -p work --force");
    // What follows is about the account.
    assert!(
        again.status == Some(0) || again.status == Some(1),
        "{again:?}"
    );
    assert!(!again.said.contains("--force"), "{again:?}");
}

#[test]
fn credentials_that_cannot_be_shown_are_made_anew() {
    let spoiled = short_term("work", FAR).replace("FakeToken", "Fake\u{202e}Token");
    let scene = Scene::new(Some(&(long_term("work") + &spoiled)), "");
    scene.helps(
        "mfa-creds export -p work",
        Input::Code,
        "mfa-creds -p work --force",
    );
}

#[test]
fn who_needs_a_session_for_it_is_told_how_to_get_one() {
    let mut scene = Scene::new(Some(&long_term("work")), "");
    let user = alice().device(Device::new(ALICE_DEVICE)).policy(
        "mfa",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:ListMFADevices", "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#,
    );
    scene.sts = StandIn::start(Account::new().user(user));
    scene.helps(
        "mfa-creds device list -p work",
        Input::Code,
        "mfa-creds -p work",
    );
}

#[test]
fn a_user_without_a_device_gets_one_by_the_command() {
    if passed_side_by_side() {
        return;
    }
    let mut scene = Scene::new(Some(&keys_only()), "");
    scene.sts = StandIn::start(Account::new().user(alice()));
    let said = scene
        .types("mfa-creds -q -p work --no-input", Input::Nothing)
        .said;
    let command = said.lines().find_map(command_in).unwrap();
    let script = format!("PATH=$PWD/bin:$PATH; exec {command}");
    let mut enrolling = begin(&scene.home, &scene.sts, &script);
    enrolling.expect(FIRST).unwrap();
    type_codes(&mut enrolling, &scene.sts, ALICE_DEVICE);
    enrolling.expect("Write it to [work-long-term]?").unwrap();
    enrolling.send_line("y").unwrap();
    assert_eq!(exited(enrolling), 0);
    let listed = scene.types("mfa-creds device list -p work", Input::Nothing);
    assert!(listed.said.contains(ALICE_DEVICE), "{listed:?}");
}

#[test]
fn a_directory_that_is_missing_is_made() {
    let keys = format!(
        "[profile home]\n{}",
        plain("home").split_once('\n').unwrap().1
    );
    let config = format!("{keys}{}", admin("home"));
    let scene = Scene::new(None, &config);
    let missing = scene.home.path().join("it's missing/below/credentials");
    let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", missing.to_str().unwrap());
    let command = "mkdir -p '~/it'\\''s missing/below'";
    scene.helps(ADMIN_LINE, Input::Nothing, command);
    // Where a link leads.
    let scene = Scene::new(None, &config);
    symlink("gone/credentials", scene.home.file("credentials")).unwrap();
    let (_, again) = scene.follows(ADMIN_LINE, Input::Nothing);
    assert_eq!(again.status, Some(0), "{again:?}");
}

#[test]
fn a_proxy_that_is_not_there_is_unset_or_left_out() {
    let nowhere = "http://127.0.0.1:9";
    let scene = Scene::new(Some(&long_term("work")), "").set("http_proxy", nowhere);
    let said = scene.types(WORK, Input::Nothing).said;
    assert!(said.contains("add 127.0.0.1 to NO_PROXY: "), "{said}");
    let typed = scene.types(&format!("NO_PROXY=127.0.0.1 {WORK}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");

    // The same machine by a name that does not say so.
    let scene = Scene::new(Some(&long_term("work")), "").set("http_proxy", nowhere);
    let url = scene.sts.url().replace("127.0.0.1", "0.0.0.0");
    let scene = scene.set("AWS_ENDPOINT_URL", &url);
    let said = scene.types(WORK, Input::Nothing).said;
    assert!(
        said.contains(", or unset http_proxy if there is no proxy"),
        "{said}"
    );
    let typed = scene.types(&format!("unset http_proxy; {WORK}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
}

#[test]
fn a_device_in_place_of_the_file_is_unset() {
    let role = admin("home");
    for (line, config) in [
        (WORK, ""),
        ("mfa-creds -q --all --token $CODE", ""),
        (ADMIN_LINE, &role),
    ] {
        let keys = format!("{}{}", long_term("work"), long_term("home"));
        let scene = Scene::new(Some(&keys), config).set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let typed = scene.types(line, Input::Nothing);
        assert_eq!(typed.status, Some(1), "{typed:?}");
        assert!(!typed.said.contains("setup"), "{typed:?}");
        let command = "unset AWS_SHARED_CREDENTIALS_FILE";
        assert!(
            typed.said.contains(&format!("hint: {command}, or")),
            "{typed:?}"
        );
        let typed = scene.types(&format!("{command}; {line}"), Input::Nothing);
        assert_eq!(typed.status, Some(0), "{typed:?}");
    }
}

#[test]
fn a_device_that_a_variable_names_is_not_set_in_a_file() {
    let other = "arn:aws:iam::123456789012:mfa/other";
    let scene = Scene::new(Some(&long_term("work")), "").set("MFA_DEVICE", other);
    let line = "mfa-creds doctor -p work";
    let wrong = format!("{other} is not a device of alice");
    let said = scene.types(line, Input::Nothing).said;
    let fix = said
        .lines()
        .skip_while(|line| !line.contains(&wrong))
        .nth(1)
        .unwrap();
    assert_eq!(
        fix.trim_start(),
        format!("fix: set MFA_DEVICE to {ALICE_DEVICE}, or unset it")
    );
    for mended in [
        format!("MFA_DEVICE={ALICE_DEVICE} {line}"),
        format!("unset MFA_DEVICE; {line}"),
    ] {
        let said = scene.types(&mended, Input::Nothing).said;
        assert!(
            said.contains(&format!("{ALICE_DEVICE} is a device of alice")),
            "{said}"
        );
    }
}

#[test]
fn a_device_is_written_where_it_counts() {
    // Keys that stand in the config file, which knows nothing of aws-mfa's key.
    let keys = plain("home").replace("[home]", "[profile home]");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    let mut scene = Scene::new(Some(""), &format!("{}{keys}", admin("home")));
    let user = alice()
        .device(Device::new(ALICE_DEVICE))
        .denies("iam:ListMFADevices");
    scene.sts = StandIn::start(Account::new().user(user).role(Role::new(ADMIN)));
    let said = scene.types(ADMIN_LINE, Input::Nothing).said;
    let line = said.split('`').nth(1).unwrap();
    assert_eq!(line, format!("mfa_serial = {ALICE_DEVICE}"));
    assert!(said.contains("` to [profile home] in "), "{said}");
    scene
        .home
        .write("config", &format!("{}{keys}{line}\n", admin("home")));
    let typed = scene.types(ADMIN_LINE, Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");

    // A role names its device itself, before the profile with the keys does.
    let other = "arn:aws:iam::123456789012:mfa/other";
    let config = format!("{}mfa_serial = {other}\n", admin("work"));
    let scene = Scene::new(Some(&long_term("work")), &config);
    let said = scene
        .types("mfa-creds doctor -p admin", Input::Nothing)
        .said;
    let fix = format!("fix: set mfa_serial in [profile admin] to {ALICE_DEVICE}");
    assert!(said.contains(&fix), "{said}");
}

#[test]
fn a_code_comes_by_every_way_that_is_named() {
    let line = "mfa-creds -q -p work --no-input";
    for way in [
        format!("echo $CODE | {line}"),
        format!("{line} --mfa-process \"echo $CODE\""),
        format!("MFA_PROCESS=\"echo $CODE\" {line}"),
        format!("MFA_TOKEN=$CODE {line}"),
    ] {
        let scene = Scene::new(Some(&long_term("work")), "");
        let said = scene.types(line, Input::Nothing).said;
        let hint = "pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN";
        assert!(said.contains(hint), "{said}");
        let typed = scene.types(&way, Input::Nothing);
        assert_eq!(typed.status, Some(0), "{way}: {typed:?}");
    }
    // Whoever has said that it is piped in is told of no other way, as none counts then.
    let scene = Scene::new(Some(&long_term("work")), "");
    let line = "mfa-creds -q -p work --token -";
    let said = scene.types(line, Input::Nothing).said;
    assert!(said.contains("pipe in the six digits"), "{said}");
    let typed = scene.types(&format!("echo $CODE | {line}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
}
