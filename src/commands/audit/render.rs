//! Renders the verdicts of an audit as a table, as JSON and as CSV.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::csv::field;
use super::verdict::{Finding, UserKind, Verdict};
use crate::core::clock::timestamp;
use crate::core::table;
use crate::core::text::{self, plain};

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMfa => f.write_str("no MFA"),
            Self::KeysWithoutMfa => f.write_str("keys without MFA"),
            Self::RootKeys => f.write_str("root user with access keys"),
            Self::OldKey(number, days) => write!(f, "key {number} is {days} d old"),
            Self::NeverUsedKey(number, days) => {
                write!(f, "key {number} was never used in {days} d")
            }
            Self::UnusedKey(number, days) => write!(f, "key {number} was not used for {days} d"),
        }
    }
}

impl UserKind {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Person => "person",
            Self::Robot => "robot",
        }
    }
}

/// A line for each user with findings; empty if there are none.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut rows = vec![["USER", "KIND", "MFA", "KEYS", "FINDINGS"].map(str::to_owned)];
    let noted = verdicts
        .iter()
        .filter(|verdict| !verdict.findings.is_empty());
    rows.extend(noted.map(|verdict| {
        let user = &verdict.user;
        [
            plain(&user.name),
            user.kind.name().to_owned(),
            if user.mfa { "yes" } else { "no" }.to_owned(),
            user.keys.len().to_string(),
            listed(&verdict.findings),
        ]
    }));
    if rows.len() == 1 {
        return String::new();
    }
    table::table(&rows)
}

/// The JSON. Keys may be added.
#[derive(Serialize)]
struct Audited<'a> {
    version: u8,
    /// When AWS created the report; none if it is not known.
    report_made: Option<String>,
    ignored: usize,
    people: usize,
    people_without_mfa: usize,
    users_without_mfa: usize,
    users: Vec<AuditedUser<'a>>,
}

#[derive(Serialize)]
struct AuditedUser<'a> {
    user: &'a str,
    arn: &'a str,
    kind: &'static str,
    mfa: bool,
    password: bool,
    active_keys: Vec<AuditedKey>,
    lacks_mfa: bool,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct AuditedKey {
    number: u8,
    made: Option<String>,
    used: Option<String>,
}

/// All users, as JSON.
pub fn json(summary: &Totals<'_>) -> Result<String> {
    let users = summary.verdicts.iter().map(|verdict| {
        let user = &verdict.user;
        let keys = user.keys.iter().map(|key| AuditedKey {
            number: key.number,
            made: key.made.map(timestamp),
            used: key.used.map(timestamp),
        });
        AuditedUser {
            user: &user.name,
            arn: &user.arn,
            kind: user.kind.name(),
            mfa: user.mfa,
            password: user.password,
            active_keys: keys.collect(),
            lacks_mfa: verdict.lacks_mfa(),
            findings: verdict.findings.iter().map(ToString::to_string).collect(),
        }
    });
    let audited = Audited {
        version: 1,
        report_made: summary.made.map(timestamp),
        ignored: summary.ignored,
        people: summary.people(),
        people_without_mfa: summary.people_without_mfa(),
        users_without_mfa: summary.users_without_mfa(),
        users: users.collect(),
    };
    text::json(&audited).map(|text| text.to_string())
}

/// All users, as CSV.
pub fn csv(verdicts: &[Verdict]) -> String {
    let mut text = "user,arn,kind,mfa,password,active_keys,lacks_mfa,findings\n".to_owned();
    for verdict in verdicts {
        let user = &verdict.user;
        let line = [
            field(&user.name),
            field(&user.arn),
            user.kind.name().to_owned(),
            user.mfa.to_string(),
            user.password.to_string(),
            user.keys.len().to_string(),
            verdict.lacks_mfa().to_string(),
            field(&listed(&verdict.findings)),
        ];
        text += &line.join(",");
        text.push('\n');
    }
    text
}

fn listed(findings: &[Finding]) -> String {
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The totals of an audit.
pub struct Totals<'s> {
    pub verdicts: &'s [Verdict],
    pub ignored: usize,
    /// When AWS created the report.
    pub made: Option<chrono::DateTime<chrono::Utc>>,
}

impl fmt::Display for Totals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without = self.users_without_mfa();
        let people = self.people_without_mfa();
        let verb = if without == 1 { "lacks" } else { "lack" };
        write!(f, "{without} of {} users {verb} MFA", self.verdicts.len())?;
        let counted = |number: usize, one: &str, several: &str| match number {
            0 => None,
            1 => Some(format!("1 {one}")),
            number => Some(format!("{number} {several}")),
        };
        let parts = [
            counted(people, "person", "people"),
            counted(without - people, "robot", "robots"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", parts.join(", "))
    }
}

impl Totals<'_> {
    /// The number of people, including the root user.
    fn people(&self) -> usize {
        self.count(|verdict| verdict.user.kind != UserKind::Robot)
    }

    /// The number of people who lack MFA.
    fn people_without_mfa(&self) -> usize {
        self.count(|verdict| verdict.user.kind != UserKind::Robot && verdict.lacks_mfa())
    }

    /// The number of users who lack MFA, people and robots.
    pub fn users_without_mfa(&self) -> usize {
        self.count(Verdict::lacks_mfa)
    }

    fn count(&self, is_one: impl Fn(&Verdict) -> bool) -> usize {
        self.verdicts
            .iter()
            .filter(|verdict| is_one(verdict))
            .count()
    }
}
