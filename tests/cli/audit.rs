//! Who lacks MFA: a report from AWS, from a file or piped in, what is found in it, and what is no report.

use std::fmt::Write as _;

use serde_json::Value;
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, Account, Device, StandIn, User};

use crate::support::accounts::alice;
use crate::support::home::{Home, Outcome};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,\
    access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,a_new_column";
const HINT: &str = "hint: create a report with `aws iam generate-credential-report`, then run `aws iam get-credential-report | mfa-creds audit --report -`\n";

/// A report, without the end of its last line, as AWS makes it.
fn report() -> String {
    let users = [
        "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,2026-01-01T00:00:00+00:00,true,\
         false,N/A,N/A,false,N/A,N/A,x",
        "ci,arn:aws:iam::123456789012:user/robots/ci,2020-01-01T00:00:00+00:00,false,N/A,false,\
         true,2090-01-01T00:00:00+00:00,2090-01-02T00:00:00+00:00,false,N/A,N/A,x",
        "carol,arn:aws:iam::123456789012:user/carol,2020-01-01T00:00:00+00:00,true,no_information,true,\
         true,2020-01-01T00:00:00+00:00,2090-01-01T00:00:00+00:00,false,N/A,N/A,x",
        "bob,arn:aws:iam::123456789012:user/bob,2020-01-01T00:00:00+00:00,true,N/A,false,\
         false,N/A,N/A,false,N/A,N/A,x",
        "\"a,lice\",arn:aws:iam::123456789012:user/alice,2020-01-01T00:00:00+00:00,TRUE,N/A,true,\
         false,N/A,N/A,true,2020-01-01T00:00:00+00:00,N/A,x",
    ];
    [&[HEADER], &users[..]].concat().join("\n")
}

