//! The actions that create, enable, resynchronise, deactivate and delete MFA devices.

use chrono::{DateTime, Utc};

use super::USER_NAME;
use crate::cloud::Cloud;
use crate::device::Device;
use crate::encoding::base32;
use crate::errors::AwsError;
use crate::iam_answers::IamAnswer;
use crate::parameters::{Constraints, Parameters, TextRule, is_word};
use crate::sessions::Caller;

const DEVICES_PER_USER: usize = 8;
/// The length of the seeds that AWS makes, in bytes: 64 letters of Base32.
const SEED_LENGTH: usize = 40;

const SERIAL_NUMBER: TextRule = TextRule {
    length: 9..=256,
    pattern: r"[\w+=/:,.@-]+",
    allowed: |letter| is_word(letter) || "+=/:,.@-".contains(letter),
};
const AUTHENTICATION_CODE: TextRule = TextRule {
    length: 6..=6,
    pattern: r"[\d]+",
    allowed: |letter| letter.is_ascii_digit(),
};
const DEVICE_NAME: TextRule = TextRule {
    length: 1..=226,
    pattern: r"[\w+=,.@-]+",
    allowed: |letter| is_word(letter) || "+=,.@-".contains(letter),
};
const PATH: TextRule = TextRule {
    length: 1..=512,
    pattern: r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)",
    allowed: |letter| letter.is_ascii_graphic(),
};

impl Cloud {
    pub(super) fn create_virtual_mfa_device(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let mut constraints = Constraints::default();
        let path = parameters.get("Path").unwrap_or("/");
        constraints.text("path", Some(path), &PATH);
        let name = required(
            &mut constraints,
            parameters,
            "VirtualMFADeviceName",
            &DEVICE_NAME,
        );
        constraints.check()?;
        if !(path.starts_with('/') && path.ends_with('/')) {
            return Err(AwsError::validation(
                "The specified value for path is invalid. It must begin and end with / and \
                 contain only alphanumeric characters and/or / characters.",
            ));
        }
        let serial = self.virtual_device_arn(path, name);
        self.authorize(caller, "iam:CreateVirtualMFADevice", &serial)?;

        if self.account.device(&serial).is_some() {
            return Err(AwsError::already_exists(
                "MFADevice entity at the same path and name already exists.",
            ));
        }
        let seed = self.fakes.bytes(SEED_LENGTH);
        let device = Device::new(&serial).seed(&seed);
        self.secrets.note_seed(&device);
        self.account.unassigned.push(device);
        let seed = base32(&seed);
        Ok(IamAnswer::CreatedDevice { serial, seed })
    }

