//! Credentials that are valid and that AWS tools cannot use all the same, because of how the files are written: told by the run
//! that has to do with them, and by `doctor`.

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::doctor::says;
use crate::support::home::Home;
use crate::support::roles::{ADMIN, account};
use crate::support::sections::{FAR, long_term, short_term};

const DOCTOR: [&str; 4] = ["doctor", "--offline", "-p", "work"];

fn valid() -> String {
    long_term("work") + &short_term("work", FAR)
}

/// A home with these files, the config file where there is one.
fn home(credentials: &str, config: &str) -> Home {
    let home = Home::with(credentials);
    if !config.is_empty() {
        home.write("config", config);
    }
    home
}

#[test]
fn what_is_wrong_with_a_line_is_told_by_every_run() {
    let mark = |file: &str| {
        (
            format!("~/.aws/{file}:1 begins with a byte order mark"),
            "the AWS CLI rejects the file because of it",
            "save the file as UTF-8 without a byte order mark",
            "problem",
        )
    };
    let blanks = |place: &str| {
        (
            format!("~/.aws/{place} has whitespace inside the brackets"),
            "the AWS CLI reads them as part of the name",
            "remove the whitespace characters",
            "warning",
        )
    };
    let odd = |place: &str| {
        (
            format!("~/.aws/{place} has the character U+00A0 (no-break space) instead of a space"),
            "the AWS SDKs read it as part of the name, the key, or the value",
            "replace it with a space",
            "warning",
        )
    };
    let no_break = |key: &str, with: &str| valid().replacen(&format!("{key} ="), with, 1);
    for (credentials, config, (message, consequence, mended, level)) in [
        (format!("\u{feff}{}", valid()), "", mark("credentials")),
        (valid(), "\u{feff}[profile x]\n", mark("config")),
        (
            valid().replace("[work]", "[ work]"),
            "",
            blanks("credentials:5"),
        ),
        (
            valid().replace("[work-long-term]", "[work-long-term\t]"),
            "",
            blanks("credentials:1"),
        ),
        (
            valid(),
            "[ profile work ]\nregion = eu-west-1\n",
            blanks("config:1"),
        ),
        (
            no_break("aws_access_key_id", "aws_access_key_id\u{a0}="),
            "",
            odd("credentials:2"),
        ),
        (
            no_break("aws_secret_access_key", "aws_secret_access_key =\u{a0}"),
            "",
            odd("credentials:3"),
        ),
        (
            valid().replacen("expiration =", "expiration\u{a0}=\u{a0}", 1),
            "",
            odd("credentials:11"),
        ),
    ] {
        let home = home(&credentials, config);
        let warning = format!("warning: {message}: {consequence}\n");
        home.run(&["-p", "work"])
            .ends(0, &format!("{warning}[work] is still valid until …\n"));
        home.run(&["-p", "work", "-q"]).ends(0, "");
        let subject = if message.contains("config") {
            "config file"
        } else {
            "credentials file"
        };
        says(
            home.run(&DOCTOR),
            level,
            subject,
            &message,
            Some(&format!("{mended}; {consequence}")),
        );
        home.run(&["status", "--check", "-p", "work"]).ends(0, "");
    }
}

#[test]
fn what_only_python_takes_for_blanks_and_line_breaks_is_told() {
    let character = |place: &str, code: &str| {
        (
            format!("~/.aws/{place} has the character U+{code} instead of a space"),
            "the AWS CLI reads it as a space, and the AWS SDKs as part of the name, the key, or the value",
            "replace it with a space",
            "warning",
        )
    };
    let lone = |place: &str| {
        (
            format!("~/.aws/{place} has a carriage return (U+000D) without a line feed"),
            "the AWS CLI reads it as the end of the line, and may reject the file because of the rest",
            "replace it with a line break, or remove it",
            "problem",
        )
    };
    let bracket = |place: &str| {
        (
            format!("~/.aws/{place} has a bracket after the section header"),
            "the AWS CLI reads everything up to the last bracket as the name",
            "move the comment to a line of its own",
            "warning",
        )
    };
    let before =
        |odd: char| valid().replacen("aws_session_token", &format!("{odd}aws_session_token"), 1);
    for (credentials, config, (message, consequence, mended, level)) in [
        (before('\u{b}'), "", character("credentials:9", "000B")),
        (before('\u{c}'), "", character("credentials:9", "000C")),
        (before('\u{1c}'), "", character("credentials:9", "001C")),
        (before('\u{1f}'), "", character("credentials:9", "001F")),
        (valid() + "\u{c}\n", "", character("credentials:12", "000C")),
        (
            format!("# x\r[work]\n{}", valid()),
            "",
            lone("credentials:1"),
        ),
        (valid() + "[x]\na = b\rc\n", "", lone("credentials:13")),
        (valid(), "[profile x]\rregion = y\n", lone("config:1")),
        (
            valid().replace("[work]", "[work] # see [x]"),
            "",
            bracket("credentials:5"),
        ),
        (
            valid(),
            "[profile work] # [c]\nregion = eu-west-1\n",
            bracket("config:1"),
        ),
    ] {
        let home = home(&credentials, config);
        let outcome = home.run(&["-p", "work"]).outcome();
        let warning = format!("warning: {message}: {consequence}\n");
        assert!(outcome.stderr.contains(&warning), "{outcome:?}");
        let subject = if message.contains("config") {
            "config file"
        } else {
            "credentials file"
        };
        says(
            home.run(&DOCTOR),
            level,
            subject,
            &message,
            Some(&format!("{mended}; {consequence}")),
        );
    }
}

