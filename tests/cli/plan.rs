//! `mfa-creds plan`: what would be called and why, on standard output, with nothing touched. And the mistakes that a plan
//! finds, each a sentence and a hint, before a code is asked for.

use std::fs;

#[cfg(unix)]
use stand_in::ALICE_ACCESS_KEY_ID;
use stand_in::{ALICE_DEVICE, StandIn};

use crate::support::home::Home;
use crate::support::roles::{ADMIN, AUDIT, LONG, account, home, role};
use crate::support::sections::{FAR, long_term, short_term};
#[cfg(unix)]
use crate::support::systems::PATH;
use crate::support::systems::typed;

#[track_caller]
fn shows(home: &Home, arguments: &[&str], stdout: &str) {
    let before = (
        home.credentials(),
        fs::read_dir(home.file("")).unwrap().count(),
    );
    let outcome = home
        .run(&[&["plan"], arguments].concat())
        .env("USER", "alice")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1/no-request")
        .outcome();
    assert_eq!(outcome.stderr, "", "{outcome:?}");
    assert_eq!(outcome.status, Some(0));
    assert_eq!(outcome.stdout, stdout);
    let after = (
        home.credentials(),
        fs::read_dir(home.file("")).unwrap().count(),
    );
    assert_eq!(before, after, "touched");
}

const AT: &str = "at http://127.0.0.1:1/no-request (AWS_ENDPOINT_URL)";

#[test]
fn of_a_session() {
    let home = Home::of_alice();
    shows(
        &home,
        &["-p", "work"],
        &format!(
            "profile  work\n\
             writes   [work] in ~/.aws/credentials\n\
             now      must be renewed: there are no credentials yet\n\
             keys     AKIA…ALIC of [work-long-term] in ~/.aws/credentials\n\
             device   {ALICE_DEVICE} (aws_mfa_device of [work-long-term] in ~/.aws/credentials)\n\
             session  none: a code is needed\n\
             call 1   sts:GetSessionToken with the code, for 43200 s (default), {AT}\n\
             why      a session: no role is requested\n"
        ),
    );
    home.write(
        "credentials",
        &format!("{}{}", long_term("work"), short_term("work", FAR)),
    );
    let outcome = home.run(&["plan", "-p", "work"]).outcome();
    assert!(
        outcome
            .stdout
            .contains("now      nothing to do: valid until …\n"),
        "{outcome:?}"
    );
}

#[test]
fn of_a_role_and_of_one_that_lasts_longer() {
    let home = home(&format!(
        "{}{}",
        role("audit", AUDIT, "external_id = outside\n"),
        role("long", LONG, "duration_seconds = 14400\n")
    ));
    let common = format!(
        "keys     AKIA…ALIC of [personal-long-term] in ~/.aws/credentials (PROFILE -> personal)\n\
         device   {ALICE_DEVICE} (aws_mfa_device of [personal-long-term] in ~/.aws/credentials)\n"
    );
    let natively =
        "natively --profile PROFILE also works: AWS tools assume its role from [personal]\n";
    shows(
        &home,
        &["-p", "audit", "-p", "long"],
        &format!(
            "profile  audit\n\
             writes   [audit-mfa] in ~/.aws/credentials\n\
             now      must be renewed: there are no credentials yet\n\
             {}\
             session  none: a code is needed; it will be stored in [personal]\n\
             call 1   sts:GetSessionToken with the code, for 43200 s (default), {AT}\n\
             call 2   sts:AssumeRole {AUDIT} (role_arn of [profile audit] in ~/.aws/config) as alice, \
             external ID outside (external_id of [profile audit] in ~/.aws/config), for 3600 s (default), {AT}\n\
             why      the role from the session: one code serves every role of the device while the session is valid\n\
             use      --profile audit-mfa\n\
             {}\n\
             profile  long\n\
             writes   [long-mfa] in ~/.aws/credentials\n\
             now      must be renewed: there are no credentials yet\n\
             {}\
             call 1   sts:AssumeRole {LONG} (role_arn of [profile long] in ~/.aws/config) as alice with the code, \
             for 14400 s (duration_seconds of [profile long] in ~/.aws/config), {AT}\n\
             why      the role with a code of its own: AWS grants at most 1 h for a role that is assumed from a session\n\
             use      --profile long-mfa\n",
            common.replace("PROFILE", "audit"),
            natively.replace("PROFILE", "audit"),
            common.replace("PROFILE", "long"),
        ),
    );
    let outcome = home.run(&["plan", "-p", "long", "--chain"]).outcome();
    assert!(
        outcome.stdout.contains(
            "why      the role from the session: --chain\n\
             capped   1 h instead of 4 h (duration_seconds of [profile long] in ~/.aws/config): \
             AWS grants no more for a role that is assumed from a session; --direct uses a code of its own, and lasts longer\n"
        ),
        "{outcome:?}"
    );
}

