//! Hints on Windows, typed into cmd.exe as they are printed, and what its files have: an attribute against writing, several names.

use std::fs;
use std::io::Read as _;
use std::os::windows::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::{HOME, Home, Outcome, binary, clear};
use crate::support::roles::{account, admin};
use crate::support::sections::long_term;
use crate::support::systems::PATH;

fn renews(home: &Home) -> Outcome {
    let sts = StandIn::start(Account::example());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .succeeds()
}

#[test]
fn a_file_with_two_names_keeps_both() {
    let home = Home::of_alice();
    fs::hard_link(home.file("credentials"), home.file("other")).unwrap();
    renews(&home);
    let other = fs::read_to_string(home.file("other")).unwrap();
    assert_eq!(other, home.credentials());
    assert!(other.contains("[work]"));
}

#[test]
fn a_new_file_and_its_directory_are_made() {
    let home = Home::of_alice();
    let keys = home.credentials();
    let directory = home.path().join("Zoë's team");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("credentials"), keys).unwrap();
    let sts = StandIn::start(Account::example());
    let code = sts.fresh_code(ALICE_DEVICE);
    let path = directory.join("credentials");
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .env("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap())
        .succeeds();
    assert!(directory.join(".mfa-creds").is_dir());
}

/// What a renewal prints that fails before the code is sent.
fn fails(home: &Home) -> String {
    let run = home.run(&["-q", "-p", "work", "--token", "123456"]);
    let outcome = run.outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    outcome.printed
}

/// The command in a hint, with the real home in it. In fixes, that is a variable of PowerShell.
fn command(home: &Home, said: &str, before: &str, after: &str) -> String {
    let (_, rest) = said
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?}: {said}"));
    let (command, _) = rest.split_once(after).unwrap();
    let mut command = command.replace("$Env:USERPROFILE", "~");
    if let Some(at) = command.find('~') {
        let path = command.split_off(at).replace('/', r"\");
        command += &path.replace('~', home.path().to_str().unwrap());
    }
    command
}

