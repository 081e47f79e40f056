//! `mfa-creds export --format process` as the `credential_process` of a profile: nothing that shadows it, one prompt for many
//! programs, and no loop.

#[cfg(unix)]
use std::{fs, thread};

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, binary};
use crate::support::roles::{ADMIN, account, role};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems::PATH;
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, on_terminal};

const PROCESS: [&str; 5] = ["export", "-p", "work", "--format", "process"];
const CONFIG: &str =
    "[profile work]\ncredential_process = mfa-creds export -p work --format process\n";

fn home() -> Home {
    let home = Home::of_alice();
    home.write("config", CONFIG);
    home
}

#[test]
fn the_section_that_would_shadow_it_is_not_written() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let before = home.credentials();
    let code = sts.fresh_code(ALICE_DEVICE);
    let first = home
        .run_with(&sts, &PROCESS)
        .env("MFA_TOKEN", &code)
        .outcome();
    assert_eq!(first.status, Some(0), "{first:?}");
    assert_eq!(
        first.stderr, "",
        "an SDK shows it with every error of its own"
    );
    let second = home.run_with(&sts, &PROCESS).outcome();
    assert_eq!(second.stdout, first.stdout);
    // The other ways out take the same credentials, and shadow nothing, either.
    let environment = home.run_with(&sts, &["export", "-p", "work"]).outcome();
    assert_eq!(environment.status, Some(0), "{environment:?}");
    home.run_with(&sts, &["exec", "-p", "work", "true"])
        .ends(0, "");
    assert_eq!(sts.calls(), 1);
    assert_eq!(home.credentials(), before);
    assert!(!first.stdout.contains(ALICE_SECRET_ACCESS_KEY));
}

#[test]
fn a_process_of_another_profile_shares_the_section() {
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    home.write(
        "config",
        "[profile tf]\ncredential_process = mfa-creds export -p work --format process\n",
    );
    let outcome = home.run(&PROCESS).outcome();
    assert!(
        outcome
            .stdout
            .contains("\"AccessKeyId\": \"ASIAFAKEFAKEFAKEFAKE\""),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr, "");
}

#[test]
fn keys_that_shadow_it_are_pointed_out() {
    let sts = StandIn::start(Account::example());
    let home = home();
    // A refresh does what it is asked for, and says what follows from that.
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
        0,
        "renewing [work]: there are no credentials yet\n\
         [work] is valid until …\n\
         warning: the AWS CLI and some SDKs do not run the credential_process of [profile work] in ~/.aws/config while [work] has keys: \
         `mfa-creds clear -p work` removes them\n",
    );
    let warning = "warning: the AWS CLI and some SDKs do not run the credential_process of [profile work] in ~/.aws/config, because [work] in \
                   ~/.aws/credentials has keys: remove them with `mfa-creds clear -p work`\n";
    let outcome = home
        .run_with(&sts, &[&PROCESS[..], &["--no-input"]].concat())
        .outcome();
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (Some(0), warning)
    );
    let home = Home::with(&format!(
        "{}[work]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n",
        long_term("work")
    ));
    home.write("config", CONFIG);
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &PROCESS)
        .env("MFA_TOKEN", &code)
        .outcome();
    assert_eq!(
        outcome.stderr,
        "warning: the AWS CLI and some SDKs do not run the credential_process of [profile work] in ~/.aws/config, because [work] in \
         ~/.aws/credentials has keys: remove them in an editor\n"
    );
    assert_eq!(outcome.status, Some(0));
}

#[cfg(unix)]
#[test]
fn the_prompt_is_on_the_terminal_though_an_sdk_has_all_three_streams() {
    let sts = StandIn::start(Account::example());
    let home = home();
    // The SDK for JavaScript leaves standard input open and writes nothing to it.
    let script = "mkfifo in; sleep 60 >in & \
                  \"$0\" export -p work --format process <in >out 2>err; status=$?; kill $!; exit $status";
    let mut session = on_terminal(&home, &sts, script);
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(session), 0);
    assert_eq!(fs::read_to_string(home.path().join("err")).unwrap(), "");
    let out = fs::read_to_string(home.path().join("out")).unwrap();
    assert!(out.contains("\"Version\": 1,"), "{out}");
}

#[test]
fn standard_input_belongs_to_the_program_that_asks() {
    let sts = StandIn::start(Account::example());
    home().run_with(&sts, &PROCESS).stdin("123456\n").ends(
        3,
        "error: an MFA code is needed, and there is no terminal to ask for it\n\
         hint: set MFA_PROCESS to a command that prints it, set MFA_TOKEN, or run the same command once in a terminal\n",
    );
    assert_eq!(sts.calls(), 0);
}

#[cfg(unix)]
#[test]
fn many_programs_at_once_cause_one_prompt() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let script = "exec \"$0\" export -p work --format process";
    let mut asking = on_terminal(&home, &sts, script);
    asking.expect(PROMPT).unwrap();
    thread::scope(|scope| {
        let others: Vec<_> = (0..8)
            .map(|_| {
                let (sts, home) = (&sts, &home);
                scope.spawn(move || home.run_with(sts, &PROCESS).outcome())
            })
            .collect();
        let mut other = on_terminal(&home, &sts, script);
        other.expect("waiting for process").unwrap();
        asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
        other.expect("\"Version\": 1").unwrap();
        assert_eq!(exited(other), 0);
        let outputs: Vec<String> = others
            .into_iter()
            .map(|run| run.join().unwrap().stdout)
            .collect();
        assert!(
            outputs[0].contains("\"AccessKeyId\": \"ASIA"),
            "{outputs:?}"
        );
        assert!(
            outputs.iter().all(|output| *output == outputs[0]),
            "{outputs:?}"
        );
    });
    assert_eq!(exited(asking), 0);
    assert_eq!(sts.calls(), 1);
}

