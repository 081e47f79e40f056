//! Codes that a command prints: `mfa_process`.

use std::fs;

#[cfg(unix)]
use expectrl::Expect as _;
#[cfg(unix)]
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY};
use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::Home;
use crate::support::next_code::passed_side_by_side;
use crate::support::sections::long_term;
use crate::support::systems::{PATH, here};
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

/// A home whose long-term section has this command.
fn home_with(command: &str) -> Home {
    Home::with(&format!("{}mfa_process = {command}\n", long_term("work")))
}

/// A home whose command prints what is in the file `code`.
fn home_of_file() -> Home {
    let home = home_with(here("cat $HOME/code", r"type %USERPROFILE%\code"));
    fs::write(home.path().join("code"), "").unwrap();
    home
}

fn put(home: &Home, code: &str) {
    fs::write(home.path().join("code"), code).unwrap();
}

#[test]
fn the_code_comes_from_the_command_of_the_long_term_section() {
    let sts = StandIn::start(Account::example());
    let home = home_of_file();
    let code = sts.fresh_code(ALICE_DEVICE);
    put(&home, &format!("\n {} {} \r\n", &code[..3], &code[3..]));
    // Standard input is not looked at.
    home.run_with(&sts, &["-q", "-p", "work"])
        .stdin("000000\n")
        .env("PATH", PATH)
        .ends(0, "");
    assert_eq!(sts.requests()[0].parameter("TokenCode"), Some(&*code));
}

#[test]
fn flag_environment_section_and_config_come_in_this_order() {
    let sts = StandIn::start(Account::example());
    let end = here(" >&2; exit 1", ">&2& exit 1");
    let says = |what: &str| format!("echo {what}{end}");
    let (in_section, in_config) = (says("section"), says("config"));
    let home = home_with(&in_section);
    home.write(
        "config",
        &format!("[profile work]\nmfa_process = {in_config}\n"),
    );
    let renewing = "renewing [work]: there are no credentials yet\n";
    let failed = |said: &str, origin: &str| {
        format!(
            "{renewing}{said}\nerror: the command from {origin} failed: exit {}: 1\n\
             hint: run it by itself: it must print the six digits, and nothing else\n",
            here("status", "code")
        )
    };
    let run = |arguments: &[&str]| home.run_with(&sts, &[&["-p", "work"], arguments].concat());
    run(&["--mfa-process", &says("flag")])
        .env("MFA_PROCESS", &says("environment"))
        .ends(1, &failed("flag", "--mfa-process"));
    run(&[])
        .env("MFA_PROCESS", &says("environment"))
        .ends(1, &failed("environment", "MFA_PROCESS"));
    run(&[]).ends(
        1,
        &failed(
            "section",
            "mfa_process of [work-long-term] in ~/.aws/credentials",
        ),
    );
    home.write("credentials", &long_term("work"));
    run(&[]).ends(
        1,
        &failed("config", "mfa_process of [profile work] in ~/.aws/config"),
    );
    // A code that is there is not asked for.
    run(&["-q", "--token", &sts.fresh_code(ALICE_DEVICE)]).ends(0, "");
}

#[cfg(unix)]
#[test]
fn the_command_has_the_terminal_though_everything_is_redirected() {
    let sts = StandIn::start(Account::example());
    let home = home_with("printf 'touch the key: ' >&2; read -r code; echo $code");
    let mut run = on_terminal(&home, &sts, "\"$0\" -p work </dev/null >out 2>err; exit $?");
    run.expect("touch the key: ").unwrap();
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(run), 0);
    let err = fs::read_to_string(home.path().join("err")).unwrap();
    assert!(err.contains("[work] is valid until"), "{err}");
    assert!(!err.contains("touch"), "{err}");
}

#[cfg(unix)]
#[test]
fn without_a_terminal_the_command_reads_nothing() {
    let sts = StandIn::start(Account::example());
    let home = home_with("read -r code || echo nobody >&2; echo $code");
    home.run_with(&sts, &["-q", "-p", "work"])
        .stdin("123456\n")
        .ends(
            1,
            "nobody\n\
             error: the command from mfa_process of [work-long-term] in ~/.aws/credentials does not print six digits\n\
             hint: run it by itself: it must print the six digits, and nothing else\n",
        );
    assert_eq!(sts.calls(), 0);
}

#[test]
fn what_a_command_prints_by_mistake_is_not_shown() {
    let sts = StandIn::start(Account::example());
    for printed in ["FakeSecret", "123456 FakeSecret", "yes | head -c 100000"] {
        let home = home_with(&format!("echo {printed}"));
        let outcome = home.run_with(&sts, &["-p", "work"]).outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(!outcome.stderr.contains("FakeSecret"), "{outcome:?}");
        assert!(!outcome.stderr.contains("123456"), "{outcome:?}");
    }
}

