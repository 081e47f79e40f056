//! `mfa-creds doctor`: a checklist that changes nothing and can be pasted into a ticket. What it says of each mistake is in
//! `doctor_files`, `doctor_profiles` and `doctor_network`.

#[cfg(unix)]
use std::collections::BTreeMap;
#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, symlink};
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use expectrl::Expect as _;
use serde_json::{Value, json};
#[cfg(unix)]
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::doctor::{healthy, home};
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::{binary, set_mode};
use crate::support::sections::long_term;
#[cfg(unix)]
use crate::support::sections::{FAR, short_term};
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

#[test]
fn a_healthy_profile_is_all_ok() {
    home(&healthy(), "[profile work]\nregion = eu-west-1\n")
        .run(&["doctor", "--offline", "-p", "work"])
        .env("AWS_ENDPOINT_URL", "http://localhost:4566")
        .without_env("AWS_ENDPOINT_URL_IAM")
        .without_env("MFA_CREDS_TRACE")
        .prints(
            "ok       credentials file  ~/.aws/credentials, 2 sections\n\
             ok       config file       ~/.aws/config, 1 section\n\
             ok       permissions       no other user can read secrets or change files\n\
             ok       writes            the file can be replaced\n\
             ok       environment       no variable takes precedence over the profiles\n\
             ok       precedence        no setting takes precedence over the stored keys\n\
             ok       profile           work (--profile)\n\
             ok       sections          all have valid names and complete keys\n\
             ok       other tools       no traces in the files\n\
             ok       keys              [work-long-term] in ~/.aws/credentials has AKIA…ALIC\n\
             ok       device            arn:aws:iam::123456789012:mfa/alice \
             (aws_mfa_device of [work-long-term] in ~/.aws/credentials)\n\
             ok       settings          complete: `mfa-creds plan -p work` shows what a renewal would do\n\
             ok       credentials       [work] is valid until …\n\
             ok       MFA session       none for AKIA…ALIC: the next renewal needs a code\n\
             ok       endpoint          AWS STS: http://localhost:4566 (AWS_ENDPOINT_URL)\n\
             ok       proxy             none\n\
             ok       endpoint          AWS IAM: http://localhost:4566 (AWS_ENDPOINT_URL)\n\
             17 ok, 0 warnings, 0 problems\n",
            "",
        );
}

#[test]
fn without_a_name_the_only_profile_is_checked() {
    let outcome = Home::of_alice().run(&["doctor", "--offline"]).outcome();
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), ""),
        "{outcome:?}"
    );
    let profile = "\nok       profile           work (the only profile)\n";
    assert!(outcome.stdout.contains(profile), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("\n         fix: run `mfa-creds -p work`\n"),
        "{outcome:?}"
    );
    // With several, none is guessed.
    let home = Home::with(&format!("{}{}", long_term("work"), long_term("play")));
    let outcome = home.run(&["doctor", "--offline"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("problem  profile "), "{outcome:?}");
}

#[test]
fn a_problem_has_its_fix_below_it_and_the_exit_code_1() {
    let outcome = Home::new().run(&["doctor", "--offline"]).outcome();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), ""));
    assert!(
        outcome.stdout.starts_with(
            "warning  credentials file  there is no credentials file ~/.aws/credentials\n         \
             fix: run `mfa-creds setup` to create it\n"
        ),
        "{outcome:?}"
    );
    assert!(
        outcome.stdout.ends_with(
            "problem  profile           mfa-creds is not set up: there is no section [default-long-term] in ~/.aws/credentials\n         \
             fix: run `mfa-creds setup` to store your long-term keys\n\
             ok       sections          all have valid names and complete keys\n\
             ok       other tools       no traces in the files\n\
             8 ok, 1 warning, 1 problem\n"
        ),
        "{outcome:?}"
    );
}

#[test]
fn json_has_a_documented_shape() {
    let outcome = home(&long_term("work"), "")
        .run(&["doctor", "--offline", "-p", "work", "--json"])
        .env("AWS_ENDPOINT_URL", "http://localhost:4566")
        .outcome();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let list: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let checks = list["checks"].as_array().unwrap();
    assert_eq!(
        checks[0],
        json!({
            "subject": "credentials file",
            "level": "ok",
            "message": "~/.aws/credentials, 1 section",
            "fix": null,
        })
    );
    let warning = json!({
        "subject": "credentials",
        "level": "warning",
        "message": "[work]: there are no credentials yet",
        "fix": "run `mfa-creds -p work`",
    });
    assert!(checks.contains(&warning), "{outcome:?}");
    assert_eq!(
        (
            &list["version"],
            &list["ok"],
            &list["warnings"],
            &list["problems"]
        ),
        (&json!(1), &json!(checks.len() - 1), &json!(1), &json!(0))
    );
    let outcome = Home::new()
        .run(&["doctor", "--offline", "--json"])
        .outcome();
    assert_eq!(outcome.status, Some(1));
    let list: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(list["problems"], 1);
}

