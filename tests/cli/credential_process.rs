//! Long-term keys from a `credential_process`: what it may print, and what it may not do.

use std::fs;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::{Outcome, Run};
#[cfg(unix)]
use crate::support::sections::value;
use crate::support::systems::{PATH, printing_file};

const PLACE: &str = "credential_process of [work-long-term] in ~/.aws/credentials";
const HINT: &str = "hint: run it by itself: it must exit with status 0 and print {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}\n";

/// A profile whose keys a shell script prints.
#[cfg(unix)]
fn home(script: &str) -> Home {
    let home = Home::with(&format!(
        "[work-long-term]\ncredential_process = ./keys\naws_mfa_device = {ALICE_DEVICE}\n"
    ));
    fs::write(home.path().join("keys"), script).unwrap();
    home
}

#[cfg(unix)]
fn run<'h>(home: &'h Home, sts: &StandIn) -> Run<'h> {
    let command = format!("cd {} && . ./keys", home.path().display());
    let text = home.credentials();
    home.write("credentials", &text.replace("./keys", &command));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(sts, &["-p", "work", "-q", "--token", &code])
        .env("PATH", PATH)
}

fn keys() -> String {
    format!(
        r#"{{"Version": 1, "AccessKeyId": "{ALICE_ACCESS_KEY_ID}", "SecretAccessKey": "{ALICE_SECRET_ACCESS_KEY}"}}"#
    )
}

#[cfg(unix)]
#[track_caller]
fn serves(script: &str) -> Outcome {
    let sts = StandIn::start(Account::example());
    let home = home(script);
    let outcome = run(&home, &sts).succeeds();
    assert!(value(&home.credentials(), "work", "aws_session_token").is_some());
    outcome
}

#[cfg(unix)]
#[track_caller]
fn fails(script: &str, problem: &str) {
    let sts = StandIn::start(Account::example());
    let home = home(script);
    run(&home, &sts).ends(
        1,
        &format!("error: the command from {PLACE} {problem}\n{HINT}"),
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn keys_are_read_as_the_sdks_read_them() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let output = home.file("output");
    home.write(
        "credentials",
        &format!(
            "[work-long-term]\ncredential_process = {}\naws_mfa_device = {ALICE_DEVICE}\n",
            printing_file(&output)
        ),
    );
    let prints = |text: &str| {
        fs::write(&output, text).unwrap();
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "-q", "--force", "--token", &code])
            .env("PATH", PATH)
    };
    let keys = keys();
    prints(&keys).succeeds();
    let lower = keys
        .replace("Version", "version")
        .replace("AccessKeyId", "ACCESSKEYID");
    prints(&lower).succeeds();
    let more = keys.replacen('{', r#"{"Note": [1, {}], "SessionToken": null, "#, 1);
    prints(&more).succeeds();
    for wrong in [
        keys.replace("\"Version\": 1", "\"Version\": 2"),
        keys.replace("\"Version\": 1", "\"Version\": \"1\""),
        keys.replace("\"Version\": 1, ", ""),
        keys.replace(ALICE_ACCESS_KEY_ID, ""),
        keys.replace("SecretAccessKey", "Secret"),
        format!("[{keys}]"),
        format!("{keys} {keys}"),
        String::new(),
    ] {
        prints(&wrong).ends(
            1,
            &format!("error: the command from {PLACE} does not print keys\n{HINT}"),
        );
        assert_eq!(sts.calls(), 3, "{wrong}");
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_prints_without_end_is_ended() {
    fails("yes FakeSecretOfNobody", "does not print keys");
    fails("exec cat /dev/zero", "does not print keys");
    // Nothing of it is looked for behind so much.
    fails(
        &format!("yes ' ' | head -c 100000; echo '{}'", keys()),
        "does not print keys",
    );
}

#[cfg(unix)]
#[test]
fn what_it_says_to_people_may_be_long() {
    let outcome = serves(&format!(
        "yes chatter | head -c 300000 >&2; echo '{}'",
        keys()
    ));
    assert_eq!(outcome.stderr, "");
    fails(
        "yes chatter | head -c 300000 >&2; exit 3",
        "failed: chatter",
    );
}

#[cfg(unix)]
#[test]
fn what_it_leaves_running_is_not_waited_for() {
    serves(&format!("sleep 20 & echo '{}'", keys()));
}

#[cfg(unix)]
#[test]
fn it_reads_nothing_of_what_is_piped_in() {
    let sts = StandIn::start(Account::example());
    let home = home(&format!("read -r code && exit 3; echo '{}'", keys()));
    let code = sts.fresh_code(ALICE_DEVICE);
    let text = home.credentials();
    let command = format!("cd {} && . ./keys", home.path().display());
    home.write("credentials", &text.replace("./keys", &command));
    home.run_with(&sts, &["-p", "work", "-q"])
        .stdin(&format!("{code}\n"))
        .succeeds();
}
