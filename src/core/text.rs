//! Makes text safe to show and to paste: names, values, paths and messages from files, servers, the environment and other programs.
//!
//! Every such text goes through here before a person sees it. Terminals execute control characters, line breaks forge lines that
//! look like ours, and invisible characters make one text look like another.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use zeroize::Zeroizing;

/// The initial capacity for JSON, in bytes: more than credentials need.
const CAPACITY: usize = 64 * 1024;

/// A text on one line that a terminal shows as it is: each character that a terminal would execute or hide becomes `�`.
pub fn plain(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// How much of a message from a server or a program is shown, in characters. AWS's longest messages quote a policy and some ARNs.
const MOST_CHARACTERS: usize = 1000;

/// A message from a server or a program that cannot imitate our layout: runs of white space become one space, because enough of them
/// would wrap to a new line on the screen, and a very long text is cut off.
pub fn message(text: &str) -> String {
    let is_blank = |c: char| c.is_whitespace() || c == '\u{2800}';
    let words = text.split(is_blank).filter(|word| !word.is_empty());
    let folded = words.collect::<Vec<_>>().join(" ");
    match folded.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &folded[..end]),
        None => folded,
    }
}

/// Whether a text can be shown as it is.
pub fn is_plain(text: &str) -> bool {
    // The fast path for nearly every text.
    let is_printed_ascii = |byte: u8| (b' '..=b'~').contains(&byte);
    text.bytes().all(is_printed_ascii) || !text.contains(is_obeyed)
}

const NOT_JSON: &str = "it cannot be written as JSON";

/// Equivalent JSON that can be shown on a terminal. Line breaks stay, because in JSON they occur only between values.
fn plain_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_obeyed(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

/// A value as JSON that can be shown on a terminal, with a line break at the end.
pub fn json(value: &impl Serialize) -> Result<Zeroizing<String>> {
    // Large enough that it is never reallocated, which would leave a copy of a secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer_pretty(&mut *text, value).context(NOT_JSON)?;
    text.push(b'\n');
    let text = std::str::from_utf8(&text).context(NOT_JSON)?;
    Ok(Zeroizing::new(plain_json(text)))
}

/// A word, quoted for a shell.
pub fn quoted(word: &str) -> String {
    #[cfg(windows)]
    {
        quoted_on_windows(word)
    }
    #[cfg(not(windows))]
    {
        quoted_on_unix(word)
    }
}

/// For bash, zsh, fish and others.
#[cfg(any(not(windows), test))]
fn quoted_on_unix(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./+@:,=".contains(c);
    // zsh expands a word that starts with `=` to the path of a command.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A flag with its value, quoted for a shell. A value that looks like a flag is attached with `=`.
pub fn flag(name: &str, value: &str) -> String {
    let sign = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{sign}{}", quoted(value))
}

/// A path, quoted for a shell. One that looks like a flag gets `./` in front.
pub fn quoted_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.starts_with('-') {
        quoted(&format!("./{path}"))
    } else {
        quoted(&path)
    }
}

/// For PowerShell and cmd.exe, as far as both agree; else for PowerShell.
#[cfg(any(windows, test))]
fn quoted_on_windows(word: &str) -> String {
    // cmd.exe separates words at `=` and `,`, too.
    let is_plain = |c: char| c.is_alphanumeric() || r"_-./+:\".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains(['"', '$', '`', '%']) {
        format!("'{}'", word.replace('\'', "''"))
    } else {
        format!("\"{word}\"")
    }
}

/// An access key ID with its middle left out, enough to find it in the console.
pub fn masked(id: &str) -> String {
    match id.char_indices().rev().nth(3) {
        Some((last, _)) if id.len() > 8 && id.is_ascii() => format!("{}…{}", &id[..4], &id[last..]),
        _ => "…".to_owned(),
    }
}

/// Whether a terminal or a text layout executes a character, or shows nothing for it: controls, line and paragraph separators,
/// format characters (<https://www.unicode.org/reports/tr44/#General_Category_Values>) with the bidirectional ones
/// (<https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>), fillers, and variation selectors.
fn is_obeyed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The candidate that a mistyped name most likely means.
pub fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    candidates
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&candidate.to_lowercase(), &name);
            (distance, candidate)
        })
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        flag, is_plain, message, plain, plain_json, quoted_on_unix, quoted_on_windows, quoted_path,
    };

    #[test]
    fn a_shell_takes_a_word_for_what_it_is() {
        for (word, typed) in [
            ("work", "work"),
            ("a b", "'a b'"),
            ("", "''"),
            ("=ls", "'=ls'"),
            ("v;touch${IFS}x", "'v;touch${IFS}x'"),
            ("a'b", r"'a'\''b'"),
        ] {
            assert_eq!(quoted_on_unix(word), typed);
        }
        for (word, typed) in [
            ("work", "work"),
            (r"C:\aws\x", r"C:\aws\x"),
            ("my team", "\"my team\""),
            ("it's", "\"it's\""),
            ("a,b", "\"a,b\""),
            ("a=b", "\"a=b\""),
            (r"C:\Zoë!\^", "\"C:\\Zoë!\\^\""),
            ("", "\"\""),
            ("$x'y", "'$x''y'"),
        ] {
            assert_eq!(quoted_on_windows(word), typed);
        }
        let quote = if cfg!(windows) { '"' } else { '\'' };
        assert_eq!(flag("-p", "a b"), format!("-p {quote}a b{quote}"));
        assert_eq!(flag("--profile", "-x"), "--profile=-x");
        assert_eq!(quoted_path(Path::new("-rf")), "./-rf");
        assert_eq!(
            quoted_path(Path::new("/a b")),
            format!("{quote}/a b{quote}")
        );
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (text, shown) in [
            ("alice", "alice"),
            ("Zoë, 日本, 👩 (a b)", "Zoë, 日本, 👩 (a b)"),
            ("a\u{1b}]52;c;x\u{7}", "a�]52;c;x�"),
            ("a\r\nhint: b\tc\u{7f}", "a��hint: b�c�"),
            ("a\u{9b}31m\u{85}", "a�31m�"),
            ("a\u{2028}\u{2029}b", "a��b"),
            (
                "a\u{202e}b\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}",
                "a�b�����",
            ),
            ("a\u{200b}\u{feff}\u{ad}\u{e0041}\u{fe0f}", "a�����"),
        ] {
            assert_eq!(plain(text), shown);
            assert_eq!(is_plain(text), text == shown, "{text:?}");
        }
    }

    #[test]
    fn a_message_cannot_be_laid_out() {
        let blanks = "\u{a0}".repeat(40) + &" ".repeat(40) + &"\u{2800}\u{3000}".repeat(9);
        assert_eq!(
            message(&format!(" no.{blanks}hint: evil\n")),
            "no. hint: evil"
        );
        let long = message(&"x".repeat(100_000));
        assert_eq!(long.chars().count(), 1001);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn json_means_the_same() {
        let nasty = "a\u{1b}\u{9b}\u{7f}\u{202e}\u{e0041}\u{2028}\nz";
        let json = serde_json::to_string_pretty(&[nasty]).unwrap();
        let plain = plain_json(&json);
        assert!(plain.lines().all(is_plain), "{plain:?}");
        let back: Vec<String> = serde_json::from_str(&plain).unwrap();
        assert_eq!(back, [nasty]);
    }
}
