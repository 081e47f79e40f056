//! Roles as people have them in their files, beside those of the config file. What AWS tools do with the same files was read in the source
//! of botocore 1.44 (`Session.full_config`, `AssumeRoleProvider`): a key in the credentials file overrides the same key in the config file.

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, StandIn};

#[cfg(unix)]
use crate::support::doctor::says;
use crate::support::home::{Home, Outcome};
use crate::support::roles::{ADMIN, AUDIT, LONG, account};
use crate::support::sections::{keys_only, long_term, value};

fn renewed(home: &Home, sts: &StandIn, words: &[&str]) -> Outcome {
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = home.run_with(sts, words).env("MFA_TOKEN", &code);
    let outcome = run.outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    outcome
}

#[track_caller]
fn has_role(home: &Home, section: &str, arn: &str) {
    let text = home.credentials();
    let role = value(&text, section, "assumed_role_arn");
    assert_eq!(role.as_deref(), Some(arn), "{text}");
}

#[test]
fn a_role_in_the_credentials_file_is_assumed_and_its_section_stays_as_it_is() {
    let sts = StandIn::start(account());
    let role = format!(
        "[audit]\nrole_arn = {AUDIT}\nsource_profile = personal\nmfa_serial = {ALICE_DEVICE}\nexternal_id = outside\n\
         role_session_name = me\nduration_seconds = 1800\n"
    );
    let keys = keys_only().replace("[work-", "[personal-");
    let home = Home::with(&format!("{role}{keys}"));
    let outcome = renewed(&home, &sts, &["-p", "audit", "-v"]);
    assert!(
        home.credentials().starts_with(&role),
        "{}",
        home.credentials()
    );
    has_role(&home, "audit-mfa", AUDIT);
    for line in [
        "section to write: audit-mfa (role_arn of [audit] in ~/.aws/credentials)",
        &format!("device: {ALICE_DEVICE} (mfa_serial of [audit] in ~/.aws/credentials)"),
        "role session name: me (role_session_name of [audit] in ~/.aws/credentials)",
        "external ID: outside (external_id of [audit] in ~/.aws/credentials)",
        "duration: 1800 s (duration_seconds of [audit] in ~/.aws/credentials)",
    ] {
        assert!(
            outcome.stderr.lines().any(|found| found == line),
            "{line}: {outcome:?}"
        );
    }
    // Cached, by either name, and selected by --all.
    home.run(&["-p", "audit", "-q"]).prints("", "");
    home.run(&["-p", "audit-mfa", "-q"]).prints("", "");
    let status = home.run(&["status", "--json"]).outcome();
    assert!(
        status.stdout.contains("\"section\": \"audit-mfa\""),
        "{status:?}"
    );
    let names = home.run(&["plan", "--all"]).outcome();
    assert!(names.stdout.contains(AUDIT), "{names:?}");
}

#[test]
fn a_key_in_the_credentials_file_overrides_the_same_key_in_the_config_file() {
    let sts = StandIn::start(account());
    let own = format!("[work]\nrole_arn = {ADMIN}\n");
    let home = Home::with(&format!("{own}{}", long_term("personal")));
    let config =
        format!("[profile work]\nrole_arn = {LONG}\nsource_profile = personal\nexternal_id = x1\n");
    home.write("config", &config);
    let outcome = renewed(&home, &sts, &["-p", "work", "-v"]);
    has_role(&home, "work-mfa", ADMIN);
    // Each key by itself, as in botocore.
    assert!(
        outcome
            .stderr
            .contains("external ID: x1 (external_id of [profile work] in ~/.aws/config)"),
        "{outcome:?}"
    );
    assert!(
        home.credentials().starts_with(&own),
        "{}",
        home.credentials()
    );
}

#[test]
fn chains_go_through_both_files_and_keys_of_a_section_assume_its_own_role() {
    let sts = StandIn::start(account());
    // [outer] in the config file -> [inner] in the credentials file -> keys.
    let inner = format!("[inner]\nrole_arn = {ADMIN}\nsource_profile = personal\n");
    let home = Home::with(&format!("{inner}{}", long_term("personal")));
    home.write(
        "config",
        &format!("[profile outer]\nrole_arn = {LONG}\nsource_profile = inner\n"),
    );
    let plan = home.run(&["plan", "-p", "outer"]).outcome();
    let (first, second) = (plan.stdout.find(ADMIN), plan.stdout.find(LONG));
    assert!(first.is_some() && second.is_some(), "{plan:?}");
    // The keys of the profile itself.
    let keys = long_term("work").replace("[work-long-term]", "[work]");
    let own = format!("{keys}role_arn = {ADMIN}\nsource_profile = work\n");
    let home = Home::with(&own);
    renewed(&home, &sts, &["-p", "work"]);
    has_role(&home, "work-mfa", ADMIN);
    assert!(
        home.credentials().starts_with(&own),
        "{}",
        home.credentials()
    );
}