#[test]
fn what_every_section_inherits_from_the_default_one_in_botocore_is_told() {
    for (setting, instead) in [
        ("role_arn", "assume the role instead"),
        ("sso_account_id", "sign in to IAM Identity Center instead"),
        ("web_identity_token_file", "use that token instead"),
    ] {
        let inherited = format!("[DEFAULT]\n{setting} = x\n");
        for (credentials, config, place) in [
            (valid() + &inherited, String::new(), "credentials"),
            (
                valid(),
                format!("{inherited}[profile work]\nregion = eu-west-1\n"),
                "config",
            ),
        ] {
            let home = home(&credentials, &config);
            let fact = format!(
                "the AWS CLI and boto3 do not read [work]: [DEFAULT] in ~/.aws/{place} has {setting}"
            );
            let plan = home.run(&["plan", "-p", "work"]).outcome();
            assert!(plan.stdout.contains(&fact), "{plan:?}");
            says(
                home.run(&DOCTOR),
                "warning",
                "precedence",
                &format!("{fact}, and they {instead}"),
                Some("remove it from [DEFAULT] in an editor"),
            );
        }
    }
}

#[test]
fn what_aws_tools_read_well_is_no_reason_to_warn() {
    for (credentials, config) in [
        // botocore splits it as a shell does.
        (valid(), "[profile work ]\nregion = eu-west-1\n"),
        (valid(), "[profile work\t] # c\nregion = eu-west-1\n"),
        (valid() + "[other] # [x]\n", "[profile other]\n"),
    ] {
        home(&credentials, config)
            .run(&["-p", "work"])
            .ends(0, "[work] is still valid until …\n");
    }
    // The AWS CLI takes them for two sections.
    let sts = StandIn::start(Account::example());
    let home = Home::with(&(long_term("work") + "[ x]\n[x]\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
        0,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n",
    );
}

#[test]
fn doctor_names_a_character_that_nobody_sees_in_a_header() {
    let odd = valid().replace("[work-long-term]", "[work-long-term\u{a0}]");
    says(
        Home::with(&odd).run(&DOCTOR),
        "warning",
        "credentials file",
        "~/.aws/credentials:1 has the character U+00A0 (no-break space) instead of a space",
        Some(
            "replace it with a space; the AWS SDKs read it as part of the name, the key, or the value",
        ),
    );
}

#[test]
fn what_comes_before_the_keys_in_their_own_section_is_told() {
    let sts = StandIn::start(account());
    for (setting, value, who, instead, fix) in [
        (
            "sso_account_id",
            "x",
            "the AWS CLI, boto3, and other SDKs",
            "sign in to IAM Identity Center instead",
            "remove one of the two in an editor",
        ),
        (
            "role_arn",
            ADMIN,
            "AWS tools",
            "assume the role instead",
            "remove them with `mfa-creds clear -p work --short-term-suffix none`",
        ),
    ] {
        let home = Home::with(&format!(
            "{}[work]\n{setting} = {value}\n",
            long_term("work")
        ));
        let fact = format!(
            "{who} do not read [work]: [work] in ~/.aws/credentials has {setting}, and they {instead}"
        );
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["-p", "work", "--token", &code])
            .env("MFA_SHORT_TERM_SUFFIX", "none")
            .succeeds();
        assert!(outcome.stderr.contains(&fact), "{outcome:?}");
        says(
            home.run(&DOCTOR).env("MFA_SHORT_TERM_SUFFIX", "none"),
            "warning",
            "precedence",
            &fact,
            Some(fix),
        );
    }
}

#[test]
fn a_value_that_aws_tools_read_with_more_than_the_value_is_told() {
    for (spoil, problem, fix) in [
        (
            "FakeToken # until noon",
            "is followed by a comment, which the AWS CLI treats as part of the value",
            "move the comment to a line of its own",
        ),
        (
            "\"FakeToken\"",
            "is in quotation marks, which AWS tools treat as part of the value",
            "remove the quotation marks",
        ),
    ] {
        let home = Home::with(&valid().replace("FakeToken", spoil));
        let message = |key: &str| format!("{key} of [work] in ~/.aws/credentials {problem}");
        let warnings: String = ["aws_session_token", "aws_security_token"]
            .map(|key| format!("warning: {}\n", message(key)))
            .concat();
        home.run(&["-p", "work"])
            .ends(0, &format!("{warnings}[work] is still valid until …\n"));
        says(
            home.run(&DOCTOR),
            "warning",
            "keys",
            &message("aws_session_token"),
            Some(fix),
        );
        let elsewhere = valid() + &short_term("other", FAR).replace("FakeToken", spoil);
        Home::with(&elsewhere)
            .run(&["-p", "work"])
            .ends(0, "[work] is still valid until …\n");
    }
}

