//! The prompt on a real terminal: where it appears, what it takes, and how it ends.

use std::fs;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};
use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::harness::{BINARY, Home, value};

pub const PROMPT: &str = "Enter AWS MFA code for device [arn:aws:iam::123456789012:mfa/alice] (renewing for 43200 seconds):";

/// Runs a shell script on a terminal of its own, with the binary as `$0`.
pub fn on_terminal(home: &Home, sts: &StandIn, script: &str) -> OsSession {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, BINARY])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("AWS_ENDPOINT_URL_STS", sts.url());
    let mut session = Session::spawn(command).unwrap();
    session.set_expect_timeout(Some(Duration::from_secs(20)));
    session
}

fn ended(mut session: OsSession) -> WaitStatus {
    session.expect(Eof).unwrap();
    session.get_process().wait().unwrap()
}

pub fn exited(session: OsSession) -> i32 {
    match ended(session) {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn takes_the_code_typed_with_blanks() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work");
    session
        .expect("renewing [work]: there are no credentials yet")
        .unwrap();
    session.expect(PROMPT).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    session
        .send_line(format!("{} {} ", &code[..3], &code[3..]))
        .unwrap();
    session.expect("[work] is valid until ").unwrap();
    assert_eq!(exited(session), 0);
    assert!(value(&home.credentials(), "work", "aws_session_token").is_some());
}

#[test]
fn reaches_the_person_though_everything_is_redirected() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "\"$0\" -p work </dev/null >out 2>err; exit $?");
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(fs::read_to_string(home.path().join("out")).unwrap(), "");
    let err = fs::read_to_string(home.path().join("err")).unwrap();
    assert!(!err.contains("Enter AWS MFA code"), "{err}");
    assert!(err.contains("[work] is valid until"), "{err}");
}

#[test]
fn asks_again_for_what_cannot_be_a_code_and_sends_nothing() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work");
    for wrong in ["", "12345", "12345x", "1234567"] {
        session.expect(PROMPT).unwrap();
        session.send_line(wrong).unwrap();
        session.expect("a code is six digits").unwrap();
    }
    session.expect(PROMPT).unwrap();
    assert_eq!(sts.calls(), 0);
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(sts.calls(), 1);
}

#[test]
fn is_shown_even_when_only_errors_are_wanted() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(
        &home,
        &sts,
        "\"$0\" -p work --log-level ERROR 2>err; exit $?",
    );
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(fs::read_to_string(home.path().join("err")).unwrap(), "");
}

#[test]
fn is_not_shown_when_input_is_forbidden() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work --no-input");
    session.expect("--no-input forbids to ask").unwrap();
    assert_eq!(exited(session), 3);
}

#[test]
fn fails_before_it_asks() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(
        &home,
        &sts,
        "\"$0\" -p work --device arn:aws:iam::123456789012:user/alice; echo ended $?",
    );
    let seen = session.expect("ended 1").unwrap();
    let seen = String::from_utf8_lossy(seen.before()).into_owned();
    assert!(seen.contains("is a user, not an MFA device"), "{seen}");
    assert!(!seen.contains("Enter AWS MFA code"), "{seen}");
    assert_eq!(exited(session), 0);
}

#[test]
fn a_signal_ends_it_as_that_signal_and_the_terminal_is_as_before() {
    let sts = StandIn::start(Account::example());
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let home = Home::of_alice();
        let script = "tty >tty; stty -a >before; ulimit -c 0; sh -c 'echo $$ >pid; exec \"$0\" -p work' \"$0\"; \
                      echo \"status $?\"; stty -a >after";
        let mut session = on_terminal(&home, &sts, script);
        session.expect(PROMPT).unwrap();
        // The mode that must not stay is on a moment after the prompt.
        let tty = fs::read_to_string(home.path().join("tty")).unwrap();
        let mode = format!("stty -a <{}", tty.trim());
        let raw = || {
            let output = Command::new("/bin/sh").args(["-c", &mode]).output();
            String::from_utf8_lossy(&output.unwrap().stdout).contains("-icanon")
        };
        while !raw() {
            std::thread::yield_now();
        }
        let pid = fs::read_to_string(home.path().join("pid")).unwrap();
        let killed = Command::new("/bin/sh")
            .args(["-c", &format!("kill -{signal} {}", pid.trim())])
            .status()
            .unwrap();
        assert!(killed.success());
        session.expect(format!("status {status}")).unwrap();
        assert_eq!(exited(session), 0);
        let read = |name| fs::read_to_string(home.path().join(name)).unwrap();
        assert_eq!(read("after"), read("before"), "after {signal}");
    }
}

#[test]
fn control_c_ends_it_as_an_interrupt() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(
        &home,
        &sts,
        "trap : INT; stty -a >before; \"$0\" -p work; echo \"status $?\"; stty -a >after",
    );
    session.expect(PROMPT).unwrap();
    // Sent before the prompt has switched line mode off, it reaches the shell, too, which has to live on.
    session.send("\u{3}").unwrap();
    // The shell sees that its child died of SIGINT.
    session.expect("status 130").unwrap();
    assert_eq!(exited(session), 0);
    let read = |name| fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(read("after"), read("before"));
    assert_eq!(sts.calls(), 0);
}
