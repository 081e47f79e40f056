//! What the services share, and remember from one request to the next.

use crate::account::Account;
use crate::mfa::Verifications;
use crate::sessions::Sessions;

/// The account with everything that happens to it. Each service adds its actions.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) account: Account,
    pub(crate) sessions: Sessions,
    pub(crate) verifications: Verifications,
    /// Grants no longer sessions than this, whatever is asked for.
    pub(crate) granted_at_most: Option<u32>,
}

impl Cloud {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account,
            sessions: Sessions::default(),
            verifications: Verifications::default(),
            granted_at_most: None,
        }
    }
}
