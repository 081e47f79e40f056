//! Finds out which account stored credentials are in.

use crate::core::credentials::Credentials;
use crate::files::profiles::File;
use crate::files::sessions;
use crate::plan::Account;
use crate::renewal::stored_sessions::{session_files, session_texts};

/// The account of credentials that were just obtained or found. For a session, the session file says which device made it; what is set
/// now may be another one.
pub fn account_of(credentials: &Credentials, file: &File<'_>) -> Account {
    if let Some(arn) = &credentials.role_arn {
        return Account::of_role(arn);
    }
    let texts = session_texts(file.path);
    let files = session_files(&texts);
    match sessions::made_by(&credentials.access_key_id, &files) {
        Some((session_key, long_term)) => Account::of_session(&session_key, &long_term, file),
        None => Account::Unknown,
    }
}
