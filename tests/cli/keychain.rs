//! Long-term keys in the system's keychain, as far as that shows without one: nothing is lost where it cannot be used. What it does
//! with a real one is in `tests/real/test_keychain.py`.

#[cfg(target_os = "linux")]
use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::fs::PermissionsExt as _;

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};
#[cfg(unix)]
use stand_in::{Account, StandIn};

use crate::support::home::{Home, set_mode};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems::here;
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

#[cfg(unix)]
const NO_DESKTOP: &str = "error: there is no desktop session with a keychain (Secret Service)\n\
     hint: run the command in a desktop session, or set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS to its value in one\n";

/// A section whose keys are in the keychain.
fn in_keychain(profile: &str, command: &str) -> String {
    format!(
        "[{profile}-long-term]\naws_mfa_device = {ALICE_DEVICE}\ncredential_process = {command}\n"
    )
}

#[cfg(unix)]
#[test]
fn without_a_desktop_the_keys_stay_where_they_are() {
    let home = Home::of_alice();
    home.run(&["keychain", "move", "-p", "work"])
        .ends(1, NO_DESKTOP);
    assert_eq!(home.credentials(), long_term("work"));
}

#[cfg(unix)]
#[test]
fn a_bus_that_nobody_serves_is_told() {
    let home = Home::of_alice();
    home.run(&["keychain", "move", "-p", "work"])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .ends(
            1,
            "error: the desktop keychain (Secret Service) cannot be reached: Failed to connect to socket /nonexistent/bus: No such file or directory\n\
             hint: set DBUS_SESSION_BUS_ADDRESS to its value in the desktop session\n",
        );
    assert_eq!(home.credentials(), long_term("work"));
}

#[cfg(unix)]
#[test]
fn setup_writes_nothing_where_the_keychain_cannot_be_used() {
    let home = Home::with("# mine\n");
    home.run(&["setup", "--keychain", "-p", "work"])
        .stdin(&format!(
            "\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n\n"
        ))
        .ends(1, NO_DESKTOP);
    assert_eq!(home.credentials(), "# mine\n");
}

#[cfg(unix)]
#[test]
fn setup_looks_for_the_keychain_before_it_asks() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut run = on_terminal(&home, &sts, "exec \"$0\" setup --keychain -p work");
    let seen = run
        .expect("error: there is no desktop session with a keychain")
        .unwrap();
    let seen = String::from_utf8_lossy(seen.before()).into_owned();
    assert!(!seen.contains("Profile name"), "{seen}");
    assert_eq!(exited(run), 1);
    // Keys that would be moved stay where they are.
    let keys = long_term("work").replace("-long-term", "");
    let home = Home::with(&keys);
    home.run(&["setup", "--keychain", "-p", "work"])
        .stdin("work\n")
        .ends(1, NO_DESKTOP);
    assert_eq!(home.credentials(), keys);
}

#[test]
fn what_can_fail_without_the_keychain_fails_before_it_is_asked() {
    let home = Home::of_alice();
    home.run(&["keychain", "move", "-p", "wrok"]).ends(
        1,
        "error: there is no section [wrok-long-term] in ~/.aws/credentials\n\
         hint: did you mean --profile work?\n",
    );
    let inherited = format!(
        "[DEFAULT]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n\
         [work-long-term]\naws_mfa_device = {ALICE_DEVICE}\n"
    );
    home.write("credentials", &inherited);
    home.run(&["keychain", "move", "-p", "work"]).ends(
        1,
        "error: the keys are not in [work-long-term] of ~/.aws/credentials itself, or were changed in the meantime\n\
         hint: run the command again; keys inherited from [DEFAULT] must be written to the section first\n",
    );
    home.write("credentials", "");
    home.write(
        "config",
        &format!(
            "[profile work]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n\
             [profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = work\n"
        ),
    );
    home.run(&["keychain", "move", "-p", "role"]).ends(
        1,
        "error: [profile work] in ~/.aws/config is not in the credentials file\n\
         hint: move its keys to a section of the credentials file first\n",
    );
}