#[test]
fn less_power_that_is_set_beside_the_role_is_not_ignored() {
    let role = format!("[work]\nrole_arn = {ADMIN}\nsource_profile = personal\nread_only = true\n");
    let home = Home::with(&format!("{role}{}", long_term("personal")));
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(plan.stdout.contains("ReadOnlyAccess"), "{plan:?}");
}

#[test]
fn less_power_beside_the_role_applies_next_to_keys_of_its_own_too() {
    let settings = format!("role_arn = {ADMIN}\nread_only = true\n");
    let policy = "session_policy_arns = arn:aws:iam::aws:policy/ViewOnlyAccess\n";
    for (role, config) in [
        (format!("[work]\n{settings}"), String::new()),
        (
            "[work]\nread_only = true\n".to_owned(),
            format!("[profile work]\nrole_arn = {ADMIN}\n"),
        ),
        // What is in the credentials file overrides what is in the config file.
        (
            format!("[work]\n{settings}"),
            format!("[profile work]\n{policy}"),
        ),
    ] {
        let home = Home::with(&format!("{role}{}", long_term("work")));
        home.write("config", &config);
        let plan = home.run(&["plan", "-p", "work"]).outcome();
        assert!(
            plan.stdout.contains(
                "at most  what both the role and arn:aws:iam::aws:policy/ReadOnlyAccess (read_only of [work] in ~/.aws/credentials) allow\n"
            ),
            "{role}{config}: {plan:?}"
        );
        // As in the config file, the settings of a role are not those of another one.
        let plan = home
            .run(&["plan", "-p", "work", "--assume-role", LONG])
            .outcome();
        assert!(
            plan.status == Some(0) && !plan.stdout.contains("at most"),
            "{plan:?}"
        );
    }
    // The long-term section comes first.
    let home = Home::with(&format!("[work]\n{settings}{}{policy}", long_term("work")));
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout.contains("ViewOnlyAccess") && !plan.stdout.contains("ReadOnlyAccess"),
        "{plan:?}"
    );
}

#[test]
fn credentials_with_all_power_do_not_serve_a_role_that_got_less_in_the_credentials_file() {
    let sts = StandIn::start(account());
    let role = format!("[work]\nrole_arn = {ADMIN}\n");
    let home = Home::with(&format!("{role}{}", long_term("work")));
    renewed(&home, &sts, &["-p", "work", "-q"]);
    let text = home.credentials();
    let less = text.replace(&role, &format!("{role}read_only = true\n"));
    home.write("credentials", &less);
    home.run_with(&sts, &["-p", "work"]).ends(
        0,
        "renewing [work-mfa]: its credentials have more power than requested\n\
         [work-mfa] is valid until …\nuse it with --profile work-mfa\n",
    );
}

#[test]
fn both_sources_for_one_role_work_only_here() {
    let role = format!(
        "[profile work]\nrole_arn = {ADMIN}\nsource_profile = personal\ncredential_source = Environment\n"
    );
    let home = Home::with(&long_term("personal"));
    home.write("config", &role);
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout.contains("(work -> personal)") && !plan.stdout.contains("also works"),
        "{plan:?}"
    );
}

#[test]
fn a_session_is_not_written_next_to_a_role() {
    let sts = StandIn::start(account());
    for (section, config) in [
        (format!("[personal]\nrole_arn = {LONG}\n"), String::new()),
        (
            String::new(),
            format!("[profile personal]\nrole_arn = {LONG}\n"),
        ),
    ] {
        let home = Home::with(&format!("{section}{}", long_term("personal")));
        let role = format!("[profile work]\nrole_arn = {ADMIN}\nsource_profile = personal\n");
        home.write("config", &format!("{config}{role}"));
        let outcome = renewed(&home, &sts, &["-p", "work"]);
        assert_eq!(
            outcome.stderr,
            "renewing [work-mfa]: there are no credentials yet\n[work-mfa] is valid until …\nuse it with --profile work-mfa\n"
        );
        has_role(&home, "work-mfa", ADMIN);
        assert!(home.credentials().starts_with(&section));
        assert_eq!(
            value(&home.credentials(), "personal", "aws_access_key_id"),
            None
        );
        let doctor = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
        assert!(!doctor.stdout.contains("do not read"), "{doctor:?}");
    }
}

