//! Profiles with `login_session`: the session of `aws login` as a source beside long-term keys.

use std::fs;

#[cfg(unix)]
use expectrl::Expect as _;
use serde_json::Value;
use stand_in::{ALICE_DEVICE, Account, Login, Role, StandIn, User};

use crate::support::accounts::alice;
use crate::support::corporate_network::CorporateNetwork;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::set_mode;
use crate::support::logins::{ALICE, SESSION, actions, key_in, refreshes, sign_in_again};
use crate::support::roles::{ADMIN, AUDIT, account};
use crate::support::sections::{long_term, value};
#[cfg(unix)]
use crate::support::servers::{Endpoint, Running, TOKEN, URI, eventually};
use crate::support::systems::typed;
#[cfg(unix)]
use crate::support::terminal::{ended, exited, on_terminal};

const EXPORT: [&str; 5] = ["export", "-p", "dev", "--format", "process"];
/// A role without conditions, for up to four hours.
const OPEN: &str = "arn:aws:iam::123456789012:role/open";

fn stand_in() -> StandIn {
    let open = Role::new(OPEN).max_session_duration(14_400);
    StandIn::start(account().role(open))
}

/// Adds profiles to the config file.
fn add(home: &Home, profiles: &str) {
    let config = fs::read_to_string(home.file("config")).unwrap();
    home.write("config", &format!("{config}{profiles}"));
}

fn role(profile: &str, arn: &str, source: &str) -> String {
    format!("[profile {profile}]\nrole_arn = {arn}\nsource_profile = {source}\n")
}

// --- The credentials of the session ---

#[test]
fn credentials_in_the_cache_are_used_as_long_as_they_last() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let before = cache.text();
    let outcome = home.run_with(&sts, &EXPORT).outcome();
    assert_eq!(outcome.stderr, "");
    let printed: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let token = &cache.json()["accessToken"];
    for (ours, theirs) in [
        ("AccessKeyId", "accessKeyId"),
        ("SecretAccessKey", "secretAccessKey"),
        ("SessionToken", "sessionToken"),
        ("Expiration", "expiresAt"),
        ("AccountId", "accountId"),
    ] {
        assert_eq!(printed[ours], token[theirs], "{ours}");
    }
    let run = ["exec", "-p", "dev", "--", "env"];
    let outcome = home.run_with(&sts, &run).outcome();
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let key = cache.value("accessToken/accessKeyId");
    for variable in [
        format!("AWS_ACCESS_KEY_ID={key}"),
        "AWS_ACCOUNT_ID=123456789012".to_owned(),
    ] {
        let mut lines = outcome.stdout.lines();
        assert!(lines.any(|line| line == variable), "{outcome:?}");
    }
    home.run_with(&sts, &["-p", "dev"])
        .ends(0, "dev is still valid until …\n");
    assert_eq!(sts.calls(), 0);
    assert_eq!(cache.text(), before);
    assert!(!home.file("credentials").exists());
}

#[test]
fn credentials_that_end_within_five_minutes_are_renewed() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    for (left, flags, reason) in [
        (310, &[][..], None),
        (200, &[], Some("3 min left, less than the required 5 min")),
        (0, &[], Some("expired ")),
        (-3600, &[], Some("expired 1 h ago")),
        (890, &["--min-ttl", "14m"], None),
        (
            800,
            &["--min-ttl", "14m"],
            Some("13 min left, less than the required 14 min"),
        ),
        (890, &["--force"], Some("--force")),
    ] {
        cache.ends_in(left);
        let (key, before) = (cache.value("accessToken/accessKeyId"), refreshes(&sts));
        let outcome = home
            .run_with(&sts, &[&["-p", "dev"], flags].concat())
            .succeeds();
        match reason {
            None => assert_eq!(outcome.stderr, "dev is still valid until …\n"),
            Some(reason) => {
                let beginning = format!("renewing dev: {reason}");
                assert!(outcome.stderr.starts_with(&beginning), "{outcome:?}");
                assert!(outcome.stderr.ends_with("\ndev is valid until …\n"));
            }
        }
        let is_renewed = reason.is_some();
        assert_eq!(refreshes(&sts) - before, usize::from(is_renewed), "{left}");
        assert_eq!(cache.value("accessToken/accessKeyId") != key, is_renewed);
    }
    assert!(!home.file("credentials").exists());
}

