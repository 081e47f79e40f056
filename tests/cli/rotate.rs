//! A new access key in place of an old one: the order, what can go wrong at each step, and that there is always a key that works.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, Fault, StandIn,
};

use crate::support::accounts::{alice, stand_in};
use crate::support::home::{Home, binary};
use crate::support::rotation::{
    OTHER, ROTATE, assert_rotated, current, fault_after, file, home, is_active, told_of_lost_key,
};
use crate::support::sections::{long_term, value};
use crate::support::spawning::spawning;
use crate::support::systems::printing;
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal, type_code};

const NEVER: Duration = Duration::from_mins(5);

fn actions(sts: &StandIn) -> Vec<String> {
    sts.requests()
        .into_iter()
        .map(|request| request.action)
        .collect()
}

#[test]
fn the_new_key_is_proven_before_the_old_one_goes() {
    let sts = stand_in(alice());
    sts.keys_are_seen_after(1);
    let home = home();
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert_rotated(&home, &sts);
    let (new, _) = current(&home);
    assert_eq!(
        outcome.stderr,
        format!(
            "created access key {new} for alice\n\
             waiting until …\n\
             [work-long-term] now has it: STS accepts it\n\
             access key {ALICE_ACCESS_KEY_ID} is inactive\n\
             deleted access key {ALICE_ACCESS_KEY_ID}\n\
             [work-long-term] has access key {new}, the only access key of alice\n"
        )
    );
    assert_eq!((outcome.status, outcome.stdout), (Some(0), String::new()));
    assert_eq!(
        actions(&sts),
        [
            "GetCallerIdentity",
            "ListAccessKeys",
            "CreateAccessKey",
            "GetCallerIdentity",
            "GetCallerIdentity",
            "GetCallerIdentity",
            "UpdateAccessKey",
            "DeleteAccessKey",
        ]
    );
    // And once more, from there.
    home.run_with(&sts, &[&ROTATE[..], &["-q"]].concat())
        .ends(0, "");
    assert_rotated(&home, &sts);
    assert_ne!(current(&home).0, new);
}

fn refused(code: &'static str) -> Fault {
    Fault::Refused {
        status: 400,
        code,
        message: "Not now.",
    }
}

