//! Long-term keys that `aws configure` wrote over a session: nothing overwrites them or takes them for a session, and `setup`
//! moves them to where they belong.

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Role, StandIn,
};

use crate::support::home::Home;
use crate::support::sections::{FAR, long_term, short_term, value};
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

const NEW_ID: &str = "AKIAFAKENEWKEY000000";
const NEW_SECRET: &str = "FakeNewSecretOfAliceNotRealFakeSecretFak";
const ROLE: &str = "arn:aws:iam::123456789012:role/admin";
const PAST: &str = "2001-01-01 00:00:00";

/// A section as `aws configure` leaves it: another id and secret, and the rest of a session.
fn configured(section: &str, expiration: &str) -> String {
    short_term(section, expiration)
        .replace("ASIAFAKEFAKEFAKEFAKE", NEW_ID)
        .replace("FakeSecret", NEW_SECRET)
}

/// `[work]` of that kind, and `[work-long-term]`.
fn both(expiration: &str) -> String {
    long_term("work") + &configured("work", expiration)
}

fn in_the_way(hint: &str) -> String {
    format!(
        "error: [work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites\n\
         hint: {hint}\n"
    )
}

const WITH_KEYS: &str = "[work-long-term] also has keys: run `mfa-creds setup --profile work`, which asks whether to replace them with those in [work]";

#[test]
fn no_run_overwrites_them_or_hands_them_out() {
    for expiration in [FAR, PAST, "tomorrow"] {
        for arguments in [
            &["-p", "work"][..],
            &["-p", "work", "--force", "--token", "123456"],
            &["export", "-p", "work"],
            &["export", "-p", "work", "--format", "process"],
            &["exec", "-p", "work", "--", "true"],
            &["plan", "-p", "work"],
        ] {
            let home = Home::with(&both(expiration));
            let sts = StandIn::start(Account::example());
            home.run_with(&sts, arguments)
                .ends(1, &in_the_way(WITH_KEYS));
            assert_eq!(home.credentials(), both(expiration), "{arguments:?}");
            assert!(sts.requests().is_empty(), "{arguments:?}");
        }
    }
}

#[test]
fn a_session_for_a_role_goes_past_them() {
    let role =
        Role::new("arn:aws:iam::123456789012:role/admin").trusts("arn:aws:iam::123456789012:root");
    let sts = StandIn::start(Account::example().role(role));
    let home = Home::with(&both(PAST));
    home.write(
        "config",
        "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = work\n",
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "admin", "-q", "--token", &code])
        .ends(0, "");
    assert!(home.credentials().starts_with(&both(PAST)));
}

#[test]
fn status_and_doctor_say_so() {
    let home = Home::with(&both(FAR));
    home.run(&["status", "--check", "-p", "work"]).ends(1, "");
    let outcome = home.run(&["status", "-p", "work", "--json"]).outcome();
    assert!(
        outcome
            .stdout
            .contains("\"reason\": \"it contains long-term keys, not a session\""),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("\"valid\""), "{outcome:?}");
    let outcome = home.run(&["doctor", "--offline", "-p", "work"]).outcome();
    let settings = in_the_way(WITH_KEYS)
        .replace("error: ", "")
        .replace("hint: ", "");
    let [problem, fix] = settings.lines().collect::<Vec<_>>()[..] else {
        panic!("two lines");
    };
    assert!(outcome.stdout.contains(problem), "{outcome:?}");
    assert!(outcome.stdout.contains(fix), "{outcome:?}");
    assert!(!outcome.stdout.contains("is valid until"), "{outcome:?}");
}

#[cfg(unix)]
#[test]
fn setup_replaces_the_old_keys_only_when_told_to() {
    for (answer, status) in [("", 1), ("n", 1), ("y", 0)] {
        let sts = StandIn::start(Account::example());
        let home = Home::with(&both(FAR));
        let mut run = on_terminal(&home, &sts, "exec \"$0\" setup");
        run.expect("Profile name to").unwrap();
        run.send_line("work").unwrap();
        run.expect(
            "[work] contains the access key AKIA…0000, and [work-long-term] contains AKIA…ALIC. \
             Replace the keys in [work-long-term]? They will be lost [y/N]:",
        )
        .unwrap();
        run.send_line(answer).unwrap();
        assert_eq!(exited(run), status, "{answer}");
        if status == 1 {
            assert_eq!(home.credentials(), both(FAR));
        } else {
            assert_eq!(
                home.credentials(),
                long_term("work")
                    .replace(ALICE_ACCESS_KEY_ID, NEW_ID)
                    .replace(ALICE_SECRET_ACCESS_KEY, NEW_SECRET)
                    + "[work]\n"
            );
        }
    }
}