#[test]
fn a_profile_that_names_itself_is_explained() {
    let credentials = format!(
        "[work-long-term]\n\
         credential_process = {} export -p work --format process\n\
         aws_mfa_device = {ALICE_DEVICE}\n",
        binary()
    );
    let home = Home::with(&credentials);
    home.run(&["-q", "-p", "work", "--token", "123456"]).ends(
        1,
        "error: the command from credential_process of [work-long-term] in ~/.aws/credentials failed: the command from \
         credential_process of [work-long-term] in ~/.aws/credentials calls mfa-creds for the keys that it must print itself\n\
         hint: make it print the IAM user's own keys; `mfa-creds export` belongs in [profile …] of the config file\n",
    );
    // Through another program, too.
    home.write(
        "credentials",
        &credentials.replace(
            &format!("= {}", binary()),
            &if cfg!(windows) {
                format!("= cmd /c {}", binary())
            } else {
                format!("= true; sh -c '\"$0\" \"$@\"' {}", binary())
            },
        ),
    );
    let outcome = home
        .run(&["-q", "-p", "work", "--token", "123456"])
        .env("PATH", PATH)
        .outcome();
    assert!(
        outcome
            .stderr
            .contains("calls mfa-creds for the keys that it must print itself"),
        "{outcome:?}"
    );
}

#[test]
fn a_role_may_have_a_process_too() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("personal"));
    let config =
        "[profile admin-mfa]\ncredential_process = mfa-creds export -p admin --format process\n";
    home.write("config", &format!("{}{config}", role("admin", ADMIN, "")));
    let before = home.credentials();
    let code = sts.fresh_code(ALICE_DEVICE);
    for profile in ["admin", "admin-mfa"] {
        let arguments = ["export", "-p", profile, "--format", "process"];
        let outcome = home
            .run_with(&sts, &arguments)
            .env("MFA_TOKEN", &code)
            .outcome();
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (Some(0), ""),
            "{outcome:?}"
        );
        assert!(!home.credentials().contains("[admin-mfa]"));
    }
    assert!(home.credentials().starts_with(&before));
    assert_eq!(sts.calls(), 2);
}

#[test]
fn what_a_refresh_wrote_in_spite_of_it_is_used_until_it_is_cleared() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    home.run(&["status", "--check", "-p", "work"]).ends(0, "");
    home.run_with(&sts, &["exec", "-p", "work", "--no-input", "true"])
        .ends(0, "");
    let outcome = home.run(&["status"]).outcome();
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome:?}");
    home.run(&["clear", "-q", "-p", "work"]).ends(0, "");
    home.run(&["status", "--check", "-p", "work"]).ends(1, "");
    assert_eq!(sts.calls(), 1);
}

#[test]
fn keys_in_the_same_section_are_pointed_out() {
    let home = Home::with(&format!(
        "{}{}",
        long_term("work"),
        short_term("other", FAR)
    ));
    let keys = "aws_access_key_id = AKIAFAKE\naws_secret_access_key = x\n";
    home.write("config", &format!("{CONFIG}{keys}"));
    let outcome = home.run(&PROCESS).outcome();
    assert!(
        outcome.stderr.starts_with(
            "warning: some AWS SDKs do not run the credential_process of [profile work] in ~/.aws/config, because \
             [profile work] in ~/.aws/config has keys: remove them in an editor\n"
        ),
        "{outcome:?}"
    );
}

#[test]
fn a_refresh_warns_however_it_comes_by_its_credentials() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["exec", "-q", "-p", "work", "true"])
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    home.run_with(&sts, &["-p", "work"]).ends(
        0,
        "renewing [work]: there are no credentials yet\n\
         [work] shares the session of its key and device, valid until …\n\
         warning: the AWS CLI and some SDKs do not run the credential_process of [profile work] in ~/.aws/config while [work] has \
         keys: `mfa-creds clear -p work` removes them\n",
    );
    // Keys of another tool, which `clear` would leave alone.
    let foreign =
        "[work]\naws_access_key_id = ASIAOTHER\naws_secret_access_key = x\naws_session_token = y\n";
    home.write("credentials", &format!("{}{foreign}", long_term("work")));
    let outcome = home.run_with(&sts, &PROCESS).outcome();
    assert!(
        outcome
            .stderr
            .ends_with(" has keys: remove them in an editor\n"),
        "{outcome:?}"
    );
    // No keys are where `setup` would write them.
    let keys = long_term("work").replace("-long-term", "");
    home.write("credentials", &keys);
    let outcome = home.run_with(&sts, &PROCESS).outcome();
    assert!(
        outcome
            .stderr
            .contains(" has keys: move them with `mfa-creds setup --profile work`\n"),
        "{outcome:?}"
    );
}
