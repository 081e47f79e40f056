//! Hints that are followed: each situation, the hint that is printed in it, the command in that hint typed into a real shell,
//! and what has come of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, StandIn};

use crate::devices::{alice, keys_only};
use crate::enrolment::{FIRST, begin, type_codes};
use crate::harness::{FAR, long_term, short_term};
use crate::prompt::{PROMPT, exited, on_terminal};
use crate::scene::{ADMIN_LINE, Input, Scene, WORK, admin, command_in, plain};

#[test]
fn setup_helps_where_it_is_named() {
    let setup = |profile: &str| format!("mfa-creds setup --profile {profile}");
    for (credentials, line, profile) in [
        (None, WORK, "work"),
        (Some(String::new()), WORK, "work"),
        (Some(long_term("other")), WORK, "work"),
        (Some(plain("work")), WORK, "work"),
        (
            Some(String::new()),
            "mfa-creds -q --all --token $CODE",
            "default",
        ),
    ] {
        let scene = Scene::new(credentials.as_deref(), "");
        scene.helps(line, Input::Keys, &setup(profile));
    }
    let scene = Scene::new(Some(""), "");
    scene.helps(
        "mfa-creds -q -p \"it's \\$x\" --token $CODE",
        Input::Keys,
        "mfa-creds setup --profile 'it'\\''s $x'",
    );
    // What flags have named is named again.
    let flags = "--long-term-suffix keys --short-term-suffix now";
    let scene = Scene::new(Some(""), "");
    scene.helps(
        &format!("{WORK} {flags}"),
        Input::Keys,
        &format!("{} {flags}", setup("work")),
    );
    // The variable names another one than the command is for.
    let scene = Scene::new(Some(""), &admin("default")).set("AWS_PROFILE", "admin");
    scene.helps("mfa-creds -q --token $CODE", Input::Keys, &setup("default"));
}

#[test]
fn setup_helps_a_source_profile() {
    for (credentials, config) in [
        (String::new(), String::new()),
        (short_term("home", FAR), String::new()),
        (
            String::new(),
            "[profile home]\nregion = eu-west-1\n".to_owned(),
        ),
    ] {
        let scene = Scene::new(
            Some(&format!("{credentials}[x]\na = b\n")),
            &format!("{config}{}", admin("home")),
        );
        scene.helps(ADMIN_LINE, Input::Keys, "mfa-creds setup --profile home");
    }
}

#[test]
fn setup_is_not_named_where_it_refuses_or_is_for_something_else() {
    let keys = plain("work");
    let command = "[work-long-term]\ncredential_process = false\n";
    let half = format!("[work-long-term]\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n");
    let source = |name: &str| format!("[profile home]\n{name} = x\n{}", admin("home"));
    for (credentials, config, line) in [
        (format!("{keys}{command}"), String::new(), WORK),
        (format!("{keys}{half}"), String::new(), WORK),
        (String::new(), source("login_session"), ADMIN_LINE),
        (String::new(), source("sso_session"), ADMIN_LINE),
        (String::new(), source("sso_start_url"), ADMIN_LINE),
        (String::new(), source("web_identity_token_file"), ADMIN_LINE),
        (String::new(), source("credential_process"), ADMIN_LINE),
        // The section beside a role is not the one that `setup` moves keys from.
        (
            format!("{}{}", plain("admin-mfa"), long_term("home")),
            admin("home"),
            ADMIN_LINE,
        ),
    ] {
        let scene = Scene::new(Some(&credentials), &config);
        for line in [
            line,
            &line
                .replace("-q -p", "plan -p")
                .replace(" --token $CODE", ""),
        ] {
            let said = scene.types(line, Input::Nothing).said;
            assert!(
                !said.contains("mfa-creds setup"),
                "{credentials}{config}: {said}"
            );
        }
        let line = line
            .replace("-q", "doctor --offline")
            .replace(" --token $CODE", "");
        let said = scene.types(&line, Input::Nothing).said;
        assert!(
            !said.contains("mfa-creds setup"),
            "{credentials}{config}: {said}"
        );
    }
}

#[test]
fn setup_is_not_named_where_no_file_can_be_made() {
    let blocked = Scene::new(None, "");
    fs::write(blocked.home.path().join("file"), "").unwrap();
    let below = blocked.home.path().join("file/credentials");
    let blocked = blocked.set("AWS_SHARED_CREDENTIALS_FILE", below.to_str().unwrap());
    let mut scenes = vec![blocked];
    if !rustix::process::geteuid().is_root() {
        let unwritable = Scene::new(None, "");
        let directory = unwritable.home.path().join("locked");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
        let inside = directory.join("credentials");
        scenes.push(unwritable.set("AWS_SHARED_CREDENTIALS_FILE", inside.to_str().unwrap()));
    }
    for scene in scenes {
        for line in [
            WORK,
            "mfa-creds plan -p work",
            "mfa-creds doctor -p work --offline",
        ] {
            let typed = scene.types(line, Input::Nothing);
            assert_eq!(typed.status, Some(1), "{typed:?}");
            let file_part: String = typed
                .said
                .lines()
                .take_while(|line| !line.contains("no section"))
                .collect();
            assert!(!file_part.contains("mfa-creds setup"), "{typed:?}");
            assert!(typed.said.contains("there is no"), "{typed:?}");
        }
    }
}

