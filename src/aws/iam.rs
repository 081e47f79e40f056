//! Calls IAM for a user's MFA devices and access keys, and for the credential report of the account.

// Each module uses only those above it.
mod caller;
mod iam_error;
mod iam_client;
mod mfa_devices;
mod access_keys;
mod report_download;

pub use self::access_keys::{KnownKey, LastUse};
pub use self::caller::Caller;
pub use self::iam_client::Iam;
pub use self::iam_error::{IamError, Result};
pub use self::mfa_devices::{CodePair, KnownDevices, NewDevice};