    pub(super) fn enable_mfa_device(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<IamAnswer, AwsError> {
        let (name, serial, codes) = with_codes(parameters)?;
        let user = self.user_for(caller, "iam:EnableMFADevice", name)?;
        self.check_own_devices_with_mfa(caller, name)?;
        let is_it = |device: &Device| device.serial == serial;
        if user.devices.iter().any(is_it) {
            let message = format!("MFA Device for user {name} already exists.");
            return Err(AwsError::already_exists(message));
        }
        let mut enabled = self.account.users.iter().flat_map(|user| &user.devices);
        if enabled.any(is_it) {
            return Err(AwsError::already_exists("MFA Device is already in use."));
        }
        let index = self.account.unassigned.iter().position(is_it);
        let index = index.ok_or_else(|| no_such_device(serial))?;
        if user.devices.len() >= DEVICES_PER_USER {
            return Err(AwsError::limit_exceeded(
                "MFADevicesPerUser",
                DEVICES_PER_USER,
            ));
        }
        let device = &self.account.unassigned[index];
        self.verifications.enable(device, codes, now)?;

        let mut device = self.account.unassigned.remove(index);
        device.enabled = now;
        self.account.devices_of(name).push(device);
        Ok(IamAnswer::Done("EnableMFADevice"))
    }

    pub(super) fn resync_mfa_device(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<IamAnswer, AwsError> {
        let (name, serial, codes) = with_codes(parameters)?;
        self.user_for(caller, "iam:ResyncMFADevice", name)?;
        let index = self.index_of(serial, name)?;
        let device = &self.account.devices_of(name)[index];
        self.verifications.resync(device, codes, now)?;
        Ok(IamAnswer::Done("ResyncMFADevice"))
    }

    pub(super) fn deactivate_mfa_device(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let mut constraints = Constraints::default();
        let name = required(&mut constraints, parameters, "UserName", &USER_NAME);
        let serial = required(&mut constraints, parameters, "SerialNumber", &SERIAL_NUMBER);
        constraints.check()?;
        self.user_for(caller, "iam:DeactivateMFADevice", name)?;
        self.check_own_devices_with_mfa(caller, name)?;
        let index = self.index_of(serial, name)?;
        let device = self.account.devices_of(name).remove(index);
        // A security key has to be registered anew.
        if device.seed.is_some() {
            self.account.unassigned.push(device);
        }
        Ok(IamAnswer::Done("DeactivateMFADevice"))
    }

    pub(super) fn delete_virtual_mfa_device(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<IamAnswer, AwsError> {
        let mut constraints = Constraints::default();
        let serial = required(&mut constraints, parameters, "SerialNumber", &SERIAL_NUMBER);
        constraints.check()?;
        self.authorize(caller, "iam:DeleteVirtualMFADevice", serial)?;
        let device = self.account.device(serial);
        if !device.is_some_and(Device::is_virtual) {
            return Err(no_such_device(serial));
        }
        let mut unassigned = self.account.unassigned.iter();
        let Some(index) = unassigned.position(|device| device.serial == serial) else {
            let message = "MFA VirtualDevice in use. Must deactivate first.";
            return Err(AwsError::new(409, "DeleteConflict", message));
        };
        self.account.unassigned.remove(index);
        self.verifications.forget(serial);
        Ok(IamAnswer::Done("DeleteVirtualMFADevice"))
    }

    /// Who has an MFA device must prove it to change the own devices. AWS looks at this before it
    /// looks at the device (radkawar/stackd, `testdata/aws/iam/mfa_self_management.json`).
    fn check_own_devices_with_mfa(&self, caller: &Caller, name: &str) -> Result<(), AwsError> {
        let user = self.account.user_named(name);
        let has_devices = user.is_some_and(|user| !user.devices.is_empty());
        if caller.user_name() == Some(name) && has_devices && !caller.multi_factor_auth_present() {
            return Err(AwsError::access_denied(
                "To complete this action, please ensure that you are authenticated with an MFA \
                 device that is enabled for this user.",
            ));
        }
        Ok(())
    }

    /// Where the device is in the list of its user.
    fn index_of(&self, serial: &str, name: &str) -> Result<usize, AwsError> {
        let user = self.account.user_named(name);
        let mut devices = user.iter().flat_map(|user| &user.devices);
        let index = devices.position(|device| device.serial == serial);
        index.ok_or_else(|| match self.account.device(serial) {
            Some(_) => AwsError::no_such_entity("MFA Device invalid for user."),
            None => no_such_device(serial),
        })
    }
}

fn with_codes(parameters: &Parameters) -> Result<(&str, &str, [&str; 2]), AwsError> {
    let mut constraints = Constraints::default();
    let mut required = |name, rule| required(&mut constraints, parameters, name, rule);
    let user = required("UserName", &USER_NAME);
    let serial = required("SerialNumber", &SERIAL_NUMBER);
    let codes = ["AuthenticationCode1", "AuthenticationCode2"];
    let codes = codes.map(|name| required(name, &AUTHENTICATION_CODE));
    constraints.check()?;
    Ok((user, serial, codes))
}

/// The parameter; an empty text if it isn't there, which the constraints then report.
fn required<'a>(
    constraints: &mut Constraints,
    parameters: &'a Parameters,
    name: &str,
    rule: &TextRule,
) -> &'a str {
    let member = name[..1].to_lowercase() + &name[1..];
    let value = constraints.required(&member, parameters.get(name));
    constraints.text(&member, value, rule);
    value.unwrap_or_default()
}

fn no_such_device(serial: &str) -> AwsError {
    AwsError::no_such_entity(format!(
        "VirtualMFADevice with serial number {serial} doesn't exist."
    ))
}