#[test]
fn what_setup_says_is_next_works() {
    for (profile, flags) in [
        ("work", ""),
        ("it's mine", ""),
        ("work", " --long-term-suffix keys"),
    ] {
        let scene = Scene::new(None, "");
        let quoted = profile.replace('\'', "'\\''");
        let line = format!("mfa-creds setup -p '{quoted}'{flags}");
        let said = scene.types(&line, Input::Keys).said;
        let next = said.lines().find_map(command_in).unwrap();
        let typed = scene.types(&next, Input::Code);
        assert_eq!(typed.status, Some(0), "`{next}`: {typed:?}");
    }
}

#[test]
fn modes_are_mended_by_what_is_printed() {
    // A directory whose name a shell would take apart.
    let place = |scene: &Scene, mode: u32| {
        let directory = scene.home.path().join("it's $HOME");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        let file = directory.join("credentials");
        fs::write(&file, long_term("work")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let scene = Scene::new(None, "");
    let file = place(&scene, 0o400);
    let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let (_, again) = scene.follows(WORK, Input::Nothing);
    assert_eq!(again.status, Some(0), "{again:?}");

    let scene = Scene::new(None, "");
    let file = place(&scene, 0o644);
    let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let line = WORK.replace(" -q", "") + " --force";
    let (_, again) = scene.follows(&line, Input::Nothing);
    assert!(!again.said.contains("can be read by"), "{again:?}");

    if !rustix::process::geteuid().is_root() {
        let scene = Scene::new(None, "");
        let file = place(&scene, 0o000);
        let scene = scene.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
        let (_, again) = scene.follows(WORK, Input::Nothing);
        assert_eq!(again.status, Some(0), "{again:?}");
    }
}

#[test]
fn the_session_that_clear_leaves_is_ended_by_what_it_names() {
    let scene = Scene::new(Some(&long_term("work")), &admin("work"));
    assert_eq!(scene.types(ADMIN_LINE, Input::Nothing).status, Some(0));
    let said = scene.types("mfa-creds clear -p admin", Input::Nothing).said;
    let command = said.lines().find_map(command_in).unwrap();
    assert_eq!(scene.types(&command, Input::Nothing).status, Some(0));
    let typed = scene.types("mfa-creds status -p work --check", Input::Nothing);
    assert_eq!(typed.status, Some(1), "{command}: {typed:?}");
}

#[test]
fn a_holder_is_ended_by_the_command_and_only_where_it_is_that_process() {
    let scene = Scene::new(Some(&long_term("work")), "");
    let mut asking = on_terminal(&scene.home, &scene.sts, "exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let line = "mfa-creds -p work --lock-timeout 0";
    let locks = fs::read_dir(scene.home.file(".mfa-creds")).unwrap();
    let lock = locks
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(".ask"))
        .unwrap();
    let signed = fs::read_to_string(&lock).unwrap();
    let (_, namespace) = signed.trim().split_once(' ').unwrap();
    // Of a container, of one that has ended without a trace, and as an older version has signed.
    for other in ["1 pid:[1]", &format!("4194303 {namespace}"), "1", ""] {
        fs::write(&lock, format!("{other}\n")).unwrap();
        let typed = scene.types(line, Input::Nothing);
        assert!(
            typed
                .said
                .contains("error: another process is still renewing"),
            "{typed:?}"
        );
        assert!(!typed.said.contains("kill"), "{typed:?}");
    }
    fs::write(&lock, &signed).unwrap();
    let (_, again) = scene.follows(line, Input::Nothing);
    assert!(!again.said.contains("is still renewing"), "{again:?}");
    asking.expect(Eof).unwrap();
}

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
    assert!(
        said.contains("none is needed: add 127.0.0.1 to NO_PROXY"),
        "{said}"
    );
    let typed = scene.types(&format!("NO_PROXY=127.0.0.1 {WORK}"), Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");

    // The same machine by a name that does not say so.
    let scene = Scene::new(Some(&long_term("work")), "").set("http_proxy", nowhere);
    let url = scene.sts.url().replace("127.0.0.1", "0.0.0.0");
    let scene = scene.set("AWS_ENDPOINT_URL", &url);
    let said = scene.types(WORK, Input::Nothing).said;
    assert!(
        said.contains(", or unset http_proxy where there is no proxy"),
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
        format!("fix: set MFA_DEVICE to the right one, or unset it: {ALICE_DEVICE}")
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