/// What was said, with the ages of keys left out: they grow.
fn without_days(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let is_days = |place: usize| {
        words
            .get(place + 1)
            .is_some_and(|next| next.starts_with('d'))
    };
    let words = words.iter().enumerate().map(|(place, word)| {
        let is_number = word.parse::<u32>().is_ok();
        if is_number && is_days(place) {
            "N"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn audit(input: &str, arguments: &[&str]) -> Outcome {
    let home = Home::new();
    let arguments = [&["audit", "--report", "-"], arguments].concat();
    home.run(&arguments).stdin(input).outcome()
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for part in text.as_bytes().chunks(3) {
        let bits = part
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - part.len()));
        for place in 0..4 {
            let letter = LETTERS[usize::try_from(bits >> (18 - 6 * place) & 63).unwrap()];
            encoded.push(if place > part.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    encoded
}

#[test]
fn the_help_gives_the_units_and_defaults_and_the_exit_codes() {
    let help = Home::new().run(&["audit", "--help"]).outcome().stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "--wait <DURATION> How long to wait for AWS to create the report A number is seconds; other units are like `90s` or `5m`. [default: 2m]",
        "--max-key-age <DURATION> The maximum age of access keys A key that is older, or unused for longer, is a finding. A number \
         is seconds; other units are like `90d` or `12h`. [default: 90d]",
        "Exit codes: 0 no user lacks MFA, 1 a user does, 2 failed; otherwise as for `mfa-creds`.",
    ] {
        assert!(help.contains(text), "{text} in {help}");
    }
    // On a screen of 24 lines, below its command line.
    let short = Home::new().run(&["audit", "-h"]).outcome().stdout;
    assert!(short.lines().count() < 24, "{short}");
}

#[test]
fn people_and_robots_are_told_apart_and_who_lacks_mfa_comes_first() {
    let outcome = audit(&report(), &[]);
    assert_eq!(
        without_days(&outcome.stdout),
        "USER    KIND    MFA  KEYS  FINDINGS\n\
         bob     person  no   0     no MFA\n\
         a,lice  person  yes  1     key 2 is N d old; key 2 was never used in N d\n\
         carol   person  yes  1     key 1 is N d old\n\
         ci      robot   no   1     keys without MFA\n"
    );
    assert_eq!(
        outcome.stderr,
        "2 of 5 users lack MFA (1 person, 1 robot)\n"
    );
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn every_form_of_a_report_is_the_same() {
    let csv = report();
    let plain = audit(&csv, &[]).stdout;
    let encoded = base64(&csv);
    let lines: Vec<String> = encoded
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    for input in [
        format!("\u{feff}{}\r\n", csv.replace('\n', "\r\n")),
        format!("{csv}\n\n"),
        encoded.clone(),
        lines.join("\n"),
        format!(
            "{{\n  \"Content\": \"{encoded}\",\n  \"ReportFormat\": \"text/csv\",\n  \"GeneratedTime\": \"2099-01-01T00:00:00+00:00\"\n}}\n"
        ),
    ] {
        let outcome = audit(&input, &[]);
        assert_eq!(outcome.stdout, plain, "{input}");
        assert_eq!(outcome.status, Some(1));
    }
    let home = Home::new();
    home.write("report", &csv);
    let path = home.file("report");
    let outcome = home
        .run(&["audit", "--report", path.to_str().unwrap()])
        .outcome();
    assert_eq!((outcome.status, outcome.stdout), (Some(1), plain));
}

#[test]
fn who_is_left_out_is_counted() {
    let outcome = audit(
        &report(),
        &[
            "--ignore",
            "*/robots/*",
            "--ignore",
            "b?b",
            "--ignore",
            "nobody*",
            "--max-key-age",
            "36500d",
        ],
    );
    assert_eq!(
        without_days(&outcome.stdout),
        "USER    KIND    MFA  KEYS  FINDINGS\na,lice  person  yes  1     key 2 was never used in N d\n"
    );
    assert_eq!(
        outcome.stderr,
        "warning: --ignore nobody* matches no user\n0 of 3 users lack MFA; 2 ignored\n"
    );
    assert_eq!(outcome.status, Some(0));
    let outcome = audit(&report(), &["--ignore", "*", "-q"]);
    assert_eq!(
        (outcome.status, &*outcome.stdout, &*outcome.stderr),
        (Some(0), "", "")
    );
}

#[test]
fn scripts_get_everybody() {
    let outcome = audit(&report(), &["--json"]);
    let list: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(list["version"], 1);
    assert_eq!(
        (&list["people"], &list["people_without_mfa"]),
        (&4.into(), &1.into())
    );
    assert_eq!(list["users_without_mfa"], 2);
    let users = list["users"].as_array().unwrap();
    let names: Vec<_> = users
        .iter()
        .map(|user| user["user"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["<root_account>", "bob", "a,lice", "carol", "ci"]);
    let lacks = users.iter().map(|user| user["lacks_mfa"].as_bool());
    let lacks: Vec<_> = lacks.map(Option::unwrap).collect();
    assert_eq!(lacks, [false, true, false, false, true]);
    assert_eq!(users[0]["findings"], Value::Array(Vec::new()));
    assert_eq!(users[2]["active_keys"][0]["number"], 2);
    assert_eq!(users[2]["active_keys"][0]["made"], "2020-01-01T00:00:00Z");
    assert_eq!(outcome.status, Some(1));

    let report = report().replace("\nbob,", "\n=cmd|x,");
    let outcome = audit(&report, &["--csv"]);
    assert_eq!(
        without_days(&outcome.stdout),
        "user,arn,kind,mfa,password,active_keys,lacks_mfa,findings\n\
         <root_account>,arn:aws:iam::123456789012:root,root,true,true,0,false,\n\
         '=cmd|x,arn:aws:iam::123456789012:user/bob,person,false,true,0,true,no MFA\n\
         \"a,lice\",arn:aws:iam::123456789012:user/alice,person,true,true,1,false,key 2 is N d old; key 2 was never used in N d\n\
         carol,arn:aws:iam::123456789012:user/carol,person,true,true,1,false,key 1 is N d old\n\
         ci,arn:aws:iam::123456789012:user/robots/ci,robot,false,false,1,true,keys without MFA\n"
    );
}

#[test]
fn the_root_user_is_first() {
    let report = report().replace(
        "00:00,true,false,N/A,N/A,false",
        "00:00,false,true,N/A,N/A,false",
    );
    let outcome = audit(&report, &[]);
    let first = outcome.stdout.lines().nth(1).unwrap();
    assert_eq!(
        first,
        "<root_account>  root    no   1     no MFA; root user with access keys"
    );
    assert!(
        outcome
            .stderr
            .starts_with("3 of 5 users lack MFA (2 people, 1 robot)")
    );
}

#[test]
fn what_is_no_report_is_told() {
    let csv = report();
    let cut = base64(&csv);
    let cut = &cut[..=cut.len() / 4 * 2];
    let foreign =
        "is not a credential report: it is neither the AWS CLI's JSON, nor base64, nor CSV";
    let damaged = "is truncated or damaged: its base64 cannot be decoded";
    for (input, problem) in [
        (String::new(), foreign),
        ("<html>log in</html>".to_owned(), foreign),
        ("{\"Error\": \"x\"}".to_owned(), foreign),
        (
            format!("{{\"Content\": \"{}\"}}", base64("something else")),
            foreign,
        ),
        (cut.to_owned(), damaged),
        (format!("{{\"Content\": \"{cut}\"}}"), damaged),
        (format!("{{\"Content\": \"{cut}"), damaged),
        (
            csv.replace("mfa_active", "mfa"),
            "is not a credential report: the column mfa_active is missing",
        ),
        (
            format!("{csv}\nshort,row"),
            "is damaged: line 7 has 2 fields instead of 13",
        ),
        (
            csv.replace(
                "bob,arn:aws:iam::123456789012:user/bob,2020-01-01T00:00:00+00:00,true",
                "bob,a,x,maybe",
            ),
            "is damaged: password_enabled in line 5 is neither true nor false",
        ),
    ] {
        let outcome = audit(&input, &[]);
        assert_eq!(
            outcome.stderr,
            format!("error: standard input {problem}\n{HINT}")
        );
        assert_eq!((outcome.status, &*outcome.stdout), (Some(2), ""));
    }
    let home = Home::new();
    for (name, why) in [
        ("nosuch", "no such file or directory"),
        (".", "it is a directory"),
    ] {
        let path = home.file(name);
        let path = path.to_str().unwrap();
        let outcome = home.run(&["audit", "--report", path]).outcome();
        assert!(
            outcome.stderr.starts_with("error: ~/.aws/")
                && outcome
                    .stderr
                    .ends_with(&format!(" cannot be read: {why}\n{HINT}")),
            "{outcome:?}"
        );
        assert_eq!(outcome.status, Some(2));
    }
}

#[test]
fn many_users_are_no_matter() {
    let mut csv = HEADER.to_owned();
    for number in 0..5000 {
        write!(
            csv,
            "\nuser{number},arn:aws:iam::123456789012:user/user{number},2020-01-01T00:00:00+00:00,true,N/A,false,\
             true,2020-01-01T00:00:00+00:00,N/A,false,N/A,N/A,x"
        )
        .unwrap();
    }
    let outcome = audit(&csv, &[]);
    assert_eq!(
        outcome.stderr,
        "5000 of 5000 users lack MFA (5000 people)\n"
    );
    assert_eq!(outcome.stdout.lines().count(), 5001);
}

/// An account with an administrator, who has a device and a session, and two others.
fn account() -> StandIn {
    let alice = alice().password().device(Device::new(ALICE_DEVICE));
    StandIn::start(
        Account::new()
            .user(alice)
            .user(User::new("bob").password())
            .user(User::new("ci").access_key("AKIAFAKEFAKEFAKE0CI0", "FakeSecretOfCi")),
    )
}

#[test]
fn aws_is_asked_with_the_credentials_of_the_profile() {
    let sts = account();
    sts.report_takes(1);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["audit", "-p", "work", "--token", &code])
        .outcome();
    assert_eq!(
        without_days(&outcome.stdout),
        "USER   KIND    MFA  KEYS  FINDINGS\n\
         bob    person  no   0     no MFA\n\
         alice  person  yes  1     key 1 is N d old\n\
         ci     robot   no   1     keys without MFA; key 1 is N d old; key 1 was never used in N d\n"
    );
    let (told, summary) = outcome
        .stderr
        .split_once("waiting for AWS to create the credential report\n")
        .unwrap();
    assert_eq!(
        told,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n"
    );
    assert!(
        summary.starts_with("2 of 4 users lack MFA (1 person, 1 robot); the report is ")
            && summary.ends_with(" s old, and AWS creates one at most every four hours\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.status, Some(1));
    // Signed by the session, which is there for the next time.
    let last = sts.requests().pop().unwrap();
    assert_eq!(last.action, "GetCredentialReport");
    assert_ne!(last.access_key_id.as_deref(), Some(ALICE_ACCESS_KEY_ID));
    let again = home.run_with(&sts, &["audit", "-p", "work"]).outcome();
    assert_eq!(again.stdout, outcome.stdout);
}

#[test]
fn a_report_that_takes_too_long_and_one_that_is_denied() {
    let sts = account();
    sts.report_takes(1000);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .succeeds();
    home.run_with(&sts, &["audit", "-p", "work", "--wait", "0"])
        .ends(
            2,
            "error: AWS is still creating the credential report after 0 s\n\
         hint: run the command again in a few minutes, or set a longer --wait; AWS continues in the meantime\n",
        );
    for action in ["GenerateCredentialReport", "GetCredentialReport"] {
        let denying = alice()
            .device(Device::new(ALICE_DEVICE))
            .denies(&format!("iam:{action}"));
        let sts = StandIn::start(Account::new().user(denying));
        let home = Home::of_alice();
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["audit", "-p", "work", "-q", "--token", &code])
            .outcome();
        assert!(
            outcome
                .stderr
                .starts_with(&format!("error: AWS denied iam:{action} to "))
                && outcome
                    .stderr
                    .ends_with("\nhint: ask an administrator for a policy that allows it\n"),
            "{outcome:?}"
        );
        assert_eq!(outcome.status, Some(2));
    }
}

#[test]
fn whoever_works_with_access_keys_alone_counts_unless_ignored() {
    let report = report().replace(
        "\nbob,arn:aws:iam::123456789012:user/bob,2020-01-01T00:00:00+00:00,true,N/A,false",
        "\nbob,arn:aws:iam::123456789012:user/bob,2020-01-01T00:00:00+00:00,true,N/A,true",
    );
    let outcome = audit(&report, &["--max-key-age", "36500d"]);
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(1), "1 of 5 users lacks MFA (1 robot)\n")
    );
    let outcome = audit(&report, &["--max-key-age", "36500d", "--ignore", "ci"]);
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), "0 of 4 users lack MFA; 1 ignored\n")
    );
    // Without a key that is active, nobody can act as the user.
    let inactive = report.replace("true,2090-01-01T", "false,2090-01-01T");
    let outcome = audit(&inactive, &["--max-key-age", "36500d", "-q"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

#[test]
fn what_fails_has_another_exit_code_than_what_is_found() {
    let home = Home::new();
    home.write("report", &report());
    let path = home.file("report");
    let judging = ["audit", "-q", "--report", path.to_str().unwrap()];
    assert_eq!(home.run(&judging).outcome().status, Some(1));
    let outcome = home
        .run(&judging)
        .env("MFA_CREDS_TRACE", "/nonexistent/trace")
        .outcome();
    assert_eq!(outcome.status, Some(2), "{outcome:?}");

    let home = Home::new();
    let outcome = home.run(&["audit", "-p", "work"]).outcome();
    assert!(
        outcome.stderr.contains("there is no credentials file"),
        "{outcome:?}"
    );
    assert_eq!(outcome.status, Some(2), "{outcome:?}");

    // STS gives a session, and nobody is there who could be asked for the report.
    let sts = account();
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .succeeds();
    let outcome = home
        .run_with(&sts, &["audit", "-p", "work", "-q"])
        .env("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9")
        .outcome();
    assert!(outcome.stderr.contains("127.0.0.1:9"), "{outcome:?}");
    assert_eq!(outcome.status, Some(2), "{outcome:?}");

    // What has a code of its own keeps it.
    let home = Home::of_alice();
    let outcome = home.run_with(&sts, &["audit", "-p", "work"]).outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    let outcome = home
        .run_with(&sts, &["audit", "-p", "work", "--token", "000000"])
        .outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
}

#[test]
fn flags_that_mean_nothing_together_are_refused() {
    let home = Home::new();
    let help = home.run(&["audit", "--help"]).outcome().stdout;
    let usual = [
        "report",
        "max-key-age",
        "ignore",
        "json",
        "csv",
        "quiet",
        "verbose...",
        "log-level",
        "help",
    ];
    let mut of_a_call = 0;
    let lines = help
        .lines()
        .filter(|line| line.trim_start().starts_with('-'));
    for (_, flag) in lines.filter_map(|line| line.split_once("--")) {
        let mut words = flag.split_whitespace();
        let name = words.next().unwrap_or_default();
        if usual.contains(&name) {
            continue;
        }
        let value = match words.next() {
            Some("<DURATION>") => Some("5m"),
            Some("<WHERE>") => Some("none"),
            Some(word) if word.starts_with('<') => Some("x"),
            _ => None,
        };
        let flag = format!("--{name}");
        let arguments: Vec<&str> = [&*flag].into_iter().chain(value).collect();
        let outcome = audit(&report(), &arguments);
        assert_eq!(outcome.status, Some(2), "{name}: {outcome:?}");
        assert!(
            outcome.stderr.contains("cannot be used with"),
            "{outcome:?}"
        );
        of_a_call += 1;
    }
    assert!(of_a_call > 20, "{help}");
    assert_eq!(audit(&report(), &["--json", "--csv"]).status, Some(2));
}
