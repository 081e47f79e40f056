//! What the stand-in knows: one account, its users with their keys and devices, and roles.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::device::{Device, long_ago};
use crate::role::Role;

/// The access key ID of the user `alice` of [`Account::example`].
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
    /// What the access key IDs of sessions begin with.
    pub(crate) session_prefix: String,
    /// The devices that no user has enabled.
    pub(crate) unassigned: Vec<Device>,
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
            session_prefix: "ASIA".to_owned(),
            unassigned: Vec::new(),
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

    /// Another account ID than `123456789012`.
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

    /// Another beginning of the access key IDs of sessions than AWS's `ASIA`, as some servers have it.
    #[must_use]
    pub fn session_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.session_prefix);
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
        let path = self.user_named(name).map_or("/", |user| &user.path);
        format!("arn:{}:iam::{}:user{path}{name}", self.partition, self.id)
    }

    pub(crate) fn federated_user_arn(&self, name: &str) -> String {
        let (partition, id) = (&self.partition, &self.id);
        format!("arn:{partition}:sts::{id}:federated-user/{name}")
    }

    pub(crate) fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The devices that the user has enabled.
    ///
    /// # Panics
    /// If there is no such user.
    pub(crate) fn devices_of(&mut self, name: &str) -> &mut Vec<Device> {
        let mut users = self.users.iter_mut();
        let user = users.find(|user| user.name == name);
        &mut user.expect("a user that was found before").devices
    }

    /// The access keys of a user.
    ///
    /// # Panics
    /// If there is no such user.
    pub(crate) fn keys_of(&mut self, name: &str) -> &mut Vec<AccessKey> {
        let mut users = self.users.iter_mut();
        let user = users.find(|user| user.name == name);
        &mut user.expect("a user that was found before").access_keys
    }

    /// Notes that a key has signed a request.
    pub(crate) fn note_use(
        &mut self,
        id: &str,
        now: DateTime<Utc>,
        service: &'static str,
        region: &str,
    ) {
        let keys = self.users.iter_mut().flat_map(|user| &mut user.access_keys);
        if let Some(key) = keys.into_iter().find(|key| key.id == id) {
            key.last_used = Some((now, service, region.to_owned()));
        }
    }

    /// The device, whether a user has enabled it or not.
    pub(crate) fn device(&self, serial: &str) -> Option<&Device> {
        let enabled = self.users.iter().flat_map(|user| &user.devices);
        let mut devices = enabled.chain(&self.unassigned);
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

/// An IAM user. Its policies let it call everything but what they deny.
#[derive(Clone, Debug)]
pub struct User {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) denied: Vec<String>,
    /// Whether the user can sign in to the console.
    pub(crate) password: bool,
    /// By name. Where there is one, only what they allow is allowed.
    pub(crate) policies: Vec<(String, Value)>,
    pub(crate) access_keys: Vec<AccessKey>,
    pub(crate) devices: Vec<Device>,
}

impl User {
    /// A user without keys and devices.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: "/".to_owned(),
            denied: Vec::new(),
            password: false,
            policies: Vec::new(),
            access_keys: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// Another path than `/`, such as `/team/`. It becomes part of the ARN.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Has a password for the console.
    #[must_use]
    pub fn password(mut self) -> Self {
        self.password = true;
        self
    }

    /// A policy denies this action, such as `iam:ListMFADevices`. May be called more than once.
    #[must_use]
    pub fn denies(mut self, action: &str) -> Self {
        self.denied.push(action.to_owned());
        self
    }

    /// Attaches a policy. From the first on, the user may do only what one of them allows.
    ///
    /// # Panics
    /// If it is no JSON.
    #[must_use]
    pub fn policy(mut self, name: &str, document: &str) -> Self {
        let document = serde_json::from_str(document).expect("a policy in JSON");
        self.policies.push((name.to_owned(), document));
        self
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

    /// Adds an MFA device that the user has enabled.
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
            created: long_ago(),
            last_used: None,
            unseen: Cell::new(0),
            unlisted: Cell::new(0),
        });
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) active: bool,
    pub(crate) created: DateTime<Utc>,
    /// When, and for which service in which region.
    pub(crate) last_used: Option<(DateTime<Utc>, &'static str, String)>,
    /// For so many requests it is not known yet.
    pub(crate) unseen: Cell<usize>,
    /// For so many requests it is not listed yet.
    pub(crate) unlisted: Cell<usize>,
}
