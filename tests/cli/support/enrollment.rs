//! The dialog in which a device is enrolled or resynchronized: two codes in a row.

use std::time::Duration;

use expectrl::Expect as _;
use expectrl::session::OsSession;
use stand_in::StandIn;

use crate::support::home::Home;
use crate::support::terminal::on_terminal;

pub const FIRST: &str = "Current code:";
pub const SECOND: &str = "Next code:";

pub fn begin(home: &Home, sts: &StandIn, script: &str) -> OsSession {
    let mut run = on_terminal(home, sts, &format!("stty columns 80 rows 24; {script}"));
    run.set_expect_timeout(Some(Duration::from_mins(1)));
    run
}

/// Types two codes in a row.
pub fn type_codes(run: &mut OsSession, sts: &StandIn, serial: &str) {
    let now = sts.code(serial);
    let next = sts.code_at_step(serial, 1);
    run.send_line(now).unwrap();
    run.expect(SECOND).unwrap();
    run.send_line(next).unwrap();
}
