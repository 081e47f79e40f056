//! The trace: every decision and every request, and nothing secret. That nothing secret is in it is looked at after each test, see
//! `support::home`.

use std::fs;

use stand_in::{ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, assert_mode, says};

#[test]
fn the_trace_tells_each_request_and_decision() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "-vv", "--token", &code])
        .succeeds();
    for line in [
        "profile: work (--profile)".to_owned(),
        "no session is stored".to_owned(),
        format!("> GetSessionToken to {}", sts.url()),
        "< status 200 after ".to_owned(),
        ", request ID ".to_owned(),
        "AWS accepted the code".to_owned(),
        "wrote ~/.aws/credentials".to_owned(),
    ] {
        assert!(outcome.stderr.contains(&line), "{line}: {outcome:?}");
    }
    assert!(!outcome.stderr.contains("request ID none"), "{outcome:?}");
    // The file has the same, whatever the verbosity, and nobody else can read it.
    let path = home.file("trace");
    home.run_with(
        &sts,
        &[
            "-p",
            "work",
            "-q",
            "--force",
            "--token",
            &sts.fresh_code(ALICE_DEVICE),
        ],
    )
    .env("MFA_CREDS_TRACE", path.to_str().unwrap())
    .ends(0, "");
    let trace = fs::read_to_string(&path).unwrap();
    assert!(
        trace.contains(&format!(" > GetSessionToken to {}\n", sts.url())),
        "{trace}"
    );
    assert!(
        trace
            .lines()
            .all(|line| line.starts_with("20") || line.starts_with("  ")),
        "{trace}"
    );
    assert_mode(&path, 0o600);
    home.run(&["-p", "work"])
        .env("MFA_CREDS_TRACE", home.file("no/trace").to_str().unwrap())
        .ends(
            1,
            "error: the trace ~/.aws/no/trace (MFA_CREDS_TRACE) cannot be written: no such file or directory\n\
             hint: set it to a file in a directory that you own, or unset it\n",
        );
    let before = home.credentials();
    fs::hard_link(home.file("credentials"), home.file("hard")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(home.file("hard"), home.file("soft")).unwrap();
    for name in [
        "credentials",
        "hard",
        #[cfg(unix)]
        "soft",
    ] {
        home.run(&["-p", "work"])
            .env("MFA_CREDS_TRACE", home.file(name).to_str().unwrap())
            .ends(
                1,
                &format!(
                    "error: the trace ~/.aws/{name} (MFA_CREDS_TRACE) would be written to one of the AWS files\n\
                     hint: name another file\n"
                ),
            );
    }
    assert_eq!(home.credentials(), before);
}

#[test]
fn a_secret_would_be_found() {
    let home = Home::of_alice();
    let secrets = home.secrets();
    assert!(
        secrets
            .iter()
            .any(|secret| secret == ALICE_SECRET_ACCESS_KEY)
    );
    let sts = StandIn::start(Account::example());
    let code = sts.fresh_code(ALICE_DEVICE);
    assert!(home.secrets().contains(&code));
    let text = |secret: &str| format!("2026-11-25T18:18:20.123Z p123456 it is {secret}, sent\n");
    for secret in [ALICE_SECRET_ACCESS_KEY, &code] {
        assert!(says(&text(secret), secret));
        assert!(!says(&text("hidden"), secret));
    }
    // Six digits that are a part of something longer are no code.
    assert!(!says(&text(&format!("12{code}56")), &code));
}
