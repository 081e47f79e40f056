//! The account ID that goes with credentials: from the role, the device, or `aws_account_id`, and never a wrong one.

use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, StandIn, User,
};

use crate::support::doctor::says;
use crate::support::home::Home;
use crate::support::roles::{ADMIN, AUDIT, account, role};
use crate::support::sections::{long_term, value};
use crate::support::servers::Running;

/// The account of alice, and another one.
const OWN: &str = "123456789012";
const OTHER: &str = "210987654321";
/// A hardware token, whose serial number does not say whose it is.
const TOKEN: &str = "GAHT12345678";

fn with_token() -> StandIn {
    let alice = User::new("alice")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .device(Device::new(TOKEN));
    StandIn::start(Account::new().user(alice))
}

fn with_serial(account_id: &str) -> Home {
    let section = long_term("work").replace(ALICE_DEVICE, TOKEN);
    Home::with(&format!("{section}{account_id}"))
}

/// What `export --format json` says, with a code of the device.
fn exported(home: &Home, sts: &StandIn, profile: &str, device: &str) -> (String, String) {
    let code = sts.fresh_code(device);
    let words = ["export", "-p", profile, "-q", "--format", "json"];
    let run = home.run_with(sts, &words).env("MFA_TOKEN", &code);
    let outcome = run.outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let mut lines = outcome.stdout.lines();
    let id = lines.find_map(|line| line.trim().strip_prefix("\"AccountId\": "));
    (
        id.unwrap().trim_matches([',', '"']).to_owned(),
        outcome.stderr,
    )
}

