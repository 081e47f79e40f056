//! What a test may ask of access keys, policies and the credential report, and how it changes them.

use chrono::{DateTime, Utc};

use super::StandIn;
use crate::iam::KeyStatus;

impl StandIn {
    /// The access keys of a user, the oldest first.
    #[must_use]
    pub fn access_keys(&self, user: &str) -> Vec<KeyStatus> {
        let state = self.shared.state();
        let user = state.cloud.account.user_named(user);
        let keys = user.into_iter().flat_map(|user| &user.access_keys);
        keys.map(|key| KeyStatus {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            active: key.active,
        })
        .collect()
    }

    /// When an access key was made.
    ///
    /// # Panics
    /// If there is no such key.
    #[must_use]
    pub fn made_at(&self, user: &str, id: &str) -> DateTime<Utc> {
        let state = self.shared.state();
        let user = state.cloud.account.user_named(user);
        let mut keys = user.into_iter().flat_map(|user| &user.access_keys);
        let key = keys.find(|key| key.id == id);
        key.expect("an access key of this id").created
    }

    /// Deactivates an access key, as an administrator may.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn deactivate(&self, user: &str, id: &str) {
        let mut state = self.shared.state();
        let keys = state.cloud.account.keys_of(user);
        for key in keys.iter_mut().filter(|key| key.id == id) {
            key.active = false;
        }
    }

    /// Makes an access key, as a person may in the console.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn make_access_key(&self, user: &str) -> KeyStatus {
        let now = self.now();
        let mut state = self.shared.state();
        let key = state.cloud.new_key(now);
        let status = KeyStatus {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            active: key.active,
        };
        state.cloud.account.keys_of(user).push(key);
        status
    }

    /// Deletes an access key, as an administrator may.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn delete_access_key(&self, user: &str, id: &str) {
        let mut state = self.shared.state();
        state.cloud.account.keys_of(user).retain(|key| key.id != id);
    }

    /// Attaches a policy, as [`User::policy`](crate::User::policy) does.
    ///
    /// # Panics
    /// If it is no JSON, or there is no such user.
    pub fn attach(&self, user: &str, name: &str, document: &str) {
        let document = serde_json::from_str(document).expect("a policy in JSON");
        let mut state = self.shared.state();
        let users = &mut state.cloud.account.users;
        let user = users.iter_mut().find(|other| other.name == user);
        let user = user.expect("a user of this name");
        user.policies.push((name.to_owned(), document));
    }

    /// From now on, a new access key is not known for so many requests that it signs. AWS takes
    /// some seconds until it is.
    pub fn keys_are_seen_after(&self, calls: usize) {
        self.shared.state().cloud.keys_seen_after = calls;
    }

    /// Gives the next new access key this id, whatever it is, as only a hostile server would.
    pub fn call_next_key(&self, id: &str) {
        self.shared.state().cloud.next_key_id = Some(id.to_owned());
    }

    /// From now on, `ListAccessKeys` leaves out a new access key so many times.
    pub fn keys_are_listed_after(&self, calls: usize) {
        self.shared.state().cloud.keys_listed_after = calls;
    }

    /// From now on, a credential report is ready after it was asked for so many times.
    pub fn report_takes(&self, calls: usize) {
        self.shared.state().cloud.report_takes = calls;
    }
}
