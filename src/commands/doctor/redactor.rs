//! Redacts a text for a ticket: it removes secrets, whole access key IDs, the home directory, and control characters.

use std::path::Path;

use crate::core::file_id;
use crate::core::text::{masked, plain, quoted};
use crate::files::profiles;

/// The prefixes of access key IDs, and their minimum length.
const KEY_IDS: ([&str; 2], usize) = (["AKIA", "ASIA"], 16);
/// The length of secret access keys, and the minimum length of session tokens. Somebody may have written one in the wrong place.
const SECRET_LENGTH: usize = 40;
const TOKEN_LENGTH: usize = 100;

/// The home directory in PowerShell. `$HOME` can be another directory in a company's network.
const HOME_OF_POWERSHELL: &str = "$Env:USERPROFILE";

/// What redacting needs.
pub(super) struct Redactor {
    /// The home directory, as it is named and with symbolic links resolved; shown as `~`.
    homes: Vec<String>,
}

impl Redactor {
    pub fn new() -> Self {
        let home = profiles::home().ok();
        let real = home.as_ref().and_then(|home| file_id::real_path(home).ok());
        let homes = home.into_iter().chain(real);
        // Every path is below the root directory.
        let homes = homes.filter(|home| home.parent().is_some());
        let text = |home: &Path| {
            home.to_string_lossy()
                .trim_end_matches(std::path::MAIN_SEPARATOR)
                .to_owned()
        };
        let mut homes: Vec<String> = homes.map(|home| text(&home)).collect();
        // One may contain the other.
        homes.sort_by_key(|home| std::cmp::Reverse(home.len()));
        homes.dedup();
        Self { homes }
    }

    pub fn redact(&self, text: &str) -> String {
        let mut text = plain(text);
        for home in &self.homes {
            text = without_home(&text, home);
        }
        without_secrets(&without_users(&text))
    }

    /// The same for something to type.
    pub fn redact_command(&self, text: &str) -> String {
        if cfg!(windows) {
            let text = in_powershell(&plain(text), &self.homes);
            without_secrets(&without_users(&text))
        } else {
            self.redact(text)
        }
    }
}

/// Writes the home directory as `~`, outside quotation marks, because a shell does not expand it within them.
fn without_home(text: &str, home: &str) -> String {
    let mut fit = String::new();
    let mut rest = text;
    while let Some((before, after)) = split_at_home(&mut fit, &mut rest, home) {
        let within = after
            .strip_prefix('/')
            .and_then(|after| after.split_once('\''));
        match within {
            Some((word, after)) if before.ends_with('\'') => {
                fit.pop();
                fit += "~/";
                fit += &quoted(word);
                rest = after;
            }
            _ => fit.push('~'),
        }
    }
    fit + rest
}

/// Writes the home directory as a variable of PowerShell, which expands `~` only for its own commands. Single quotation marks become
/// double ones, between which it expands variables.
fn in_powershell(text: &str, homes: &[String]) -> String {
    homes.iter().fold(text.to_owned(), |text, home| {
        let mut fit = String::new();
        let mut rest = &*text;
        while let Some((before, after)) = split_at_home(&mut fit, &mut rest, home) {
            match after.split_once('\'') {
                Some((word, after)) if before.ends_with('\'') => {
                    fit.pop();
                    let word = word.replace('`', "``").replace('$', "`$");
                    fit += &["\"", HOME_OF_POWERSHELL, &word, "\""].concat();
                    rest = after;
                }
                _ => fit += HOME_OF_POWERSHELL,
            }
        }
        fit + rest
    })
}

/// Moves a text up to the next home directory, and returns what is before and behind it.
fn split_at_home<'t>(
    fit: &mut String,
    rest: &mut &'t str,
    home: &str,
) -> Option<(&'t str, &'t str)> {
    let is_of_name = |c: char| c.is_alphanumeric() || "._-~/\\".contains(c);
    while let Some(at) = position(rest, home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        let begins = !before.ends_with(is_of_name);
        let ends = after.starts_with(['/', '\\']) || !after.starts_with(is_of_name);
        fit.push_str(before);
        let named = &rest[at..at + home.len()];
        *rest = after;
        if begins && ends {
            return Some((before, after));
        }
        fit.push_str(named);
    }
    None
}

/// Where a home directory is named. On Windows, both slashes are the same, and upper and lower case.
fn position(text: &str, home: &str) -> Option<usize> {
    if cfg!(windows) {
        let same = |text: &str| text.to_ascii_lowercase().replace('/', "\\");
        same(text).find(&same(home))
    } else {
        text.find(home)
    }
}

/// A URL may contain a user and a password.
fn without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut fit = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |c: char| c.is_whitespace() || "/?#`'\"()".contains(c);
        let (authority, rest) = part.split_at(part.find(ends).unwrap_or(part.len()));
        let host = match authority.rsplit_once('@') {
            Some((_user, host)) => format!("…@{host}"),
            None => authority.to_owned(),
        };
        fit += &["://", &host, rest].concat();
    }
    fit
}