#[test]
fn with_a_session_at_hand() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    let outcome = home.run(&["plan", "-p", "a"]).outcome();
    assert!(
        outcome.stdout.contains("\nsession  of [personal], valid until …\n")
            && outcome.stdout.contains(
                "\ncall 1   sts:GetSessionToken, not called: the session is stored, for 43200 s (default), in us-east-1 (default)\n"
            ),
        "{outcome:?}"
    );
    assert_eq!(sts.calls(), 1);
}

/// A profile of the config file cannot be renewed, and nothing is asked or called.
#[track_caller]
fn fails(credentials: &str, config: &str, profile: &str, stderr: &str) {
    let home = Home::with(credentials);
    home.write("config", config);
    for arguments in [
        &["-q", "--token", "123456", "-p", profile][..],
        &["plan", "-p", profile],
    ] {
        home.run(arguments)
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1/no-request")
            .ends(1, stderr);
    }
    assert_eq!(home.credentials(), credentials);
}

#[test]
fn a_source_that_does_not_exist() {
    fails(
        &long_term("personal"),
        &role("a", ADMIN, "").replace("personal", "persona"),
        "a",
        "error: there is no profile persona (source_profile of [profile a] in ~/.aws/config)\n\
         hint: did you mean source_profile = personal?\n",
    );
    fails(
        &long_term("personal"),
        &role("a", ADMIN, "").replace("personal", "elsewhere"),
        "a",
        "error: there is no profile elsewhere (source_profile of [profile a] in ~/.aws/config)\n\
         hint: run `mfa-creds setup --profile elsewhere` to write [elsewhere-long-term]\n",
    );
}

#[test]
fn a_source_without_keys() {
    fails(
        &long_term("other"),
        &format!(
            "[profile personal]\nregion = eu-west-1\n{}",
            role("a", ADMIN, "")
        ),
        "a",
        "error: the profile personal (source_profile of [profile a] in ~/.aws/config) has neither long-term keys nor a role\n\
         hint: run `mfa-creds setup --profile personal` to write [personal-long-term]\n",
    );
    fails(
        &short_term("personal", FAR),
        &role("a", ADMIN, ""),
        "a",
        "error: the profile personal (source_profile of [profile a] in ~/.aws/config) has no long-term keys: \
         [personal] in ~/.aws/credentials contains temporary credentials or an incomplete key\n\
         hint: if you have an IAM user's long-term keys, run `mfa-creds setup --profile personal` to write them to [personal-long-term]\n",
    );
}

