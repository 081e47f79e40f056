//! Finds out which account credentials are in, without a call to AWS. An access key ID encodes the account, too, but AWS does not document
//! how.

use crate::core::arn::Arn;
use crate::core::form::Form;
use crate::files::profiles::{File, key};
use crate::files::section_format;
use crate::files::sessions::SessionKey;
use crate::plan::setting::inherited;

/// The account of credentials. AWS tools use an account ID for their endpoints, so a wrong one is worse than none:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-account-endpoints.html>.
#[derive(Debug, Eq, PartialEq)]
pub enum Account {
    /// Its ID.
    Known(String),
    /// Nothing says which one it is.
    Unknown,
    /// What is set contradicts the device, or is not an account ID.
    Unclear {
        problem: String,
        /// What to do.
        way_out: String,
    },
}

impl Account {
    /// The account of a role.
    pub fn of_role(arn: &str) -> Self {
        in_arn(arn).map_or(Self::Unknown, Self::Known)
    }

    /// The account of a user's session: a virtual device belongs to the account of its user. For another device, the section with the
    /// keys may say it, if it still has the keys that made the session.
    pub fn of_session(session_key: &SessionKey, long_term: &str, credentials: &File<'_>) -> Self {
        let device = session_key.device.as_str();
        let of_device = in_arn(device);
        let set = inherited(credentials, long_term, key::AWS_ACCOUNT_ID).filter(|_| {
            let id = credentials.get(long_term, key::AWS_ACCESS_KEY_ID);
            match id {
                Some(id) => id == session_key.access_key_id,
                None => section_format::has_keys(credentials, long_term),
            }
        });
        let Some(set) = set else {
            return of_device.map_or(Self::Unknown, Self::Known);
        };
        match of_device {
            _ if !Form::AccountId.fits(&set.value) => Self::Unclear {
                problem: format!("`{}` ({}) is not an account ID", set.value, set.origin),
                way_out: "write its 12 digits, or remove the line".to_owned(),
            },
            Some(of_device) if of_device != set.value => Self::Unclear {
                problem: format!(
                    "{} is {}, but the device {device} is in the account {of_device}",
                    set.origin, set.value
                ),
                way_out: "remove the line".to_owned(),
            },
            _ => Self::Known(set.value),
        }
    }

    /// Its ID, if it is known.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Known(id) => Some(id),
            Self::Unknown | Self::Unclear { .. } => None,
        }
    }
}

fn in_arn(text: &str) -> Option<String> {
    let account = Arn::parse(text)?.account;
    Form::AccountId.fits(account).then(|| account.to_owned())
}
