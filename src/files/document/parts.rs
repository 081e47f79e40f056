//! Splits a line: blanks, comment, key and value, the name in a header.
//!
//! Parsing a large file spends nearly all of its time here, so these functions work on bytes; character patterns are several times
//! slower.

use memchr::{memchr, memchr2_iter};

use super::irregularity::Irregularity;

/// White space inside a line, by the file format.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];
pub(super) const COMMENT_SIGNS: [u8; 2] = *b"#;";

/// The bytes that a plain property can have before its `=`: ASCII, except controls, comment signs, the colon, and that sign.
static IS_OF_KEY: [bool; 256] = {
    let mut is_of_key = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        is_of_key[byte] = byte >= 0x20 || byte == b'\t' as usize;
        byte += 1;
    }
    is_of_key[b':' as usize] = false;
    is_of_key[b'=' as usize] = false;
    is_of_key[b'#' as usize] = false;
    is_of_key[b';' as usize] = false;
    is_of_key
};

/// The bytes that a name in a plain header can have: ASCII, except controls, comment signs, and the bracket that ends it.
static IS_OF_NAME: [bool; 256] = {
    let mut is_of_name = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        is_of_name[byte] = true;
        byte += 1;
    }
    is_of_name[b'#' as usize] = false;
    is_of_name[b';' as usize] = false;
    is_of_name[b']' as usize] = false;
    is_of_name
};

/// The bytes that can be part of an odd blank.
static IS_ODD: [bool; 256] = {
    let mut is_odd = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        is_odd[byte] = matches!(byte, 0x0b | 0x0c | 0x1c..=0x1f | 0x80..);
        byte += 1;
    }
    is_odd
};

/// Whether a text may start or end with an odd blank.
#[inline]
fn has_odd_end(text: &str) -> bool {
    let bytes = text.as_bytes();
    [bytes.first(), bytes.last()]
        .into_iter()
        .flatten()
        .any(|byte| is_odd(*byte))
}

/// The end of the first line of a text.
pub(super) fn end_of_line(text: &[u8]) -> usize {
    memchr(b'\n', text).map_or(text.len(), |at| at + 1)
}

/// The end of the first line of a text, if it is an ordinary property at the left margin. A fast path: none if in doubt.
pub(super) fn end_of_plain_property(text: &[u8]) -> Option<usize> {
    if !text.first()?.is_ascii_alphanumeric() {
        return None;
    }
    let sign = end_of_key(text);
    let value = text.get(sign..)?.strip_prefix(b"=")?;
    let end = end_of_line(value);
    if let [.., last, b'\r', b'\n'] | [.., last, b'\n'] | [.., last] = &value[..end]
        // Before blanks, there may be an odd one.
        && (is_odd(*last) || is_blank(*last))
    {
        return None;
    }
    // An empty value may have nested lines below.
    match value.iter().find(|byte| !is_blank(**byte))? {
        b'#' | b';' | b'\r' | b'\n' => None,
        byte if is_odd(*byte) => None,
        _ => Some(sign + 1 + end),
    }
}

/// Where the key of a plain property ends.
fn end_of_key(text: &[u8]) -> usize {
    let mut end = 0;
    // Most keys are of letters, underscores and spaces, of which eight are looked at together.
    while let Some(word) = text.get(end..).and_then(<[u8]>::first_chunk) {
        let others = neither_letters_nor_spaces(u64::from_le_bytes(*word));
        if others != 0 {
            end += others.trailing_zeros() as usize / 8;
            break;
        }
        end += 8;
    }
    let rest = text[end..].iter();
    end + rest
        .take_while(|byte| IS_OF_KEY[usize::from(**byte)])
        .count()
}

/// The highest bit of each byte that is neither a space nor one of ``@A-Z[\]^_`a-z{|}~`` and DEL.
fn neither_letters_nor_spaces(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let is_high = bytes & (0x80 * EACH);
    let low = bytes & (0x7f * EACH);
    let is_letter = low << 1;
    // No sum is more than 0xfe, so none reaches the next byte.
    let is_no_space = (low ^ (0x20 * EACH)) + 0x7f * EACH;
    (!is_letter & is_no_space & (0x80 * EACH)) | is_high
}

