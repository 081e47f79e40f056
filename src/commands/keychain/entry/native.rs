//! Uses the keychains that the keyring crates have a store for. The kernel's keyring of Linux is only read and emptied.

use anyhow::Result;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::{CHECK_ENTRY, Keychain, SERVICE};
use crate::core::error::Failure;

/// The secret of an access key ID.
pub(super) fn get(keychain: Keychain, access_key_id: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match entry(access_key_id).and_then(|entry| entry.get_secret()) {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(explain(keychain, &error).into()),
    }
}

/// Stores a secret if there is none.
#[cfg(not(target_os = "linux"))]
pub(super) fn put(keychain: Keychain, access_key_id: &str, secret: &[u8]) -> Result<()> {
    let put = entry(access_key_id).and_then(|entry| entry.set_secret(secret));
    put.map_err(|error| explain(keychain, &error).into())
}

/// Removes a secret.
pub(super) fn remove(keychain: Keychain, access_key_id: &str) -> Result<()> {
    match entry(access_key_id).and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(explain(keychain, &error).into()),
    }
}

fn entry(access_key_id: &str) -> keyring_core::Result<Entry> {
    #[cfg(target_os = "linux")]
    let store = linux_keyutils_keyring_store::Store::new()?;
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new()?;
    store.build(SERVICE, access_key_id, None)
}

fn explain(keychain: Keychain, error: &Error) -> Failure {
    let name = keychain.name();
    match error {
        Error::NoStorageAccess(why) => {
            Failure::new(format!("{name} cannot be used: {why}")).hint(WHERE_IT_IS)
        }
        // Others may quote what they found.
        Error::PlatformFailure(why) => {
            Failure::new(format!("{name} failed: {why}")).hint(WHERE_IT_IS)
        }
        _ => Failure::new(format!(
            "{name} contains something other than a secret for this access key"
        ))
        .hint(CHECK_ENTRY),
    }
}

#[cfg(target_os = "linux")]
const WHERE_IT_IS: &str =
    "it belongs to a login session: run the command in the session that stored the keys";
#[cfg(not(target_os = "linux"))]
const WHERE_IT_IS: &str = "unlock it, then run the command again";
