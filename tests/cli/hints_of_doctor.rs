//! The fixes that `doctor` names, followed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::roles::admin;
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::shell::{Input, Scene, WORK, command_in, plain};

#[test]
fn fixes_of_doctor_mend_what_they_stand_under() {
    type Prepare = fn(&Scene);
    let cases: [(&str, Prepare); 6] = [
        ("can be read by", |scene| {
            fs::set_permissions(
                scene.home.file("credentials"),
                fs::Permissions::from_mode(0o644),
            )
            .unwrap();
        }),
        ("can be changed by everybody", |scene| {
            fs::set_permissions(scene.home.file(""), fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("is another program", |scene| {
            let other = scene.home.path().join("bin/aws-mfa");
            fs::write(&other, "#!/bin/sh\n").unwrap();
            fs::set_permissions(other, fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("was changed after an interrupted write", |scene| {
            let kept = scene.home.file(".mfa-creds/credentials.kept");
            scene.types(WORK, Input::Nothing);
            fs::write(kept, long_term("work")).unwrap();
        }),
        ("is a symbolic link to", |scene| {
            fs::remove_file(scene.home.file("config")).unwrap();
            symlink("nowhere", scene.home.file("config")).unwrap();
        }),
        ("is ambiguous, and is ignored", |scene| {
            scene.types(WORK, Input::Nothing);
            let sessions = scene.home.file(".mfa-creds/credentials.sessions");
            fs::write(sessions, "nonsense\n").unwrap();
        }),
    ];
    for (problem, prepare) in cases {
        let scene = Scene::new(Some(&long_term("work")), "");
        prepare(&scene);
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(problem))
            .skip(1);
        let fix = lines.next().unwrap_or_else(|| panic!("{problem}: {said}"));
        let command = command_in(fix).unwrap();
        let typed = scene.types(&command, Input::Nothing);
        assert_eq!(typed.status, Some(0), "`{command}`: {typed:?}");
        let again = scene.types(line, Input::Nothing).said;
        assert!(
            !again.contains(problem),
            "`{command}` did not help: {again}"
        );
    }
}

#[test]
fn doctor_names_commands_that_work() {
    let stale = short_term("work", FAR).replace(
        "aws_security_token = FakeToken",
        "aws_security_token = FakeOther",
    );
    let expired = short_term("work", "2001-01-01 00:00:00");
    for (section, problem) in [
        (stale, "aws_security_token of"),
        (expired, "expired"),
        (String::new(), "there are no credentials yet"),
    ] {
        let scene = Scene::new(Some(&format!("{}{section}", long_term("work"))), "");
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(problem))
            .skip(1);
        let fix = lines.next().unwrap_or_else(|| panic!("{problem}: {said}"));
        let command = command_in(fix).unwrap_or_else(|| panic!("{fix}"));
        let typed = scene.types(&command, Input::Code);
        assert_eq!(typed.status, Some(0), "`{command}`: {typed:?}");
        let again = scene.types(line, Input::Nothing).said;
        assert!(
            !again.contains(problem),
            "`{command}` did not help: {again}"
        );
        // And the plan that it names.
        let plan = said
            .lines()
            .find(|line| line.contains("mfa-creds plan"))
            .unwrap();
        let typed = scene.types(&command_in(plan).unwrap(), Input::Nothing);
        assert_eq!(typed.status, Some(0), "{typed:?}");
    }
}

#[test]
fn keys_in_front_of_a_process_are_moved_or_removed() {
    let config = "[profile work]\ncredential_process = mfa-creds export -p work --format process\n";
    let warning = "do not run the credential_process";
    let cases = [
        (plain("work"), Input::Keys, "mfa-creds setup --profile work"),
        (
            format!("{}{}", long_term("work"), short_term("work", FAR)),
            Input::Nothing,
            "mfa-creds clear -p work",
        ),
    ];
    for (credentials, input, expected) in cases {
        let scene = Scene::new(Some(&credentials), config);
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(warning))
            .skip(1);
        let command = command_in(lines.next().unwrap()).unwrap();
        assert_eq!(command, expected);
        assert_eq!(scene.types(&command, input).status, Some(0));
        let again = scene.types(line, Input::Nothing).said;
        assert!(!again.contains(warning), "{again}");
    }
    // A renewal that has just put them there says so, too; with the suffix that it was told.
    let scene = Scene::new(
        Some(&long_term("work")),
        "[profile work-x]\ncredential_process = false\n",
    );
    let line = "mfa-creds -p work --token $CODE --force --short-term-suffix x";
    let said = scene.types(line, Input::Nothing).said;
    let warned = said.lines().find(|line| line.contains(warning)).unwrap();
    let command = command_in(warned).unwrap();
    let typed = scene.types(&command, Input::Nothing);
    assert_eq!(typed.status, Some(0), "{typed:?}");
    assert!(
        !scene.home.credentials().contains("[work-x]\nassumed_role"),
        "{command}"
    );
}

#[test]
fn a_role_in_a_section_that_no_tool_reads_is_removed() {
    let section = short_term("admin", FAR);
    let in_credentials = admin("work").replace("[profile admin]\n", &section);
    for (section, config) in [(section, admin("work")), (in_credentials, String::new())] {
        let scene = Scene::new(Some(&format!("{}{section}", long_term("work"))), &config);
        let line = "mfa-creds doctor -p work --offline";
        let warning = "AWS tools do not read [admin]";
        let said = scene.types(line, Input::Nothing).said;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(warning))
            .skip(1);
        let command = command_in(lines.next().unwrap()).unwrap();
        let typed = scene.types(&command, Input::Nothing);
        assert_eq!(typed.status, Some(0), "{typed:?}");
        let again = scene.types(line, Input::Nothing).said;
        assert!(!again.contains(warning), "`{command}`: {again}");
    }
}

#[test]
fn variables_that_are_in_the_way_are_unset() {
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAFAKEFAKEFAKEFAKE"),
        ("AWS_SECURITY_TOKEN", "fake"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_DEFAULT_PROFILE", "nobody"),
        ("MFA_TOKEN", "123456"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials"),
        ("AWS_CONFIG_FILE", "/nowhere/config"),
    ] {
        let scene = Scene::new(Some(&long_term("work")), "").set(name, value);
        let line = "mfa-creds doctor -p work --offline";
        let said = scene.types(line, Input::Nothing).said;
        let command = format!("unset {name}");
        assert!(said.contains(&format!("fix: {command}")), "{name}: {said}");
        let again = scene
            .types(&format!("{command}; {line}"), Input::Nothing)
            .said;
        assert!(!again.contains(name), "`{command}`: {again}");
    }
}
