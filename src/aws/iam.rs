//! IAM, as far as a user's own MFA devices are concerned.

mod keys;
mod owner;
mod report;

use std::error::Error as StdError;

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::config::Credentials as SdkCredentials;

pub use self::keys::{KnownKey, LastUse, UNKNOWN_KEY};
pub use self::owner::Owner;
use crate::aws::network::{self, Network, Request, Signer, Tries, Trouble};
use crate::aws::sts;
use crate::core::clock;
use crate::core::credentials::{Credentials, LongTermKeys, Secret};
use crate::core::device::{Device, SerialNumber};
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::mfa_code::MfaCode;
use crate::plan::{Access, KeySource, Service};

/// The user who has some keys, and the services that know the user.
pub struct Iam<'a> {
    pub network: &'a Network,
    pub access: &'a Access,
    pub key_source: &'a KeySource,
    pub keys: &'a LongTermKeys,
    /// Signs in place of the keys, where there is one.
    pub session: Option<&'a Credentials>,
    /// The flag that names the profile with the keys, for hints.
    pub flag: &'a str,
}

/// AWS's words for codes that are not right, for a name that is taken, and for a device that somebody uses.
pub const WRONG_CODES: &str = "InvalidAuthenticationCode";
pub const TAKEN: &str = "EntityAlreadyExists";
pub const IN_USE: &str = "DeleteConflict";
/// And for one that another request is changing.
const BEING_CHANGED: &str = "EntityTemporarilyUnmodifiable";

/// A device that was made and is not enabled yet.
pub struct NewDevice {
    pub serial: SerialNumber,
    /// In base32, as apps take it.
    pub seed: Secret,
}

/// Whether STS knows a device.
#[derive(Debug)]
pub enum Known {
    /// With a session, where one came of the question.
    Yes(Option<Credentials>),
    No,
}

/// Why a call came to nothing.
#[derive(Debug)]
pub struct Problem {
    pub trouble: Option<Trouble>,
    pub failure: Failure,
}

/// Two codes, one right after the other.
pub type Pair = [MfaCode; 2];

/// A call's result.
pub type Result<T> = std::result::Result<T, Problem>;

impl From<Problem> for anyhow::Error {
    fn from(problem: Problem) -> Self {
        problem.failure.into()
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self {
            trouble: None,
            failure: error
                .downcast()
                .unwrap_or_else(|error| Failure::new(error.to_string())),
        }
    }
}

impl Problem {
    /// Whether the same may work a little later, with new codes.
    pub fn may_pass(&self) -> bool {
        self.code() == Some(BEING_CHANGED)
            || self.trouble.as_ref().is_some_and(|trouble| {
                trouble.is_of_service() || matches!(trouble, Trouble::Unreachable { .. })
            })
    }

    /// AWS's code for a refusal.
    pub fn code(&self) -> Option<&str> {
        Some(self.trouble.as_ref()?.refusal()?.0)
    }
}