#[test]
fn a_loop() {
    let config = "[profile a]\nrole_arn = ROLE\nsource_profile = b\n\
                  [profile b]\nrole_arn = ROLE\nsource_profile = c\n\
                  [profile c]\nrole_arn = ROLE\nsource_profile = b\n"
        .replace("ROLE", ADMIN);
    fails(
        &long_term("personal"),
        &config,
        "a",
        "error: source_profile in ~/.aws/config forms a loop: b -> c -> b\n\
         hint: set one of them to a profile with long-term keys\n",
    );
    fails(
        &long_term("personal"),
        &role("a", ADMIN, "").replace("personal", "a"),
        "a",
        "error: source_profile in ~/.aws/config forms a loop: a -> a\n\
         hint: set one of them to a profile with long-term keys\n",
    );
}

#[test]
fn a_role_without_a_source() {
    let config = format!("[profile a]\nrole_arn = {ADMIN}\n");
    fails(
        &long_term("personal"),
        &config,
        "a",
        "error: [profile a] in ~/.aws/config has role_arn without source_profile\n\
         hint: add `source_profile = NAME`, naming the profile whose keys assume the role, or write keys to [a-long-term]\n",
    );
    fails(
        &long_term("personal"),
        &format!("{config}credential_source = EcsContainer\n"),
        "a",
        "error: [profile a] in ~/.aws/config assumes its role with credential_source, not with a user's long-term keys\n\
         hint: to use MFA, replace credential_source with source_profile; AWS tools get such credentials without mfa-creds\n",
    );
}

#[test]
fn settings_that_cannot_be() {
    let keys = long_term("personal");
    for (more, stderr) in [
        (
            "duration_seconds = 50000",
            "error: a duration of 50000 s (duration_seconds of [profile a] in ~/.aws/config) is outside AWS's limits for a role\n\
             hint: use 900 to 43200 seconds, 15m to 12h\n",
        ),
        (
            "external_id = x",
            "error: `x` (external_id of [profile a] in ~/.aws/config) is not a valid external ID\n\
             hint: use 2 to 1224 letters, digits, and any of _+=,.@:/-\n",
        ),
        (
            "role_session_name = a b",
            "error: `a b` (role_session_name of [profile a] in ~/.aws/config) is not a valid role session name\n\
             hint: use 2 to 64 letters, digits, and any of _+=,.@-\n",
        ),
        (
            "mfa_serial = arn:aws:iam::123456789012:u2f/user/alice/key",
            "error: the device arn:aws:iam::123456789012:u2f/user/alice/key (mfa_serial of [profile a] in ~/.aws/config) \
             is a FIDO security key or passkey, which STS cannot use\n\
             hint: sign in with `aws login`, or add an authenticator app to the user and write its ARN, which contains `:mfa/`\n",
        ),
    ] {
        fails(&keys, &role("a", ADMIN, more), "a", stderr);
    }
    fails(
        &keys,
        &role("a", "admin", ""),
        "a",
        "error: `admin` (role_arn of [profile a] in ~/.aws/config) is not a role ARN\n\
         hint: write it like arn:aws:iam::123456789012:role/NAME\n",
    );
    fails(
        &keys,
        &role("a", ADMIN, &format!("role_arn = {LONG}")),
        "a",
        "error: ~/.aws/config:4 sets role_arn in [profile a] again, after line 2\n\
         hint: remove one of the lines; the AWS SDKs use the last one, and the AWS CLI rejects the file\n",
    );
}

#[test]
fn a_role_that_does_not_last_so_long() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, "duration_seconds = 7200\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code]).ends(
        1,
        &format!(
            "error: the role {ADMIN} cannot last 7200 s (duration_seconds of [profile a] in ~/.aws/config): its maximum is lower\n\
             hint: use a shorter --duration; 3600 always works\n"
        ),
    );
}

#[test]
fn the_two_ways_exclude_each_other() {
    let home = Home::of_alice();
    let outcome = home.run(&["-p", "work", "--direct", "--chain"]).outcome();
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    let outcome = home.run(&["-p", "work", "--all"]).outcome();
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
}

