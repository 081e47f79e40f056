//! One line at a time: what it is, by the lines before it.

use std::borrow::Cow;
use std::fmt;

/// What the file format takes for white space inside a line.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];
const COMMENT_SIGNS: [char; 2] = ['#', ';'];
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A line with its line ending.
pub(super) struct Line<'t> {
    /// Counted from 1.
    pub number: usize,
    pub text: &'t str,
    pub kind: Kind<'t>,
    pub irregularity: Option<Irregularity>,
}

/// What a line is.
pub(super) enum Kind<'t> {
    Blank,
    /// A comment of its own, indented or not.
    Comment,
    /// Empty name: a header that cannot be read. What follows belongs to no section.
    Header {
        name: &'t str,
    },
    Property(Property<'t>),
    /// More of the value above, trimmed.
    Continuation {
        text: &'t str,
    },
    /// Nothing that can be read.
    Malformed,
}

/// `key = value`, and where it stands.
#[derive(Debug, Eq, PartialEq)]
pub struct Property<'t> {
    /// As written.
    pub key: &'t str,
    /// Counted from 1.
    pub line: usize,
    pub(super) indent: &'t str,
    pub(super) first: &'t str,
    /// The first line of the value with its inline comment.
    pub(super) raw: &'t str,
    /// An inline comment with its sign, without the blanks around it.
    pub(super) comment: Option<&'t str>,
    pub(super) continuations: Vec<&'t str>,
}

impl<'t> Property<'t> {
    /// Whether this is the property of that key; the case does not count.
    pub fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// The value as written, with an inline comment.
    pub fn raw_value(&self) -> String {
        [&[self.raw][..], &self.continuations].concat().join("\n")
    }

    /// How many lines the value has.
    pub fn lines(&self) -> usize {
        1 + self.continuations.len()
    }

    /// The value, its lines joined by `\n`.
    pub fn value(&self) -> Cow<'t, str> {
        if self.continuations.is_empty() {
            return Cow::Borrowed(self.first);
        }
        let mut value = self.first.to_owned();
        for line in &self.continuations {
            value.push('\n');
            value.push_str(line);
        }
        Cow::Owned(value)
    }
}

/// What is not as the format wants it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Irregularity {
    /// Neither `=` nor `:`.
    NoEqualsSign,
    /// Nothing before the `=`.
    NoKey,
    /// A property before the first header.
    OutsideSection,
    /// A header without `]`, or without a name.
    BadHeader,
    /// Under an empty value there can only be nested `key = value` lines.
    BadNested,
    /// `key : value`: read, though the AWS SDKs refuse it, or take the colon for a part of the key.
    Colon,
    /// A section whose lines are indented: read, though the AWS SDKs refuse it.
    Indented,
    /// Text after `]`: passed over, though the AWS SDKs refuse it.
    AfterHeader,
}

impl Irregularity {
    /// Whether the line has no reading at all.
    pub fn is_malformed(self) -> bool {
        !matches!(self, Self::Colon | Self::Indented | Self::AfterHeader)
    }

    /// What comes of it.
    pub fn consequence(self) -> &'static str {
        if self.is_malformed() {
            "AWS tools refuse the file for it"
        } else {
            "some AWS SDKs refuse the file for it"
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEqualsSign => "has no `=`",
            Self::NoKey => "has no name before the `=`",
            Self::OutsideSection => "stands before the first section",
            Self::BadHeader => "is not a complete section header like `[name]`",
            Self::BadNested => "is not `key = value`, as must be below an empty value",
            Self::Colon => "has `:` in place of `=`",
            Self::Indented => "is indented",
            Self::AfterHeader => "has text after the section header",
        })
    }
}

/// The lines of a text with the place where each starts.
pub(super) struct Lines<'t> {
    rest: &'t str,
    position: usize,
    number: usize,
    in_section: bool,
    open: Option<Open>,
}

/// The property that a deeper indented line continues.
struct Open {
    indent: usize,
    nested: bool,
}

