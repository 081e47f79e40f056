//! `mfa-creds status`: a table for people, JSON for programs, and an exit code for prompts.

use std::fs;

use chrono::{TimeDelta, Utc};
#[cfg(unix)]
use expectrl::process::unix::UnixProcess;
#[cfg(unix)]
use expectrl::{Expect as _, Session};
use serde_json::{Value, json};
#[cfg(unix)]
use stand_in::Account;
use stand_in::{ALICE_DEVICE, StandIn};

use crate::support::home::Home;
use crate::support::roles::{ADMIN, account, role};
use crate::support::sections::{FAR, long_term, short_term};
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

const PAST: &str = "2020-01-01 00:00:00";

fn home() -> Home {
    let home = Home::with(&format!(
        "{}{}{}{}{}",
        long_term("personal"),
        short_term("personal", FAR),
        long_term("old"),
        short_term("old", PAST),
        short_term("from-aws-mfa", FAR),
    ));
    home.write("config", &role("admin", ADMIN, ""));
    home
}

/// What is left changes with the time of the test.
fn without_left(table: &str) -> String {
    table
        .lines()
        .map(|line| match line.find("valid ") {
            Some(start) => format!(
                "{}valid …{}\n",
                &line[..start],
                &line[line.find("+00:00").unwrap()..]
            ),
            None => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn a_table_has_every_profile_that_there_is() {
    let outcome = home().run(&["status"]).outcome();
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.status, Some(0));
    assert_eq!(
        without_left(&outcome.stdout),
        "PROFILE       STATE    LEFT             UNTIL                    KIND                       DEVICE\n\
         personal      valid …+00:00  session                    alice (123456789012)\n\
         old           expired  -                2020-01-01 00:00 +00:00  session                    alice (123456789012)\n\
         admin         missing  -                -                        role admin (123456789012)  alice (123456789012)\n\
         from-aws-mfa  valid …+00:00  session                    -\n"
            .replace("LEFT             ", &format!("{:left$}  ", "LEFT", left = left_width(&outcome.stdout)))
            .replace("expired  -                ", &format!("expired  {:left$}  ", "-", left = left_width(&outcome.stdout)))
            .replace("missing  -                ", &format!("missing  {:left$}  ", "-", left = left_width(&outcome.stdout)))
    );
    let outcome = home().run(&["status", "-p", "old"]).outcome();
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome:?}");
}

/// How wide the column of what is left is, which depends on the date.
fn left_width(table: &str) -> usize {
    let head = table.lines().next().unwrap();
    head.find("UNTIL").unwrap() - head.find("LEFT").unwrap() - 2
}

#[test]
fn json_has_a_documented_shape() {
    let home = home();
    let outcome = home.run(&["status", "--json"]).outcome();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let mut status: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let left = status["profiles"][0]["seconds_left"]
        .take()
        .as_i64()
        .unwrap();
    assert!(left > 2_000_000_000, "{left}");
    assert_eq!(
        status["profiles"][0],
        json!({
            "profile": "personal",
            "section": "personal",
            "private": false,
            "state": "valid",
            "reason": null,
            "kind": "session",
            "role_arn": null,
            "device": ALICE_DEVICE,
            "expiration": "2099-01-01T00:00:00Z",
            "seconds_left": null,
        })
    );
    assert_eq!(status["profiles"][1]["state"], "expired");
    assert_eq!(status["profiles"][1]["seconds_left"], 0);
    assert_eq!(
        status["profiles"][2],
        json!({
            "profile": "admin",
            "section": "admin-mfa",
            "private": false,
            "state": "missing",
            "reason": "there are no credentials yet",
            "kind": "role",
            "role_arn": ADMIN,
            "device": ALICE_DEVICE,
            "expiration": null,
            "seconds_left": null,
        })
    );
    assert_eq!(status["profiles"][3]["profile"], "from-aws-mfa");
    assert_eq!(status["sessions"], json!([]));
    assert_eq!(status["version"], 1);
}

#[test]
fn sessions_and_credentials_outside_the_file_are_shown() {
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    home.write(
        "config",
        "[profile work]\ncredential_process = mfa-creds export -p work --format process\n",
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &["exec", "-q", "-p", "work", "--token", &code, "true"],
    )
    .ends(0, "");
    let outcome = home.run(&["status", "--json"]).outcome();
    let status: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(status["profiles"][0]["section"], Value::Null);
    assert_eq!(status["profiles"][0]["private"], true);
    assert_eq!(status["sessions"][0]["state"], "valid");
    assert_eq!(status["profiles"][0]["state"], "valid");
    assert_eq!(status["sessions"][0]["device"], ALICE_DEVICE);
    assert_eq!(status["sessions"][0]["access_key_id_end"], "ALIC");
    let outcome = home.run(&["status"]).outcome();
    for line in ["\nwork (private)  valid", "\n(key ALIC)      valid"] {
        assert!(outcome.stdout.contains(line), "{outcome:?}");
    }
    home.run(&["status", "--check", "-p", "work"]).ends(0, "");
}

#[test]
fn nothing_is_written_and_nothing_secret_shown() {
    let home = home();
    let before = (
        home.credentials(),
        fs::read_dir(home.file("")).unwrap().count(),
    );
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["status", "--check"],
    ] {
        let outcome = home.run(arguments).outcome();
        for secret in [
            "FakeSecret",
            "FakeToken",
            "AKIAFAKEFAKEFAKEALIC",
            "ASIAFAKEFAKEFAKEFAKE",
        ] {
            assert!(!outcome.stdout.contains(secret), "{outcome:?}");
        }
    }
    let after = (
        home.credentials(),
        fs::read_dir(home.file("")).unwrap().count(),
    );
    assert_eq!(before, after);
}

