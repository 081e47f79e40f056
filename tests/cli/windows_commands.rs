//! Commands that mfa-creds runs on Windows: which ones it finds, what they are given, and what ends with them. What needs a console is
//! in `tests/platforms/test_exec.py`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, Outcome, binary};
use crate::support::sections::{FAR, long_term, short_term, value};
use crate::support::spawning::spawning;

/// Says that it is there, waits, and says that it still is.
const LATER: &str = "@echo there >%1.1\r\n@ping -n 7 127.0.0.1 >NUL\r\n@echo there >%1.2\r\n";
/// Longer than that.
const WAIT: Duration = Duration::from_secs(10);

/// A home with a directory `x y` for commands.
fn home(credentials: &str) -> Home {
    let home = Home::with(credentials);
    fs::create_dir(home.path().join("x y")).unwrap();
    put(&home, "later.cmd", LATER);
    home
}

fn put(home: &Home, name: &str, text: &str) {
    fs::write(home.path().join("x y").join(name), text).unwrap();
}

/// The directory for commands, and the system's.
fn path(home: &Home) -> String {
    let system = std::env::var("SystemRoot").unwrap();
    format!(r"{}\x y;{system}\System32", home.path().display())
}

/// Starts a run without anything to read, and with nobody who reads.
fn start(home: &Home, sts: Option<&StandIn>, arguments: &[&str]) -> Child {
    let mut command = Command::new(binary());
    home.command(&mut command)
        .args(arguments)
        .env("PATH", path(home))
        .env("PATHEXT", ".EXE;.CMD")
        .current_dir(home.path().join("x y"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(sts) = sts {
        command.env("AWS_ENDPOINT_URL_STS", sts.url());
    }
    spawning(|| command.spawn().unwrap())
}

#[track_caller]
fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {file:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A home whose section contains this.
fn home_with(key: &str, command: &str, keys: &str) -> Home {
    let home = home("");
    let command = command.replace("X Y", &home.path().join("x y").display().to_string());
    home.write("credentials", &format!("{keys}{key} = {command}\n"));
    home
}

// --- credential_process and mfa_process ---

fn home_with_credential_process(command: &str) -> Home {
    let keys = format!("[work-long-term]\naws_mfa_device = {ALICE_DEVICE}\n");
    let home = home_with("credential_process", command, &keys);
    let printed = format!(
        r#"{{"Version": 1, "AccessKeyId": "{ALICE_ACCESS_KEY_ID}", "SecretAccessKey": "{ALICE_SECRET_ACCESS_KEY}"}}"#
    );
    put(
        &home,
        "keys.cmd",
        &format!("@if \"%~1 %~2\" == \"--for a b\" echo {printed}\r\n"),
    );
    put(
        &home,
        "agent.cmd",
        &format!("@start /b cmd /c call \"%~dp0later.cmd\" %1\r\n@echo {printed}\r\n"),
    );
    home
}

fn home_with_mfa_process(command: &str) -> Home {
    let home = home_with("mfa_process", command, &long_term("work"));
    put(&home, "wait.cmd", "@cmd /c call \"%~dp0later.cmd\" %1\r\n");
    home
}

#[track_caller]
fn renews(home: &Home, sts: &StandIn, arguments: &[&str]) {
    home.run_with(sts, &[&["-p", "work", "-q"], arguments].concat())
        .env("PATH", &path(home))
        .succeeds();
    assert!(value(&home.credentials(), "work", "aws_session_token").is_some());
}

#[test]
fn a_credential_process_with_blanks_is_found_and_gets_its_arguments() {
    let sts = StandIn::start(Account::example());
    for rest in ["", " 2>NUL"] {
        let command = format!("\"X Y\\keys.cmd\" --for \"a b\"{rest}");
        let home = home_with_credential_process(&command);
        renews(&home, &sts, &["--token", &sts.fresh_code(ALICE_DEVICE)]);
    }
}

#[test]
fn an_mfa_process_with_blanks_is_found_and_gets_its_arguments() {
    let sts = StandIn::start(Account::example());
    let home = home_with_mfa_process("\"X Y\\code.cmd\" --for \"a b\"");
    let code = sts.fresh_code(ALICE_DEVICE);
    put(
        &home,
        "code.cmd",
        &format!("@if \"%~1 %~2\" == \"--for a b\" echo {code}\r\n"),
    );
    renews(&home, &sts, &[]);
}

/// As the agents of password managers do.
#[test]
fn what_a_command_leaves_running_runs_on() {
    let sts = StandIn::start(Account::example());
    let home = home_with_credential_process("\"X Y\\agent.cmd\" \"X Y\\mark\"");
    renews(&home, &sts, &["--token", &sts.fresh_code(ALICE_DEVICE)]);
    wait_for(&home.path().join("x y/mark.2"));
}

#[track_caller]
fn has_ended(home: &Home) {
    assert!(home.path().join("x y/mark.1").exists());
    thread::sleep(WAIT);
    assert!(!home.path().join("x y/mark.2").exists());
}

#[test]
fn at_its_time_limit_a_command_ends_with_everything_that_it_has_started() {
    let sts = StandIn::start(Account::example());
    let home = home_with_mfa_process("\"X Y\\wait.cmd\" \"X Y\\mark\"");
    home.run_with(&sts, &["-p", "work", "-q", "--prompt-timeout", "4"])
        .env("PATH", &path(&home))
        .ends(
            3,
            "error: the command from mfa_process of [work-long-term] in ~/.aws/credentials did not end within 4 s\n\
             hint: run it by itself: it may be waiting for input; --prompt-timeout gives it more time\n",
        );
    has_ended(&home);
}

#[test]
fn when_mfa_creds_is_killed_its_command_ends_with_everything_that_it_has_started() {
    let sts = StandIn::start(Account::example());
    let home = home_with_mfa_process("\"X Y\\wait.cmd\" \"X Y\\mark\"");
    let mut run = start(&home, Some(&sts), &["-p", "work"]);
    wait_for(&home.path().join("x y/mark.1"));
    run.kill().unwrap();
    run.wait().unwrap();
    has_ended(&home);
}

// --- exec ---

fn home_with_credentials() -> Home {
    home(&format!("{}{}", long_term("work"), short_term("work", FAR)))
}

fn exec(home: &Home, command: &[&str]) -> Outcome {
    home.run(&[&["exec", "-p", "work", "--"], command].concat())
        .env("PATH", &path(home))
        .env("PATHEXT", ".COM;.EXE;.BAT;.CMD;.VBS")
        .outcome()
}

#[test]
fn the_exit_code_of_exec_is_that_of_the_command_with_all_its_bits() {
    let home = home_with_credentials();
    for code in [0, 1, 255, 256, 300, -1, 0xC000_013A_u32.cast_signed()] {
        let outcome = exec(&home, &["cmd", "/c", "exit", &code.to_string()]);
        assert_eq!(outcome.status, Some(code), "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn exec_finds_a_batch_file_without_its_extension() {
    let home = home_with_credentials();
    // npm has both, and the first is for other shells.
    put(&home, "tool", "#!/bin/sh\necho 'for another shell'\n");
    put(
        &home,
        "tool.cmd",
        "@echo [%~1] [%2] %AWS_ACCESS_KEY_ID%\r\n@exit 7\r\n",
    );
    // Windows does not start it by itself.
    put(&home, "tool.vbs", "WScript.Echo 1\r\n");
    let by_path = home.path().join(r"x y\tool");
    for name in ["tool", "TOOL", "tool.cmd", by_path.to_str().unwrap()] {
        let outcome = exec(&home, &[name, "a b", "c&d"]);
        let said = r#"[a b] ["c&d"] ASIAFAKEFAKEFAKEFAKE"#;
        assert_eq!(outcome.stdout.trim_end(), said, "{name}: {outcome:?}");
        assert_eq!(outcome.status, Some(7), "{name}: {outcome:?}");
    }
}

#[test]
fn exec_does_not_search_the_current_directory() {
    let home = home_with_credentials();
    fs::create_dir(home.path().join(r"x y\project")).unwrap();
    put(&home, r"project\planted.cmd", "@echo planted\r\n");
    for (name, code) in [("planted", 127), (r".\planted", 0)] {
        let mut command = Command::new(binary());
        home.command(&mut command)
            .args(["exec", "-p", "work", "--", name])
            .env("PATH", path(&home))
            .env("PATHEXT", ".EXE;.CMD")
            .current_dir(home.path().join(r"x y\project"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = spawning(|| command.spawn().unwrap()).wait().unwrap();
        assert_eq!(status.code(), Some(code), "{name}");
    }
}

#[test]
fn exec_says_why_a_command_cannot_be_run() {
    let home = home_with_credentials();
    put(&home, "tool.cmd", "@echo %1\r\n");
    put(&home, "table.txt", "1\t2\r\n");
    let table = home.path().join(r"x y\table.txt");
    let cases = [
        (
            ["tool", "a\nb"],
            126,
            "tool cannot be run: a batch file cannot get an argument with a line break\n",
        ),
        (
            [table.to_str().unwrap(), ""],
            126,
            "~/x y\\table.txt cannot be run: it is not a program\n",
        ),
        (
            ["dir", "/w"],
            127,
            "dir cannot be run: no such file or directory\n\
             hint: check that it is installed and in PATH; it must not be a shell alias or function\n",
        ),
    ];
    for (command, code, said) in cases {
        let outcome = exec(&home, &command);
        assert_eq!(outcome.stderr, format!("error: {said}"), "{outcome:?}");
        assert_eq!(outcome.status, Some(code), "{outcome:?}");
    }
}

/// As on Unix, where the command takes the place of `mfa-creds`.
#[test]
fn when_exec_is_killed_its_command_ends_but_not_what_that_has_started() {
    let home = home_with_credentials();
    put(
        &home,
        "both.cmd",
        "@start /b cmd /c later.cmd started\r\n@later.cmd command\r\n",
    );
    let mut run = start(&home, None, &["exec", "-p", "work", "--", "both"]);
    wait_for(&home.path().join("x y/command.1"));
    wait_for(&home.path().join("x y/started.1"));
    run.kill().unwrap();
    run.wait().unwrap();
    wait_for(&home.path().join("x y/started.2"));
    thread::sleep(WAIT);
    assert!(!home.path().join("x y/command.2").exists());
}
