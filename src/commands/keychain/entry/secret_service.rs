//! Uses the Secret Service (GNOME Keyring, KWallet, KeePassXC) over the desktop's D-Bus.
//!
//! Not by the keyring crate's store: that waits for as long as a person takes to unlock a keychain, and where no person is there,
//! for ever; and it puts nothing into a keychain that is locked.
//! The secret crosses the user's own bus in plain. Whoever can listen there could ask the service itself.
//! See <https://specifications.freedesktop.org/secret-service/latest/>.

use std::collections::HashMap;

use anyhow::{Result, bail};
use dbus_secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::SERVICE;
use crate::core::error::{Exit, Failure};

/// How long a person may take to unlock it, in seconds: less than whoever runs us for the keys waits.
const UNLOCK_TIMEOUT: u64 = 110;
/// The alias of the keychain that new entries go to.
const DEFAULT: &str = "default";
/// The collection that is in memory only.
/// See <https://specifications.freedesktop.org/secret-service/latest/object-paths.html>.
const SESSION_COLLECTION: &str = "/org/freedesktop/secrets/collection/session";
/// What is done with the secret is known to whoever gets it.
const CONTENT_TYPE: &str = "application/json";

/// The secret of an access key id.
pub(super) fn get(access_key_id: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    on_service(|service| {
        let Some(item) = find(service, access_key_id)? else {
            return Ok(None);
        };
        Ok(Some(Zeroizing::new(item.get_secret()?)))
    })
}

/// Puts in a secret where there is none.
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
        bail!(
            Failure::new("the default keychain of the desktop (Secret Service) is the session collection, which forgets everything at logout")
                .hint("make another keychain the default one, with the program that shows them, and run this again")
        );
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

/// Where new entries go. A fresh desktop has no such place yet.
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

fn on_service<T>(work: impl FnOnce(&SecretService) -> Result<T, Error>) -> Result<T> {
    // The service asks in a window. Where there is no screen, nobody would see it.
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let patience = if has_screen { UNLOCK_TIMEOUT } else { 0 };
    let service = SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, patience);
    let done = service.and_then(|service| work(&service));
    done.map_err(|error| explain(&error, has_screen).into())
}

fn explain(error: &Error, has_screen: bool) -> Failure {
    let locked = "the keychain of the desktop (Secret Service) is locked, or not set up yet";
    match error {
        Error::Prompt | Error::Locked if has_screen => {
            Failure::new(format!("{locked}, and nobody unlocked it"))
                .hint("answer the window that asks for its password, or unlock it, and run this again")
                .exit(Exit::HumanNeeded)
        }
        Error::Prompt | Error::Locked => {
            Failure::new(format!("{locked}, and there is no screen to ask for its password"))
                .hint("unlock it in the desktop, or type `stty -echo; read -r word; stty echo; printf %s \"$word\" | gnome-keyring-daemon --replace --unlock` and its password, and run this again")
                .exit(Exit::HumanNeeded)
        }
        Error::Dbus(error) => match error.name().unwrap_or_default() {
            "org.freedesktop.DBus.Error.ServiceUnknown" => {
                Failure::new("no program here offers a keychain as a Secret Service")
                    .hint("install and start GNOME Keyring, KWallet or KeePassXC")
            }
            "org.freedesktop.DBus.Error.NotSupported" => {
                Failure::new("there is no session of a desktop here, whose keychain (Secret Service) could be used")
                    .hint("run it where XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS is that of the desktop's session")
            }
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                Failure::new("the keychain of the desktop (Secret Service) does not answer")
                    .hint("is it just being started? run this again")
            }
            name => Failure::new(format!(
                "the keychain of the desktop (Secret Service) cannot be reached: {}",
                error.message().unwrap_or(name)
            ))
            .hint("is DBUS_SESSION_BUS_ADDRESS that of the desktop's session?"),
        },
        _ => Failure::new(format!(
            "the keychain of the desktop (Secret Service) failed: {error}"
        ))
        .hint("look at it with the program that shows the keychain"),
    }
}