fn without_secrets(text: &str) -> String {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let mut fit = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_of_key) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_of_key(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        fit.push_str(before);
        if is_secret(word) {
            fit.push('…');
        } else {
            let parts: Vec<String> = word.split('/').map(without_key_id).collect();
            fit.push_str(&parts.join("/"));
        }
        rest = after;
    }
    fit + rest
}

fn is_secret(word: &str) -> bool {
    // It may follow something else.
    let last = word.len().checked_sub(SECRET_LENGTH + 1);
    if let Some(last) = last.and_then(|at| word.get(at..)?.strip_prefix('/'))
        && is_secret(last)
        && last
            .bytes()
            .any(|byte| byte.is_ascii_digit() || byte == b'+')
    {
        return true;
    }
    let is_long = word.len() == SECRET_LENGTH || word.len() >= TOKEN_LENGTH;
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    // Not the path of a file.
    is_long && !word.starts_with('/') && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

fn without_key_id(word: &str) -> String {
    let (begins, length) = KEY_IDS;
    let is_id = word.len() >= length && begins.iter().any(|begin| word.starts_with(begin));
    if is_id { masked(word) } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Redactor, in_powershell, quoted};

    #[test]
    fn what_is_typed_into_powershell_does_not_name_the_user() {
        let homes = [r"C:\Users\alice".to_owned()];
        for (command, fit) in [
            (
                r"attrib -R C:\Users\alice\.aws\credentials",
                r"attrib -R $Env:USERPROFILE\.aws\credentials",
            ),
            (
                r#"del "C:\Users\alice\my files\x", or not"#,
                r#"del "$Env:USERPROFILE\my files\x", or not"#,
            ),
            (
                r"del 'C:\Users\alice\`$x', or 'C:\Users\alice'",
                r#"del "$Env:USERPROFILE\```$x", or "$Env:USERPROFILE""#,
            ),
            (r"del C:\Users\alice2\x", r"del C:\Users\alice2\x"),
        ] {
            assert_eq!(in_powershell(command, &homes), fit);
        }
    }

    #[cfg(windows)]
    #[test]
    fn the_home_directory_is_known_in_all_spellings() {
        let homes = vec![r"C:\Users\Alice".to_owned()];
        let paste = Redactor { homes };
        assert_eq!(
            paste.redact(r"c:/users/alice/.aws and C:\USERS\ALICE\x"),
            r"~/.aws and ~\x"
        );
        assert_eq!(
            paste.redact_command("del c:/users/alice/x"),
            "del $Env:USERPROFILE/x"
        );
    }

    #[test]
    fn what_must_not_be_in_a_ticket_is_taken_out() {
        let paste = Redactor {
            homes: vec!["/home/alice".to_owned(), r"C:\Users\alice".to_owned()],
        };
        let quoted_part = format!("rm ~/{}", quoted("my files/x"));
        for (text, fit) in [
            ("/home/alice/.aws/credentials", "~/.aws/credentials"),
            ("see /home/alice, or not", "see ~, or not"),
            (
                "/home/alice2/x /mnt/home/alice/x",
                "/home/alice2/x /mnt/home/alice/x",
            ),
            (
                "chmod 600 '/home/alice/.aws/credentials'",
                "chmod 600 ~/.aws/credentials",
            ),
            ("rm '/home/alice/my files/x'", &quoted_part),
            (
                r#"attrib -R "C:\Users\alice\my files\x""#,
                r#"attrib -R "~\my files\x""#,
            ),
            (r"C:\Users\alice2\x", r"C:\Users\alice2\x"),
            (
                "http://me:secret@proxy.example:3128/x",
                "http://…@proxy.example:3128/x",
            ),
            ("`https://a@b`, https://c", "`https://…@b`, https://c"),
            ("the key AKIAFAKEFAKEFAKEALIC", "the key AKIA…ALIC"),
            (
                "[ASIAFAKEFAKEFAKEFAKE arn:aws:iam::123456789012:mfa/a]",
                "[ASIA…FAKE arn:aws:iam::123456789012:mfa/a]",
            ),
            (
                "device FakeSecretOfAlice/NotReal+FakeSecretFake is none",
                "device … is none",
            ),
            (
                "secret=FakeSecretOfAlice/NotReal+FakeSecretFake",
                "secret=…",
            ),
            ("mfa/FakeSecretOfAlice/NotReal+FakeSecretFake", "…"),
            ("=AKIAFAKEFAKEFAKEALIC", "=AKIA…ALIC"),
            ("a\u{1b}[31m\nb", "a\u{fffd}[31m\u{fffd}b"),
            (
                "arn:aws:iam::123456789012:role/AWSReservedSSO_AdministratorAccess",
                "arn:aws:iam::123456789012:role/AWSReservedSSO_AdministratorAccess",
            ),
        ] {
            assert_eq!(paste.redact(text), fit);
        }
    }
}
