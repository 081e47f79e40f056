//! A new device: made, shown, enabled, known to STS and saved; and what can go wrong on the way.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use expectrl::{Expect as _, Regex};
use stand_in::{ALICE_DEVICE, Device, Fault, StandIn};

use crate::support::accounts::{alice, stand_in};
use crate::support::enrollment::{FIRST, SECOND, begin, type_codes};
use crate::support::home::Home;
use crate::support::next_code::passed_side_by_side;
use crate::support::sections::{keys_only, long_term};
use crate::support::terminal::{exited, kill};

const ENROLL: &str = "exec \"$0\" device enroll -p work";

/// Waits until nobody could still be typing the code before: then there is a countdown to the next.
fn wait_for_a_countdown() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    while !(7..29).contains(&(now().as_secs() % 30)) {
        thread::sleep(Duration::from_millis(200));
    }
}

/// The text of a QR code on a screen, read from its colours.
fn decoded(screen: &str) -> String {
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in screen.lines().filter(|line| line.contains('▀')) {
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        let mut dark = (false, false);
        for part in line.split("\u{1b}[").skip(1) {
            let (colors, blocks) = part.split_once('m').unwrap();
            if let [_, _, front, _, _, back] = colors.split(';').collect::<Vec<_>>()[..] {
                assert!(
                    [front, back]
                        .iter()
                        .all(|color| ["16", "231"].contains(color))
                );
                dark = (front == "16", back == "16");
            }
            for _ in blocks.matches('▀') {
                upper.push(dark.0);
                lower.push(dark.1);
            }
        }
        rows.extend([upper, lower]);
    }
    assert!(rows.len() <= 44, "it does not fit on 24 lines");
    // Around it is a terminal that may be dark.
    let (scale, around) = (4, 5);
    let size = (rows.len().max(rows[0].len()) + 2 * around) * scale;
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(size, size, |x, y| {
        let module = |place: usize| (place / scale).checked_sub(around);
        let dark = module(y)
            .and_then(|y| rows.get(y))
            .and_then(|row| row.get(module(x)?).copied());
        if dark.unwrap_or(true) { 0 } else { 255 }
    });
    let grids = picture.detect_grids();
    let [grid] = &grids[..] else {
        panic!("{} codes in {screen:?}", grids.len())
    };
    grid.decode().unwrap().1
}

fn holds(directory: &Path, secret: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds(&path, secret)
        } else {
            String::from_utf8_lossy(&fs::read(path).unwrap()).contains(secret)
        }
    })
}

#[test]
fn a_device_from_nothing_to_the_first_session() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice());
    sts.devices_are_seen_after(1);
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, &format!("{ENROLL} --show-secret"));
    let screen = run.expect(FIRST).unwrap();
    let screen = String::from_utf8_lossy(screen.before()).into_owned();
    let seed = sts.seed(ALICE_DEVICE).unwrap();
    assert_eq!(
        decoded(&screen),
        format!("otpauth://totp/Amazon%20Web%20Services:alice@123456789012?secret={seed}")
    );
    // The line above it and the prompt below it are on a screen of 24 lines.
    let picture = screen.lines().filter(|line| line.contains('▀'));
    assert_eq!(picture.count(), 22);
    assert!(screen.contains(&format!("Secret: {seed}\r\n")), "{screen}");
    assert!(!screen.contains("needs a terminal of"), "{screen}");

    let (first, second) = (sts.code(ALICE_DEVICE), sts.code_at_step(ALICE_DEVICE, 1));
    run.send_line("12345").unwrap();
    run.expect("error: a code is six digits").unwrap();
    run.expect(FIRST).unwrap();
    wait_for_a_countdown();
    run.send_line(&first).unwrap();
    run.expect(Regex("the next code comes in [0-9]+ s"))
        .unwrap();
    run.expect(SECOND).unwrap();
    run.send_line(&first).unwrap();
    run.expect("error: this is the first code; wait for the next one")
        .unwrap();
    run.expect(SECOND).unwrap();
    run.send_line(&second).unwrap();
    run.expect(format!("{ALICE_DEVICE} is enabled for alice"))
        .unwrap();
    run.expect("waiting until STS recognizes the device")
        .unwrap();
    run.expect("Write it to [work-long-term]?").unwrap();
    assert_eq!(sts.devices("alice"), [ALICE_DEVICE]);
    run.send_line("y").unwrap();
    run.expect("wrote aws_mfa_device to [work-long-term]")
        .unwrap();
    run.expect("next: mfa-creds -p work").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(
        home.credentials(),
        format!("{}aws_mfa_device = {ALICE_DEVICE}\n", keys_only())
    );
    assert!(!holds(home.path(), &seed));
    // The code that STS was asked with is not taken for a new one.
    let force = ["-q", "-p", "work", "--token"];
    let outcome = home
        .run_with(&sts, &[&force[..], &[&second]].concat())
        .outcome();
    assert!(outcome.stderr.contains("was already used"), "{outcome:?}");
    home.run_with(
        &sts,
        &[&force[..], &[&sts.fresh_code(ALICE_DEVICE)]].concat(),
    )
    .ends(0, "");
}

