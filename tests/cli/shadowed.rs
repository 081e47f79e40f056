//! What AWS tools use instead of what we write, and what our keys hide from them. The orders were tried with botocore 1.44.8, and read in the
//! sources of the SDKs for Go, Java, JavaScript, PHP, and Rust.

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::doctor::{home, says};
use crate::support::home::Home;
use crate::support::roles::ADMIN;
use crate::support::sections::{FAR, long_term, short_term};

const DOCTOR: [&str; 4] = ["doctor", "-p", "work", "--offline"];
const RENEWED: &str = "renewing [work]: there are no credentials yet\n[work] is valid until …\n";

/// What a refresh, `plan`, and `doctor` say about a setting of `[profile work]`.
fn is_told(config: &str, fact: &str, more: &str, way_out: &str) {
    let sts = StandIn::start(Account::example());
    let home = home(&long_term("work"), config);
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout.contains(&format!("warning  {fact}\n")),
        "{plan:?}"
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .ends(0, &format!("{RENEWED}warning: {fact}{more}: {way_out}\n"));
    says(
        home.run(&DOCTOR),
        "warning",
        "precedence",
        &format!("{fact}{more}"),
        Some(way_out),
    );
}

#[test]
fn sso_settings_that_come_before_our_section_are_told() {
    let beside =
        "run `mfa-creds -p work --short-term-suffix mfa` to write a section that they read";
    let session = "[sso-session corp]\nsso_start_url = https://x\nsso_region = eu-west-1\n";
    is_told(
        &format!(
            "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n{session}"
        ),
        "the AWS CLI, boto3, and other SDKs do not read [work]: [profile work] in ~/.aws/config has sso_account_id",
        ", and they sign in to IAM Identity Center instead",
        beside,
    );
    // The AWS CLI uses such a session only for other tokens, and reads the section.
    for setting in ["sso_session", "sso_start_url", "sso_region"] {
        is_told(
            &format!("[profile work]\n{setting} = corp\n{session}"),
            &format!(
                "the AWS SDKs for Java and Rust do not read [work]: [profile work] in ~/.aws/config has {setting}"
            ),
            ", and they require sso_account_id with it",
            beside,
        );
    }
}

#[test]
fn a_role_that_a_token_assumes_comes_before_keys_with_its_name() {
    let home = home(
        &format!("{}{}", long_term("work"), short_term("work", FAR)),
        &format!("[profile work]\nrole_arn = {ADMIN}\nweb_identity_token_file = /x\n"),
    );
    says(
        home.run(&DOCTOR),
        "warning",
        "precedence",
        "the AWS CLI, boto3, and other SDKs do not read [work]: [profile work] in ~/.aws/config has web_identity_token_file, and they use that \
         token instead",
        Some("remove one of the two in an editor"),
    );
}

#[test]
fn a_session_of_aws_login_that_our_section_hides_is_told() {
    let config = "[profile work]\nlogin_session = arn:aws:iam::123456789012:user/alice\n";
    let fact =
        "the AWS CLI and some SDKs do not use the login_session of [profile work] in ~/.aws/config";
    let sts = StandIn::start(Account::example());
    let home = home(&long_term("work"), config);
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout
            .contains(&format!("warning  {fact} while [work] has keys\n")),
        "{plan:?}"
    );
    says(
        home.run(&DOCTOR),
        "ok",
        "precedence",
        "no setting takes precedence over the stored keys",
        None,
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
        0,
        &format!(
            "{RENEWED}warning: {fact} while [work] has keys: `mfa-creds clear -p work` removes them\n"
        ),
    );
    let in_the_way = format!("{fact}, because [work] in ~/.aws/credentials has keys");
    let way_out = "remove them with `mfa-creds clear -p work`";
    says(
        home.run(&DOCTOR),
        "warning",
        "precedence",
        &in_the_way,
        Some(way_out),
    );
    home.run(&["clear", "-p", "work", "-q"]).succeeds();
    assert!(!home.run(&DOCTOR).outcome().stdout.contains("login_session"));
    // In a section of its own, it hides nothing.
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--short-term-suffix", "mfa"])
        .env("MFA_TOKEN", &code)
        .ends(
            0,
            "renewing [work-mfa]: there are no credentials yet\n[work-mfa] is valid until …\n\
             use it with --profile work-mfa\n",
        );
}

