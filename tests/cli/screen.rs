//! What terminals of all kinds show of messages and waits, and what goes into files and pipes.

use std::fs;
use std::thread;
use std::time::Duration;

use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;
use crate::support::next_code::passed_side_by_side;
use crate::support::sections::long_term;
use crate::support::terminal::{PROMPT, exited, on_terminal};

const NO_PROFILE: &str = "-p nosuch";
const RED: &str = "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m there is no section [nosuch-long-term]";
const GREEN: &str = "\r\n\u{1b}[32mhint:\u{1b}[0m run `mfa-creds setup --profile nosuch`";

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

/// A run that waits for another one, which asks for the code, and what it waits for.
fn waiting(set: &str) -> (String, String) {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut asking = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    let pid = pid.trim();
    let script = format!("stty columns 60; {set}; exec \"$0\" -p work");
    let mut other = on_terminal(&home, &sts, &script);
    let line =
        format!("waiting for process {pid}, which is renewing credentials with the same device");
    let before = other.expect(&line).unwrap();
    let mut shown = String::from_utf8(before.as_bytes().to_vec()).unwrap();
    thread::sleep(Duration::from_millis(2_500));
    asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    let rest = other.expect(Eof).unwrap();
    shown.push_str(str::from_utf8(rest.as_bytes()).unwrap());
    assert_eq!(exited(asking), 0);
    let (_, shown) = shown.split_once("credentials yet\r\n").unwrap();
    let (shown, _) = shown.split_once(" until ").unwrap();
    let trace = fs::read_to_string(home.trace()).unwrap();
    assert_eq!(trace.matches(&line).count(), 1, "{trace}");
    (shown.to_owned(), line)
}

#[test]
fn a_wait_is_one_line_that_counts_the_seconds() {
    let (shown, line) = waiting(":");
    // On a terminal of 60 columns, the line has two rows.
    let clear = "\u{1b}[1A\r\u{1b}[J";
    let mut lines: Vec<&str> = shown.split(clear).collect();
    assert_eq!(lines.pop(), Some("[work] is still valid"), "{shown:?}");
    let seconds = |text: &str| -> u64 {
        let count = text.strip_prefix(&format!("{line} ("));
        let count = count.and_then(|rest| rest.strip_suffix(" s)"));
        count
            .unwrap_or_else(|| panic!("{shown:?}"))
            .parse()
            .unwrap()
    };
    let seconds: Vec<u64> = lines.into_iter().map(seconds).collect();
    assert_eq!(seconds[0], 2);
    assert!(seconds.len() >= 3 && seconds.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_wait_is_a_plain_line_on_a_terminal_that_is_dumb() {
    for set in ["export TERM=dumb", "unset TERM"] {
        let (shown, line) = waiting(set);
        assert_eq!(shown, format!("{line}\r\n[work] is still valid"));
    }
}

/// A session on a dumb terminal. No escape sequence may be in what it shows.
struct Dumb(OsSession);

impl Dumb {
    fn begin(home: &Home, sts: &StandIn, arguments: &str) -> Self {
        let script = format!("unset NO_COLOR; export TERM=dumb; exec \"$0\" {arguments}");
        let mut session = on_terminal(home, sts, &script);
        session.set_expect_timeout(Some(Duration::from_mins(1)));
        Self(session)
    }

    #[track_caller]
    fn shows(&mut self, text: &str) -> String {
        let found = self.0.expect(text).unwrap();
        assert!(!found.as_bytes().contains(&0x1b), "{found:?}");
        String::from_utf8(found.before().to_vec()).unwrap()
    }

    #[track_caller]
    fn types(&mut self, line: &str) {
        self.0.send_line(line).unwrap();
    }

    #[track_caller]
    fn ends(mut self, status: i32) {
        let rest = self.0.expect(Eof).unwrap();
        assert!(!rest.as_bytes().contains(&0x1b), "{rest:?}");
        assert_eq!(exited(self.0), status);
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines_at_the_prompt_for_a_code() {
    if passed_side_by_side() {
        return;
    }
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let mut session = Dumb::begin(&home, &sts, "-p work --force");
    session.shows(PROMPT);
    session.types("12");
    session.shows("error: a code is six digits\r\n");
    session.shows(PROMPT);
    session.types(&code);
    session.shows("error: this code was already used");
    // There is a countdown if the device still shows it.
    let countdown = session.shows(PROMPT);
    // The first one is the rest of the error.
    let mut lines = countdown.lines().skip(1);
    let is_countdown =
        |line: &str| line.starts_with("the next code comes in ") && line.ends_with(" s");
    assert!(lines.next().is_none_or(is_countdown), "{countdown:?}");
    assert_eq!(lines.next(), None, "{countdown:?}");
    session.types(&sts.fresh_code(ALICE_DEVICE));
    session.shows("[work] is valid until");
    session.ends(0);
}

#[test]
fn a_dumb_terminal_gets_plain_questions_and_a_list_with_numbers() {
    let sts = StandIn::start(Account::example());
    let keys = long_term("prod").replace("prod-long-term", "prod");
    let home = Home::with(&format!("{}{keys}", long_term("work")));
    let mut session = Dumb::begin(&home, &sts, "setup");
    session.shows("Profile name to [default]: ");
    session.types("a]");
    session.shows("error: use a name without brackets");
    session.shows("Profile name to [default]: ");
    session.types("prod");
    session.shows("Move them to [prod-long-term]? [Y/n]: ");
    session.types("maybe");
    session.shows("error: answer y or n\r\n");
    session.shows("Move them to [prod-long-term]? [Y/n]: ");
    session.types("y");
    session.ends(0);

    let mut session = Dumb::begin(&home, &sts, "");
    session.shows("Which profile?\r\n1) work\r\n2) prod\r\nNumber [1]: ");
    session.types("3");
    session.shows("error: type a number from 1 to 2\r\nNumber [1]: ");
    session.types("2");
    session.shows("renewing [prod]");
    session.shows(PROMPT);
    session.0.send("\u{4}").unwrap();
    session.shows("error: nothing was typed");
    session.ends(3);

    let mut session = Dumb::begin(&home, &sts, "");
    session.shows("Number [1]: ");
    session.types("");
    session.shows("renewing [work]");
    session.shows(PROMPT);
    session.0.send("\u{3}").unwrap();
    let rest = session.0.expect(Eof).unwrap();
    assert!(!rest.as_bytes().contains(&0x1b), "{rest:?}");
}

#[test]
fn a_signal_at_a_hidden_prompt_sends_nothing_to_a_dumb_terminal() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let mut session = Dumb::begin(&home, &sts, "setup");
    session.shows("Profile name to [default]: ");
    session.types("");
    session.shows("aws_access_key_id: ");
    session.types(ALICE_ACCESS_KEY_ID);
    session.shows("(not shown): ");
    session.0.send("\u{3}").unwrap();
    let rest = session.0.expect(Eof).unwrap();
    assert!(!rest.as_bytes().contains(&0x1b), "{rest:?}");
}

#[test]
fn a_wait_does_not_erase_the_prompt_of_another_process_on_the_same_terminal() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(
        &home,
        &sts,
        "\"$0\" -p work & pid=$!; sleep 1; \"$0\" -p work; wait $pid; exit",
    );
    session.expect(PROMPT).unwrap();
    session.expect("waiting for process").unwrap();
    thread::sleep(Duration::from_millis(1_500));
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    let rest = session.expect(Eof).unwrap();
    let rest = str::from_utf8(rest.as_bytes()).unwrap();
    assert!(
        !rest.contains('\u{1b}') && !rest.contains(" s)"),
        "{rest:?}"
    );
}
