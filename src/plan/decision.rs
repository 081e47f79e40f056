//! Decides how a role is assumed and for how long: the decision table.

use std::fmt;

/// The longest that a role can last if temporary credentials assume it, in seconds. The credentials of a session are temporary.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>.
pub(super) const CHAINED_SECONDS: u32 = 3_600;
/// How long the credentials of a session of `aws login` last, in seconds. The session itself lasts up to 12 hours, and renews them.
/// See <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>.
pub(super) const LOGIN_SECONDS: u32 = 900;

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// How many roles are assumed, one from the other.
    pub roles: usize,
    /// The requested duration, in seconds.
    pub seconds: u32,
    /// Whether a session of `aws login` takes the place of keys.
    pub is_login: bool,
    /// What the command line requests.
    pub wish: Option<Wish>,
}

/// How the command line wants a role to be assumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    /// `--direct`
    Direct,
    /// `--chain`
    Chain,
}

/// The decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// What the code is used for.
    pub way: Strategy,
    /// Why.
    pub because: Because,
    /// The duration that AWS is asked for, in seconds.
    pub seconds: u32,
    /// Why that is less than the requested duration.
    pub capped: Option<Cap>,
}

/// What the code is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strategy {
    /// For a session, which is the goal.
    Session,
    /// For a session, unless one is stored. The session assumes the role without a code.
    Chain,
    /// For the role itself.
    Direct,
    /// There is no code: a session of `aws login` is the goal, or it assumes the roles.
    Login,
}

/// Why a strategy was chosen. Its `Display` is a complete sentence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Because {
    /// No role is requested.
    NoRole,
    /// The session serves every role of the device.
    OneCodeForAll,
    /// The role is requested for longer than AWS grants from a session.
    LongerThanChained,
    /// Only the first of several roles could use a code; each other role is assumed from a role.
    SeveralRoles,
    /// The command line says so.
    AskedFor(&'static str),
    /// The profile is signed in with `aws login`.
    SignedIn,
}

/// Why a role lasts less than requested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cap {
    /// It is assumed from a session.
    Session,
    /// It is assumed from another role.
    Role,
    /// It is assumed from a session of `aws login`.
    Login,
}

/// Decides.
pub(super) fn decide(circumstances: Circumstances) -> Decision {
    let Circumstances {
        roles,
        seconds,
        is_login,
        wish,
    } = circumstances;
    let (way, because) = match (roles, wish) {
        _ if is_login => (Strategy::Login, Because::SignedIn),
        (0, _) => (Strategy::Session, Because::NoRole),
        (_, Some(Wish::Direct)) => (Strategy::Direct, Because::AskedFor("--direct")),
        (_, Some(Wish::Chain)) => (Strategy::Chain, Because::AskedFor("--chain")),
        (1, None) if seconds > CHAINED_SECONDS => (Strategy::Direct, Because::LongerThanChained),
        (1, None) => (Strategy::Chain, Because::OneCodeForAll),
        (_, None) => (Strategy::Chain, Because::SeveralRoles),
    };
    let cap = match (roles, way) {
        (0, _) | (1, Strategy::Direct) => None,
        (1, Strategy::Login) => Some(Cap::Login),
        (1, _) => Some(Cap::Session),
        _ => Some(Cap::Role),
    };
    let capped = cap.filter(|_| seconds > CHAINED_SECONDS);
    Decision {
        way,
        because,
        seconds: match (way, roles) {
            (Strategy::Login, 0) => LOGIN_SECONDS,
            _ if capped.is_some() => CHAINED_SECONDS,
            _ => seconds,
        },
        capped,
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRole => "no role is requested",
            Self::OneCodeForAll => {
                "one code serves every role of the device while the session is valid"
            }
            Self::LongerThanChained => {
                "AWS grants at most 1 h for a role that is assumed from a session"
            }
            Self::SeveralRoles => {
                "only the first role could use a code, and a session also serves other roles"
            }
            Self::AskedFor(flag) => flag,
            Self::SignedIn => "a session of `aws login` takes the place of keys and codes",
        })
    }
}

