//! From an expired or missing section to new credentials: what is called, and what is written, byte for byte.

use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, Fault, Role,
    StandIn, User,
};

use crate::support::home::{Home, Outcome};
#[cfg(unix)]
use crate::support::home::{assert_mode, set_mode};
use crate::support::sections::{FAR, long_term, short_term, value};

const ROLE: &str = "arn:aws:iam::123456789012:role/admin";

#[test]
fn gets_a_session_and_writes_it_as_aws_mfa_does() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let before = Utc::now();
    home.run_with(&sts, &["--profile", "work", "--token", &code])
        .ends(
            0,
            "renewing [work]: there are no credentials yet\n[work] is valid until …\n",
        );

    let written = home.credentials();
    let get = |key| value(&written, "work", key).unwrap();
    let (key, secret, token) = (
        get("aws_access_key_id"),
        get("aws_secret_access_key"),
        get("aws_session_token"),
    );
    let expiration = get("expiration");
    assert_eq!(
        written,
        format!(
            "{}\n[work]\nassumed_role = False\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n\
             aws_session_token = {token}\naws_security_token = {token}\nexpiration = {expiration}\n",
            long_term("work")
        )
    );
    assert!(key.starts_with("ASIAFAKE"));
    let end = DateTime::parse_from_rfc3339(&format!("{}Z", expiration.replace(' ', "T"))).unwrap();
    let seconds = (end.to_utc() - before).num_seconds();
    assert!((43_195..=43_260).contains(&seconds), "{seconds}");

    let [request] = &sts.requests()[..] else {
        panic!("one call");
    };
    assert_eq!(request.action, "GetSessionToken");
    assert_eq!(request.parameter("DurationSeconds"), Some("43200"));
    assert_eq!(request.parameter("SerialNumber"), Some(ALICE_DEVICE));
    assert_eq!(request.parameter("TokenCode"), Some(&*code));
}

