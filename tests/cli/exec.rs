//! `mfa-creds exec`: a command with the credentials and nothing that contradicts them, in place of this process.

#[cfg(unix)]
#[cfg(unix)]
use expectrl::{ControlCode, Expect as _};
use stand_in::{ALICE_DEVICE, Account, StandIn};
#[cfg(unix)]
use std::fs;

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::set_mode;
use crate::support::roles::{ADMIN, account, home, role};
use crate::support::sections::{FAR, long_term, short_term, value};
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, on_terminal};

fn valid() -> Home {
    Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)))
}

#[test]
fn the_command_has_the_credentials_and_nothing_that_contradicts_them() {
    let home = valid();
    home.write("config", "[profile work]\nregion = eu-west-1\n");
    let run = home.run(&["exec", "-p", "work", "--", "/usr/bin/env"]);
    let run = [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_ACCOUNT_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "MFA_TOKEN",
    ]
    .into_iter()
    .fold(run, |run, name| run.env(name, "stale"));
    let outcome = run
        .env("AWS_MAX_ATTEMPTS", "5")
        .env("AWS_CA_BUNDLE", "/ca.pem")
        .without_env("AWS_ENDPOINT_URL_IAM")
        .without_env("AWS_ENDPOINT_URL_SIGNIN")
        .without_env("MFA_CREDS_TRACE")
        .without_env("XDG_RUNTIME_DIR")
        .without_env("MFA_CREDS_PROMPT")
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "", "{outcome:?}");
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    lines.sort_unstable();
    if cfg!(windows) {
        lines.retain(|line| line.starts_with("AWS_") || line.starts_with("MFA_"));
        lines.extend(["HOME=~", "TZ=UTC"]);
        lines.sort_unstable();
    }
    assert_eq!(
        lines,
        [
            "AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE",
            "AWS_CA_BUNDLE=/ca.pem",
            "AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z",
            "AWS_DEFAULT_REGION=eu-west-1",
            "AWS_MAX_ATTEMPTS=5",
            "AWS_REGION=eu-west-1",
            "AWS_SECRET_ACCESS_KEY=FakeSecret",
            "AWS_SESSION_TOKEN=FakeToken",
            "HOME=~",
            "MFA_CREDS_REGION=eu-west-1",
            "TZ=UTC",
        ]
    );
}

#[cfg(unix)]
#[test]
fn its_end_is_ours() {
    let home = valid();
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("exit 255", 255)] {
        home.run(&["exec", "-p", "work", "--", "/bin/sh", "-c", script])
            .ends(status, "");
    }
    // The shell above sees the signal itself.
    let sts = StandIn::start(Account::example());
    for (signal, status) in [("TERM", 143), ("KILL", 137), ("HUP", 129)] {
        let script = format!("\"$0\" exec -p work -- sh -c 'kill -{signal} $$'; exit $?");
        assert_eq!(exited(on_terminal(&home, &sts, &script)), status);
    }
}

#[cfg(unix)]
#[test]
fn no_process_stays_between() {
    let home = valid();
    let sts = StandIn::start(Account::example());
    let script = "echo $$ >shell; exec \"$0\" exec -p work -- sh -c 'echo $$ >command'";
    assert_eq!(exited(on_terminal(&home, &sts, script)), 0);
    let pid = |name| fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(pid("shell"), pid("command"));
}

#[cfg(unix)]
#[test]
fn its_standard_input_is_its_own() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(
            &sts,
            &["exec", "-p", "work", "--token", &code, "--", "/bin/cat"],
        )
        .stdin("123456\nall of it\n")
        .outcome();
    assert_eq!(outcome.stdout, "123456\nall of it\n", "{outcome:?}");
    assert_eq!(
        outcome.stderr,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n"
    );
    // Nor is it taken for a code.
    Home::of_alice()
        .run_with(&sts, &["exec", "-p", "work", "cat"])
        .stdin("123456\n")
        .ends(
            3,
            "renewing [work]: there are no credentials yet\n\
             error: an MFA code is needed, and there is no terminal to ask for it\n\
             hint: set MFA_PROCESS to a command that prints it, set MFA_TOKEN, or run the same command once in a terminal\n",
        );
}

#[cfg(unix)]
#[test]
fn the_terminal_and_its_signals_are_the_commands() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let script = "trap : INT; \"$0\" exec -p work -- sh -c 'test -t 0 && test -t 1 && echo ready; trap \"exit 9\" INT; cat'; exit $?";
    let mut session = on_terminal(&home, &sts, script);
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    session.expect("ready").unwrap();
    session.send_line("typed").unwrap();
    session.expect("typed").unwrap();
    session.send(ControlCode::EndOfText).unwrap();
    assert_eq!(exited(session), 9);
}