#[test]
fn the_plan_says_what_a_renewal_does() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let file = cache.path().file_name().unwrap().to_str().unwrap();
    let outcome = home.run_with(&sts, &["plan", "-p", "dev"]).outcome();
    let host = sts.url();
    assert_eq!(
        outcome.stdout,
        format!(
            "profile  dev\n\
             writes   ~/.aws/login/cache/{file}\n\
             now      nothing to do: valid until …\n\
             keys     none: `aws login` signs in {ALICE} (login_session of [profile dev] in ~/.aws/config)\n\
             call 1   signin:CreateOAuth2Token unless the credentials in the cache are still valid, for 900 s (AWS's limit), at {host} (AWS_ENDPOINT_URL_SIGNIN)\n\
             why      the credentials of `aws login`: a session of `aws login` takes the place of keys and codes\n"
        )
    );
    cache.ends_in(200);
    let outcome = home.run_with(&sts, &["plan", "-p", "dev"]).outcome();
    let line = "\nnow      must be renewed: 3 min left, less than the required 5 min\n";
    assert!(outcome.stdout.contains(line), "{outcome:?}");
    assert_eq!(sts.calls(), 0);
}

#[test]
fn a_sign_in_by_a_role_is_a_source_too() {
    let sts = stand_in();
    let home = Home::new();
    let login = sts.sign_in(&Login::of_role(OPEN, "alice@example.com").remote());
    let cache = home.signed_in_as("dev", &login);
    add(&home, &role("open", OPEN, "dev"));
    cache.ends_in(-1);
    let outcome = home.run_with(&sts, &EXPORT).outcome();
    assert_eq!(key_in(&outcome), cache.value("accessToken/accessKeyId"));
    let request = &sts.requests()[0];
    // What `aws login --remote` has written.
    let client = "arn:aws:signin:::devtools/cross-device";
    assert_eq!(request.parameter("clientId"), Some(client));
    home.run_with(&sts, &["-q", "-p", "open"]).ends(0, "");
}

#[test]
fn the_cache_may_be_in_another_directory() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    fs::create_dir(home.path().join("other")).unwrap();
    let other = home
        .path()
        .join("other")
        .join(cache.path().file_name().unwrap());
    fs::rename(cache.path(), &other).unwrap();
    assert_eq!(home.run_with(&sts, &EXPORT).outcome().status, Some(3));
    for directory in [home.path().join("other").to_str().unwrap(), "~/other"] {
        let outcome = home
            .run_with(&sts, &[&EXPORT[..], &["--force"]].concat())
            .env("AWS_LOGIN_CACHE_DIRECTORY", directory)
            .outcome();
        let now: Value = serde_json::from_str(&fs::read_to_string(&other).unwrap()).unwrap();
        assert_eq!(key_in(&outcome), now["accessToken"]["accessKeyId"]);
    }
    assert_eq!(refreshes(&sts), 2);
    assert!(!cache.path().exists());
}

#[test]
fn the_service_is_that_of_the_region() {
    for (partition, region, host) in [
        ("aws", "us-east-1", "us-east-1.signin.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.signin.amazonaws.cn"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "us-gov-west-1.signin.amazonaws-us-gov.com",
        ),
    ] {
        let account = Account::new().partition(partition).user(alice());
        let company = CorporateNetwork::new(account, &[host]);
        let home = Home::new();
        let login = company
            .sts
            .sign_in(&Login::of_user("alice").in_region(region));
        let cache = home.signed_in_as("dev", &login);
        cache.change(|json| {
            json.as_object_mut().unwrap().remove("signInRegion");
        });
        add(&home, &format!("region = {region}\n"));
        let run = company.run(&home, &["-q", "-p", "dev", "--force"]);
        run.ends(0, "");
        assert_eq!(company.targets(), [format!("{host}:443")]);
        assert_eq!(refreshes(&company.sts), 1);
    }
}

#[test]
fn the_region_in_the_cache_comes_before_that_of_the_profile() {
    let host = "us-east-2.signin.aws.amazon.com";
    let company = CorporateNetwork::new(account(), &[host]);
    let home = Home::new();
    let login = Login::of_user("alice").in_region("us-east-2");
    let cache = home.signed_in_as("dev", &company.sts.sign_in(&login));
    add(&home, "region = eu-west-1\n");
    for region in [None, Some("us-west-2")] {
        cache.ends_in(-1);
        let mut run = company.run(&home, &["-q", "-p", "dev"]);
        if let Some(region) = region {
            run = run.env("AWS_REGION", region);
        }
        run.ends(0, "");
    }
    assert_eq!(
        company.targets(),
        [format!("{host}:443"), format!("{host}:443")]
    );
    assert_eq!(cache.json()["signInRegion"], "us-east-2");
}

// --- Roles ---