/// Kills a run at the request with this number, which was carried out or was not. Says whether there was such a request.
fn killed_at(home: &Home, sts: &StandIn, number: usize, fault: Fault) -> bool {
    fault_after(sts, number, fault);
    let mut child = spawning(|| {
        home.command(&mut Command::new(binary()))
            .args(ROTATE)
            .env("AWS_ENDPOINT_URL", sts.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    });
    let deadline = Instant::now() + Duration::from_mins(1);
    let was_there = loop {
        if sts.calls() > number {
            break true;
        }
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        assert!(Instant::now() < deadline);
        thread::yield_now();
    };
    let _ = child.kill();
    child.wait().unwrap();
    sts.clear_faults();
    was_there
}

/// A key that AWS has made, and whose secret is nowhere: a person deletes it, as the hint says.
fn give_up_lost_key(home: &Home, sts: &StandIn) {
    let keys = sts.access_keys("alice").into_iter();
    let text = home.credentials();
    for lost in keys.filter(|key| !text.contains(&key.secret_access_key)) {
        home.run_with(sts, &ROTATE)
            .ends(3, &told_of_lost_key(sts, &lost.access_key_id));
        assert_eq!(home.credentials(), text);
        sts.delete_access_key("alice", &lost.access_key_id);
    }
}

#[test]
fn a_run_that_is_killed_at_any_step_leaves_a_working_key_and_the_next_run_ends_it() {
    let mut kills = 0;
    for is_carried_out in [false, true] {
        for number in 0.. {
            let (sts, home) = (stand_in(alice()), home());
            let fault = if is_carried_out {
                Fault::Hang(NEVER)
            } else {
                Fault::Stalled(NEVER)
            };
            if !killed_at(&home, &sts, number, fault) {
                break;
            }
            kills += 1;
            let step = format!("request {number}, carried out: {is_carried_out}");
            let pair = current(&home);
            assert!(is_active(&sts, &pair), "{step}: {}", home.credentials());
            give_up_lost_key(&home, &sts);
            let outcome = home.run_with(&sts, &ROTATE).outcome();
            assert_eq!(outcome.status, Some(0), "{step}: {outcome:?}");
            assert_rotated(&home, &sts);
        }
    }
    assert_eq!(kills, 14);
}

#[test]
fn an_answer_that_is_lost_is_found_out_by_the_next_run() {
    for number in 0..7 {
        let (sts, home) = (stand_in(alice()), home());
        fault_after(&sts, number, Fault::ResetAfterSpending);
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert!(is_active(&sts, &current(&home)), "{number}: {outcome:?}");
        give_up_lost_key(&home, &sts);
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(outcome.status, Some(0), "{number}: {outcome:?}");
        assert_rotated(&home, &sts);
    }
}

#[test]
fn what_aws_has_not_heard_of_yet_is_waited_for() {
    // The new key is not listed when the next run begins.
    let (sts, home) = (stand_in(alice()), home());
    sts.keys_are_listed_after(1);
    fault_after(&sts, 3, refused("ExpiredToken"));
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let new = sts.access_keys("alice")[1].access_key_id.clone();
    home.run_with(&sts, &ROTATE).succeeds();
    assert_rotated(&home, &sts);
    assert_eq!(current(&home).0, new);

    // STS knows it already, and IAM does not; the old one has gone by other hands.
    let (sts, home) = (stand_in(alice()), self::home());
    fault_after(&sts, 5, refused("InvalidClientTokenId"));
    fault_after(&sts, 1, refused("NoSuchEntity"));
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(
        outcome.stderr.matches("waiting until ").count(),
        1,
        "{outcome:?}"
    );
    assert!(!home.credentials().contains("mfa_creds_"));
}

#[test]
fn a_new_key_that_somebody_has_deactivated_is_not_waited_for() {
    let (sts, home) = (stand_in(alice()), home());
    fault_after(&sts, 3, refused("ExpiredToken"));
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let new = sts.access_keys("alice")[1].access_key_id.clone();
    sts.deactivate("alice", &new);
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    let told = format!("deleted access key {new}, which an earlier run created and nobody uses\n");
    assert!(outcome.stderr.starts_with(&told), "{outcome:?}");
    assert_rotated(&home, &sts);
}

#[cfg(unix)]
#[test]
fn without_consent_the_old_key_stays_inactive() {
    let (sts, home) = (stand_in(alice()), home());
    let outcome = home.run_with(&sts, &ROTATE[..3]).outcome();
    assert_eq!(outcome.status, Some(0));
    let told = format!(
        "not deleted: {ALICE_ACCESS_KEY_ID} is inactive; `mfa-creds rotate -p work --yes` deletes it\n"
    );
    assert!(outcome.stderr.ends_with(&told), "{outcome:?}");
    assert!(is_active(&sts, &current(&home)));
    let keys = sts.access_keys("alice");
    assert_eq!(keys.iter().filter(|key| key.active).count(), 1);
    // The old pair is kept until then.
    let text = home.credentials();
    let kept = |key| value(&text, "work-long-term", key);
    assert_eq!(
        kept("mfa_creds_old_secret_access_key").as_deref(),
        Some(ALICE_SECRET_ACCESS_KEY)
    );

    let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work");
    run.expect(format!(
        "Delete access key {ALICE_ACCESS_KEY_ID}, which is now inactive? [y/N]:"
    ))
    .unwrap();
    run.send_line("").unwrap();
    run.expect("not deleted: ").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.access_keys("alice").len(), 2);
    let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work");
    run.expect("which is now inactive? [y/N]:").unwrap();
    run.send_line("y").unwrap();
    run.expect("the only access key of alice").unwrap();
    assert_eq!(exited(run), 0);
    assert_rotated(&home, &sts);
}