#[test]
fn check_says_it_by_its_exit_code_alone() {
    let home = home();
    for (arguments, status) in [
        (&["-p", "personal"][..], 0),
        (&["-p", "old"], 1),
        (&["-p", "admin"], 1),
        (&["-p", "nosuch"], 1),
        (&["-p", "personal", "-p", "old"], 1),
        (&["-p", "personal", "--min-ttl", "100000h"], 0),
        (&["-p", "personal", "--min-ttl", "100000000h"], 1),
        (&[], 1),
    ] {
        home.run(&[&["status", "--check"], arguments].concat())
            .ends(status, "");
    }
    home.run(&["status", "--check"])
        .env("AWS_PROFILE", "personal")
        .ends(0, "");
    // A valid section for another role is not what a refresh would leave alone.
    home.write("config", "");
    home.run(&["status", "--check", "-p", "personal"])
        .env("MFA_ASSUME_ROLE", ADMIN)
        .ends(1, "");
    // Whatever is wrong, it is not valid.
    home.write("credentials", "[personal]\nnonsense\n");
    home.run(&["status", "--check", "-p", "personal"])
        .ends(1, "");
    Home::new().run(&["status", "--check"]).ends(1, "");
}

#[test]
fn min_ttl_says_what_counts_as_valid() {
    let end = Utc::now() + TimeDelta::minutes(30);
    let end = end.format("%Y-%m-%d %H:%M:%S").to_string();
    let home = Home::with(&format!(
        "{}{}",
        long_term("work"),
        short_term("work", &end)
    ));
    home.run(&["status", "--check", "-p", "work", "--min-ttl", "20m"])
        .ends(0, "");
    home.run(&["status", "--check", "-p", "work"])
        .env("MFA_CREDS_MIN_TTL", "40m")
        .ends(1, "");
    let outcome = home
        .run(&["status", "-p", "work", "--min-ttl", "40m"])
        .outcome();
    assert!(
        outcome.stdout.contains("work     expiring  30 min"),
        "{outcome:?}"
    );
}

