//! Bad input: one sentence and a hint, the file untouched, and no code asked for. One test per mistake of a user.

use std::fs;

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::home::{HOME, Home, set_mode};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems::typed;

/// Runs `mfa-creds -p work --token 123456 ARGUMENTS`: it would have a code, and must not get as far as to use it.
#[track_caller]
fn fails(credentials: &str, arguments: &[&str], stderr: &str) {
    let home = Home::with(credentials);
    let profile: &[&str] = if arguments.contains(&"--profile") {
        &[]
    } else {
        &["-p", "work"]
    };
    home.run(&[profile, &["--token", "123456", "-q"], arguments].concat())
        .env(
            "AWS_ENDPOINT_URL",
            "http://127.0.0.1:1/no-request-may-be-made",
        )
        .ends(1, stderr);
    assert_eq!(home.credentials(), credentials);
}

#[test]
fn no_long_term_section() {
    let unknown = "error: there is no section [work-long-term] in ~/.aws/credentials\n";
    fails(
        &short_term("other", FAR),
        &[],
        &format!("{unknown}hint: run `mfa-creds setup --profile work` to write it\n"),
    );
    fails(
        &long_term("wrok"),
        &[],
        &format!("{unknown}hint: did you mean --profile wrok?\n"),
    );
    fails(
        &long_term("other"),
        &[],
        &format!(
            "{unknown}hint: run `mfa-creds setup --profile work` to write it; there are keys for: other\n"
        ),
    );
    fails(
        &long_term("work"),
        &["--profile", "work-long-term"],
        "error: there is no section [work-long-term-long-term] in ~/.aws/credentials\n\
         hint: name the profile without the suffix: --profile work\n",
    );
    fails(
        "[work]\naws_access_key_id = AKIAFAKEFAKEFAKEFAKE\naws_secret_access_key = fake\n",
        &[],
        &format!(
            "{unknown}hint: [work] contains long-term keys; move them with `mfa-creds setup --profile work`\n"
        ),
    );
}

#[test]
fn keys_missing_or_empty() {
    for (line, text) in [
        ("aws_access_key_id", ""),
        ("aws_access_key_id", "aws_access_key_id =\n"),
        ("aws_secret_access_key", ""),
        ("aws_secret_access_key", "aws_secret_access_key = # none\n"),
    ] {
        let keys = long_term("work");
        let old = keys.lines().find(|old| old.starts_with(line)).unwrap();
        fails(
            &keys.replace(&format!("{old}\n"), text),
            &[],
            &format!(
                "error: {line} of [work-long-term] in ~/.aws/credentials is missing or empty\n\
                 hint: add it: look up the access key in the IAM console, or create a new one there\n"
            ),
        );
    }
    fails(
        &long_term("work").replace("AKIA", "ASIA"),
        &[],
        "error: [work-long-term] in ~/.aws/credentials contains temporary credentials (ASIA…), which cannot get a session\n\
         hint: put the IAM user's own keys (AKIA…) there\n",
    );
}

#[test]
fn long_term_keys_where_temporary_ones_would_go() {
    fails(
        &format!(
            "{}\n[work]\naws_access_key_id = AKIAFAKEFAKEFAKEFAKE\naws_secret_access_key = fake\n",
            long_term("work")
        ),
        &[],
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites\n\
         hint: [work-long-term] also has keys: run `mfa-creds setup --profile work`, which asks whether to replace them with those in [work]\n",
    );
}

#[test]
fn any_keys_without_a_session_token_are_taken_for_long_term_ones() {
    fails(
        &format!(
            "{}\n[work]\naws_access_key_id = test\naws_secret_access_key = precious\n",
            long_term("work")
        ),
        &[],
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites\n\
         hint: [work-long-term] also has keys: run `mfa-creds setup --profile work`, which asks whether to replace them with those in [work]\n",
    );
}

#[test]
fn the_section_that_others_inherit_from() {
    let home = Home::with(&long_term("DEFAULT"));
    home.run(&["-p", "DEFAULT", "--token", "123456"]).ends(
        1,
        "error: [DEFAULT] cannot contain temporary credentials: in some tools, every section inherits from it\n\
         hint: use another profile; the default profile is `default`, in lower case\n",
    );
}