#[test]
fn a_role_is_assumed_with_the_credentials_of_the_session() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    let before = cache.text();
    home.run_with(&sts, &["-p", "open"]).ends(
        0,
        "renewing [open-mfa]: there are no credentials yet\n\
         [open-mfa] is valid until …\n\
         use it with --profile open-mfa\n",
    );
    assert_eq!(actions(&sts), ["AssumeRole"]);
    let request = &sts.requests()[0];
    let key = cache.value("accessToken/accessKeyId");
    assert_eq!(request.access_key_id.as_deref(), Some(&*key));
    assert_eq!(request.parameter("SerialNumber"), None);
    let text = home.credentials();
    assert_eq!(value(&text, "open-mfa", "assumed_role_arn").unwrap(), OPEN);
    assert!(!text.contains("[dev"), "{text}");
    // Once.
    let stored = ["export", "-p", "open", "--format", "process"];
    let outcome = home.run_with(&sts, &stored).outcome();
    let key = value(&text, "open-mfa", "aws_access_key_id").unwrap();
    assert_eq!(key_in(&outcome), key);
    assert_eq!(sts.calls(), 1);
    assert_eq!(cache.text(), before);
}

#[test]
fn several_roles_share_one_renewal() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    add(&home, &role("one", OPEN, "dev"));
    add(&home, &role("two", OPEN, "dev"));
    cache.ends_in(-1);
    home.run_with(&sts, &["-q", "-p", "one", "-p", "dev", "-p", "two"])
        .ends(0, "");
    let mut actions = actions(&sts);
    actions.sort_unstable();
    assert_eq!(actions, ["AssumeRole", "AssumeRole", "CreateOAuth2Token"]);
}

#[test]
fn a_role_lasts_an_hour_at_most() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    home.run_with(&sts, &["-p", "open", "--duration", "7200"]).ends(
        0,
        "renewing [open-mfa]: there are no credentials yet\n\
         [open-mfa] is valid until …\n\
         warning: [open-mfa] lasts 1 h, not the requested 7200 s (--duration): AWS grants no more for a role that is assumed with the credentials of `aws login`\n\
         use it with --profile open-mfa\n",
    );
    let duration = sts.requests()[0]
        .parameter("DurationSeconds")
        .unwrap()
        .to_owned();
    assert_eq!(duration, "3600");
    home.run_with(&sts, &["-p", "dev", "--force", "--duration", "7200"])
        .ends(
            1,
            "error: --duration needs a role: the credentials of `aws login` always last 15 min\n\
         hint: leave it out; they are renewed as long as you are signed in, up to 12 h\n",
        );
}

#[test]
fn a_role_of_a_role_over_the_session() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    add(&home, &role("again", OPEN, "open"));
    home.run_with(&sts, &["-q", "-p", "again"]).ends(0, "");
    assert_eq!(actions(&sts), ["AssumeRole"; 2]);
    let assume = ["-q", "-p", "dev", "--assume-role", OPEN];
    home.run_with(&sts, &assume).ends(0, "");
    assert_eq!(actions(&sts).len(), 3);
    let text = home.credentials();
    assert_eq!(value(&text, "dev-mfa", "assumed_role_arn").unwrap(), OPEN);
}

#[test]
fn a_role_that_demands_mfa_depends_on_what_aws_takes_the_sign_in_for() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(&home, &role("admin", ADMIN, "dev"));
    home.run_with(&sts, &["-p", "admin"]).ends(
        1,
        &format!(
            "renewing [admin-mfa]: there are no credentials yet\n\
             error: AWS denied the role {ADMIN} (role_arn of [profile admin] in ~/.aws/config) to {SESSION}: User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ADMIN}\n\
             hint: check that the role's trust policy allows this user; if it requires an external ID, set external_id; if it requires MFA, AWS may not count the sign-in as such\n"
        ),
    );
    let login = sts.sign_in(&Login::of_user("alice").with_mfa());
    let home = Home::new();
    home.signed_in_as("dev", &login);
    add(&home, &role("admin", ADMIN, "dev"));
    let external = "external_id = outside\n";
    add(&home, &format!("{}{external}", role("audit", AUDIT, "dev")));
    home.run_with(&sts, &["-q", "-p", "admin", "-p", "audit"])
        .ends(0, "");
}

#[test]
fn credentials_that_aws_no_longer_accepts_are_renewed_before_a_role_fails() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    // The file says something else.
    sts.expire_login_credentials();
    home.run_with(&sts, &["-q", "-p", "open"]).ends(0, "");
    assert_eq!(
        actions(&sts),
        ["AssumeRole", "CreateOAuth2Token", "AssumeRole"]
    );
    // If they cannot be, somebody has to sign in.
    sts.expire_login_credentials();
    sts.end_logins("TOKEN_EXPIRED");
    let before = cache.text();
    home.run_with(&sts, &["-q", "-p", "open", "--force"])
        .ends(3, &sign_in_again(&format!("{SESSION} has ended")));
    assert_eq!(cache.text(), before);
}