/// The name in the first line of a text and the end of that line, if it is an ordinary header at the left margin. A fast path: it
/// returns none if in doubt.
pub(super) fn plain_header(text: &str) -> Option<(&str, usize)> {
    if text.as_bytes().first() != Some(&b'[') {
        return None;
    }
    let inner = &text[1..];
    let bytes = inner.as_bytes();
    let end = bytes
        .iter()
        .take_while(|byte| IS_OF_NAME[usize::from(**byte)])
        .count();
    let line_ending = match &bytes[end..] {
        [b']', b'\n', ..] => 1,
        [b']', b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    let [first, .., last] = &bytes[..end] else {
        return None;
    };
    if is_blank(*first) || is_blank(*last) {
        return None;
    }
    Some((&inner[..end], 2 + end + line_ending))
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[inline]
pub(super) fn is_odd(byte: u8) -> bool {
    IS_ODD[usize::from(byte)]
}

/// A line without its line ending.
pub(super) fn content(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

pub(super) fn without_blanks_before(text: &str) -> &str {
    let start = text.bytes().position(|byte| !is_blank(byte));
    &text[start.unwrap_or(text.len())..]
}

pub(super) fn without_blanks_behind(text: &str) -> &str {
    let last = text.bytes().rposition(|byte| !is_blank(byte));
    &text[..last.map_or(0, |last| last + 1)]
}

fn without_blanks_around(text: &str) -> &str {
    without_blanks_behind(without_blanks_before(text))
}

/// A trimmed line up to an inline comment, whose sign must stand after white space.
pub(super) fn without_comment(trimmed: &str) -> &str {
    let bytes = trimmed.as_bytes();
    let [number_sign, semicolon] = COMMENT_SIGNS;
    let sign = memchr2_iter(number_sign, semicolon, bytes)
        .find(|sign| *sign > 0 && is_blank(bytes[sign - 1]));
    match sign {
        Some(sign) => without_blanks_behind(&trimmed[..sign]),
        None => trimmed,
    }
}

/// Key and value of a line without comment.
pub(super) fn split(line: &str) -> Result<(&str, &str, Option<Irregularity>), Irregularity> {
    let bytes = line.as_bytes();
    let sign = bytes.iter().position(|byte| matches!(byte, b'=' | b':'));
    let sign = sign.ok_or(Irregularity::NoEqualsSign)?;
    let irregularity = (bytes[sign] == b':').then_some(Irregularity::Colon);
    let key = without_blanks_around(&line[..sign]);
    if key.is_empty() {
        return Err(Irregularity::NoKey);
    }
    let value = without_blanks_around(&line[sign + 1..]);
    let odd = || {
        if !has_odd_end(value) && !key.bytes().any(is_odd) {
            return None;
        }
        let ends = value.chars().next().into_iter().chain(value.chars().last());
        let odd = key.chars().chain(ends).find(|c| is_odd_blank(*c));
        odd.map(Irregularity::OddBlank)
    };
    // Only after the key: with one before it, some tools read the line as part of the value above.
    let is_blank_behind = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    let key = key.trim_end_matches(is_blank_behind);
    if key.is_empty() {
        return Err(Irregularity::NoKey);
    }
    Ok((key, value, irregularity.or_else(odd)))
}

/// Whether a character looks like a space, is invisible, or is white space in Python, but is neither a space nor a tab.
pub(super) fn is_odd_blank(c: char) -> bool {
    let is_unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    matches!(c, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}')
        || !c.is_ascii() && (c.is_whitespace() || is_unseen)
}

/// The rest of a trimmed line from the value on; the value is a slice of the line.
pub(super) fn raw<'t>(trimmed: &'t str, value: &str) -> &'t str {
    let start = value.as_ptr().addr() - trimmed.as_ptr().addr();
    &trimmed[start..]
}

/// The name in a header, and what is wrong with it.
pub(super) fn header(trimmed: &str) -> (&str, Option<Irregularity>) {
    let sign = trimmed
        .bytes()
        .position(|byte| COMMENT_SIGNS.contains(&byte));
    let uncommented = without_blanks_behind(&trimmed[..sign.unwrap_or(trimmed.len())]);
    let regular = uncommented.strip_suffix(']');
    let inner = regular.or_else(|| trimmed.rsplit_once(']').map(|(inner, _)| inner));
    let inner = inner.and_then(|inner| inner.strip_prefix('['));
    let inner = inner.unwrap_or_default();
    let name = without_blanks_around(inner);
    let irregularity = match (name.is_empty(), regular) {
        (true, _) => Some(Irregularity::BadHeader),
        (false, None) => Some(Irregularity::AfterHeader),
        (false, Some(_)) if !inner.starts_with(name) => Some(Irregularity::BlanksBeforeName),
        (false, Some(_)) if name.len() < inner.len() => Some(Irregularity::BlanksBehindName),
        (false, Some(_)) if sign.is_some_and(|sign| trimmed[sign..].contains(']')) => {
            Some(Irregularity::BracketBehindHeader)
        }
        (false, Some(_)) if name.is_ascii() && !has_odd_end(name) => None,
        (false, Some(_)) => name
            .chars()
            .find(|c| is_odd_blank(*c))
            .map(Irregularity::OddBlank),
    };
    (name, irregularity)
}
