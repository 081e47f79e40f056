//! The prompt on a real terminal: where it appears, what it takes, and how it ends.

use std::fs;
use std::process::{Command, Stdio};

use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::Home;
use crate::support::sections::{long_term, value};
use crate::support::spawning::spawning;
use crate::support::terminal::{PROMPT, exited, kill, on_terminal, type_code};

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
    type_code(&mut session, sts.fresh_code(ALICE_DEVICE));
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
        type_code(&mut session, wrong);
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
    type_code(&mut session, sts.fresh_code(ALICE_DEVICE));
    assert_eq!(exited(session), 0);
    assert_eq!(fs::read_to_string(home.path().join("err")).unwrap(), "");
}

#[test]
fn is_not_shown_when_input_is_forbidden() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work --no-input");
    session.expect("--no-input forbids asking").unwrap();
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
fn stays_on_the_screen_as_in_aws_mfa() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    // The library for terminals switches echo off. A terminal that is too narrow for the prompt, and one without a size.
    for size in ["columns 20", "columns 1", "rows 0 columns 0"] {
        let script = format!("stty echo {size}; exec \"$0\" -p work --force");
        let mut session = on_terminal(&home, &sts, &script);
        session.expect(PROMPT).unwrap();
        let code = sts.fresh_code(ALICE_DEVICE);
        session.send_line(&code).unwrap();
        // Nothing is drawn over: the code that was typed is followed by what came of it.
        let seen = session.expect(Eof).unwrap();
        let seen = String::from_utf8_lossy(seen.as_bytes()).into_owned();
        assert!(
            seen.starts_with(&format!(" {code}\r\n[work] is valid until ")),
            "{size}: {seen:?}"
        );
    }
}

#[test]
fn the_keys_of_the_terminal_work() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work");
    session.expect(PROMPT).unwrap();
    // Ctrl-U takes back what was typed.
    let code = sts.fresh_code(ALICE_DEVICE);
    session.send(format!("999999\u{15}{code}\n")).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(sts.requests()[0].parameter("TokenCode"), Some(&*code));

    // Ctrl-D ends the input.
    let mut session = on_terminal(&home, &sts, "exec \"$0\" -p work --force");
    session.expect(PROMPT).unwrap();
    session.send("\u{4}").unwrap();
    session.expect("error: nothing was typed").unwrap();
    assert_eq!(exited(session), 3);
    assert_eq!(sts.calls(), 1);
}

const NOTHING_TYPED: &str =
    "error: nothing was typed\r\nhint: run the command again, and answer the prompt";

/// Runs a script that says what became of its child, and checks that the terminal is as it was.
fn terminal_is_as_before(home: &Home, mut session: OsSession, status: &str) {
    session.expect(status).unwrap();
    assert_eq!(exited(session), 0);
    let read = |name| fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(read("after"), read("before"));
}

const SIGNALS: [(&str, &str); 4] = [
    ("INT", "status 130"),
    ("TERM", "status 143"),
    ("HUP", "status 129"),
    ("QUIT", "status 131"),
];

/// Every other signal that can be caught and ends a process by default. Their numbers are those of Linux.
const OTHER_SIGNALS: [(&str, &str); 11] = [
    ("ABRT", "status 134"),
    ("ALRM", "status 142"),
    ("BUS", "status 135"),
    ("PROF", "status 155"),
    ("SYS", "status 159"),
    ("TRAP", "status 133"),
    ("USR1", "status 138"),
    ("USR2", "status 140"),
    ("VTALRM", "status 154"),
    ("XCPU", "status 152"),
    // A write over a limit: it is an error of that write.
    ("XFSZ", "(not shown): "),
];
/// Those that only Linux has, and whose default cannot be brought about: the process ends as by SIGTERM.
#[cfg(target_os = "linux")]
const LINUX_SIGNALS: [(&str, &str); 5] = [
    ("16", "status 143"),
    ("29", "status 143"),
    ("30", "status 143"),
    ("40", "status 143"),
    ("64", "status 143"),
];
#[cfg(not(target_os = "linux"))]
const LINUX_SIGNALS: [(&str, &str); 0] = [];

/// Runs the binary with these arguments as a child that can be killed.
fn script(arguments: &str) -> String {
    format!(
        "trap : INT; tty >tty; stty -a >before; ulimit -c 0; \
         sh -c 'echo $$ >pid; exec \"$0\" {arguments}' \"$0\"; echo \"status $?\"; stty -a >after"
    )
}

#[test]
fn a_signal_ends_it_as_that_signal() {
    let sts = StandIn::start(Account::example());
    for (signal, status) in SIGNALS {
        let home = Home::of_alice();
        let mut session = on_terminal(&home, &sts, &script("-p work"));
        session.expect(PROMPT).unwrap();
        kill(&home, signal);
        terminal_is_as_before(&home, session, status);
    }
    assert_eq!(sts.calls(), 0);
}

