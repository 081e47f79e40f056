//! Who some keys belong to.

use crate::core::form::{Form, misfit};

/// Who the keys belong to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    pub account: String,
    partition: String,
    /// None for the root user.
    pub name: Option<String>,
}

impl Owner {
    /// From the ARN that STS gives: `arn:aws:iam::123456789012:user/team/alice`, or `…:root`.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, _, _, account, resource] = parts[..] else {
            return None;
        };
        let name = match resource.split_once('/') {
            Some(("user", path)) => Some(path.rsplit('/').next()?.to_owned()),
            None if resource == "root" => None,
            _ => return None,
        };
        let values = [
            (Form::Partition, partition),
            (Form::AccountId, account),
            // The root user has none.
            (Form::UserName, name.as_deref().unwrap_or("root")),
        ];
        if misfit(&values).is_some() {
            return None;
        }
        Some(Self {
            account: account.to_owned(),
            partition: partition.to_owned(),
            name,
        })
    }

    /// The ARN of a virtual device of this name.
    pub fn device(&self, name: &str) -> String {
        let Self {
            account, partition, ..
        } = self;
        format!("arn:{partition}:iam::{account}:mfa/{name}")
    }

    /// What most people's device is called.
    pub fn usual_device(&self) -> String {
        let root = "root-account-mfa-device";
        self.device(self.name.as_deref().unwrap_or(root))
    }

    /// For messages.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or("the root user")
    }
}