/// A home and an environment in which most of it is wrong.
#[cfg(unix)]
fn sick() -> (Home, Vec<(&'static str, String)>) {
    let spoiled = "[profile old]\naws_access_key_id = \"AKIAFAKEFAKEFAKEBOBB\"\naws_secret_access_key = FakeSecretOfBob\n\
         [half]\naws_secret_access_key = FakeSecretOfHalf\n\
         [aws]\naws_access_key_id = ASIAFAKEFAKEFAKEFOUR\naws_secret_access_key = FakeSecret\n\
         key : value\nnonsense FakeSecretOfNobody\n\
         [AKIAFAKEFAKEFAKENAME]\nx = y\n";
    let device = long_term("work").replace(
        "arn:aws:iam::123456789012:mfa/alice",
        ALICE_SECRET_ACCESS_KEY,
    );
    let credentials = format!("{device}{}{spoiled}", short_term("work", "never")).replace(
        "aws_security_token = FakeToken",
        "aws_security_token = FakeTokenOfOld",
    );
    let home = home(
        &credentials,
        "[profile work]\ncredential_process = tool --password FakeSecretOfTool\n\
         endpoint_url = https://me:FakeSecretOfUser@example.com/\n",
    );
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    set_mode(&home.file(".mfa-creds"), 0o700);
    for name in ["sessions", "in-place-old", "in-place-new", "kept"] {
        let kept = short_term(
            "AKIAFAKEFAKEFAKEALIC arn:aws:iam::123456789012:mfa/alice",
            FAR,
        );
        home.write(&format!(".mfa-creds/credentials.{name}"), &kept);
    }
    fs::rename(home.file("config"), home.path().join("real")).unwrap();
    symlink(home.path().join("real"), home.file("config")).unwrap();
    set_mode(&home.file("credentials"), 0o666);
    let variables = vec![
        ("AWS_ACCESS_KEY_ID", ALICE_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ALICE_SECRET_ACCESS_KEY.to_owned()),
        ("AWS_SECURITY_TOKEN", "FakeTokenOfShell".to_owned()),
        ("MFA_TOKEN", "492039".to_owned()),
        ("MFA_PROCESS", "FakeSecretOfProcess".to_owned()),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://FakeSecretOfUri".to_owned(),
        ),
    ];
    (home, variables)
}

/// What is in a directory and below it: modes, times, and bytes or the target of a link.
#[cfg(unix)]
fn tree(directory: &Path) -> BTreeMap<String, (u32, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_dir() {
            found.extend(tree(&path));
            Vec::new()
        } else if metadata.is_symlink() {
            fs::read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let times = (metadata.mtime(), metadata.mtime_nsec());
        let name = path.to_str().unwrap().to_owned();
        found.insert(name, (metadata.mode(), times.0, times.1, content));
    }
    found
}

#[cfg(unix)]
#[test]
fn nothing_is_changed_and_nothing_secret_shown() {
    let (home, variables) = sick();
    let empty = Home::new();
    for (home, arguments) in [
        (&home, &["doctor", "--offline", "-p", "work"][..]),
        (&home, &["doctor", "--offline", "--json", "-p", "work"]),
        (&home, &["doctor", "--offline", "--json"]),
        (&empty, &["doctor", "--offline"]),
    ] {
        let before = tree(home.path());
        // Not by the harness, which writes `~` itself.
        let output = Command::new(binary())
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        assert_eq!(tree(home.path()), before);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        let text = String::from_utf8(output.stdout).unwrap();
        for hidden in [
            "FakeSecret",
            "FakeToken",
            "AKIAFAKE",
            "ASIAFAKE",
            "492039",
            home.path().to_str().unwrap(),
        ] {
            assert!(!text.contains(hidden), "{hidden} in\n{text}");
        }
        assert!(text.contains("~/.aws/credentials"), "{text}");
    }
}

#[test]
fn what_a_terminal_would_obey_is_not_shown() {
    let section = "[evil\u{1b}[31m]\naws_access_key_id = AKIA\n";
    let outcome = home(section, "")
        .run(&["doctor", "--offline", "-p", "a\u{7}b"])
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(!outcome.stdout.contains(['\u{1b}', '\u{7}']), "{outcome:?}");
}

#[cfg(unix)]
#[test]
fn it_is_colored_only_on_a_terminal() {
    let sts = StandIn::start(Account::example());
    let home = home(&healthy(), "[x]\nregion = r\n");
    for (set, is_colored) in [
        ("NO_COLOR=", true),
        ("NO_COLOR=1", false),
        ("NO_COLOR= TERM=dumb", false),
    ] {
        let script = format!("{set} \"$0\" doctor -p none >/dev/tty; echo done; exit 0");
        let mut session = on_terminal(&home, &sts, &script);
        let found = session.expect("done").unwrap();
        let text = String::from_utf8(found.before().to_vec()).unwrap();
        assert_eq!(exited(session), 0);
        for (word, colour) in [("ok     ", 32), ("warning", 33), ("problem", 31)] {
            assert_eq!(
                text.contains(&format!("\u{1b}[{colour}m{word}")),
                is_colored,
                "{text}"
            );
            assert!(text.contains(word), "{text}");
        }
    }
}
