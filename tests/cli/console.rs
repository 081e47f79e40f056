//! Asking at the console of Windows, on a console of its own for each test. What is seen on it beside the prompt is tried by
//! tests/platforms, as a test of cargo cannot choose where the other messages go.

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::console::Console;
use crate::support::home::Home;
use crate::support::sections::long_term;

const PROMPT: &str = "Enter AWS MFA code for device [arn:aws:iam::123456789012:mfa/alice] (renewing for 43200 seconds): ";

#[test]
fn a_code_is_read_from_the_console_whatever_is_redirected() {
    let (home, sts) = (Home::of_alice(), StandIn::start(Account::example()));
    let mut console = Console::begin(&home, &sts, &["-p", "work", "--prompt", "terminal"]);
    console.expect(PROMPT);
    console.send("12345\r");
    console.expect("error: a code is six digits");
    console.expect(PROMPT);
    // What is erased is not part of it.
    console.send(&format!("9\u{8}{}\r", sts.fresh_code(ALICE_DEVICE)));
    assert_eq!(console.exit_code(), 0);
    assert!(home.credentials().contains("[work]\n"));
}

#[test]
fn ctrl_z_and_enter_end_the_input() {
    let (home, sts) = (Home::of_alice(), StandIn::start(Account::example()));
    let mut console = Console::begin(&home, &sts, &["-p", "work", "--prompt", "terminal"]);
    console.expect(PROMPT);
    console.send("\u{1a}\r");
    assert_eq!(console.exit_code(), 3);
    assert_eq!(sts.calls(), 0);
}

#[test]
fn nobody_at_the_console_is_waited_for_until_the_time_limit() {
    let (home, sts) = (Home::of_alice(), StandIn::start(Account::example()));
    let arguments = [
        "-p",
        "work",
        "--prompt",
        "terminal",
        "--prompt-timeout",
        "1",
    ];
    let mut console = Console::begin(&home, &sts, &arguments);
    console.expect(PROMPT);
    assert_eq!(console.exit_code(), 3);
}

#[test]
fn ctrl_c_at_the_console_ends_the_process_with_the_code_of_the_system() {
    const STATUS_CONTROL_C_EXIT: u32 = 0xC000_013A;

    let (home, sts) = (Home::of_alice(), StandIn::start(Account::example()));
    let mut console = Console::begin(&home, &sts, &["-p", "work", "--prompt", "terminal"]);
    console.expect(PROMPT);
    console.send("\u{3}");
    assert_eq!(console.exit_code(), STATUS_CONTROL_C_EXIT);
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn a_profile_is_picked_with_the_arrow_keys() {
    let (home, sts) = (Home::new(), StandIn::start(Account::example()));
    home.write(
        "credentials",
        &format!("{}\n{}", long_term("home"), long_term("work")),
    );
    let mut console = Console::begin(&home, &sts, &["--prompt", "terminal"]);
    console.expect("Which profile?");
    console.send("\u{1b}[B\r");
    console.expect(PROMPT);
    console.send(&format!("{}\r", sts.fresh_code(ALICE_DEVICE)));
    assert_eq!(console.exit_code(), 0);
    assert!(home.credentials().contains("[work]\n"));
}
