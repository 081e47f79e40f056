//! Other hands on the keys while they are rotated: what a person or another program has written, or made at AWS, stays.

use std::ops::Range;
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use expectrl::Expect as _;
#[cfg(unix)]
use expectrl::process::unix::WaitStatus;
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, Account, Fault, KeyStatus, StandIn, User,
};

use crate::support::accounts::{alice, stand_in};
use crate::support::home::{Home, Outcome};
#[cfg(unix)]
use crate::support::rotation::told_of_lost_key;
use crate::support::rotation::{OTHER, ROTATE, assert_rotated, current, fault_after, file, home};
use crate::support::sections::{long_term, value};
#[cfg(unix)]
use crate::support::terminal::{ended, exited, on_terminal};

const OTHER_SECRET: &str = "FakeSecretOfBobFakeSecretOfBobFakeSecret";
/// Requests that a whole rotation makes.
const REQUESTS: usize = 7;
/// The one that makes the key, and the first after the new key is in its place.
const CREATE: usize = 2;
const AFTER_SWAP: usize = 4;
/// So long that whatever a test does meanwhile is done.
const LONG: Duration = Duration::from_secs(2);

fn two_users() -> StandIn {
    let bob = User::new("bob").access_key(OTHER, OTHER_SECRET);
    StandIn::start(Account::new().user(alice()).user(bob))
}

/// Runs a rotation, and writes another file while it waits for the answer to the request with this number.
fn written_meanwhile(
    home: &Home,
    sts: &StandIn,
    number: usize,
    write: impl FnOnce(&str) -> String,
) -> Outcome {
    fault_after(sts, number, Fault::Hang(LONG));
    let outcome = thread::scope(|scope| {
        let run = scope.spawn(|| home.run_with(sts, &ROTATE).outcome());
        while sts.calls() <= number {
            thread::yield_now();
        }
        home.write("credentials", &write(&home.credentials()));
        run.join().unwrap()
    });
    sts.clear_faults();
    outcome
}

/// Tries each number, all at once: most of the time is spent waiting.
fn each(numbers: Range<usize>, attempt: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in numbers {
            let attempt = &attempt;
            scope.spawn(move || attempt(number));
        }
    });
}

