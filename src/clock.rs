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

/// The time now.
pub fn now() -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(CORRECTION.load(Ordering::Relaxed))
}

/// Notes what time it is for AWS.
pub fn compare(of_aws: DateTime<Utc>) {
    let seconds = (of_aws - Utc::now()).num_seconds();
    MEASURED.store(seconds, Ordering::Relaxed);
}

/// How far AWS's clock is ahead of this machine's, where it has answered.
pub fn measured() -> Option<TimeDelta> {
    let seconds = MEASURED.load(Ordering::Relaxed);
    (seconds != NEVER).then(|| TimeDelta::seconds(seconds))
}

/// From now on, the time is AWS's. Returns how far that is ahead of this machine's, where AWS has answered.
pub fn correct() -> Option<TimeDelta> {
    let ahead = measured()?;
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
