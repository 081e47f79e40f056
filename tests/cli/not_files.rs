//! What stands where a file should and is none: a directory, a FIFO, a socket, a device, or something without an end.

use std::fs::{self, File};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt as _;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;
use crate::support::sections::long_term;

const HINT: &str = "hint: replace it with a regular file, or set AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE to one\n";

/// Every command that reads the two files, and does not want a terminal first.
const COMMANDS: [&[&str]; 11] = [
    &["-p", "work", "--token", "123456"],
    &["export", "-p", "work"],
    &["exec", "-p", "work", "true"],
    &["status"],
    &["plan", "-p", "work"],
    &["clear", "-p", "work"],
    &["device", "list", "-p", "work"],
    &["rotate", "-p", "work", "--yes"],
    &["keychain", "move", "-p", "work", "--yes"],
    &["keychain", "restore", "-p", "work"],
    &["audit", "-p", "work"],
];

#[cfg(unix)]
fn fifo(path: &Path) {
    let mut mkfifo = Command::new("mkfifo");
    assert!(mkfifo.arg(path).status().unwrap().success());
}

/// Makes something that is no file, and returns what is said of it.
fn make(what: &str, path: &Path) -> String {
    match what {
        "directory" => {
            fs::create_dir(path).unwrap();
            "it is a directory".to_owned()
        }
        "large" => {
            let file = File::create(path).unwrap();
            file.set_len(LARGE).unwrap();
            "it is larger than 16777216 bytes".to_owned()
        }
        _ => {
            #[cfg(unix)]
            make_special(what, path);
            format!("it is a {what}, not a regular file")
        }
    }
}

#[cfg(unix)]
fn make_special(what: &str, path: &Path) {
    match what {
        "named pipe" => fifo(path),
        "socket" => drop(UnixListener::bind(path).unwrap()),
        _ => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
    }
}

/// Where a file has no holes, it is as large on the disk.
const LARGE: u64 = if cfg!(windows) {
    20_000_000
} else {
    10_000_000_000
};

const KINDS: &[&str] = &[
    "directory",
    #[cfg(unix)]
    "named pipe",
    #[cfg(unix)]
    "socket",
    #[cfg(unix)]
    "character device",
    "large",
];

