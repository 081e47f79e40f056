//! Lists, creates, deactivates and deletes the access keys of a user.

use aws_sdk_iam::types::{AccessKey, StatusType};
use chrono::{DateTime, Utc};

use super::caller::Caller;
use super::iam_client::Iam;
use super::iam_error::{IamError, Result};
use crate::aws::network::Tries;
use crate::core::aws_errors;
use crate::core::clock;
use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::form::{Form, misfit};
use crate::plan::Service;

/// When a key was last used, and for which service.
pub struct LastUse {
    pub when: DateTime<Utc>,
    pub service: String,
    pub region: String,
}

/// An access key as IAM knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownKey {
    pub id: String,
    pub is_active: bool,
    pub created: DateTime<Utc>,
}

impl Iam<'_> {
    /// The user's access keys.
    pub fn access_keys(&self, caller: &Caller) -> Result<Vec<KnownKey>> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.list_access_keys().set_user_name(caller.name.clone());
        let keys = self.call("ListAccessKeys", &[], || {
            let pages = call.clone().into_paginator().items().send();
            pages.collect::<std::result::Result<Vec<_>, _>>()
        })?;
        let keys = keys.iter().map(|key| {
            let id = key.access_key_id()?;
            Form::AccessKeyId.fits(id).then_some(())?;
            Some(KnownKey {
                id: id.to_owned(),
                is_active: key.status() == Some(&StatusType::Active),
                created: clock::from_timestamp(key.create_date()?.secs())?,
            })
        });
        // No key is skipped: a rotation has to know all of them.
        keys.collect::<Option<_>>().ok_or_else(|| IamError {
            request_error: None,
            failure: self
                .request(Service::Iam, &[])
                .foreign("one of its access keys is malformed"),
        })
    }

    /// Creates another key.
    ///
    /// # Errors
    /// `LimitExceeded` if there are two already, and others.
    pub fn create_access_key(&self, caller: &Caller) -> Result<LongTermKeys> {
        let iam = self.iam(Tries::Once)?;
        let call = iam.create_access_key().set_user_name(caller.name.clone());
        let answer = self.call("CreateAccessKey", &[], || call.clone().send())?;
        let is_wrong = |key: &AccessKey| {
            misfit(&[
                (Form::AccessKeyId, &key.access_key_id),
                (Form::SecretAccessKey, &key.secret_access_key),
            ])
        };
        match answer.access_key {
            Some(key)
                if !key.access_key_id.is_empty()
                    && let Some(form) = is_wrong(&key) =>
            {
                let evidence = format!("its {} is malformed", form.name());
                Err(IamError {
                    request_error: None,
                    failure: self.request(Service::Iam, &[]).foreign(&evidence),
                })
            }
            Some(key) if !key.access_key_id.is_empty() && !key.secret_access_key.is_empty() => {
                Ok(LongTermKeys {
                    access_key_id: key.access_key_id,
                    secret_access_key: Secret::new(key.secret_access_key),
                })
            }
            _ => Err(IamError {
                request_error: None,
                failure: self
                    .request(Service::Iam, &[])
                    .foreign("it contains no key"),
            }),
        }
    }

    /// Deactivates a key.
    pub fn deactivate_access_key(&self, caller: &Caller, id: &str) -> Result<()> {
        let iam = self.iam(Tries::Several)?;
        let call = iam
            .update_access_key()
            .set_user_name(caller.name.clone())
            .access_key_id(id)
            .status(StatusType::Inactive);
        self.call("UpdateAccessKey", &[], || call.clone().send())?;
        Ok(())
    }

    /// Deletes a key, if it still exists.
    pub fn delete_access_key(&self, caller: &Caller, id: &str) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .delete_access_key()
            .set_user_name(caller.name.clone())
            .access_key_id(id);
        match self.call("DeleteAccessKey", &[], || call.clone().send()) {
            Err(error) if error.code() == Some(aws_errors::NO_SUCH_ENTITY) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// When a key was last used; none if it never was.
    pub fn last_use(&self, id: &str) -> Result<Option<LastUse>> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.get_access_key_last_used().access_key_id(id);
        let answer = self.call("GetAccessKeyLastUsed", &[], || call.clone().send())?;
        Ok(answer.access_key_last_used().and_then(|used| {
            let when = used.last_used_date()?;
            Some(LastUse {
                when: clock::from_timestamp(when.secs())?,
                service: used.service_name().to_owned(),
                region: used.region().to_owned(),
            })
        }))
    }
}