#[test]
fn a_value_that_swallows_the_section_below() {
    let hint = "hint: indent the next key or section no more than that line\n";
    let swallowed = "  [other]\n  aws_secret_access_key = TOPSECRET\n";
    fails(
        &format!("{}{swallowed}", long_term("work")),
        &[],
        &format!(
            "error: ~/.aws/credentials:4 sets aws_mfa_device in [work-long-term], and the indented lines below it would become part of the value\n{hint}"
        ),
    );
    fails(
        &format!(
            "{}{}{swallowed}",
            long_term("work"),
            short_term("work", "2000-01-01 00:00:00")
        ),
        &[],
        &format!(
            "error: ~/.aws/credentials:11 sets expiration in [work], and the indented lines below it would become part of the value\n{hint}"
        ),
    );
}

#[test]
fn a_margin_that_no_credentials_could_have() {
    fails(
        &long_term("work"),
        &["--min-ttl", "13h"],
        "error: credentials that last 43200 s (default) cannot have 46800 s left (--min-ttl)\n\
         hint: set a longer --duration, or a shorter --min-ttl\n",
    );
}

#[test]
fn no_file_and_no_directory() {
    let home = Home::new();
    let expected = "error: mfa-creds is not set up: there is no credentials file ~/.aws/credentials\n\
                    hint: run `mfa-creds setup --profile work` to store your long-term keys\n";
    home.run(&["-p", "work"]).ends(1, expected);
    fs::remove_dir(home.path().join(".aws")).unwrap();
    home.run(&["-p", "work"]).ends(1, expected);
    assert!(!home.path().join(".aws").exists());
}

#[test]
fn a_file_that_cannot_be_read() {
    let home = Home::new();
    fs::create_dir(home.file("credentials")).unwrap();
    home.run(&["-p", "work"]).ends(
        1,
        "error: ~/.aws/credentials cannot be read: it is a directory\n\
         hint: replace it with a regular file, or set AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE to one\n",
    );
    let home = Home::new();
    fs::write(home.file("credentials"), b"[a]\n# Zo\xeb\n").unwrap();
    home.run(&["-p", "work"]).ends(
        1,
        "error: ~/.aws/credentials:2 is not UTF-8 text\n\
         hint: save the file as UTF-8; the AWS tools cannot read it either\n",
    );
}

#[test]
fn a_file_that_cannot_be_written() {
    let home = Home::of_alice();
    let path = home.file("credentials");
    set_mode(&path, 0o400);
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: ~/.aws/credentials is read-only\nhint: make it writable: chmod u+w ~/.aws/credentials\n",
    );
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn a_malformed_line() {
    fails(
        &format!("{}nonsense\n", long_term("work")),
        &[],
        "error: ~/.aws/credentials:5 has no `=`\n\
         hint: fix the line, which is in [work-long-term]; AWS tools reject the whole file because of it\n",
    );
    fails(
        &format!("{}[work]\n= x\n", long_term("work")),
        &[],
        "error: ~/.aws/credentials:6 has no key before the `=`\n\
         hint: fix the line, which is in [work]; AWS tools reject the whole file because of it\n",
    );
    let home = Home::of_alice();
    home.write("config", "[profile work]\nregion\n");
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: ~/.aws/config:2 has no `=`\n\
         hint: fix the line, which is in [profile work]; AWS tools reject the whole file because of it\n",
    );
}

#[test]
fn sections_and_keys_that_come_twice() {
    fails(
        &format!("{}\n[work-long-term]\nregion = x\n", long_term("work")),
        &[],
        "error: ~/.aws/credentials:6 starts [work-long-term] again, after line 1\n\
         hint: merge the sections; the AWS SDKs use the last value of each key, and the AWS CLI rejects the file\n",
    );
    fails(
        &format!(
            "{}AWS_Access_Key_Id = AKIAFAKEFAKEFAKEFAKE\n",
            long_term("work")
        ),
        &[],
        "error: ~/.aws/credentials:5 sets AWS_Access_Key_Id in [work-long-term] again, after line 2\n\
         hint: remove one of the lines; the AWS SDKs use the last one, and the AWS CLI rejects the file\n",
    );
    let twice = short_term("work", FAR).repeat(2);
    fails(
        &twice,
        &[],
        "error: ~/.aws/credentials:8 starts [work] again, after line 1\n\
         hint: merge the sections; the AWS SDKs use the last value of each key, and the AWS CLI rejects the file\n",
    );
}

