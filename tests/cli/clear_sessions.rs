//! `mfa-creds clear`: the sessions and credentials outside the credentials file go, so that the next run needs a code.

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::Home;
use crate::support::roles::{ADMIN, account, role};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::systems::{PATH, printing};

#[test]
fn a_roles_session_is_cleared_with_it_unless_it_is_another_profiles() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("personal"));
    home.write("config", &role("admin", ADMIN, ""));
    let before = home.credentials();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "admin", "--token", &code])
        .ends(0, "");
    home.run(&["clear", "-p", "admin"]).ends(
        0,
        "[personal] still has the MFA session of the device; to remove it, run `mfa-creds clear -p personal`\n\
         cleared [admin-mfa]\n",
    );
    home.run_with(&sts, &["-q", "-p", "admin", "--no-input"])
        .ends(0, "");
    home.run(&["clear", "-q", "-p", "admin", "-p", "personal"])
        .ends(0, "");
    assert_eq!(home.credentials(), before);
    let outcome = home
        .run_with(&sts, &["-q", "-p", "admin", "--no-input"])
        .outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
}

#[test]
fn what_is_kept_outside_the_file_goes() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let no_store = ["exec", "-q", "-p", "work", "--no-store", "true"];
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &no_store)
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    home.run_with(&sts, &no_store).ends(0, "");
    home.run(&["clear", "-p", "work"]).ends(
        0,
        "removed the MFA session from ~/.aws/.mfa-creds/credentials.sessions\n",
    );
    let outcome = home.run_with(&sts, &no_store).outcome();
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
}

#[test]
fn sessions_go_whatever_keeps_the_section() {
    let sts = StandIn::start(Account::example());
    let keys = long_term("work");
    let no_store = ["exec", "-q", "-p", "work", "--no-store", "true"];
    let removed = "removed the MFA session from ~/.aws/.mfa-creds/credentials.sessions\n";
    // The device is named on the command line only, or the plan is impossible for another reason.
    let without_device = keys.lines().take(3).collect::<Vec<_>>().join("\n") + "\n";
    let home = Home::with(&without_device);
    let code = sts.fresh_code(ALICE_DEVICE);
    let with_device = [
        &[
            "exec",
            "-q",
            "-p",
            "work",
            "--no-store",
            "--device",
            ALICE_DEVICE,
        ],
        &["true"][..],
    ]
    .concat();
    home.run_with(&sts, &with_device)
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    home.run(&["clear", "-p", "work"])
        .env("MFA_CREDS_MIN_TTL", "100h")
        .ends(0, removed);
    assert_eq!(home.run_with(&sts, &with_device).outcome().status, Some(3));
    // Long-term keys are in the section.
    let home = Home::with(&format!("{keys}{}", keys.replace("-long-term", "")));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &no_store)
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    home.run(&["clear", "-p", "work"]).ends(
        1,
        &format!("{removed}error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never removes\nhint: run `mfa-creds setup` to move them to a long-term section, or remove them in an editor\n"),
    );
    assert_eq!(home.run_with(&sts, &no_store).outcome().status, Some(3));
    // There is no file any more.
    let home = Home::of_alice();
    let sts = StandIn::start(Account::example());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &no_store)
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    std::fs::remove_file(home.file("credentials")).unwrap();
    home.run(&["clear", "--all"])
        .ends(0, "removed ~/.aws/.mfa-creds/credentials.sessions\n");
}

#[test]
fn a_session_goes_though_nobody_knows_its_key_and_device_any_more() {
    let removed = "removed the MFA session from ~/.aws/.mfa-creds/credentials.sessions\n";
    // The key comes from a command, and the device from the environment.
    let sts = StandIn::start(account());
    let home = Home::with(&format!(
        "[work-long-term]\ncredential_process = {}\n",
        printing(&format!(
            "{{\"Version\":1,\"AccessKeyId\":\"{ALICE_ACCESS_KEY_ID}\",\"SecretAccessKey\":\"{ALICE_SECRET_ACCESS_KEY}\"}}"
        ))
    ));
    let code = sts.fresh_code(ALICE_DEVICE);
    let arguments = ["-q", "-p", "work", "--assume-role", ADMIN];
    let refresh = || {
        let run = home.run_with(&sts, &arguments).env("PATH", PATH);
        run.env("MFA_DEVICE", ALICE_DEVICE)
    };
    refresh().env("MFA_TOKEN", &code).ends(0, "");
    home.run(&["clear", "-p", "work"])
        .ends(0, &format!("{removed}cleared [work]\n"));
    assert_eq!(refresh().outcome().status, Some(3));
    // The long-term section is gone, and so is the way to it.
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &arguments)
        .env("MFA_TOKEN", &code)
        .ends(0, "");
    let written = home.credentials();
    home.write("credentials", written.split_once("\n\n").unwrap().1);
    home.run(&["clear", "-p", "work"])
        .ends(0, &format!("{removed}cleared [work]\n"));
    home.write("credentials", &written);
    home.run(&["clear", "-q", "-p", "work"]).ends(0, "");
    assert_eq!(home.run_with(&sts, &arguments).outcome().status, Some(3));
}

#[test]
fn a_spoiled_file_of_sessions_does_not_keep_the_sections() {
    let home = Home::with(&format!("{}{}", short_term("a", FAR), short_term("b", FAR)));
    std::fs::create_dir(home.file(".mfa-creds")).unwrap();
    let kept = short_term("profile a-long-term", FAR);
    home.write(
        ".mfa-creds/credentials.sessions",
        &format!("{kept}nonsense\n"),
    );
    let outcome = home.run(&["clear", "-p", "a", "-p", "b"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .starts_with("cleared [a]\ncleared [b]\nerror: "),
        "{outcome:?}"
    );
    assert_eq!(home.credentials(), "");
    home.run(&["clear", "--all"])
        .ends(0, "removed ~/.aws/.mfa-creds/credentials.sessions\n");
    home.run(&["clear", "--all"]).ends(0, "nothing to clear\n");
}

#[test]
fn the_owner_of_a_session_is_named_as_a_profile() {
    let sts = StandIn::start(account());
    let home = Home::with(&long_term("personal"));
    home.write("config", &role("admin", ADMIN, ""));
    let suffix =
        |run: crate::support::home::Run<'_>| run.env("MFA_SHORT_TERM_SUFFIX", "x").outcome();
    let code = sts.fresh_code(ALICE_DEVICE);
    suffix(home.run_with(&sts, &["-q", "-p", "admin", "--token", &code]));
    let outcome = suffix(home.run(&["clear", "-p", "admin"]));
    assert_eq!(
        outcome.stderr,
        "[personal-x] still has the MFA session of the device; to remove it, run `mfa-creds clear -p personal`\n\
         cleared [admin-x]\n"
    );
    let outcome = suffix(home.run(&["clear", "-p", "personal"]));
    assert!(
        outcome.stderr.ends_with("cleared [personal-x]\n"),
        "{outcome:?}"
    );
    assert_eq!(home.credentials(), long_term("personal"));
}
