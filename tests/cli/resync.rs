//! A device whose clock has drifted away.

use expectrl::Expect as _;
use stand_in::{ALICE_DEVICE, Device};

use crate::support::accounts::{alice, stand_in};
use crate::support::enrollment::{FIRST, SECOND, begin, type_codes};
use crate::support::home::Home;
use crate::support::next_code::passed_side_by_side;
use crate::support::sections::keys_only;
use crate::support::terminal::exited;

#[test]
fn a_device_that_has_drifted_away_is_brought_back() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice().device(Device::new(ALICE_DEVICE).drifted(7)));
    let home = Home::of_alice();
    let code = sts.code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "--token", &code])
        .outcome();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    let mut run = begin(&home, &sts, "exec \"$0\" device resync -p work");
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect(format!("resynchronized {ALICE_DEVICE}"))
        .unwrap();
    assert_eq!(exited(run), 0);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
        .ends(0, "");
}

#[test]
fn a_resynchronisation_with_wrong_codes_says_so() {
    if passed_side_by_side() {
        return;
    }
    let sts = stand_in(alice().device(Device::new(ALICE_DEVICE)));
    let home = Home::with(&keys_only());
    let mut run = begin(&home, &sts, "exec \"$0\" device resync -p work");
    run.expect(FIRST).unwrap();
    run.send_line("000000").unwrap();
    run.expect(SECOND).unwrap();
    run.send_line("000001").unwrap();
    run.expect(format!(
        "error: AWS rejected the two codes of {ALICE_DEVICE}"
    ))
    .unwrap();
    assert_eq!(exited(run), 4);
}
