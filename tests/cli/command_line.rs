//! The command line as people type it: options before the command, and a word in place of a command.

use crate::support::home::Home;
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems;

/// What a run says and how it ends.
fn told(home: &Home, arguments: &[&str]) -> (Option<i32>, String, String) {
    let outcome = home.run(arguments).outcome();
    (outcome.status, outcome.stdout, outcome.stderr)
}

#[test]
fn options_before_the_command_are_those_of_the_command() {
    let home = Home::with(&format!(
        "{}{}{}",
        long_term("work"),
        short_term("work", FAR),
        short_term("status", FAR)
    ));
    for (before, behind) in [
        (&["-p", "work", "status"][..], &["status", "-p", "work"][..]),
        // A profile may be called like a command.
        (&["-p", "status", "status"], &["status", "-p", "status"]),
        (&["--profile=work", "plan"], &["plan", "--profile=work"]),
        (
            &["-q", "-p", "work", "exec", "echo", "-p"],
            &["exec", "-q", "-p", "work", "echo", "-p"],
        ),
        (
            &["-p", "work", "exec", "--", "echo", "x"],
            &["exec", "-p", "work", "--", "echo", "x"],
        ),
        (
            &["-p", "work", "keychain", "restore"],
            &["keychain", "restore", "-p", "work"],
        ),
        (
            &["device", "-p", "work", "list", "--region", "nowhere!"],
            &["device", "list", "-p", "work", "--region", "nowhere!"],
        ),
        (
            &["-p", "work", "keychain", "-q", "restore"],
            &["keychain", "restore", "-p", "work", "-q"],
        ),
        (&["-v", "status"], &["status", "-v"]),
        (&["--force", "status"], &["status", "--force"]),
        // What is wrong in front of the command is told without it.
        (&["-vq", "status"], &["-vq"]),
        (&["--duration", "status", "plan"], &["--duration", "status"]),
        (&["-p", "work", "work"], &["work"]),
    ] {
        let expected = told(&home, behind);
        assert_eq!(told(&home, before), expected, "{before:?}");
    }
    assert_eq!(
        told(&home, &["-p", "work", "exec", "echo", "x"]),
        (Some(0), "x\n".to_owned(), String::new())
    );
    let (status, _, message) = told(&home, &["--force", "status"]);
    assert_eq!(status, Some(2));
    assert!(
        message.contains("unexpected argument '--force' found"),
        "{message}"
    );
    let (_, _, message) = told(&home, &["-p", "work", "help"]);
    assert!(
        message.starts_with("error: unexpected argument '-p' found\n\nUsage: mfa-creds help"),
        "{message}"
    );
}

#[test]
fn a_profile_in_place_of_a_command_is_told_how_to_be_renewed() {
    let home = Home::with(&format!("{}{}", long_term("work"), long_term("two words")));
    let renew = |typed: &str, tip: &str| {
        let expected = format!("error: unrecognized subcommand '{typed}'\n\n  tip: {tip}\n");
        let (status, stdout, message) = told(&home, &[typed]);
        assert_eq!((status, &*stdout), (Some(2), ""));
        assert!(message.starts_with(&expected), "{message}");
    };
    renew(
        "work",
        "to renew the profile, run `mfa-creds --profile work`",
    );
    renew(
        "wrok",
        "to renew the profile, run `mfa-creds --profile work`",
    );
    renew(
        "two words",
        &systems::typed("to renew the profile, run `mfa-creds --profile 'two words'`"),
    );
    renew(
        "elephants",
        "run `mfa-creds help` to list the commands; to name a profile, use --profile: work, two words",
    );
    // What is like a command is one.
    let (_, _, message) = told(&home, &["stauts"]);
    assert!(
        message.contains("tip: did you mean `mfa-creds status`?"),
        "{message}"
    );
    let (_, _, message) = told(&home, &["device", "lst"]);
    assert!(
        message.contains("a similar subcommand exists: 'list'"),
        "{message}"
    );
    let (_, _, message) = told(&Home::new(), &["elephants"]);
    assert!(
        message.contains("  tip: run `mfa-creds help` to list the commands\n"),
        "{message}"
    );
}