#[test]
fn the_command_knows_which_device_is_meant() {
    let sts = StandIn::start(Account::example());
    let home = home_with(here(
        "echo $MFA_DEVICE >$HOME/device; cat $HOME/code",
        r"echo %MFA_DEVICE%>%USERPROFILE%\device& type %USERPROFILE%\code",
    ));
    put(&home, &sts.fresh_code(ALICE_DEVICE));
    home.run_with(&sts, &["-q", "-p", "work"])
        .env("PATH", PATH)
        .ends(0, "");
    let device = fs::read_to_string(home.path().join("device")).unwrap();
    assert_eq!(device.trim_end(), ALICE_DEVICE);
}

#[test]
fn a_command_that_does_not_end_is_ended() {
    let sts = StandIn::start(Account::example());
    let home = home_with(here("exec sleep 60", "ping -n 60 127.0.0.1 >NUL"));
    home.run_with(&sts, &["-q", "-p", "work", "--prompt-timeout", "1"])
        .env("PATH", PATH)
        .ends(
            3,
            "error: the command from mfa_process of [work-long-term] in ~/.aws/credentials did not end within 1 s\n\
             hint: run it by itself: it may be waiting for input; --prompt-timeout gives it more time\n",
        );
}

#[test]
fn a_command_that_leaves_something_running_is_not_waited_for() {
    let sts = StandIn::start(Account::example());
    let home = home_with(here(
        "sleep 30 2>/dev/null & cat $HOME/code",
        r"start /b ping -n 30 127.0.0.1 >NUL 2>NUL& type %USERPROFILE%\code",
    ));
    put(&home, &sts.fresh_code(ALICE_DEVICE));
    home.run_with(&sts, &["-q", "-p", "work", "--prompt-timeout", "20"])
        .env("PATH", PATH)
        .ends(0, "");
}

#[test]
fn programs_that_have_no_standard_input_for_us_get_codes_from_it() {
    let sts = StandIn::start(Account::example());
    let home = home_of_file();
    put(&home, &sts.fresh_code(ALICE_DEVICE));
    let outcome = home
        .run_with(&sts, &["export", "-p", "work", "--format", "process"])
        .env("PATH", PATH)
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("\"Version\": 1"), "{outcome:?}");
}

#[test]
fn it_is_used_where_nobody_may_be_asked() {
    let sts = StandIn::start(Account::example());
    let home = home_of_file();
    put(&home, &sts.fresh_code(ALICE_DEVICE));
    home.run_with(&sts, &["-q", "-p", "work", "--no-input"])
        .env("PATH", PATH)
        .ends(0, "");
}

#[test]
fn a_code_that_was_used_is_followed_by_the_next_one() {
    if passed_side_by_side() {
        return;
    }
    let (home, sts) = (home_of_two_codes(), StandIn::start(Account::example()));
    // By an earlier process.
    let sent = first_is_used(
        &sts,
        &home,
        &home,
        "the code from mfa_process of [work-long-term] in ~/.aws/credentials was already used, and AWS accepts each code only once; the next one comes in ",
    );
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_code_that_was_refused_is_followed_by_the_next_one() {
    if passed_side_by_side() {
        return;
    }
    let (home, sts) = (home_of_two_codes(), StandIn::start(Account::example()));
    // By another tool, of which nothing is known.
    let said = "it is wrong, or was already used; trying again\n";
    let sent = first_is_used(&sts, &home, &Home::of_alice(), said);
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[0], sent[1]);
}

/// A home whose command prints what is in the file `code`, and from then on what is in the file `next`.
fn home_of_two_codes() -> Home {
    home_with(here(
        "cat $HOME/code; cp $HOME/next $HOME/code",
        r"type %USERPROFILE%\code& copy /y %USERPROFILE%\next %USERPROFILE%\code >NUL",
    ))
}

/// The command prints a code that was used by a run in another home, or the same; then the next one. Returns what was sent.
fn first_is_used(sts: &StandIn, home: &Home, by: &Home, said: &str) -> Vec<String> {
    let first = sts.fresh_code(ALICE_DEVICE);
    by.run_with(sts, &["-q", "-p", "work", "--token", &first])
        .ends(0, "");
    put(home, &first);
    let next = sts.code_at_step(ALICE_DEVICE, 1);
    fs::write(home.path().join("next"), &next).unwrap();
    let outcome = home
        .run_with(sts, &["-p", "work", "--force"])
        .env("PATH", PATH)
        .succeeds();
    assert!(outcome.stderr.contains(said), "{outcome:?}");
    let sent = sts.requests().into_iter();
    let sent: Vec<String> = sent
        .map(|request| request.parameter("TokenCode").unwrap().to_owned())
        .collect();
    assert_eq!((sent.first(), sent.last()), (Some(&first), Some(&next)));
    sent
}