impl<'t> Lines<'t> {
    /// A whole file; a byte order mark at its start is passed over.
    pub(super) fn of_file(text: &'t str) -> Self {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Self {
            rest,
            position: text.len() - rest.len(),
            number: 1,
            in_section: false,
            open: None,
        }
    }

    /// What follows a header whose next line has this number.
    pub(super) fn of_body(text: &'t str, number: usize) -> Self {
        Self {
            rest: text,
            position: 0,
            number,
            in_section: true,
            open: None,
        }
    }

    fn classify(&mut self, text: &'t str) -> (Kind<'t>, Option<Irregularity>) {
        let content = content(text);
        let trimmed = content.trim_matches(BLANKS);
        if trimmed.is_empty() {
            return (Kind::Blank, None);
        }
        if trimmed.starts_with(COMMENT_SIGNS) {
            return (Kind::Comment, None);
        }
        let indent = &content[..content.len() - content.trim_start_matches(BLANKS).len()];
        if let Some(open) = &self.open
            && indent.len() > open.indent
        {
            if open.nested
                && let Err(_malformed) = split(without_comment(trimmed))
            {
                return (Kind::Malformed, Some(Irregularity::BadNested));
            }
            return (Kind::Continuation { text: trimmed }, None);
        }
        let indented = (!indent.is_empty()).then_some(Irregularity::Indented);
        if trimmed.starts_with('[') {
            self.in_section = true;
            self.open = None;
            let (name, irregularity) = header(trimmed);
            return (Kind::Header { name }, irregularity.or(indented));
        }
        if !self.in_section {
            return (Kind::Malformed, Some(Irregularity::OutsideSection));
        }
        let uncommented = without_comment(trimmed);
        match split(uncommented) {
            Ok((key, first, irregularity)) => {
                self.open = Some(Open {
                    indent: indent.len(),
                    nested: first.is_empty(),
                });
                let comment = trimmed[uncommented.len()..].trim_start_matches(BLANKS);
                let property = Property {
                    key,
                    line: self.number,
                    indent,
                    first,
                    raw: raw(trimmed, first),
                    comment: (!comment.is_empty()).then_some(comment),
                    continuations: Vec::new(),
                };
                (Kind::Property(property), irregularity.or(indented))
            }
            Err(irregularity) => (Kind::Malformed, Some(irregularity)),
        }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, Line<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (text, rest) = self.rest.split_at(end);
        let start = self.position;
        let (kind, irregularity) = self.classify(text);
        let line = Line {
            number: self.number,
            text,
            kind,
            irregularity,
        };
        self.rest = rest;
        self.position += end;
        self.number += 1;
        Some((start, line))
    }
}

/// A line without its line ending.
pub(super) fn content(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// A trimmed line up to an inline comment, whose sign must stand after white space.
fn without_comment(trimmed: &str) -> &str {
    let bytes = trimmed.as_bytes();
    let sign = bytes
        .windows(2)
        .position(|pair| matches!(pair, [b' ' | b'\t', b'#' | b';']));
    match sign {
        Some(blank) => trimmed[..blank].trim_end_matches(BLANKS),
        None => trimmed,
    }
}

/// Key and value of a line without comment.
fn split(line: &str) -> Result<(&str, &str, Option<Irregularity>), Irregularity> {
    let colon = line
        .split_once(':')
        .filter(|(before, _)| !before.contains('='));
    let (key, value, irregularity) = match (colon, line.split_once('=')) {
        (Some((key, value)), _) => (key, value, Some(Irregularity::Colon)),
        (None, Some((key, value))) => (key, value, None),
        (None, None) => return Err(Irregularity::NoEqualsSign),
    };
    let key = key.trim_matches(BLANKS);
    if key.is_empty() {
        return Err(Irregularity::NoKey);
    }
    Ok((key, value.trim_matches(BLANKS), irregularity))
}

/// What stands in a trimmed line from the value on, which is a part of it.
fn raw<'t>(trimmed: &'t str, value: &str) -> &'t str {
    let start = value.as_ptr().addr() - trimmed.as_ptr().addr();
    &trimmed[start..]
}

/// The name in a header, and what is wrong with it.
fn header(trimmed: &str) -> (&str, Option<Irregularity>) {
    let uncommented = trimmed
        .split(COMMENT_SIGNS)
        .next()
        .unwrap_or_default()
        .trim_end_matches(BLANKS);
    let regular = uncommented.strip_suffix(']');
    let inner = regular.or_else(|| trimmed.rsplit_once(']').map(|(inner, _)| inner));
    let name = inner
        .and_then(|inner| inner.strip_prefix('['))
        .unwrap_or_default()
        .trim_matches(BLANKS);
    let irregularity = match (name.is_empty(), regular) {
        (true, _) => Some(Irregularity::BadHeader),
        (false, None) => Some(Irregularity::AfterHeader),
        (false, Some(_)) => None,
    };
    (name, irregularity)
}
