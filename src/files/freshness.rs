//! Whether stored credentials can be used again, and if not, why not. Pure: the time is handed in.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::files::section_format::{Defect, Stored, parse_expiration};
use crate::report::span;

/// What is asked of the credentials.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The role that they must be for; none for the user's own session.
    pub role_arn: Option<&'a str>,
    /// How long they must still last at least.
    pub min_ttl: TimeDelta,
    /// Renew them in any case.
    pub force: bool,
}

/// What to do.
#[derive(Debug, Eq, PartialEq)]
pub enum Freshness {
    /// They are as asked for.
    Reuse,
    /// New ones are needed.
    Renew { because: Reason },
}

/// Why new credentials are needed. Displayed, it completes "renewing [profile]: …".
#[derive(Debug, Eq, PartialEq)]
pub enum Reason {
    /// They are missing, or not whole.
    Defective(Defect),
    /// They were made for another role, or for none.
    OtherRole { made_for: Option<String> },
    /// `--force`.
    Forced,
    /// The expiration is in no known form.
    UnreadableExpiration(String),
    /// They ended so long ago.
    Expired { ago: TimeDelta },
    /// They last shorter than asked for.
    ExpiringSoon { left: TimeDelta, min_ttl: TimeDelta },
}

/// Decides.
pub fn judge(stored: &Stored, asked: &Asked<'_>, now: DateTime<Utc>) -> Freshness {
    match reason(stored, asked, now) {
        None => Freshness::Reuse,
        Some(because) => Freshness::Renew { because },
    }
}

fn reason(stored: &Stored, asked: &Asked<'_>, now: DateTime<Utc>) -> Option<Reason> {
    if let Some(defect) = stored.defect {
        return Some(Reason::Defective(defect));
    }
    if asked.force {
        return Some(Reason::Forced);
    }
    if stored.role_arn.as_deref() != asked.role_arn {
        return Some(Reason::OtherRole {
            made_for: stored.role_arn.clone(),
        });
    }
    let written = stored.expiration.clone().unwrap_or_default();
    let Some(until) = parse_expiration(&written) else {
        return Some(Reason::UnreadableExpiration(written));
    };
    let left = until - now;
    if left <= TimeDelta::zero() {
        return Some(Reason::Expired { ago: -left });
    }
    (left < asked.min_ttl).then_some(Reason::ExpiringSoon {
        left,
        min_ttl: asked.min_ttl,
    })
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defective(Defect::Missing) => f.write_str("there are no credentials yet"),
            Self::Defective(Defect::Incomplete(key)) => write!(f, "{key} is missing"),
            Self::Defective(Defect::StaleSecurityToken) => {
                f.write_str("aws_security_token is not the session token")
            }
            Self::Defective(Defect::LongTermKeys) => {
                f.write_str("it holds long-term keys, not a session")
            }
            Self::OtherRole {
                made_for: Some(arn),
            } => write!(f, "its credentials are for {arn}"),
            Self::OtherRole { made_for: None } => f.write_str("its credentials are for no role"),
            Self::Forced => f.write_str("--force"),
            Self::UnreadableExpiration(text) => write!(f, "its expiration `{text}` is no date"),
            Self::Expired { ago } => write!(f, "expired {} ago", span(*ago)),
            Self::ExpiringSoon { left, min_ttl } => write!(
                f,
                "{} left, less than the {} asked for",
                span(*left),
                span(*min_ttl)
            ),
        }
    }
}