#[test]
fn wrong_codes_are_asked_for_again() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(FIRST).unwrap();
    run.send_line("000000").unwrap();
    run.expect(SECOND).unwrap();
    run.send_line("000001").unwrap();
    run.expect("error: AWS rejected these codes: type two consecutive codes")
        .unwrap();
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("Write it to").unwrap();
    run.send_line("n").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(home.credentials(), keys_only());
}

#[test]
fn after_three_pairs_the_device_is_deleted_again() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    for _ in 0..3 {
        run.expect(FIRST).unwrap();
        run.send_line("000000").unwrap();
        run.expect(SECOND).unwrap();
        run.send_line("000001").unwrap();
    }
    run.expect(format!(
        "deleted {ALICE_DEVICE}; remove its entry from the app"
    ))
    .unwrap();
    run.expect("error: the new device was not enabled: AWS rejected all codes")
        .unwrap();
    assert_eq!(exited(run), 4);
    assert_eq!(sts.unassigned(), Vec::<String>::new());
}

#[test]
fn a_lost_answer_is_looked_after() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(FIRST).unwrap();
    sts.fault(Fault::ResetAfterSpending);
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("is enabled for alice").unwrap();
    run.expect("Write it to").unwrap();
    run.send_line("y").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.devices("alice"), [ALICE_DEVICE]);
}

#[test]
fn a_refusal_leaves_nothing_behind() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice().denies("iam:EnableMFADevice"));
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("; remove its entry from the app").unwrap();
    run.expect("error: AWS denied iam:EnableMFADevice to access key AKIA…ALIC")
        .unwrap();
    assert_eq!(exited(run), 1);
    assert_eq!(sts.unassigned(), Vec::<String>::new());
}

#[test]
fn a_second_device_is_made_with_the_session() {
    if passed_side_by_side() {
        return;
    }
    let second = "arn:aws:iam::123456789012:mfa/tablet";
    let sts = stand_in(alice().device(Device::new(ALICE_DEVICE)));
    let home = Home::of_alice();
    home.run_with(
        &sts,
        &["device", "enroll", "-p", "work", "--name", "tablet"],
    )
    .ends(
        3,
        "error: two codes must be typed at a terminal, but there is none\n\
             hint: run the command in a terminal\n",
    );
    let script = format!("{ENROLL} --name tablet");
    let mut run = begin(&home, &sts, &script);
    run.expect(
        "error: alice already has an MFA device, so AWS requires an MFA session to add a second one",
    )
    .unwrap();
    run.expect("hint: run `mfa-creds -p work` to get a session, then run the command again")
        .unwrap();
    assert_eq!(exited(run), 1);
    assert_eq!(sts.unassigned(), Vec::<String>::new());

    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
    let mut run = begin(&home, &sts, &script);
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, second);
    run.expect(format!(
        "Write it to [work-long-term], replacing {ALICE_DEVICE}?"
    ))
    .unwrap();
    run.send_line("y").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.devices("alice"), [ALICE_DEVICE, second]);
    assert!(
        home.credentials()
            .starts_with(&long_term("work").replace(ALICE_DEVICE, second))
    );
}

#[test]
fn an_enrollment_that_was_broken_off_is_begun_anew() {
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, &format!("echo $$ >pid; {ENROLL}"));
    run.expect(FIRST).unwrap();
    kill(&home, "KILL");
    drop(run);
    assert_eq!(sts.unassigned(), [ALICE_DEVICE]);
    let old = sts.seed(ALICE_DEVICE);

    let question =
        format!("{ALICE_DEVICE} exists, but is not enabled for alice. Delete it and start over?");
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(&question).unwrap();
    run.send_line("n").unwrap();
    run.expect("hint: use --name to give the new device another name")
        .unwrap();
    assert_eq!(exited(run), 1);
    assert_eq!(sts.seed(ALICE_DEVICE), old);

    let mut run = begin(&home, &sts, ENROLL);
    run.expect(&question).unwrap();
    run.send_line("y").unwrap();
    run.expect(FIRST).unwrap();
    assert_ne!(sts.seed(ALICE_DEVICE), old);
    // Ctrl-D: it cleans up behind itself.
    run.send("\u{4}").unwrap();
    run.expect("; remove its entry from the app").unwrap();
    run.expect("error: nothing was typed").unwrap();
    assert_eq!(exited(run), 3);
    assert_eq!(sts.unassigned(), Vec::<String>::new());
}