#[test]
fn setup_moves_them_where_nothing_is_lost_by_it() {
    // There are no other keys.
    let home = Home::with(&configured("work", FAR));
    home.run(&["setup"])
        .stdin(&format!("work\n{ALICE_DEVICE}\n"))
        .ends(
            0,
            "moved the keys from [work] to [work-long-term]\nnext: mfa-creds --profile work\n",
        );
    let moved = long_term("work")
        .replace(ALICE_ACCESS_KEY_ID, NEW_ID)
        .replace(ALICE_SECRET_ACCESS_KEY, NEW_SECRET);
    assert_eq!(home.credentials(), format!("[work]\n\n{moved}"));

    // They are the same.
    let same = moved.clone() + &configured("work", FAR);
    let home = Home::with(&same);
    home.run(&["-p", "work"]).ends(
        1,
        &in_the_way("[work-long-term] has the same keys: run `mfa-creds setup --profile work` to remove them from [work]"),
    );
    home.run(&["setup"]).stdin("work\n").ends(
        0,
        "removed the keys from [work]: [work-long-term] has the same keys\nnext: mfa-creds --profile work\n",
    );
    assert_eq!(home.credentials(), format!("{moved}[work]\n"));
}

#[test]
fn setup_takes_no_keys_from_the_pipe_where_it_moves_others() {
    let home = Home::with(&configured("work", FAR));
    home.run(&["setup"])
        .stdin(&format!(
            "work\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{ALICE_DEVICE}\n"
        ))
        .ends(
            1,
            "error: [work] contains long-term keys to be moved, but other keys are piped in\n\
             hint: pipe in only the profile and the device, or remove the keys from [work] in an editor\n",
        );
    assert_eq!(home.credentials(), configured("work", FAR));
}

#[cfg(unix)]
#[test]
fn setup_loses_no_device() {
    let phone = "aws_mfa_device = arn:aws:iam::123456789012:mfa/phone\n";
    let sts = StandIn::start(Account::example());
    let home = Home::with(&(both(FAR) + phone));
    let mut run = on_terminal(&home, &sts, "exec \"$0\" setup -p work");
    run.expect("Profile name to").unwrap();
    run.send_line("").unwrap();
    run.expect("[y/N]:").unwrap();
    run.send_line("y").unwrap();
    assert_eq!(exited(run), 0);
    let moved = long_term("work")
        .replace(ALICE_ACCESS_KEY_ID, NEW_ID)
        .replace(ALICE_SECRET_ACCESS_KEY, NEW_SECRET);
    assert_eq!(home.credentials(), format!("{moved}[work]\n{phone}"));
}

#[test]
fn setup_leaves_nothing_of_a_session_beside_the_keys() {
    let stale = both(FAR).replacen(
        "aws_mfa_device",
        "aws_session_token = FakeToken\nexpiration = 2001-01-01 00:00:00\naws_mfa_device",
        1,
    );
    let same = stale.replacen(ALICE_ACCESS_KEY_ID, NEW_ID, 1).replacen(
        ALICE_SECRET_ACCESS_KEY,
        NEW_SECRET,
        1,
    );
    let home = Home::with(&same);
    home.run(&["setup"]).stdin("work\n").succeeds();
    assert!(
        !home.credentials().contains("Token"),
        "{}",
        home.credentials()
    );
}