#[test]
fn a_broken_section_is_a_line_of_the_table() {
    let home = home();
    home.write(
        "credentials",
        &format!("{}[old]\nnonsense\n", home.credentials()),
    );
    let outcome = home.run(&["status", "--json"]).outcome();
    let status: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(status["profiles"][1]["state"], "defective");
    let reason = status["profiles"][1]["reason"].as_str().unwrap();
    assert!(reason.ends_with(":31 has no `=`"), "{reason}");
}

#[cfg(unix)]
fn resize(session: &mut Session<UnixProcess, impl std::io::Read>, columns: u16) {
    session
        .get_process_mut()
        .set_window_size(columns, 30)
        .unwrap();
}

#[cfg(unix)]
#[test]
fn it_fits_the_terminal_and_is_coloured_only_there() {
    let sts = StandIn::start(Account::example());
    let home = home();
    let script = |set: &str| format!("read go; {set} \"$0\" status >/dev/tty; echo done; exit 0");
    let run = |set: &str, columns: u16| -> String {
        let mut session = on_terminal(&home, &sts, &script(set));
        resize(&mut session, columns);
        session.send_line("").unwrap();
        let found = session.expect("done").unwrap();
        let text = String::from_utf8(found.before().to_vec()).unwrap();
        assert_eq!(exited(session), 0);
        text.replace('\r', "")
    };
    let wide = run("NO_COLOR=", 200);
    assert!(wide.contains("\u{1b}[32mvalid"), "{wide}");
    assert!(wide.contains("\u{1b}[31mexpired"), "{wide}");
    for set in ["NO_COLOR=1", "NO_COLOR= TERM=dumb"] {
        let plain = run(set, 200);
        assert!(
            plain.contains("valid") && !plain.contains('\u{1b}'),
            "{plain}"
        );
    }
    for columns in [30, 40, 60, 80] {
        let narrow = run("NO_COLOR=1", columns);
        let lines: Vec<&str> = narrow.lines().filter(|line| !line.is_empty()).collect();
        assert!(lines.len() >= 5, "{narrow}");
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() <= columns.into()),
            "{narrow}"
        );
        assert!(
            narrow.contains('…') || !narrow.contains("DEVICE"),
            "{narrow}"
        );
    }
}

#[test]
fn what_is_wrong_is_said_below_the_table() {
    let home = home();
    home.write(
        "config",
        "[profile loop]\nrole_arn = arn:aws:iam::123456789012:role/loop\nsource_profile = loop\n",
    );
    home.write(
        "credentials",
        &home.credentials().replace(
            "assumed_role = False",
            &format!("assumed_role = True\nassumed_role_arn = {ADMIN}"),
        ),
    );
    let outcome = home.run(&["status"]).outcome();
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (Some(0), ""),
        "{outcome:?}"
    );
    for line in [
        "\npersonal: its credentials are for arn:aws:iam::123456789012:role/admin\n",
        "\nloop: source_profile in ~/.aws/config forms a loop: loop -> loop\n",
        "  role admin (123456789012)  ",
    ] {
        assert!(
            outcome.stdout.contains(line),
            "{line} in {}",
            outcome.stdout
        );
    }
    let outcome = home.run(&["status", "--json", "-p", "personal"]).outcome();
    let status: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let personal = &status["profiles"][0];
    assert_eq!(
        (&personal["kind"], &personal["role_arn"]),
        (&json!("role"), &json!(ADMIN))
    );
    assert_eq!(personal["state"], "other_role");
}

#[test]
fn spoiled_and_hostile_files_are_shown_as_far_as_they_go() {
    let home = home();
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    let spoiled = short_term("\u{e4}\u{f6}\u{fc} GAHT12345678", FAR);
    home.write(".mfa-creds/credentials.sessions", &spoiled);
    home.write("config", &role("evil\u{1b}[31m", ADMIN, ""));
    let outcome = home.run(&["status"]).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome:?}");
    assert!(
        outcome.stdout.contains("(key \u{e4}\u{f6}\u{fc})"),
        "{outcome:?}"
    );
}

