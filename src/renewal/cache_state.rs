//! Decides whether the credentials that are stored for a profile are fresh.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::files::freshness::{self, Reason, Wanted};
use crate::files::login_cache::{self, Unusable};
use crate::files::profiles::File;
use crate::files::section_format::{self, Defect};
use crate::files::sessions;
use crate::plan::{self, LoginSession, ProfileSections, Storage};
use crate::renewal::stored_sessions::{session_files, session_texts};

/// AWS tools renew the credentials of `aws login` if less is left.
pub const LOGIN_MARGIN: TimeDelta = TimeDelta::minutes(5);

/// What is stored for a profile.
pub enum CacheState {
    /// Credentials that meet the request.
    Fresh(Credentials),
    /// Other credentials, if any, and why they do not meet the request.
    Stale {
        because: Reason,
        credentials: Option<Credentials>,
    },
}

/// Looks at what is stored for a profile.
pub fn look(
    credentials: &File<'_>,
    sections: &ProfileSections,
    wanted: &Wanted,
) -> Result<CacheState> {
    let texts = if sections.storage.is_private() {
        session_texts(credentials.path)
    } else {
        Vec::new()
    };
    look_in(credentials, &session_files(&texts), sections, wanted)
}

/// The same for a renewal, which a session of `aws login` needs earlier: AWS tools renew it if less than [`LOGIN_MARGIN`] is left.
pub fn look_for_renewal(
    credentials: &File<'_>,
    sections: &ProfileSections,
    wanted: &Wanted,
) -> Result<CacheState> {
    let mut wanted = wanted.clone();
    if sections.storage == Storage::LoginCache {
        wanted.min_ttl = wanted.min_ttl.max(LOGIN_MARGIN);
    }
    look(credentials, sections, &wanted)
}

/// The same, if the session files are already read.
pub fn look_in(
    credentials: &File<'_>,
    sessions: &[File<'_>],
    sections: &ProfileSections,
    wanted: &Wanted,
) -> Result<CacheState> {
    if !sections.storage.is_private() {
        plan::check_sections(credentials, &[&sections.short_term])?;
        return Ok(state_of(credentials, &sections.short_term, wanted));
    }
    if let (Storage::LoginCache, Some(login)) = (sections.storage, &sections.login) {
        return Ok(state_of_login(login, wanted));
    }
    let section = kept_section(sections, wanted);
    let states = sessions.iter().map(|file| state_of(file, &section, wanted));
    let longest = states.max_by_key(CacheState::expiration);
    Ok(longest.unwrap_or(CacheState::Stale {
        because: Reason::Defective(Defect::Missing),
        credentials: None,
    }))
}

/// The section of the session file with the credentials of a profile.
pub fn kept_section(sections: &ProfileSections, wanted: &Wanted) -> String {
    match (sections.storage, &wanted.session_scope) {
        (Storage::ForScope(_), Some(scope)) => sessions::scoped_for(&sections.long_term, scope),
        _ => sessions::kept_for(&sections.long_term),
    }
}

fn state_of(file: &File<'_>, section: &str, wanted: &Wanted) -> CacheState {
    let (stored, credentials) = section_format::read_with_credentials(file, section);
    match (
        freshness::reason_to_renew(&stored, wanted, clock::now()),
        credentials,
    ) {
        (None, Some(credentials)) => CacheState::Fresh(credentials),
        (because, credentials) => CacheState::Stale {
            because: because.unwrap_or(Reason::Defective(Defect::Missing)),
            credentials,
        },
    }
}

/// What AWS tools have stored for a session of `aws login`. A file that cannot be used is an error only for a renewal.
fn state_of_login(login: &LoginSession, wanted: &Wanted) -> CacheState {
    let stale = |because, credentials| CacheState::Stale {
        because,
        credentials,
    };
    let stored = match login_cache::read(&login.cache, &login.identity.value) {
        Ok(Some(Ok(stored))) => stored,
        Ok(Some(Err(Unusable(why)))) => return stale(Reason::UnusableLogin(why), None),
        Ok(None) => return stale(Reason::NotSignedIn, None),
        Err(_) => return stale(Reason::UnusableLogin("its file cannot be read"), None),
    };
    let Some(left) = stored.left(clock::now()) else {
        let expiration = clock::timestamp(stored.credentials.expiration);
        return stale(Reason::UnreadableExpiration(expiration), None);
    };
    match freshness::too_short(left, wanted) {
        None => CacheState::Fresh(stored.credentials),
        Some(because) => stale(because, Some(stored.credentials)),
    }
}

impl CacheState {
    /// The credentials, whether or not they meet the request.
    pub fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Fresh(credentials) => Some(credentials),
            Self::Stale { credentials, .. } => credentials.as_ref(),
        }
    }

    fn expiration(&self) -> Option<DateTime<Utc>> {
        Some(self.credentials()?.expiration)
    }
}