#[test]
fn elsewhere_it_is_told_where_the_whole_file_is_refused() {
    let elsewhere = format!("[ other ]\nregion\u{a0}= x\n{}", valid());
    home(&elsewhere, "[ profile other ]\n")
        .run(&["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
}

#[test]
fn keys_are_read_around_a_no_break_space_and_written_without_it() {
    let sts = StandIn::start(Account::example());
    let odd = valid()
        .replace(" = ", "\u{a0}=\u{a0}")
        .replace(FAR, "2001-01-01 00:00:00");
    let home = Home::with(&odd);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .ends(0, "");
    let text = home.credentials();
    let (long_term, written) = text.split_once("[work]\n").unwrap();
    assert_eq!(odd.split_once("[work]\n").unwrap().0, long_term);
    assert!(!written.contains('\u{a0}'), "{written}");
}

#[test]
fn a_key_that_an_invisible_character_hides_is_named() {
    for (hidden, code, who) in [
        (
            "\u{a0}aws_access_key_id",
            "U+00A0 (no-break space)",
            "the AWS SDKs read",
        ),
        ("aws_access_key_id\u{200b}", "U+200B", "AWS tools read"),
    ] {
        let home = Home::with(&long_term("work").replace("aws_access_key_id", hidden));
        home.run(&["-p", "work", "--token", "123456"]).ends(
            1,
            &format!(
                "warning: ~/.aws/credentials:2 has the character {code} instead of a space: \
                 {who} it as part of the name, the key, or the value\n\
                 error: aws_access_key_id of [work-long-term] in ~/.aws/credentials is missing or empty\n\
                 hint: add it: look up the access key in the IAM console, or create a new one there\n"
            ),
        );
    }
}

#[test]
fn what_stands_twice_anywhere_is_told_by_a_renewal() {
    for (credentials, config, file, message) in [
        (
            "[x]\na = 1\n[x]\n",
            "",
            "credentials",
            "starts [x] again, after line",
        ),
        (
            "[x]\na = 1\nA = 2\n",
            "",
            "credentials",
            "sets A in [x] again, after line",
        ),
        (
            "",
            "[profile x]\n[profile y]\n[profile x]\n",
            "config",
            "starts [profile x] again, after line",
        ),
    ] {
        let sts = StandIn::start(Account::example());
        let home = home(&(long_term("work") + credentials), config);
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["-p", "work", "--token", &code])
            .succeeds();
        let warning = outcome.stderr.lines().next().unwrap();
        assert!(
            warning.starts_with(&format!("warning: ~/.aws/{file}:")),
            "{outcome:?}"
        );
        assert!(warning.contains(message), "{outcome:?}");
        assert!(
            warning.ends_with(": the AWS CLI rejects the file because of it"),
            "{outcome:?}"
        );
        // Nothing is looked for where nothing is renewed.
        home.run(&["-p", "work"])
            .ends(0, "[work] is still valid until …\n");
        let outcome = home.run(&DOCTOR).outcome();
        assert!(outcome.stdout.contains(message), "{outcome:?}");
    }
}

#[test]
fn what_the_aws_cli_takes_in_place_of_the_section_is_told() {
    for (setting, instead) in [
        ("sso_account_id", "sign in to IAM Identity Center instead"),
        ("sso_role_name", "sign in to IAM Identity Center instead"),
        ("web_identity_token_file", "use that token instead"),
    ] {
        let sts = StandIn::start(Account::example());
        let home = home(
            &long_term("work"),
            &format!("[profile work]\n{setting} = x\n"),
        );
        let code = sts.fresh_code(ALICE_DEVICE);
        let fact = format!(
            "the AWS CLI, boto3, and other SDKs do not read [work]: [profile work] in ~/.aws/config has {setting}"
        );
        let way_out =
            "run `mfa-creds -p work --short-term-suffix mfa` to write a section that they read";
        let outcome = home.run(&["plan", "-p", "work"]).outcome();
        assert!(
            outcome.stdout.contains(&format!("warning  {fact}\n")),
            "{outcome:?}"
        );
        home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
            0,
            &format!(
                "renewing [work]: there are no credentials yet\n[work] is valid until …\n\
                 warning: {fact}, and they {instead}: {way_out}\n"
            ),
        );
        says(
            home.run(&DOCTOR),
            "warning",
            "precedence",
            &format!("{fact}, and they {instead}"),
            Some(way_out),
        );
        // It is a way out.
        home.run_with(&sts, &["-p", "work", "--short-term-suffix", "mfa"])
            .ends(
                0,
                "renewing [work-mfa]: there are no credentials yet\n\
             [work-mfa] shares the session of its key and device, valid until …\n",
            );
    }
}
