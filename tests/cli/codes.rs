//! What becomes of codes: refused ones, used ones, and those whose answer was lost.

use std::fs;

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{ALICE_DEVICE, Account, Fault, StandIn};

use crate::support::home::{Home, assert_mode};
#[cfg(unix)]
use crate::support::next_code::passed_side_by_side;
#[cfg(unix)]
use crate::support::sections::long_term;
use crate::support::sections::value;
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, kill, on_terminal, type_code};

#[cfg(unix)]
const REFRESH: &str = "exec \"$0\" -p work";

/// A code that the device shows hours away.
#[cfg(unix)]
fn wrong(sts: &StandIn, offset: i64) -> String {
    sts.code_at_step(ALICE_DEVICE, 500 + offset)
}

#[cfg(unix)]
#[test]
fn a_refused_code_is_said_and_asked_for_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, REFRESH);
    for offset in 0..2 {
        type_code(&mut run, wrong(&sts, offset));
        run.expect(format!(
            "error: AWS refused the code for device {ALICE_DEVICE} (aws_mfa_device of [work-long-term]"
        ))
        .unwrap();
        run.expect("it is wrong, or was already used\r\n").unwrap();
    }
    // No waiting in between: the right one is on the screen of the device.
    let seen = run.expect(PROMPT).unwrap();
    assert_eq!(seen.before(), b"");
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    run.expect("[work] is valid until").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.calls(), 3);
}

#[cfg(unix)]
#[test]
fn after_three_refused_codes_it_ends() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, REFRESH);
    for offset in 0..3 {
        type_code(&mut run, wrong(&sts, offset));
    }
    run.expect("hint: wait for the next code, then run the command again")
        .unwrap();
    assert_eq!(exited(run), 4);
    assert_eq!(sts.calls(), 3);
}

#[cfg(unix)]
#[test]
fn a_refused_code_that_is_typed_again_is_not_sent_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, REFRESH);
    for _ in 0..2 {
        type_code(&mut run, wrong(&sts, 0));
    }
    run.expect("error: this code was already refused").unwrap();
    drop(run);
    assert_eq!(sts.calls(), 1);
}

#[cfg(unix)]
#[test]
fn a_code_that_was_used_is_known_to_the_next_process() {
    if passed_side_by_side() {
        return;
    }
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let mut run = on_terminal(&home, &sts, "exec \"$0\" -p work --force");
    run.set_expect_timeout(Some(std::time::Duration::from_mins(1)));
    type_code(&mut run, &code);
    run.expect("error: this code was already used, and AWS accepts each code only once\r\n")
        .unwrap();
    // At once, or after a countdown where the device still shows it.
    run.expect(PROMPT).unwrap();
    assert_eq!(sts.calls(), 1);
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    run.expect("[work] is valid until").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.calls(), 2);
}

#[test]
fn a_code_that_was_used_is_explained_when_aws_refuses_it() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let force = ["-p", "work", "--force", "-q", "--token", &code];
    home.run_with(&sts, &force).succeeds();
    let outcome = home.run_with(&sts, &force).outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert!(
        outcome.stderr.starts_with(
            "error: the code from --token was already used, and AWS accepts each code only once"
        ),
        "{outcome:?}"
    );
    // Another profile's device has other codes.
    home.write(
        "credentials",
        &home
            .credentials()
            .replace(ALICE_DEVICE, "arn:aws:iam::123456789012:mfa/other"),
    );
    let outcome = home.run_with(&sts, &force).outcome();
    assert!(
        outcome.stderr.contains("AWS cannot check codes of device"),
        "{outcome:?}"
    );
}

#[test]
fn the_record_of_used_codes_is_private_and_holds_no_code() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let files = fs::read_dir(home.file(".mfa-creds")).unwrap();
    let records: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains(".used"))
        .collect();
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    let text = fs::read_to_string(record).unwrap();
    let words: Vec<&str> = text.trim_end().split(' ').collect();
    assert_eq!((words.len(), words[1]), (3, "accepted"), "{text}");
    assert_eq!(words[2].len(), 64, "{text}");
    assert!(!text.contains(&code), "{text}");
    assert_mode(record, 0o600);
}

#[test]
fn the_record_of_used_codes_is_never_empty_while_it_is_written() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let renew = || {
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "--force", "-q", "--token", &code])
            .succeeds();
    };
    renew();
    let record = || {
        let mut files = fs::read_dir(home.file(".mfa-creds")).unwrap();
        let mut record = files.find_map(|file| {
            let path = file.unwrap().path();
            path.to_str().unwrap().contains(".used").then_some(path)
        });
        record.take().unwrap()
    };
    let before = fs::read_to_string(record()).unwrap();
    let mut old = fs::File::open(record()).unwrap();
    renew();
    // Another file has taken its name: this one was neither emptied nor written.
    let mut kept = String::new();
    std::io::Read::read_to_string(&mut old, &mut kept).unwrap();
    assert_eq!(kept, before);
    assert!(fs::read_to_string(record()).unwrap().starts_with(&before));
}