#[test]
fn keys_that_are_being_rotated_are_not_moved() {
    let begun =
        |section: &str| format!("{section}mfa_creds_rotation_begun = 2026-11-26T12:00:00Z\n");
    let home = Home::of_alice();
    let command = format!("mfa-creds keychain get {ALICE_ACCESS_KEY_ID}");
    for (action, section) in [
        ("move", begun(&long_term("work"))),
        ("restore", begun(&in_keychain("work", &command))),
    ] {
        home.write("credentials", &section);
        home.run(&["keychain", action, "-p", "work"]).ends(
            1,
            "error: the access key rotation for [work-long-term] is not finished\n\
             hint: run `mfa-creds rotate -p work` to finish it, then run the command again\n",
        );
        assert_eq!(home.credentials(), section);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_keychain_is_asked() {
    let home = Home::of_alice();
    set_mode(&home.file("credentials"), 0o400);
    home.run(&["keychain", "move", "-p", "work"]).ends(
        1,
        "error: ~/.aws/credentials is read-only\n\
         hint: make it writable: chmod u+w ~/.aws/credentials\n",
    );
}

#[test]
fn keys_of_another_command_are_left_to_it() {
    let section = in_keychain("work", "pass show aws");
    let home = Home::with(&section);
    home.run(&["keychain", "move", "-p", "work"]).ends(
        1,
        "error: a command prints the keys of [work-long-term]: credential_process of [work-long-term] in ~/.aws/credentials\n\
         hint: the keys are not in the file: there is nothing to move\n",
    );
    home.run(&["keychain", "restore", "-p", "work"]).ends(
        1,
        "error: the keys of [work-long-term] are not in the keychain: credential_process of [work-long-term] in \
         ~/.aws/credentials prints them\n\
         hint: write them to the file in an editor\n",
    );
    home.run(&["setup", "-p", "work"]).stdin("work\n").ends(
        1,
        "error: [work-long-term] in ~/.aws/credentials already contains keys\n\
             hint: choose another profile, or change the keys in an editor\n",
    );
    assert_eq!(home.credentials(), section);
}

#[test]
fn what_is_done_already_is_said() {
    let home = Home::of_alice();
    home.run(&["keychain", "restore", "-p", "work"])
        .ends(0, "the keys of [work-long-term] are already in the file\n");
    let section = in_keychain("work", "mfa-creds keychain get AKIAFAKEFAKEFAKEFAKE");
    home.write("credentials", &section);
    let keychain = match std::env::consts::OS {
        "windows" => "the Windows Credential Manager",
        "macos" => "the macOS keychain",
        _ => "the Secret Service",
    };
    home.run(&["keychain", "move", "-p", "work"]).ends(
        0,
        &format!("the keys of [work-long-term] are already in {keychain}\n"),
    );
    assert_eq!(home.credentials(), section);
}

#[cfg(target_os = "linux")]
#[test]
fn no_keys_go_into_the_kernels_keyring_any_more() {
    let refusal = "error: the kernel's keyring does not accept new keys: it forgets its keys when the machine restarts, and hides them from other \
         sessions\n\
         hint: leave out --store to use the Secret Service, or leave the keys in the file\n";
    let home = Home::of_alice();
    for command in [
        &["keychain", "move", "-p", "work", "--store", "keyutils"][..],
        &[
            "keychain",
            "move",
            "-p",
            "work",
            "--store=keyutils",
            "--yes",
        ],
        &["setup", "-p", "other", "--keychain", "--store", "keyutils"],
    ] {
        home.run(command)
            .stdin(&format!(
                "\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n\n"
            ))
            .ends(2, refusal);
        assert_eq!(home.credentials(), long_term("work"));
    }
    // The keychain that is left may be named, as before.
    home.run(&[
        "keychain",
        "move",
        "-p",
        "work",
        "--store",
        "secret-service",
    ])
    .ends(1, NO_DESKTOP);
    let help = home.run(&["keychain", "move", "--help"]).outcome().stdout;
    assert!(!help.contains("--store"), "{help}");
}

/// A section whose keys an earlier version has left to the kernel, with a program that prints them all the same.
#[cfg(target_os = "linux")]
fn in_kernel(home: &Home, profile: &str) -> String {
    let program = home.path().join("printing");
    fs::write(
        &program,
        format!(
            "#!/bin/sh\n[ \"$*\" = \"keychain get {ALICE_ACCESS_KEY_ID} --store keyutils\" ] || exit 9\necho '{{\"Version\": 1, \"AccessKeyId\": \
             \"{ALICE_ACCESS_KEY_ID}\", \"SecretAccessKey\": \"{ALICE_SECRET_ACCESS_KEY}\"}}'\n"
        ),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    in_keychain(
        profile,
        &format!(
            "{} keychain get {ALICE_ACCESS_KEY_ID} --store keyutils",
            program.display()
        ),
    )
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_that_names_the_kernels_keyring_still_serves_and_takes_no_new_key() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let section = in_kernel(&home, "work");
    home.write("credentials", &section);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .ends(0, "");
    home.write("credentials", &section);
    home.run_with(&sts, &["rotate", "-p", "work", "--yes"]).ends(
        1,
        "error: the keys of [work-long-term] are in the kernel's keyring, which forgets its keys when the machine restarts, and hides them \
         from other sessions\n\
         hint: run `mfa-creds keychain restore -p work` to move them back to the file, then run the command again\n",
    );
    home.run(&["keychain", "move", "-p", "work"]).ends(
        1,
        "error: the keys of [work-long-term] are in the kernel's keyring, which forgets its keys when the machine restarts, and hides them \
         from other sessions\n\
         hint: run `mfa-creds keychain restore -p work` to move them back to the file, then run the command again\n",
    );
    assert_eq!(home.credentials(), section);
}

#[cfg(target_os = "linux")]
#[test]
fn doctor_says_how_keys_come_back_from_the_kernels_keyring() {
    let home = Home::new();
    let sections = format!(
        "{}{}{}",
        in_kernel(&home, "work"),
        in_kernel(&home, "other"),
        in_kernel(&home, "x").replace("[x-long-term]", "[x]")
    );
    home.write("credentials", &sections);
    let outcome = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
    for (section, flags) in [
        ("work-long-term", "-p work"),
        ("other-long-term", "-p other"),
        ("x", "-p x --long-term-suffix none --short-term-suffix mfa"),
    ] {
        let told = format!(
            "the keys of [{section}] in ~/.aws/credentials are in the kernel's keyring, which forgets its keys when the machine restarts, \
             and hides them from other sessions\n         fix: run `mfa-creds keychain restore {flags}`\n"
        );
        assert!(outcome.stdout.contains(&told), "{told}{}", outcome.stdout);
        // What is said there leads to the keys, as far as there is such a keyring.
        let flags = flags.split(' ').collect::<Vec<_>>();
        let outcome = home
            .run(&[&["keychain", "restore"], &flags[..]].concat())
            .outcome();
        let has_tried = outcome.stderr.contains("the kernel's keyring");
        assert!(has_tried, "{outcome:?}");
        assert_eq!(home.credentials(), sections);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn doctor_says_it_of_the_config_file_too() {
    let home = Home::new();
    let section = in_kernel(&home, "work").replace("[work-long-term]", "[profile work]");
    home.write("config", &section);
    home.write("credentials", "");
    let outcome = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
    let told = "the keys of [profile work] in ~/.aws/config are in the kernel's keyring, which forgets its keys when the machine restarts, \
                and hides them from other sessions\n         fix: run its credential_process in that session, pass the keys to `mfa-creds setup -p work`, and remove the line\n";
    assert!(outcome.stdout.contains(told), "{}", outcome.stdout);
    home.run(&["setup", "-p", "work"])
        .stdin(&format!(
            "\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n\n"
        ))
        .succeeds();
    home.write("config", "");
    let outcome = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
    assert!(!outcome.stdout.contains("keyring"), "{}", outcome.stdout);
}

#[cfg(unix)]
#[test]
fn who_tries_the_keychain_for_others_has_no_terminal() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut run = on_terminal(
        &home,
        &sts,
        "(: </dev/tty) && echo it has; \"$0\" keychain elsewhere '(: </dev/tty) 2>&- || echo it has none'",
    );
    run.expect("it has\r").unwrap();
    run.expect("it has none\r").unwrap();
    assert_eq!(exited(run), 0);
}

// Elsewhere, there is a keychain without a desktop, too.
#[cfg(target_os = "linux")]
#[test]
fn why_the_keychain_gives_no_keys_is_told_by_whoever_needs_them() {
    let home = Home::with(&in_keychain(
        "work",
        &format!(
            "{} keychain get AKIAFAKEFAKEFAKEFAKE",
            crate::support::home::binary()
        ),
    ));
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: the command from credential_process of [work-long-term] in ~/.aws/credentials failed: there is no desktop \
         session with a keychain (Secret Service)\n\
         hint: run the command in a desktop session, or set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS to its value in one\n",
    );
}

#[test]
fn valid_credentials_do_not_touch_the_keychain() {
    let home = Home::with(&format!(
        "{}\n{}",
        in_keychain(
            "work",
            here(
                "touch \"$HOME/touched\"; mfa-creds keychain get AKIAFAKEFAKEFAKEFAKE",
                "echo x >\"%USERPROFILE%\\touched\" & mfa-creds keychain get AKIAFAKEFAKEFAKEFAKE"
            )
        ),
        short_term("work", FAR)
    ));
    home.run(&["-p", "work", "-q"]).ends(0, "");
    home.run(&["status", "--check", "-p", "work"]).ends(0, "");
    assert!(!home.path().join("touched").exists());
    home.run(&["-p", "work", "-q", "--force", "--no-input"])
        .outcome();
    assert!(home.path().join("touched").exists());
}
