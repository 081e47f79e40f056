//! Decides the next step of a rotation from what the section says and which keys IAM has. So the next run
//! continues one that was killed.
//!
//! The order: note in the section that a key is requested; create it; store it next to the old one; when STS accepts it, swap the
//! two; use the new one; deactivate the old one; delete it; tidy up.

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::iam::KnownKey;

/// How many access keys AWS lets a user have, including inactive ones.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub const MOST_KEYS: usize = 2;
/// How far IAM's time of a key may be from the time of our request: clocks differ, and a request may be repeated for a while.
const NEAR: TimeDelta = TimeDelta::minutes(15);
/// How long IAM may take to list a new key. According to AWS, changes become visible everywhere after a while; in practice, seconds.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>.
const SETTLING: TimeDelta = TimeDelta::minutes(5);

/// What the long-term section says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// The access key ID that is used.
    pub current: String,
    /// When a new key was requested, if a rotation is in progress.
    pub begun: Option<DateTime<Utc>>,
    /// The new key, until STS accepts it.
    pub new: Option<String>,
    /// The old key, from then on.
    pub old: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RotationStep {
    /// Note the time, and create a key.
    Create,
    /// Delete our new key, which somebody has deactivated before it was used.
    Discard(String),
    /// Ask what to do with a key that was created when an earlier run requested one and got no response. It may be that key,
    /// whose secret is lost, or a key that somebody else created at that time.
    Doubt(String),
    /// Forget the new key, which IAM no longer has.
    ForgetNew,
    /// Wait until STS accepts the new key, and replace the current one with it.
    Prove(String),
    /// Use the current key, and deactivate the old one.
    Deactivate(String),
    /// Delete the old key, which is inactive.
    Delete(String),
    /// The rotation is done: remove what was stored for it from the section.
    TidyUp,
    /// Nothing can be done: there are two keys, and this one is not ours.
    Occupied(String),
    /// Nothing can be done: IAM does not have the current key.
    Unknown,
}

/// Decides what to do next.
pub fn next(progress: &Progress, known: &[KnownKey], now: DateTime<Utc>) -> RotationStep {
    let find = |id: &str| known.iter().find(|key| key.id == id);
    if let Some(old) = &progress.old {
        return match find(old) {
            Some(key) if key.is_active => RotationStep::Deactivate(old.clone()),
            Some(_) => RotationStep::Delete(old.clone()),
            None => RotationStep::TidyUp,
        };
    }
    // If it is already the current key, a person has put it there.
    if let Some(new) = progress
        .new
        .as_ref()
        .filter(|new| **new != progress.current)
    {
        return match find(new) {
            Some(key) if key.is_active => RotationStep::Prove(new.clone()),
            Some(_) => RotationStep::Discard(new.clone()),
            None if is_young(progress.begun, now) => RotationStep::Prove(new.clone()),
            None => RotationStep::ForgetNew,
        };
    }
    if find(&progress.current).is_none() {
        return RotationStep::Unknown;
    }
    let Some(other) = known.iter().find(|key| key.id != progress.current) else {
        return RotationStep::Create;
    };
    match progress.begun {
        Some(begun) if (other.created - begun).abs() < NEAR => {
            RotationStep::Doubt(other.id.clone())
        }
        _ => RotationStep::Occupied(other.id.clone()),
    }
}

/// Whether a rotation was started so recently that IAM may not list its new key yet.
fn is_young(begun: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    begun.is_some_and(|begun| (now - begun).abs() < SETTLING)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = "AKIACURRENT";
    const OTHER: &str = "AKIAOTHER";

    fn key(id: &str, is_active: bool, minutes: i64) -> KnownKey {
        KnownKey {
            id: id.to_owned(),
            is_active,
            created: DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes),
        }
    }

    fn progress(begun: Option<i64>, new: Option<&str>, old: Option<&str>) -> Progress {
        Progress {
            current: CURRENT.to_owned(),
            begun: begun.map(|minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)),
            new: new.map(str::to_owned),
            old: old.map(str::to_owned),
        }
    }

    #[test]
    fn each_state_has_its_step() {
        let other = || OTHER.to_owned();
        let current = || key(CURRENT, true, 0);
        let long_ago = -1_000_000;
        for (docs, progress, known, wanted) in [
            (
                "one key",
                progress(None, None, None),
                vec![current()],
                RotationStep::Create,
            ),
            (
                "killed before IAM was asked",
                progress(Some(0), None, None),
                vec![current()],
                RotationStep::Create,
            ),
            (
                "killed before the new key was kept",
                progress(Some(0), None, None),
                vec![current(), key(OTHER, true, 1)],
                RotationStep::Doubt(other()),
            ),
            (
                "our clock is behind",
                progress(Some(0), None, None),
                vec![current(), key(OTHER, true, -14)],
                RotationStep::Doubt(other()),
            ),
            (
                "somebody else's key, and no rotation",
                progress(None, None, None),
                vec![current(), key(OTHER, true, 1)],
                RotationStep::Occupied(other()),
            ),
            (
                "somebody else's key, long before the rotation",
                progress(Some(0), None, None),
                vec![key(OTHER, false, long_ago), current()],
                RotationStep::Occupied(other()),
            ),
            (
                "the new key is kept",
                progress(Some(0), Some(OTHER), None),
                vec![current(), key(OTHER, true, 1)],
                RotationStep::Prove(other()),
            ),
            (
                "somebody has deactivated it",
                progress(Some(0), Some(OTHER), None),
                vec![current(), key(OTHER, false, 1)],
                RotationStep::Discard(other()),
            ),
            (
                "it is not listed yet",
                progress(Some(56), Some(OTHER), None),
                vec![current()],
                RotationStep::Prove(other()),
            ),
            (
                "somebody has deleted it",
                progress(Some(0), Some(OTHER), None),
                vec![current()],
                RotationStep::ForgetNew,
            ),
            (
                "it is used",
                progress(Some(0), None, Some(OTHER)),
                vec![key(OTHER, true, long_ago), current()],
                RotationStep::Deactivate(other()),
            ),
            (
                "the old one is inactive",
                progress(Some(0), None, Some(OTHER)),
                vec![key(OTHER, false, long_ago), current()],
                RotationStep::Delete(other()),
            ),
            (
                "the old one is gone",
                progress(Some(0), None, Some(OTHER)),
                vec![current()],
                RotationStep::TidyUp,
            ),
            (
                "IAM has another key only",
                progress(None, None, None),
                vec![key(OTHER, true, 0)],
                RotationStep::Unknown,
            ),
            (
                "IAM has none",
                progress(None, None, None),
                vec![],
                RotationStep::Unknown,
            ),
        ] {
            let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(60);
            assert_eq!(next(&progress, &known, now), wanted, "{docs}");
        }
    }
    #[test]
    fn a_new_key_that_a_person_has_put_in_its_place_is_not_swapped_with_itself() {
        let known = [key(CURRENT, true, 0), key(OTHER, true, -1_000_000)];
        let step = |old, known| {
            let progress = progress(Some(0), Some(CURRENT), old);
            next(&progress, known, DateTime::UNIX_EPOCH)
        };
        let deactivate = RotationStep::Deactivate(OTHER.to_owned());
        assert_eq!(step(Some(OTHER), &known[..]), deactivate);
        assert_eq!(step(None, &known[..1]), RotationStep::Create);
    }
}