// --- Which source it is ---

#[test]
fn long_term_keys_come_first() {
    let sts = stand_in();
    let home = Home::with(&long_term("dev"));
    home.signed_in("dev", &sts);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "dev", "--token", &code])
        .ends(0, "");
    assert_eq!(actions(&sts), ["GetSessionToken"]);
}

/// As in the AWS CLI: SSO settings without an account or a role are none.
#[test]
fn an_account_of_identity_center_comes_first() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(&home, "sso_session = corp\n");
    let status = home.run_with(&sts, &EXPORT).outcome().status;
    assert_eq!(status, Some(0));
    add(&home, "sso_account_id = 123456789012\n");
    let told = home.run_with(&sts, &EXPORT).outcome().stderr;
    assert!(!told.contains("aws login"), "{told}");
    assert!(told.starts_with("error: "), "{told}");
}

#[test]
fn a_role_comes_before_the_session_of_the_same_profile() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(
        &home,
        &format!("role_arn = {OPEN}\nsource_profile = work\n"),
    );
    home.write("credentials", &long_term("work"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "dev", "--token", &code])
        .ends(0, "");
    assert_eq!(actions(&sts), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn commands_about_keys_say_that_there_are_none() {
    let home = Home::new();
    let sts = stand_in();
    home.signed_in("dev", &sts);
    home.write("credentials", &long_term("work"));
    let said = "error: [profile dev] in ~/.aws/config gets its credentials from `aws login`, and has no long-term keys\n\
                hint: use a profile with an IAM user's long-term keys\n";
    for command in [
        &["rotate", "--yes"][..],
        &["device", "list"],
        &["keychain", "move"],
    ] {
        home.run_with(&sts, &[command, &["-p", "dev"]].concat())
            .ends(1, said);
    }
    assert_eq!(sts.calls(), 0);
}

#[test]
fn the_status_has_sign_ins_beside_sections() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let status = || home.run_with(&sts, &["status"]).outcome().stdout;
    let shown = status();
    assert!(shown.contains("\ndev      valid  15 min  "), "{shown}");
    assert!(shown.contains("aws login  -\n"), "{shown}");
    cache.ends_in(-60);
    let shown = status();
    assert!(shown.contains("\ndev      expired  -     "), "{shown}");
    fs::remove_file(cache.path()).unwrap();
    let shown = status();
    assert!(
        shown.contains("\ndev      missing  -     -      aws login  -\n"),
        "{shown}"
    );
    let json = home.run_with(&sts, &["status", "--json"]).outcome().stdout;
    assert!(json.contains("\"login\""), "{json}");
}

#[cfg(unix)]
#[test]
fn doctor_says_who_else_can_read_a_session() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let run = || home.run_with(&sts, &["doctor", "-p", "dev"]).outcome();
    let right = "no other user can read secrets or change files";
    assert!(run().stdout.contains(right), "{:?}", run());
    set_mode(cache.path(), 0o644);
    let file = cache.path().file_name().unwrap().to_str().unwrap();
    let said = format!(
        "~/.aws/login/cache/{file} can be read by everybody, and contains secrets\n         fix: chmod 600 "
    );
    assert!(run().stdout.contains(&said), "{:?}", run());
    set_mode(cache.path(), 0o600);
    set_mode(&home.file("login/cache"), 0o777);
    assert!(!run().stdout.contains(right), "{:?}", run());
}