#[test]
fn old_keys_that_hide_a_session_of_aws_login_in_use_are_told() {
    let sts = StandIn::start(Account::example());
    let fact =
        "the AWS CLI and some SDKs do not use the login_session of [profile dev] in ~/.aws/config";
    let foreign =
        "[dev]\naws_access_key_id = ASIAOTHER\naws_secret_access_key = x\naws_session_token = y\n";
    let clear = "mfa-creds clear -p dev --short-term-suffix none";
    for (credentials, while_it_has, fix) in [
        (
            short_term("dev", FAR),
            format!("`{clear}` removes them"),
            format!("remove them with `{clear}`"),
        ),
        (
            foreign.to_owned(),
            "remove them in an editor".to_owned(),
            "remove them in an editor".to_owned(),
        ),
    ] {
        let home = home(&credentials, "");
        home.signed_in("dev", &sts).ends_in(-1);
        let plan = home.run(&["plan", "-p", "dev"]).outcome();
        assert!(
            plan.stdout
                .contains(&format!("warning  {fact} while [dev] has keys\n")),
            "{plan:?}"
        );
        let doctor = ["doctor", "-p", "dev", "--offline"];
        says(
            home.run(&doctor),
            "warning",
            "precedence",
            &format!("{fact}, because [dev] in ~/.aws/credentials has keys"),
            Some(&fix),
        );
        let outcome = home.run_with(&sts, &["-p", "dev"]).succeeds();
        let warning = format!("warning: {fact} while [dev] has keys: {while_it_has}\n");
        assert!(outcome.stderr.contains(&warning), "{outcome:?}");
        if fix.contains(clear) {
            let words: Vec<&str> = clear.split(' ').skip(1).collect();
            home.run(&words).succeeds();
            let doctor = home.run(&doctor).outcome();
            assert!(!doctor.stdout.contains("do not use"), "{doctor:?}");
        }
    }
}

