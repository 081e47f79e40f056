//! Creates, enables, resynchronizes and deletes the MFA devices of a user, and asks whether STS recognizes one yet.

use super::caller::Caller;
use super::iam_client::Iam;
use super::iam_error::{IamError, Result};
use crate::aws::network::{self, RequestContext, Signer, Tries};
use crate::aws::sts;
use crate::core::aws_errors;
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::core::form::Form;
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::{Device, SerialNumber};
use crate::plan::Service;

/// A device that was created and is not enabled yet.
pub struct NewDevice {
    pub serial: SerialNumber,
    /// In base32, as apps expect it.
    pub seed: Secret,
}

/// Whether STS recognizes a device.
#[derive(Debug)]
pub enum KnownDevices {
    /// With a session, if the check returned one.
    Yes(Option<Credentials>),
    No,
}

/// Two consecutive codes.
pub type CodePair = [MfaCode; 2];

impl Iam<'_> {
    /// The devices that are enabled for the user.
    pub fn devices(&self, caller: &Caller) -> Result<Vec<Device>> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.list_mfa_devices().set_user_name(caller.name.clone());
        let devices = self.call("ListMFADevices", &[], || {
            let pages = call.clone().into_paginator().items().send();
            pages.collect::<std::result::Result<Vec<_>, _>>()
        })?;
        let devices = devices.iter().map(|device| {
            let since = device.enable_date();
            Device::new(device.serial_number(), clock::from_timestamp(since.secs()))
        });
        Ok(devices.collect())
    }

    /// Creates a virtual device.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if there is one with this name, and others.
    pub fn create(&self, name: &str) -> Result<NewDevice> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .create_virtual_mfa_device()
            .virtual_mfa_device_name(name);
        let answer = self.call("CreateVirtualMFADevice", &[], || call.clone().send())?;
        let device = answer.virtual_mfa_device();
        let serial = device.and_then(|device| SerialNumber::parse(device.serial_number()).ok());
        let seed = device
            .and_then(|device| device.base32_string_seed())
            .and_then(|seed| str::from_utf8(seed.as_ref()).ok())
            .filter(|seed| Form::Seed.fits(seed));
        let (Some(serial), Some(seed)) = (serial, seed) else {
            let request = self.request(Service::Iam, &[]);
            return Err(IamError {
                request_error: None,
                failure: request.foreign("it contains no device"),
            });
        };
        Ok(NewDevice {
            serial,
            seed: Secret::new(seed),
        })
    }

    /// Enables a device for the user.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode` if the codes are wrong, and others.
    pub fn enable(&self, caller: &Caller, serial: &SerialNumber, codes: &CodePair) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .enable_mfa_device()
            .set_user_name(caller.name.clone())
            .serial_number(serial.as_str())
            .authentication_code1(codes[0].expose())
            .authentication_code2(codes[1].expose());
        self.call("EnableMFADevice", codes, || call.clone().send())?;
        Ok(())
    }

    /// Tells IAM which codes a device shows now.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode` if the codes are wrong, and others.
    pub fn resync(&self, caller: &Caller, serial: &SerialNumber, codes: &CodePair) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .resync_mfa_device()
            .set_user_name(caller.name.clone())
            .serial_number(serial.as_str())
            .authentication_code1(codes[0].expose())
            .authentication_code2(codes[1].expose());
        self.call("ResyncMFADevice", codes, || call.clone().send())?;
        Ok(())
    }

    /// Deletes a virtual device.
    ///
    /// # Errors
    /// `DeleteConflict` if it is enabled for a user, and others.
    pub fn delete(&self, serial: &str) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam.delete_virtual_mfa_device().serial_number(serial);
        self.call("DeleteVirtualMFADevice", &[], || call.clone().send())?;
        Ok(())
    }

    /// Whether STS recognizes a device yet. The check uses a code that has enabled the device: if STS accepts it again, it
    /// returns a session.
    pub fn is_known_to_sts(&self, serial: &SerialNumber, code: &MfaCode) -> Result<KnownDevices> {
        let request = RequestContext {
            signer: Signer::Keys,
            ..self.request(Service::Sts, std::slice::from_ref(code))
        };
        let signing = network::signing_keys(self.keys);
        let call = self
            .network
            .sts(&self.access.sts, signing, Tries::Once)?
            .get_session_token()
            .serial_number(serial.as_str())
            .token_code(code.expose());
        let error = match self.send(&request, || call.clone().send()) {
            Ok(answer) => {
                let session = sts::granted(answer.credentials, &request, None);
                return Ok(KnownDevices::Yes(session.ok()));
            }
            Err(error) => error,
        };
        match error.refusal() {
            Some((aws_errors::ACCESS_DENIED, message))
                if message.contains(aws_errors::WRONG_CODE_PHRASE) =>
            {
                Ok(KnownDevices::Yes(None))
            }
            Some((aws_errors::ACCESS_DENIED, message))
                if message.contains(aws_errors::UNUSABLE_DEVICE_PHRASE) =>
            {
                Ok(KnownDevices::No)
            }
            _ => Err(IamError {
                failure: request.explain(&error),
                request_error: Some(error),
            }),
        }
    }
}
