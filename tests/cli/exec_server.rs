//! `exec --server`: the command has a server in place of keys, and always finds valid credentials there.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use expectrl::Expect as _;
use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::{Home, binary};
use crate::support::roles::{ADMIN, account, home, role};
use crate::support::sections::{FAR, long_term, short_term, value};
use crate::support::servers::{Endpoint, Running, TOKEN, URI, eventually};
use crate::support::terminal::{exited, on_terminal};

/// A command that says where its server is, and waits until its standard input ends.
const WAITING: &str =
    "env | grep ^AWS_CONTAINER_.*URI; env | grep ^AWS_CONTAINER_.*TOKEN; read -r end";
/// How long the credentials of a server last in a test, in seconds.
const SHORT: u32 = 10;

fn waiting(
    home: &Home,
    sts: &StandIn,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> (Running, Endpoint) {
    let words = [
        &["exec", "--server"],
        flags,
        &["--", "/bin/sh", "-c", WAITING],
    ]
    .concat();
    let mut run = home.run_with(sts, &words);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    let mut running = Running::begin(home, run);
    let endpoint = running.endpoint();
    (running, endpoint)
}

/// The actions that the stand-in was asked for.
fn actions(sts: &StandIn) -> Vec<String> {
    let requests = sts.requests();
    requests.into_iter().map(|request| request.action).collect()
}

#[test]
fn the_command_finds_a_server_and_no_keys() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    home.write("config", "[profile work]\nregion = eu-west-1\n");
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = home.run_with(
        &sts,
        &["exec", "--server", "-p", "work", "--", "/usr/bin/env"],
    );
    let stale = [
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ];
    let run = stale
        .into_iter()
        .fold(run, |run, name| run.env(name, "work"));
    let outcome = run.env("MFA_TOKEN", &code).outcome();
    assert_eq!(
        outcome.stderr,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n"
    );
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    lines.retain(|line| line.starts_with("AWS_") || line.starts_with("MFA_"));
    lines.retain(|line| !line.starts_with("AWS_ENDPOINT") && !line.starts_with("MFA_CREDS_TRACE"));
    lines.sort_unstable();
    let (variables, values): (Vec<&str>, Vec<&str>) = lines
        .iter()
        .map(|line| line.split_once('=').unwrap())
        .unzip();
    assert_eq!(
        variables,
        [
            "AWS_ACCOUNT_ID",
            TOKEN,
            URI,
            "AWS_DEFAULT_REGION",
            "AWS_REGION",
            "MFA_CREDS_REGION"
        ]
    );
    assert_eq!(values[0], "123456789012");
    assert_eq!(values[1].len(), 64);
    assert!(values[2].starts_with("http://127.0.0.1:"), "{values:?}");
    assert_eq!(values[3..], ["eu-west-1"; 3]);
}

#[test]
fn what_the_files_say_of_the_default_profile_does_not_hide_the_server() {
    let config = "[default]\noutput = text\nrole_arn = x\n[profile other]\nregion = eu-west-1";
    let home = Home::with(&format!(
        "{}{}{}",
        long_term("work"),
        short_term("work", FAR),
        short_term("default", FAR)
    ));
    home.write("config", config);
    let script = "echo \"$AWS_PROFILE $AWS_CONFIG_FILE\"; cat \"$AWS_CONFIG_FILE\"";
    let run = home.run(&[
        "exec", "--server", "-p", "work", "--", "/bin/sh", "-c", script,
    ]);
    let outcome = run.outcome();
    assert_eq!(outcome.stderr, "", "{outcome:?}");
    let (first, text) = outcome.stdout.split_once('\n').unwrap();
    assert_eq!(
        text,
        format!("{config}\n[profile mfa-creds-server]\noutput = text\n")
    );
    let path = first.strip_prefix("mfa-creds-server ").unwrap();
    assert!(!fs::exists(path).unwrap(), "{path} is left behind");
}

#[test]
fn mfa_creds_in_the_command_has_its_usual_default_profile() {
    let home = Home::with(&short_term("default", FAR));
    let server = [
        "exec",
        "--server",
        "--",
        binary(),
        "export",
        "--format",
        "json",
    ];
    let inside = home.run(&server).outcome();
    assert_eq!(inside.status, Some(0), "{inside:?}");
    assert!(inside.stdout.contains("ASIAFAKEFAKEFAKEFAKE"), "{inside:?}");
}

