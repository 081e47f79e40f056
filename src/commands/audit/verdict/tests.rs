use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, Key, Pattern, ReportedUser, UserKind, findings};
use crate::commands::audit::csv::{field, records};

fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(number)
}

fn user(kind: UserKind, password: bool, mfa: bool, keys: &[(i64, Option<i64>)]) -> ReportedUser {
    ReportedUser {
        name: "alice".to_owned(),
        arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
        kind,
        password,
        mfa,
        keys: (1..)
            .zip(keys)
            .map(|(number, (made, used))| Key {
                number,
                made: Some(day(*made)),
                used: used.map(day),
            })
            .collect(),
    }
}

#[test]
fn each_user_has_what_is_found() {
    use Finding::{KeysWithoutMfa, NeverUsedKey, NoMfa, OldKey, RootKeys, UnusedKey};
    use UserKind::{Person, Robot, Root};

    for (docs, user, wanted) in [
        ("root", user(Root, true, true, &[]), vec![]),
        ("root without", user(Root, true, false, &[]), vec![NoMfa]),
        (
            "root without anything",
            user(Root, false, false, &[]),
            vec![],
        ),
        (
            "root with a key",
            user(Root, true, true, &[(999, Some(999))]),
            vec![RootKeys],
        ),
        ("person", user(Person, true, true, &[]), vec![]),
        (
            "person without",
            user(Person, true, false, &[]),
            vec![NoMfa],
        ),
        ("robot without keys", user(Robot, false, false, &[]), vec![]),
        (
            "robot",
            user(Robot, false, false, &[(999, Some(999))]),
            vec![KeysWithoutMfa],
        ),
        (
            "keys just old enough",
            user(Person, true, true, &[(910, Some(910))]),
            vec![],
        ),
        (
            "an old key in use, and a new one that was never used",
            user(Person, true, true, &[(909, Some(999)), (999, None)]),
            vec![OldKey(1, 91)],
        ),
        (
            "two that nobody uses",
            user(Person, true, false, &[(500, Some(600)), (990, None)]),
            vec![
                NoMfa,
                OldKey(1, 500),
                UnusedKey(1, 400),
                NeverUsedKey(2, 10),
            ],
        ),
    ] {
        let found = findings(&user, TimeDelta::days(90), day(1000));
        assert_eq!(found, wanted, "{docs}");
    }
}

#[test]
fn patterns_are_those_of_iam() {
    for (pattern, name, wanted) in [
        ("alice", "alice", true),
        ("alice", "alicea", false),
        ("a*", "alice", true),
        ("*", "", true),
        ("*e", "alice", true),
        ("a?ice", "alice", true),
        ("?", "", false),
        ("*/ci/*", "arn:aws:iam::1:user/ci/build", true),
        ("a*b*c", "abxbxc", true),
        ("a*b*c", "abxbx", false),
        ("Alice", "alice", false),
    ] {
        assert_eq!(
            Pattern::new(pattern).meets(name),
            wanted,
            "{pattern} {name}"
        );
    }
    let (pattern, name) = ("*a".repeat(40), "a".repeat(4000) + "b");
    assert!(!Pattern::new(&pattern).meets(&name));
}

#[test]
fn csv_is_read_and_written_with_quotes() {
    let text = "a,b\r\n\"x, y\",\"say \"\"no\"\"\nline\"\n\n,";
    let read = records(text);
    let wanted = [
        (1, vec!["a", "b"]),
        (2, vec!["x, y", "say \"no\"\nline"]),
        (5, vec!["", ""]),
    ];
    assert_eq!(read.len(), wanted.len());
    for (read, wanted) in read.iter().zip(wanted) {
        assert_eq!(
            (read.0, &read.1[..]),
            (wanted.0, &wanted.1.map_to_strings()[..])
        );
    }
    for (text, wanted) in [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("@a,b", "\"'@a,b\""),
        ("say \"no\"", "\"say \"\"no\"\"\""),
    ] {
        assert_eq!(field(text), wanted);
    }
}

/// So that texts can be compared.
trait Strings {
    fn map_to_strings(&self) -> Vec<String>;
}

impl Strings for Vec<&str> {
    fn map_to_strings(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}
