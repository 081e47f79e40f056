//! Decides what each line is, from the lines before it.

use std::borrow::Cow;

use super::irregularity::Irregularity;
use super::parts::{
    COMMENT_SIGNS, content, end_of_line, end_of_plain_property, header, is_odd, is_odd_blank,
    plain_header, raw, split, without_blanks_before, without_blanks_behind, without_comment,
};

pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A line with its line ending.
pub(super) struct Line<'t> {
    /// Counted from 1.
    pub number: usize,
    pub text: &'t str,
    pub kind: LineKind<'t>,
    pub irregularity: Option<Irregularity>,
}

/// A line that matters beyond its section.
pub(super) struct Structure<'t> {
    /// Counted from 1.
    pub number: usize,
    /// Where it starts.
    pub start: usize,
    /// Where the next line starts.
    pub end: usize,
    /// The name in it, if it is a header.
    pub header: Option<&'t str>,
    pub irregularity: Option<Irregularity>,
}

/// What a line is.
pub(super) enum LineKind<'t> {
    Blank,
    /// A comment of its own, indented or not.
    Comment,
    /// An empty name: a malformed header. The lines below it belong to no section.
    Header {
        name: &'t str,
    },
    Property(Property<'t>),
    /// More of the value above, trimmed.
    Continuation {
        text: &'t str,
    },
    /// Not a valid line.
    Malformed,
}

/// `key = value`, and its place.
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
    /// Whether this is the property with that key, which is case-insensitive.
    pub fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// The value as written, with an inline comment.
    pub fn raw_value(&self) -> String {
        [&[self.raw][..], &self.continuations].concat().join("\n")
    }

    /// Whether an inline comment follows the value.
    pub fn has_comment(&self) -> bool {
        self.comment.is_some()
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
    /// The lines of a whole file; a byte order mark at its start is ignored.
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

    /// The lines below a header; the first one has this number.
    pub(super) fn of_body(text: &'t str, number: usize) -> Self {
        Self {
            rest: text,
            position: 0,
            number,
            in_section: true,
            open: None,
        }
    }

    /// The next header, or another line that is neither blank nor a plain property: those matter only within their section.
    pub(super) fn next_of_structure(&mut self) -> Option<Structure<'t>> {
        self.pass_plain();
        let (start, number) = (self.position, self.number);
        let (header, irregularity) = if let Some((name, end)) = plain_header(self.rest) {
            self.in_section = true;
            self.open = None;
            self.take(end);
            (Some(name), None)
        } else {
            let (_, line) = self.next()?;
            let header = match line.kind {
                LineKind::Header { name } => Some(name),
                _ => None,
            };
            (header, line.irregularity)
        };
        Some(Structure {
            number,
            start,
            end: self.position,
            header,
            irregularity,
        })
    }

    fn pass_plain(&mut self) {
        if !self.in_section {
            return;
        }
        let text = self.rest.as_bytes();
        let (mut end, mut count, mut has_property) = (0, 0, false);
        loop {
            let rest = &text[end..];
            end += match rest {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => match end_of_plain_property(rest) {
                    Some(end) => {
                        has_property = true;
                        end
                    }
                    None => break,
                },
            };
            count += 1;
        }
        if has_property {
            self.open = Some(Open {
                indent: 0,
                nested: false,
            });
        }
        self.rest = &self.rest[end..];
        self.position += end;
        self.number += count;
    }

    /// Moves past a line of this length.
    fn take(&mut self, length: usize) -> &'t str {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.position += length;
        self.number += 1;
        text
    }

    fn classify(&mut self, text: &'t str, number: usize) -> (LineKind<'t>, Option<Irregularity>) {
        let content = content(text);
        let unindented = without_blanks_before(content);
        let trimmed = without_blanks_behind(unindented);
        if trimmed.as_bytes().first().is_some_and(|byte| is_odd(*byte))
            && let Some(blank) = trimmed.chars().next()
            && trimmed.chars().all(is_odd_blank)
        {
            return (LineKind::Blank, Some(Irregularity::OddBlank(blank)));
        }
        match trimmed.as_bytes() {
            [] => return (LineKind::Blank, None),
            [first, ..] if COMMENT_SIGNS.contains(first) => return (LineKind::Comment, None),
            _ => {}
        }
        let indent = &content[..content.len() - unindented.len()];
        if let Some(open) = &self.open
            && indent.len() > open.indent
        {
            if open.nested
                && let Err(_malformed) = split(without_comment(trimmed))
            {
                return (LineKind::Malformed, Some(Irregularity::BadNested));
            }
            return (LineKind::Continuation { text: trimmed }, None);
        }
        let indented = (!indent.is_empty()).then_some(Irregularity::Indented);
        if trimmed.starts_with('[') {
            self.in_section = true;
            self.open = None;
            let (name, irregularity) = header(trimmed);
            return (LineKind::Header { name }, irregularity.or(indented));
        }
        if !self.in_section {
            return (LineKind::Malformed, Some(Irregularity::OutsideSection));
        }
        let uncommented = without_comment(trimmed);
        match split(uncommented) {
            Ok((key, first, irregularity)) => {
                self.open = Some(Open {
                    indent: indent.len(),
                    nested: first.is_empty(),
                });
                let comment = without_blanks_before(&trimmed[uncommented.len()..]);
                let property = Property {
                    key,
                    line: number,
                    indent,
                    first,
                    raw: raw(trimmed, first),
                    comment: (!comment.is_empty()).then_some(comment),
                    continuations: Vec::new(),
                };
                (LineKind::Property(property), irregularity.or(indented))
            }
            Err(irregularity) => (LineKind::Malformed, Some(irregularity)),
        }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, Line<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (start, number) = (self.position, self.number);
        let text = self.take(end_of_line(self.rest.as_bytes()));
        let (kind, irregularity) = self.classify(text, number);
        let line = Line {
            number,
            text,
            kind,
            irregularity,
        };
        Some((start, line))
    }
}