#[test]
fn a_place_for_temporary_files_is_needed_before_a_code() {
    let home = Home::of_alice();
    let words = ["exec", "--server", "-p", "work", "--", "true"];
    home.run(&words).env("TMPDIR", "/nonexistent").ends(
        1,
        "error: the command needs a copy of the config file, and a temporary file cannot be made: no such file or directory\n\
         hint: set TMPDIR to a directory that you can write\n",
    );
}

#[test]
fn requests_to_the_server_do_not_go_to_a_proxy() {
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    let words = ["exec", "--server", "-p", "work", "--", "/bin/sh", "-c"];
    for (variables, list) in [
        (&[][..], ""),
        (&[("HTTP_PROXY", "http://proxy.example")], "127.0.0.1"),
        (
            &[("http_proxy", "http://proxy.example"), ("NO_PROXY", "a,b")],
            "a,b,127.0.0.1",
        ),
        (
            &[("ALL_PROXY", "http://proxy.example"), ("no_proxy", "*")],
            "*",
        ),
    ] {
        let script = "echo \"${no_proxy-$NO_PROXY}\"";
        let mut run = home.run(&[&words[..], &[script]].concat());
        for (name, value) in variables {
            run = run.env(name, value);
        }
        assert_eq!(run.outcome().stdout, format!("{list}\n"), "{variables:?}");
    }
}

#[test]
fn the_copy_of_the_config_file_is_for_the_user_alone() {
    let home = Home::with(&format!(
        "{}{}{}",
        long_term("work"),
        short_term("work", FAR),
        short_term("default", FAR)
    ));
    let list = "ls -l \"$AWS_CONFIG_FILE\"";
    let run = home.run(&[
        "exec", "--server", "-p", "work", "--", "/bin/sh", "-c", list,
    ]);
    let outcome = run.outcome();
    assert!(outcome.stdout.starts_with("-rw-------"), "{outcome:?}");
}

#[test]
fn a_role_is_renewed_from_the_session_without_another_code() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    sts.roles_granted_at_most(SHORT / 2);
    let (running, endpoint) = waiting(&home, &sts, &["-p", "admin"], &[("MFA_TOKEN", &code)]);
    let first = endpoint.access_key_id();
    let answer = endpoint.get();
    assert_eq!(answer.value("RoleArn"), ADMIN);
    for name in ["SecretAccessKey", "Token", "Expiration"] {
        assert!(!answer.value(name).is_empty(), "{answer:?}");
    }
    let mut ids = vec![first];
    while ids.len() < 4 {
        let id = eventually(
            || Some(endpoint.access_key_id()).filter(|id| !ids.contains(id)),
            || format!("{ids:?} {}", running.errors()),
        );
        ids.push(id);
    }
    assert_eq!(
        running.errors(),
        "renewing [admin-mfa]: there are no credentials yet\n\
         [personal] is valid until …\n\
         [admin-mfa] is valid until …\n"
    );
    let sessions = actions(&sts)
        .iter()
        .filter(|action| *action == "GetSessionToken")
        .count();
    assert_eq!(sessions, 1);
    assert_eq!(running.end(), Some(1));
}

#[test]
fn ten_clients_get_the_new_session_for_one_code() {
    let sts = StandIn::start(Account::example());
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let file = home.path().join("code");
    fs::write(&file, "").unwrap();
    let process = format!("echo run >>{0}.runs; cat {0}", file.display());
    let code = sts.fresh_code(ALICE_DEVICE);
    let variables = [("MFA_TOKEN", &*code), ("MFA_PROCESS", &process)];
    let (running, endpoint) = waiting(&home, &sts, &["-p", "work"], &variables);
    fs::write(&file, sts.fresh_code(ALICE_DEVICE)).unwrap();
    let first = endpoint.access_key_id();
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let (endpoint, first) = (endpoint.clone(), first.clone());
            thread::spawn(move || {
                let next = || Some(endpoint.access_key_id()).filter(|id| *id != first);
                eventually(next, || "there is no new key".to_owned())
            })
        })
        .collect();
    let mut second: Vec<String> = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .collect();
    second.dedup();
    assert_eq!(second.len(), 1, "{second:?}");
    assert_eq!(actions(&sts), ["GetSessionToken"; 2]);
    let runs = fs::read_to_string(file.with_extension("runs")).unwrap();
    assert_eq!(runs, "run\n");
    drop(running);
}