#[test]
fn a_command_that_is_wrong_twice_is_not_asked_a_third_time() {
    let sts = StandIn::start(Account::example());
    let home = home_of_two_codes();
    put(&home, &sts.code_at_step(ALICE_DEVICE, 500));
    let next = sts.code_at_step(ALICE_DEVICE, 501);
    fs::write(home.path().join("next"), next).unwrap();
    let outcome = home
        .run_with(&sts, &["-p", "work"])
        .env("PATH", PATH)
        .outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert_eq!(sts.calls(), 2);
}

#[cfg(unix)]
#[test]
fn what_a_command_has_begun_ends_with_it() {
    let sts = StandIn::start(Account::example());
    let home = home_with("sh -c 'echo $$ >$HOME/pid; exec sleep 60' | cat");
    let outcome = home
        .run_with(&sts, &["-q", "-p", "work", "--prompt-timeout", "1"])
        .env("PATH", PATH)
        .outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    // Standard error was closed by all who had it, or there would be no outcome yet; and it is gone, or about to be reaped.
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[cfg(unix)]
#[test]
fn the_terminal_is_as_before_whatever_a_command_does_to_it() {
    let sts = StandIn::start(Account::example());
    for command in ["stty -echo -icanon; sleep 60", "stty -echo; echo 12"] {
        let home = home_with(command);
        let script = "stty echo; stty -a >before; \"$0\" -p work --prompt-timeout 1; echo \"status $?\"; stty -a >after";
        let mut run = on_terminal(&home, &sts, script);
        run.expect("status ").unwrap();
        assert_eq!(exited(run), 0);
        let read = |name| fs::read_to_string(home.path().join(name)).unwrap();
        assert_eq!(read("after"), read("before"));
    }
}

#[test]
fn a_command_that_prints_too_much_is_said_to_do_so() {
    let sts = StandIn::start(Account::example());
    let home = home_with(here("yes 000000", r"type %USERPROFILE%\code"));
    put(&home, &"000000\n".repeat(200_000));
    let outcome = home
        .run_with(&sts, &["-q", "-p", "work"])
        .env("PATH", PATH)
        .outcome();
    assert!(
        outcome.stderr.contains("does not print six digits"),
        "{outcome:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_command_may_not_ask_where_nobody_may_be_asked() {
    let sts = StandIn::start(Account::example());
    let home = home_with("read -r code; echo $code");
    let mut run = on_terminal(&home, &sts, "exec \"$0\" -p work --no-input");
    run.expect("does not print six digits").unwrap();
    assert_eq!(exited(run), 1);
}

#[cfg(unix)]
#[test]
fn a_signal_that_is_ignored_stays_so() {
    let sts = StandIn::start(Account::example());
    let home = home_of_file();
    put(&home, &sts.fresh_code(ALICE_DEVICE));
    let script = "trap '' HUP; \"$0\" exec -q -p work -- grep SigIgn /proc/self/status";
    let mut run = on_terminal(&home, &sts, script);
    run.expect("SigIgn:\t").unwrap();
    let mask = run.expect("\r\n").unwrap();
    let mask = String::from_utf8_lossy(mask.before()).into_owned();
    assert_eq!(
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1,
        1,
        "{mask}"
    );
}

#[cfg(unix)]
#[test]
fn control_c_ends_the_run_as_an_interrupt_and_leaves_the_terminal_as_it_was() {
    let sts = StandIn::start(Account::example());
    let home = home_with("stty -echo; echo ready >&2; sleep 60");
    let script = "trap : INT; stty echo; stty -a >before; sh -c 'exec \"$0\" -p work' \"$0\"; echo \"status $?\"; stty -a >after";
    let mut run = on_terminal(&home, &sts, script);
    run.expect("ready").unwrap();
    run.send("\u{3}").unwrap();
    run.expect("status 130").unwrap();
    assert_eq!(exited(run), 0);
    let read = |name| fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(read("after"), read("before"));
}

#[cfg(unix)]
#[test]
fn a_code_of_the_environment_reaches_no_child() {
    let sts = StandIn::start(Account::example());
    let see = "echo \"${MFA_TOKEN-none}\" >>$HOME/seen";
    let home = Home::with(&format!(
        "[work-long-term]\naws_mfa_device = {ALICE_DEVICE}\n\
         credential_process = {see}; echo '{{\"Version\": 1, \"AccessKeyId\": \"{ALICE_ACCESS_KEY_ID}\", \
         \"SecretAccessKey\": \"{ALICE_SECRET_ACCESS_KEY}\"}}'\n"
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["exec", "-p", "work", "--", "sh", "-c", see])
        .env("PATH", PATH)
        .env("MFA_TOKEN", &code)
        .succeeds();
    // The command that prints the keys, and the one that gets the credentials.
    let seen = fs::read_to_string(home.path().join("seen")).unwrap();
    assert_eq!(seen, "none\nnone\n");
}