#[test]
fn no_device() {
    let keys = long_term("work");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    let outcome = Home::with(keys)
        .run(&["-p", "work", "--token", "123456", "-q"])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    // That is tried more than once, and said when it takes long.
    assert_eq!(
        outcome.stderr.trim_start_matches("waiting for AWS STS\n"),
        "error: AWS STS at 127.0.0.1:1 cannot be reached: connection refused\n\
         hint: check the endpoint (AWS_ENDPOINT_URL)\n"
    );
}

#[test]
fn a_device_that_cannot_be_one() {
    for (device, message) in [
        (
            "arn:aws:iam::123456789012:user/ops/alice",
            "is a user, not an MFA device\n\
             hint: write the ARN of a device, often arn:aws:iam::123456789012:mfa/alice; the IAM console shows it",
        ),
        (
            "arn:aws-us-gov:iam::123456789012:u2f/user/alice/key",
            "is a FIDO security key or passkey, which STS cannot use\n\
             hint: sign in with `aws login`, or add an authenticator app to the user and write its ARN, which contains `:mfa/`",
        ),
        (
            "arn:aws:iam::12345:mfa/alice",
            "is not the ARN of an MFA device\nhint: write it like arn:aws:iam::123456789012:mfa/NAME",
        ),
        (
            "phone",
            "is neither an ARN nor a serial number\n\
             hint: write an ARN like arn:aws:iam::123456789012:mfa/NAME, or a hardware token's serial number like GAHT12345678",
        ),
    ] {
        fails(
            &long_term("work"),
            &["--device", device],
            &format!("error: the device {device} (--device) {message}\n"),
        );
    }
}

#[test]
fn a_duration_that_aws_does_not_grant() {
    for (duration, seconds) in [
        ("0", 0),
        ("899", 899),
        ("37h", 133_200),
        ("99999999999", 99_999_999_999_u64),
    ] {
        fails(
            &long_term("work"),
            &["--duration", duration],
            &format!(
                "error: a duration of {seconds} s (--duration) is outside AWS's limits for a session\n\
                 hint: use 900 to 129600 seconds, 15m to 36h\n"
            ),
        );
    }
    fails(
        &long_term("work"),
        &[
            "--duration",
            "13h",
            "--assume-role",
            "arn:aws:iam::123456789012:role/r",
        ],
        "error: a duration of 46800 s (--duration) is outside AWS's limits for a role\n\
         hint: use 900 to 43200 seconds, 15m to 12h\n",
    );
    fails(
        &format!("{}aws_mfa_duration = long\n", long_term("work")),
        &[],
        "error: `long` (aws_mfa_duration of [work-long-term] in ~/.aws/credentials) is not a duration\n\
         hint: write seconds like `43200`, or a duration like `12h` or `1h30m`\n",
    );
    let home = Home::of_alice();
    home.run(&["-p", "work"])
        .env("MFA_STS_DURATION", "abc")
        .ends(
            1,
            "error: `abc` (MFA_STS_DURATION) is not a duration\n\
         hint: write seconds like `43200`, or a duration like `12h` or `1h30m`\n",
        );
    home.run(&["-p", "work", "--duration=abc"]).ends(
        2,
        "error: invalid value 'abc' for '--duration <DURATION>': write seconds like `43200`, or a duration like `12h` or `1h30m`\n\
         \n\
         For more information, try '--help'.\n",
    );
}

#[test]
fn a_code_that_is_none() {
    let home = Home::of_alice();
    let hint = "hint: use the six digits that the device shows now\n";
    for code in ["12345", "1234567", "12345a", "abcdef", "１２３４５６"] {
        home.run(&["-p", "work", "--token", code]).ends(
            1,
            &format!("error: the code from --token is not six digits\n{hint}"),
        );
    }
    home.run(&["-p", "work"]).env("MFA_TOKEN", "1234").ends(
        1,
        &format!("error: the code from MFA_TOKEN is not six digits\n{hint}"),
    );
    home.run(&["-p", "work", "-q"]).stdin("otp: 123456\n").ends(
        1,
        &format!("error: the code from standard input is not six digits\n{hint}"),
    );
    assert_eq!(home.credentials(), long_term("work"));
}