#[test]
fn where_nobody_can_be_asked_clients_get_an_error_until_somebody_renews() {
    let sts = StandIn::start(Account::example());
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let (running, endpoint) = waiting(&home, &sts, &["-p", "work"], &[("MFA_TOKEN", &code)]);
    let first = endpoint.access_key_id();
    running.says("could not be renewed");
    // What is still valid is served until it ends.
    let refused = eventually(
        || {
            let answer = endpoint.get();
            let is_first = answer.status == 200 && answer.value("AccessKeyId") == first;
            assert!(is_first || answer.status == 404, "{answer:?}");
            (answer.status == 404).then_some(answer)
        },
        || "the credentials do not end".to_owned(),
    );
    assert_eq!(refused.value("code"), "CredentialsNotAvailable");
    assert_eq!(
        refused.value("message"),
        "an MFA code is needed, and there is no terminal to ask for it"
    );
    assert_eq!(
        running.errors(),
        "renewing [work]: there are no credentials yet\n\
         [work] is valid until …\n\
         warning: the credentials of work could not be renewed, and are valid until …\n\
         hint: run `mfa-creds -p work` in another terminal\n"
    );
    assert_eq!(actions(&sts).len(), 1);
    sts.granted_at_most(43_200);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .outcome();
    let second = eventually(
        || Some(endpoint.get()).filter(|answer| answer.status == 200),
        || running.errors(),
    );
    let written = value(&home.credentials(), "work", "aws_access_key_id");
    assert_eq!(Some(second.value("AccessKeyId")), written);
    running.says("the credentials of work are renewed, and valid until …");
    assert_eq!(running.end(), Some(1));
}

#[test]
fn credentials_that_end_at_once_are_renewed_at_a_slow_pace() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    sts.roles_granted_at_most(1);
    let (running, _endpoint) = waiting(&home, &sts, &["-p", "admin"], &[("MFA_TOKEN", &code)]);
    let begin = Instant::now();
    eventually(|| (sts.calls() >= 5).then_some(()), || running.errors());
    assert!(begin.elapsed() > Duration::from_secs(3));
}

#[test]
fn the_hint_names_a_command_that_renews_what_the_server_needs() {
    let sts = StandIn::start(account());
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let assume = format!("--assume-role={ADMIN}");
    let words = ["-p", "work", &assume, "--direct"];
    let code = sts.fresh_code(ALICE_DEVICE);
    let (running, endpoint) = waiting(&home, &sts, &words, &[("MFA_TOKEN", &code)]);
    // A client that finds no valid credentials wakes the renewal.
    let is_renewed = |running: &Running, endpoint: &Endpoint| {
        endpoint.get();
        let told = running.errors();
        told.contains("the credentials of work are renewed")
            .then_some(())
    };
    running.says(&format!(
        "hint: run `mfa-creds {}` in another terminal\n",
        words.join(" ")
    ));
    sts.granted_at_most(43_200);
    let code = sts.fresh_code(ALICE_DEVICE);
    let words = [&words[..], &["--token", &code]].concat();
    home.run_with(&sts, &words).outcome();
    eventually(|| is_renewed(&running, &endpoint), || running.errors());

    // A command that stores the credentials in the section would not help.
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let words = ["-p", "work", "--no-store"];
    let (running, endpoint) = waiting(&home, &sts, &words, &[("MFA_TOKEN", &code)]);
    running.says("hint: run `mfa-creds exec -p work --no-store -- true` in another terminal\n");
    sts.granted_at_most(43_200);
    let code = sts.fresh_code(ALICE_DEVICE);
    let words = [
        "exec",
        "-p",
        "work",
        "--no-store",
        "--token",
        &code,
        "--",
        "true",
    ];
    assert_eq!(home.run_with(&sts, &words).outcome().status, Some(0));
    eventually(|| is_renewed(&running, &endpoint), || running.errors());
}

#[test]
fn credentials_are_served_although_the_clock_is_ahead() {
    let sts = StandIn::start(Account::example());
    sts.set_clock_offset(TimeDelta::hours(-2));
    sts.granted_at_most(3_600);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let (running, endpoint) = waiting(&home, &sts, &["-p", "work"], &[("MFA_TOKEN", &code)]);
    assert_eq!(endpoint.get().status, 200, "{}", running.errors());
    assert_eq!(
        actions(&sts).last().map(String::as_str),
        Some("GetSessionToken")
    );
}