/// As `aws configure` does it: another pair in the place of the one that is there.
fn with_pair(text: &str, id: &str, secret: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" = ") {
        Some((key @ "aws_access_key_id", _)) => format!("{key} = {id}\n"),
        Some((key @ "aws_secret_access_key", _)) => format!("{key} = {secret}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn masked(id: &str) -> String {
    format!("{}…{}", &id[..4], &id[id.len() - 4..])
}

/// The access keys that AWS has for alice and that the file has not.
fn nowhere(home: &Home, sts: &StandIn) -> Vec<KeyStatus> {
    let text = home.credentials();
    let keys = sts.access_keys("alice").into_iter();
    keys.filter(|key| !text.contains(&key.secret_access_key))
        .collect()
}

fn new_key(sts: &StandIn) -> Option<KeyStatus> {
    let keys = sts.access_keys("alice").into_iter();
    let mut new = keys.filter(|key| key.access_key_id != ALICE_ACCESS_KEY_ID);
    new.next()
}

#[test]
fn a_pair_that_somebody_writes_meanwhile_stays_and_no_key_is_lost() {
    each(0..REQUESTS, |number| {
        let (sts, home) = (two_users(), home());
        let write = |text: &str| with_pair(text, OTHER, OTHER_SECRET);
        let outcome = written_meanwhile(&home, &sts, number, write);
        let new = new_key(&sts);
        let expected = match &new {
            Some(new) if number >= AFTER_SWAP => &new.access_key_id,
            _ => ALICE_ACCESS_KEY_ID,
        };
        let told = format!(
            "[work-long-term] in ~/.aws/credentials has access key {} instead of {}: it was changed during a rotation\n",
            masked(OTHER),
            masked(expected)
        );
        assert!(outcome.stderr.contains(&told), "{number}: {outcome:?}");
        assert_eq!(outcome.status, Some(1), "{number}: {outcome:?}");
        let text = home.credentials();
        assert_eq!(
            current(&home),
            (OTHER.to_owned(), OTHER_SECRET.to_owned()),
            "{number}: {text}"
        );
        if number < CREATE {
            assert_eq!(new, None);
            assert_eq!(text, write(&file()));
            return;
        }
        // Of alice's keys, only the one that the person has written over may be missing in the file.
        let missing = nowhere(&home, &sts);
        assert!(
            missing
                .iter()
                .all(|key| key.access_key_id == ALICE_ACCESS_KEY_ID),
            "{number}: {text}"
        );
        assert_eq!(missing.is_empty(), number >= AFTER_SWAP, "{number}: {text}");
        // Nothing is done for the other user with what is kept for this one.
        let again = home.run_with(&sts, &ROTATE).outcome();
        assert!(again.stderr.contains(&told), "{number}: {again:?}");
        assert_eq!(home.credentials(), text);
    });
}

#[test]
fn both_ways_out_of_a_pair_that_came_between_help() {
    each(CREATE..REQUESTS, |number| {
        let write = |text: &str| with_pair(text, OTHER, OTHER_SECRET);
        // The first: the pair that was there comes back.
        let (sts, home) = (two_users(), home());
        let outcome = written_meanwhile(&home, &sts, number, write);
        let new = new_key(&sts).unwrap();
        let hint = format!(
            "; to keep {}, remove the lines that start with `mfa_creds_`, which contain ",
            masked(OTHER)
        );
        assert!(outcome.stderr.contains(&hint), "{outcome:?}");
        let (id, secret) = if number >= AFTER_SWAP {
            (&*new.access_key_id, &*new.secret_access_key)
        } else {
            (ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        };
        home.write("credentials", &with_pair(&home.credentials(), id, secret));
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(outcome.status, Some(0), "{number}: {outcome:?}");
        assert_rotated(&home, &sts);
        assert_eq!(current(&home).0, new.access_key_id);

        // The second: the other pair stays, and is rotated by the next run.
        let (sts, home) = (two_users(), self::home());
        written_meanwhile(&home, &sts, number, write);
        let text = home.credentials();
        let lines = text.lines().filter(|line| !line.starts_with("mfa_creds_"));
        home.write(
            "credentials",
            &(lines.collect::<Vec<_>>().join("\n") + "\n"),
        );
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(outcome.status, Some(0), "{number}: {outcome:?}");
        let keys = sts.access_keys("bob");
        assert_eq!(keys.len(), 1);
        assert_eq!(current(&home).1, keys[0].secret_access_key);
        assert!(new_key(&sts).unwrap().active);
    });
}

#[test]
fn another_secret_for_the_same_key_is_noticed() {
    each(CREATE..AFTER_SWAP, |number| {
        let (sts, home) = (two_users(), home());
        let write = |text: &str| with_pair(text, ALICE_ACCESS_KEY_ID, OTHER_SECRET);
        let outcome = written_meanwhile(&home, &sts, number, write);
        let told = format!(
            "error: [work-long-term] in ~/.aws/credentials was changed while its access key {} was being rotated: aws_secret_access_key\n\
             hint: check the section, then run the command again: it continues with what is there\n",
            masked(ALICE_ACCESS_KEY_ID)
        );
        assert!(outcome.stderr.ends_with(&told), "{number}: {outcome:?}");
        assert_eq!(current(&home).1, OTHER_SECRET);
        // The new one is kept beside it.
        assert_eq!(nowhere(&home, &sts)[0].access_key_id, ALICE_ACCESS_KEY_ID);
        let mended = with_pair(
            &home.credentials(),
            ALICE_ACCESS_KEY_ID,
            ALICE_SECRET_ACCESS_KEY,
        );
        home.write("credentials", &mended);
        home.run_with(&sts, &ROTATE).succeeds();
        assert_rotated(&home, &sts);
    });
}

#[test]
fn an_editor_that_writes_back_what_it_had_loses_no_key() {
    each(CREATE..REQUESTS, |number| {
        let (sts, home) = (two_users(), home());
        let outcome = written_meanwhile(&home, &sts, number, |_| file());
        assert_eq!(outcome.status, Some(1), "{number}: {outcome:?}");
        let new = new_key(&sts).unwrap();
        let text = home.credentials();
        let kept = |key| value(&text, "work-long-term", key);
        assert_eq!(
            kept("mfa_creds_new_secret_access_key"),
            Some(new.secret_access_key.clone()),
            "{number}: {text}"
        );
        assert_eq!(current(&home).0, ALICE_ACCESS_KEY_ID);
        if number > CREATE {
            let told = format!(
                "warning: access key {} was missing from [work-long-term], and is stored there again, in the lines that start with \
                 `mfa_creds_new_`\n",
                new.access_key_id
            );
            assert!(outcome.stderr.contains(&told), "{number}: {outcome:?}");
        }
        // The next run needs nobody, whether the old key works or not.
        home.run_with(&sts, &ROTATE).succeeds();
        assert_rotated(&home, &sts);
    });
}

#[test]
fn a_key_that_the_section_cannot_take_comes_back_with_the_next_run() {
    let broken = || file().replace("color = blue\n", "color = blue\nbroken line\n");
    each(CREATE + 1..REQUESTS, |number| {
        let (sts, home) = (two_users(), home());
        let outcome = written_meanwhile(&home, &sts, number, |_| broken());
        assert_eq!(outcome.status, Some(1), "{number}: {outcome:?}");
        let new = new_key(&sts).unwrap();
        let told = "broken line";
        assert!(!outcome.stderr.contains(told), "{number}: {outcome:?}");
        let told = "; the next `mfa-creds rotate -p work` has its secret, and restores it\n";
        assert!(outcome.stderr.contains(told), "{number}: {outcome:?}");
        assert!(!home.credentials().contains(&new.secret_access_key));
        home.write("credentials", &file());
        let outcome = home.run_with(&sts, &ROTATE).succeeds();
        let told = format!(
            "warning: access key {} was missing from [work-long-term], and is stored there again",
            new.access_key_id
        );
        assert!(outcome.stderr.contains(&told), "{number}: {outcome:?}");
        assert_rotated(&home, &sts);
        let copies = home.file(".mfa-creds/credentials.rotations");
        assert_eq!(std::fs::read_to_string(copies).unwrap(), "");
    });
}

#[test]
fn lines_of_another_rotation_that_come_between_lose_no_key() {
    let (sts, home) = (two_users(), home());
    let old = file().replace(
        "color = blue\n",
        &format!(
            "color = blue\nmfa_creds_new_access_key_id = {OTHER}\nmfa_creds_new_secret_access_key = {OTHER_SECRET}\n"
        ),
    );
    let outcome = written_meanwhile(&home, &sts, AFTER_SWAP, |_| old);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let told = "instead; the next `mfa-creds rotate -p work` has its secret, and restores it\n";
    assert!(outcome.stderr.contains(told), "{outcome:?}");
    // As the next run says.
    assert_eq!(home.run_with(&sts, &ROTATE).outcome().status, Some(1));
    home.write("credentials", &file());
    home.run_with(&sts, &ROTATE).succeeds();
    assert_rotated(&home, &sts);
}

#[cfg(unix)]
#[test]
fn what_an_editor_writes_back_while_a_question_waits_loses_no_key() {
    for answer in ["n", "y", "\u{3}"] {
        let (sts, home) = (two_users(), home());
        let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work");
        run.expect("which is now inactive? [y/N]:").unwrap();
        home.write("credentials", &file());
        if answer == "\u{3}" {
            run.send(answer).unwrap();
        } else {
            run.send_line(answer).unwrap();
        }
        let ended = ended(run);
        assert!(!matches!(ended, WaitStatus::Exited(_, 0)), "{ended:?}");
        // The old key is inactive, and in the section.
        assert_eq!(current(&home).0, ALICE_ACCESS_KEY_ID);
        home.run_with(&sts, &ROTATE).succeeds();
        assert_rotated(&home, &sts);
    }
}

#[test]
fn a_section_that_goes_meanwhile_takes_no_key_with_it() {
    let (sts, home) = (two_users(), home());
    let outcome = written_meanwhile(&home, &sts, CREATE, |_| "[x]\ny = 1\n".to_owned());
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.ends_with(&format!(
            "error: [work-long-term] in ~/.aws/credentials no longer has access key {}: it was changed during a rotation\n\
             hint: put {0} and its secret back, then run the command again: it continues from there\n",
            masked(ALICE_ACCESS_KEY_ID)
        )),
        "{outcome:?}"
    );
    let missing = nowhere(&home, &sts);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].access_key_id, ALICE_ACCESS_KEY_ID);
}