#[test]
fn a_signal_leaves_no_device_behind() {
    if passed_side_by_side() {
        return;
    }
    for (signal, status) in [("INT", "status 130"), ("TERM", "status 143")] {
        let sts = stand_in(alice());
        let home = Home::with(&keys_only());
        let script = "trap : INT; sh -c 'echo $$ >pid; exec \"$0\" device enroll -p work' \"$0\"; echo \"status $?\"";
        let mut run = begin(&home, &sts, script);
        run.expect(FIRST).unwrap();
        kill(&home, signal);
        run.expect("; remove its entry from the app").unwrap();
        run.expect(status).unwrap();
        assert_eq!(sts.unassigned(), Vec::<String>::new());
    }
    // In the countdown, too, and by Ctrl-C.
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(FIRST).unwrap();
    wait_for_a_countdown();
    run.send_line("000000").unwrap();
    run.expect("the next code comes in").unwrap();
    run.send("\u{3}").unwrap();
    run.expect("; remove its entry from the app").unwrap();
    assert_eq!(sts.unassigned(), Vec::<String>::new());
}

#[test]
fn nobody_who_types_is_not_waited_for() {
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, &format!("{ENROLL} --prompt-timeout 1"));
    run.expect("; remove its entry from the app").unwrap();
    run.expect("error: nobody answered within 1 s").unwrap();
    assert_eq!(exited(run), 3);
    assert_eq!(sts.unassigned(), Vec::<String>::new());
}

#[test]
fn a_name_that_is_taken_is_said_before_anything_is_made() {
    let sts = stand_in(alice().device(Device::new(ALICE_DEVICE)));
    let home = Home::of_alice();
    let mut run = begin(&home, &sts, ENROLL);
    run.expect(format!(
        "error: {ALICE_DEVICE} is already a device of alice"
    ))
    .unwrap();
    assert_eq!(exited(run), 1);
    // Of another user.
    let sts = StandIn::start(
        stand_in::Account::new()
            .user(alice())
            .user(stand_in::User::new("bob").device(Device::new(ALICE_DEVICE))),
    );
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, ENROLL);
    run.expect("Delete it and start over?").unwrap();
    run.send_line("y").unwrap();
    run.expect(format!("error: {ALICE_DEVICE} is enabled for another user"))
        .unwrap();
    assert_eq!(exited(run), 1);
    assert_eq!(sts.devices("bob"), [ALICE_DEVICE]);
}

#[test]
fn a_small_terminal_is_told_what_it_lacks() {
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, &format!("stty columns 40; {ENROLL}"));
    run.expect("The QR code needs a terminal of 45 columns and 24 lines; --show-secret shows the secret as text.")
        .unwrap();
    run.send("\u{4}").unwrap();
    assert_eq!(exited(run), 3);
}

#[test]
fn a_terminal_that_cannot_draw_gets_the_secret_as_text_on_request() {
    for term in ["TERM=dumb;", "unset TERM;"] {
        let sts = stand_in(alice());
        let home = Home::with(&keys_only());
        let mut run = begin(&home, &sts, &format!("{term} {ENROLL}"));
        run.expect("error: this terminal cannot show a QR code: TERM is unset or dumb")
            .unwrap();
        run.expect("hint: use --show-secret to show the secret as text")
            .unwrap();
        assert_eq!(exited(run), 1);
        assert_eq!(sts.unassigned(), Vec::<String>::new());

        let mut run = begin(&home, &sts, &format!("{term} {ENROLL} --show-secret"));
        let screen = run.expect(FIRST).unwrap();
        let screen = String::from_utf8_lossy(screen.before()).into_owned();
        let seed = sts.seed(ALICE_DEVICE).unwrap();
        assert!(screen.contains(&format!("Secret: {seed}\r\n")), "{screen}");
        assert!(!screen.contains(['\u{1b}', '▀']), "{screen:?}");
        run.send("\u{4}").unwrap();
        assert_eq!(exited(run), 3);
    }
}
