//! What a test may ask of the sessions that `aws login` makes.

use super::StandIn;
use crate::logins::{Login, SignedIn};

impl StandIn {
    /// Lets somebody sign in by `aws login`.
    #[must_use]
    pub fn sign_in(&self, login: &Login) -> SignedIn {
        let now = self.now();
        self.shared.state().cloud.log_in_by_tool(login, now)
    }

    /// Refreshes a session as another client does, from the text of its cache file, and returns
    /// the text that the other client writes.
    ///
    /// # Panics
    /// If the session cannot be refreshed with this text.
    #[must_use]
    pub fn refreshed(&self, cache: &str) -> String {
        let now = self.now();
        self.shared.state().cloud.refreshed(cache, now)
    }

    /// From now on, the credentials of `aws login` last so many seconds: 900 at most with AWS.
    pub fn login_credentials_last(&self, seconds: u32) {
        self.shared.state().cloud.logins.credentials_last = seconds;
    }

    /// From now on, a session of `aws login` can be refreshed for so many seconds.
    pub fn logins_last(&self, seconds: u32) {
        self.shared.state().cloud.logins.sessions_last = seconds;
    }

    /// Ends all sessions of `aws login`. AWS refuses their refreshes with this `error`, such as
    /// `TOKEN_EXPIRED`, or `USER_CREDENTIALS_CHANGED` after a new password.
    pub fn end_logins(&self, error: &'static str) {
        self.shared.state().cloud.logins.end(error);
    }

    /// Ends the credentials that users have from `aws login`, earlier than they were told. A refresh
    /// brings others.
    pub fn expire_login_credentials(&self) {
        let now = self.now();
        self.shared.state().cloud.sessions.expire_logins(now);
    }

    /// From now on, a refresh with the token before the newest is answered as the first time. AWS
    /// documents that for a time that it does not name; without this, the token is refused.
    pub fn used_refresh_tokens_work(&self) {
        self.shared.state().cloud.logins.used_tokens_work = true;
    }
}
