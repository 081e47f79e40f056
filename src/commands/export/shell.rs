//! Prints environment variables in the language of a shell. Values from AWS need no quotes in any of them; everything else is quoted,
//! or refused if the language cannot quote it.

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::core::error::Failure;

/// How a language sets and unsets variables.
pub(super) struct Language {
    /// A line that unsets a variable, if the language has one.
    pub(super) unset: Option<fn(&str) -> String>,
    /// A line that sets a variable; none if the language cannot express the value.
    set: fn(&str, &str) -> Option<String>,
}

pub(super) const POSIX: Language = Language {
    unset: Some(|name| format!("unset {name}")),
    set: |name, value| Some(format!("export {name}={}", *posix(value))),
};

pub(super) const POSIX_WITHOUT_EXPORT: Language = Language {
    unset: None,
    set: |name, value| Some(format!("{name}={}", *posix(value))),
};

pub(super) const FISH: Language = Language {
    // Erasing a variable that is not set is an error. Universal variables stay: they would be erased for good.
    unset: Some(|name| format!("set -eg {name}; or true")),
    set: |name, value| Some(format!("set -gx {name} {}", *fish(value))),
};

pub(super) const POWERSHELL: Language = Language {
    unset: Some(|name| format!("$Env:{name} = $null")),
    set: |name, value| Some(format!("$Env:{name} = {}", *powershell(value))),
};

/// cmd.exe expands some characters even in quotes.
pub(super) const WINDOWS_CMD: Language = Language {
    unset: Some(|name| format!("set {name}=")),
    set: |name, value| is_plain(value).then(|| format!("set {name}={value}")),
};

/// The readers of `.env` files agree on little but text without quotes.
pub(super) const DOTENV: Language = Language {
    unset: None,
    set: |name, value| is_plain(value).then(|| format!("{name}={value}")),
};

/// More than everything but the values needs, in bytes.
const CAPACITY: usize = 2048;

/// The lines that unset variables, then the lines that set them.
pub(super) fn render(
    language: &Language,
    unset: &[&'static str],
    variables: &[(&'static str, Zeroizing<String>)],
) -> Result<Zeroizing<String>> {
    let values: usize = variables.iter().map(|(_, value)| value.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(4 * values + CAPACITY));
    if let Some(line) = language.unset {
        for name in unset {
            text.push_str(&line(name));
            text.push('\n');
        }
    }
    for (name, value) in variables {
        let Some(line) = (language.set)(name, value).map(Zeroizing::new) else {
            bail!(
                Failure::new(format!("this format cannot represent the value of {name}"))
                    .hint("choose another --format, or fix the value where it is set")
            );
        };
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Whether every shell reads a text literally. zsh looks for a command after an equals sign that starts a word or follows a colon.
fn is_plain(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/+=_-.,:@".contains(c);
    !value.is_empty()
        && value.chars().all(plain)
        && !value.starts_with('=')
        && !value.contains(":=")
}

/// See <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>.
fn posix(value: &str) -> Zeroizing<String> {
    if is_plain(value) {
        return Zeroizing::new(value.to_owned());
    }
    in_single_quotes(value, |c| (c == '\'').then_some(r"'\'"))
}

/// See <https://fishshell.com/docs/current/language.html#quotes>.
fn fish(value: &str) -> Zeroizing<String> {
    if is_plain(value) {
        return Zeroizing::new(value.to_owned());
    }
    in_single_quotes(value, |c| matches!(c, '\'' | '\\').then_some(r"\"))
}

/// Typographic quotation marks end a text, too; each is written twice. See
/// <https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_quoting_rules>.
fn powershell(value: &str) -> Zeroizing<String> {
    in_single_quotes(value, |c| match c {
        '\'' => Some("'"),
        '\u{2018}' => Some("\u{2018}"),
        '\u{2019}' => Some("\u{2019}"),
        '\u{201a}' => Some("\u{201a}"),
        '\u{201b}' => Some("\u{201b}"),
        _ => None,
    })
}

/// A text in single quotes; `before` says what to insert before a character.
fn in_single_quotes(
    value: &str,
    before: impl Fn(char) -> Option<&'static str>,
) -> Zeroizing<String> {
    // Large enough never to move, which would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(4 * value.len() + 2));
    text.push('\'');
    for c in value.chars() {
        text.push_str(before(c).unwrap_or_default());
        text.push(c);
    }
    text.push('\'');
    text
}
