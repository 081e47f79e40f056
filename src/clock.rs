//! The time: this machine's, corrected in a run that has found out that AWS's is another one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use chrono::{DateTime, TimeDelta, Utc};

/// How far AWS's clock was ahead of this machine's at its last answer, in seconds.
static MEASURED: AtomicI64 = AtomicI64::new(NEVER);
/// How far it is taken to be.
static CORRECTION: AtomicI64 = AtomicI64::new(0);
/// AWS has not answered yet.
const NEVER: i64 = i64::MIN;
/// No clock that works is off by so much.
const ABSURD: TimeDelta = TimeDelta::days(3_660);
/// AWS takes signatures that are a quarter of an hour off, so this is not why it has refused one.
const TOLERATED: TimeDelta = TimeDelta::minutes(4);

/// The time now.
pub fn now() -> DateTime<Utc> {
    Utc::now() + correction()
}

/// The time of this machine, right or wrong. All processes share it: what one writes down for another is in it.
pub fn of_machine() -> DateTime<Utc> {
    Utc::now()
}

/// Notes what time it is for AWS. A date that no clock could be so far off from is none.
pub fn compare(of_aws: DateTime<Utc>) {
    let ahead = of_aws - Utc::now();
    if ahead.abs() < ABSURD {
        MEASURED.store(ahead.num_seconds(), Ordering::Relaxed);
    }
}

/// How far AWS's clock is ahead of this machine's, where it has answered.
pub fn measured() -> Option<TimeDelta> {
    let seconds = MEASURED.load(Ordering::Relaxed);
    (seconds != NEVER).then(|| TimeDelta::seconds(seconds))
}

/// How far AWS's clock is taken to be ahead of this machine's.
pub fn correction() -> TimeDelta {
    TimeDelta::seconds(CORRECTION.load(Ordering::Relaxed))
}

/// From now on, the time is AWS's, where that is another one. Returns how far that is ahead of this machine's.
pub fn correct() -> Option<TimeDelta> {
    let ahead = measured()?;
    if (ahead - correction()).abs() < TOLERATED {
        return None;
    }
    CORRECTION.store(ahead.num_seconds(), Ordering::Relaxed);
    Some(ahead)
}

/// The same for the SDK, which signs requests with it.
#[derive(Debug)]
pub struct Clock;

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        let (now, by) = (SystemTime::now(), CORRECTION.load(Ordering::Relaxed));
        let span = Duration::from_secs(by.unsigned_abs());
        if by < 0 { now - span } else { now + span }
    }
}
