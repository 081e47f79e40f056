//! Many runs at once: one prompt and one call for those that need the same, and nothing lost.

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_DEVICE, Account, Device, StandIn, User};

use crate::support::home::{Home, Run, binary};
#[cfg(unix)]
use crate::support::roles::{ADMIN, account, role};
#[cfg(unix)]
use crate::support::sections::long_term;
use crate::support::sections::value;
use crate::support::spawning::spawning;
use crate::support::systems::{PATH, here};
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, kill, on_terminal};

/// A process of Windows takes longer to start.
const MANY: usize = if cfg!(windows) { 16 } else { 64 };

/// Ends well, and says no more than that it had to wait, which depends on how busy the machine is.
fn ends_well(run: Run<'_>) {
    let outcome = run.succeeds();
    assert!(
        outcome
            .stderr
            .lines()
            .all(|line| line.starts_with("waiting for ")),
        "{outcome:?}"
    );
}

fn id(number: usize) -> String {
    format!("AKIAFAKEFAKEFAKE{number:04}")
}

fn secret(number: usize) -> String {
    format!("FakeSecretOfUser{number:024}")
}

fn device(number: usize) -> String {
    format!("arn:aws:iam::123456789012:mfa/user{number}")
}

#[test]
fn on_many_profiles_of_one_file_none_is_lost_and_no_reader_sees_a_torn_file() {
    let mut account = Account::new();
    let mut text = "# the first line stays\n".to_owned();
    for number in 0..MANY {
        account = account.user(
            User::new(&format!("user{number}"))
                .access_key(&id(number), &secret(number))
                .device(Device::new(&device(number))),
        );
        write!(
            text,
            "\n[p{number}-long-term]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_mfa_device = {}\n",
            id(number),
            secret(number),
            device(number)
        )
        .unwrap();
    }
    let sts = StandIn::start(account);
    let home = Home::with(&text);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) {
                let now = home.credentials();
                assert!(now.starts_with(&text), "torn");
                for section in now[text.len()..].split("\n[").skip(1) {
                    assert!(
                        section.contains("\nexpiration = ")
                            && section.ends_with([
                                '\n', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'
                            ])
                    );
                }
                reads += 1;
            }
            reads
        });
        let runs: Vec<_> = (0..MANY)
            .map(|number| {
                let (sts, home) = (&sts, &home);
                scope.spawn(move || {
                    let code = sts.fresh_code(&device(number));
                    let profile = format!("p{number}");
                    ends_well(home.run_with(sts, &["-q", "-p", &profile, "--token", &code]));
                })
            })
            .collect();
        let ended: Vec<_> = runs
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
        assert!(ended.iter().all(Result::is_ok));
    });
    let new = home.credentials();
    for number in 0..MANY {
        assert!(
            value(&new, &format!("p{number}"), "expiration").is_some(),
            "p{number}"
        );
    }
    assert_eq!(sts.calls(), MANY);
}

#[test]
fn on_one_profile_there_is_one_call() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    thread::scope(|scope| {
        for number in 0..MANY {
            let (sts, home, code) = (&sts, &home, &code);
            scope.spawn(move || {
                let run = home.run_with(sts, &["-q", "-p", "work"]);
                // The code from anywhere: nobody needs more than the first one that is sent.
                let run = match number % 3 {
                    0 => run.env("MFA_TOKEN", code),
                    1 => run.stdin(&format!("{code}\n")),
                    _ => run.env("MFA_TOKEN", &format!("{} {}", &code[..3], &code[3..])),
                };
                ends_well(run);
            });
        }
    });
    assert_eq!(sts.calls(), 1);
}

#[test]
fn with_force_each_makes_its_own_call() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let codes: Vec<String> = (-1..=1)
        .map(|step| sts.code_at_step(ALICE_DEVICE, step))
        .collect();
    thread::scope(|scope| {
        for code in &codes {
            let (sts, home) = (&sts, &home);
            scope.spawn(move || {
                ends_well(home.run_with(sts, &["-q", "--force", "-p", "work", "--token", code]));
            });
        }
    });
    assert_eq!(sts.calls(), 3);
}

