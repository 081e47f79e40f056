//! `exec` on Windows: which command it finds, what the command is given, and how both end. What needs a console is in
//! `tests/platforms/test_exec.py`.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::home::{BINARY, Home, Run};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::spawning::spawning;

fn home() -> Home {
    Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)))
}

/// A run of `exec`, with the home as the only directory in PATH besides the system's.
fn exec<'h>(home: &'h Home, command: &[&str]) -> Run<'h> {
    home.run(&[&["exec", "-p", "work", "--"], command].concat())
        .env("PATH", &path(home))
        .env("PATHEXT", ".COM;.EXE;.BAT;.CMD;.VBS")
}

fn path(home: &Home) -> String {
    let system = std::env::var("SystemRoot").unwrap();
    format!(r"{};{system}\System32", home.path().display())
}

fn put(home: &Home, name: &str, text: &str) {
    fs::write(home.path().join(name), text).unwrap();
}

#[test]
fn the_exit_code_is_that_of_the_command_with_all_its_bits() {
    let home = home();
    for code in [0, 1, 255, 256, 300, -1, 0xC000_013A_u32.cast_signed()] {
        let outcome = exec(&home, &["cmd", "/c", "exit", &code.to_string()]).outcome();
        assert_eq!(outcome.status, Some(code), "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_name_without_extension_finds_a_batch_file() {
    let home = home();
    // npm has both, and the first is for other shells.
    put(&home, "tool", "#!/bin/sh\necho 'for another shell'\n");
    put(
        &home,
        "tool.cmd",
        "@echo [%~1] [%2] %AWS_ACCESS_KEY_ID%\r\n@exit 7\r\n",
    );
    // Windows does not start it by itself.
    put(&home, "tool.vbs", "WScript.Echo 1\r\n");
    let by_path = home.path().join("tool");
    for name in ["tool", "TOOL", "tool.cmd", by_path.to_str().unwrap()] {
        let outcome = exec(&home, &[name, "a b", "c&d"]).outcome();
        assert_eq!(
            outcome.stdout.trim_end(),
            r#"[a b] ["c&d"] ASIAFAKEFAKEFAKEFAKE"#,
            "{name}: {outcome:?}"
        );
        assert_eq!(outcome.status, Some(7), "{name}: {outcome:?}");
    }
}

#[test]
fn the_current_directory_is_not_searched() {
    let home = home();
    let place = home.path().join("project");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("planted.cmd"), "@echo planted\r\n").unwrap();
    for (name, code) in [("planted", 127), (r".\planted", 0)] {
        let mut command = Command::new(BINARY);
        home.command(&mut command)
            .args(["exec", "-p", "work", "--", name])
            .env("PATH", path(&home))
            .env("PATHEXT", ".EXE;.CMD")
            .current_dir(&place)
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        let status = spawning(|| command.spawn().unwrap()).wait().unwrap();
        assert_eq!(status.code(), Some(code), "{name}");
    }
}

#[test]
fn what_cannot_be_run_is_named_with_the_reason() {
    let home = home();
    put(&home, "tool.cmd", "@echo %1\r\n");
    put(&home, "table.txt", "1\t2\r\n");
    let table = home.path().join("table.txt");
    let table = table.to_str().unwrap();
    exec(&home, &["tool", "a\nb"]).ends(
        126,
        "error: tool cannot be run: a batch file cannot get an argument with a line break\n",
    );
    exec(&home, &[table]).ends(
        126,
        "error: ~/table.txt cannot be run: it is not a program\n",
    );
    exec(&home, &["dir"]).ends(
        127,
        "error: dir cannot be run: program not found\n\
         hint: check that it is installed and in PATH; put cmd /c before a command of cmd.exe itself, such as dir\n",
    );
}

/// A command that waits, and then says that it is still there.
const LATER: &str = "@ping -n 4 127.0.0.1 >NUL\r\n@echo there >%1\r\n";
/// Longer than that.
const WAIT: Duration = Duration::from_secs(8);

#[test]
fn a_command_ends_with_exec_but_not_what_it_has_started() {
    let home = home();
    put(&home, "later.cmd", LATER);
    put(
        &home,
        "both.cmd",
        "@start /b cmd /c later.cmd started\r\n@echo ready >ready\r\n@later.cmd command\r\n",
    );
    let mut command = Command::new(BINARY);
    home.command(&mut command)
        .args(["exec", "-p", "work", "--", "both"])
        .env("PATH", path(&home))
        .env("PATHEXT", ".EXE;.CMD")
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = spawning(|| command.spawn().unwrap());
    while !home.path().join("ready").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    thread::sleep(WAIT);
    assert!(!home.path().join("command").exists());
    assert!(home.path().join("started").exists());
}
