//! What the services share, and remember from one request to the next.

use crate::account::Account;
use crate::errors::AwsError;
use crate::fakes::Fakes;
use crate::mfa::Verifications;
use crate::secrets::Secrets;
use crate::sessions::{Caller, Sessions};

/// The account with everything that happens to it. Each service adds its actions.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) account: Account,
    pub(crate) sessions: Sessions,
    pub(crate) verifications: Verifications,
    pub(crate) fakes: Fakes,
    pub(crate) secrets: Secrets,
    /// Grants no longer sessions than this, whatever is asked for.
    pub(crate) granted_at_most: Option<u32>,
}

impl Cloud {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            secrets: Secrets::of(&account),
            account,
            sessions: Sessions::default(),
            verifications: Verifications::default(),
            fakes: Fakes::default(),
            granted_at_most: None,
        }
    }

    /// An error if a policy of the caller denies the action, such as `iam:GetUser`.
    pub(crate) fn check_denials(
        &self,
        caller: &Caller,
        action: &str,
        resource: &str,
    ) -> Result<(), AwsError> {
        let name = caller.user_name();
        let user = name.and_then(|name| self.account.user_named(name));
        let denies = user.is_some_and(|user| user.denied.iter().any(|denied| denied == action));
        if denies {
            let (partition, id) = (&self.account.partition, &self.account.id);
            let policy = format!("arn:{partition}:iam::{id}:policy/fake-deny");
            let caller = caller.arn(&self.account);
            return Err(AwsError::denied_by(&policy, &caller, action, resource));
        }
        Ok(())
    }
}