#[test]
fn a_new_key_is_not_written_over_one_that_is_kept() {
    let (sts, home) = (two_users(), home());
    let noted = |text: &str| {
        let new = format!(
            "mfa_creds_new_access_key_id = {OTHER}\nmfa_creds_new_secret_access_key = {OTHER_SECRET}\ncolor"
        );
        text.replace("color", &new)
    };
    let outcome = written_meanwhile(&home, &sts, CREATE, noted);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(home.credentials().contains(OTHER_SECRET));
    // The new one, whose secret nobody has, is gone again.
    assert_eq!(sts.access_keys("alice").len(), 1);
}

#[cfg(unix)]
#[test]
fn a_key_that_somebody_made_by_hand_is_never_deleted_without_a_yes() {
    // Its maker's answer was lost, or it never came to AWS and a person made one in the console.
    for fault in [Fault::ResetAfterSpending, Fault::ResetBeforeReading] {
        let (sts, home) = (two_users(), home());
        let is_made = fault == Fault::ResetAfterSpending;
        fault_after(&sts, CREATE, fault);
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        if !is_made {
            assert!(sts.make_access_key("alice").active);
        }
        let other = new_key(&sts).unwrap();
        let id = &other.access_key_id;
        let text = home.credentials();

        // Neither `--yes` nor nobody to ask is a yes.
        for arguments in [&ROTATE[..], &ROTATE[..3]] {
            home.run_with(&sts, arguments)
                .ends(3, &told_of_lost_key(&sts, id));
        }
        let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work --yes");
        run.expect(format!("access key {id} of alice, created at "))
            .unwrap();
        assert_eq!(exited(run), 3);

        // No is the default, and the question says what it is about.
        let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work");
        let made = sts.made_at("alice", id).format("%Y-%m-%d %H:%M:%S UTC");
        run.expect(format!("Access key {id} of alice was created at {made}"))
            .unwrap();
        run.expect(format!("Delete access key {id}? [y/N]:"))
            .unwrap();
        run.send_line("").unwrap();
        run.expect("was not deleted").unwrap();
        assert_eq!(exited(run), 1);
        assert!(sts.access_keys("alice").contains(&other));
        assert_eq!(home.credentials(), text);

        let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work");
        run.expect(format!("Delete access key {id}? [y/N]:"))
            .unwrap();
        run.send_line("y").unwrap();
        run.expect(format!("deleted access key {id}")).unwrap();
        run.expect("which is now inactive? [y/N]:").unwrap();
        run.send_line("y").unwrap();
        run.expect("the only access key of alice").unwrap();
        assert_eq!(exited(run), 0);
        assert_rotated(&home, &sts);
    }
}