#[cfg(unix)]
#[test]
fn one_asks_and_the_others_wait_and_use_what_it_got() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut asking = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let (sts, home) = (&sts, &home);
                scope.spawn(move || home.run_with(sts, &["-p", "work"]).succeeds())
            })
            .collect();
        let mut other = on_terminal(&home, &sts, "exec \"$0\" -p work");
        other
            .expect(format!(
                "waiting for process {}, which is renewing credentials with the same device",
                pid.trim()
            ))
            .unwrap();
        asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
        other.expect("[work] is still valid until").unwrap();
        assert_eq!(exited(other), 0);
        for run in waiting {
            let outcome = run.join().unwrap();
            assert!(
                outcome.stderr.ends_with("[work] is still valid until …\n"),
                "{outcome:?}"
            );
        }
    });
    assert_eq!(exited(asking), 0);
    assert_eq!(sts.calls(), 1);
}

#[cfg(unix)]
#[test]
fn a_run_with_a_code_of_its_own_does_not_wait_for_a_prompt() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut asking = on_terminal(&home, &sts, "exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    // The code that is typed now is not needed any more, and is not spent.
    asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    asking.expect("[work] is still valid until").unwrap();
    assert_eq!(exited(asking), 0);
    assert_eq!(sts.calls(), 1);
}

#[cfg(unix)]
#[test]
fn whoever_waits_too_long_is_told_for_whom() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut asking = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    let pid = pid.trim();
    home.run_with(&sts, &["-p", "work", "--lock-timeout", "0"]).ends(
        1,
        &format!(
            "renewing [work]: there are no credentials yet\n\
             error: process {pid} is still renewing credentials with the same device after 0 s\n\
             hint: answer its prompt, end it with `kill {pid}`, or wait longer with --lock-timeout\n"
        ),
    );
    asking.send("\u{3}").unwrap();
    asking.expect(Eof).unwrap();
}

#[cfg(unix)]
#[test]
fn a_holder_that_dies_lets_the_next_one_in() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut asking = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let mut next = on_terminal(&home, &sts, "exec \"$0\" -p work");
    next.expect("waiting for process").unwrap();
    kill(&home, "KILL");
    next.expect(PROMPT).unwrap();
    next.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(next), 0);
    assert_eq!(sts.calls(), 1);
    drop(asking);
}

#[cfg(unix)]
#[test]
fn the_file_is_not_locked_while_a_person_is_asked() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!("{}\n{}", long_term("work"), long_term("play")));
    let mut asking = on_terminal(&home, &sts, "exec \"$0\" -p work");
    asking.expect(PROMPT).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &["-q", "-p", "play", "--token", &code, "--lock-timeout", "0"],
    )
    .ends(0, "");
    asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    assert_eq!(exited(asking), 0);
    let new = home.credentials();
    assert!(
        value(&new, "work", "expiration").is_some() && value(&new, "play", "expiration").is_some()
    );
}

#[test]
fn a_lock_file_that_nobody_holds_is_just_a_file() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home.write(".mfa-creds/credentials.lock", "999999\n");
    for _ in 0..2 {
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(
            &sts,
            &[
                "-q",
                "--force",
                "-p",
                "work",
                "--token",
                &code,
                "--lock-timeout",
                "0",
            ],
        )
        .ends(0, "");
        for entry in fs::read_dir(home.file(".mfa-creds")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|name| name != "sessions") {
                fs::write(path, "999999\n").unwrap();
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn many_roles_of_one_device_take_one_code() {
    let config: String = (0..16)
        .map(|number| role(&format!("r{number}"), ADMIN, ""))
        .collect();
    let sts = StandIn::start(account());
    let home = crate::support::roles::home(&config);
    let mut asking = on_terminal(&home, &sts, "exec \"$0\" -p r0");
    asking.expect(PROMPT).unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..16)
            .map(|number| {
                let (sts, home) = (&sts, &home);
                let profile = format!("r{number}");
                scope.spawn(move || ends_well(home.run_with(sts, &["-q", "-p", &profile])))
            })
            .collect();
        asking.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
        assert!(waiting.into_iter().all(|run| run.join().is_ok()));
    });
    assert_eq!(exited(asking), 0);
    let new = home.credentials();
    for number in 0..16 {
        assert!(value(&new, &format!("r{number}-mfa"), "expiration").is_some());
    }
    let requests = sts.requests();
    let codes = requests
        .iter()
        .filter(|request| request.parameter("TokenCode").is_some());
    assert_eq!(codes.count(), 1);
    assert_eq!(requests.len(), 17, "nobody assumes a role twice");
}

