//! aws-mfa's interface: its flags, their abbreviations, and its name.

use stand_in::{ALICE_DEVICE, Account, Role, StandIn};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::binary;
use crate::support::sections::{FAR, long_term, short_term};

/// All flags of aws-mfa, those of its unreleased version included, and whether they take a value.
const FLAGS: [(&str, bool); 15] = [
    ("device", true),
    ("duration", true),
    ("profile", true),
    ("long-term-suffix", true),
    ("long-suffix", true),
    ("short-term-suffix", true),
    ("short-suffix", true),
    ("assume-role", true),
    ("assume", true),
    ("role-session-name", true),
    ("force", false),
    ("log-level", true),
    ("setup", false),
    ("token", true),
    ("mfa-token", true),
];

#[test]
fn every_abbreviation_that_aws_mfa_understands_is_understood() {
    let home = Home::new();
    for (flag, takes_value) in FLAGS {
        for length in 1..=flag.len() {
            let short = &flag[..length];
            let same_prefix = FLAGS.iter().filter(|(other, _)| other.starts_with(short));
            if same_prefix.count() > 1 && short != flag {
                continue;
            }
            // With --help nothing is done; a flag that is not understood is an error all the same.
            let mut arguments = vec![format!("--{short}")];
            if takes_value {
                let value = match flag {
                    "duration" => "900",
                    "log-level" => "INFO",
                    _ => "x",
                };
                arguments.push(value.to_owned());
            }
            arguments.push("--help".to_owned());
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let outcome = home.run(&arguments).outcome();
            assert_eq!(outcome.status, Some(0), "--{short}: {outcome:?}");
        }
    }
}

#[test]
fn a_value_may_be_joined_with_an_equals_sign() {
    let home = Home::with(&short_term("work-mfa", FAR));
    home.run(&[
        "--profile=work",
        "--long-term-suffix=none",
        "--short-term-suffix=mfa",
    ])
    .ends(0, "[work-mfa] is still valid until …\n");
}

#[test]
fn its_environment_is_enough() {
    let role = "arn:aws:iam::123456789012:role/r";
    let sts = StandIn::start(Account::example().role(Role::new(role).requires_mfa()));
    let keys = long_term("work");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    let home = Home::with(keys);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &["--log-level", "NOTSET", "--force", "--mfa-token", &code],
    )
    .env("AWS_PROFILE", "work")
    .env("MFA_DEVICE", ALICE_DEVICE)
    .env("MFA_STS_DURATION", "1200")
    .env("MFA_ASSUME_ROLE", role)
    .ends(0, "");
    // From the session, which the code was spent on.
    let request = &sts.requests()[1];
    assert_eq!(request.parameter("RoleArn"), Some(role));
    assert_eq!(request.parameter("DurationSeconds"), Some("1200"));
}

#[cfg(unix)]
#[test]
fn linked_as_aws_mfa_it_calls_itself_so() {
    let home = Home::new();
    let link = home.path().join("aws-mfa");
    std::os::unix::fs::symlink(binary(), &link).unwrap();
    let output = std::process::Command::new(link)
        .arg("--rr")
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("Usage: aws-mfa [OPTIONS]"), "{stderr}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn wrong_usage_ends_with_2_and_help_goes_to_standard_output() {
    let home = Home::new();
    for arguments in [
        &["nonsense"][..],
        &["--duration"],
        &["--log-level", "LOUD"],
        &["-q", "-v"],
    ] {
        let outcome = home.run(arguments).outcome();
        assert_eq!(outcome.status, Some(2), "{arguments:?}");
        assert_eq!(outcome.stdout, "");
    }
    let outcome = home.run(&["--help"]).outcome();
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    assert!(outcome.stdout.contains("--mfa") || outcome.stdout.contains("--token <CODE>"));
}

#[test]
fn its_abbreviations_are_taken_and_never_named() {
    for (typed, similar) in [
        (&["--rr"][..], None),
        (&["--tt"], None),
        (&["--pp"], None),
        (&["--m1"], None),
        (&["export", "--r2"], None),
        (&["exec", "--t3", "true"], None),
        // Nor is anything else that the help hides.
        (&["setup", "--stroe", "x"], None),
        (&["setup", "--r"], None),
        // What is written out is known by every name, and called by the one that the help has.
        (&["--mfa-tokn", "123456"], Some("--token")),
        (&["--lng-suffix", "none"], Some("--long-term-suffix")),
        (&["plan", "--shrt-suffix"], Some("--short-term-suffix")),
        (&["--asume", "x"], Some("--assume-role")),
        (&["export", "--reion"], Some("--region")),
        (&["device", "list", "--regon"], Some("--region")),
        (&["--prfile", "x"], Some("--profile")),
    ] {
        let outcome = Home::new().run(typed).outcome();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        let tip = similar.map(|flag| format!("a similar argument exists: '{flag}'"));
        match tip {
            Some(tip) => assert!(outcome.stderr.contains(&tip), "{outcome:?}"),
            None => assert!(!outcome.stderr.contains("similar"), "{outcome:?}"),
        }
        assert!(outcome.stderr.contains("Usage: mfa-creds"), "{outcome:?}");
        assert!(!outcome.stderr.contains("<NAME>"), "{outcome:?}");
    }
}