#[test]
fn the_second_run_is_still_valid_and_calls_nobody() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let written = home.credentials();
    home.run_with(&sts, &["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
    assert_eq!(home.credentials(), written);
    assert_eq!(sts.calls(), 1);
}

#[test]
fn leaves_every_other_byte_as_it_was() {
    let sts = StandIn::start(Account::example());
    let before = format!(
        "\u{feff}# Schlüssel von Zoë\r\n[other]\r\naws_access_key_id=AKIAFAKEFAKEFAKEOTHE ; mine\r\n\r\n{}",
        long_term("work").replace('\n', "\r\n")
    );
    let section =
        "\r\n; placeholder\r\n[work]\r\nregion=eu-west-1\r\nassumed_role = False\r\n# the end\r\n";
    let after = "\r\n[last]\r\n  x = 1\r\n   two\r\noutput:json";
    let home = Home::with(&format!("{before}{section}{after}"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();

    let written = home.credentials();
    let middle = written
        .strip_prefix(&before)
        .and_then(|rest| rest.strip_suffix(after))
        .unwrap();
    let lines: Vec<&str> = middle.split("\r\n").collect();
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line.split(" = ").next().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "",
            "; placeholder",
            "[work]",
            "region=eu-west-1",
            "assumed_role",
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_security_token",
            "expiration",
            "# the end",
            ""
        ]
    );
}

#[test]
fn fills_an_empty_section_in_place() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&format!("[work]\n\n{}", long_term("work")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let written = home.credentials();
    assert!(written.starts_with("[work]\nassumed_role = False\naws_access_key_id = ASIA"));
    assert!(written.ends_with(&format!("\n\n{}", long_term("work"))));
}

#[test]
fn assumes_a_role_and_goes_back_to_none() {
    let account = Account::example().role(Role::new(ROLE).requires_mfa().external_id("outside"));
    let sts = StandIn::start(account);
    let home = Home::with(&format!("{}external_id = outside\n", long_term("work")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &[
            "-p",
            "work",
            "--token",
            &code,
            "--assume-role",
            ROLE,
            "--direct",
        ],
    )
    .env("USER", "zoë b")
    .ends(
        0,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n",
    );
    let written = home.credentials();
    assert_eq!(
        value(&written, "work", "assumed_role").as_deref(),
        Some("True")
    );
    assert_eq!(
        value(&written, "work", "assumed_role_arn").as_deref(),
        Some(ROLE)
    );
    let requests = sts.requests();
    assert_eq!(requests[0].action, "AssumeRole");
    assert_eq!(requests[0].parameter("DurationSeconds"), Some("3600"));
    assert_eq!(requests[0].parameter("RoleSessionName"), Some("zo--b"));
    assert_eq!(requests[0].parameter("ExternalId"), Some("outside"));

    // That bought no session. The same role is still valid; none is another one, and so is another role.
    home.run_with(&sts, &["-p", "work", "--assume-role", ROLE])
        .ends(0, "[work] is still valid until …\n");
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
        0,
        "renewing [work]: its credentials are for arn:aws:iam::123456789012:role/admin\n[work] is valid until …\n",
    );
    let written = home.credentials();
    assert_eq!(
        value(&written, "work", "assumed_role").as_deref(),
        Some("False")
    );
    assert_eq!(value(&written, "work", "assumed_role_arn"), None);
    home.run_with(
        &sts,
        &["-p", "work", "--no-input", "--assume", ROLE, "--direct"],
    )
    .ends(
        3,
        "renewing [work]: its credentials are not for a role\n\
         error: an MFA code is needed, and --no-input forbids asking\n\
         hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
    );
}

#[test]
fn the_role_may_stand_in_the_long_term_section() {
    let account = Account::example().role(Role::new(ROLE).max_session_duration(7200));
    let sts = StandIn::start(account);
    let home = Home::with(&format!(
        "{}assume_role = {ROLE}\nduration_seconds = 2h\nrole_session_name = laptop\n",
        long_term("work")
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let requests = sts.requests();
    assert_eq!(requests[0].parameter("RoleArn"), Some(ROLE));
    assert_eq!(requests[0].parameter("DurationSeconds"), Some("7200"));
    assert_eq!(requests[0].parameter("RoleSessionName"), Some("laptop"));
}

#[test]
fn a_hardware_token_works() {
    let account = Account::new().user(
        User::new("bob")
            .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
            .device(Device::new("GAHT12345678")),
    );
    let sts = StandIn::start(account);
    let home = Home::of_alice();
    let code = sts.fresh_code("GAHT12345678");
    home.run_with(
        &sts,
        &["-p", "work", "--device", "GAHT12345678", "--token", &code],
    )
    .succeeds();
}

#[test]
fn what_was_granted_counts_not_what_was_asked_for() {
    let sts = StandIn::start(Account::example());
    sts.granted_at_most(3600);
    sts.fault(Fault::Fractional);
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    assert_eq!(outcome.stderr.lines().count(), 2);
    let expiration = value(&home.credentials(), "work", "expiration").unwrap();
    assert_eq!(expiration.len(), "2026-11-22 15:40:27".len());
    let end = DateTime::parse_from_rfc3339(&format!("{}Z", expiration.replace(' ', "T"))).unwrap();
    assert!((end.to_utc() - Utc::now()).num_minutes() < 61);
}

#[test]
fn the_code_comes_from_the_environment_or_from_standard_input() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work"])
        .env("MFA_TOKEN", &code)
        .succeeds();
    let code = sts.fresh_code(ALICE_DEVICE);
    let spaced = format!("  {} {} \n", &code[..3], &code[3..]);
    home.run_with(&sts, &["-p", "work", "--force", "--no-input"])
        .stdin(&spaced)
        .ends(0, "renewing [work]: --force\n[work] is valid until …\n");
    // An endless pipe, like `yes CODE`, is read for one line only.
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--force"])
        .stdin(&format!("{code}\n").repeat(50_000))
        .succeeds();
    assert_eq!(sts.calls(), 3);
}

#[test]
fn a_profile_of_the_environment_need_not_exist() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["--token", &code])
        .env("AWS_PROFILE", "work")
        .succeeds();
    // A stale AWS_PROFILE does not matter where --profile is given.
    home.run(&["-p", "work"])
        .env("AWS_PROFILE", "gone")
        .succeeds();
}

#[test]
fn without_a_profile_it_is_default() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&long_term("default"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["--token", &code])
        .env("AWS_PROFILE", "")
        .succeeds();
    assert!(
        home.credentials()
            .contains("\n[default]\nassumed_role = False\n")
    );
}

#[cfg(unix)]
#[test]
fn the_mode_of_the_file_stays() {
    let sts = StandIn::start(Account::example());
    for mode in [0o600, 0o640, 0o644] {
        let home = Home::of_alice();
        let path = home.file("credentials");
        set_mode(&path, mode);
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "--token", &code])
            .succeeds();
        assert_mode(&path, mode);
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_one() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let real = home.path().join("dotfiles");
    std::fs::rename(home.file("credentials"), &real).unwrap();
    std::os::unix::fs::symlink("../dotfiles", home.file("credentials")).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    assert!(home.file("credentials").is_symlink());
    assert!(
        std::fs::read_to_string(real)
            .unwrap()
            .contains("\n[work]\n")
    );
}

#[test]
fn other_files_may_be_named() {
    let sts = StandIn::start(Account::example());
    let home = Home::new();
    home.write("elsewhere", &long_term("work"));
    home.write("settings", "[profile work]\nregion = eu-central-1\n");
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .env(
            "AWS_SHARED_CREDENTIALS_FILE",
            home.file("elsewhere").to_str().unwrap(),
        )
        .env("AWS_CONFIG_FILE", home.file("settings").to_str().unwrap())
        .succeeds();
    assert_eq!(sts.requests()[0].region.as_deref(), Some("eu-central-1"));
    assert!(!home.file("credentials").exists());
}

