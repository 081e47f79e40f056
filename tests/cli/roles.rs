//! Roles of the config file: one code for all of them, from the session of the profile that they hang on.

use chrono::{DateTime, TimeDelta, Utc};
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, Fault, Role,
    StandIn, User,
};

use crate::support::home::{Home, assert_mode, set_mode};
use crate::support::roles::{ADMIN, AUDIT, LONG, account, home, role};
use crate::support::sections::{FAR, long_term, short_term, value};

fn actions(sts: &StandIn) -> Vec<String> {
    let requests = sts.requests();
    requests.into_iter().map(|request| request.action).collect()
}

/// How many minutes the credentials of a section last.
fn minutes(home: &Home, section: &str) -> i64 {
    let end = value(&home.credentials(), section, "expiration").unwrap();
    let end = DateTime::parse_from_rfc3339(&format!("{}Z", end.replace(' ', "T"))).unwrap();
    (end.to_utc() - Utc::now() + TimeDelta::seconds(30)).num_minutes()
}

#[test]
fn a_role_comes_from_the_session_of_its_source() {
    let sts = StandIn::start(account());
    let settings = format!(
        "mfa_serial = {ALICE_DEVICE}\nrole_session_name = laptop\nexternal_id = outside\n\
         duration_seconds = 1800\nregion = eu-central-1\n"
    );
    let home = home(&format!(
        "[profile personal]\nregion = eu-west-1\n\n{}",
        role("audit", AUDIT, &settings)
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "audit", "--token", &code])
        .ends(
            0,
            "renewing [audit-mfa]: there are no credentials yet\n\
         [personal] is valid until …\n\
         [audit-mfa] is valid until …\n\
         use it with --profile audit-mfa --region eu-central-1, or with that region in a [profile audit-mfa] of the config file\n",
        );
    let requests = sts.requests();
    assert_eq!(actions(&sts), ["GetSessionToken", "AssumeRole"]);
    assert_eq!(requests[0].parameter("TokenCode"), Some(&*code));
    assert_eq!(requests[0].parameter("DurationSeconds"), Some("43200"));
    assert_eq!(requests[0].region.as_deref(), Some("eu-west-1"));
    let role = &requests[1];
    assert_eq!(role.parameter("RoleArn"), Some(AUDIT));
    assert_eq!(role.parameter("RoleSessionName"), Some("laptop"));
    assert_eq!(role.parameter("ExternalId"), Some("outside"));
    assert_eq!(role.parameter("DurationSeconds"), Some("1800"));
    assert_eq!(role.parameter("TokenCode"), None);
    assert_eq!(role.parameter("SerialNumber"), None);
    assert_eq!(role.region.as_deref(), Some("eu-central-1"));

    let written = home.credentials();
    assert!(written.starts_with(&long_term("personal")));
    let get = |section, key| value(&written, section, key);
    assert_eq!(get("personal", "assumed_role").as_deref(), Some("False"));
    assert_eq!(get("audit-mfa", "assumed_role").as_deref(), Some("True"));
    assert_eq!(get("audit-mfa", "assumed_role_arn").as_deref(), Some(AUDIT));
    assert_eq!(get("audit", "assumed_role"), None);
    assert_eq!(minutes(&home, "personal"), 720);
    assert_eq!(minutes(&home, "audit-mfa"), 30);

    home.run(&["-p", "audit"])
        .ends(0, "[audit-mfa] is still valid until …\n");
}