#[test]
fn without_a_file_there_is_nothing_to_show() {
    let outcome = Home::new().run(&["status"]).outcome();
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (Some(0), "hint: run `mfa-creds setup` to set up a profile\n"),
        "{outcome:?}"
    );
    assert_eq!(
        outcome.stdout,
        "PROFILE  STATE  LEFT  UNTIL  KIND  DEVICE\n"
    );
    let quiet = Home::new().run(&["-q", "status"]).outcome();
    assert_eq!((quiet.stdout, &*quiet.stderr), (outcome.stdout, ""));
}

#[test]
fn verbose_shows_where_the_sections_come_from() {
    let home = Home::of_alice();
    let outcome = home.run(&["-v", "status"]).outcome();
    assert_eq!(
        outcome.stderr,
        "profile: work (default)\n\
         long-term section: work-long-term (default)\n\
         section to write: work (default)\n"
    );
}

#[test]
fn private_credentials_are_shown_without_keys() {
    let home = Home::new();
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    let kept = short_term("profile gone-long-term", FAR);
    // Of a run with another suffix.
    let other = short_term("profile other", FAR);
    home.write(".mfa-creds/credentials.sessions", &format!("{kept}{other}"));
    let outcome = home.run(&["status"]).outcome();
    assert!(
        outcome.stdout.contains("\nother (private)  valid  "),
        "{outcome:?}"
    );
    assert!(
        outcome.stdout.contains("\ngone (private)   valid  "),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome:?}");
    let outcome = home.run(&["status", "-p", "a\tb\nc"]).outcome();
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome:?}");
}

#[test]
fn an_unknown_profile_is_an_error_in_the_words_of_a_refresh() {
    let home = home();
    for (typed, hint) in [
        ("persnal", "did you mean --profile personal?"),
        // Of the config file.
        ("admni", "did you mean --profile admin?"),
        (
            "somewhere",
            "run `mfa-creds setup --profile somewhere` to write it; there are keys for: personal, old",
        ),
    ] {
        let unknown = format!(
            "error: there is no section [{typed}-long-term] in ~/.aws/credentials\nhint: {hint}\n"
        );
        for arguments in [
            &["-p", typed][..],
            &["status", "-p", typed],
            &["status", "--json", "-p", typed],
        ] {
            home.run(arguments).ends(1, &unknown);
        }
        home.run(&["status", "--check", "-p", typed]).ends(1, "");
    }
    let outcome = home
        .run(&["status", "-p", "old", "-p", "old-long-term"])
        .outcome();
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (
            Some(1),
            "error: there is no section [old-long-term-long-term] in ~/.aws/credentials\n\
             hint: name the profile without the suffix: --profile old\n"
        )
    );
    assert!(
        outcome.stdout.contains("\nold      expired  "),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome:?}");
    for arguments in [&["-p", "work"][..], &["status", "-p", "work"]] {
        Home::new().run(arguments).ends(
            1,
            "error: mfa-creds is not set up: there is no credentials file ~/.aws/credentials\n\
             hint: run `mfa-creds setup --profile work` to store your long-term keys\n",
        );
    }
}

#[test]
fn a_profile_without_credentials_is_missing() {
    let home = home();
    home.write(
        "credentials",
        &format!("{}{}[empty]\n", home.credentials(), long_term("new")),
    );
    for profile in ["new", "admin", "admin-mfa", "empty"] {
        let outcome = home.run(&["status", "-p", profile]).outcome();
        assert_eq!(
            (outcome.status, &*outcome.stderr),
            (Some(0), ""),
            "{outcome:?}"
        );
        assert!(outcome.stdout.contains("  missing  "), "{outcome:?}");
    }
}
