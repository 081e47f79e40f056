//! Parses the two AWS files without losing a byte, and edits them so that all other bytes stay.
//!
//! It reads files as the AWS SDKs do (the [shared file format]). If an SDK would reject a whole file that aws-mfa and the AWS CLI
//! accept, it reads the file as they do and records an [`Irregularity`]. Where the readers disagree:
//!
//! | written | AWS SDKs | AWS CLI v1, boto3, aws-mfa | here |
//! |---|---|---|---|
//! | `key = value # text` | comment | part of the value | comment; moved to a line of its own when the value is replaced |
//! | `key : value` | error | property | property, noted |
//! | `k:x = v` | key `k:x` | key `k` | key `k`, noted |
//! | `  # text` | part of the value above | comment | comment |
//! | properties that are all indented | error | properties | properties, noted |
//! | text after `]` | error | ignored | ignored, noted |
//! | `[  a  ]` | `a` | `  a  ` | `a`, noted |
//! | a no-break space around key or value | part of them | blank | blank, noted; before the key as in the SDKs |
//! | a lone carriage return | part of the line | end of the line | part of the line, noted |
//! | VT, FF, U+001C to U+001F at the start of a line | part of the key | indentation | part of the key, noted |
//! | `[a] # ]` | `a` | `a] # ` | `a`, noted |
//! | byte order mark | error | error | preserved and ignored, noted |
//! | a section twice | merged, the last value wins | error | the last value wins; refused where it matters |
//! | a key twice | the last value wins | error | the last value wins; refused where it matters |
//! | `[DEFAULT]` | a profile | aws-mfa: inherited by all | inherited by the long-term section |
//! | a malformed line | error for the whole file | error for the whole file | noted; an error in the sections that matter |
//!
//! [shared file format]: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

mod removal;
mod edit;
mod irregularity;
mod line;
mod parts;

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr_iter, memchr2_iter};

pub use self::edit::{Change, Uneditable, edit};
pub use self::irregularity::{Harm, Irregularity};
pub use self::line::Property;
use self::line::{BYTE_ORDER_MARK, LineKind, Lines};
pub use self::removal::clear;

/// A parsed file. It borrows the text and copies none of it.
pub struct Document<'t> {
    sections: Vec<Section<'t>>,
    notes: Vec<Note>,
    /// Built before many look-ups.
    index: Option<Index<'t>>,
}

struct Index<'t> {
    /// Where the sections of each name are.
    places: HashMap<&'t str, Vec<usize>>,
    /// The names that could be written in another way.
    odd: Vec<&'t str>,
}

/// One `[header]` with what follows it, up to the next header. A name may come more than once.
pub struct Section<'t> {
    name: &'t str,
    /// The header's line number, counted from 1.
    line: usize,
    body: &'t str,
}

/// A line that breaks the format.
#[derive(Debug, Eq, PartialEq)]
pub struct Note {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: Irregularity,
    /// Which section it is in, by its place in the file; none before the first header.
    section: Option<usize>,
}

impl<'t> Document<'t> {
    /// Parses a text. Every text can be parsed; its problems are in [`Document::notes`].
    pub fn parse(text: &'t str) -> Self {
        let mut sections: Vec<Section<'t>> = Vec::new();
        let mut notes = Vec::new();
        if text.starts_with(BYTE_ORDER_MARK) {
            notes.push(Note {
                line: 1,
                what: Irregularity::ByteOrderMark,
                section: None,
            });
        }
        let mut body = 0;
        let mut lines = Lines::of_file(text);
        while let Some(line) = lines.next_of_structure() {
            if let Some(name) = line.header {
                if let Some(last) = sections.last_mut() {
                    last.body = &text[body..line.start];
                }
                body = line.end;
                sections.push(Section {
                    name,
                    line: line.number,
                    body: "",
                });
            }
            if let Some(what) = line.irregularity {
                notes.push(Note {
                    line: line.number,
                    what,
                    section: sections.len().checked_sub(1),
                });
            }
        }
        if let Some(last) = sections.last_mut() {
            last.body = &text[body..];
        }
        notes.extend(lone_carriage_return(text, &sections));
        Self {
            sections,
            notes,
            index: None,
        }
    }

    /// Builds an index, for many look-ups in a large file.
    pub fn index(&mut self) {
        let mut places: HashMap<&'t str, Vec<usize>> = HashMap::new();
        for (place, section) in self.sections.iter().enumerate() {
            places.entry(section.name).or_default().push(place);
        }
        let odd = self.names().filter(|name| is_odd(name)).collect();
        self.index = Some(Index { places, odd });
    }

