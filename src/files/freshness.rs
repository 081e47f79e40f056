//! Decides whether stored credentials can be used again, and if not, why not. The caller passes the time.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock::span;
use crate::files::section_format::{Defect, Stored, parse_expiration};

/// The requirements for the credentials of a profile.
#[derive(Debug)]
pub struct Wanted {
    /// The role that they must be for; none for the user's own session.
    pub role_arn: Option<String>,
    /// How long they must still last at least.
    pub min_ttl: TimeDelta,
    /// Renew them even if they are valid.
    pub force: bool,
}

/// Why new credentials are needed. Displayed, it completes "renewing [profile]: …".
#[derive(Debug, Eq, PartialEq)]
pub enum Reason {
    /// They are missing, or not whole.
    Defective(Defect),
    /// They are for another role, or for no role.
    OtherRole { made_for: Option<String> },
    /// `--force`.
    Forced,
    /// The expiration is in no known form.
    UnreadableExpiration(String),
    /// They have expired.
    Expired { ago: TimeDelta },
    /// They expire sooner than required.
    ExpiringSoon { left: TimeDelta, min_ttl: TimeDelta },
}

/// Why stored credentials have to be renewed; none if they meet the requirements.
pub fn reason_to_renew(stored: &Stored, wanted: &Wanted, now: DateTime<Utc>) -> Option<Reason> {
    if let Some(defect) = stored.defect {
        return Some(Reason::Defective(defect));
    }
    if wanted.force {
        return Some(Reason::Forced);
    }
    if stored.role_arn != wanted.role_arn {
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
    (left < wanted.min_ttl).then_some(Reason::ExpiringSoon {
        left,
        min_ttl: wanted.min_ttl,
    })
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defective(Defect::Missing) => f.write_str("there are no credentials yet"),
            Self::Defective(Defect::Incomplete(key)) => write!(f, "{key} is missing"),
            Self::Defective(Defect::StaleSecurityToken) => {
                f.write_str("aws_security_token differs from aws_session_token")
            }
            Self::Defective(Defect::LongTermKeys) => {
                f.write_str("it contains long-term keys, not a session")
            }
            Self::OtherRole {
                made_for: Some(arn),
            } => write!(f, "its credentials are for {arn}"),
            Self::OtherRole { made_for: None } => f.write_str("its credentials are not for a role"),
            Self::Forced => f.write_str("--force"),
            Self::UnreadableExpiration(text) => {
                write!(f, "its expiration `{text}` is not a valid date")
            }
            Self::Expired { ago } => write!(f, "expired {} ago", span(*ago)),
            Self::ExpiringSoon { left, min_ttl } => write!(
                f,
                "{} left, less than the required {}",
                span(*left),
                span(*min_ttl)
            ),
        }
    }
}
