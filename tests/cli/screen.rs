//! What terminals of all kinds show of messages and waits, and what goes into files and pipes.

use std::fs;

use expectrl::Expect as _;
use stand_in::{Account, StandIn};

use crate::support::home::Home;
use crate::support::sections::long_term;
use crate::support::terminal::{PROMPT, exited, on_terminal};

const NO_PROFILE: &str = "-p nosuch";
const RED: &str = "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m there is no section [nosuch-long-term]";
const GREEN: &str = "\r\n\u{1b}[32mhint:\u{1b}[0m `mfa-creds setup --profile nosuch`";

/// What the binary writes to a terminal that is set up like this.
fn shown(home: &Home, set: &str, arguments: &str) -> String {
    let sts = StandIn::start(Account::example());
    let script = format!("{set}; \"$0\" {arguments}; echo done; exit 0");
    let mut session = on_terminal(home, &sts, &script);
    let found = session.expect("done").unwrap();
    let text = String::from_utf8(found.before().to_vec()).unwrap();
    assert_eq!(exited(session), 0);
    text
}

#[test]
fn labels_have_the_colors_of_clap_on_a_terminal_that_shows_colors() {
    let home = Home::of_alice();
    let text = shown(&home, "unset NO_COLOR", NO_PROFILE);
    assert!(text.contains(RED) && text.contains(GREEN), "{text:?}");
    // clap's own, for comparison.
    let text = shown(&home, "unset NO_COLOR", "--nosuch");
    assert!(text.contains("\u{1b}[31merror:\u{1b}["), "{text:?}");
    for set in [
        "NO_COLOR=1",
        "unset NO_COLOR; export CLICOLOR=0",
        "unset NO_COLOR; TERM=dumb",
        "unset NO_COLOR TERM",
    ] {
        let text = shown(&home, set, NO_PROFILE);
        assert!(text.contains("error: there is no section"), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{set}: {text:?}");
    }
}

#[test]
fn a_warning_is_yellow() {
    let home =
        Home::with(&long_term("work").replace("aws_access_key_id", "\u{a0}aws_access_key_id"));
    let text = shown(&home, "unset NO_COLOR", "-p work --token 123456");
    let warning = "\u{1b}[33m\u{1b}[1mwarning:\u{1b}[0m ";
    assert!(text.starts_with(warning), "{text:?}");
}

#[test]
fn files_and_pipes_get_no_colors() {
    let home = Home::of_alice();
    let set = "unset NO_COLOR; export CLICOLOR_FORCE=1";
    shown(&home, set, &format!("{NO_PROFILE} 2>err"));
    let err = fs::read_to_string(home.path().join("err")).unwrap();
    assert!(err.starts_with("error: there is no section"), "{err:?}");
    shown(&home, set, &format!("{NO_PROFILE} 2>&1 | cat >err"));
    let err = fs::read_to_string(home.path().join("err")).unwrap();
    assert!(err.starts_with("error: there is no section"), "{err:?}");
    let trace = fs::read_to_string(home.trace()).unwrap();
    assert!(
        trace.contains("error: ") && !trace.contains('\u{1b}'),
        "{trace}"
    );
}

#[test]
fn a_prompt_says_what_is_wrong_in_the_same_colors() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(&home, &sts, "unset NO_COLOR; exec \"$0\" -p work 2>err");
    session.expect(PROMPT).unwrap();
    session.send_line("12").unwrap();
    session
        .expect("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m a code is six digits")
        .unwrap();
    session.expect(PROMPT).unwrap();
    session.send("\u{4}").unwrap();
    assert_eq!(exited(session), 3);
}