#[test]
fn what_is_wrong_with_a_session_is_in_the_overviews() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let doctor = || {
        let outcome = home.run_with(&sts, &["doctor", "-p", "dev"]).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        outcome.stdout
    };
    let shown = doctor();
    for line in [
        "ok       credentials file  ~/.aws/credentials does not exist, and is not needed\n",
        &format!(
            "ok       keys              none are needed: `aws login` signs in {ALICE} (login_session of [profile dev] in ~/.aws/config)\n"
        ),
        "ok       credentials       dev is valid until …\n",
        &format!(
            "ok       endpoint          AWS Sign-In: {} (AWS_ENDPOINT_URL_SIGNIN)\n",
            sts.url()
        ),
        ", 0 warnings, 0 problems\n",
    ] {
        assert!(shown.contains(line), "{line:?} is not in {shown}");
    }
    for (text, problem, state) in [
        (None, "it is not signed in", "missing"),
        (
            Some("{"),
            "its session of `aws login` cannot be used: it is not valid JSON",
            "defective",
        ),
    ] {
        match text {
            None => fs::remove_file(cache.path()).unwrap(),
            Some(text) => cache.write(text),
        }
        let fix = "         fix: sign in with `aws login --profile dev`\n";
        let shown = doctor();
        let line = format!("warning  credentials       dev: {problem}\n{fix}");
        assert!(shown.contains(&line), "{line:?} is not in {shown}");
        let plan = home.run_with(&sts, &["plan", "-p", "dev"]).outcome().stdout;
        let line = format!("\nnow      must be renewed: {problem}\n");
        assert!(plan.contains(&line), "{line:?} is not in {plan}");
        let status = home.run_with(&sts, &["status", "--json"]).outcome().stdout;
        let status: Value = serde_json::from_str(&status).unwrap();
        let dev = &status["profiles"][0];
        assert_eq!(
            (&dev["state"], &dev["kind"]),
            (&state.into(), &"login".into())
        );
        assert_eq!(dev["reason"], problem);
    }
    assert_eq!(sts.calls(), 0);
}

#[test]
fn no_profile_over_a_session_is_one_of_all() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    // A role over a user's own keys is one of them for its device.
    let device = format!("mfa_serial = {ALICE_DEVICE}\n");
    add(&home, &format!("{}{device}", role("open", OPEN, "dev")));
    home.write("credentials", &long_term("work"));
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = ["-q", "--all", "--token", &code];
    home.run_with(&sts, &run).ends(0, "");
    assert_eq!(actions(&sts), ["GetSessionToken"]);
}

#[test]
fn profiles_with_a_session_are_completed_and_listed() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    let completed = home
        .run(&["--", "mfa-creds", "-p", ""])
        .env("_MFA_CREDS_COMPLETE", "fish")
        .outcome();
    assert_eq!(completed.stdout, "dev\nopen\n");
    home.run(&[]).ends(
        3,
        "error: no profile is named, and there is no section [default-long-term] in ~/.aws/credentials\n\
         hint: use --profile or set AWS_PROFILE; the profiles are: dev, open\n",
    );
    // Where no profile is asked for, or a wrong one is.
    let missing = |profile: &str, hint: &str| {
        format!(
            "error: there is no section [{profile}-long-term] in ~/.aws/credentials\nhint: {hint}\n"
        )
    };
    home.run(&["--all"]).ends(
        1,
        "error: --all found no long-term section in ~/.aws/credentials\n\
         hint: name the profiles that depend on `aws login`: --profile dev\n",
    );
    let name = "name a profile that is signed in with `aws login`: --profile dev";
    home.run(&["plan"]).ends(1, &missing("default", name));
    home.run(&["-p", "work"]).ends(1, &missing("work", name));
    home.run(&["-p", "dve"])
        .ends(1, &missing("dve", "did you mean --profile dev?"));
    // The default profile needs no name.
    home.write("config", &format!("[default]\nlogin_session = {ALICE}\n"));
    home.run_with(&sts, &["--force"])
        .ends(0, "renewing default: --force\ndefault is valid until …\n");
}

// --- Signing in ---

#[test]
fn nobody_has_signed_in() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    fs::remove_dir_all(home.file("login")).unwrap();
    let said = sign_in_again(&format!(
        "dev is not signed in: `aws login` has no session for {ALICE} (login_session of [profile dev] in ~/.aws/config)"
    ));
    let none = "it is not signed in\n";
    home.run_with(&sts, &["-p", "dev"])
        .ends(3, &format!("renewing dev: {none}{said}"));
    home.run_with(&sts, &["exec", "-p", "dev", "--", "true"])
        .ends(3, &format!("renewing dev: {none}{said}"));
    // The profile that has to sign in is that of the session.
    let begun = "renewing [open-mfa]: there are no credentials yet\n";
    home.run_with(&sts, &["-p", "open"])
        .ends(3, &format!("{begun}{said}"));
    // A `credential_process` says no more than what is wrong.
    home.run_with(&sts, &EXPORT).ends(3, &said);
    assert_eq!(sts.calls(), 0);
    assert!(!cache.path().exists());
}

