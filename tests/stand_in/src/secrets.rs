//! What nobody may find in an output: everything secret that a stand-in knows or has given out.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::account::Account;
use crate::answers::Credentials;
use crate::device::Device;
use crate::encoding::{base32, base64};

/// The secrets of all stand-ins of this process, stopped ones too.
static ALL: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The secrets of all stand-ins that this process has started, stopped ones too, in the order of
/// the alphabet. [`StandIn::secrets`](crate::StandIn::secrets) says what they are.
#[must_use]
pub fn all_secrets() -> Vec<String> {
    all().iter().cloned().collect()
}

// A panic in another thread is that thread's failure; the set is whole at every moment.
fn all() -> MutexGuard<'static, BTreeSet<String>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The secrets of one stand-in.
#[derive(Debug, Default)]
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Those that are there before anything happens.
    pub(crate) fn of(account: &Account) -> Self {
        let mut secrets = Self::default();
        let enabled = account.users.iter().flat_map(|user| &user.devices);
        for device in enabled.chain(&account.unassigned) {
            secrets.note_seed(device);
        }
        for key in account.users.iter().flat_map(|user| &user.access_keys) {
            secrets.note(&key.secret);
        }
        secrets
    }

    /// Those of a session. The access key ID is none.
    pub(crate) fn note_credentials(&mut self, credentials: &Credentials) {
        self.note(&credentials.secret_access_key);
        self.note(&credentials.session_token);
    }

    /// The seed, in Base32 and as IAM gives it out, both without the filling at the end.
    pub(crate) fn note_seed(&mut self, device: &Device) {
        let Some(seed) = &device.seed else {
            return;
        };
        let seed = base32(seed);
        self.note(seed.trim_end_matches('='));
        self.note(base64(seed.as_bytes()).trim_end_matches('='));
    }

    pub(crate) fn note(&mut self, secret: &str) {
        self.0.insert(secret.to_owned());
        all().insert(secret.to_owned());
    }

    pub(crate) fn list(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