/// Types a line into cmd.exe.
fn typed(home: &Home, line: &str) -> String {
    let mut shell = Command::new("cmd.exe");
    let output = clear(&mut shell)
        .env(HOME, home.path())
        .env("PATH", PATH)
        .arg("/C")
        .raw_arg(line)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_file_that_is_read_only_is_made_writable_by_the_hint() {
    let home = Home::of_alice();
    let file = home.file("credentials");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    let before = home.credentials();
    let printed = fails(&home);
    assert_eq!(
        printed,
        "error: ~/.aws/credentials is read-only\nhint: make it writable: attrib -R ~/.aws/credentials\n"
    );
    assert_eq!(home.credentials(), before);
    typed(&home, &command(&home, &printed, "writable: ", "\n"));
    renews(&home);
}

#[test]
fn what_is_in_the_place_of_our_files_is_removed_by_the_hint() {
    let home = Home::of_alice();
    let sessions = home.file(r".mfa-creds\credentials.sessions");
    fs::create_dir_all(sessions.join("full")).unwrap();
    let printed = fails(&home);
    assert_eq!(
        printed,
        "error: ~/.aws/.mfa-creds/credentials.sessions cannot be used: it is a directory\n\
         hint: remove it: cmd /c rmdir /s /q ~/.aws/.mfa-creds/credentials.sessions\n"
    );
    typed(&home, &command(&home, &printed, "remove it: ", "\n"));
    renews(&home);
    // A session file that is ambiguous.
    let text = fs::read_to_string(&sessions).unwrap();
    fs::write(&sessions, format!("{text}{text}")).unwrap();
    let printed = home.run(&["doctor", "--offline"]).outcome().printed;
    typed(&home, &command(&home, &printed, "fix: ", ", and type"));
    assert!(!sessions.exists());
}

/// A home whose keys are not in the file that is written.
fn with_keys_in_config() -> Home {
    let home = Home::new();
    let section = long_term("home");
    let (_, keys) = section.split_once('\n').unwrap();
    home.write(
        "config",
        &format!("[profile home]\n{keys}{}", admin("home")),
    );
    home
}

#[test]
fn a_directory_that_is_missing_is_made_by_the_hint() {
    let home = with_keys_in_config();
    let sts = StandIn::start(account());
    let code = sts.fresh_code(ALICE_DEVICE);
    let file = home.path().join(r"it's missing\below\credentials");
    let run = || {
        home.run_with(&sts, &["-q", "-p", "admin", "--token", &code])
            .env("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
            .outcome()
    };
    let printed = run().printed;
    assert!(printed.contains(" cannot be written: "), "{printed}");
    typed(&home, &command(&home, &printed, "its directory: ", "\n"));
    let again = run();
    assert_eq!(again.status, Some(0), "{again:?}");
}

/// Whoever opens a new file before its access control list is changed could go on reading it.
#[test]
fn nothing_is_written_to_a_new_file_while_another_program_has_it_open() {
    let home = with_keys_in_config();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("credentials");
    let new = outside.path().join(".credentials.mfa-creds-new");
    let reader = thread::spawn(move || {
        let mut reader = loop {
            match fs::File::open(&new) {
                Ok(reader) => break reader,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        };
        thread::sleep(Duration::from_secs(1));
        let mut text = Vec::new();
        reader.read_to_end(&mut text).unwrap();
        text
    });
    let sts = StandIn::start(account());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "admin", "--token", &code])
        .env("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .succeeds();
    assert_eq!(reader.join().unwrap(), b"");
    let written = fs::read_to_string(file).unwrap();
    assert!(written.contains("[admin-mfa]"), "{written}");
}

#[test]
fn variables_are_unset_by_the_hint() {
    let home = Home::with(&long_term("work"));
    let said = home
        .run(&["doctor", "--offline", "-p", "work"])
        .env("AWS_ACCESS_KEY_ID", "ASIAFAKEFAKEFAKEFAKE")
        .env("AWS_SESSION_TOKEN", "x")
        .outcome()
        .printed;
    let unset = command(&home, &said, "(cmd.exe: `", "`");
    assert_eq!(unset, "set AWS_ACCESS_KEY_ID=&set AWS_SESSION_TOKEN=");
    assert!(
        said.contains("PowerShell: `Remove-Item Env:AWS_ACCESS_KEY_ID, Env:AWS_SESSION_TOKEN`)")
    );
    let left = typed(&home, &format!("set AWS_SESSION_TOKEN=x&{unset}&set"));
    assert!(!left.contains("AWS_"), "{left}");
}

#[test]
fn a_holder_is_ended_by_the_hint() {
    let home = Home::of_alice();
    let sts = StandIn::start(Account::example());
    let mut holder = Command::new(binary());
    let asks = "ping -n 60 127.0.0.1";
    let mut holder = home
        .command(&mut holder)
        .args(["-q", "-p", "work", "--mfa-process", asks])
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let lock_is_signed = || {
        let files = fs::read_dir(home.file(".mfa-creds")).into_iter().flatten();
        let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.contains(".ask") && name.ends_with(".holder"))
    };
    while !lock_is_signed() {
        thread::sleep(Duration::from_millis(20));
    }
    let id = holder.id();
    let begun = Instant::now();
    let words = [
        "-q",
        "-p",
        "work",
        "--mfa-process",
        asks,
        "--lock-timeout",
        "2s",
    ];
    let printed = home
        .run_with(&sts, &words)
        .env("PATH", PATH)
        .outcome()
        .printed;
    assert_eq!(
        printed,
        format!(
            "error: process {id} is still renewing credentials with the same device after 2 s\n\
             hint: answer its prompt, end it with `taskkill /f /pid {id}`, or wait longer with --lock-timeout\n"
        )
    );
    typed(&home, &command(&home, &printed, "end it with `", "`"));
    // Its exit code is 1 on Windows, and 0 under Wine.
    holder.wait().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    renews(&home);
}

#[test]
fn cmd_knows_the_commands_that_only_show_something() {
    let home = Home::of_alice();
    let directory = home.file("");
    for line in ["dir", "icacls"] {
        typed(&home, &format!("{line} {}", directory.display()));
    }
}
