//! Random key material that nobody takes for real.

use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::answers::Credentials;
use crate::encoding::{BASE64, BASE64_URL};

pub(crate) const UPPER_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Makes credentials that are unique, and that nobody takes for real ones.
#[derive(Debug)]
pub(crate) struct Fakes {
    seed: u64,
    count: u64,
}

impl Default for Fakes {
    fn default() -> Self {
        // The standard library's own way to get random numbers; nothing here has to be secret.
        let seed = RandomState::new().hash_one("stand-in");
        Self { seed, count: 0 }
    }
}

impl Fakes {
    pub(crate) fn credentials(&mut self, expiration: DateTime<Utc>) -> Credentials {
        let id = self.text(12, UPPER_CASE);
        let secret = self.text(30, BASE64);
        // Real tokens have these three characters; clients have tripped over each.
        let token = [self.text(160, BASE64), self.text(160, BASE64)].join("/+");
        Credentials {
            access_key_id: format!("ASIAFAKE{id}"),
            secret_access_key: format!("FakeSecret{secret}"),
            session_token: format!("FakeSessionToken{token}=="),
            expiration,
        }
    }

    /// An access key ID, and its secret.
    pub(crate) fn long_term_key(&mut self) -> (String, String) {
        let id = self.text(12, UPPER_CASE);
        let secret = self.text(30, BASE64);
        (format!("AKIAFAKE{id}"), format!("FakeSecret{secret}"))
    }

    /// A token that signs in to the console.
    pub(crate) fn sign_in_token(&mut self) -> String {
        let parts = [self.text(80, UPPER_CASE), self.text(80, UPPER_CASE)];
        format!("FakeSigninToken{}", parts.join("-_"))
    }

    /// A long token that only the service can read, with this beginning.
    pub(crate) fn token(&mut self, beginning: &str) -> String {
        let parts = [self.text(200, BASE64_URL), self.text(600, BASE64_URL)];
        format!("{beginning}.{}", parts.join("."))
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            self.count += 1;
            let digest = Sha256::digest(format!("{} {}", self.seed, self.count));
            bytes.extend_from_slice(&digest);
        }
        bytes.truncate(length);
        bytes
    }

    fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        pick(&self.bytes(length), alphabet)
    }
}

/// A letter of the alphabet for each byte.
pub(crate) fn pick(bytes: &[u8], alphabet: &[u8]) -> String {
    let letters = bytes.iter().map(|byte| usize::from(*byte) % alphabet.len());
    letters.map(|index| char::from(alphabet[index])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn credentials_are_fake_and_unique() {
        let mut fakes = Fakes::default();
        let all: Vec<_> = (0..500)
            .map(|_| fakes.credentials(DateTime::UNIX_EPOCH))
            .collect();
        for credentials in &all {
            let id = credentials.access_key_id.strip_prefix("ASIAFAKE").unwrap();
            assert!(id.len() == 12 && id.bytes().all(|byte| UPPER_CASE.contains(&byte)));
            assert!(credentials.secret_access_key.starts_with("FakeSecret"));
            assert_eq!(credentials.secret_access_key.len(), 40);
            let token = &credentials.session_token;
            assert!(token.starts_with("FakeSessionToken"));
            assert!((300..=400).contains(&token.len()));
            assert!(['/', '+', '='].iter().all(|letter| token.contains(*letter)));
        }
        let ids: HashSet<_> = all.iter().map(|it| &it.access_key_id).collect();
        let tokens: HashSet<_> = all.iter().map(|it| &it.session_token).collect();
        assert_eq!((ids.len(), tokens.len()), (500, 500));
    }
}