#[cfg(unix)]
#[test]
fn a_record_that_somebody_spoiled_or_replaced_does_no_harm() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let first = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &first])
        .succeeds();
    let files = fs::read_dir(home.file(".mfa-creds")).unwrap();
    let record = files
        .map(|file| file.unwrap().path())
        .find(|path| path.to_str().unwrap().contains(".used"))
        .unwrap();
    let elsewhere = home.path().join("elsewhere");
    let refresh = |home: &Home| {
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "--force", "--token", &code])
            .succeeds();
    };
    fs::write(
        &record,
        "no\nrecord \u{0}\n99999999999999999999 accepted x\n",
    )
    .unwrap();
    refresh(&home);
    // A link is not followed, and no code is sent that could not be noted.
    fs::write(&elsewhere, "mine").unwrap();
    fs::remove_file(&record).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &record).unwrap();
    let before = sts.calls();
    let outcome = home
        .run_with(&sts, &["-p", "work", "--force", "--token", "123456"])
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let said = "cannot be used: it is a symbolic link, not a regular file\n";
    assert!(outcome.stderr.contains(said), "{outcome:?}");
    assert_eq!(sts.calls(), before);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn a_code_whose_answer_was_lost_is_not_sent_again() {
    let sts = StandIn::start(Account::example());
    for fault in [Fault::ResetAfterSpending, Fault::Truncated] {
        let home = Home::of_alice();
        let code = sts.fresh_code(ALICE_DEVICE);
        let calls = sts.calls();
        sts.fault(fault);
        let mut run = on_terminal(&home, &sts, REFRESH);
        type_code(&mut run, &code);
        run.expect("was interrupted").unwrap();
        run.expect("this one may be used up").unwrap();
        assert_eq!(exited(run), 1);
        // Nor by the next process.
        let mut run = on_terminal(&home, &sts, REFRESH);
        type_code(&mut run, &code);
        run.expect("error: this code was already sent, and may be used up")
            .unwrap();
        drop(run);
        assert_eq!(sts.calls(), calls + 1);
    }
}

#[cfg(unix)]
#[test]
fn a_fresh_code_is_asked_for_where_aws_was_busy() {
    if passed_side_by_side() {
        return;
    }
    for_a_fresh_code(Fault::Throttling, "error: AWS STS throttled the request");
}

#[cfg(unix)]
#[test]
fn a_fresh_code_is_asked_for_where_aws_has_failed() {
    if passed_side_by_side() {
        return;
    }
    for_a_fresh_code(Fault::InternalError, "returned an internal error: 500");
}

#[cfg(unix)]
fn for_a_fresh_code(fault: Fault, message: &str) {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    sts.fault(fault);
    let mut run = on_terminal(&home, &sts, REFRESH);
    run.set_expect_timeout(Some(std::time::Duration::from_mins(1)));
    type_code(&mut run, sts.fresh_code(ALICE_DEVICE));
    run.expect(message).unwrap();
    run.expect("the next code comes in ").unwrap();
    run.expect(PROMPT).unwrap();
    assert_eq!(sts.calls(), 1);
    run.send_line(sts.code_at_step(ALICE_DEVICE, 1)).unwrap();
    run.expect("[work] is valid until").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.calls(), 2);
}

#[test]
fn token_dash_reads_standard_input() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let dash = ["-q", "-p", "work", "--force", "--token", "-"];
    home.run_with(&sts, &dash)
        .stdin(&format!("{}\n", sts.fresh_code(ALICE_DEVICE)))
        .ends(0, "");
    // What it says comes before the environment and a command.
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &dash)
        .stdin(&format!("{code}\n"))
        .env("MFA_TOKEN", "000000")
        .env("MFA_PROCESS", "echo 000000")
        .ends(0, "");
    assert_eq!(sts.requests()[1].parameter("TokenCode"), Some(&*code));
    home.run_with(&sts, &dash).ends(
        3,
        "error: an MFA code is needed, and none arrived on standard input\n\
         hint: pipe in the six digits, or remove the `-` from --token or MFA_TOKEN\n",
    );
    home.run_with(&sts, &dash).stdin("12345\n").ends(
        1,
        "error: the code from standard input is not six digits\n\
         hint: use the six digits that the device shows now\n",
    );
    assert_eq!(sts.calls(), 2);
}

