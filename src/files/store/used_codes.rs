//! Records the codes that an access key sent for a device in the last minutes, so that no later process sends one again.
//!
//! Each line has the time step in which a code was sent, its fate, and a hash. The hash is keyed with the secret access key that signed
//! the request, so that nobody else can find the code by trying all of them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use ring::hmac;

use super::private;
use crate::core::credentials::LongTermKeys;
use crate::core::mfa_code::{MfaCode, step};

/// How long after it was sent AWS may still accept a code, in steps: a device can be two steps ahead, and AWS accepts a code until two
/// steps after its own. Measured by radkawar/stackd, docs/iam-mfa.md.
const MEMORY: i64 = 4;

/// More bytes than the lines of a few steps need.
const LONGEST: u64 = 16 * 1024;

/// The record of an access key and a device.
pub struct UsedCodes {
    path: PathBuf,
    key: hmac::Key,
}

/// The fate of a code that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CodeFate {
    /// AWS accepted it.
    Accepted,
    /// AWS refused it.
    Refused,
    /// AWS did not check it, or refused the request for another reason.
    NotConsumed,
    /// Unknown: the response was lost.
    Unknown,
}

impl CodeFate {
    const KEPT: [(Self, &'static str); 2] = [(Self::Accepted, "accepted"), (Self::Unknown, "lost")];
}

impl UsedCodes {
    pub(super) fn at(path: PathBuf, keys: &LongTermKeys) -> Self {
        let secret = keys.secret_access_key.expose().as_bytes();
        Self {
            path,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The fate of a code, and the step in which it was sent.
    pub fn find(&self, code: &MfaCode, now: DateTime<Utc>) -> Option<(CodeFate, i64)> {
        let text = read(&mut private::open_if_there(&self.path).ok()??).ok()?;
        entries(&text, now).find_map(|(sent, word, hash)| {
            let (kept, _) = CodeFate::KEPT.into_iter().find(|(_, name)| *name == word)?;
            (hash == self.hash(code, sent)).then_some((kept, sent))
        })
    }

    /// Records the fate of a code, and replaces an earlier entry. Forgets a code that was not used.
    pub fn note(
        &self,
        code: &MfaCode,
        used: CodeFate,
        sent: i64,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        let kept = CodeFate::KEPT.into_iter().find(|(kept, _)| *kept == used);
        let old = match private::open_if_there(&self.path)? {
            Some(mut file) => read(&mut file)?,
            None => String::new(),
        };
        let mut new = String::new();
        for (sent, word, hash) in entries(&old, now) {
            if hash != self.hash(code, sent) {
                // Writing to a string cannot fail.
                let _ = writeln!(new, "{sent} {word} {hash}");
            }
        }
        if let Some((_, word)) = kept {
            let _ = writeln!(new, "{sent} {word} {}", self.hash(code, sent));
        }
        private::replace(&self.path, new.as_bytes())
    }

    fn hash(&self, code: &MfaCode, sent: i64) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&sent.to_be_bytes());
        context.update(code.expose().as_bytes());
        let mut text = String::new();
        for byte in context.sign().as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Bytes that are not UTF-8 are replaced, and match nothing.
fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines of the last steps.
fn entries(text: &str, now: DateTime<Utc>) -> impl Iterator<Item = (i64, &str, &str)> {
    let now = step(now);
    text.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        let sent = words.next()?.parse().ok()?;
        let entry = (sent, words.next()?, words.next()?);
        (now - MEMORY..=now).contains(&sent).then_some(entry)
    })
}
