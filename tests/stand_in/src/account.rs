//! What the stand-in knows: one account, its users with their keys and devices, and roles.

use sha2::{Digest, Sha256};

/// The access key id of the user `alice` of [`Account::example`].
pub const ALICE_ACCESS_KEY_ID: &str = "AKIAFAKEFAKEFAKEALIC";
/// The secret access key of the user `alice` of [`Account::example`].
///
/// It has a `/` and a `+`, because real ones have them, and clients have tripped over them.
pub const ALICE_SECRET_ACCESS_KEY: &str = "FakeSecretOfAlice/NotReal+FakeSecretFake";
/// The serial number of the virtual MFA device of `alice`.
pub const ALICE_DEVICE: &str = "arn:aws:iam::123456789012:mfa/alice";

/// An AWS account.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) id: String,
    pub(crate) partition: String,
    pub(crate) users: Vec<User>,
    pub(crate) roles: Vec<Role>,
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// The empty account `123456789012` in the partition `aws`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            id: "123456789012".to_owned(),
            partition: "aws".to_owned(),
            users: Vec::new(),
            roles: Vec::new(),
        }
    }

    /// The account `123456789012` with the user `alice`, who has one access key and one virtual
    /// MFA device ([`ALICE_DEVICE`]).
    #[must_use]
    pub fn example() -> Self {
        Self::new().user(
            User::new("alice")
                .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
                .device(Device::new(ALICE_DEVICE)),
        )
    }

    /// Another account id than `123456789012`.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Another partition than `aws`, such as `aws-cn`.
    #[must_use]
    pub fn partition(mut self, partition: &str) -> Self {
        partition.clone_into(&mut self.partition);
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a role. It may belong to another account.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    pub(crate) fn user_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:user/{name}", self.partition, self.id)
    }

    pub(crate) fn device(&self, serial: &str) -> Option<&Device> {
        let mut devices = self.users.iter().flat_map(|user| &user.devices);
        devices.find(|device| device.serial == serial)
    }

    /// The key, even an inactive one, with the user it belongs to.
    pub(crate) fn access_key(&self, id: &str) -> Option<(&User, &AccessKey)> {
        self.users.iter().find_map(|user| {
            let key = user.access_keys.iter().find(|key| key.id == id)?;
            Some((user, key))
        })
    }
}

/// An IAM user. An identity policy is not modelled: every user may call what STS offers.
#[derive(Clone, Debug)]
pub struct User {
    pub(crate) name: String,
    pub(crate) access_keys: Vec<AccessKey>,
    pub(crate) devices: Vec<Device>,
}

impl User {
    /// A user without keys and devices.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            access_keys: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// Adds an active long-term key.
    #[must_use]
    pub fn access_key(self, id: &str, secret: &str) -> Self {
        self.with_key(id, secret, true)
    }

    /// Adds a long-term key that somebody has made inactive.
    #[must_use]
    pub fn inactive_access_key(self, id: &str, secret: &str) -> Self {
        self.with_key(id, secret, false)
    }

    /// Adds an MFA device.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.devices.push(device);
        self
    }

    fn with_key(mut self, id: &str, secret: &str, active: bool) -> Self {
        self.access_keys.push(AccessKey {
            id: id.to_owned(),
            secret: secret.to_owned(),
            active,
        });
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) active: bool,
}

/// A TOTP device: a virtual one, or a hardware token.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) serial: String,
    pub(crate) seed: Vec<u8>,
}

impl Device {
    /// A device with this serial number: an ARN for a virtual device, such as [`ALICE_DEVICE`], or
    /// a plain one for a hardware token, such as `GAHT12345678`.
    ///
    /// Its seed follows from the serial number, so that it is the same in every run.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        let digest = Sha256::digest(format!("fake seed of {serial}"));
        Self {
            serial: serial.to_owned(),
            seed: digest[..20].to_vec(),
        }
    }

    /// The same device with this seed.
    #[must_use]
    pub fn seed(mut self, seed: &[u8]) -> Self {
        seed.clone_into(&mut self.seed);
        self
    }
}

/// An IAM role with its trust policy.
///
/// Without more said it trusts the stand-in's account, asks neither for MFA nor for an external
/// id, and lasts up to an hour.
#[derive(Clone, Debug)]
pub struct Role {
    pub(crate) arn: String,
    pub(crate) requires_mfa: bool,
    pub(crate) external_id: Option<String>,
    pub(crate) max_session_duration: u32,
    pub(crate) trusted: Vec<String>,
}

impl Role {
    /// A role with this ARN, such as `arn:aws:iam::123456789012:role/admin`.
    #[must_use]
    pub fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            requires_mfa: false,
            external_id: None,
            max_session_duration: 3600,
            trusted: Vec::new(),
        }
    }

    /// The trust policy has the condition `aws:MultiFactorAuthPresent`.
    #[must_use]
    pub fn requires_mfa(mut self) -> Self {
        self.requires_mfa = true;
        self
    }

    /// The trust policy has the condition `sts:ExternalId`.
    #[must_use]
    pub fn external_id(mut self, external_id: &str) -> Self {
        self.external_id = Some(external_id.to_owned());
        self
    }

    /// The role's `MaxSessionDuration`, in seconds: 3600 to 43200.
    #[must_use]
    pub fn max_session_duration(mut self, seconds: u32) -> Self {
        self.max_session_duration = seconds;
        self
    }

    /// The trust policy names this principal: an account id, or the ARN of an account's root, a
    /// user or a role. May be called more than once; the default goes away with the first call.
    #[must_use]
    pub fn trusts(mut self, principal: &str) -> Self {
        self.trusted.push(principal.to_owned());
        self
    }
}
