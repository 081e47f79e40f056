//! Decides which users lack MFA, and whose access keys are old or unused.
//!
//! A user with a password for the console is a person, and so is the root user; one without is listed as a robot. A person who works
//! with access keys alone looks like a robot, so both count: the kind says where to look, not who may go without MFA.

use chrono::{DateTime, TimeDelta, Utc};

use super::pattern::Pattern;

/// How long a new access key may be unused before it is a finding.
const NEW: TimeDelta = TimeDelta::days(1);

/// A user in the report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportedUser {
    /// `<root_account>` for the root user.
    pub name: String,
    pub arn: String,
    pub kind: UserKind,
    /// Whether there is a password for the console.
    pub password: bool,
    pub mfa: bool,
    /// The active access keys, with their numbers.
    pub keys: Vec<Key>,
}

/// The kind of user.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum UserKind {
    Root,
    Person,
    Robot,
}

/// An active access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// 1 or 2, as in the report.
    pub number: u8,
    /// When it was created; none if the report does not say.
    pub made: Option<DateTime<Utc>>,
    /// When it was last used; none if never.
    pub used: Option<DateTime<Utc>>,
}

/// Something to fix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// A person can sign in with a password alone, or the root user can.
    NoMfa,
    /// There are access keys and no password, and the keys work without MFA.
    KeysWithoutMfa,
    /// The root user has access keys, which can do everything.
    RootKeys,
    /// The access key with this number is too old; its age in days.
    OldKey(u8, i64),
    /// It was never used; its age in days.
    NeverUsedKey(u8, i64),
    /// It was not used for this many days.
    UnusedKey(u8, i64),
}

/// A user with the findings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    pub user: ReportedUser,
    pub findings: Vec<Finding>,
}

/// The result of an audit.
pub struct AuditResult {
    /// The root user first, then people, then robots; within each kind, those who lack MFA first.
    pub verdicts: Vec<Verdict>,
    /// The number of ignored users.
    pub ignored: usize,
    /// The patterns that match no user.
    pub idle: Vec<String>,
}

/// Judges users.
pub fn judge(
    users: Vec<ReportedUser>,
    ignore: &[Pattern],
    max_key_age: TimeDelta,
    now: DateTime<Utc>,
) -> AuditResult {
    let meets = |pattern: &Pattern, user: &ReportedUser| {
        pattern.meets(&user.name) || pattern.meets(&user.arn)
    };
    let idle = ignore
        .iter()
        .filter(|pattern| !users.iter().any(|user| meets(pattern, user)));
    let idle = idle.map(|pattern| pattern.text().to_owned()).collect();
    let all = users.len();
    let kept = users
        .into_iter()
        .filter(|user| !ignore.iter().any(|pattern| meets(pattern, user)));
    let mut verdicts: Vec<Verdict> = kept
        .map(|user| Verdict {
            findings: findings(&user, max_key_age, now),
            user,
        })
        .collect();
    verdicts.sort_by(|one, other| one.order().cmp(&other.order()));
    AuditResult {
        ignored: all - verdicts.len(),
        verdicts,
        idle,
    }
}

fn findings(user: &ReportedUser, max_key_age: TimeDelta, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = Vec::new();
    let can_act = user.password || !user.keys.is_empty();
    if can_act && !user.mfa {
        found.push(match user.kind {
            UserKind::Root | UserKind::Person => Finding::NoMfa,
            UserKind::Robot => Finding::KeysWithoutMfa,
        });
    }
    if user.kind == UserKind::Root && !user.keys.is_empty() {
        found.push(Finding::RootKeys);
    }
    for key in &user.keys {
        let age = key.made.map(|made| now - made);
        if let Some(age) = age.filter(|age| *age > max_key_age) {
            found.push(Finding::OldKey(key.number, age.num_days()));
        }
        match (key.used, age) {
            (Some(last), _) if now - last > max_key_age => {
                found.push(Finding::UnusedKey(key.number, (now - last).num_days()));
            }
            (None, Some(age)) if age > NEW => {
                found.push(Finding::NeverUsedKey(key.number, age.num_days()));
            }
            _ => {}
        }
    }
    found
}

impl Verdict {
    /// Whether somebody can act as this user without MFA, by a password or by access keys.
    pub fn lacks_mfa(&self) -> bool {
        let is_lack = |finding| matches!(finding, &Finding::NoMfa | &Finding::KeysWithoutMfa);
        self.findings.iter().any(is_lack)
    }

    fn order(&self) -> (UserKind, bool, bool, &str) {
        let is_fine = self.findings.is_empty();
        (self.user.kind, !self.lacks_mfa(), is_fine, &self.user.name)
    }
}

#[cfg(test)]
mod tests;
