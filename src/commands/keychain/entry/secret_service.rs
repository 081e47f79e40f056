//! Uses the Secret Service (GNOME Keyring, KWallet, KeePassXC) over the desktop's D-Bus.
//!
//! This does not use the store of the keyring crate, which waits forever if nobody unlocks the keychain, and stores nothing in a
//! locked one.
//! The secret crosses the user's own bus unencrypted: any program that can listen there can also ask the service.
//! See <https://specifications.freedesktop.org/secret-service/latest/>.

use std::collections::HashMap;

use anyhow::{Result, bail};
use dbus_secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::{CHECK_ENTRY, SERVICE};
use crate::core::error::{Exit, Failure};

/// How long a person may take to unlock it, in seconds: less than the tools that run us for the keys wait.
const UNLOCK_TIMEOUT: u64 = 110;
/// The alias of the keychain that new entries go to.
const DEFAULT: &str = "default";
/// The collection that exists only in memory.
/// See <https://specifications.freedesktop.org/secret-service/latest/object-paths.html>.
const SESSION_COLLECTION: &str = "/org/freedesktop/secrets/collection/session";
/// The type of the secret, which only we read.
const CONTENT_TYPE: &str = "application/json";

/// The secret of an access key ID.
pub(super) fn get(access_key_id: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    on_service(|service| {
        let Some(item) = find(service, access_key_id)? else {
            return Ok(None);
        };
        Ok(Some(Zeroizing::new(item.get_secret()?)))
    })
}

/// Makes sure that there is a default keychain to store secrets in, or that one can be created. It may be locked, if a person can
/// unlock it.
pub(super) fn check() -> Result<()> {
    let is_lasting = on_service(|service| match service.get_default_collection() {
        Ok(collection) if &*collection.path == SESSION_COLLECTION => Ok(false),
        Ok(collection) if !has_screen() && collection.is_locked()? => Err(Error::Locked),
        // A new one needs a password.
        Err(Error::NoResult) if !has_screen() => Err(Error::Locked),
        Ok(_) | Err(Error::NoResult) => Ok(true),
        Err(error) => Err(error),
    })?;
    if is_lasting {
        Ok(())
    } else {
        bail!(default_forgets())
    }
}

fn default_forgets() -> Failure {
    Failure::new("the default desktop keychain (Secret Service) is the session collection, which forgets everything at logout")
        .hint("make another keychain the default in the keychain app, then run the command again")
}

/// Stores a secret if there is none.
pub(super) fn put(access_key_id: &str, secret: &[u8]) -> Result<()> {
    let is_kept = on_service(|service| {
        let collection = collection(service)?;
        if &*collection.path == SESSION_COLLECTION {
            return Ok(false);
        }
        if collection.is_locked()? {
            collection.unlock()?;
        }
        let label = format!("AWS access key {access_key_id} ({SERVICE})");
        let attributes = attributes(access_key_id);
        collection.create_item(&label, attributes, secret, true, CONTENT_TYPE)?;
        Ok(true)
    })?;
    if !is_kept {
        bail!(default_forgets());
    }
    Ok(())
}

/// Removes a secret.
pub(super) fn remove(access_key_id: &str) -> Result<()> {
    on_service(|service| match find(service, access_key_id)? {
        Some(item) => item.delete(),
        None => Ok(()),
    })
}

/// The entry, unlocked.
fn find<'s>(service: &'s SecretService, access_key_id: &str) -> Result<Option<Item<'s>>, Error> {
    let mut found = service.search_items(attributes(access_key_id))?;
    if let Some(item) = found.unlocked.pop() {
        return Ok(Some(item));
    }
    let Some(item) = found.locked.pop() else {
        return Ok(None);
    };
    item.unlock()?;
    Ok(Some(item))
}

/// Where new entries go. A new desktop account has none yet.
fn collection(service: &SecretService) -> Result<Collection<'_>, Error> {
    match service.get_default_collection() {
        Err(Error::NoResult) => service.create_collection("Default keyring", DEFAULT),
        other => other,
    }
}

/// What other programs of the keyring crate would look for.
fn attributes(access_key_id: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", access_key_id)])
}

/// Whether the service can ask a person: it does so in a window.
fn has_screen() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn on_service<T>(work: impl FnOnce(&SecretService) -> Result<T, Error>) -> Result<T> {
    let has_screen = has_screen();
    let patience = if has_screen { UNLOCK_TIMEOUT } else { 0 };
    let service = SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, patience);
    let done = service.and_then(|service| work(&service));
    done.map_err(|error| explain(&error, has_screen).into())
}

fn explain(error: &Error, has_screen: bool) -> Failure {
    let locked = "the desktop keychain (Secret Service) is locked, or not set up yet";
    match error {
        Error::Prompt | Error::Locked if has_screen => {
            Failure::new(format!("{locked}, and nobody unlocked it"))
                .hint("type its password in the window that asks for it, or unlock it, then run the command again")
                .exit(Exit::HumanNeeded)
        }
        Error::Prompt | Error::Locked => {
            Failure::new(format!("{locked}, and there is no display to ask for its password"))
                .hint("unlock it in the desktop, or type `stty -echo; read -r word; stty echo; printf %s \"$word\" | gnome-keyring-daemon --replace --unlock` and its password, then run the command again")
                .exit(Exit::HumanNeeded)
        }
        Error::Dbus(error) => match error.name().unwrap_or_default() {
            "org.freedesktop.DBus.Error.ServiceUnknown" => {
                Failure::new("no program on this machine provides a keychain (Secret Service)")
                    .hint("install and start GNOME Keyring, KWallet, or KeePassXC")
            }
            "org.freedesktop.DBus.Error.NotSupported" => {
                Failure::new("there is no desktop session with a keychain (Secret Service)")
                    .hint("run the command in a desktop session, or set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS to its value in one")
            }
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                Failure::new("the desktop keychain (Secret Service) does not respond")
                    .hint("it may be starting; run the command again")
            }
            name => Failure::new(format!(
                "the desktop keychain (Secret Service) cannot be reached: {}",
                error.message().unwrap_or(name)
            ))
            .hint("set DBUS_SESSION_BUS_ADDRESS to its value in the desktop session"),
        },
        _ => Failure::new(format!(
            "the desktop keychain (Secret Service) failed: {error}"
        ))
        .hint(CHECK_ENTRY),
    }
}