#[test]
fn the_examples_of_aws_are_keys_like_others_where_no_session_is() {
    // As people type it for moto, LocalStack and MinIO.
    for id in ["AKIAIOSFODNN7EXAMPLE", "LSIAQAAAAAAVNCBMPNSG"] {
        let text = format!(
            "{}[work]\naws_access_key_id = {id}\naws_secret_access_key = precious\n",
            long_term("work")
        );
        let home = Home::with(&text);
        home.run(&["-p", "work", "--token", "123456"])
            .ends(1, &in_the_way(WITH_KEYS));
        assert_eq!(home.credentials(), text);
        // As aws-mfa leaves it, which does not note what it wrote.
        let session = short_term("work", PAST).replace("ASIAFAKEFAKEFAKEFAKE", id);
        let home = Home::with(&(long_term("work") + &session));
        let sts = StandIn::start(Account::example());
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
            .ends(0, "");
    }
}

#[test]
fn keys_of_another_server_are_not_called_long_term() {
    let session = short_term("work", PAST).replace("ASIAFAKEFAKEFAKEFAKE", "K2QZ8X7LJ4T1VN5RWE0P");
    let home = Home::with(&(long_term("work") + &session));
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: [work] in ~/.aws/credentials contains keys that mfa-creds did not write, and never overwrites\n\
         hint: if they are from an old session, remove them in an editor; if they are an IAM user's own keys, rename [work]\n",
    );
}

#[test]
fn setup_replaces_nothing_where_nobody_can_be_asked() {
    let home = Home::with(&both(FAR));
    home.run(&["setup"]).stdin("work\n").ends(
        1,
        "error: [work] contains the access key AKIA…0000, and [work-long-term] contains AKIA…ALIC\n\
         hint: run the command in a terminal without piping in answers: it asks which keys to use\n",
    );
    assert_eq!(home.credentials(), both(FAR));
}

#[test]
fn setup_replaces_no_keys_of_a_command_and_none_amid_a_rotation() {
    let process = "[work-long-term]\ncredential_process = print-keys\n";
    let rotated = long_term("work") + "mfa_creds_rotation_begun = 2026-11-27T00:00:00Z\n";
    for (own, error) in [
        (
            process,
            "error: [work-long-term] in ~/.aws/credentials already contains keys\n\
             hint: choose another profile, or change the keys in an editor\n",
        ),
        (
            &*rotated,
            "error: the access key rotation for [work-long-term] is not finished\n\
             hint: run `mfa-creds rotate -p work` to finish it, then run the command again\n",
        ),
    ] {
        let before = own.to_owned() + &configured("work", FAR);
        let home = Home::with(&before);
        home.run(&["setup"]).stdin("work\n").ends(1, error);
        assert_eq!(home.credentials(), before);
    }
}

#[test]
fn an_id_whose_secret_is_inherited_stays_until_setup_moves_both() {
    let inherited = format!("[DEFAULT]\naws_secret_access_key = {NEW_SECRET}\n\n");
    let before = format!("{inherited}[work]\naws_access_key_id = {NEW_ID}\n");
    let home = Home::with(&(before.clone() + &long_term("work")));
    home.run(&["-p", "work", "--token", "123456"])
        .ends(1, &in_the_way(WITH_KEYS));
    assert_eq!(home.credentials(), before.clone() + &long_term("work"));

    let home = Home::with(&before);
    home.run(&["setup"])
        .stdin(&format!("work\n{ALICE_DEVICE}\n"))
        .succeeds();
    let moved = long_term("work")
        .replace(ALICE_ACCESS_KEY_ID, NEW_ID)
        .replace(ALICE_SECRET_ACCESS_KEY, NEW_SECRET);
    assert_eq!(home.credentials(), format!("{inherited}[work]\n\n{moved}"));
}

#[test]
fn a_secret_without_its_id_stays() {
    let before = long_term("work") + "[work]\naws_secret_access_key = precious\n";
    let home = Home::with(&before);
    home.run(&["-p", "work", "--token", "123456"]).ends(
        1,
        "error: [work] in ~/.aws/credentials contains a secret access key without its ID, which mfa-creds never overwrites\n\
         hint: remove the secret in an editor, or add its aws_access_key_id\n",
    );
    assert_eq!(home.credentials(), before);
}