#[test]
fn one_code_serves_every_role_and_the_profile_itself() {
    let sts = StandIn::start(account());
    let home = home(&[role("a", ADMIN, ""), role("b", ADMIN, "")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    home.run_with(&sts, &["-p", "b", "--no-input"]).ends(
        0,
        "renewing [b-mfa]: there are no credentials yet\n\
         [b-mfa] is valid until …\n\
         use it with --profile b-mfa\n\
         --profile b also works: AWS tools assume its role from [personal], which `mfa-creds --profile personal` renews\n",
    );
    home.run_with(&sts, &["-p", "personal", "--no-input"])
        .ends(0, "[personal] is still valid until …\n");
    // --force renews the role, and needs no code for it.
    home.run_with(&sts, &["-q", "-p", "b", "--no-input", "--force"])
        .ends(0, "");
    assert_eq!(
        actions(&sts),
        ["GetSessionToken", "AssumeRole", "AssumeRole", "AssumeRole"]
    );
}

#[test]
fn a_session_that_was_there_first_serves_roles() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    home.run_with(&sts, &["-q", "-p", "a", "--no-input"])
        .ends(0, "");
    assert_eq!(actions(&sts), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn a_second_profile_over_the_same_key_shares_the_session() {
    let sts = StandIn::start(account());
    let home = Home::with(&[long_term("work"), long_term("play")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    home.run_with(&sts, &["-p", "play", "--no-input"]).ends(
        0,
        "renewing [play]: there are no credentials yet\n\
         [play] shares the session of its key and device, valid until …\n",
    );
    let written = home.credentials();
    for key in ["aws_access_key_id", "aws_session_token", "expiration"] {
        assert_eq!(value(&written, "work", key), value(&written, "play", key));
    }
    // Longer than the session lasts, or --force: a new one.
    for more in [["--min-ttl", "12h"], ["--force", "-q"]] {
        let args = [&["-q", "-p", "play", "--no-input"][..], &more].concat();
        home.run_with(&sts, &args).ends(
            3,
            "error: an MFA code is needed, and --no-input forbids asking\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
        );
    }
    assert_eq!(sts.calls(), 1);
}

#[test]
fn another_key_or_another_device_makes_a_new_session() {
    let (other_id, other_secret) = (
        "AKIAFAKEFAKEFAKEROTA",
        "FakeSecretOfAliceAfterRotationFakeFakeFa",
    );
    let other_device = "GAHT12345678";
    let user = User::new("alice")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .access_key(other_id, other_secret)
        .device(Device::new(ALICE_DEVICE))
        .device(Device::new(other_device));
    let sts = StandIn::start(
        Account::new()
            .user(user)
            .role(Role::new(ADMIN).requires_mfa()),
    );
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    let first = value(&home.credentials(), "personal", "aws_access_key_id");
    let needed = "error: an MFA code is needed, and --no-input forbids asking\n\
                  hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n";
    let force = ["-q", "-p", "a", "--no-input", "--force"];
    home.run_with(&sts, &[&force[..], &["--device", other_device]].concat())
        .ends(3, needed);

    // The session of the first device stays where it is.
    let code = sts.fresh_code(other_device);
    let args = [&force[..], &["--device", other_device, "--token", &code]].concat();
    home.run_with(&sts, &args).ends(0, "");
    assert_eq!(
        value(&home.credentials(), "personal", "aws_access_key_id"),
        first
    );
    home.run_with(&sts, &force).ends(0, "");

    let rotated = home
        .credentials()
        .replace(ALICE_ACCESS_KEY_ID, other_id)
        .replace(ALICE_SECRET_ACCESS_KEY, other_secret);
    home.write("credentials", &rotated);
    home.run_with(&sts, &force).ends(3, needed);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &[&force[..], &["--token", &code]].concat())
        .ends(0, "");
    assert_ne!(
        value(&home.credentials(), "personal", "aws_access_key_id"),
        first
    );
    // Both sessions are known now, each by its own key.
    home.write(
        "credentials",
        &home
            .credentials()
            .replace(other_id, ALICE_ACCESS_KEY_ID)
            .replace(other_secret, ALICE_SECRET_ACCESS_KEY),
    );
    home.run_with(&sts, &force).ends(3, needed);
}

#[test]
fn a_role_in_the_long_term_section_keeps_its_session_apart() {
    let sts = StandIn::start(account());
    let home = Home::with(&format!("{}assume_role = {ADMIN}\n", long_term("work")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code]).ends(
        0,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n",
    );
    let written = home.credentials();
    assert_eq!(
        value(&written, "work", "assumed_role_arn").as_deref(),
        Some(ADMIN)
    );
    assert_eq!(written.matches("\naws_session_token").count(), 1);
    // The session is kept where only its owner can read it.
    let sessions = home.file(".mfa-creds/credentials.sessions");
    let kept = std::fs::read_to_string(&sessions).unwrap();
    assert!(kept.starts_with(&format!("[{ALICE_ACCESS_KEY_ID} {ALICE_DEVICE}]\n")));
    assert_mode(&sessions, 0o600);
    // It needs no code for another hour, nor for another role.
    home.run_with(&sts, &["-q", "-p", "work", "--no-input", "--force"])
        .ends(0, "");
    home.run_with(
        &sts,
        &["-q", "-p", "work", "--no-input", "--assume-role", LONG],
    )
    .ends(0, "");
    assert_eq!(
        actions(&sts),
        ["GetSessionToken", "AssumeRole", "AssumeRole", "AssumeRole"]
    );
}

#[test]
fn a_session_that_moves_into_a_section_leaves_no_copy_behind() {
    let sts = StandIn::start(account());
    let home = Home::with(&format!("{}assume_role = {ADMIN}\n", long_term("work")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    home.write("credentials", &long_term("play"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "play", "--force", "--token", &code])
        .ends(0, "");
    let kept = std::fs::read_to_string(home.file(".mfa-creds/credentials.sessions")).unwrap();
    let id = value(&home.credentials(), "play", "aws_access_key_id").unwrap();
    // Behind it stands only by what the pairs are recognized that were written.
    let (sessions, written) = kept.split_once("\n[written work]\n").unwrap();
    assert_eq!(
        sessions,
        format!(
            "[{ALICE_ACCESS_KEY_ID} {ALICE_DEVICE}]\naws_access_key_id = {id}\n\
             long_term_section = play-long-term\nsection = play\n"
        )
    );
    assert!(!written.contains("aws_"), "{written}");
}

#[test]
fn a_role_of_four_hours_takes_a_code_of_its_own() {
    let sts = StandIn::start(account());
    let home = home(&role("long", LONG, "duration_seconds = 14400\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "long", "--token", &code]).ends(
        0,
        "renewing [long-mfa]: there are no credentials yet\n\
         [long-mfa] is valid until …\n\
         use it with --profile long-mfa\n",
    );
    assert_eq!(actions(&sts), ["AssumeRole"]);
    assert_eq!(sts.requests()[0].parameter("TokenCode"), Some(&*code));
    assert_eq!(minutes(&home, "long-mfa"), 240);
    // A session does not change that, but --chain does, and says what it costs.
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    home.run_with(&sts, &["-q", "-p", "long", "--force", "--no-input"])
        .ends(
            3,
            "error: an MFA code is needed, and --no-input forbids asking\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
        );
    let args = ["--log-level", "WARNING", "-p", "long", "--force", "--chain"];
    home.run_with(&sts, &args).ends(
        0,
        "warning: [long-mfa] lasts 1 h, not the requested 14400 s (duration_seconds of [profile long] in ~/.aws/config): \
         AWS grants no more for a role that is assumed from a session; --direct uses a code of its own, and lasts longer\n",
    );
    assert_eq!(minutes(&home, "long-mfa"), 60);
}

#[test]
fn several_roles_deep() {
    let (first, second) = (
        "arn:aws:iam::123456789012:role/first",
        "arn:aws:iam::210987654321:role/second",
    );
    let account = Account::example()
        .role(Role::new(first).requires_mfa())
        .role(Role::new(second).trusts(first).external_id("outside"));
    let sts = StandIn::start(account);
    let home = home(&format!(
        "{}[profile second]\nrole_arn = {second}\nsource_profile = first\nexternal_id = outside\n\
         duration_seconds = 7200\n",
        role("first", first, "role_session_name = one\n")
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "second", "--token", &code]).ends(
        0,
        "renewing [second-mfa]: there are no credentials yet\n\
         [personal] is valid until …\n\
         [second-mfa] is valid until …\n\
         warning: [second-mfa] lasts 1 h, not the requested 7200 s (duration_seconds of [profile second] in ~/.aws/config): \
         AWS grants no more for a role that is assumed from another role\n\
         use it with --profile second-mfa\n",
    );
    assert_eq!(
        actions(&sts),
        ["GetSessionToken", "AssumeRole", "AssumeRole"]
    );
    let requests = sts.requests();
    assert_eq!(requests[1].parameter("RoleArn"), Some(first));
    assert_eq!(requests[1].parameter("RoleSessionName"), Some("one"));
    assert_eq!(requests[2].parameter("RoleArn"), Some(second));
    assert_eq!(requests[2].parameter("DurationSeconds"), Some("3600"));

    // --direct spends the code on the first of them.
    let code = sts.fresh_code(ALICE_DEVICE);
    let args = [
        "-q", "-p", "second", "--direct", "--force", "--token", &code,
    ];
    home.run_with(&sts, &args).ends(0, "");
    assert_eq!(actions(&sts)[3..], ["AssumeRole", "AssumeRole"]);
    assert_eq!(sts.requests()[3].parameter("TokenCode"), Some(&*code));
}

#[test]
fn the_keys_of_a_source_may_stand_in_its_own_section() {
    let sts = StandIn::start(account());
    let keys = long_term("x").replace("[x-long-term]", "[personal]");
    let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
    let home = Home::with(keys);
    home.write(
        "config",
        &role("a", ADMIN, &format!("mfa_serial = {ALICE_DEVICE}\n")),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "a", "--token", &code]).ends(
        0,
        "renewing [a-mfa]: there are no credentials yet\n[a-mfa] is valid until …\nuse it with --profile a-mfa\n",
    );
    assert!(home.credentials().starts_with(keys), "never overwritten");
    home.run_with(&sts, &["-q", "-p", "a", "--force", "--no-input"])
        .ends(0, "");

    // The section with the suffix, named by its whole name; and keys in the config file.
    let home = Home::with(&long_term("personal"));
    home.write(
        "config",
        &role("a", ADMIN, "").replace("= personal", "= personal-long-term"),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    assert!(value(&home.credentials(), "personal", "expiration").is_some());
    let home = Home::with("");
    home.write(
        "config",
        &format!(
            "{}{}mfa_serial = {ALICE_DEVICE}\n",
            role("a", ADMIN, ""),
            keys.replace("[personal]", "[profile personal]")
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
}

#[test]
fn a_suffix_says_where_a_role_goes() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    let args = [
        "-q",
        "-p",
        "a",
        "--short-term-suffix",
        "now",
        "--token",
        &code,
    ];
    home.run_with(&sts, &args).ends(0, "");
    let written = home.credentials();
    assert!(value(&written, "a-now", "expiration").is_some());
    assert!(value(&written, "personal-now", "expiration").is_some());
    let args = ["-p", "a", "--short-term-suffix", "none", "--no-input"];
    home.run_with(&sts, &args).ends(
        0,
        "renewing [a]: there are no credentials yet\n\
         [a] is valid until …\n\
         warning: AWS tools do not read [a]: [profile a] in ~/.aws/config has role_arn, and they assume the role instead\n",
    );
}

#[test]
fn a_role_with_long_term_keys_of_its_own_needs_no_source() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("admin"));
    home.write("config", &format!("[profile admin]\nrole_arn = {ADMIN}\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "admin", "--token", &code])
        .ends(0, "");
    let written = home.credentials();
    assert_eq!(
        value(&written, "admin-mfa", "assumed_role_arn").as_deref(),
        Some(ADMIN)
    );
    assert!(!written.contains("[admin]"));
}

#[test]
fn other_credentials_in_the_section_of_the_source_are_left_alone() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let theirs = short_term("personal", FAR).replace(
        "assumed_role = False\n",
        &format!("assumed_role = True\nassumed_role_arn = {LONG}\n"),
    );
    home.write(
        "credentials",
        &format!("{}\n{theirs}", long_term("personal")),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    assert!(home.credentials().contains(&theirs));
    home.run_with(&sts, &["-q", "-p", "a", "--force", "--no-input"])
        .ends(0, "");
}

#[test]
fn a_session_that_aws_ended_is_renewed_with_a_code() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    // Another stand-in knows nothing of that session.
    let sts = StandIn::start(account());
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "a", "--force", "--token", &code])
        .succeeds();
    assert!(
        outcome
            .stderr
            .starts_with("renewing [a-mfa]: --force\nAWS no longer accepts the session ASIA…"),
        "{outcome:?}"
    );
    assert_eq!(
        actions(&sts),
        [
            "AssumeRole",
            "GetCallerIdentity",
            "GetSessionToken",
            "AssumeRole"
        ]
    );
}

#[test]
fn a_code_is_not_lost_when_the_role_is_denied() {
    let sts = StandIn::start(account());
    let home = home(&role("audit", AUDIT, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "audit", "--token", &code]).ends(
        1,
        &format!(
            "renewing [audit-mfa]: there are no credentials yet\n\
             [personal] is valid until …\n\
             error: AWS denied the role {AUDIT} (role_arn of [profile audit] in ~/.aws/config) to the MFA session of access key AKIA…ALIC: \
             User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: {AUDIT}\n\
             hint: check that the role's trust policy allows this user; if it requires an external ID, set external_id; \
             use --direct to assume it with its own code\n"
        ),
    );
    home.write("config", &role("audit", AUDIT, "external_id = outside\n"));
    home.run_with(&sts, &["-q", "-p", "audit", "--no-input"])
        .ends(0, "");
}

#[test]
fn calls_without_a_code_are_tried_again() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    sts.fault(Fault::Throttling);
    sts.fault(Fault::ServiceUnavailable);
    home.run_with(&sts, &["-q", "-p", "a", "--no-input"])
        .ends(0, "");
    assert_eq!(sts.calls(), 4);
}

#[test]
fn the_duration_of_the_source_is_that_of_its_session() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    home.write(
        "credentials",
        &format!("{}aws_mfa_duration = 28800\n", long_term("personal")),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &["-q", "-p", "a", "--token", &code, "--duration", "20m"],
    )
    .ends(0, "");
    assert_eq!(minutes(&home, "personal"), 480);
    assert_eq!(minutes(&home, "a-mfa"), 20);
}

#[test]
fn a_broken_file_of_sessions_is_no_obstacle() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    let sessions = home.file(".mfa-creds/credentials.sessions");
    let force = ["--log-level", "WARNING", "-p", "a", "--force"];
    let twice = "[a]\n[a]\n";
    for broken in [&b"\xff\xfe"[..], b"no section\n", twice.as_bytes()] {
        std::fs::write(&sessions, broken).unwrap();
        set_mode(&sessions, 0o644);
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &[&force[..], &["--token", &code]].concat())
            .ends(0, "");
        home.run_with(&sts, &[&force[..], &["--no-input"]].concat())
            .ends(0, "");
        assert_mode(&sessions, 0o600);
    }
}

#[test]
fn a_role_in_the_place_of_the_session_does_not_lose_it() {
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    for arguments in [&["--assume-role", ADMIN][..], &["--assume-role", LONG], &[]] {
        let all = [&["-q", "-p", "work", "--no-input"], arguments].concat();
        home.run_with(&sts, &all).ends(0, "");
    }
    assert_eq!(
        actions(&sts),
        ["GetSessionToken", "AssumeRole", "AssumeRole"]
    );
    // A copy that a section contains now is not kept elsewhere, too.
    let kept = std::fs::read_to_string(home.file(".mfa-creds/credentials.sessions")).unwrap();
    assert!(
        kept.contains("section = work\n") && !kept.contains("aws_session_token"),
        "{kept}"
    );
}

#[test]
fn a_piped_code_is_read_when_the_session_has_ended_after_all() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    let sts = StandIn::start(account());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--force"])
        .stdin(&code)
        .ends(0, "");
}