#[test]
fn token_dash_reads_it_for_a_command_too() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(
            &sts,
            &["exec", "-q", "-p", "work", "--token", "-", "--", "env"],
        )
        .stdin(&format!("{code}\n"))
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("AWS_SESSION_TOKEN=FakeSessionToken")
    );
    assert!(value(&home.credentials(), "work", "expiration").is_some());
}

#[cfg(unix)]
#[test]
fn token_dash_asks_where_standard_input_is_the_terminal() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, "exec \"$0\" -p work --token -");
    type_code(&mut run, sts.fresh_code(ALICE_DEVICE));
    assert_eq!(exited(run), 0);
}

#[test]
fn a_code_whose_answer_was_lost_is_not_sent_again_for_whoever_gives_it() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    sts.fault(Fault::ResetAfterSpending);
    // It leads to this machine, and does not say so: a server on it is one for tests.
    let url = sts.url().replace("127.0.0.1", "0.0.0.0");
    let run = || {
        home.run_with(&sts, &["-q", "-p", "work"])
            .env("AWS_ENDPOINT_URL_STS", &url)
            .env("MFA_TOKEN", &code)
    };
    assert_eq!(run().outcome().status, Some(1));
    let outcome = run().outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    let said = "error: the code from MFA_TOKEN was already sent, and may be used up";
    assert!(outcome.stderr.starts_with(said), "{outcome:?}");
    assert_eq!(sts.calls(), 1);
    // Which may take it again.
    let outcome = run().env("AWS_ENDPOINT_URL_STS", &sts.url()).outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert_eq!(sts.calls(), 2);
}

#[test]
fn a_busy_answer_does_not_make_forget_that_a_code_was_used() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let force = ["-q", "-p", "work", "--force", "--token", &code];
    home.run_with(&sts, &force).ends(0, "");
    sts.fault(Fault::Throttling);
    assert_eq!(home.run_with(&sts, &force).outcome().status, Some(1));
    let outcome = home.run_with(&sts, &force).outcome();
    let said = "error: the code from --token was already used, and AWS accepts each code only once";
    assert!(outcome.stderr.starts_with(said), "{outcome:?}");
}

#[cfg(unix)]
#[test]
fn a_code_that_was_under_way_when_the_process_was_killed_is_not_sent_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    sts.fault(Fault::Hang(std::time::Duration::from_secs(20)));
    let mut run = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    type_code(&mut run, &code);
    while sts.calls() == 0 {
        std::thread::yield_now();
    }
    kill(&home, "KILL");
    drop(run);
    let mut run = on_terminal(&home, &sts, REFRESH);
    type_code(&mut run, &code);
    run.expect("error: this code was already sent, and may be used up")
        .unwrap();
    drop(run);
    assert_eq!(sts.calls(), 1);
}

#[cfg(unix)]
#[test]
fn a_job_in_the_background_does_not_stop_but_says_why() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(
        &home,
        &sts,
        "set -m; \"$0\" -p work & wait $!; echo \"status $?\"",
    );
    run.expect("a background job cannot ask for it at the terminal")
        .unwrap();
    run.expect("status 3").unwrap();
}

#[cfg(unix)]
#[test]
fn nobody_who_answers_is_not_waited_for() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, "exec \"$0\" -p work --prompt-timeout 1");
    run.expect(PROMPT).unwrap();
    run.expect("error: nobody answered within 1 s").unwrap();
    assert_eq!(exited(run), 3);
    // The list of profiles does not wait either, and leaves the terminal as it was.
    let list = Home::with(&format!("{}{}", long_term("a"), long_term("b")));
    let script =
        "stty -a >before; MFA_CREDS_PROMPT_TIMEOUT=1 \"$0\"; echo \"status $?\"; stty -a >after";
    let mut run = on_terminal(&list, &sts, script);
    run.expect("Which profile?").unwrap();
    run.expect("error: nobody answered within 1 s").unwrap();
    run.expect("status 3").unwrap();
    assert_eq!(exited(run), 0);
    let read = |name| fs::read_to_string(list.path().join(name)).unwrap();
    assert_eq!(read("after"), read("before"));
}

#[cfg(unix)]
#[test]
fn no_code_goes_out_on_a_connection_that_was_idle() {
    let sts = StandIn::start(Account::example());
    sts.hang_up_after_answers();
    let home = Home::of_alice();
    let mut run = on_terminal(&home, &sts, REFRESH);
    type_code(&mut run, wrong(&sts, 0));
    run.expect("it is wrong, or was already used").unwrap();
    run.expect(PROMPT).unwrap();
    // Nobody types faster.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    run.expect("[work] is valid until").unwrap();
    assert_eq!(exited(run), 0);
}
