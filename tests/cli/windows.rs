//! What only Windows has: its shells, its names of variables, its ways to hold a file open, its Credential Manager.
//!
//! What Wine cannot do is in `tests/platforms/wine-cannot.txt`, and runs on the real system.

use std::fs::{self, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::process::CommandExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, binary};
use crate::support::sections::{FAR, long_term, short_term, value};
use crate::support::systems::PATH;

/// A key of a test that nobody else has, because all users of the machine's account share one Credential Manager.
const MOVED: &str = "AKIAFAKEFAKEFAKEWINS";

/// Runs a line in cmd.exe, as it is typed there, with `%MFA%` for the program. Returns what is printed.
fn in_cmd(home: &Home, line: &str) -> String {
    let mut command = Command::new("cmd");
    let output = home
        .command(&mut command)
        .raw_arg(format!("/d /v:off /s /c \"{line}\""))
        .current_dir(home.path())
        .env("MFA", binary())
        .env("PATH", PATH)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap().replace("\r\n", "\n")
}

fn valid() -> Home {
    Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)))
}

#[test]
fn the_home_is_that_of_userprofile() {
    let (home, other) = (valid(), Home::new());
    home.run(&["-p", "work"])
        .env("HOME", other.path().to_str().unwrap())
        .ends(0, "[work] is still valid until …\n");
}

#[test]
fn a_variable_has_one_name_in_upper_and_lower_case() {
    let home = valid();
    home.run(&[])
        .env("aws_profile", "work")
        .ends(0, "[work] is still valid until …\n");
}

#[test]
fn cmd_takes_what_export_prints() {
    let home = valid();
    home.write("config", "[profile work]\nregion = eu-west-1\n");
    let set = in_cmd(
        &home,
        "%MFA% export -p work --format windows-cmd >vars.cmd & call vars.cmd >NUL & set AWS_",
    );
    assert_eq!(
        set,
        "AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE\nAWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z\n\
         AWS_DEFAULT_REGION=eu-west-1\nAWS_REGION=eu-west-1\nAWS_SECRET_ACCESS_KEY=FakeSecret\nAWS_SESSION_TOKEN=FakeToken\n"
    );
}

#[test]
fn cmd_takes_what_export_prints_line_by_line() {
    let home = valid();
    let set = in_cmd(
        &home,
        "for /f \"delims=\" %i in ('%MFA% export -p work --format windows-cmd') do @%i & set AWS_SE",
    );
    assert!(
        set.ends_with("AWS_SECRET_ACCESS_KEY=FakeSecret\nAWS_SESSION_TOKEN=FakeToken\n"),
        "{set}"
    );
}

#[test]
fn powershell_takes_what_export_prints() {
    let nasty = r#"a'b"c$(throw)`n$HOME;&|<>*?~!%PATH%\^ [x]{1,2} =b:=c"#;
    let home = Home::with(&short_term("work", FAR).replace("FakeSecret", nasty));
    let mut command = Command::new("powershell");
    let output = home
        .command(&mut command)
        .args([
            "-NoProfile",
            "-Command",
            "& $Env:MFA export -p work --format powershell | Invoke-Expression; $Env:AWS_SECRET_ACCESS_KEY",
        ])
        .env("MFA", binary())
        .env("PATH", PATH)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim_end(),
        nasty,
        "{output:?}"
    );
}

#[test]
fn a_command_has_its_words_and_we_its_exit_code() {
    let home = valid();
    for code in [0, 1, 9, 255] {
        home.run(&[
            "exec",
            "-p",
            "work",
            "--",
            "cmd",
            "/c",
            "exit",
            &code.to_string(),
        ])
        .ends(code, "");
    }
    // What cmd makes of quotation marks is its own; a program gets each word as it is.
    for word in ["two words", "", "a\"b", r"C:\dir\", "100%"] {
        let run = home.run(&["exec", "-p", "work", "--", binary(), "status", "-p", word]);
        let inner = home.run(&["status", "-p", word]).outcome();
        let outcome = run.outcome();
        assert_eq!(
            (outcome.status, outcome.stdout, outcome.stderr),
            (inner.status, inner.stdout, inner.stderr),
            "{word:?}"
        );
    }
}

/// A directory with a blank and letters of another language, and a batch file in it, which prints a file, and its words to another.
fn batch_file(home: &Home, prints: &str) -> String {
    let directory = home.path().join("Zoë's tools");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("out put"), prints).unwrap();
    let batch = "@echo off\r\necho %~1;%~2>\"%~dp0words\"\r\ntype \"%~dp0out put\"\r\n";
    fs::write(directory.join("my keys.cmd"), batch).unwrap();
    directory.join("my keys.cmd").to_str().unwrap().to_owned()
}

