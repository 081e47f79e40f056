//! What has not the form that AWS documents is refused, wherever it comes from; what is to be typed is quoted.

use stand_in::{ALICE_ACCESS_KEY_ID, Account, StandIn};

use crate::support::home::Home;
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems::typed;

const NO_REGIONS: [&str; 6] = [
    "eu-west-1.evil.example",
    "evil.example/",
    "x$(touch${IFS}evil)",
    "EU",
    "-x",
    "a\u{202e}b",
];

#[test]
fn a_region_is_a_label_of_a_host_name_before_it_goes_out() {
    let refused = |region: &str, origin: &str| {
        let region = region.replace('\u{202e}', "\u{fffd}");
        format!("error: `{region}` ({origin}) is not a region\nhint: write it like eu-west-1\n")
    };
    let session = short_term("work", FAR);
    for region in NO_REGIONS {
        let home = Home::with(&session);
        let command = &["export", "-q", "-p", "work"];
        home.run(command)
            .env("AWS_REGION", region)
            .ends(1, &refused(region, "AWS_REGION"));
        home.write("config", &format!("[profile work]\nregion = {region}\n"));
        let origin = "region of [profile work] in ~/.aws/config";
        home.run(command).ends(1, &refused(region, origin));
        home.run(&["exec", "-q", "-p", "work", "--", "true"])
            .ends(1, &refused(region, origin));
        let home = Home::of_alice();
        home.run(&["-q", "-p", "work", &format!("--region={region}")])
            .ends(1, &refused(region, "--region"));
    }
    // Servers of one's own have regions that AWS has not.
    for region in ["local", "us-east-1000", "a", "my-dev-region"] {
        let home = Home::with(&session);
        let outcome = home
            .run(&["export", "-q", "-p", "work"])
            .env("AWS_REGION", region)
            .outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let line = format!("AWS_DEFAULT_REGION={region}\n");
        assert!(outcome.stdout.contains(&line), "{outcome:?}");
    }
}

#[test]
fn a_role_its_session_and_its_external_id_have_their_forms() {
    let role = "arn:aws:iam::123456789012:role/team/x";
    let home = Home::of_alice();
    for evil in [
        "arn:aws:iam::123456789012:role/x;touch${IFS}evil",
        "arn:aws:iam::123456789012:role/`touch`/x\u{202e}",
        "arn:a\u{1b}ws:iam::123456789012:role/x",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/x/",
    ] {
        let outcome = home
            .run(&["-q", "-p", "work", "--assume-role", evil])
            .outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(
            outcome.stderr.contains("is not a role ARN\nhint: "),
            "{outcome:?}"
        );
        let config = format!("[profile r]\nrole_arn = {evil}\nsource_profile = work\n");
        home.write("config", &config);
        let outcome = home.run(&["-q", "-p", "r"]).outcome();
        assert!(
            outcome.stderr.contains("is not a role ARN\nhint: "),
            "{outcome:?}"
        );
    }
    for (flag, evil, what) in [
        ("--role-session-name", "a;b", "a valid role session name"),
        (
            "--role-session-name",
            "a\u{202e}b",
            "a valid role session name",
        ),
        ("--external-id", "a b", "a valid external ID"),
        ("--external-id", "$(x)", "a valid external ID"),
    ] {
        let outcome = home
            .run(&["-q", "-p", "work", "--assume-role", role, flag, evil])
            .outcome();
        assert!(
            outcome
                .stderr
                .contains(&format!("({flag}) is not {what}\nhint: ")),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_profile_in_a_hint_is_one_word_for_a_shell() {
    let home = Home::with(&long_term("it's $(x)"));
    home.run(&["-p", "it's $(x)-long-term"]).ends(
        1,
        &typed(
            "error: there is no section [it`s $(x)-long-term-long-term] in ~/.aws/credentials\n\
             hint: name the profile without the suffix: --profile 'it'\\''s $(x)'\n",
        )
        .replacen("it`s", "it's", 1),
    );
}

#[test]
fn an_access_key_id_that_no_header_takes_is_told() {
    let sts = StandIn::start(Account::example());
    for (odd, code) in [('\u{1f}', "001F"), ('\u{1c}', "001C"), ('ä', "00E4")] {
        let text = long_term("work").replacen(
            ALICE_ACCESS_KEY_ID,
            &format!("{ALICE_ACCESS_KEY_ID}{odd}x"),
            1,
        );
        let home = Home::with(&text);
        for arguments in [
            &["-p", "work", "--token", "123456"][..],
            &["device", "list", "-p", "work"],
            &["rotate", "--yes", "-p", "work"],
        ] {
            let outcome = home.run_with(&sts, arguments).outcome();
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            assert!(
                outcome.stderr.ends_with(&format!(
                    "error: aws_access_key_id of [work-long-term] in ~/.aws/credentials contains the character U+{code}, which no access key ID contains\n\
                     hint: type the line again; look up the access key in the IAM console\n"
                )),
                "{outcome:?}"
            );
        }
        assert!(sts.requests().is_empty());
    }
    // A session that cannot sign is none.
    let home = Home::with(&(long_term("work") + &short_term("work", FAR)));
    let text = home.credentials().replace("FakeToken", "Fäke");
    home.write("credentials", &text);
    let outcome = home
        .run_with(&sts, &["device", "list", "-p", "work"])
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}