#[test]
fn control_c_ends_it_as_an_interrupt() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, &script("-p work"));
    session.expect(PROMPT).unwrap();
    session.send("\u{3}").unwrap();
    terminal_is_as_before(&home, session, "status 130");
    assert_eq!(sts.calls(), 0);
}

#[test]
fn setup_asks_hides_the_secret_and_asks_again_for_what_cannot_be() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut session = on_terminal(&home, &sts, "tty >tty; exec \"$0\" setup 2>err");
    session.expect("Profile name to [default]: ").unwrap();
    session.send_line("work").unwrap();
    session.expect("aws_access_key_id: ").unwrap();
    session.send_line("alice").unwrap();
    session
        .expect("error: an access key ID has at least 16 capital letters")
        .unwrap();
    session.expect("aws_access_key_id: ").unwrap();
    session.send_line(ALICE_ACCESS_KEY_ID).unwrap();
    session
        .expect("aws_secret_access_key (not shown): ")
        .unwrap();
    session.send_line("short").unwrap();
    session
        .expect("aws_secret_access_key (not shown): ")
        .unwrap();
    session.send_line(ALICE_SECRET_ACCESS_KEY).unwrap();
    let seen = session.expect("Check the keys with AWS? [Y/n]: ").unwrap();
    let seen = String::from_utf8_lossy(seen.before()).into_owned();
    assert!(!seen.contains(ALICE_SECRET_ACCESS_KEY), "{seen}");
    session.send_line("n").unwrap();
    session.expect("MFA device (optional): ").unwrap();
    session
        .send_line("arn:aws:iam::123456789012:user/alice")
        .unwrap();
    session
        .expect("error: this is a user, not an MFA device")
        .unwrap();
    session.expect("MFA device (optional): ").unwrap();
    session.send_line(ALICE_DEVICE).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn a_secret_that_does_not_come_ends_setup() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut session = on_terminal(&home, &sts, &script("setup -p work"));
    session.expect("Profile name to [work]: ").unwrap();
    session.send_line("").unwrap();
    session.expect("aws_access_key_id: ").unwrap();
    session.send_line(ALICE_ACCESS_KEY_ID).unwrap();
    session.expect("(not shown): ").unwrap();
    session.send("\u{4}").unwrap();
    terminal_is_as_before(&home, session, "status 3");
    assert!(!home.file("credentials").exists());
}

fn until_mode(home: &Home, mode: &str) {
    let tty = fs::read_to_string(home.path().join("tty")).unwrap();
    let stty = format!("stty -a <{}", tty.trim());
    loop {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &stty]).stdout(Stdio::piped());
        let child = spawning(|| command.spawn().unwrap());
        let output = child.wait_with_output().unwrap();
        if String::from_utf8_lossy(&output.stdout).contains(mode) {
            return;
        }
    }
}

#[test]
fn a_signal_in_setup_leaves_the_terminal_as_it_was() {
    let sts = StandIn::start(Account::example());
    for (signal, status) in SIGNALS {
        // At a line that is shown, and at one that is hidden.
        for at_secret in [false, true] {
            let home = Home::new();
            let mut session = on_terminal(&home, &sts, &script("setup -p work"));
            session.expect("Profile name to [work]: ").unwrap();
            if at_secret {
                session.send_line("").unwrap();
                session.expect("aws_access_key_id: ").unwrap();
                session.send_line(ALICE_ACCESS_KEY_ID).unwrap();
                session.expect("(not shown): ").unwrap();
            }
            kill(&home, signal);
            terminal_is_as_before(&home, session, status);
            assert!(!home.file("credentials").exists());
        }
    }
}

#[test]
fn no_signal_leaves_a_terminal_that_hides_what_is_typed() {
    let sts = StandIn::start(Account::example());
    for (signal, status) in OTHER_SIGNALS.into_iter().chain(LINUX_SIGNALS) {
        let home = Home::new();
        let mut session = on_terminal(&home, &sts, &script("setup -p work"));
        session.expect("Profile name to [work]: ").unwrap();
        session.send_line("").unwrap();
        session.expect("aws_access_key_id: ").unwrap();
        session.send_line(ALICE_ACCESS_KEY_ID).unwrap();
        session.expect("(not shown): ").unwrap();
        kill(&home, signal);
        if signal == "XFSZ" {
            session.send_line("short").unwrap();
            session.expect(status).unwrap();
            kill(&home, "TERM");
            terminal_is_as_before(&home, session, "status 143");
        } else if cfg!(target_os = "linux") {
            terminal_is_as_before(&home, session, status);
        } else {
            terminal_is_as_before(&home, session, "status");
        }
    }
}