#[test]
fn a_token_in_the_environment_that_comes_before_profiles_is_told_once() {
    let sts = StandIn::start(Account::example());
    let credentials = format!("{}{}", long_term("work"), long_term("home"));
    let home = Home::with(&credentials);
    let fact = "AWS_WEB_IDENTITY_TOKEN_FILE is set: the AWS CLI and some SDKs prefer its token to AWS_PROFILE and [default]";
    let run = |words: &[&str]| {
        let run = home.run_with(&sts, words);
        run.env("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
    };
    let plan = run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout.contains(&format!("warning  {fact}\n")),
        "{plan:?}"
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = run(&["--all", "--token", &code]).outcome();
    let unset = "unset AWS_WEB_IDENTITY_TOKEN_FILE";
    let warnings: Vec<&str> = outcome
        .stderr
        .lines()
        .filter(|line| line.contains(fact))
        .collect();
    let [warning] = warnings[..] else {
        panic!("{outcome:?}");
    };
    assert!(
        warning.starts_with(&format!("warning: {fact}: {unset}"))
            && warning.ends_with(", or name the profile with --profile"),
        "{warning}"
    );
    // Where nothing is renewed, where a command gets the credentials, and where keys in the environment precede the token anyway.
    let cached = run(&["-p", "work"]).outcome();
    let exported = run(&["export", "-p", "work"]).outcome();
    let keys = run(&["-p", "work", "--force"]).env("AWS_ACCESS_KEY_ID", "AKIAFAKE");
    let code = sts.fresh_code(ALICE_DEVICE);
    for outcome in [cached, exported, keys.env("MFA_TOKEN", &code).outcome()] {
        assert!(!outcome.stderr.contains("AWS_WEB"), "{outcome:?}");
    }
}

/// A role over a source that has these settings.
fn over(source: &str, more: &str) -> Home {
    let home = Home::with(&long_term("personal"));
    let role = format!("[profile work]\nrole_arn = {ADMIN}\nsource_profile = base\n{more}");
    home.write("config", &format!("{role}[profile base]\n{source}"));
    home
}

#[test]
fn the_hint_for_a_role_over_another_source_says_what_aws_tools_do_with_it() {
    let of_sso = "error: the profile base (source_profile of [profile work] in ~/.aws/config) gets its credentials from IAM Identity Center (SSO), \
                  not from a user's long-term keys\n";
    let from = |source: &str| of_sso.replace("IAM Identity Center (SSO)", source);
    let assume = "AWS tools other than the SDK for PHP then assume roles with its credentials, without mfa-creds";
    let sso = "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n";
    let login = format!("hint: run `aws sso login --profile base`: {assume}");
    let serial = format!("mfa_serial = {ALICE_DEVICE}\n");
    for (source, more, stderr) in [
        (sso, "", format!("{of_sso}{login}\n")),
        (
            sso,
            &serial,
            format!(
                "{of_sso}{login}; remove mfa_serial of [profile work] in ~/.aws/config, which needs a user's keys\n"
            ),
        ),
        (
            "sso_session = corp\n",
            "",
            format!(
                "{of_sso}hint: run `aws configure sso --profile base` to choose an account and a role: {assume}\n"
            ),
        ),
        (
            "web_identity_token_file = /x\n",
            "",
            format!(
                "{}hint: add role_arn to it, which AWS tools require next to web_identity_token_file: they assume both roles without mfa-creds\n",
                from("web_identity_token_file")
            ),
        ),
        (
            "credential_source = Ec2InstanceMetadata\n",
            "",
            format!(
                "{}hint: add role_arn to it, which AWS tools require next to credential_source: they assume both roles without mfa-creds\n",
                from("credential_source")
            ),
        ),
    ] {
        over(source, more).run(&["-p", "work"]).ends(1, &stderr);
    }
}

#[test]
fn a_session_of_aws_login_is_a_source_only_where_aws_login_writes_it() {
    let home = over("region = eu-west-1\n", "");
    home.write(
        "credentials",
        "[base]\nlogin_session = arn:aws:iam::123456789012:user/alice\n",
    );
    home.run(&["-p", "work"]).ends(
        1,
        "error: the profile base (source_profile of [profile work] in ~/.aws/config) gets its credentials from login_session, \
         not from a user's long-term keys\n\
         hint: move the line to [profile base] in ~/.aws/config, where `aws login` writes it\n",
    );
}

#[test]
fn a_role_that_a_token_or_a_machine_assumes_is_named_with_its_value() {
    let role = "role_arn = arn:aws:iam::123456789012:role/first\n";
    let fix = |key: &str| {
        format!(
            "hint: to use MFA, replace {key} with source_profile; AWS tools get such credentials without mfa-creds\n"
        )
    };
    for (setting, with, key) in [
        (
            "web_identity_token_file = /x",
            "web_identity_token_file",
            "web_identity_token_file",
        ),
        (
            "credential_source = Ec2InstanceMetadata",
            "credential_source = Ec2InstanceMetadata",
            "credential_source",
        ),
        (
            "credential_source = EcsContainer",
            "credential_source = EcsContainer",
            "credential_source",
        ),
    ] {
        over(&format!("{role}{setting}\n"), "")
            .run(&["-p", "work"])
            .ends(
                1,
                &format!(
                    "error: [profile base] in ~/.aws/config assumes its role with {with}, not with a user's long-term keys\n{}",
                    fix(key)
                ),
            );
    }
    // As in AWS tools, a capital letter matters.
    over(&format!("{role}credential_source = environment\n"), "")
        .run(&["-p", "work"])
        .ends(
            1,
            "error: `environment` (credential_source of [profile base] in ~/.aws/config) is not a source of credentials\n\
             hint: replace the line with `source_profile = NAME`, naming the profile whose keys assume the role, or write Environment; \
             AWS tools also know Ec2InstanceMetadata and EcsContainer\n",
        );
}

#[test]
fn what_hides_nothing_is_no_reason_to_warn() {
    let home = home(
        &format!("{}{}", long_term("work"), short_term("work", FAR)),
        "[profile work]\nregion = eu-west-1\n[profile other]\nlogin_session = x\nsso_account_id = 1\n",
    );
    says(
        home.run(&DOCTOR),
        "ok",
        "precedence",
        "no setting takes precedence over the stored keys",
        None,
    );
}
