//! Decides whether stored credentials can be used again, and if not, why not. The caller passes the time.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock::span;
use crate::files::section_format::{Defect, Stored, parse_expiration};

/// The requirements for the credentials of a profile.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The role that they must be for; none for the user's own session.
    pub role_arn: Option<String>,
    /// The session scope that they must have; none for all the power of the role, without tags.
    pub session_scope: Option<WantedScope>,
    /// How long they must still last at least.
    pub min_ttl: TimeDelta,
    /// Renew them even if they are valid.
    pub force: bool,
}

/// The session policies, the session tags and the source identity that a role must have been assumed with.
#[derive(Clone, Debug)]
pub struct WantedScope {
    pub digest: String,
    /// Whether session policies are among them, so that credentials without a scope could do more.
    pub has_policies: bool,
}

/// Why new credentials are needed. Displayed, it completes "renewing [profile]: …".
#[derive(Debug, Eq, PartialEq)]
pub enum Reason {
    /// They are missing, or not whole.
    Defective(Defect),
    /// They are for another role, or for no role.
    OtherRole { made_for: Option<String> },
    /// They have other session policies, session tags, or another source identity.
    OtherScope(ScopeDifference),
    /// `--force`.
    Forced,
    /// The expiration is in no known form.
    UnreadableExpiration(String),
    /// They have expired.
    Expired { ago: TimeDelta },
    /// They expire sooner than required.
    ExpiringSoon { left: TimeDelta, min_ttl: TimeDelta },
    /// They would be those of `aws login`, and nobody has signed in.
    NotSignedIn,
    /// What is stored for a session of `aws login` cannot be used, for this reason.
    UnusableLogin(&'static str),
}

/// How stored credentials differ from the session scope that is requested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScopeDifference {
    /// They have all the power of the role.
    TooPowerful,
    /// They have no session tags and no source identity.
    NotTagged,
    /// They have a scope, and none is requested.
    Scoped,
    /// They have another scope.
    Other,
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
    if let Some(difference) = difference(stored, wanted) {
        return Some(Reason::OtherScope(difference));
    }
    let written = stored.expiration.clone().unwrap_or_default();
    let Some(until) = parse_expiration(&written) else {
        return Some(Reason::UnreadableExpiration(written));
    };
    too_short(until - now, wanted)
}

/// The same, if only the time that is left counts.
pub fn too_short(left: TimeDelta, wanted: &Wanted) -> Option<Reason> {
    if wanted.force {
        return Some(Reason::Forced);
    }
    if left <= TimeDelta::zero() {
        return Some(Reason::Expired { ago: -left });
    }
    (left < wanted.min_ttl).then_some(Reason::ExpiringSoon {
        left,
        min_ttl: wanted.min_ttl,
    })
}

fn difference(stored: &Stored, wanted: &Wanted) -> Option<ScopeDifference> {
    match (&stored.session_scope, &wanted.session_scope) {
        (None, None) => None,
        (Some(digest), Some(wanted)) if *digest == wanted.digest => None,
        (Some(_), Some(_)) => Some(ScopeDifference::Other),
        (Some(_), None) => Some(ScopeDifference::Scoped),
        (None, Some(wanted)) if wanted.has_policies => Some(ScopeDifference::TooPowerful),
        (None, Some(_)) => Some(ScopeDifference::NotTagged),
    }
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
            Self::OtherScope(difference) => f.write_str(match difference {
                ScopeDifference::TooPowerful => "its credentials have more power than requested",
                ScopeDifference::NotTagged => {
                    "its credentials do not have the requested session tags or source identity"
                }
                ScopeDifference::Scoped => {
                    "its credentials have session policies or tags that were not requested"
                }
                ScopeDifference::Other => {
                    "its credentials have other session policies or tags than requested"
                }
            }),
            Self::NotSignedIn => f.write_str("it is not signed in"),
            Self::UnusableLogin(why) => {
                write!(f, "its session of `aws login` cannot be used: {why}")
            }
            Self::Forced => f.write_str("--force"),
            Self::UnreadableExpiration(text) => {
                write!(f, "its expiration `{text}` is not a valid date")
            }
            Self::Expired { ago } => write!(f, "expired {} ago", span(*ago)),
            Self::ExpiringSoon { left, min_ttl } => {
                let mut texts = [span(*left), span(*min_ttl)];
                if texts[0] == texts[1] {
                    texts = [left, min_ttl].map(|span| format!("{} s", span.num_seconds()));
                }
                let [left, least] = texts;
                write!(f, "{left} left, less than the required {least}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_is_shorter_than_required() {
        let reason = |left, least| {
            let [left, min_ttl] = [left, least].map(TimeDelta::seconds);
            Reason::ExpiringSoon { left, min_ttl }.to_string()
        };
        assert_eq!(reason(240, 300), "4 min left, less than the required 5 min");
        assert_eq!(reason(290, 300), "290 s left, less than the required 300 s");
        assert_eq!(
            reason(7190, 7200),
            "7190 s left, less than the required 7200 s"
        );
    }
}
