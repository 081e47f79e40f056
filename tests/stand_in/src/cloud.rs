//! What the services share, and remember from one request to the next.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::account::{Account, User};
use crate::errors::AwsError;
use crate::fakes::Fakes;
use crate::logins::Logins;
use crate::mfa::Verifications;
use crate::policy::{self, Question, Verdict};
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
    /// The same for roles alone.
    pub(crate) roles_granted_at_most: Option<u32>,
    /// For so many requests, a new access key is not known yet.
    pub(crate) keys_seen_after: usize,
    /// What the next new access key is called, in place of an id.
    pub(crate) next_key_id: Option<String>,
    /// And for so many, it is not listed.
    pub(crate) keys_listed_after: usize,
    /// For so many questions, a credential report is still being made.
    pub(crate) report_takes: usize,
    /// The report that was prompt: how often it is still not there, and when it was begun.
    pub(crate) report: Option<(usize, DateTime<Utc>)>,
    /// The tokens that sign in to the console, and until when.
    pub(crate) sign_in_tokens: HashMap<String, DateTime<Utc>>,
    pub(crate) logins: Logins,
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
            roles_granted_at_most: None,
            keys_seen_after: 0,
            next_key_id: None,
            keys_listed_after: 0,
            report_takes: 0,
            report: None,
            sign_in_tokens: HashMap::new(),
            logins: Logins::default(),
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
        match user {
            Some(user) if !user.policies.is_empty() => {
                self.check_policies(user, caller, action, resource)
            }
            _ => Ok(()),
        }
    }

    /// An error if no policy of the user allows the action, or one denies it.
    fn check_policies(
        &self,
        user: &User,
        caller: &Caller,
        action: &str,
        resource: &str,
    ) -> Result<(), AwsError> {
        let arn = match resource.strip_prefix("user ") {
            Some(name) => self.account.user_arn(name),
            None => resource.to_owned(),
        };
        let question = Question {
            action,
            resource: &arn,
            user_name: &user.name,
            mfa_present: match caller {
                Caller::UserSession { mfa, .. } | Caller::Login { mfa, .. } => Some(*mfa),
                _ => None,
            },
        };
        let policies: Vec<_> = user.policies.iter().map(|(_, policy)| policy).collect();
        let caller = caller.arn(&self.account);
        match policy::decide(&policies, &question) {
            Verdict::Allowed => Ok(()),
            // A session needs no permission, and can be denied all the same.
            Verdict::NotAllowed if action == "sts:GetSessionToken" => Ok(()),
            Verdict::NotAllowed => Err(AwsError::not_authorized(&caller, action, resource)),
            Verdict::Denied(number) => {
                let (partition, id) = (&self.account.partition, &self.account.id);
                let name = &user.policies[number].0;
                let policy = format!("arn:{partition}:iam::{id}:policy/{name}");
                Err(AwsError::denied_by(&policy, &caller, action, resource))
            }
        }
    }
}
