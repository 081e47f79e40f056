//! Finds stored MFA sessions by key and device.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::core::clock;
use crate::core::mfa_device::SerialNumber;
use crate::files::document::Document;
use crate::files::profiles::{self, File, Text};
use crate::files::section_format;
use crate::files::sessions::{self, Session, SessionKey};
use crate::files::store;
use crate::plan::{KeySource, Keys, Origin, Setting};

/// A session that expires sooner is not used.
const SESSION_MARGIN: TimeDelta = TimeDelta::minutes(1);

/// The session files that can be read.
pub fn session_texts(path: &Path) -> Vec<(PathBuf, Text)> {
    let texts = store::session_files(path).into_iter().filter_map(|path| {
        let text = profiles::read(&path).ok()??;
        Some((path, text))
    });
    texts.collect()
}

/// Their content.
pub fn session_files(texts: &[(PathBuf, Text)]) -> Vec<File<'_>> {
    let files = texts.iter().map(|(path, text)| File {
        path,
        document: Document::parse(text),
    });
    files.collect()
}

/// The stored session of a key and a device, unless it expires soon. A session file that cannot be read has none.
pub fn session_at_hand(
    path: &Path,
    credentials: &File<'_>,
    session_key: &SessionKey,
) -> Option<Session> {
    let texts = session_texts(path);
    let after = clock::now() + SESSION_MARGIN;
    sessions::find(session_key, credentials, &session_files(&texts), after)
}

/// The same for a key and any device.
pub fn session_of_key(
    path: &Path,
    credentials: &File<'_>,
    access_key_id: &str,
) -> Option<(SessionKey, Session)> {
    let texts = session_texts(path);
    let after = clock::now() + SESSION_MARGIN;
    sessions::of_key(access_key_id, credentials, &session_files(&texts), after)
}

/// The device that a renewal uses if none is set: that of the stored session. A command that prints the keys is not run for it.
pub fn device_of_session(
    key_source: &KeySource,
    credentials: &File<'_>,
    sessions: &[File<'_>],
) -> Option<Setting<SerialNumber>> {
    let Keys::Stored(keys) = &key_source.keys else {
        return None;
    };
    let after = clock::now() + SESSION_MARGIN;
    let (session_key, _session) =
        sessions::of_key(&keys.access_key_id, credentials, sessions, after)?;
    Some(Setting {
        value: session_key.device,
        origin: Origin::Session,
    })
}

/// Whether a section has a session of another key or device that is still useful.
pub fn holds_session_of_another(
    path: &Path,
    credentials: &File<'_>,
    section: &str,
    session_key: &SessionKey,
) -> bool {
    let found = section_format::credentials(credentials, section);
    if found.is_none_or(|found| found.expiration <= clock::now()) {
        return false;
    }
    session_files(&session_texts(path))
        .iter()
        .any(|sessions| sessions::is_of_another(session_key, section, credentials, sessions))
}