#[test]
fn what_cannot_be_run_ends_as_in_a_shell() {
    let home = valid();
    home.write("script", "exit 0\n");
    home.run(&["exec", "-p", "work", "--", "no-such-command"])
        .ends(
            127,
            "error: no-such-command cannot be run: no such file or directory\n\
         hint: check that it is installed and in PATH; it must not be a shell alias or function\n",
        );
    #[cfg(unix)]
    {
        let script = home.file("script");
        home.run(&["exec", "-p", "work", script.to_str().unwrap()])
            .ends(
                126,
                "error: ~/.aws/script cannot be run: permission denied\n",
            );
        home.write("script", "#!/no/such/interpreter\n");
        set_mode(&script, 0o700);
        home.run(&["exec", "-p", "work", script.to_str().unwrap()])
            .ends(
                126,
                "error: ~/.aws/script cannot be run: no such file or directory\n",
            );
    }
    let wrong = home.run(&["exec", "--min-tll", "2h", "true"]).outcome();
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
}

/// Runs a script on a terminal, and returns what it wrote to `err` and `out`.
#[cfg(unix)]
fn written(home: &Home, script: &str) -> (String, String) {
    let sts = StandIn::start(Account::example());
    let session = on_terminal(home, &sts, script);
    assert_eq!(exited(session), 0, "{script}");
    let text = |name| fs::read_to_string(home.path().join(name)).unwrap();
    (text("err"), text("out"))
}

#[cfg(unix)]
#[test]
fn without_a_command_the_shell_of_the_user_starts() {
    let home = valid();
    let (told, variables) = written(
        &home,
        "SHELL=/usr/bin/env \"$0\" exec -p work 2>err >out; exit $?",
    );
    let (start, rest) = told.split_once(" until ").unwrap();
    assert_eq!(
        start,
        "starting /usr/bin/env with the credentials of work, valid"
    );
    assert!(rest.starts_with("2099-01-01 00:00 +00:00, "), "{rest}");
    assert!(rest.ends_with("; `exit` ends it\n"), "{rest}");
    for line in [
        "MFA_CREDS_SHELL=work",
        "AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE",
        "SHELL=/usr/bin/env",
    ] {
        assert!(variables.lines().any(|set| set == line), "{variables}");
    }
    let quiet = "SHELL=/usr/bin/env \"$0\" exec -q -p work 2>err >out; exit $?";
    assert_eq!(written(&home, quiet).0, "");
    // An empty variable is none: the user database names a shell.
    let sts = StandIn::start(Account::example());
    let mut session = on_terminal(&home, &sts, "SHELL= \"$0\" exec -p work; exit $?");
    session.expect("starting /").unwrap();
    session.expect("`exit` ends it").unwrap();
    session.send_line("exit 6").unwrap();
    assert_eq!(exited(session), 6);
}

#[cfg(unix)]
#[test]
fn the_shell_has_the_terminal_and_tells_of_a_shell_around_it() {
    let sts = StandIn::start(Account::example());
    let home = valid();
    home.write(
        "credentials",
        &format!(
            "{}{}{}",
            home.credentials(),
            long_term("other"),
            short_term("other", FAR)
        ),
    );
    let script =
        "MFA_CREDS=$0; SHELL=/bin/sh; export MFA_CREDS SHELL; \"$0\" exec -p work; exit $?";
    let mut session = on_terminal(&home, &sts, script);
    session.expect("`exit` ends it").unwrap();
    session.send_line("echo \"<$MFA_CREDS_SHELL>\"").unwrap();
    session.expect("<work>").unwrap();
    session.send_line("\"$MFA_CREDS\" exec -p other").unwrap();
    session
        .expect("starting /bin/sh with the credentials of other, valid until ")
        .unwrap();
    session
        .expect("; it runs inside the shell for work: type `exit` twice to leave both")
        .unwrap();
    session.send_line("echo \"<$MFA_CREDS_SHELL>\"").unwrap();
    session.expect("<other>").unwrap();
    // A command has credentials of its own.
    session
        .send_line("\"$MFA_CREDS\" exec -p work sh -c 'echo \"<$MFA_CREDS_SHELL>\"'")
        .unwrap();
    session.expect("<>").unwrap();
    session.send_line("exit 8").unwrap();
    session.send_line("echo \"<$?$MFA_CREDS_SHELL>\"").unwrap();
    session.expect("<8work>").unwrap();
    session.send_line("exit 9").unwrap();
    assert_eq!(exited(session), 9);
}

#[cfg(unix)]
#[test]
fn a_shell_that_cannot_be_run_is_named() {
    let home = valid();
    let script = "SHELL=/no/such/shell \"$0\" exec -q -p work 2>err >out; test $? = 127; exit $?";
    assert_eq!(
        written(&home, script).0,
        "error: /no/such/shell (SHELL) cannot be run: no such file or directory\n\
         hint: set SHELL to the path of a shell, or name a command after `--`\n"
    );
    home.write("script", "exit 0\n");
    let script =
        "SHELL=$HOME/.aws/script \"$0\" exec -q -p work 2>err >out; test $? = 126; exit $?";
    assert!(
        written(&home, script)
            .0
            .contains(".aws/script (SHELL) cannot be run: permission denied\n")
    );
}