#[test]
fn a_session_whose_secret_was_changed_is_renewed() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    let secret = value(&home.credentials(), "personal", "aws_secret_access_key").unwrap();
    home.write("credentials", &home.credentials().replace(&secret, "oops"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--force", "--token", &code])
        .ends(0, "");
}

#[test]
fn what_others_put_into_the_section_of_the_source_is_left_alone() {
    let sts = StandIn::start(account());
    let pasted = "[personal]\naws_access_key_id = ASIAFAKEFAKEFAKEPAST\n\
                  aws_secret_access_key = x\naws_session_token = y\n";
    let command = "[personal]\ncredential_process = other-tool\n";
    for theirs in [pasted, command] {
        let home = home(&role("a", ADMIN, ""));
        home.write(
            "credentials",
            &format!("{theirs}\n{}", long_term("personal")),
        );
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
            .ends(0, "");
        assert!(home.credentials().starts_with(theirs));
    }
    let home = home(&format!(
        "[profile personal]\nsso_session = company\n{}",
        role("a", ADMIN, "")
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    assert!(!home.credentials().contains("[personal]"));
}

#[test]
fn long_term_keys_of_its_own_come_before_the_source() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, "").replace("personal", "gone"));
    home.write("credentials", &long_term("a"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
}

#[test]
fn the_section_of_a_role_may_be_named_in_its_place() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "--token", &code])
        .env("AWS_PROFILE", "a-mfa")
        .ends(0, "");
    home.run(&["-p", "a-mfa"])
        .ends(0, "[a-mfa] is still valid until …\n");
}

