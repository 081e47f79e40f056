//! Finds stored MFA sessions by key and device.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::core::clock;
use crate::files::document::Document;
use crate::files::profiles::{self, File, Text};
use crate::files::section_format;
use crate::files::sessions::{self, Session, SessionKey};
use crate::files::store;

/// A session that ends sooner is not worth to begin with.
const SESSION_MARGIN: TimeDelta = TimeDelta::minutes(1);

/// The files of sessions that can be read.
pub fn session_texts(path: &Path) -> Vec<(PathBuf, Text)> {
    let texts = store::session_files(path).into_iter().filter_map(|path| {
        let text = profiles::read(&path).ok()??;
        Some((path, text))
    });
    texts.collect()
}

/// What is in them.
pub fn session_files(texts: &[(PathBuf, Text)]) -> Vec<File<'_>> {
    let files = texts.iter().map(|(path, text)| File {
        path,
        document: Document::parse(text),
    });
    files.collect()
}

/// The session of a key and a device that is stored and not about to end. A file of sessions that cannot be read holds none.
pub fn session_at_hand(
    path: &Path,
    credentials: &File<'_>,
    session_key: &SessionKey,
) -> Option<Session> {
    let texts = session_texts(path);
    let after = clock::now() + SESSION_MARGIN;
    sessions::find(session_key, credentials, &session_files(&texts), after)
}

/// The same of a key and whatever device.
pub fn session_of_key(
    path: &Path,
    credentials: &File<'_>,
    access_key_id: &str,
) -> Option<(SessionKey, Session)> {
    let texts = session_texts(path);
    let after = clock::now() + SESSION_MARGIN;
    sessions::of_key(access_key_id, credentials, &session_files(&texts), after)
}

/// Whether a section holds a session of another key or device, which is still good for something.
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