#[test]
fn the_session_has_ended() {
    for (error, status, said) in [
        (
            "TOKEN_EXPIRED",
            3,
            sign_in_again(&format!("{SESSION} has ended")),
        ),
        (
            "USER_CREDENTIALS_CHANGED",
            3,
            sign_in_again(&format!(
                "{SESSION} was ended by AWS, because the user's password has changed"
            )),
        ),
        (
            "INSUFFICIENT_PERMISSIONS",
            1,
            format!(
                "error: AWS denied signin:CreateOAuth2Token to {SESSION}\n\
                 hint: ask an administrator for the managed policy SignInLocalDevelopmentAccess\n"
            ),
        ),
        (
            "NEW_REASON",
            3,
            sign_in_again(&format!(
                "{SESSION} is rejected by AWS Sign-In: NEW_REASON: Access denied"
            )),
        ),
    ] {
        let sts = stand_in();
        let home = Home::new();
        let cache = home.signed_in("dev", &sts);
        cache.ends_in(-1);
        let before = cache.text();
        sts.end_logins(error);
        home.run_with(&sts, &EXPORT).ends(status, &said);
        assert_eq!(cache.text(), before);
        // One call: an answer of the service is no reason to ask again.
        assert_eq!(sts.calls(), 1);
    }
    let user = User::new("alice").denies("signin:CreateOAuth2Token");
    let sts = StandIn::start(Account::new().user(user));
    let home = Home::new();
    home.signed_in("dev", &sts).ends_in(-1);
    let outcome = home.run_with(&sts, &EXPORT).outcome();
    assert!(
        outcome
            .stderr
            .contains("AWS denied signin:CreateOAuth2Token")
    );
}

#[test]
fn the_profile_of_the_hint_can_be_typed() {
    let home = Home::new();
    for (header, session, named, shown, flag) in [
        ("profile my dev", ALICE, "my dev", "my dev", "'my dev'"),
        ("default", ALICE, "default", "default", "default"),
        (
            "profile dev",
            "arn:aws:iam::123456789012:user/\u{1b}[2J",
            "dev",
            "dev",
            "dev",
        ),
    ] {
        home.write(
            "config",
            &format!("[{header}]\nlogin_session = {session}\n"),
        );
        let outcome = home.run(&["export", "-p", named]).outcome();
        assert_eq!(outcome.status, Some(3), "{outcome:?}");
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
        let ending = format!("\nhint: sign in with `aws login --profile {flag}`\n");
        assert!(
            outcome
                .stderr
                .contains(&format!("error: {shown} is not signed in: "))
        );
        assert!(outcome.stderr.ends_with(&typed(&ending)), "{outcome:?}");
    }
}

#[test]
fn a_service_that_says_nothing_is_not_waited_for_without_end() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts).ends_in(-1);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap();
    home.run_with(&sts, &[&EXPORT[..], &["--timeout", "1"]].concat())
        .env("AWS_ENDPOINT_URL_SIGNIN", &format!("http://{host}"))
        .ends(
            1,
            &format!(
                "error: AWS Sign-In at {host} did not respond within 1 s (--timeout)\nhint: run the command again\n"
            ),
        );
}

#[cfg(unix)]
#[test]
fn the_command_of_the_hint_signs_in() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts).ends_in(-1);
    sts.end_logins("TOKEN_EXPIRED");
    let path = home.with_aws("dev", &sts);
    let outcome = home.run_with(&sts, &EXPORT).outcome();
    let hint = outcome.stderr.lines().last().unwrap();
    let command = crate::support::shell::command_in(hint).unwrap();
    let mut typed = std::process::Command::new("/bin/sh");
    home.command(&mut typed)
        .args(["-c", &command])
        .env("PATH", &path)
        .stdout(std::process::Stdio::null());
    let ended = crate::support::spawning::spawning(|| typed.spawn().unwrap()).wait();
    assert_eq!(ended.unwrap().code(), Some(0));
    assert_eq!(home.aws_calls(), "login --profile dev\n");
    let outcome = home.run_with(&sts, &EXPORT).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

/// Runs a command on a terminal where `aws` is this program.
#[cfg(unix)]
fn at_terminal(
    home: &Home,
    sts: &StandIn,
    path: &str,
    script: &str,
) -> expectrl::session::OsSession {
    on_terminal(home, sts, &format!("PATH='{path}'; export PATH; {script}"))
}

