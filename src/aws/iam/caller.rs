//! Reads who a caller is from the ARN in the response of `GetCallerIdentity`.

use crate::core::arn::Arn;
use crate::core::form::{Form, misfit};

/// The owner of the keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    pub account: String,
    partition: String,
    /// None for the root user.
    pub name: Option<String>,
}

impl Caller {
    /// From the ARN in the response of STS: `arn:aws:iam::123456789012:user/team/alice`, or `…:root`.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let arn = Arn::parse(arn)?;
        let name = match arn.kind_and_name() {
            Some(("user", path)) => Some(path.rsplit('/').next()?.to_owned()),
            None if arn.resource == "root" => None,
            _ => return None,
        };
        let values = [
            (Form::Partition, arn.partition),
            (Form::AccountId, arn.account),
            // The root user has none.
            (Form::UserName, name.as_deref().unwrap_or("root")),
        ];
        if misfit(&values).is_some() {
            return None;
        }
        Some(Self {
            account: arn.account.to_owned(),
            partition: arn.partition.to_owned(),
            name,
        })
    }

    /// The ARN of a virtual device of this name.
    pub fn device(&self, name: &str) -> String {
        Arn::of_iam(&self.partition, &self.account, &format!("mfa/{name}")).to_string()
    }

    /// The ARN of the device if it is named like the user, as most are.
    pub fn usual_device(&self) -> String {
        let root = "root-account-mfa-device";
        self.device(self.name.as_deref().unwrap_or(root))
    }

    /// For messages.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or("the root user")
    }
}