/// The one that gets the code: from a command that waits until the file `go` is there.
struct Holder<'h> {
    home: &'h Home,
    process: Child,
}

impl<'h> Holder<'h> {
    fn start(home: &'h Home, sts: &StandIn) -> Self {
        let wait = here(
            "touch $HOME/asked; until test -e $HOME/go; do sleep 0.1; done; cat $HOME/code",
            r"%USERPROFILE%\wait.cmd",
        );
        fs::write(
            home.path().join("wait.cmd"),
            "@echo off\r\necho.>%USERPROFILE%\\asked\r\n:again\r\nif exist %USERPROFILE%\\go goto ready\r\n\
             ping -n 2 127.0.0.1 >NUL\r\ngoto again\r\n:ready\r\ntype %USERPROFILE%\\code\r\n",
        )
        .unwrap();
        fs::write(home.path().join("code"), sts.fresh_code(ALICE_DEVICE)).unwrap();
        home.write("config", &format!("[profile work]\nmfa_process = {wait}\n"));
        let mut command = Command::new(binary());
        home.command(&mut command)
            .args(["-q", "-p", "work"])
            .env("PATH", PATH)
            .env("AWS_ENDPOINT_URL", sts.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = spawning(|| command.spawn().unwrap());
        while !home.path().join("asked").exists() {
            thread::sleep(Duration::from_millis(10));
        }
        Self { home, process }
    }

    fn goes_on(&self) {
        fs::write(self.home.path().join("go"), "").unwrap();
    }
}

#[test]
fn whoever_waits_too_long_for_a_command_is_told_for_whom() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut holder = Holder::start(&home, &sts);
    let outcome = home
        .run_with(&sts, &["-p", "work", "--lock-timeout", "0"])
        .env("PATH", PATH)
        .outcome();
    holder.goes_on();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let said = format!(
        "renewing [work]: there are no credentials yet\n\
         error: process {} is still renewing credentials with the same device after 0 s\n",
        holder.process.id()
    );
    assert!(outcome.stderr.starts_with(&said), "{outcome:?}");
    assert!(holder.process.wait().unwrap().success());
    assert_eq!(sts.calls(), 1);
}

#[test]
fn those_who_wait_for_a_command_use_what_it_got() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut holder = Holder::start(&home, &sts);
    thread::scope(|scope| {
        for _ in 0..4 {
            let run = home.run_with(&sts, &["-q", "-p", "work"]).env("PATH", PATH);
            scope.spawn(move || ends_well(run));
        }
        thread::sleep(Duration::from_secs(1));
        holder.goes_on();
    });
    assert!(holder.process.wait().unwrap().success());
    assert_eq!(sts.calls(), 1);
}

#[test]
fn a_holder_that_is_killed_lets_the_next_one_in() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut holder = Holder::start(&home, &sts);
    thread::scope(|scope| {
        let run = home.run_with(&sts, &["-q", "-p", "work"]).env("PATH", PATH);
        scope.spawn(move || ends_well(run));
        thread::sleep(Duration::from_secs(1));
        holder.process.kill().unwrap();
        holder.process.wait().unwrap();
        holder.goes_on();
    });
    assert_eq!(sts.calls(), 1);
    assert!(value(&home.credentials(), "work", "expiration").is_some());
}
