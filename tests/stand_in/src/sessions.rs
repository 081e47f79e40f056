//! Who calls, and the temporary credentials that were handed out.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::answers::Credentials;
use crate::fakes::{Fakes, UPPER_CASE, pick};
use crate::scope::Inherited;

/// Who calls, and with which sort of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user with a long-term key.
    User { name: String },
    /// A user with credentials from `GetSessionToken`.
    UserSession { name: String, mfa: bool },
    /// A user with credentials of `aws login`.
    Login { name: String, mfa: bool },
    /// A user with credentials from `GetFederationToken`.
    FederatedUser { name: String },
    /// A role, with credentials from `AssumeRole`.
    RoleSession {
        role_arn: String,
        session_name: String,
        inherited: Inherited,
        /// Whether temporary credentials have assumed it.
        chained: bool,
    },
}

impl Caller {
    pub(crate) fn has_session_credentials(&self) -> bool {
        !matches!(self, Self::User { .. })
    }

    /// The user, if it is one.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name } | Self::UserSession { name, .. } | Self::Login { name, .. } => {
                Some(name)
            }
            // Its power is decided by session policies, too, which nobody evaluates here.
            Self::FederatedUser { .. } | Self::RoleSession { .. } => None,
        }
    }

    /// Whether the credentials tell of MFA. Those of a role don't: a chain loses it.
    pub(crate) fn multi_factor_auth_present(&self) -> bool {
        matches!(
            self,
            Self::UserSession { mfa: true, .. } | Self::Login { mfa: true, .. }
        )
    }

    /// What the sessions of roles that it assumes inherit.
    pub(crate) fn inherited(&self) -> Inherited {
        match self {
            Self::RoleSession { inherited, .. } => inherited.clone(),
            _ => Inherited::default(),
        }
    }

    pub(crate) fn account_id<'a>(&'a self, account: &'a Account) -> &'a str {
        match self {
            Self::RoleSession { role_arn, .. } => role_arn.split(':').nth(4).unwrap_or_default(),
            _ => &account.id,
        }
    }

    pub(crate) fn arn(&self, account: &Account) -> String {
        match self {
            Self::User { name } | Self::UserSession { name, .. } | Self::Login { name, .. } => {
                account.user_arn(name)
            }
            Self::FederatedUser { name } => account.federated_user_arn(name),
            Self::RoleSession {
                role_arn,
                session_name,
                ..
            } => {
                let (partition, id) = (&account.partition, self.account_id(account));
                let role = role_arn.rsplit('/').next().unwrap_or_default();
                format!("arn:{partition}:sts::{id}:assumed-role/{role}/{session_name}")
            }
        }
    }

    /// The `UserId` that AWS shows. It follows from the name, so that it stays the same.
    pub(crate) fn unique_id(&self, account: &Account) -> String {
        match self {
            Self::User { name } | Self::UserSession { name, .. } | Self::Login { name, .. } => {
                user_id(name)
            }
            Self::FederatedUser { name } => format!("{}:{name}", account.id),
            Self::RoleSession {
                role_arn,
                session_name,
                ..
            } => unique_id("AROAFAKE", role_arn) + ":" + session_name,
        }
    }
}

/// The id that AWS gives a user.
pub(crate) fn user_id(name: &str) -> String {
    unique_id("AIDAFAKE", name)
}

fn unique_id(prefix: &str, name: &str) -> String {
    let digest = Sha256::digest(name);
    prefix.to_owned() + &pick(&digest[..13], UPPER_CASE)
}

/// A session that is good until it expires.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) credentials: Credentials,
}

/// All sessions, by access key ID. Expired ones stay, to be told from unknown ones.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_key: HashMap<String, Session>,
    fakes: Fakes,
}

impl Sessions {
    pub(crate) fn get(&self, access_key_id: &str) -> Option<&Session> {
        self.by_key.get(access_key_id)
    }

    /// Ends the credentials that logins have now.
    pub(crate) fn expire_logins(&mut self, now: DateTime<Utc>) {
        for session in self.by_key.values_mut() {
            if matches!(session.caller, Caller::Login { .. }) {
                session.credentials.expiration = now;
            }
        }
    }

    pub(crate) fn issue(
        &mut self,
        caller: Caller,
        seconds: i64,
        now: DateTime<Utc>,
        prefix: &str,
    ) -> Credentials {
        let mut credentials = self.fakes.credentials(now + TimeDelta::seconds(seconds));
        credentials.access_key_id = credentials.access_key_id.replacen("ASIA", prefix, 1);
        let session = Session {
            caller,
            credentials: credentials.clone(),
        };
        self.by_key
            .insert(credentials.access_key_id.clone(), session);
        credentials
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_have_the_arns_that_aws_gives_them() {
        let account = Account::example().partition("aws-cn");
        let caller = Caller::RoleSession {
            role_arn: "arn:aws-cn:iam::210987654321:role/team/admin".to_owned(),
            session_name: "work".to_owned(),
            inherited: Inherited::default(),
            chained: false,
        };
        assert_eq!(
            caller.arn(&account),
            "arn:aws-cn:sts::210987654321:assumed-role/admin/work"
        );
        assert!(caller.unique_id(&account).ends_with(":work"));
        let name = "alice".to_owned();
        let caller = Caller::User { name };
        assert_eq!(
            caller.arn(&account),
            "arn:aws-cn:iam::123456789012:user/alice"
        );
        assert_eq!(caller.unique_id(&account).len(), 21);
    }
}
