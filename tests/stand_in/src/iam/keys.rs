//! The actions on access keys.

use std::cell::Cell;

use chrono::{DateTime, Utc};

use super::{USER_NAME, user_or_own};
use crate::account::AccessKey;
use crate::cloud::Cloud;
use crate::errors::AwsError;
use crate::iam_answers::{IamAnswer, KeyDetails};
use crate::parameters::{Constraints, Parameters, TextRule, is_word};
use crate::sessions::Caller;

/// Inactive ones count, too.
const KEYS_PER_USER: usize = 2;

const ACCESS_KEY_ID: TextRule = TextRule {
    length: 16..=128,
    pattern: r"[\w]+",
    allowed: is_word,
};

/// What a test is told of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// `AKIA…`.
    pub access_key_id: String,
    /// Not secret to a test.
    pub secret_access_key: String,
    /// Whether it can sign.
    pub active: bool,
}

impl Cloud {
    pub(super) fn list_access_keys(
        &self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let name = user_or_own(caller, parameters)?;
        let user = self.user_for(caller, "iam:ListAccessKeys", name)?;
        let is_listed = |key: &&AccessKey| {
            let left = key.unlisted.get();
            key.unlisted.set(left.saturating_sub(1));
            left == 0
        };
        let keys = user.access_keys.iter().filter(is_listed);
        let keys = keys.map(|key| details(name, key));
        Ok(IamAnswer::Keys(keys.collect()))
    }

    pub(super) fn create_access_key(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<IamAnswer, AwsError> {
        let name = user_or_own(caller, parameters)?;
        let user = self.user_for(caller, "iam:CreateAccessKey", name)?;
        if user.access_keys.len() >= KEYS_PER_USER {
            return Err(AwsError::limit_exceeded("AccessKeysPerUser", KEYS_PER_USER));
        }
        let key = self.new_key(now);
        let answer = IamAnswer::CreatedKey {
            key: details(name, &key),
            secret: key.secret.clone(),
        };
        self.account.keys_of(name).push(key);
        Ok(answer)
    }

    /// A key that nobody has yet.
    pub(crate) fn new_key(&mut self, now: DateTime<Utc>) -> AccessKey {
        let (id, secret) = self.fakes.long_term_key();
        let id = self.next_key_id.take().unwrap_or(id);
        self.secrets.note(&secret);
        AccessKey {
            id,
            secret,
            active: true,
            created: now,
            last_used: None,
            unseen: Cell::new(self.keys_seen_after),
            unlisted: Cell::new(self.keys_listed_after),
        }
    }

    pub(super) fn update_access_key(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let status = parameters.get("Status").unwrap_or_default();
        let mut constraints = Constraints::default();
        constraints.one_of("status", status, &["Active", "Inactive"]);
        constraints.check()?;
        let (name, place) = self.key_for(caller, "iam:UpdateAccessKey", parameters)?;
        self.account.keys_of(&name)[place].active = status == "Active";
        Ok(IamAnswer::Done("UpdateAccessKey"))
    }

    pub(super) fn delete_access_key(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let (name, place) = self.key_for(caller, "iam:DeleteAccessKey", parameters)?;
        self.account.keys_of(&name).remove(place);
        Ok(IamAnswer::Done("DeleteAccessKey"))
    }

    pub(super) fn get_access_key_last_used(
        &self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let id = access_key_id(parameters)?;
        let found = self.account.access_key(id);
        let (user, key) = found.ok_or_else(|| no_such_key(id))?;
        self.authorize(
            caller,
            "iam:GetAccessKeyLastUsed",
            &format!("user {}", user.name),
        )?;
        Ok(IamAnswer::LastUsed {
            user_name: user.name.clone(),
            used: key.last_used.clone(),
        })
    }

    /// Whose key it is, and where in the list.
    fn key_for(
        &self,
        caller: &Caller,
        action: &str,
        parameters: &Parameters,
    ) -> Result<(String, usize), AwsError> {
        let id = access_key_id(parameters)?;
        let name = user_or_own(caller, parameters)?;
        let user = self.user_for(caller, action, name)?;
        let place = user.access_keys.iter().position(|key| key.id == id);
        Ok((name.to_owned(), place.ok_or_else(|| no_such_key(id))?))
    }
}

fn access_key_id(parameters: &Parameters) -> Result<&str, AwsError> {
    let mut constraints = Constraints::default();
    let id = constraints.required("accessKeyId", parameters.get("AccessKeyId"));
    constraints.text("accessKeyId", id, &ACCESS_KEY_ID);
    constraints.text("userName", parameters.get("UserName"), &USER_NAME);
    constraints.check()?;
    Ok(id.unwrap_or_default())
}

fn no_such_key(id: &str) -> AwsError {
    AwsError::no_such_entity(format!("The Access Key with id {id} cannot be found."))
}

fn details(user_name: &str, key: &AccessKey) -> KeyDetails {
    KeyDetails {
        user_name: user_name.to_owned(),
        id: key.id.clone(),
        active: key.active,
        created: key.created,
    }
}