#[test]
fn a_duration_in_the_environment_is_that_of_the_session() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, "external_id = outside\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .env("MFA_STS_DURATION", "36h")
        .ends(0, "");
    assert_eq!(minutes(&home, "personal"), 36 * 60);
    assert_eq!(minutes(&home, "a-mfa"), 60);
    // What the config file says of its role is not said of another one.
    home.run_with(&sts, &["-q", "-p", "a", "--assume-role", LONG])
        .ends(0, "");
    assert_eq!(sts.requests()[2].parameter("ExternalId"), None);
}

#[test]
fn a_session_is_not_shared_with_who_asks_for_longer() {
    let sts = StandIn::start(account());
    let home = Home::with(&[long_term("work"), long_term("play")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    let args = ["-q", "-p", "work", "--duration", "1h", "--token", &code];
    home.run_with(&sts, &args).ends(0, "");
    let code = sts.fresh_code(ALICE_DEVICE);
    let args = ["-q", "-p", "play", "--duration", "12h", "--token", &code];
    home.run_with(&sts, &args).ends(0, "");
    assert_eq!(minutes(&home, "work"), 60);
    assert_eq!(minutes(&home, "play"), 720);
}

#[test]
fn keys_and_roles_may_all_stand_in_the_config_file() {
    let sts = StandIn::start(account());
    let home = Home::new();
    let keys = long_term("x").replace("[x-long-term]", "[profile personal]");
    let keys = keys.replace("aws_mfa_device", "mfa_serial");
    home.write("config", &format!("{keys}{}", role("a", ADMIN, "")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    assert!(value(&home.credentials(), "a-mfa", "expiration").is_some());
}

#[test]
fn a_section_that_another_role_shadows_is_told() {
    let sts = StandIn::start(account());
    let home = home(&[role("a", ADMIN, ""), role("a-mfa", LONG, "")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["--log-level", "WARNING", "-p", "a", "--token", &code]).ends(
        0,
        "warning: AWS tools do not read [a-mfa]: [profile a-mfa] in ~/.aws/config has role_arn, and they assume the role instead\n",
    );
}

#[test]
fn without_a_suffix_it_works_again_and_again() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("x").replace("x-long-term", "work"));
    home.write("config", &role("a", ADMIN, "").replace("personal", "work"));
    let args = [
        "-q",
        "--long-term-suffix",
        "none",
        "--short-term-suffix",
        "mfa",
        "--force",
    ];
    for profile in ["work", "work", "a", "a"] {
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(
            &sts,
            &[&args[..], &["-p", profile, "--token", &code]].concat(),
        )
        .ends(0, "");
    }
    let written = home.credentials();
    assert!(value(&written, "work-mfa", "expiration").is_some());
    assert!(value(&written, "a-mfa", "expiration").is_some());
}

#[test]
fn a_section_of_something_else_is_not_taken_for_a_role() {
    let sts = StandIn::start(account());
    let foreign =
        "[a-mfa]\naws_access_key_id = ASIAX\naws_secret_access_key = x\naws_session_token = y\n";
    let sso = "[profile a-mfa]\nsso_session = corp\n";
    for (credentials, config) in [(foreign, ""), ("", sso)] {
        let home = home(&format!("{}{config}", role("a", ADMIN, "")));
        home.write(
            "credentials",
            &format!("{credentials}{}", long_term("personal")),
        );
        home.run_with(&sts, &["-q", "-p", "a", "--token", "123456"]).ends(
            1,
            "error: [a-mfa] would be written for a, but it has credentials from another source\n\
             hint: use --short-term-suffix, or rename one of them, or remove [a-mfa]\n",
        );
    }
    assert_eq!(sts.calls(), 0);
}

#[test]
fn a_session_that_expired_for_aws_only_is_renewed() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    sts.granted_at_most(2);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    let end = value(&home.credentials(), "personal", "expiration").unwrap();
    home.write("credentials", &home.credentials().replace(&end, FAR));
    let end = DateTime::parse_from_rfc3339(&format!("{}Z", end.replace(' ', "T"))).unwrap();
    // The file knows whole seconds only.
    while sts.now() <= end + TimeDelta::seconds(1) {
        std::thread::yield_now();
    }
    sts.granted_at_most(43_200);
    home.run_with(&sts, &["-p", "a", "--no-input"]).ends(
        3,
        &format!(
            "renewing [a-mfa]: there are no credentials yet\n\
             AWS no longer accepts the session ASIA…{}\n\
             error: an MFA code is needed, and --no-input forbids asking\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
            &value(&home.credentials(), "personal", "aws_access_key_id").unwrap()[16..]
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "--token", &code])
        .ends(0, "");
    assert_eq!(minutes(&home, "personal"), 720);
}