#[test]
fn the_terminal_is_left_to_a_command_that_may_read_it() {
    let sts = StandIn::start(Account::example());
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let script = format!(
        "MFA_TOKEN={code} \"$0\" exec --server -p work -- sh -c 'read -r line; echo \"got $line\"'"
    );
    let mut session = on_terminal(&home, &sts, &script);
    session.expect("could not be renewed").unwrap();
    session.expect("there is no display for a window").unwrap();
    session.send_line("typed").unwrap();
    session.expect("got typed").unwrap();
    assert_eq!(exited(session), 0);
}

#[test]
fn where_the_command_does_not_read_the_terminal_a_person_is_asked_there() {
    let sts = StandIn::start(Account::example());
    sts.granted_at_most(SHORT);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    fs::write(home.path().join("go"), "").unwrap();
    let script = format!(
        "MFA_TOKEN={code} \"$0\" exec --server -p work -- sh -c 'while [ -e go ]; do sleep 0.1; done' </dev/null"
    );
    let mut session = on_terminal(&home, &sts, &script);
    session.expect("Enter AWS MFA code for device").unwrap();
    sts.granted_at_most(43_200);
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    eventually(
        || (actions(&sts).len() == 2).then_some(()),
        || "no renewal".to_owned(),
    );
    fs::remove_file(home.path().join("go")).unwrap();
    assert_eq!(exited(session), 0);
}

#[test]
fn a_shell_has_the_server_too() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    let script = "SHELL=/bin/sh exec \"$0\" exec --server -p work";
    let mut session = on_terminal(&home, &sts, script);
    session
        .expect(
            "starting /bin/sh with a server that renews the credentials of work; `exit` ends it",
        )
        .unwrap();
    session
        .send_line("echo \"<$MFA_CREDS_SHELL> <${AWS_CONTAINER_CREDENTIALS_FULL_URI%%:*}>\"")
        .unwrap();
    session.expect("<work> <http>").unwrap();
    session.send_line("exit 3").unwrap();
    assert_eq!(exited(session), 3);
}

#[test]
fn signals_and_the_end_of_the_command_are_its_own() {
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    let run = |script: &str| {
        let words = [
            "exec", "--server", "-p", "work", "--", "/bin/sh", "-c", script,
        ];
        let mut running = Running::begin(&home, home.run(&words));
        assert_eq!(running.line(), "begun");
        running
    };
    for (script, code) in [
        ("echo begun; exit 0", Some(0)),
        ("echo begun; exit 7", Some(7)),
        ("echo begun; kill -KILL $$", None),
        ("echo begun; kill -TERM $$", None),
    ] {
        assert_eq!(run(script).end(), code, "{script}");
    }
    for signal in ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"] {
        let script =
            format!("trap 'echo got; exit 9' {signal}; echo begun; while :; do sleep 0.1; done");
        let mut running = run(&script);
        let kill = format!("kill -{signal} {}", running.id());
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", &kill])
            .status();
        assert!(status.unwrap().success());
        assert_eq!(running.line(), "got", "{signal}");
        assert_eq!(running.end(), Some(9), "{signal}");
    }
}

#[test]
fn what_fails_before_the_command_ends_as_without_a_server() {
    let home = Home::of_alice();
    let sts = StandIn::start(Account::example());
    home.run_with(&sts, &["exec", "--server", "-p", "work", "--", "touch", "x"]).ends(
        3,
        "renewing [work]: there are no credentials yet\n\
         error: an MFA code is needed, and there is no terminal to ask for it\n\
         hint: set MFA_PROCESS to a command that prints it, set MFA_TOKEN, or run the same command once in a terminal\n",
    );
    assert!(!fs::exists("x").unwrap());
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    home.run(&["exec", "--server", "-p", "work", "--", "no-such-command"])
        .ends(
            127,
            "error: no-such-command cannot be run: no such file or directory\n\
         hint: check that it is installed and in PATH; it must not be a shell alias or function\n",
        );
    let outcome = home
        .run(&["exec", "--renew-before", "5m", "-p", "work", "--", "true"])
        .outcome();
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("--server"), "{outcome:?}");
}