impl Cap {
    /// The reason, and the flag that helps, if there is one.
    pub fn with_way_out(self) -> String {
        match self {
            Self::Session => {
                format!("{self}; --direct uses a code of its own, and lasts longer")
            }
            Self::Role | Self::Login => self.to_string(),
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "AWS grants no more for a role that is assumed from a session",
            Self::Role => "AWS grants no more for a role that is assumed from another role",
            Self::Login => {
                "AWS grants no more for a role that is assumed with the credentials of `aws login`"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the table, with the rule of AWS or of mfa-creds behind it.
    struct Row {
        docs: &'static str,
        roles: usize,
        seconds: u32,
        is_login: bool,
        wish: Option<Wish>,
        way: Strategy,
        because: Because,
        granted: u32,
        capped: Option<Cap>,
    }

    const HOUR: u32 = 3_600;

    #[rustfmt::skip]
    const TABLE: &[Row] = &[
        Row {
            docs: "without a role the session is what is wanted, for up to 36 h",
            roles: 0, seconds: 36 * HOUR, is_login: false, wish: None,
            way: Strategy::Session, because: Because::NoRole, granted: 36 * HOUR, capped: None,
        },
        Row {
            docs: "the two flags are about roles; where none is asked for, they change nothing",
            roles: 0, seconds: 12 * HOUR, is_login: false, wish: Some(Wish::Direct),
            way: Strategy::Session, because: Because::NoRole, granted: 12 * HOUR, capped: None,
        },
        Row {
            docs: "a session that is asked for with --chain is not capped",
            roles: 0, seconds: 12 * HOUR, is_login: false, wish: Some(Wish::Chain),
            way: Strategy::Session, because: Because::NoRole, granted: 12 * HOUR, capped: None,
        },
        Row {
            docs: "one code in the morning: up to 1 h, every role comes from the session",
            roles: 1, seconds: HOUR, is_login: false, wish: None,
            way: Strategy::Chain, because: Because::OneCodeForAll, granted: HOUR, capped: None,
        },
        Row {
            docs: "the shortest role that AWS grants",
            roles: 1, seconds: 900, is_login: false, wish: None,
            way: Strategy::Chain, because: Because::OneCodeForAll, granted: 900, capped: None,
        },
        Row {
            docs: "a second over the cap of chaining: the role spends a code of its own",
            roles: 1, seconds: HOUR + 1, is_login: false, wish: None,
            way: Strategy::Direct, because: Because::LongerThanChained, granted: HOUR + 1, capped: None,
        },
        Row {
            docs: "the longest role that AWS grants is direct, too",
            roles: 1, seconds: 12 * HOUR, is_login: false, wish: None,
            way: Strategy::Direct, because: Because::LongerThanChained, granted: 12 * HOUR, capped: None,
        },
        Row {
            docs: "--direct, for a trust policy with a short aws:MultiFactorAuthAge",
            roles: 1, seconds: HOUR, is_login: false, wish: Some(Wish::Direct),
            way: Strategy::Direct, because: Because::AskedFor("--direct"), granted: HOUR, capped: None,
        },
        Row {
            docs: "--direct is not capped: long-term keys assume the role",
            roles: 1, seconds: 4 * HOUR, is_login: false, wish: Some(Wish::Direct),
            way: Strategy::Direct, because: Because::AskedFor("--direct"), granted: 4 * HOUR, capped: None,
        },
        Row {
            docs: "--chain wins over a longer duration, which is capped: better an hour than a code",
            roles: 1, seconds: 4 * HOUR, is_login: false, wish: Some(Wish::Chain),
            way: Strategy::Chain, because: Because::AskedFor("--chain"), granted: HOUR, capped: Some(Cap::Session),
        },
        Row {
            docs: "--chain caps nothing that is short enough",
            roles: 1, seconds: 1800, is_login: false, wish: Some(Wish::Chain),
            way: Strategy::Chain, because: Because::AskedFor("--chain"), granted: 1800, capped: None,
        },
        Row {
            docs: "a role from a role, which is what AWS calls role chaining",
            roles: 2, seconds: HOUR, is_login: false, wish: None,
            way: Strategy::Chain, because: Because::SeveralRoles, granted: HOUR, capped: None,
        },
        Row {
            docs: "role chaining is capped whoever assumes the first role, so a longer duration buys no code",
            roles: 2, seconds: 4 * HOUR, is_login: false, wish: None,
            way: Strategy::Chain, because: Because::SeveralRoles, granted: HOUR, capped: Some(Cap::Role),
        },
        Row {
            docs: "--direct spends the code on the first role; the second is capped all the same",
            roles: 2, seconds: 4 * HOUR, is_login: false, wish: Some(Wish::Direct),
            way: Strategy::Direct, because: Because::AskedFor("--direct"), granted: HOUR, capped: Some(Cap::Role),
        },
        Row {
            docs: "--chain with three roles",
            roles: 3, seconds: 2 * HOUR, is_login: false, wish: Some(Wish::Chain),
            way: Strategy::Chain, because: Because::AskedFor("--chain"), granted: HOUR, capped: Some(Cap::Role),
        },
        Row {
            docs: "the credentials of `aws login` last 15 min, whatever is requested",
            roles: 0, seconds: 12 * HOUR, is_login: true, wish: None,
            way: Strategy::Login, because: Because::SignedIn, granted: 900, capped: None,
        },
        Row {
            docs: "a role over `aws login` takes no code, so nothing is direct",
            roles: 1, seconds: HOUR, is_login: true, wish: Some(Wish::Direct),
            way: Strategy::Login, because: Because::SignedIn, granted: HOUR, capped: None,
        },
        Row {
            docs: "a role over `aws login` is assumed with temporary credentials",
            roles: 1, seconds: HOUR + 1, is_login: true, wish: None,
            way: Strategy::Login, because: Because::SignedIn, granted: HOUR, capped: Some(Cap::Login),
        },
        Row {
            docs: "a role from a role over `aws login`",
            roles: 2, seconds: 2 * HOUR, is_login: true, wish: None,
            way: Strategy::Login, because: Because::SignedIn, granted: HOUR, capped: Some(Cap::Role),
        },
    ];

    #[test]
    fn each_row_of_the_decision_table() {
        for row in TABLE {
            let decision = decide(Circumstances {
                roles: row.roles,
                seconds: row.seconds,
                is_login: row.is_login,
                wish: row.wish,
            });
            let expected = Decision {
                way: row.way,
                because: row.because,
                seconds: row.granted,
                capped: row.capped,
            };
            assert_eq!(decision, expected, "{}", row.docs);
        }
    }
}