#[cfg(unix)]
#[test]
fn whoever_is_not_signed_in_is_offered_to_sign_in() {
    let sts = stand_in();
    for script in [
        "MFA_TOKEN=123456 \"$0\" exec -p dev -- env",
        "\"$0\" exec -p open -- env",
        // What is printed belongs to another program.
        "\"$0\" export -p dev </dev/null >out; cat out",
    ] {
        let home = Home::new();
        let cache = home.signed_in("dev", &sts);
        add(&home, &role("open", OPEN, "dev"));
        fs::remove_file(cache.path()).unwrap();
        let path = home.with_aws("dev", &sts);
        let mut session = at_terminal(&home, &sts, &path, script);
        session.expect("dev is not signed in").unwrap();
        session
            .expect("Run `aws login --profile dev` now?")
            .unwrap();
        session.send_line("y").unwrap();
        session
            .expect(format!("Updated profile dev to use {ALICE} credentials."))
            .unwrap();
        session.expect("AWS_ACCESS_KEY_ID=ASIA").unwrap();
        assert_eq!(exited(session), 0);
        assert_eq!(home.aws_calls(), "login --profile dev\n");
        if script.contains("export") {
            let out = fs::read_to_string(home.path().join("out")).unwrap();
            assert!(!out.contains("Updated profile"), "{out}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_offer_can_be_declined() {
    let sts = stand_in();
    let home = Home::new();
    home.signed_in("dev", &sts).ends_in(-1);
    sts.end_logins("TOKEN_EXPIRED");
    let path = home.with_aws("dev", &sts);
    let mut session = at_terminal(&home, &sts, &path, "exec \"$0\" exec -p dev -- true");
    session.expect("has ended").unwrap();
    session.expect("now?").unwrap();
    session.send_line("n").unwrap();
    session
        .expect("hint: sign in with `aws login --profile dev`")
        .unwrap();
    assert_eq!(exited(session), 3);
    assert_eq!(home.aws_calls(), "");
}

#[cfg(unix)]
#[test]
fn a_sign_in_that_fails_is_told_and_not_offered_again() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    fs::remove_file(cache.path()).unwrap();
    let policy = "hint: `aws login` needs AWS CLI 2.32.0 or later, and the managed policy SignInLocalDevelopmentAccess";
    for (aws, said, status) in [
        (
            Some("exit 252"),
            "error: `aws login --profile dev` failed: exit status: 252",
            1,
        ),
        (
            Some("kill -TERM $$"),
            "error: `aws login --profile dev` failed: signal: 15 (SIGTERM)",
            1,
        ),
        (
            None,
            "error: aws cannot be run: no such file or directory",
            1,
        ),
        // It ends well, and nobody has signed in: it may have been declined in the browser.
        (Some("exit 0"), "error: dev is not signed in", 3),
    ] {
        let path = aws.map_or_else(|| "/nothing".to_owned(), |aws| home.aws_runs(aws));
        let mut session = at_terminal(&home, &sts, &path, "exec \"$0\" exec -p dev -- /bin/true");
        session.expect("now?").unwrap();
        session.send_line("").unwrap();
        let seen = session.expect(expectrl::Eof).unwrap();
        let seen = String::from_utf8_lossy(seen.as_bytes()).into_owned();
        assert!(seen.contains(said), "{said:?} is not in {seen:?}");
        assert!(
            !said.contains("failed") || seen.contains(policy),
            "{seen:?}"
        );
        assert_eq!(exited(session), status);
    }
}

#[cfg(unix)]
#[test]
fn a_profile_that_looks_like_a_flag_is_signed_in() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("-x", &sts);
    fs::remove_file(cache.path()).unwrap();
    let path = home.aws_runs("printf '<%s>' \"$@\" >\"$HOME/aws.calls\"; exit 1");
    let mut session = at_terminal(&home, &sts, &path, "exec \"$0\" --profile=-x");
    session.expect("Run `aws login --profile=-x` now?").unwrap();
    session.send_line("y").unwrap();
    assert_eq!(exited(session), 1);
    // The AWS CLI rejects it as a word of its own.
    assert_eq!(home.aws_calls(), "<login><--profile=-x>");
}

#[cfg(unix)]
#[test]
fn a_sign_in_as_somebody_else_is_told() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    fs::remove_file(cache.path()).unwrap();
    // As the AWS CLI does it: it asks, and changes the profile.
    let other = sts.sign_in(&Login::of_role(OPEN, "alice@example.com"));
    let now = &other.session;
    home.write("other.json", &other.cache);
    let path = home.aws_runs(&format!(
        "cp \"$HOME/.aws/other.json\" \"$HOME/.aws/login/cache/{}\"
echo '[profile dev]\nlogin_session = {now}' >\"$HOME/.aws/config\"",
        other.file_name()
    ));
    let mut session = at_terminal(&home, &sts, &path, "exec \"$0\" exec -p dev -- true");
    session.expect("now?").unwrap();
    session.send_line("y").unwrap();
    let said = format!(
        "error: `aws login` has signed in {now} for [profile dev], which was {ALICE}\r\nhint: run the command again"
    );
    session.expect(said).unwrap();
    assert_eq!(exited(session), 1);
    let outcome = home.run_with(&sts, &["-p", "dev"]).succeeds();
    assert_eq!(outcome.stderr, "dev is still valid until …\n");
}

