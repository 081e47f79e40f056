//! Credentials that are still valid are used again: no network, no terminal, no device. And why they are not.

use chrono::{TimeDelta, Utc};

use crate::support::home::Home;
use crate::support::sections::{FAR, long_term, short_term};

/// What is said when somebody would have to be asked.
const NOBODY: &str = "error: an MFA code is needed, and --no-input forbids asking\n\
                      hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n";

#[test]
fn needs_neither_keys_nor_device() {
    let home = Home::with(&short_term("work", FAR));
    home.run(&["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
    home.run(&["-p", "work", "-q"]).ends(0, "");
    for level in ["ERROR", "CRITICAL", "WARNING", "NOTSET"] {
        home.run(&["-p", "work", "--log-level", level]).ends(0, "");
    }
}

#[test]
fn reads_every_form_of_expiration() {
    for expiration in [
        "2099-01-01 00:00:00",
        "2099-01-01T00:00:00Z",
        "2099-01-01T02:00:00+02:00",
        "2099-01-01T00:00:00.311422Z",
        "2099-01-01 00:00:00+00:00",
        "2099-01-01T00:00:00",
        "2099-01-01 00:00:00 # from a tool",
    ] {
        let home = Home::with(&short_term("work", expiration));
        home.run(&["-p", "work"])
            .ends(0, "[work] is still valid until …\n");
    }
}

#[test]
fn the_offset_of_an_expiration_counts() {
    let hour_ago = Utc::now() - TimeDelta::hours(1);
    let local = hour_ago.with_timezone(&chrono::FixedOffset::east_opt(5 * 3600).unwrap());
    let home = Home::with(&format!(
        "{}{}",
        long_term("work"),
        short_term("work", &local.to_rfc3339())
    ));
    home.run(&["-p", "work", "--no-input"])
        .ends(3, &format!("renewing [work]: expired 1 h ago\n{NOBODY}"));
}

#[test]
fn says_why_it_renews() {
    let token = "aws_session_token = FakeToken\n";
    let whole = short_term("work", FAR);
    for (section, why) in [
        (String::new(), "there are no credentials yet"),
        ("[work]\n".to_owned(), "there are no credentials yet"),
        (
            "[work]\nassumed_role = False\nregion = eu-west-1\n".to_owned(),
            "there are no credentials yet",
        ),
        (whole.replace(token, ""), "aws_session_token is missing"),
        (
            whole.replace(token, "aws_session_token =\n"),
            "aws_session_token is missing",
        ),
        (
            whole.replace(
                "aws_security_token = FakeToken",
                "aws_security_token = Stale",
            ),
            "aws_security_token differs from aws_session_token",
        ),
        (
            short_term("work", "tomorrow"),
            "its expiration `tomorrow` is not a valid date",
        ),
        (
            format!("{whole}assumed_role_arn = arn:aws:iam::123456789012:role/r\n"),
            "its credentials are for arn:aws:iam::123456789012:role/r",
        ),
    ] {
        let home = Home::with(&format!("{}\n{section}", long_term("work")));
        let before = home.credentials();
        home.run(&["-p", "work", "--no-input"])
            .ends(3, &format!("renewing [work]: {why}\n{NOBODY}"));
        assert_eq!(home.credentials(), before);
    }
}

#[test]
fn renews_what_ends_too_soon() {
    let end = |minutes| {
        let end = Utc::now() + TimeDelta::minutes(minutes) + TimeDelta::seconds(20);
        end.format("%Y-%m-%d %H:%M:%S").to_string()
    };
    let home = |minutes| {
        Home::with(&format!(
            "{}{}",
            long_term("work"),
            short_term("work", &end(minutes))
        ))
    };
    // The default asks for a minute.
    home(1)
        .run(&["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
    let outcome = home(0).run(&["-p", "work", "--no-input"]).outcome();
    assert_eq!(outcome.status, Some(3));
    assert!(
        outcome
            .stderr
            .contains(" s left, less than the required 60 s\n"),
        "{outcome:?}"
    );

    home(0)
        .run(&["-p", "work", "--min-ttl", "0"])
        .ends(0, "[work] is still valid until …\n");
    let soon = format!("renewing [work]: 30 min left, less than the required 2 h\n{NOBODY}");
    home(30)
        .run(&["-p", "work", "--no-input", "--min-ttl", "2h"])
        .ends(3, &soon);
    home(30)
        .run(&["-p", "work", "--no-input"])
        .env("MFA_CREDS_MIN_TTL", "7200")
        .ends(3, &soon);
    home(30)
        .run(&["-p", "work", "--min-ttl", "1m"])
        .env("MFA_CREDS_MIN_TTL", "7200")
        .ends(0, "[work] is still valid until …\n");
}

#[test]
fn a_malformed_line_elsewhere_is_told_and_left_alone() {
    let text = format!("{}\n[other]\nnonsense\n", short_term("work", FAR));
    let home = Home::with(&text);
    home.run(&["-p", "work"]).ends(
        0,
        "warning: ~/.aws/credentials:10 has no `=`: AWS tools reject the file because of it\n\
         [work] is still valid until …\n",
    );
    home.run(&["-p", "work", "--log-level", "ERROR"])
        .ends(0, "");
    assert_eq!(home.credentials(), text);
}

// Windows takes the time zone from its settings.
#[cfg(unix)]
#[test]
fn the_end_is_told_in_local_time() {
    let end = Utc::now() + TimeDelta::hours(5) + TimeDelta::seconds(10);
    let home = Home::with(&short_term(
        "work",
        &end.format("%Y-%m-%d %H:%M:%S").to_string(),
    ));
    let output = std::process::Command::new(crate::support::home::binary())
        .args(["-p", "work"])
        .env_clear()
        .env("HOME", home.path())
        .env("TZ", "<+05>-5")
        .output()
        .unwrap();
    let local = end.with_timezone(&chrono::FixedOffset::east_opt(5 * 3600).unwrap());
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "[work] is still valid until {} +05:00, 5 h\n",
            local.format("%H:%M")
        )
    );
}