#[test]
fn a_key_of_that_time_which_is_used_is_not_offered_for_deletion() {
    let (sts, home) = (stand_in(alice()), home());
    fault_after(&sts, CREATE, Fault::ResetBeforeReading);
    home.run_with(&sts, &ROTATE).outcome();
    let other = sts.make_access_key("alice");
    let elsewhere = Home::with(&with_pair(
        &file(),
        &other.access_key_id,
        &other.secret_access_key,
    ));
    elsewhere
        .run_with(&sts, &["device", "list", "-p", "work"])
        .outcome();
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert!(
        outcome
            .stderr
            .starts_with("error: alice already has 2 access keys"),
        "{outcome:?}"
    );
    assert_eq!(sts.access_keys("alice").len(), 2);
}

#[test]
fn the_old_key_is_not_deleted_from_under_a_section_that_has_it_again() {
    let (sts, home) = (two_users(), home());
    home.run_with(&sts, &ROTATE[..3]).succeeds();
    let copy = format!(
        "{}[copy]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n",
        home.credentials()
    );
    home.write("credentials", &copy);
    let (new, _) = current(&home);
    home.run_with(&sts, &ROTATE).ends(
        1,
        &format!(
            "error: [copy] in ~/.aws/credentials still has the old access key {ALICE_ACCESS_KEY_ID}\n\
             hint: replace it with {new} or remove the keys, then run the command again: the old key is then deleted\n"
        ),
    );
    assert_eq!(sts.access_keys("alice").len(), 2);
    home.write("credentials", copy.split("[copy]").next().unwrap());
    home.run_with(&sts, &ROTATE).succeeds();
    assert_rotated(&home, &sts);
}

#[test]
fn notes_that_do_not_say_of_which_rotation_delete_no_key() {
    for kept in ["new", "old"] {
        let sts = stand_in(alice().inactive_access_key(OTHER, OTHER_SECRET));
        let text = format!(
            "{}mfa_creds_rotation_begun = 2026-11-27T00:00:00Z\nmfa_creds_{kept}_access_key_id = {OTHER}\n\
             mfa_creds_{kept}_secret_access_key = {OTHER_SECRET}\n",
            long_term("work")
        );
        let home = Home::with(&text);
        home.run_with(&sts, &["rotate", "--yes", "-p", "work"]).ends(
            1,
            &format!(
                "error: [work-long-term] in ~/.aws/credentials contains {} besides its access key, but no record of the rotation\n\
                 hint: if nothing needs those keys, remove the lines that start with `mfa_creds_` in an editor, then run the command again\n",
                masked(OTHER)
            ),
        );
        assert_eq!(home.credentials(), text);
        assert_eq!(sts.access_keys("alice").len(), 2);
    }
}