#[test]
fn the_device_of_a_session_and_the_arn_of_a_role_tell_the_account() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("personal"));
    let audit = role("audit", AUDIT, "external_id = outside");
    home.write("config", &format!("{}{audit}", role("admin", ADMIN, "")));
    for (profile, id) in [("personal", OWN), ("admin", OWN), ("audit", OTHER)] {
        let of = exported(&home, &sts, profile, ALICE_DEVICE);
        assert_eq!(of, (id.to_owned(), String::new()), "{profile}");
    }
    // Stored credentials, and a device that is set now but has not made their session.
    let words = ["export", "-p", "personal", "--format", "process"];
    let other = format!("arn:aws:iam::{OTHER}:mfa/alice");
    let outcome = home.run(&words).env("MFA_DEVICE", &other).outcome();
    assert!(
        outcome
            .stdout
            .ends_with(&format!(",\n  \"AccountId\": \"{OWN}\"\n}}\n")),
        "{outcome:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_shell_and_a_command_get_it_and_give_it_back() {
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    exported(&home, &sts, "work", ALICE_DEVICE);
    let lines = home.run(&["export", "-p", "work"]).outcome().stdout;
    let line = format!("export AWS_ACCOUNT_ID={OWN}");
    assert!(lines.lines().any(|found| found == line), "{lines}");
    assert!(!lines.contains("unset AWS_ACCOUNT_ID"), "{lines}");
    let unset = home.run(&["export", "--unset"]).outcome().stdout;
    assert!(unset.contains("unset AWS_ACCOUNT_ID\n"), "{unset}");
    for server in [&["--server"][..], &[]] {
        let words = [&["exec", "-p", "work", "-q"], server, &["--", "env"]].concat();
        let run = home.run(&words).env("AWS_ACCOUNT_ID", OTHER);
        let outcome = run.env("PATH", "/usr/bin:/bin").outcome();
        let line = format!("AWS_ACCOUNT_ID={OWN}");
        assert!(
            outcome.stdout.lines().any(|found| found == line),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_server_tells_it_to_the_sdks() {
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    exported(&home, &sts, "work", ALICE_DEVICE);
    let mut running = Running::begin(&home, home.run(&["serve", "-p", "work", "-q"]));
    let answer = running.endpoint().get();
    assert!(
        answer
            .body
            .ends_with(&format!(",\n  \"AccountId\": \"{OWN}\"\n}}\n")),
        "{answer:?}"
    );
}

#[test]
fn beside_a_hardware_token_the_section_with_the_keys_tells_it() {
    let sts = with_token();
    let home = with_serial("");
    let of = exported(&home, &sts, "work", TOKEN);
    assert_eq!(of, ("null".to_owned(), String::new()));
    // No code is needed for it.
    home.write(
        "credentials",
        &home
            .credentials()
            .replace("[work]", &format!("aws_account_id = {OWN}\n[work]")),
    );
    let of = exported(&home, &sts, "work", TOKEN);
    assert_eq!(of, (OWN.to_owned(), String::new()));
    // Other keys may be in another account.
    let others = home
        .credentials()
        .replace(ALICE_ACCESS_KEY_ID, "AKIAOTHEROTHEROTHER0");
    home.write("credentials", &others);
    let of = exported(&home, &sts, "work", TOKEN);
    assert_eq!(of, ("null".to_owned(), String::new()));
}

#[test]
fn a_contradiction_is_told_and_nothing_is_passed_on() {
    let sts = StandIn::start(account());
    for (set, problem, way_out) in [
        (
            OTHER,
            format!(
                "aws_account_id of [work-long-term] in ~/.aws/credentials is {OTHER}, but the device {ALICE_DEVICE} is in the account {OWN}"
            ),
            "remove the line",
        ),
        (
            "1234-5678-9012",
            "`1234-5678-9012` (aws_account_id of [work-long-term] in ~/.aws/credentials) is not an account ID"
                .to_owned(),
            "write its 12 digits, or remove the line",
        ),
    ] {
        let home = Home::with(&format!("{}aws_account_id = {set}\n", long_term("work")));
        let code = sts.fresh_code(ALICE_DEVICE);
        let renewal = home.run_with(&sts, &["-p", "work", "-q"]);
        renewal.env("MFA_TOKEN", &code).prints("", "");
        let outcome = home.run(&["export", "-p", "work"]).outcome();
        assert_eq!(
            (outcome.status, outcome.stderr),
            (
                Some(0),
                format!("warning: the account ID is not passed on: {problem}: {way_out}\n")
            )
        );
        assert!(outcome.stdout.contains("unset AWS_ACCOUNT_ID\n"));
        let doctor = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
        assert!(doctor.stdout.contains(&problem), "{doctor:?}");
    }
}

#[test]
fn a_stale_account_next_to_new_credentials_is_corrected_and_a_missing_one_is_not_added() {
    let sts = StandIn::start(account());
    let stale = format!("[work]\naws_account_id = {OTHER}\n# mine\n");
    let home = Home::with(&format!("{stale}{}", long_term("work")));
    exported(&home, &sts, "work", ALICE_DEVICE);
    let text = home.credentials();
    assert_eq!(value(&text, "work", "aws_account_id").as_deref(), Some(OWN));
    assert!(text.contains("# mine\n"), "{text}");
    // Until the next renewal, `doctor` tells it.
    home.write(
        "credentials",
        &text
            .replace(OWN, OTHER)
            .replace(&format!("{OTHER}:"), &format!("{OWN}:")),
    );
    let doctor = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
    assert!(
        doctor.stdout.contains(&format!(
            "aws_account_id of [work] in ~/.aws/credentials is {OTHER}, but its credentials are in the account {OWN}"
        )) && doctor.stdout.contains(&format!("change it to {OWN}; the next renewal also does that")),
        "{doctor:?}"
    );
    // Some SDKs merge both files.
    home.write(
        "credentials",
        &text.replace(&format!("aws_account_id = {OWN}\n"), ""),
    );
    home.write(
        "config",
        &format!("[profile work]\naws_account_id = {OTHER}\n"),
    );
    says(
        home.run(&["doctor", "-p", "work", "--offline"]),
        "warning",
        "account ID",
        &format!(
            "aws_account_id of [profile work] in ~/.aws/config is {OTHER}, but the credentials of [work] are in the account {OWN}: \
             the AWS SDKs for Java and Rust use both together"
        ),
        Some(&format!("remove the line, or change it to {OWN}")),
    );
    // A role's account is that of its ARN; where nothing tells the account, the line stays.
    let home = Home::with(&format!(
        "[admin-mfa]\naws_account_id = {OWN}\n{}",
        long_term("personal")
    ));
    home.write("config", &role("admin", AUDIT, "external_id = outside"));
    exported(&home, &sts, "admin", ALICE_DEVICE);
    let text = home.credentials();
    assert_eq!(
        value(&text, "admin-mfa", "aws_account_id").as_deref(),
        Some(OTHER)
    );
    assert_eq!(value(&text, "personal", "aws_account_id"), None);
    let home = with_serial(&format!("[work]\naws_account_id = {OTHER}\n"));
    exported(&home, &with_token(), "work", TOKEN);
    assert_eq!(
        value(&home.credentials(), "work", "aws_account_id").as_deref(),
        Some(OTHER)
    );
}