#[test]
fn mistakes_name_the_file_that_they_are_in() {
    let role = |more: &str| {
        format!(
            "[work]\nrole_arn = {ADMIN}\n{more}{}",
            long_term("personal")
        )
    };
    Home::with(&role("")).run(&["-p", "work"]).ends(
        1,
        "error: [work] in ~/.aws/credentials has role_arn without source_profile\n\
         hint: add `source_profile = NAME`, naming the profile whose keys assume the role, or write keys to [work-long-term]\n",
    );
    Home::with(&role("source_profile = work\n"))
        .run(&["-p", "work"])
        .ends(
            1,
            "error: source_profile in ~/.aws/credentials forms a loop: work -> work\n\
         hint: set one of them to a profile with long-term keys\n",
        );
    Home::with(&role("source_profile = persnal\n"))
        .run(&["-p", "work"])
        .ends(
            1,
            "error: there is no profile persnal (source_profile of [work] in ~/.aws/credentials)\n\
         hint: did you mean source_profile = personal?\n",
        );
}

/// A role over the keys in the environment.
fn over_environment() -> Home {
    let home = Home::new();
    let role = format!(
        "[profile work]\nrole_arn = {ADMIN}\ncredential_source = Environment\nmfa_serial = {ALICE_DEVICE}\n"
    );
    home.write("config", &role);
    home
}

#[test]
fn the_keys_of_a_role_can_be_in_the_environment() {
    let sts = StandIn::start(account());
    let home = over_environment();
    let run = |words: &[&str]| {
        let run = home.run_with(&sts, words);
        let run = run.env("AWS_ACCESS_KEY_ID", ALICE_ACCESS_KEY_ID);
        run.env("AWS_SECRET_ACCESS_KEY", ALICE_SECRET_ACCESS_KEY)
    };
    let outcome = run(&["plan", "-p", "work"]).outcome();
    let line = "of the environment (credential_source of [profile work] in ~/.aws/config)";
    assert!(outcome.stdout.contains(line), "{outcome:?}");
    let code = sts.fresh_code(ALICE_DEVICE);
    run(&["-p", "work", "-q"])
        .env("MFA_TOKEN", &code)
        .prints("", "");
    has_role(&home, "work-mfa", ADMIN);
    let text = home.credentials();
    assert!(
        !text.contains(ALICE_SECRET_ACCESS_KEY) && !text.contains(ALICE_ACCESS_KEY_ID),
        "{text}"
    );
    // The session serves the next role, and cached credentials need no keys.
    run(&["-p", "work", "-q", "--force"]).prints("", "");
    home.run(&["-p", "work", "-q"]).prints("", "");
    // What the environment has is not for --all.
    home.run(&["--all"]).ends(
        1,
        "error: --all found no long-term section in ~/.aws/credentials\nhint: run `mfa-creds setup --profile default` to write one\n",
    );
    // `rotate` would have nowhere to write.
    run(&["rotate", "-p", "work"]).ends(
        1,
        "error: [profile work] in ~/.aws/config is not in the credentials file\n\
         hint: move its keys to a section of the credentials file first\n",
    );
}