impl Iam<'_> {
    /// Who the keys belong to. STS says so to everybody: no policy can deny it.
    ///
    /// # Errors
    /// When the keys are not good, or STS cannot be reached.
    pub fn owner(&self) -> Result<Owner> {
        let connection = &self.access.sts;
        let sts = self
            .network
            .sts(connection, self.signing(), Tries::Several)?;
        let request = self.request(Service::Sts, &[]);
        let answer = self.send(&request, || sts.get_caller_identity().send());
        let answer = answer.map_err(|trouble| Problem {
            failure: request.explain(&trouble),
            trouble: Some(trouble),
        })?;
        let owner = answer.arn().and_then(Owner::parse);
        owner.ok_or_else(|| Problem {
            trouble: None,
            failure: Failure::new(format!(
                "the keys of {} are not those of an IAM user",
                self.key_source.id
            ))
            .hint("put the IAM user's own keys there"),
        })
    }

    /// The devices that are enabled for the user.
    ///
    /// # Errors
    /// When IAM does not say.
    pub fn devices(&self, owner: &Owner) -> Result<Vec<Device>> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.list_mfa_devices().set_user_name(owner.name.clone());
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

    /// Makes a virtual device.
    ///
    /// # Errors
    /// `EntityAlreadyExists` where there is one of this name, and others.
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
            return Err(Problem {
                trouble: None,
                failure: request.foreign("it holds no device"),
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
    /// `InvalidAuthenticationCode` where the codes are not right, and others.
    pub fn enable(&self, owner: &Owner, serial: &SerialNumber, codes: &Pair) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .enable_mfa_device()
            .set_user_name(owner.name.clone())
            .serial_number(serial.as_str())
            .authentication_code1(codes[0].expose())
            .authentication_code2(codes[1].expose());
        self.call("EnableMFADevice", codes, || call.clone().send())?;
        Ok(())
    }

    /// Tells IAM which codes a device shows now.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode` where the codes are not right, and others.
    pub fn resync(&self, owner: &Owner, serial: &SerialNumber, codes: &Pair) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam
            .resync_mfa_device()
            .set_user_name(owner.name.clone())
            .serial_number(serial.as_str())
            .authentication_code1(codes[0].expose())
            .authentication_code2(codes[1].expose());
        self.call("ResyncMFADevice", codes, || call.clone().send())?;
        Ok(())
    }

    /// Deletes a virtual device.
    ///
    /// # Errors
    /// `DeleteConflict` where it is enabled for somebody, and others.
    pub fn delete(&self, serial: &str) -> Result<()> {
        let iam = self.iam(Tries::Once)?;
        let call = iam.delete_virtual_mfa_device().serial_number(serial);
        self.call("DeleteVirtualMFADevice", &[], || call.clone().send())?;
        Ok(())
    }

    /// Whether STS knows a device already. It is asked with a code that has enabled the device: where STS takes that once more,
    /// there is a session.
    ///
    /// # Errors
    /// When STS does not say.
    pub fn is_known_to_sts(&self, serial: &SerialNumber, code: &MfaCode) -> Result<Known> {
        let request = Request {
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
        let trouble = match self.send(&request, || call.clone().send()) {
            Ok(answer) => {
                let session = sts::granted(answer.credentials, &request, None);
                return Ok(Known::Yes(session.ok()));
            }
            Err(trouble) => trouble,
        };
        match trouble.refusal() {
            Some(("AccessDenied", message)) if message.contains("one time pass code") => {
                Ok(Known::Yes(None))
            }
            Some(("AccessDenied", message)) if message.contains("unable to validate") => {
                Ok(Known::No)
            }
            _ => Err(Problem {
                failure: request.explain(&trouble),
                trouble: Some(trouble),
            }),
        }
    }

    fn iam(&self, tries: Tries) -> anyhow::Result<aws_sdk_iam::Client> {
        let connection = &self.access.iam;
        self.network.iam(connection, self.signing(), tries)
    }

    fn signing(&self) -> SdkCredentials {
        match self.session {
            Some(session) => network::signing_credentials(session),
            None => network::signing_keys(self.keys),
        }
    }

    fn request<'r>(&'r self, service: Service, codes: &'r [MfaCode]) -> Request<'r> {
        Request {
            connection: match service {
                Service::Sts => &self.access.sts,
                Service::Iam => &self.access.iam,
            },
            key_source: self.key_source,
            access_key_id: &self.keys.access_key_id,
            signer: match self.session.map(|session| &session.role_arn) {
                Some(Some(role)) => Signer::Role(role),
                Some(None) => Signer::Session,
                None => Signer::Keys,
            },
            flags: self.flag,
            codes,
        }
    }

    /// Calls IAM.
    fn call<T, E, F>(&self, action: &str, codes: &[MfaCode], call: impl Fn() -> F) -> Result<T>
    where
        E: StdError + ProvideErrorMetadata + 'static,
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    {
        let request = self.request(Service::Iam, codes);
        let answer = self.send(&request, call);
        answer.map_err(|trouble| self.problem(action, &request, trouble))
    }

    /// Waits for an answer, and says so if that takes long.
    fn send<T, E, F>(
        &self,
        request: &Request<'_>,
        call: impl Fn() -> F,
    ) -> std::result::Result<T, Trouble>
    where
        E: StdError + ProvideErrorMetadata + 'static,
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    {
        let sending = self.network.send(request, call);
        self.network.wait_for(request.connection.service, sending)
    }

    fn problem(&self, action: &str, request: &Request<'_>, trouble: Trouble) -> Problem {
        let failure = match trouble.refusal() {
            Some(("AccessDenied", message)) => Failure::new(format!(
                "AWS denied iam:{action} to {}: {message}",
                request.signer_name()
            ))
            .hint(if message.contains("authenticated with an MFA device") {
                format!("a user who has a device needs an MFA session for this: `mfa-creds{}`, then this again", self.flag)
            } else if self.session.is_none() {
                format!("the keys alone prove no MFA, which a policy may demand: `mfa-creds{}`, then this again; else ask an administrator", self.flag)
            } else {
                "a policy must allow it; ask an administrator".to_owned()
            }),
            Some((code @ ("NoSuchEntity" | "LimitExceeded" | "EntityAlreadyExists"), message)) => {
                Failure::new(format!("AWS IAM refused iam:{action}: {code}: {message}"))
                    .hint(if action.contains("AccessKey") {
                        "did somebody else change the user's keys? wait a minute, and run this again"
                            .to_owned()
                    } else {
                        format!(
                            "`mfa-creds device list{}` shows the user's devices",
                            self.flag
                        )
                    })
            }
            _ => request.explain(&trouble),
        };
        Problem {
            trouble: Some(trouble),
            failure,
        }
    }
}