#[cfg(unix)]
#[test]
fn keys_may_come_from_a_command() {
    let sts = StandIn::start(account());
    let secret = stand_in::ALICE_SECRET_ACCESS_KEY;
    let home = Home::with(&format!(
        "[personal-long-term]\ncredential_process = \"$HOME/keys\" --for me\naws_mfa_device = {ALICE_DEVICE}\n"
    ));
    home.write("config", &role("a", ADMIN, ""));
    let script = |text: &str| {
        let path = home.path().join("keys");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(path, mode).unwrap();
    };
    script(&format!(
        "cat >/dev/null; echo run >>\"$HOME/runs\"; [ \"$*\" = '--for me' ] && \
         echo '{{\"Version\": 1, \"AccessKeyId\": \"{ALICE_ACCESS_KEY_ID}\", \"SecretAccessKey\": \"{secret}\"}}'"
    ));
    shows(
        &home,
        &["-p", "personal"],
        &format!(
            "profile  personal\n\
             writes   [personal] in ~/.aws/credentials\n\
             now      must be renewed: there are no credentials yet\n\
             keys     from credential_process of [personal-long-term] in ~/.aws/credentials\n\
             device   {ALICE_DEVICE} (aws_mfa_device of [personal-long-term] in ~/.aws/credentials)\n\
             session  unknown: plan does not run the command that prints the key\n\
             call 1   sts:GetSessionToken with the code, for 43200 s (default), {AT}\n\
             why      a session: no role is requested\n"
        ),
    );
    assert!(!home.path().join("runs").exists(), "a plan runs nothing");
    let code = sts.fresh_code(ALICE_DEVICE);
    // It does not get our standard input, where the code is.
    home.run_with(&sts, &["-q", "--all"])
        .stdin(&code)
        .env("PATH", PATH)
        .ends(0, "");
    assert_eq!(sts.calls(), 2);
    let runs = fs::read_to_string(home.path().join("runs")).unwrap();
    assert_eq!(runs, "run\n", "once for both profiles");
    home.run(&["-q", "--all"]).ends(0, "");
    assert!(!home.credentials().contains(secret));

    for (text, error) in [
        ("echo locked out >&2; exit 1", "failed: locked out"),
        ("exit 3", "failed: it printed no error"),
        ("echo hello", "does not print keys"),
    ] {
        script(text);
        home.run_with(&sts, &["-q", "--force", "-p", "a", "--no-input"])
            .env("PATH", PATH)
            .ends(
                1,
                &format!(
                    "error: the command from credential_process of [personal-long-term] in ~/.aws/credentials {error}\n\
                     hint: run it by itself: it must exit with status 0 and print {{\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}}\n"
                ),
            );
    }
    script(
        r#"echo '{"Version": 1, "AccessKeyId": "ASIAX", "SecretAccessKey": "x", "SessionToken": "t"}'"#,
    );
    home.run_with(&sts, &["-q", "--force", "-p", "a", "--no-input"])
        .env("PATH", PATH)
        .ends(
            1,
            "error: the command from credential_process of [personal-long-term] in ~/.aws/credentials prints temporary credentials, which cannot get a session\n\
             hint: make it print the IAM user's own keys, without SessionToken\n",
        );
}

#[test]
fn the_profile_to_use_can_be_pasted() {
    for (role, shown) in [
        ("the admin", "--profile 'the admin-mfa'"),
        ("-admin", "--profile=-admin-mfa"),
    ] {
        let shown = typed(shown);
        let home = Home::of_alice();
        home.write(
            "config",
            &format!("[profile {role}]\nrole_arn = {ADMIN}\nsource_profile = work\n"),
        );
        let plan = home
            .run(&["plan", &format!("--profile={role}")])
            .outcome()
            .stdout;
        assert!(plan.contains(&format!("\nuse      {shown}\n")), "{plan}");
        let also = shown.replace("-mfa", "");
        assert!(
            plan.contains(&format!("\nnatively {also} also works: ")),
            "{plan}"
        );
    }
}