/// One refresh, with a change made between its first look at the file and the answer of STS.
fn with_a_change_meanwhile(home: &Home, change: impl FnOnce()) -> Outcome {
    let sts = StandIn::start(Account::example());
    sts.fault(Fault::Hang(Duration::from_millis(300)));
    let code = sts.fresh_code(ALICE_DEVICE);
    thread::scope(|scope| {
        let run = scope.spawn(|| {
            home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
                .outcome()
        });
        while sts.calls() == 0 && !run.is_finished() {
            thread::yield_now();
        }
        change();
        run.join().unwrap()
    })
}

#[test]
fn an_edit_made_meanwhile_is_kept() {
    let home = Home::with(&format!(
        "{}\n{}",
        long_term("work"),
        short_term("other", FAR)
    ));
    let outcome = with_a_change_meanwhile(&home, || {
        home.write("credentials", &format!("# edited\n{}", long_term("work")));
    });
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let written = home.credentials();
    assert!(
        written.starts_with("# edited\n[work-long-term]\n"),
        "{written}"
    );
    assert!(written.contains("\n[work]\n"));
    assert!(!written.contains("[other]"));
}

#[test]
fn a_file_that_was_emptied_meanwhile_is_not_replaced() {
    let home = Home::of_alice();
    let outcome = with_a_change_meanwhile(&home, || home.write("credentials", ""));
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .starts_with("error: [work-long-term] was removed from ~/.aws/credentials"),
        "{outcome:?}"
    );
    assert_eq!(home.credentials(), "");
}

#[cfg(unix)]
#[test]
fn a_file_that_became_a_link_meanwhile_stays_one() {
    let home = Home::of_alice();
    let outcome = with_a_change_meanwhile(&home, || {
        let real = home.path().join("dotfiles");
        std::fs::rename(home.file("credentials"), &real).unwrap();
        std::os::unix::fs::symlink(&real, home.file("credentials")).unwrap();
    });
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(home.file("credentials").is_symlink());
    assert!(value(&home.credentials(), "work", "expiration").is_some());
}

#[test]
fn a_home_and_a_profile_may_have_blanks_and_letters_of_any_language() {
    let sts = StandIn::start(Account::example());
    for name in ["Zoë Müller", "日本 語", "a & b (c)"] {
        let home = Home::named(name);
        home.write("credentials", &long_term("große Arbeit"));
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "große Arbeit", "--token", &code])
            .ends(
                0,
                "renewing [große Arbeit]: there are no credentials yet\n[große Arbeit] is valid until …\n",
            );
        home.run(&["-p", "große Arbeit"])
            .ends(0, "[große Arbeit] is still valid until …\n");
        assert!(value(&home.credentials(), "große Arbeit", "expiration").is_some());
    }
}

/// starship and others read this form; aws-mfa ends with an error because of it.
#[test]
fn the_expiration_is_written_in_the_form_that_is_set() {
    let renewed = |own: &str, config: &str, variable: &str| {
        let home = Home::with(&format!("{}{own}", long_term("work")));
        home.write("config", config);
        let sts = StandIn::start(Account::example());
        let code = sts.fresh_code(ALICE_DEVICE);
        let run = home.run_with(&sts, &["-p", "work", "-q"]);
        let run = run.env("MFA_CREDS_EXPIRATION_STYLE", variable);
        run.env("MFA_TOKEN", &code).prints("", "");
        // It is read in each form.
        let offline = home.run(&["-p", "work", "-q"]);
        offline.prints("", "");
        value(&home.credentials(), "work", "expiration").unwrap()
    };
    let rfc3339 = "expiration_style = rfc3339\n";
    let config = &format!("[profile work]\n{rfc3339}");
    for (own, config, variable, is_rfc3339) in [
        ("", "", "", false),
        (rfc3339, "", "", true),
        ("", config, "", true),
        ("", "", "rfc3339", true),
        // The environment comes first, then the long-term section.
        (rfc3339, config, "aws-mfa", false),
        ("expiration_style = aws-mfa\n", config, "", false),
    ] {
        let expiration = renewed(own, config, variable);
        let read = |format: &str| chrono::NaiveDateTime::parse_from_str(&expiration, format);
        let form = if is_rfc3339 {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        assert!(
            read(form).is_ok(),
            "{own} {config} {variable}: {expiration}"
        );
    }
    let home = Home::with(&format!("{}expiration_style = iso\n", long_term("work")));
    let before = home.credentials();
    home.run(&["-p", "work"]).ends(
        1,
        "error: `iso` (expiration_style of [work-long-term] in ~/.aws/credentials) is not a style of expirations\n\
         hint: use rfc3339 or aws-mfa\n",
    );
    assert_eq!(home.credentials(), before);
}
