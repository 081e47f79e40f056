//! No profile is named and there is no default one: the person picks, and where nobody is there, the error says from what.

#[cfg(unix)]
use expectrl::{ControlCode, Expect as _};
#[cfg(unix)]
use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;
use crate::support::roles::{ADMIN, role};
#[cfg(unix)]
use crate::support::sections::value;
use crate::support::sections::{FAR, long_term, short_term};
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, on_terminal};

const NOBODY: &str = "error: no profile is named, and there is no section [default-long-term] in ~/.aws/credentials\n\
                      hint: use --profile or set AWS_PROFILE; the profiles are: work, prod\n";

fn home() -> Home {
    Home::with(&format!("{}{}", long_term("work"), long_term("prod")))
}

#[cfg(unix)]
#[test]
fn a_profile_is_picked_from_a_list() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let mut session = on_terminal(&home, &sts, "exec \"$0\"");
    session.expect("Which profile?").unwrap();
    session.expect("> work").unwrap();
    session.expect("prod").unwrap();
    session.send("\u{1b}[B").unwrap();
    session.expect("> prod").unwrap();
    session.send_line("").unwrap();
    session.expect("renewing [prod]").unwrap();
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    session.expect("[prod] is valid until").unwrap();
    assert_eq!(exited(session), 0);
    assert!(value(&home.credentials(), "prod", "aws_session_token").is_some());
    // For what goes out, too; and Esc is no.
    let mut session = on_terminal(&home, &sts, "exec \"$0\" exec -- echo ran");
    session.expect("> work").unwrap();
    session.send("\u{1b}").unwrap();
    session.expect("error: no profile was picked").unwrap();
    assert_eq!(exited(session), 1);
}

#[cfg(unix)]
#[test]
fn a_list_that_is_longer_than_the_terminal_has_pages() {
    let sts = StandIn::start(Account::example());
    let names = (0..10).map(|number| long_term(&format!("p{number}")));
    let home = Home::with(&names.collect::<String>());
    let mut session = on_terminal(&home, &sts, "read go; exec \"$0\"");
    session.get_process_mut().set_window_size(30, 6).unwrap();
    session.send_line("").unwrap();
    let first_page = "Which profile? (1 of 10)\r\n> p0\r\n  p1\r\n  p2\r\n  p3\r\n";
    session.expect(first_page).unwrap();
    // Up from the first one is the last one, and a page down from the second one is the sixth.
    session.send("\u{1b}[A").unwrap();
    session
        .expect("Which profile? (10 of 10)\r\n  p8\r\n> p9\r\n")
        .unwrap();
    session.send("\u{1b}[B").unwrap();
    session.expect(first_page).unwrap();
    session.send("j").unwrap();
    session.expect("> p1").unwrap();
    session.send("\u{1b}[6~").unwrap();
    let second_page = "Which profile? (6 of 10)\r\n  p4\r\n> p5\r\n  p6\r\n  p7\r\n";
    session.expect(second_page).unwrap();
    session.send_line("").unwrap();
    session.expect("renewing [p5]").unwrap();
    session.expect(PROMPT).unwrap();
    session.send("\u{4}").unwrap();
    assert_eq!(exited(session), 3);
}

#[cfg(unix)]
#[test]
fn after_the_choice_the_keys_of_the_terminal_work() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let script = "set -m; \"$0\"; echo stopped $?; fg; echo ended $?; exit 0";
    let mut session = on_terminal(&home, &sts, script);
    session.expect("> work").unwrap();
    session.send_line("").unwrap();
    session.expect(PROMPT).unwrap();
    session.send(ControlCode::Substitute).unwrap();
    session.expect("stopped").unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    session.expect("[work] is valid until").unwrap();
    session.expect("ended 0").unwrap();
    assert_eq!(exited(session), 0);
}

#[cfg(unix)]
#[test]
fn in_a_terminal_without_room_the_error_lists_them() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let mut session = on_terminal(&home, &sts, "read go; exec \"$0\"");
    session.get_process_mut().set_window_size(80, 2).unwrap();
    session.send_line("").unwrap();
    session
        .expect("hint: use --profile or set AWS_PROFILE; the profiles are: work, prod")
        .unwrap();
    assert_eq!(exited(session), 3);
}

#[test]
fn without_a_terminal_the_error_lists_them() {
    let home = home();
    for arguments in [&[][..], &["--no-input"], &["export"], &["exec", "true"]] {
        home.run(arguments).ends(3, NOBODY);
    }
    home.write(
        "config",
        &role("admin", ADMIN, "").replace("personal", "work"),
    );
    home.run(&[])
        .ends(3, &NOBODY.replace("work, prod", "work, prod, admin"));
    let many: String = (0..40)
        .map(|number| long_term(&format!("p{number}")))
        .collect();
    let outcome = Home::with(&many).run(&[]).outcome();
    assert!(
        outcome.stderr.ends_with(", p29, and 10 more\n"),
        "{outcome:?}"
    );
}

#[test]
fn whoever_says_which_is_not_asked() {
    let home = home();
    home.run(&[]).env("AWS_PROFILE", "nosuch").ends(
        1,
        "error: there is no section [nosuch-long-term] in ~/.aws/credentials\n\
         hint: run `mfa-creds setup --profile nosuch` to write it; there are keys for: work, prod\n",
    );
    home.run(&[]).env("AWS_PROFILE", "wrok").ends(
        1,
        "error: there is no section [wrok-long-term] in ~/.aws/credentials\n\
         hint: AWS_PROFILE is wrok; did you mean --profile work?\n",
    );
    home.write(
        "credentials",
        &format!("{}{}", home.credentials(), short_term("default", FAR)),
    );
    home.run(&[]).ends(0, "[default] is still valid until …\n");
    // One alone is not guessed.
    Home::of_alice().run(&[]).ends(
        1,
        "error: there is no section [default-long-term] in ~/.aws/credentials\n\
         hint: use --profile work, or run `mfa-creds setup` to write it\n",
    );
}
