//! Tells the time: this machine's, corrected once a run has found that AWS's clock differs.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use chrono::{DateTime, Datelike as _, Local, SecondsFormat, TimeDelta, Utc};

/// How far AWS's clock was ahead of this machine's at its last response, in seconds.
static MEASURED: AtomicI64 = AtomicI64::new(NEVER);
/// The difference that is in use.
static CORRECTION: AtomicI64 = AtomicI64::new(0);
/// AWS has not responded yet.
const NEVER: i64 = i64::MIN;
/// No working clock is off by this much.
const ABSURD: TimeDelta = TimeDelta::days(3_660);
/// AWS accepts signatures that are up to 15 minutes off, so a smaller difference is not why it refused one.
const TOLERATED: TimeDelta = TimeDelta::minutes(4);

/// The years that every time format can represent, and every tool can read: those with four digits.
const YEARS: RangeInclusive<i32> = 1..=9999;
/// The first second of a working clock, and of the times that TLS accepts.
const EARLIEST: i64 = 0;
/// One year before the last of them, because credentials expire later than now.
const LATEST: i64 = 253_370_764_800;

/// The time now.
pub fn now() -> DateTime<Utc> {
    of_machine() + correction()
}

/// The time of this machine, right or wrong. All processes share it, so it is used for what one process records for another.
pub fn of_machine() -> DateTime<Utc> {
    time(SystemTime::now())
}

/// Whether this machine's clock shows a time at which certificates can be checked and requests signed.
pub fn is_possible() -> bool {
    let now = of_machine().timestamp();
    EARLIEST < now && now < LATEST
}

/// A clock can be set to a time outside of the calendar: the nearest valid time is used.
fn time(of_system: SystemTime) -> DateTime<Utc> {
    let seconds = of_system
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(Duration::ZERO, |since| {
            since.min(Duration::from_secs(LATEST.unsigned_abs()))
        });
    let whole = i64::try_from(seconds.as_secs()).unwrap_or(LATEST);
    DateTime::from_timestamp(whole, seconds.subsec_nanos()).unwrap_or_default()
}

/// A time that a server or a file names, where every tool can write it.
pub fn from_timestamp(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).filter(is_writable)
}

/// Whether a time is in a year of four digits.
pub fn is_writable(time: &DateTime<Utc>) -> bool {
    YEARS.contains(&time.year())
}

/// Records what time it is at AWS. An absurd date is ignored.
pub fn compare(of_aws: DateTime<Utc>) {
    let ahead = of_aws - of_machine();
    if ahead.abs() < ABSURD {
        MEASURED.store(ahead.num_seconds(), Ordering::Relaxed);
    }
}

/// How far AWS's clock is ahead of this machine's, where it has responded.
pub fn measured() -> Option<TimeDelta> {
    let seconds = MEASURED.load(Ordering::Relaxed);
    (seconds != NEVER).then(|| TimeDelta::seconds(seconds))
}

/// How far AWS's clock is taken to be ahead of this machine's.
pub fn correction() -> TimeDelta {
    TimeDelta::seconds(CORRECTION.load(Ordering::Relaxed))
}

/// Switches to AWS's time if it differs. Returns how far that is ahead of this machine's clock.
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
        now().into()
    }
}

/// A time for programs: RFC 3339, UTC, whole seconds.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An end, for people: `09:03 +02:00, 12 h`, with the date where it is a day off or more.
pub fn until(end: DateTime<Utc>, now: DateTime<Utc>) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{}, {}", time_of_day(end, now), span(end - now)))
}

/// A time, for people: `09:03 +02:00`, with the date where it is a day off or more.
pub fn time_of_day(time: DateTime<Utc>, now: DateTime<Utc>) -> impl fmt::Display {
    // Only when it is shown: the local time zone has to be read.
    fmt::from_fn(move |f| {
        let form = if (time - now).abs() < TimeDelta::days(1) {
            "%H:%M %:z"
        } else {
            "%Y-%m-%d %H:%M %:z"
        };
        write!(f, "{}", time.with_timezone(&Local).format(form))
    })
}

/// A span of time, for people: `45 s`, `35 min`, `12 h`, `11 h 20 min`, `1 d 12 h`.
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    if seconds < 90 {
        return format!("{seconds} s");
    }
    let minutes = (seconds + 30) / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_no_calendar_has_is_as_near_as_it_can_be() {
        let epoch = SystemTime::UNIX_EPOCH;
        let (latest, far) = (LATEST.unsigned_abs(), i64::MAX.unsigned_abs());
        let ago = |seconds| epoch.checked_sub(Duration::from_secs(seconds));
        let ahead = |seconds| epoch.checked_add(Duration::from_secs(seconds));
        for (of_system, expected) in [
            (ago(far), EARLIEST),
            (ago(86_400), EARLIEST),
            (epoch.checked_sub(Duration::from_nanos(1)), EARLIEST),
            (Some(epoch), EARLIEST),
            (ahead(1_700_000_000), 1_700_000_000),
            (ahead(latest), LATEST),
            (ahead(latest + 1), LATEST),
            // The year 10000.
            (ahead(253_402_300_800), LATEST),
            (ahead(9_999_999_999_999), LATEST),
            (ahead(far), LATEST),
        ] {
            // Not every system can represent it.
            if let Some(of_system) = of_system {
                assert_eq!(time(of_system).timestamp(), expected);
            }
        }
        assert_eq!(
            DateTime::from_timestamp(LATEST, 0).map(|time| time.to_rfc3339()),
            Some("9999-01-01T00:00:00+00:00".to_owned())
        );
    }

    #[test]
    fn only_years_of_four_digits_are_taken_from_others() {
        for (seconds, is_taken) in [
            (i64::MIN, false),
            (-62_135_596_801, false),
            (-62_135_596_800, true),
            (0, true),
            (253_402_300_799, true),
            (253_402_300_800, false),
            (8_210_266_876_799, false),
            (i64::MAX, false),
        ] {
            assert_eq!(from_timestamp(seconds).is_some(), is_taken, "{seconds}");
        }
    }
}
