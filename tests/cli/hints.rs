//! Hints that are followed: each situation, the hint that is printed in it, the command in that hint typed into a real shell,
//! and what has come of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use expectrl::{Eof, Expect as _};
use stand_in::ALICE_SECRET_ACCESS_KEY;

use crate::support::roles::admin;
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::shell::{ADMIN_LINE, Input, Scene, WORK, command_in, plain};
use crate::support::terminal::{PROMPT, on_terminal};

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