    /// The sections of this name, in the order of the file.
    pub fn sections<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d Section<'t>> {
        let (indexed, searched) = match &self.index {
            Some(index) => {
                let places = index.places.get(name).map(Vec::as_slice);
                (places.unwrap_or_default(), &[][..])
            }
            None => (&[][..], &self.sections[..]),
        };
        let searched = searched.iter().filter(move |section| section.name == name);
        let indexed = indexed.iter().map(|place| &self.sections[*place]);
        indexed.chain(searched)
    }

    /// Whether there is a section of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sections(name).next().is_some()
    }

    /// All sections, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = &Section<'t>> {
        self.sections.iter()
    }

    /// The names of all sections, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.sections.iter().map(|section| section.name)
    }

    /// The names that could be written in another way: with quotation marks, or more than one blank in a row.
    pub fn odd_names(&self) -> impl Iterator<Item = &'t str> {
        let indexed = self.index.as_ref().map(|index| index.odd.iter().copied());
        let searched = self.index.is_none().then(|| self.names());
        let searched = searched.into_iter().flatten();
        let odd = searched.filter(|name| is_odd(name));
        indexed.into_iter().flatten().chain(odd)
    }

    /// The value of a key in the sections of this name. As in the AWS SDKs, the last one wins, and keys are case-insensitive.
    pub fn get(&self, section: &str, key: &str) -> Option<Cow<'t, str>> {
        self.sections(section)
            .filter(|section| section.mentions(key))
            .flat_map(Section::properties)
            .filter(|property| property.is(key))
            .last()
            .map(|property| property.value())
    }

    /// Whether a key may be in the sections of this name: it is mentioned there. For several keys, this costs less than [`Self::get`].
    pub fn may_have(&self, section: &str, keys: &[&str]) -> bool {
        let mut sections = self.sections(section);
        sections.any(|section| keys.iter().any(|key| section.mentions(key)))
    }

    /// Whether every line is plain, so that all parsers agree: no continuation, no indented comment, no backslash at the end of a line,
    /// nothing irregular.
    pub fn is_plain(&self) -> bool {
        let is_plain = |note: &Note| note.what == Irregularity::ByteOrderMark;
        self.notes.iter().all(is_plain) && self.sections.iter().all(Section::is_plain)
    }

    /// The lines that break the format.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether a note is about a section of this name.
    pub fn is_in(&self, note: &Note, section: &str) -> bool {
        note.section
            .is_some_and(|index| self.sections[index].name == section)
    }
}

/// The first carriage return that ends no line.
fn lone_carriage_return(text: &str, sections: &[Section<'_>]) -> Option<Note> {
    let bytes = text.as_bytes();
    let at = memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'))?;
    let line = memchr_iter(b'\n', &bytes[..at]).count() + 1;
    let before = sections.partition_point(|section| section.line <= line);
    Some(Note {
        line,
        what: Irregularity::LoneCarriageReturn,
        section: before.checked_sub(1),
    })
}

fn is_odd(name: &str) -> bool {
    name.contains(['"', '\'', '\t']) || name.contains("  ")
}

impl<'t> Section<'t> {
    /// The text between the brackets, trimmed; empty if the header is malformed.
    pub fn name(&self) -> &'t str {
        self.name
    }

    /// The header's line number, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    fn is_plain(&self) -> bool {
        Lines::of_body(self.body, self.line + 1).all(|(_, line)| match line.kind {
            LineKind::Continuation { .. } => false,
            LineKind::Comment => !line.text.starts_with([' ', '\t']),
            _ => !line.text.trim_end().ends_with('\\'),
        })
    }

    /// Whether a text is in the body, in upper or lower case. Most keys that are looked for are not there, and this costs much less than
    /// the properties.
    fn mentions(&self, text: &str) -> bool {
        let (body, text) = (self.body.as_bytes(), text.as_bytes());
        let Some(first) = text.first() else {
            return true;
        };
        memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), body).any(|at| {
            let found = body.get(at..at + text.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(text))
        })
    }

    /// The properties, in the order of the file, with their continuation lines.
    pub fn properties(&self) -> Vec<Property<'t>> {
        let mut properties: Vec<Property<'t>> = Vec::new();
        for (_, line) in Lines::of_body(self.body, self.line + 1) {
            match line.kind {
                LineKind::Property(property) => properties.push(property),
                LineKind::Continuation { text } => {
                    if let Some(last) = properties.last_mut() {
                        last.continuations.push(text);
                    }
                }
                LineKind::Blank
                | LineKind::Comment
                | LineKind::Header { .. }
                | LineKind::Malformed => {}
            }
        }
        properties
    }
}

#[cfg(test)]
mod tests;
