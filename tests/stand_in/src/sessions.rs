//! Who calls, and the temporary credentials that were handed out.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::answers::Credentials;

/// Who calls, and with which sort of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user with a long-term key.
    User { name: String },
    /// A user with credentials from `GetSessionToken`.
    UserSession { name: String, mfa: bool },
    /// A role, with credentials from `AssumeRole`.
    RoleSession {
        role_arn: String,
        session_name: String,
    },
}

impl Caller {
    pub(crate) fn has_session_credentials(&self) -> bool {
        !matches!(self, Self::User { .. })
    }

    /// The user, if it is one.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name } | Self::UserSession { name, .. } => Some(name),
            Self::RoleSession { .. } => None,
        }
    }

    /// Whether the credentials tell of MFA. Those of a role don't: a chain loses it.
    pub(crate) fn multi_factor_auth_present(&self) -> bool {
        matches!(self, Self::UserSession { mfa: true, .. })
    }

    pub(crate) fn account_id<'a>(&'a self, account: &'a Account) -> &'a str {
        match self {
            Self::User { .. } | Self::UserSession { .. } => &account.id,
            Self::RoleSession { role_arn, .. } => role_arn.split(':').nth(4).unwrap_or_default(),
        }
    }

    pub(crate) fn arn(&self, account: &Account) -> String {
        match self {
            Self::User { name } | Self::UserSession { name, .. } => account.user_arn(name),
            Self::RoleSession {
                role_arn,
                session_name,
            } => {
                let (partition, id) = (&account.partition, self.account_id(account));
                let role = role_arn.rsplit('/').next().unwrap_or_default();
                format!("arn:{partition}:sts::{id}:assumed-role/{role}/{session_name}")
            }
        }
    }

    /// The `UserId` that AWS shows. It follows from the name, so that it stays the same.
    pub(crate) fn unique_id(&self) -> String {
        let unique = |prefix: &str, name: &str| {
            let digest = Sha256::digest(name);
            prefix.to_owned() + &pick(&digest[..13], UPPER_CASE)
        };
        match self {
            Self::User { name } | Self::UserSession { name, .. } => unique("AIDAFAKE", name),
            Self::RoleSession {
                role_arn,
                session_name,
            } => unique("AROAFAKE", role_arn) + ":" + session_name,
        }
    }
}

/// A session that is good until it expires.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) credentials: Credentials,
}

/// All sessions, by access key id. Expired ones stay, to be told from unknown ones.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_key: HashMap<String, Session>,
    fakes: Fakes,
}

impl Sessions {
    pub(crate) fn get(&self, access_key_id: &str) -> Option<&Session> {
        self.by_key.get(access_key_id)
    }

    pub(crate) fn issue(
        &mut self,
        caller: Caller,
        seconds: i64,
        now: DateTime<Utc>,
    ) -> Credentials {
        let credentials = self.fakes.credentials(now + TimeDelta::seconds(seconds));
        let session = Session {
            caller,
            credentials: credentials.clone(),
        };
        self.by_key
            .insert(credentials.access_key_id.clone(), session);
        credentials
    }
}

const UPPER_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Makes credentials that are unique, and that nobody takes for real ones.
#[derive(Debug)]
struct Fakes {
    seed: u64,
    count: u64,
}

impl Default for Fakes {
    fn default() -> Self {
        // The standard library's own way to get random numbers; nothing here has to be secret.
        let seed = RandomState::new().hash_one("stand-in");
        Self { seed, count: 0 }
    }
}

impl Fakes {
    fn credentials(&mut self, expiration: DateTime<Utc>) -> Credentials {
        let id = self.text(12, UPPER_CASE);
        let secret = self.text(30, BASE64);
        // Real tokens have these three characters; clients have tripped over each.
        let token = [self.text(160, BASE64), self.text(160, BASE64)].join("/+");
        Credentials {
            access_key_id: format!("ASIAFAKE{id}"),
            secret_access_key: format!("FakeSecret{secret}"),
            session_token: format!("FakeSessionToken{token}=="),
            expiration,
        }
    }

    fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        let mut text = String::new();
        while text.len() < length {
            self.count += 1;
            let digest = Sha256::digest(format!("{} {}", self.seed, self.count));
            text.push_str(&pick(&digest, alphabet));
        }
        text.truncate(length);
        text
    }
}

/// A letter of the alphabet for each byte.
fn pick(bytes: &[u8], alphabet: &[u8]) -> String {
    let letters = bytes.iter().map(|byte| usize::from(*byte) % alphabet.len());
    letters.map(|index| char::from(alphabet[index])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn credentials_are_fake_and_unique() {
        let mut fakes = Fakes::default();
        let all: Vec<_> = (0..500)
            .map(|_| fakes.credentials(DateTime::UNIX_EPOCH))
            .collect();
        for credentials in &all {
            let id = credentials.access_key_id.strip_prefix("ASIAFAKE").unwrap();
            assert!(id.len() == 12 && id.bytes().all(|byte| UPPER_CASE.contains(&byte)));
            assert!(credentials.secret_access_key.starts_with("FakeSecret"));
            assert_eq!(credentials.secret_access_key.len(), 40);
            let token = &credentials.session_token;
            assert!(token.starts_with("FakeSessionToken"));
            assert!((300..=400).contains(&token.len()));
            assert!(['/', '+', '='].iter().all(|letter| token.contains(*letter)));
        }
        let ids: HashSet<_> = all.iter().map(|it| &it.access_key_id).collect();
        let tokens: HashSet<_> = all.iter().map(|it| &it.session_token).collect();
        assert_eq!((ids.len(), tokens.len()), (500, 500));
    }

    #[test]
    fn callers_have_the_arns_that_aws_gives_them() {
        let account = Account::example().partition("aws-cn");
        let caller = Caller::RoleSession {
            role_arn: "arn:aws-cn:iam::210987654321:role/team/admin".to_owned(),
            session_name: "work".to_owned(),
        };
        assert_eq!(
            caller.arn(&account),
            "arn:aws-cn:sts::210987654321:assumed-role/admin/work"
        );
        assert!(caller.unique_id().ends_with(":work"));
        let name = "alice".to_owned();
        let caller = Caller::User { name };
        assert_eq!(
            caller.arn(&account),
            "arn:aws-cn:iam::123456789012:user/alice"
        );
        assert_eq!(caller.unique_id().len(), 21);
    }
}
