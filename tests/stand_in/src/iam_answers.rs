//! PURE. What IAM tells of users and their MFA devices, as XML.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::encoding::base64;
use crate::service::Service;
use crate::xml::{element, envelope, parent};

/// A picture of one white dot, in Base64. Nobody has to scan it.
const QR_CODE_PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

/// A user, as it is told of.
#[derive(Clone, Debug)]
pub(crate) struct UserDetails {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) created: DateTime<Utc>,
}

/// A device that a user has enabled.
#[derive(Clone, Debug)]
pub(crate) struct EnabledDevice {
    pub(crate) user_name: String,
    pub(crate) serial: String,
    pub(crate) enabled: DateTime<Utc>,
}

/// A virtual device, with its user and since when, if one has enabled it.
#[derive(Clone, Debug)]
pub(crate) struct VirtualDevice {
    pub(crate) serial: String,
    pub(crate) owner: Option<(UserDetails, DateTime<Utc>)>,
}

/// An access key, as it is told of.
#[derive(Clone, Debug)]
pub(crate) struct KeyDetails {
    pub(crate) user_name: String,
    pub(crate) id: String,
    pub(crate) active: bool,
    pub(crate) created: DateTime<Utc>,
}

/// The result of an action of IAM.
#[derive(Clone, Debug)]
pub(crate) enum IamAnswer {
    /// `GetUser`.
    User(UserDetails),
    /// `ListMFADevices`.
    Devices(Vec<EnabledDevice>),
    /// `ListVirtualMFADevices`.
    VirtualDevices(Vec<VirtualDevice>),
    /// `CreateVirtualMFADevice`: the device, and its seed in Base32.
    CreatedDevice { serial: String, seed: String },
    /// `ListAccessKeys`.
    Keys(Vec<KeyDetails>),
    /// `CreateAccessKey`.
    CreatedKey { key: KeyDetails, secret: String },
    /// `GetAccessKeyLastUsed`: when, for which service, in which region.
    LastUsed {
        user_name: String,
        used: Option<(DateTime<Utc>, &'static str, String)>,
    },
    /// `GenerateCredentialReport`.
    ReportState(&'static str),
    /// `GetCredentialReport`.
    Report { text: String, made: DateTime<Utc> },
    /// An action without a result.
    Done(&'static str),
}

impl IamAnswer {
    pub(crate) fn render(&self, request_id: &str) -> String {
        let (action, result) = match self {
            Self::User(user) => ("GetUser", user_element(user)),
            Self::Devices(devices) => {
                let members = devices.iter().map(|device| {
                    element("UserName", &device.user_name)
                        + &element("SerialNumber", &device.serial)
                        + &element("EnableDate", &date(device.enabled))
                });
                ("ListMFADevices", list("MFADevices", members))
            }
            Self::VirtualDevices(devices) => {
                let members = devices.iter().map(|device| {
                    let owner = device.owner.as_ref().map(|(user, enabled)| {
                        user_element(user) + &element("EnableDate", &date(*enabled))
                    });
                    element("SerialNumber", &device.serial) + &owner.unwrap_or_default()
                });
                let result = list("VirtualMFADevices", members);
                ("ListVirtualMFADevices", result)
            }
            Self::CreatedDevice { serial, seed } => {
                let device = element("SerialNumber", serial)
                    + &element("Base32StringSeed", &base64(seed.as_bytes()))
                    + &element("QRCodePNG", QR_CODE_PNG);
                let result = parent("VirtualMFADevice", &device);
                ("CreateVirtualMFADevice", result)
            }
            Self::Keys(keys) => {
                let members = keys.iter().map(key_elements);
                ("ListAccessKeys", list("AccessKeyMetadata", members))
            }
            Self::CreatedKey { key, secret } => {
                let key = key_elements(key) + &element("SecretAccessKey", secret);
                ("CreateAccessKey", parent("AccessKey", &key))
            }
            Self::LastUsed { user_name, used } => {
                let (date, service, region) = match used {
                    Some((when, service, region)) => {
                        (element("LastUsedDate", &date(*when)), *service, &**region)
                    }
                    None => (String::new(), "N/A", "N/A"),
                };
                let used = date + &element("ServiceName", service) + &element("Region", region);
                let result = element("UserName", user_name) + &parent("AccessKeyLastUsed", &used);
                ("GetAccessKeyLastUsed", result)
            }
            Self::ReportState(state) => ("GenerateCredentialReport", element("State", state)),
            Self::Report { text, made } => {
                let result = element("Content", &base64(text.as_bytes()))
                    + &element("ReportFormat", "text/csv")
                    + &element("GeneratedTime", &date(*made));
                ("GetCredentialReport", result)
            }
            Self::Done(action) => return envelope(Service::Iam, action, None, request_id),
        };
        envelope(Service::Iam, action, Some(&result), request_id)
    }
}

fn user_element(user: &UserDetails) -> String {
    let user = element("Path", &user.path)
        + &element("UserName", &user.name)
        + &element("UserId", &user.id)
        + &element("Arn", &user.arn)
        + &element("CreateDate", &date(user.created));
    parent("User", &user)
}

fn key_elements(key: &KeyDetails) -> String {
    element("UserName", &key.user_name)
        + &element("AccessKeyId", &key.id)
        + &element("Status", if key.active { "Active" } else { "Inactive" })
        + &element("CreateDate", &date(key.created))
}

/// A whole list: nothing is kept for another page.
fn list(name: &str, members: impl Iterator<Item = String>) -> String {
    let members: String = members.map(|member| parent("member", &member)).collect();
    parent(name, &members) + &element("IsTruncated", "false")
}

fn date(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