#[test]
fn every_command_refuses_what_is_no_file_with_the_same_words() {
    for &kind in KINDS {
        for (name, variable) in [
            ("credentials", "AWS_SHARED_CREDENTIALS_FILE"),
            ("config", "AWS_CONFIG_FILE"),
        ] {
            let home = Home::new();
            let path = home.path().join(name);
            let run = |command: &[&str]| home.run(command).env(variable, path.to_str().unwrap());
            if name == "config" {
                home.write("credentials", &long_term("work"));
            }
            let is = make(kind, &path);
            let said = format!("error: ~/{name} cannot be read: {is}\n{HINT}");
            for command in COMMANDS {
                // With 1, `audit` says that it has found something.
                let status = if command[0] == "audit" { 2 } else { 1 };
                run(command).ends(status, &said);
            }
            if name == "credentials" {
                run(&["setup"]).stdin("work\n").ends(1, &said);
            }
            run(&["status", "--check", "-p", "work"]).ends(1, "");
            let outcome = run(&["doctor", "--offline", "-p", "work"]).outcome();
            let line = format!("~/{name} cannot be read: {is}\n");
            assert!(outcome.stdout.contains(&line), "{outcome:?}");
            assert!(!home.path().join(".mfa-creds").exists(), "{kind}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_null_device_is_no_file_and_is_never_replaced() {
    let home = Home::new();
    let run = |arguments: &[&str]| {
        let run = home.run(arguments);
        run.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    };
    let said = String::from(
        "error: /dev/null cannot be written: it is the null device, not a regular file\n\
         hint: unset AWS_SHARED_CREDENTIALS_FILE, or set it to a writable file\n",
    );
    run(&["-p", "work", "--token", "123456"]).ends(1, &said);
    run(&["setup"]).stdin("work\n").ends(1, &said);
    assert_eq!(run(&["status"]).outcome().status, Some(0));
    // Keys that are elsewhere do not change that.
    home.write("config", &long_term("work"));
    let outcome = run(&["-p", "work", "--token", "123456"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let doctor = run(&["doctor", "--offline", "-p", "work"]).outcome();
    assert!(
        doctor.stdout.contains(
            "/dev/null (AWS_SHARED_CREDENTIALS_FILE) is the null device, which is read as an empty file\n"
        ),
        "{doctor:?}"
    );
    assert!(!doctor.stdout.contains("chmod"), "{doctor:?}");
    let null = fs::metadata("/dev/null").unwrap();
    assert!(null.file_type().is_char_device());
    assert!(!Path::new("/dev/.mfa-creds").exists());
    // As the config file, it is an empty one.
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .env("AWS_CONFIG_FILE", "/dev/null")
        .ends(0, "");
}

#[test]
fn a_bundle_that_is_no_file_is_refused_before_the_code_is_sent() {
    for &kind in KINDS {
        let sts = StandIn::start(Account::example());
        let home = Home::of_alice();
        let path = home.path().join("ca");
        let is = make(kind, &path);
        let outcome = home
            .run_with(&sts, &["-p", "work", "-q", "--token", "123456"])
            .env("AWS_CA_BUNDLE", path.to_str().unwrap())
            .outcome();
        assert_eq!((outcome.status, sts.calls()), (Some(1), 0), "{outcome:?}");
        let said = format!("the CA bundle ~/ca (AWS_CA_BUNDLE) cannot be read: {is}\n");
        assert!(outcome.stderr.contains(&said), "{outcome:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_trace_goes_where_somebody_can_see_it() {
    let home = Home::of_alice();
    let traced = |path: &str| home.run(&["status"]).env("MFA_CREDS_TRACE", path).outcome();
    for path in ["/dev/stderr", "/dev/null"] {
        assert_eq!(traced(path).status, Some(0), "{path}");
    }
    for (kind, is) in [
        ("named pipe", "it is a named pipe that no process reads"),
        ("socket", "it is a socket, not a regular file"),
        (
            "character device",
            "it is a character device, not a regular file",
        ),
        ("directory", "it is a directory"),
    ] {
        let path = home.path().join(kind);
        make(kind, &path);
        let outcome = traced(path.to_str().unwrap());
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        let said = format!("(MFA_CREDS_TRACE) cannot be written: {is}\nhint: ");
        assert!(outcome.stderr.contains(&said), "{outcome:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_report_may_come_through_a_pipe_that_is_written() {
    let home = Home::new();
    // It waits for a writer that is there and slow, as `aws` is: here one that writes nothing.
    let outcome = home.run(&["audit", "--report", "/dev/stdin"]).outcome();
    assert!(
        outcome
            .stderr
            .contains("/dev/stdin is not a credential report"),
        "{outcome:?}"
    );
    for (kind, is) in [
        ("named pipe", "it is a named pipe that no process writes to"),
        ("socket", "it is a socket, not a regular file"),
        (
            "character device",
            "it is a character device, not a regular file",
        ),
    ] {
        let path = home.path().join(kind);
        make(kind, &path);
        let outcome = home
            .run(&["audit", "--report", path.to_str().unwrap()])
            .outcome();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(is), "{outcome:?}");
    }
}

#[test]
fn what_stands_in_place_of_the_sessions_is_refused_before_the_code_is_sent() {
    let sts = StandIn::start(Account::example());
    for (kind, is) in [
        ("directory", "it is a directory"),
        #[cfg(unix)]
        ("named pipe", "it is a named pipe, not a regular file"),
        #[cfg(unix)]
        ("socket", "it is a socket, not a regular file"),
        #[cfg(unix)]
        ("link", "it is a symbolic link, not a regular file"),
    ] {
        for arguments in [
            &["-p", "work", "--token", "123456"][..],
            &[
                "exec",
                "-q",
                "--no-store",
                "-p",
                "work",
                "--token",
                "123456",
                "--",
                "true",
            ],
        ] {
            let home = Home::of_alice();
            fs::create_dir(home.file(".mfa-creds")).unwrap();
            let path = home.file(".mfa-creds/credentials.sessions");
            make(kind, &path);
            let place = "~/.aws/.mfa-creds/credentials.sessions";
            home.run_with(&sts, arguments).ends(
                1,
                &format!("error: {place} cannot be used: {is}\nhint: remove it: rm -r {place}\n"),
            );
            assert!(sts.requests().is_empty(), "{kind}");
            assert!(
                !home.credentials().contains("[work]"),
                "{kind}: {}",
                home.credentials()
            );
        }
    }
}

#[test]
fn what_stands_in_place_of_our_own_files_is_named_with_what_removes_it() {
    let sts = StandIn::start(Account::example());
    let seen = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    seen.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let names = fs::read_dir(seen.file(".mfa-creds")).unwrap();
    let used: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".used"))
        .collect();
    let [used] = &used[..] else {
        panic!("{used:?}");
    };
    for name in [
        used.clone(),
        format!("{used}.new"),
        "credentials.lock".to_owned(),
        "credentials.in-place-old".to_owned(),
        "credentials.in-place-new".to_owned(),
    ] {
        for (kind, is) in [
            ("directory", "it is a directory"),
            #[cfg(unix)]
            ("named pipe", "it is a named pipe, not a regular file"),
        ] {
            // Only what recovery reads is read.
            if name.contains("in-place") && kind == "named pipe" {
                continue;
            }
            let home = Home::of_alice();
            fs::create_dir(home.file(".mfa-creds")).unwrap();
            let path = home.file(".mfa-creds").join(&name);
            make(kind, &path);
            if kind == "directory" {
                fs::write(path.join("x"), "").unwrap();
            }
            let before = sts.calls();
            let place = format!("~/.aws/.mfa-creds/{name}");
            let said = format!("{place} cannot be used: {is}");
            home.run_with(&sts, &["-p", "work", "--token", "123456"])
                .ends(
                    1,
                    &format!("error: {said}\nhint: remove it: rm -r {place}\n"),
                );
            assert_eq!(sts.calls(), before, "{name}");
            let outcome = home.run(&["doctor", "--offline", "-p", "work"]).outcome();
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            // It masks access key IDs.
            let said = format!("cannot be used: {is}\n");
            assert!(outcome.stdout.contains(&said), "{outcome:?}");
            let fix = "fix: find it with `ls -la ~/.aws/.mfa-creds`, and remove it\n";
            assert!(outcome.stdout.contains(fix), "{outcome:?}");
        }
    }
}