#[test]
fn somebody_elses_second_key_is_shown_and_left() {
    let sts = stand_in(alice().inactive_access_key(OTHER, "FakeSecret"));
    let home = home();
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    let ago = |text: &str| -> String {
        let lines = text
            .lines()
            .map(|line| match line.split_once(": created ") {
                Some((key, rest)) => {
                    format!("{key}: created {}\n", &rest[rest.find(" ago").unwrap()..])
                }
                None => format!("{line}\n"),
            });
        lines.collect()
    };
    assert_eq!(
        ago(&outcome.stderr).replace("last used 0 s", "last used"),
        format!(
            "error: alice already has 2 access keys, and AWS allows no more\n  \
             {ALICE_ACCESS_KEY_ID} of [work-long-term]: created  ago, active, last used ago for iam in us-east-1\n  \
             {OTHER}: created  ago, inactive, never used\n\
             hint: if nothing needs {OTHER}, run `aws iam delete-access-key --user-name alice --access-key-id {OTHER}` with an MFA \
             session, then run the command again\n"
        )
    );
    assert_eq!(outcome.status, Some(1));
    assert_eq!(home.credentials(), file());
    assert_eq!(sts.access_keys("alice").len(), 2);
}

#[test]
fn other_sections_with_the_same_keys_get_the_new_ones() {
    let sts = stand_in(alice());
    let home = Home::with(&format!("{}{}", file(), long_term("twin")));
    home.run_with(&sts, &ROTATE).succeeds();
    let text = home.credentials();
    for key in ["aws_access_key_id", "aws_secret_access_key"] {
        assert_eq!(
            value(&text, "twin-long-term", key),
            value(&text, "work-long-term", key)
        );
    }
    assert!(!text.contains(ALICE_ACCESS_KEY_ID));
    assert!(!text.contains("mfa_creds_"));
}

#[test]
fn a_copy_that_cannot_be_rotated_is_told_before_anything_is_done() {
    let sts = stand_in(alice());
    let home = home();
    home.write(
        "config",
        &format!(
            "[profile copy]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\naws_secret_access_key = x\n"
        ),
    );
    home.run_with(&sts, &ROTATE).ends(
        1,
        &format!(
            "error: [profile copy] in ~/.aws/config has the same access key {ALICE_ACCESS_KEY_ID}\n\
             hint: remove it there, or move it to the credentials file so that it is rotated too\n"
        ),
    );
    home.write("config", "");
    // One with another secret is not of the same kind: it is told before the old key is made useless.
    let odd = format!(
        "{}[odd]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\n",
        file()
    );
    home.write("credentials", &odd);
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    let (new, _) = current(&home);
    assert!(
        outcome.stderr.ends_with(&format!(
            "error: [odd] in ~/.aws/credentials still has the old access key {ALICE_ACCESS_KEY_ID}\n\
             hint: replace it with {new} or remove the keys, then run the command again: the old key is then deactivated\n"
        )),
        "{outcome:?}"
    );
    assert!(sts.access_keys("alice").iter().all(|key| key.active));
    let mended = home.credentials().replace("[odd]", "[odder]");
    let (mended, _) = mended.split_once("[odder]").unwrap();
    home.write("credentials", mended);
    home.run_with(&sts, &ROTATE).succeeds();
    assert_rotated(&home, &sts);
}

#[test]
fn what_aws_denies_is_told_with_the_action_and_that_there_is_no_mfa() {
    for (action, is_made) in [
        ("iam:ListAccessKeys", false),
        ("iam:CreateAccessKey", false),
        ("iam:UpdateAccessKey", true),
        ("iam:DeleteAccessKey", true),
    ] {
        let sts = stand_in(alice().denies(action));
        let home = home();
        let outcome = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(outcome.status, Some(1));
        assert!(
            outcome
                .stderr
                .contains(&format!("error: AWS denied {action} to ")),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.ends_with(
                "hint: a policy may require MFA: run `mfa-creds -p work`, then run this command again; otherwise, ask an administrator\n"
            ),
            "{outcome:?}"
        );
        assert!(is_active(&sts, &current(&home)));
        if !is_made {
            assert_eq!(home.credentials(), file());
        }
    }
}

/// Allows everything, but access keys only with MFA.
const MFA_FOR_KEYS: &str = r#"{"Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Effect": "Deny", "Action": "iam:*AccessKey*", "Resource": "*",
     "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
]}"#;