#[cfg(unix)]
#[test]
fn doctor_does_not_ask_to_unset_what_the_profile_needs() {
    let sts = StandIn::start(account());
    let home = over_environment();
    let run = |words: &[&str]| {
        let run = home.run_with(&sts, words);
        let run = run.env("AWS_ACCESS_KEY_ID", ALICE_ACCESS_KEY_ID);
        run.env("AWS_SECRET_ACCESS_KEY", ALICE_SECRET_ACCESS_KEY)
    };
    says(
        run(&["doctor", "-p", "work", "--offline"]),
        "warning",
        "environment",
        "AWS_ACCESS_KEY_ID (AKIA…ALIC), AWS_SECRET_ACCESS_KEY are set: AWS tools prefer them to AWS_PROFILE and [default]",
        Some(
            "run AWS tools with `mfa-creds exec -p work -- COMMAND`, or name the profile with --profile",
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    let tool = run(&["exec", "-p", "work", "--", "printenv", "AWS_ACCESS_KEY_ID"]);
    let outcome = tool.env("MFA_TOKEN", &code).outcome();
    assert!(outcome.stdout.starts_with("ASIA"), "{outcome:?}");
}

#[test]
fn keys_in_the_environment_must_be_whole_and_long_term() {
    let home = over_environment();
    let hint = "hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an IAM user's own keys (AKIA…), without AWS_SESSION_TOKEN\n";
    let of = "credential_source of [profile work] in ~/.aws/config is Environment";
    let (id, secret, token) = (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    );
    for (set, problem) in [
        (&[][..], format!("{id} is not set, but {of}")),
        (&[secret], format!("{id} is not set, but {of}")),
        (&[id], format!("{secret} is not set, but {of}")),
        (
            &[id, secret, token],
            format!("{token} is set, and temporary credentials cannot get a session: {of}"),
        ),
        (
            &[id, secret, "AWS_SECURITY_TOKEN"],
            format!(
                "AWS_SECURITY_TOKEN is set, and temporary credentials cannot get a session: {of}"
            ),
        ),
    ] {
        let run = home.run(&["-p", "work"]);
        let run = set
            .iter()
            .fold(run, |run, name| run.env(name, ALICE_ACCESS_KEY_ID));
        run.ends(1, &format!("error: {problem}\n{hint}"));
    }
}

#[test]
fn settings_of_included_profiles_apply_where_a_profile_has_none() {
    let sts = StandIn::start(account());
    let keys = keys_only().replace("[work-", "[personal-");
    let home = Home::with(&keys);
    let config = format!(
        "[profile audit]\nrole_arn = {AUDIT}\ninclude_profile = team\nrole_session_name = me\n\
         [profile team]\nsource_profile = personal\nexternal_id = outside\nrole_session_name = team\ninclude_profile = all\n\
         [profile all]\nmfa_serial = {ALICE_DEVICE}\nregion = eu-west-1\nexternal_id = wrong\n"
    );
    home.write("config", &config);
    let outcome = renewed(&home, &sts, &["-p", "audit", "-v"]);
    has_role(&home, "audit-mfa", AUDIT);
    for line in [
        &format!("device: {ALICE_DEVICE} (mfa_serial of [profile all] in ~/.aws/config)"),
        "role session name: me (role_session_name of [profile audit] in ~/.aws/config)",
        "external ID: outside (external_id of [profile team] in ~/.aws/config)",
        "region: eu-west-1 (region of [profile all] in ~/.aws/config)",
    ] {
        assert!(
            outcome.stderr.lines().any(|found| found == line),
            "{line}: {outcome:?}"
        );
    }
    // AWS tools know no such key.
    assert!(!outcome.stderr.contains("also works"), "{outcome:?}");
    home.run(&["-p", "audit", "-q"]).prints("", "");
    // A whole role can be included, and --all finds it.
    home.write(
        "config",
        &format!("[profile copy]\ninclude_profile = audit\n{config}"),
    );
    let plan = home.run(&["plan", "--all"]).outcome();
    assert!(
        plan.stdout.contains("copy-mfa") && plan.stdout.contains("audit-mfa"),
        "{plan:?}"
    );
}

#[test]
fn included_session_policies_come_from_one_profile() {
    let home = Home::with(&long_term("personal"));
    let policy = "session_policy_arns = arn:aws:iam::aws:policy/ViewOnlyAccess\n";
    let role = |own: &str| {
        format!(
            "[profile work]\nrole_arn = {ADMIN}\nsource_profile = personal\ninclude_profile = all\n{own}\
             [profile all]\nread_only = true\n"
        )
    };
    home.write("config", &role(""));
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(plan.stdout.contains("ReadOnlyAccess"), "{plan:?}");
    home.write("config", &role(policy));
    let plan = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout.contains("ViewOnlyAccess") && !plan.stdout.contains("ReadOnlyAccess"),
        "{plan:?}"
    );
}

#[test]
fn an_included_profile_must_exist_and_not_lead_back() {
    let role = format!("[profile work]\nrole_arn = {ADMIN}\nsource_profile = personal\n");
    for (config, stderr) in [
        (
            format!(
                "{role}include_profile = a\n[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a\n"
            ),
            "error: include_profile in ~/.aws/config forms a loop: a -> b -> a\nhint: remove one of these lines\n",
        ),
        (
            format!("{role}include_profile = work\n"),
            "error: include_profile in ~/.aws/config forms a loop: work -> work\nhint: remove one of these lines\n",
        ),
        (
            "[profile work]\ninclude_profile = work\n".to_owned(),
            "error: include_profile in ~/.aws/config forms a loop: work -> work\nhint: remove one of these lines\n",
        ),
        (
            format!("{role}include_profile = teem\n[profile team]\nregion = eu-west-1\n"),
            "error: there is no profile teem (include_profile of [profile work] in ~/.aws/config)\n\
             hint: did you mean include_profile = team?\n",
        ),
        (
            format!("{role}include_profile = nobody\n"),
            "error: there is no profile nobody (include_profile of [profile work] in ~/.aws/config)\n\
             hint: add [profile nobody], or remove the line\n",
        ),
    ] {
        let home = Home::with(&long_term("personal"));
        home.write("config", &config);
        home.run(&["-p", "work"]).ends(1, stderr);
    }
}

#[test]
fn an_account_and_a_name_are_a_role_in_the_partition_of_the_device_or_the_region() {
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    let short = "123456789012:admin";
    renewed(&home, &sts, &["-p", "work", "--assume-role", short]);
    has_role(&home, "work", ADMIN);
    // Stored credentials are found by either form, from wherever it comes.
    let calls = sts.calls();
    for role in [short, ADMIN] {
        home.run_with(&sts, &["-p", "work", "-q", "--assume-role", role])
            .prints("", "");
        let run = home.run_with(&sts, &["-p", "work", "-q"]);
        run.env("MFA_ASSUME_ROLE", role).prints("", "");
        let with_role = format!("aws_mfa_device = {ALICE_DEVICE}\nassume_role = {role}\n");
        let before = home.credentials();
        home.write(
            "credentials",
            &before.replace(&format!("aws_mfa_device = {ALICE_DEVICE}\n"), &with_role),
        );
        home.run_with(&sts, &["-p", "work", "-q"]).prints("", "");
        home.write("credentials", &before);
    }
    assert_eq!(sts.calls(), calls);
    let planned = |home: &Home, words: &[&str], arn: &str| {
        let role = [
            "plan",
            "-p",
            "work",
            "--assume-role",
            "123456789012:team/audit",
        ];
        let plan = home.run(&[&role[..], words].concat()).outcome();
        assert!(plan.stdout.contains(arn), "{plan:?}");
    };
    planned(&home, &[], "arn:aws:iam::123456789012:role/team/audit");
    let home = Home::with(&keys_only());
    planned(
        &home,
        &["--region", "cn-north-1"],
        "arn:aws-cn:iam::123456789012:role/team/audit",
    );
    home.write("config", "[profile work]\nregion = us-gov-west-1\n");
    planned(
        &home,
        &[],
        "arn:aws-us-gov:iam::123456789012:role/team/audit",
    );
    // The device, or the region, of a source.
    let keys = keys_only().replace("[work-", "[personal-");
    let home = Home::with(&format!("{keys}region = cn-north-1\n"));
    home.write("config", "[profile work]\nsource_profile = personal\n");
    planned(&home, &[], "arn:aws-cn:iam::123456789012:role/team/audit");
    let device = "arn:aws-us-gov:iam::123456789012:mfa/alice";
    home.write(
        "credentials",
        &format!("{keys}aws_mfa_device = {device}\nregion = us-gov-west-1\n"),
    );
    planned(
        &home,
        &[],
        "arn:aws-us-gov:iam::123456789012:role/team/audit",
    );
    // Whoever is signed in.
    let login = "[profile base]\nlogin_session = arn:aws-cn:iam::123456789012:user/alice\n";
    let home = Home::new();
    home.write(
        "config",
        &format!("{login}[profile work]\nsource_profile = base\nregion = cn-north-1\n"),
    );
    planned(&home, &[], "arn:aws-cn:iam::123456789012:role/team/audit");
    for wrong in [
        "12345678901:admin",
        "123456789012:",
        "123456789012:a:b",
        "123456789012:role/admin",
        "123456789012:/admin",
        "123456789012:arn:aws:iam::123456789012:role/admin",
        "123456789012:a b",
    ] {
        home.run(&["-p", "work", "--assume-role", wrong]).ends(
            1,
            &format!(
                "error: `{wrong}` (--assume-role) is not a role ARN\n\
                 hint: write it like arn:aws:iam::123456789012:role/NAME or 123456789012:NAME\n"
            ),
        );
    }
}
