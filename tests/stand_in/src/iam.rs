//! Identity and Access Management, as far as MFA devices need it: who may do what, and the actions
//! that only look. Those that change something are in [`devices`].
//!
//! The order is: signature, parameters, policy, and then what there is.

mod devices;
mod keys;
mod report;

use chrono::{DateTime, Utc};

use crate::account::User;
use crate::answers::Answer;
use crate::cloud::Cloud;
use crate::device::{Device, long_ago};
use crate::errors::AwsError;
use crate::iam_answers::{EnabledDevice, IamAnswer, UserDetails, VirtualDevice};
use crate::parameters::{Constraints, Parameters, TextRule, is_word};
use crate::sessions::{Caller, user_id};
pub use keys::KeyStatus;

const USER_NAME: TextRule = TextRule {
    length: 1..=128,
    pattern: r"[\w+=,.@-]+",
    allowed: |letter| is_word(letter) || "+=,.@-".contains(letter),
};
const ASSIGNMENTS: [&str; 3] = ["Any", "Unassigned", "Assigned"];

impl Cloud {
    /// Carries an action of IAM out; None if it has no such action.
    pub(crate) fn iam(
        &mut self,
        action: &str,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Option<Result<Answer, AwsError>> {
        let answer = match action {
            "GetUser" => self.get_user(caller, parameters),
            "ListMFADevices" => self.list_mfa_devices(caller, parameters),
            "ListVirtualMFADevices" => self.list_virtual_mfa_devices(caller, parameters),
            "CreateVirtualMFADevice" => self.create_virtual_mfa_device(caller, parameters),
            "EnableMFADevice" => self.enable_mfa_device(caller, parameters, now),
            "ResyncMFADevice" => self.resync_mfa_device(caller, parameters, now),
            "DeactivateMFADevice" => self.deactivate_mfa_device(caller, parameters),
            "DeleteVirtualMFADevice" => self.delete_virtual_mfa_device(caller, parameters),
            "ListAccessKeys" => self.list_access_keys(caller, parameters),
            "CreateAccessKey" => self.create_access_key(caller, parameters, now),
            "UpdateAccessKey" => self.update_access_key(caller, parameters),
            "DeleteAccessKey" => self.delete_access_key(caller, parameters),
            "GetAccessKeyLastUsed" => self.get_access_key_last_used(caller, parameters),
            "GenerateCredentialReport" => self.generate_credential_report(caller, now),
            "GetCredentialReport" => self.get_credential_report(caller, now),
            _ => return None,
        };
        Some(answer.map(Answer::Iam))
    }

    fn get_user(&self, caller: &Caller, parameters: &Parameters) -> Result<IamAnswer, AwsError> {
        let name = user_or_own(caller, parameters)?;
        let user = self.user_for(caller, "iam:GetUser", name)?;
        Ok(IamAnswer::User(self.details(user)))
    }

    fn list_mfa_devices(
        &self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let name = user_or_own(caller, parameters)?;
        let user = self.user_for(caller, "iam:ListMFADevices", name)?;
        let devices = user.devices.iter().map(|device| EnabledDevice {
            user_name: user.name.clone(),
            serial: device.serial.clone(),
            enabled: device.enabled,
        });
        Ok(IamAnswer::Devices(devices.collect()))
    }

    fn list_virtual_mfa_devices(
        &self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let mut constraints = Constraints::default();
        let status = parameters.get("AssignmentStatus").unwrap_or("Any");
        constraints.one_of("assignmentStatus", status, &ASSIGNMENTS);
        constraints.check()?;
        let resource = self.virtual_device_arn("/", "");
        self.authorize(caller, "iam:ListVirtualMFADevices", &resource)?;

        let assigned = self.account.users.iter().flat_map(|user| {
            let owner = |device: &Device| Some((self.details(user), device.enabled));
            let devices = user.devices.iter();
            devices.map(move |device| (device, owner(device)))
        });
        let unassigned = self.account.unassigned.iter().map(|device| (device, None));
        let devices = assigned
            .chain(unassigned)
            .filter(|(device, _)| device.is_virtual())
            .map(|(device, owner)| VirtualDevice {
                serial: device.serial.clone(),
                owner,
            })
            .filter(|device| match status {
                "Assigned" => device.owner.is_some(),
                "Unassigned" => device.owner.is_none(),
                _ => true,
            });
        Ok(IamAnswer::VirtualDevices(devices.collect()))
    }

    /// The user, if the caller may do this to it.
    fn user_for(&self, caller: &Caller, action: &str, name: &str) -> Result<&User, AwsError> {
        self.authorize(caller, action, &format!("user {name}"))?;
        self.account.user_named(name).ok_or_else(|| {
            AwsError::no_such_entity(format!("The user with name {name} cannot be found."))
        })
    }

    /// Users may do everything but what is denied to them; roles have no policies that allow it.
    fn authorize(&self, caller: &Caller, action: &str, resource: &str) -> Result<(), AwsError> {
        if caller.user_name().is_none() {
            let caller = caller.arn(&self.account);
            return Err(AwsError::not_authorized(&caller, action, resource));
        }
        self.check_denials(caller, action, resource)
    }

    fn details(&self, user: &User) -> UserDetails {
        UserDetails {
            name: user.name.clone(),
            path: user.path.clone(),
            arn: self.account.user_arn(&user.name),
            id: user_id(&user.name),
            created: long_ago(),
        }
    }

    fn virtual_device_arn(&self, path: &str, name: &str) -> String {
        let (partition, id) = (&self.account.partition, &self.account.id);
        format!("arn:{partition}:iam::{id}:mfa{path}{name}")
    }
}

/// The user that is named, or else the one who calls.
fn user_or_own<'a>(caller: &'a Caller, parameters: &'a Parameters) -> Result<&'a str, AwsError> {
    let name = parameters.get("UserName");
    let mut constraints = Constraints::default();
    constraints.text("userName", name, &USER_NAME);
    constraints.check()?;
    name.or(caller.user_name()).ok_or_else(|| {
        AwsError::validation("Must specify userName when calling with non-User credentials")
    })
}