/// In a script, the command is missing, and a shell would read whatever is there, and end well.
#[test]
fn without_a_terminal_there_has_to_be_a_command() {
    let home = Home::of_alice();
    let shell = if cfg!(windows) { "cmd" } else { "sh" };
    let told = format!(
        "error: there is no command, and no terminal for a shell on standard input\n\
         hint: name a command after `--`; `-- {shell}` runs the commands on standard input\n"
    );
    // Nothing is read or asked before.
    for profile in ["work", "nosuch"] {
        home.run(&["exec", "-p", profile])
            .stdin("exit 5\n")
            .ends(2, &told);
    }
    let home = valid();
    let run = home.run(&["exec", "-p", "work", "--", shell]);
    let outcome = run.stdin("exit 5\n").outcome();
    // cmd.exe says who it is.
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(5), ""),
        "{outcome:?}"
    );
}

#[test]
fn the_commands_flags_are_its_own() {
    let home = valid();
    for words in [
        &["--", "echo", "-p", "--all", "--"][..],
        &["echo", "-p", "--all", "--"],
    ] {
        let outcome = home
            .run(&[&["exec", "-p", "work"], words].concat())
            .outcome();
        assert_eq!(outcome.stdout, "-p --all --\n", "{outcome:?}");
    }
}

#[test]
fn a_long_job_gets_credentials_that_outlive_it() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let end = chrono::Utc::now() + chrono::TimeDelta::minutes(90);
    let soon = short_term("work", &end.format("%Y-%m-%d %H:%M:%S").to_string());
    home.write("credentials", &format!("{}{soon}", long_term("work")));
    home.run(&["exec", "-p", "work", "--min-ttl", "1h", "true"])
        .ends(0, "");
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["exec", "-p", "work", "--min-ttl", "2h", "true"])
        .env("MFA_TOKEN", &code)
        .ends(
            0,
            "renewing [work]: 90 min left, less than the required 2 h\n[work] is valid until …\n"
                .replace("90 min", "1 h 30 min")
                .as_str(),
        );
}

#[test]
fn without_storing_the_section_is_neither_read_nor_written() {
    let sts = StandIn::start(Account::example());
    let home = valid();
    let before = home.credentials();
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = |arguments: &[&str]| {
        let arguments = [&["exec", "-p", "work", "--no-store"], arguments].concat();
        home.run_with(&sts, &arguments)
            .env("MFA_TOKEN", &code)
            .outcome()
    };
    let print = if cfg!(windows) {
        ["--", "cmd", "/c", "echo %AWS_ACCESS_KEY_ID%"]
    } else {
        ["--", "/bin/sh", "-c", "echo $AWS_ACCESS_KEY_ID"]
    };
    let first = run(&print);
    assert_eq!(first.status, Some(0), "{first:?}");
    assert_eq!(
        first.stderr,
        "renewing work: there are no credentials yet\nwork is valid until …\n"
    );
    assert_ne!(first.stdout, "ASIAFAKEFAKEFAKEFAKE\n");
    // The next one needs no other code.
    let second = run(&print);
    assert_eq!(
        (second.stdout, second.stderr),
        (first.stdout.clone(), String::new())
    );
    assert_eq!(sts.calls(), 1);
    assert_eq!(home.credentials(), before);
    // Nor is a session used that the section contains.
    let other = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    other
        .run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    other
        .run_with(&sts, &["exec", "-p", "work", "--no-store", "true"])
        .ends(
            3,
            "renewing work: there are no credentials yet\n\
         error: an MFA code is needed, and there is no terminal to ask for it\n\
         hint: set MFA_PROCESS to a command that prints it, set MFA_TOKEN, or run the same command once in a terminal\n",
        );
}

#[test]
fn without_storing_a_role_comes_from_the_session_that_is_there() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    let before = home.credentials();
    for _ in 0..2 {
        home.run_with(&sts, &["exec", "-q", "-p", "admin", "--no-store", "true"])
            .ends(0, "");
    }
    assert_eq!(sts.calls(), 2);
    assert_eq!(home.credentials(), before);
}

#[test]
fn it_takes_the_place_where_long_term_keys_keep_the_section() {
    let sts = StandIn::start(Account::example());
    let keys = long_term("work");
    let home = Home::with(&format!("{keys}{}", keys.replace("-long-term", "")));
    let code = sts.fresh_code(ALICE_DEVICE);
    let before = home.credentials();
    home.run_with(
        &sts,
        &["exec", "-q", "-p", "work", "--token", &code, "true"],
    )
    .ends(
        1,
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites\n\
         hint: [work-long-term] has the same keys: run `mfa-creds setup --profile work` to remove them from [work]\n",
    );
    home.run_with(
        &sts,
        &[
            "exec",
            "-q",
            "-p",
            "work",
            "--no-store",
            "--token",
            &code,
            "true",
        ],
    )
    .ends(0, "");
    assert_eq!(home.credentials(), before);
    assert_eq!(value(&before, "work", "aws_session_token"), None);
}
