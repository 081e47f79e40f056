//! `credential_process` and `mfa_process` on Windows: cmd.exe runs them, and a job ends them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{BINARY, Home};
use crate::support::sections::{long_term, value};
use crate::support::spawning::spawning;

/// Waits, and then says that it is still there.
const LATER: &str = "@ping -n 4 127.0.0.1 >NUL\r\n@echo there >%1\r\n";
/// Longer than that.
const WAIT: Duration = Duration::from_secs(8);

/// A home in whose directory `x y` are commands.
fn home() -> Home {
    let home = Home::new();
    fs::create_dir(home.path().join("x y")).unwrap();
    put(&home, "later.cmd", LATER);
    home
}

fn put(home: &Home, name: &str, text: &str) {
    fs::write(home.path().join("x y").join(name), text).unwrap();
}

/// A command of the home, quoted.
fn quoted(home: &Home, name: &str) -> String {
    format!("\"{}\"", home.path().join("x y").join(name).display())
}

/// Where the commands of Windows are.
fn path() -> String {
    let system = std::env::var("SystemRoot").unwrap();
    format!(r"{system}\System32")
}

/// Where a command says that it is still there.
fn mark(home: &Home) -> String {
    format!("\"{}\"", home.path().join("mark").display())
}

#[track_caller]
fn has_ended(home: &Home) {
    thread::sleep(WAIT);
    assert!(!home.path().join("mark").exists());
}

fn keys() -> String {
    format!(
        r#"{{"Version": 1, "AccessKeyId": "{ALICE_ACCESS_KEY_ID}", "SecretAccessKey": "{ALICE_SECRET_ACCESS_KEY}"}}"#
    )
}

fn is_renewed(home: &Home) {
    assert!(value(&home.credentials(), "work", "aws_session_token").is_some());
}

#[test]
fn a_credential_process_with_blanks_is_found_and_gets_its_arguments() {
    let sts = StandIn::start(Account::example());
    let home = home();
    put(
        &home,
        "keys.cmd",
        &format!("@if \"%~1 %~2\" == \"--for a b\" echo {}\r\n", keys()),
    );
    for arguments in ["--for \"a b\"", "--for \"a b\" 2>NUL"] {
        home.write(
            "credentials",
            &format!(
                "[work-long-term]\ncredential_process = {} {arguments}\naws_mfa_device = {ALICE_DEVICE}\n",
                quoted(&home, "keys.cmd")
            ),
        );
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
            .succeeds();
        is_renewed(&home);
    }
}

#[test]
fn an_mfa_process_with_blanks_is_found_and_gets_its_arguments() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let code = sts.fresh_code(ALICE_DEVICE);
    put(
        &home,
        "code.cmd",
        &format!("@if \"%~1 %~2\" == \"--for a b\" echo {code}\r\n"),
    );
    let command = format!("{} --for \"a b\"", quoted(&home, "code.cmd"));
    home.write(
        "credentials",
        &format!("{}mfa_process = {command}\n", long_term("work")),
    );
    home.run_with(&sts, &["-p", "work", "-q"]).succeeds();
    is_renewed(&home);
}

/// A home whose `mfa_process` waits in a process that another one has started.
fn home_that_waits() -> Home {
    let home = home();
    put(
        &home,
        "wait.cmd",
        "@echo ready >%1.ready\r\n@cmd /c call \"%~dp0later.cmd\" %1\r\n",
    );
    let command = format!("{} {}", quoted(&home, "wait.cmd"), mark(&home));
    home.write(
        "credentials",
        &format!("{}mfa_process = {command}\n", long_term("work")),
    );
    home
}

#[test]
fn at_its_time_limit_a_command_ends_with_all_that_it_has_started() {
    let sts = StandIn::start(Account::example());
    let home = home_that_waits();
    home.run_with(&sts, &["-p", "work", "-q", "--prompt-timeout", "1"])
        .env("PATH", &path())
        .ends(
            3,
            "error: the command from mfa_process of [work-long-term] in ~/.aws/credentials did not end within 1 s\n\
             hint: run it by itself: it may be waiting for input; --prompt-timeout gives it more time\n",
        );
    has_ended(&home);
}

#[test]
fn when_the_run_is_killed_its_command_ends_with_all_that_it_has_started() {
    let sts = StandIn::start(Account::example());
    let home = home_that_waits();
    let mut command = Command::new(BINARY);
    home.command(&mut command)
        .args(["-p", "work"])
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("PATH", path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = spawning(|| command.spawn().unwrap());
    while !Path::exists(&home.path().join("mark.ready")) {
        thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    has_ended(&home);
}

/// As the agents of password managers do.
#[test]
fn what_a_command_leaves_running_runs_on() {
    let sts = StandIn::start(Account::example());
    let home = home();
    put(
        &home,
        "keys.cmd",
        &format!(
            "@start /b cmd /c call \"%~dp0later.cmd\" %1\r\n@echo {}\r\n",
            keys()
        ),
    );
    home.write(
        "credentials",
        &format!(
            "[work-long-term]\ncredential_process = {} {}\naws_mfa_device = {ALICE_DEVICE}\n",
            quoted(&home, "keys.cmd"),
            mark(&home)
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .env("PATH", &path())
        .succeeds();
    thread::sleep(WAIT);
    assert!(home.path().join("mark").exists());
}