#[cfg(unix)]
#[test]
fn where_a_policy_demands_mfa_a_code_is_asked_for() {
    let user = alice()
        .device(Device::new(ALICE_DEVICE))
        .policy("mfa", MFA_FOR_KEYS);
    let sts = stand_in(user.clone());
    let home = home();
    let mut run = on_terminal(&home, &sts, "exec \"$0\" rotate -p work --yes");
    run.expect("AWS denied iam:ListAccessKeys to access key AKIA…ALIC")
        .unwrap();
    run.expect("; trying again with an MFA session").unwrap();
    type_code(&mut run, sts.fresh_code(ALICE_DEVICE));
    run.expect("created access key ").unwrap();
    run.expect("the only access key of alice").unwrap();
    assert_eq!(exited(run), 0);
    // The section of the session is left alone.
    assert_rotated(&home, &sts);

    // Without anybody to ask, the denial is the error.
    let sts = stand_in(user);
    let home = self::home();
    let outcome = home.run_with(&sts, &ROTATE).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains("\nerror: AWS denied iam:ListAccessKeys to access key AKIA…ALIC"),
        "{outcome:?}"
    );
    assert_eq!(home.credentials(), file());
}

#[test]
fn a_code_that_aws_refuses_is_the_error() {
    let user = alice()
        .device(Device::new(ALICE_DEVICE))
        .policy("mfa", MFA_FOR_KEYS);
    let sts = stand_in(user);
    let home = home();
    let outcome = home.run_with(&sts, &ROTATE).stdin("000000\n").outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert_eq!(home.credentials(), file());
}

#[test]
fn the_session_signs_and_goes_on_with_the_new_key() {
    let sts = StandIn::start(Account::new().user(alice().device(Device::new(ALICE_DEVICE))));
    let home = home();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let session = value(&home.credentials(), "work", "aws_access_key_id").unwrap();
    home.run_with(&sts, &ROTATE).succeeds();
    let signed_by = |action: &str| {
        let requests = sts.requests().into_iter();
        let mut of_action = requests.filter(|request| request.action == action);
        of_action.next_back()?.access_key_id
    };
    for action in ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"] {
        assert_eq!(signed_by(action).as_ref(), Some(&session), "{action}");
    }
    // A role needs no code either.
    let calls = sts.calls();
    home.run_with(&sts, &["device", "list", "-p", "work"])
        .outcome();
    assert_eq!(signed_by("ListMFADevices"), Some(session));
    assert!(sts.calls() > calls);
}

#[test]
fn two_at_once_do_not_meet() {
    let (sts, home) = (stand_in(alice()), home());
    sts.fault(Fault::Hang(Duration::from_secs(3)));
    thread::scope(|scope| {
        let first = scope.spawn(|| home.run_with(&sts, &ROTATE).outcome());
        while sts.calls() == 0 {
            thread::yield_now();
        }
        let second = home.run_with(&sts, &ROTATE).outcome();
        assert_eq!(second.status, Some(1), "{second:?}");
        assert!(
            second
                .stderr
                .contains(" is changing the same long-term keys\n"),
            "{second:?}"
        );
        assert_eq!(first.join().unwrap().status, Some(0));
    });
    assert_rotated(&home, &sts);
}

#[test]
fn keys_that_cannot_be_rotated_are_refused() {
    let sts = stand_in(alice());
    let home = Home::with(&format!(
        "[work-long-term]\ncredential_process = {}\n",
        printing(&format!(
            "{{\"Version\": 1, \"AccessKeyId\": \"{ALICE_ACCESS_KEY_ID}\", \"SecretAccessKey\": \"{ALICE_SECRET_ACCESS_KEY}\"}}"
        ))
    ));
    home.run_with(&sts, &ROTATE).ends(
        1,
        "error: a command prints the keys of [work-long-term]: credential_process of [work-long-term] in ~/.aws/credentials\n\
         hint: rotate them where the command gets them, or store them in the file during the rotation\n",
    );
    assert_eq!(sts.calls(), 0);
}