#[test]
fn a_new_secret_that_has_its_id_not_yet_stays() {
    // As after `aws configure set aws_secret_access_key …`, before the id is set.
    let role = Role::new(ROLE).trusts("123456789012");
    for arguments in [&["-p", "work"][..], &["-p", "work", "--assume-role", ROLE]] {
        let sts = StandIn::start(Account::example().role(role.clone()));
        let home = Home::of_alice();
        let renew = |force: &[&str]| {
            let code = sts.fresh_code(ALICE_DEVICE);
            home.run_with(
                &sts,
                &[arguments, force, &["-q", "--token", &code]].concat(),
            )
        };
        renew(&[]).succeeds();
        renew(&["--force"]).succeeds();
        let secret = value(&home.credentials(), "work", "aws_secret_access_key").unwrap();
        let text = home.credentials().replace(&secret, NEW_SECRET);
        home.write("credentials", &text);
        let said = "error: [work] in ~/.aws/credentials contains a secret access key that mfa-creds did not write, next to a session's access key ID\n\
             hint: remove the secret in an editor, or add its aws_access_key_id\n";
        let before = sts.calls();
        renew(&["--force"]).ends(1, said);
        home.run(&["clear", "-q", "-p", "work"]).ends(1, said);
        home.run(&["clear", "-q", "--all"]).ends(1, said);
        assert_eq!(home.credentials(), text);
        assert_eq!(sts.calls(), before);
    }
}

#[test]
fn a_secret_beside_what_is_left_of_a_session_stays_too() {
    let section = |assumed: &str| {
        format!(
            "[work]\nassumed_role = {assumed}\naws_secret_access_key = precious\naws_session_token = x\nexpiration = {PAST}\n"
        )
    };
    for assumed in ["False", "True"] {
        let before = long_term("work") + &section(assumed);
        let home = Home::with(&before);
        let said = "error: [work] in ~/.aws/credentials contains a secret access key without its ID, which mfa-creds never overwrites\n\
             hint: remove the secret in an editor, or add its aws_access_key_id\n";
        home.run(&["-p", "work", "--token", "123456"]).ends(1, said);
        home.run(&["clear", "-q", "-p", "work"]).ends(1, said);
        home.run(&["clear", "-q", "--all"]).ends(1, said);
        assert_eq!(home.credentials(), before);
    }
}

#[test]
fn a_secret_of_ours_whose_id_is_gone_is_known_again() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let renew = || {
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
            .ends(0, "");
    };
    renew();
    let id = value(&home.credentials(), "work", "aws_access_key_id").unwrap();
    let without = home
        .credentials()
        .replace(&format!("aws_access_key_id = {id}\n"), "");
    home.write("credentials", &without);
    renew();
}

#[test]
fn a_session_whose_id_looks_like_a_long_term_one_is_known_again() {
    for prefix in ["AKIA", "LSIA"] {
        for role in [&[][..], &["--assume-role", ROLE]] {
            let account = Account::example().session_prefix(prefix);
            let sts = StandIn::start(account.role(Role::new(ROLE).trusts("123456789012")));
            let home = Home::of_alice();
            let arguments = [&["-p", "work"][..], role].concat();
            let renew = |force: &[&'static str]| {
                let code = sts.fresh_code(ALICE_DEVICE);
                let token = ["-q", "--token", &code];
                home.run_with(&sts, &[&arguments[..], force, &token].concat())
                    .ends(0, "");
            };
            renew(&[]);
            let text = home.credentials();
            let noted = value(&text, "work", "mfa_creds_access_key_id");
            let id = value(&text, "work", "aws_access_key_id");
            assert_eq!(noted, id.filter(|id| id.starts_with("AKIA")));
            home.run(&[&["status", "--check"][..], &arguments[..2]].concat())
                .ends(i32::from(!role.is_empty()), "");
            renew(&["--force"]);
            assert_ne!(home.credentials(), text);
            home.run(&["clear", "-q", "-p", "work"]).ends(0, "");
            assert_eq!(home.credentials(), long_term("work"));
            // Keys over it are somebody's own again.
            renew(&[]);
            let text = home.credentials();
            let id = value(&text, "work", "aws_access_key_id").unwrap();
            let over = text.replace(&format!("_access_key_id = {id}"), "_access_key_id = X");
            let over = over.replacen(
                "_access_key_id = X",
                &format!("_access_key_id = {NEW_ID}"),
                1,
            );
            home.write("credentials", &over);
            home.run(&[&arguments[..], &["--force", "--token", "123456"]].concat())
                .ends(1, &in_the_way(WITH_KEYS));
        }
    }
}