#[track_caller]
fn assert_words(home: &Home) {
    let words = fs::read_to_string(home.path().join("Zoë's tools").join("words")).unwrap();
    assert_eq!(words, "two words;b\r\n");
}

#[test]
fn a_credential_process_may_be_quoted() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    let keys = format!(
        r#"{{"Version": 1, "AccessKeyId": "{ALICE_ACCESS_KEY_ID}", "SecretAccessKey": "{ALICE_SECRET_ACCESS_KEY}"}}"#
    );
    let program = batch_file(&home, &keys);
    home.write(
        "credentials",
        &format!(
            "[work-long-term]\ncredential_process = \"{program}\" \"two words\" b\naws_mfa_device = {ALICE_DEVICE}\n"
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    assert_words(&home);
}

#[test]
fn a_command_that_prints_a_code_may_be_quoted() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let program = batch_file(&home, &sts.fresh_code(ALICE_DEVICE));
    let command = format!("\"{program}\" \"two words\" b");
    home.run_with(&sts, &["-q", "-p", "work", "--mfa-process", &command])
        .ends(0, "");
    assert_words(&home);
}

/// What others may do with a file that somebody has open.
const NOTHING: u32 = 0;
const READ: u32 = 1;
const READ_AND_WRITE: u32 = 3;

#[test]
fn a_file_that_is_open_for_reading_is_replaced() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    // As most programs of today open it.
    let reader = fs::File::open(home.file("credentials")).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    drop(reader);
    assert!(value(&home.credentials(), "work", "expiration").is_some());
}

#[test]
fn a_file_that_another_program_has_open_for_a_moment_is_waited_for() {
    let sts = StandIn::start(Account::example());
    for share in [NOTHING, READ, READ_AND_WRITE] {
        let home = Home::of_alice();
        let path = home.file("credentials");
        let code = sts.fresh_code(ALICE_DEVICE);
        let other = OpenOptions::new()
            .read(true)
            .share_mode(share)
            .open(path)
            .unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(500));
                drop(other);
            });
            home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
                .ends(0, "");
        });
        assert!(value(&home.credentials(), "work", "expiration").is_some());
    }
}

#[test]
fn a_file_that_another_program_keeps_open_is_named_before_the_code_is_sent() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let other = OpenOptions::new()
        .read(true)
        .share_mode(NOTHING)
        .open(home.file("credentials"))
        .unwrap();
    let outcome = home
        .run_with(&sts, &["-q", "-p", "work", "--token", "123456"])
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.starts_with("error: ~/.aws/credentials ")
            && outcome.stderr.contains("another program has it open"),
        "{outcome:?}"
    );
    assert_eq!(sts.calls(), 0);
    drop(other);
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn the_credential_manager_keeps_keys_and_gives_them_back() {
    let user = stand_in::User::new("win")
        .access_key(MOVED, ALICE_SECRET_ACCESS_KEY)
        .device(stand_in::Device::new(ALICE_DEVICE));
    let sts = StandIn::start(Account::new().user(user));
    let before = long_term("große Arbeit").replace(ALICE_ACCESS_KEY_ID, MOVED);
    let home = Home::with(&before);
    home.run(&["keychain", "move", "-p", "große Arbeit"]).ends(
        0,
        "moved the keys of [große Arbeit-long-term] to the Windows Credential Manager\n\
         to undo: mfa-creds keychain restore -p \"große Arbeit\"\n",
    );
    let moved = home.credentials();
    assert!(!moved.contains(ALICE_SECRET_ACCESS_KEY), "{moved}");
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "große Arbeit", "--token", &code])
        .ends(0, "");
    home.run(&["clear", "-q", "-p", "große Arbeit"]).ends(0, "");
    let restored = home
        .run(&["keychain", "restore", "-p", "große Arbeit"])
        .outcome();
    assert_eq!(restored.status, Some(0), "{restored:?}");
    let now = home.credentials();
    for key in [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_mfa_device",
    ] {
        assert_eq!(
            value(&now, "große Arbeit-long-term", key),
            value(&before, "große Arbeit-long-term", key)
        );
    }
    // There is nothing left to give.
    let again = home.run(&["keychain", "get", MOVED]).outcome();
    assert_ne!(again.status, Some(0), "{again:?}");
}