#[test]
fn suffixes_that_are_the_same() {
    for arguments in [
        &["--long-term-suffix", "none"][..],
        &["--short-term-suffix", "long-term"],
        &["--long-suffix", "x", "--short-suffix", "x"],
    ] {
        let home = Home::of_alice();
        let outcome = home.run(&[&["-p", "work"], arguments].concat()).outcome();
        assert_eq!(outcome.status, Some(1));
        assert!(
            outcome.stderr.starts_with(
                "error: long-term and temporary credentials would share the section [work"
            ) && outcome.stderr.contains("\nhint: "),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_name_that_cannot_be_a_section() {
    for profile in ["a]b", "a\nb", " a", "a#b"] {
        let home = Home::of_alice();
        home.run(&["-p", profile]).ends(
            1,
            &format!(
                "error: `{}` (--profile) cannot be part of a section name\n\
                 hint: use a name without brackets, `#`, `;`, or spaces at its ends\n",
                profile.escape_debug()
            ),
        );
    }
}

#[test]
fn a_region_an_endpoint_or_a_role_that_cannot_be_one() {
    let keys = long_term("work");
    fails(
        &keys,
        &["--region", "eu west"],
        "error: `eu west` (--region) is not a region\nhint: write it like eu-west-1\n",
    );
    fails(
        &keys,
        &["--assume-role", "admin"],
        "error: `admin` (--assume-role) is not a role ARN\n\
         hint: write it like arn:aws:iam::123456789012:role/NAME or 123456789012:NAME\n",
    );
    let role = ["--assume-role", "arn:aws:iam::123456789012:role/r"];
    fails(
        &keys,
        &[&role[..], &["--role-session-name", "a b"]].concat(),
        "error: `a b` (--role-session-name) is not a valid role session name\n\
         hint: use 2 to 64 letters, digits, and any of _+=,.@-\n",
    );
    fails(
        &keys,
        &[&role[..], &["--external-id", "ü"]].concat(),
        "error: `ü` (--external-id) is not a valid external ID\n\
         hint: use 2 to 1224 letters, digits, and any of _+=,.@:/-\n",
    );
    for url in [
        "localhost:4566",
        "ftp://localhost",
        "http://",
        "http:// x",
        "http://localhost:99999",
        "http://localhost#x",
    ] {
        let home = Home::of_alice();
        home.run(&["-p", "work", "--token", "123456"])
            .env("AWS_ENDPOINT_URL", url)
            .ends(
                1,
                &format!(
                    "error: `{url}` (AWS_ENDPOINT_URL) is not an endpoint URL\n\
                 hint: write it like https://sts.eu-west-1.amazonaws.com\n"
                ),
            );
    }
}

#[test]
fn no_home() {
    let home = Home::of_alice();
    let outcome = home
        .run(&["-p", "work"])
        .without_env(HOME)
        .env(
            "AWS_SHARED_CREDENTIALS_FILE",
            home.file("credentials").to_str().unwrap(),
        )
        .env("AWS_CONFIG_FILE", home.file("config").to_str().unwrap())
        .outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
}

#[test]
fn a_broken_line_of_the_config_file_is_told() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    home.write(
        "config",
        "[profile other]\nregion\n[profile work]\nregion = eu-west-1\n",
    );
    let warning = "warning: ~/.aws/config:2 has no `=`: AWS tools reject the file because of it\n";
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    assert!(outcome.stderr.starts_with(warning), "{outcome:?}");
    // What stands in its other lines counts.
    assert_eq!(sts.requests()[0].region.as_deref(), Some("eu-west-1"));
    home.run(&["-p", "work", "--log-level", "WARNING"])
        .ends(0, warning);
    home.run(&["-p", "work", "-q"]).ends(0, "");
}

#[test]
fn a_name_in_a_hint_can_be_pasted() {
    for (mistyped, meant, flag) in [
        ("my tem é", "my team é", "--profile 'my team é'"),
        ("-tem", "-team", "--profile=-team"),
    ] {
        let flag = typed(flag);
        let home = Home::with(&long_term(meant));
        home.run(&[&format!("--profile={mistyped}")]).ends(
            1,
            &format!(
                "error: there is no section [{mistyped}-long-term] in ~/.aws/credentials\nhint: did you mean {flag}?\n"
            ),
        );
        home.run(&[&format!("--profile={meant}-long-term")]).ends(
            1,
            &format!(
                "error: there is no section [{meant}-long-term-long-term] in ~/.aws/credentials\n\
                 hint: name the profile without the suffix: {flag}\n"
            ),
        );
    }
}

#[test]
fn an_empty_profile_is_refused() {
    let text = format!("{}{}", long_term("default"), short_term("default", FAR));
    let home = Home::with(&text);
    for command in [
        "",
        "plan",
        "status",
        "status --check",
        "doctor",
        "clear",
        "setup",
        "export",
        "exec",
        "audit",
        "rotate",
        "device list",
        "device enroll",
        "device resync",
        "keychain move",
        "keychain restore",
    ] {
        for flag in [&["-p", ""][..], &["--profile="], &["-p", "work", "-p", ""]] {
            if flag.len() > 2 && !["", "plan", "status", "clear"].contains(&command) {
                continue;
            }
            let words: Vec<&str> = command
                .split_whitespace()
                .chain(flag.iter().copied())
                .collect();
            let trailing = &["--", "true"][..if command == "exec" { 2 } else { 0 }];
            home.run(&[&words, trailing].concat()).ends(
                2,
                "error: invalid value '' for '--profile <PROFILE>': name a profile, or leave out the flag\n\n\
                 For more information, try '--help'.\n",
            );
        }
    }
    assert_eq!(home.credentials(), text);
    // In the environment, as in aws-mfa, it is as if it were unset.
    home.run(&["-q"]).env("AWS_PROFILE", "").ends(0, "");
}

/// Its section is not missing: there is nothing for it to contain.
#[test]
fn a_profile_that_signs_in_with_the_aws_cli_needs_no_section() {
    let home = Home::with(&long_term("work"));
    let of_sso = |name: &str| {
        format!(
            "error: [{name}] in ~/.aws/config gets its credentials from IAM Identity Center (SSO), not from a user's long-term keys\n"
        )
    };
    let told = of_sso("profile dev");
    for key in [
        "sso_session = x",
        "sso_start_url = https://x.awsapps.com/start",
        "sso_account_id = 123456789012",
    ] {
        home.write("config", &format!("[profile dev]\n{key}\n"));
        let hint = "hint: run `aws sso login --profile dev`: AWS tools then use the profile without mfa-creds; there are keys for: work\n";
        for command in [&[][..], &["export"], &["plan"], &["device", "list"]] {
            home.run(&[command, &["-p", "dev"]].concat())
                .ends(1, &format!("{told}{hint}"));
        }
    }
    home.write("config", "[default]\nsso_session = x\n");
    home.run(&[]).ends(
        1,
        &format!(
            "{}hint: run `aws sso login --profile default`: AWS tools then use the profile without mfa-creds; there are keys for: work\n",
            of_sso("default")
        ),
    );
    // Keys of a user that are in the way belong into a section for them.
    home.write(
        "credentials",
        &format!(
            "{}{}",
            long_term("work"),
            long_term("dev").replace("-long-term", "")
        ),
    );
    home.write("config", "[profile dev]\nsso_session = x\n");
    home.run(&["-p", "dev"]).ends(
        1,
        "error: there is no section [dev-long-term] in ~/.aws/credentials\n\
         hint: [dev] contains long-term keys; move them with `mfa-creds setup --profile dev`\n",
    );
}

#[test]
fn where_nothing_is_set_up_the_first_command_is_named() {
    let sso =
        "[profile dev]\nsso_session = x\nsso_account_id = 123456789012\nsso_role_name = Dev\n";
    let store = "to store your long-term keys";
    let sso_works = "; profiles of IAM Identity Center (SSO) work without mfa-creds";
    let no_file = "there is no credentials file ~/.aws/credentials";
    for (credentials, config, more) in [
        (None, "", ""),
        (None, sso, sso_works),
        (Some(""), "", ""),
        (Some("[default]\nregion = eu-west-1\n"), "", ""),
        (Some(""), sso, sso_works),
    ] {
        let home = Home::new();
        home.write("config", config);
        if let Some(credentials) = credentials {
            home.write("credentials", credentials);
        }
        for (arguments, profile, setup) in [
            (&[][..], "default", "mfa-creds setup"),
            (&["-p", "dev"], "dev", "mfa-creds setup --profile dev"),
            (&["plan"], "default", "mfa-creds setup"),
            (&["export"], "default", "mfa-creds setup"),
            (&["device", "list"], "default", "mfa-creds setup"),
        ] {
            let no_section =
                format!("there is no section [{profile}-long-term] in ~/.aws/credentials");
            let why = credentials.map_or(no_file, |_| &no_section);
            home.run(arguments).ends(
                1,
                &format!(
                    "error: mfa-creds is not set up: {why}\nhint: run `{setup}` {store}{more}\n"
                ),
            );
        }
    }
}