#[test]
fn setup_moves_keys_after_a_yes_and_not_after_a_no() {
    let sts = StandIn::start(Account::example());
    let plain = long_term("work").replace("-long-term", "");
    for (answer, moved) in [("y", true), ("n", false)] {
        let home = Home::with(&plain);
        let mut session = on_terminal(&home, &sts, "exec \"$0\" setup -p work");
        session.expect("Profile name to [work]: ").unwrap();
        session.send_line("").unwrap();
        session
            .expect("[work] contains long-term keys. Move them to [work-long-term]?")
            .unwrap();
        session.send_line(answer).unwrap();
        if moved {
            assert_eq!(exited(session), 0);
            assert_eq!(
                home.credentials(),
                format!("[work]\n\n{}", long_term("work"))
            );
        } else {
            session.expect("aws_access_key_id: ").unwrap();
            drop(session);
            assert_eq!(home.credentials(), plain);
        }
    }
}

#[test]
fn control_d_ends_each_prompt_of_setup() {
    let sts = StandIn::start(Account::example());
    let prompts = [
        ("Profile name to [default]: ", "work"),
        ("aws_access_key_id: ", ALICE_ACCESS_KEY_ID),
        (
            "aws_secret_access_key (not shown): ",
            ALICE_SECRET_ACCESS_KEY,
        ),
        ("Check the keys with AWS? [Y/n]: ", "n"),
        ("MFA device (optional): ", ""),
    ];
    for last in 0..prompts.len() {
        let home = Home::new();
        let mut session = on_terminal(&home, &sts, &script("setup"));
        for (prompt, answer) in &prompts[..last] {
            session.expect(prompt).unwrap();
            session.send_line(answer).unwrap();
        }
        session.expect(prompts[last].0).unwrap();
        session.send("\u{4}").unwrap();
        session.expect(NOTHING_TYPED).unwrap();
        terminal_is_as_before(&home, session, "status 3");
        assert!(!home.file("credentials").exists());
    }
}

#[test]
fn control_d_ends_a_question() {
    let sts = StandIn::start(Account::example());
    let plain = long_term("work").replace("-long-term", "");
    let home = Home::with(&plain);
    let mut session = on_terminal(&home, &sts, &script("setup -p work"));
    session.expect("Profile name to [work]: ").unwrap();
    session.send_line("").unwrap();
    session.expect("Move them to [work-long-term]?").unwrap();
    session.send("\u{4}").unwrap();
    session.expect(NOTHING_TYPED).unwrap();
    terminal_is_as_before(&home, session, "status 3");
    assert_eq!(home.credentials(), plain);
}

#[test]
fn control_d_ends_a_list() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!("{}{}", long_term("work"), long_term("prod")));
    let mut session = on_terminal(&home, &sts, &script(""));
    session.expect("> work").unwrap();
    until_mode(&home, "-icanon");
    session.send("\u{4}").unwrap();
    session.expect(NOTHING_TYPED).unwrap();
    terminal_is_as_before(&home, session, "status 3");
    assert_eq!(sts.calls(), 0);
}

#[test]
fn a_list_is_shown_again_when_the_process_is_in_the_foreground_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!("{}{}", long_term("work"), long_term("prod")));
    let script = "tty >tty; set -m; \"$0\"; echo stopped $?; read -r go; fg; echo ended $?; exit 0";
    let mut session = on_terminal(&home, &sts, script);
    session.expect("> work").unwrap();
    until_mode(&home, "-icanon");
    session.send("\u{1a}").unwrap();
    session.expect("stopped").unwrap();
    session.send_line("").unwrap();
    session.expect("> work").unwrap();
    until_mode(&home, "-icanon");
    session.send("\u{4}").unwrap();
    session.expect("ended 3").unwrap();
    assert_eq!(exited(session), 0);
}

#[test]
fn it_is_shown_again_when_the_process_is_in_the_foreground_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let script = "set -m; \"$0\" -p work; echo stopped $?; read -r go; fg; echo ended $?; exit 0";
    let mut session = on_terminal(&home, &sts, script);
    session.expect(PROMPT).unwrap();
    // What was typed goes with the suspension, as everywhere.
    session.send("99\u{1a}").unwrap();
    session.expect("stopped").unwrap();
    session.send_line("").unwrap();
    type_code(&mut session, sts.fresh_code(ALICE_DEVICE));
    session.expect("ended 0").unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(sts.calls(), 1);
}

#[test]
fn a_question_is_shown_again_when_the_process_is_in_the_foreground_again() {
    let sts = StandIn::start(Account::example());
    let plain = long_term("work").replace("-long-term", "");
    let home = Home::with(&plain);
    let script = "set -m; \"$0\" setup -p work; echo stopped $?; fg; echo ended $?; exit 0";
    let mut session = on_terminal(&home, &sts, script);
    session.expect("Profile name to [work]: ").unwrap();
    session.send_line("").unwrap();
    session.expect("Move them to [work-long-term]?").unwrap();
    session.send("\u{1a}").unwrap();
    session.expect("stopped").unwrap();
    session
        .expect("Move them to [work-long-term]? [Y/n]: ")
        .unwrap();
    session.send_line("n").unwrap();
    session.expect("aws_access_key_id: ").unwrap();
    session.send("\u{4}").unwrap();
    session.expect("ended 3").unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(home.credentials(), plain);
}
