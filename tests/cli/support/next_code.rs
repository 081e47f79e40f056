//! Tests that wait for the next code of a device, up to half a minute each.
//!
//! A test that waits keeps one of the few threads that run the tests. Where all tests run, these therefore run side by side in a
//! second process, from the beginning on, and each of them takes its result from there. A test that is asked for by name, or by a
//! part of it, runs where it is.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::{env, thread};

use crate::support::spawning::spawning;

/// Each of them begins with [`passed_side_by_side`].
const TESTS: &[&str] = &[
    #[cfg(unix)]
    "codes::a_code_that_was_used_is_known_to_the_next_process",
    #[cfg(unix)]
    "codes::a_fresh_code_is_asked_for_where_aws_was_busy",
    #[cfg(unix)]
    "codes::a_fresh_code_is_asked_for_where_aws_has_failed",
    #[cfg(unix)]
    "enrollment::a_device_from_nothing_to_the_first_session",
    #[cfg(unix)]
    "enrollment::wrong_codes_are_asked_for_again",
    #[cfg(unix)]
    "enrollment::after_three_pairs_the_device_is_deleted_again",
    #[cfg(unix)]
    "enrollment::a_lost_answer_is_looked_after",
    #[cfg(unix)]
    "enrollment::a_refusal_leaves_nothing_behind",
    #[cfg(unix)]
    "enrollment::a_second_device_is_made_with_the_session",
    #[cfg(unix)]
    "enrollment::a_signal_leaves_no_device_behind",
    #[cfg(unix)]
    "hints_of_settings::a_user_without_a_device_gets_one_by_the_command",
    #[cfg(unix)]
    "many_profiles::two_keys_of_one_device_wait_for_the_next_code",
    "mfa_process::a_code_that_was_used_is_followed_by_the_next_one",
    "mfa_process::a_code_that_was_refused_is_followed_by_the_next_one",
    #[cfg(unix)]
    "policy::a_user_without_a_device_can_do_nothing_but_enroll_and_then_all_that_is_allowed",
    #[cfg(unix)]
    "policy::the_mistakes_that_go_around",
    #[cfg(unix)]
    "resync::a_device_that_has_drifted_away_is_brought_back",
    #[cfg(unix)]
    "resync::a_resynchronisation_with_wrong_codes_says_so",
    #[cfg(unix)]
    "screen::a_dumb_terminal_gets_plain_lines_at_the_prompt_for_a_code",
];

/// What the second process has printed.
struct Output {
    text: String,
    is_whole: bool,
}

static OUTPUT: Mutex<Output> = Mutex::new(Output {
    text: String::new(),
    is_whole: false,
});
static MORE: Condvar = Condvar::new();

/// Starts the second process if all tests run, once. Says whether there is one.
pub fn begin() -> bool {
    static BEGUN: OnceLock<bool> = OnceLock::new();
    *BEGUN.get_or_init(|| {
        // Whatever is no option chooses tests, or is the value of an option, and nobody waits less then.
        let all = env::args().skip(1).all(|option| option.starts_with('-'));
        if all {
            let mut tests = Command::new(env::current_exe().unwrap());
            tests
                .args(["--exact", "--test-threads", &TESTS.len().to_string()])
                .args(TESTS)
                .args(skips())
                .stdin(Stdio::null())
                .stdout(Stdio::piped());
            let child = spawning(|| tests.spawn().unwrap());
            thread::spawn(|| read(child));
        }
        all
    })
}

/// The options that leave out a test.
fn skips() -> impl Iterator<Item = String> {
    env::args().filter(|option| option.starts_with("--skip="))
}

fn read(mut child: Child) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        change(|output| output.text.extend([&line, "\n"]));
    }
    let _ = child.wait();
    change(|output| output.is_whole = true);
}

fn change(change: impl FnOnce(&mut Output)) {
    change(&mut OUTPUT.lock().unwrap_or_else(PoisonError::into_inner));
    MORE.notify_all();
}

/// Whether this test has passed in the second process: it has to run here if there is none.
#[track_caller]
pub fn passed_side_by_side() -> bool {
    let thread = thread::current();
    // It is called after the test, unless there is one thread for all.
    let Some(test) = thread.name().filter(|name| *name != "main") else {
        return false;
    };
    assert!(TESTS.contains(&test), "{test} is not in the list");
    if !begin() {
        return false;
    }
    let passed = format!("\ntest {test} ... ok\n");
    let output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    let output = MORE
        .wait_while(output, |output| {
            !output.is_whole && !output.text.contains(&passed)
        })
        .unwrap_or_else(PoisonError::into_inner);
    let printed = output.text.clone();
    drop(output);
    let is_left_out = |test: &&&str| skips().any(|option| option == format!("--skip={test}"));
    let number = TESTS.len() - TESTS.iter().filter(is_left_out).count();
    let all = format!(
        "\nrunning {number} test{}\n",
        if number == 1 { "" } else { "s" }
    );
    assert!(
        printed.contains(&all),
        "not all tests of the list are there: {printed}"
    );
    let failure = printed.split("\n---- ").find(|part| part.starts_with(test));
    assert!(printed.contains(&passed), "{}", failure.unwrap_or(&printed));
    true
}