#[cfg(unix)]
#[test]
fn a_sign_in_that_is_given_up_ends_the_command() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    fs::remove_file(cache.path()).unwrap();
    for way in ["", "trap 'exit 130' INT; "] {
        let path = home.aws_runs(&format!("{way}echo waiting; sleep 60 & wait"));
        let mut session = at_terminal(&home, &sts, &path, "exec \"$0\" exec -p dev -- true");
        session.expect("now?").unwrap();
        session.send_line("y").unwrap();
        session.expect("waiting").unwrap();
        session.send("\u{3}").unwrap();
        let seen = session.expect(expectrl::Eof).unwrap();
        let seen = String::from_utf8_lossy(seen.as_bytes()).into_owned();
        assert!(!seen.contains("failed"), "{seen:?}");
        let status = format!("{:?}", ended(session));
        assert!(status.contains("SIGINT"), "{status}");
    }
}

#[cfg(unix)]
#[test]
fn the_program_aws_gets_no_code() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    fs::remove_file(cache.path()).unwrap();
    let path = home.aws_runs("env >\"$HOME/environment\"; exit 1");
    let script =
        "MFA_TOKEN=123456 AWS_LOGIN_CACHE_DIRECTORY='~/cache' exec \"$0\" exec -p dev -- true";
    let mut session = at_terminal(&home, &sts, &path, script);
    session.expect("now?").unwrap();
    session.send_line("y").unwrap();
    assert_eq!(exited(session), 1);
    let environment = fs::read_to_string(home.path().join("environment")).unwrap();
    assert!(!environment.contains("MFA_TOKEN"), "{environment}");
    assert!(environment.contains("AWS_LOGIN_CACHE_DIRECTORY=~/cache\n"));
}

// --- Servers ---

/// A server while its command waits.
#[cfg(unix)]
fn served(home: &Home, sts: &StandIn, profile: &str) -> (Running, Endpoint) {
    let words = ["exec", "--server", "-p", profile, "--", "/bin/sh", "-c"];
    let script = format!("env | grep ^{URI}; env | grep ^{TOKEN}; read -r end; exit 0");
    let run = home.run_with(sts, &[&words[..], &[&script]].concat());
    let mut running = Running::begin(home, run);
    let endpoint = running.endpoint();
    (running, endpoint)
}

#[cfg(unix)]
#[test]
fn a_server_renews_the_session_as_long_as_it_runs() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    add(&home, &role("open", OPEN, "dev"));
    let (running, endpoint) = served(&home, &sts, "dev");
    let answer = endpoint.get();
    assert_eq!(
        answer.value("AccessKeyId"),
        cache.value("accessToken/accessKeyId")
    );
    assert!(!answer.body.contains("RoleArn"), "{answer:?}");
    assert_eq!(running.end(), Some(0));
    // Both end as soon as a server can cope with, and are renewed without a word.
    sts.login_credentials_last(5);
    sts.roles_granted_at_most(5);
    for profile in ["dev", "open"] {
        cache.ends_in(-1);
        let (running, endpoint) = served(&home, &sts, profile);
        let mut ids = vec![endpoint.access_key_id()];
        while ids.len() < 3 {
            let id = eventually(
                || Some(endpoint.access_key_id()).filter(|id| !ids.contains(id)),
                || format!("{ids:?} {}", running.errors()),
            );
            ids.push(id);
        }
        assert!(
            !running.errors().contains("warning"),
            "{}",
            running.errors()
        );
        assert_eq!(running.end(), Some(0));
    }
}

#[cfg(unix)]
#[test]
fn a_server_says_when_somebody_has_to_sign_in() {
    let sts = stand_in();
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    sts.login_credentials_last(3);
    cache.ends_in(-1);
    let (running, endpoint) = served(&home, &sts, "dev");
    assert_eq!(endpoint.get().status, 200);
    sts.end_logins("TOKEN_EXPIRED");
    let answer = eventually(
        || Some(endpoint.get()).filter(|answer| answer.status != 200),
        || running.errors(),
    );
    assert!(answer.body.contains("has ended"), "{answer:?}");
    // That command offers to sign in.
    running.says("hint: run `mfa-creds -p dev` in another terminal");
    // Somebody does.
    sts.login_credentials_last(900);
    let login = sts.sign_in(&Login::of_user("alice"));
    cache.write(&login.cache);
    let answer = eventually(
        || Some(endpoint.get()).filter(|answer| answer.status == 200),
        || running.errors(),
    );
    assert_eq!(
        answer.value("AccessKeyId"),
        cache.value("accessToken/accessKeyId")
    );
    assert_eq!(running.end(), Some(0));
}
