//! Long-term keys in `[profile work]` of the config file, where the AWS tools take them from, too: they serve the profile itself
//! as they serve a role over it.

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::Home;
use crate::support::sections::{FAR, long_term, short_term, value};

/// The keys and the device of the stand-in's user, as a profile of the config file.
fn profile(header: &str) -> String {
    format!(
        "[{header}]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n\
         mfa_serial = {ALICE_DEVICE}\n"
    )
}

fn home(header: &str) -> Home {
    let home = Home::new();
    home.write("config", &profile(header));
    home
}

#[test]
fn they_get_a_session_for_their_own_profile() {
    for (header, section, arguments) in [
        ("profile work", "work", &["-p", "work"][..]),
        ("default", "default", &[]),
        ("profile default", "default", &[]),
    ] {
        let sts = StandIn::start(Account::example());
        let home = home(header);
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &[arguments, &["--token", &code]].concat())
            .ends(
                0,
                &format!(
                    "renewing [{section}]: there are no credentials yet\n[{section}] is valid until …\n"
                ),
            );
        let id = value(&home.credentials(), section, "aws_access_key_id");
        assert!(id.is_some_and(|id| id.starts_with("ASIA")));
        assert_eq!(
            std::fs::read_to_string(home.file("config")).unwrap(),
            profile(header)
        );
        home.run(arguments)
            .ends(0, &format!("[{section}] is still valid until …\n"));
        home.run(&[&["status", "--check"][..], arguments].concat())
            .ends(0, "");
        // A session in their place is as it should be.
        let outcome = home
            .run(&[&["doctor", "--offline"][..], arguments].concat())
            .outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(!outcome.stdout.contains("are never used"), "{outcome:?}");
        home.run(&[&["clear", "-q"][..], arguments].concat())
            .ends(0, "");
        assert_eq!(home.credentials(), "");
    }
}

#[test]
fn a_long_term_section_comes_first() {
    let sts = StandIn::start(Account::example());
    let home = home("profile work");
    let config = profile("profile work").replace(ALICE_ACCESS_KEY_ID, "AKIAFAKEOTHER0000000");
    home.write("config", &config);
    home.write("credentials", &long_term("work"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .ends(0, "");
}

#[test]
fn all_takes_those_with_a_device() {
    let sts = StandIn::start(Account::example());
    let home = home("profile work");
    let other = profile("profile plain").replace("mfa_serial", "# mfa_serial");
    home.write("config", &(profile("profile work") + &other));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["--all", "-q", "--token", &code])
        .ends(0, "");
    let text = home.credentials();
    assert!(text.contains("[work]"), "{text}");
    assert!(!text.contains("[plain]"), "{text}");
    // Nor those whose own keys the AWS tools take first.
    home.write("credentials", &long_term("work").replace("-long-term", ""));
    home.run(&["--all", "-q"]).ends(
        1,
        "error: --all found no long-term section in ~/.aws/credentials\n\
         hint: run `mfa-creds setup --profile default` to write one\n",
    );
}

#[test]
fn long_term_keys_in_the_credentials_file_stay() {
    let home = home("profile work");
    let before = long_term("work").replace("-long-term", "");
    home.write("credentials", &before);
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites\n\
         hint: move them to [work-long-term] with `mfa-creds setup --profile work`\n",
    );
    assert_eq!(home.credentials(), before);
}

#[test]
fn keys_beside_a_session_token_are_none() {
    let home = home("profile work");
    home.write(
        "config",
        &(profile("profile work") + "aws_session_token = FakeToken\n"),
    );
    home.write("credentials", &short_term("other", FAR));
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: there is no section [work-long-term] in ~/.aws/credentials\n\
         hint: run `mfa-creds setup --profile work` to write it\n",
    );
}
