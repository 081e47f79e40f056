//! Sets and removes keys of one section in a text.

use std::borrow::Cow;
use std::fmt;

use super::line::{Line, LineKind, Lines};
use super::parts::{BLANKS, content};

/// What to do with one key.
#[derive(Clone)]
pub enum Change<'v> {
    /// Sets a key. It stays in its place; a new key goes after the last property of the section.
    Set(&'static str, Cow<'v, str>),
    /// Removes a key with its whole value.
    Remove(&'static str),
}

impl Change<'_> {
    /// The key that changes.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Set(key, _) | Self::Remove(key) => key,
        }
    }
}

/// Why an edit is not made.
#[derive(Debug, Eq, PartialEq)]
pub enum Uneditable {
    /// A name or a value that a file cannot represent, because it would be read as something else. Names what it is for.
    Unwritable(String),
    /// The section has a malformed line, which could become part of a value. Its number, counted from 1.
    Malformed(usize),
    /// A value that would be replaced has continuation lines, which may be meant as something else. The number of the first one,
    /// counted from 1.
    Continued(usize),
}

impl fmt::Display for Uneditable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwritable(what) => write!(f, "it cannot store this value of {what}"),
            Self::Malformed(line) => write!(f, "line {line} is malformed"),
            Self::Continued(line) => {
                write!(f, "line {line} continues a value that would be replaced")
            }
        }
    }
}

impl std::error::Error for Uneditable {}

/// Makes the changes in the section with this name (the last one, if there are several), or in a new one at the end. Nothing else
/// changes, except that a last line without a line ending gets one if something is added after it.
///
/// Lines that are changed become `key = value` with their old indentation, as aws-mfa writes them; an inline comment there
/// moves to a line of its own, because some tools would read it as part of the value.
///
/// # Errors
/// [`Uneditable`]: a value with a line break, or with blanks or a comment at its ends; a section with a malformed line, or
/// with more lines to a value than one.
pub fn edit(text: &str, section: &str, changes: &[Change<'_>]) -> Result<String, Uneditable> {
    check(section, changes)?;
    let line_end = line_ending(text);
    Ok(match body_of(text, section) {
        Some(Body { start, end, line }) => {
            check_body(Lines::of_body(&text[start..end], line), changes)?;
            let mut new = String::with_capacity(text.len() + 1024);
            new.push_str(&text[..start]);
            edit_body(&mut new, &text[start..end], &text[end..], changes, line_end);
            new.push_str(&text[end..]);
            new
        }
        None => with_new_section(text, section, changes, line_end),
    })
}

/// How the lines of a text end.
pub(super) fn line_ending(text: &str) -> &'static str {
    let first = text.lines().next();
    if first.is_some_and(|line| text[line.len()..].starts_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    }
}

fn check(section: &str, changes: &[Change<'_>]) -> Result<(), Uneditable> {
    let unwritable = |what: &str| Uneditable::Unwritable(what.to_owned());
    if section.is_empty()
        || section.trim_matches(BLANKS) != section
        || section.contains(|c: char| c.is_control() || "[]#;".contains(c))
    {
        return Err(unwritable("the section name"));
    }
    for change in changes {
        if let Change::Set(key, value) = change {
            let reads_back = value.trim() == value
                && !value.starts_with(['#', ';'])
                && ![" #", " ;", "\t#", "\t;"]
                    .iter()
                    .any(|sign| value.contains(sign));
            if !reads_back || value.contains(char::is_control) {
                return Err(unwritable(key));
            }
        }
    }
    Ok(())
}

/// Refuses to edit the lines of a body if that would lose something.
pub(super) fn check_body<'t>(
    lines: impl Iterator<Item = (usize, Line<'t>)>,
    changes: &[Change<'_>],
) -> Result<(), Uneditable> {
    let mut inside_changed = false;
    for (_, line) in lines {
        match line.kind {
            LineKind::Malformed => return Err(Uneditable::Malformed(line.number)),
            LineKind::Property(property) => {
                inside_changed = changes.iter().any(|change| property.is(change.key()));
            }
            LineKind::Continuation { .. } if inside_changed => {
                return Err(Uneditable::Continued(line.number));
            }
            LineKind::Continuation { .. }
            | LineKind::Blank
            | LineKind::Comment
            | LineKind::Header { .. } => {}
        }
    }
    Ok(())
}

/// Where the lines below a header are.
pub(super) struct Body {
    pub start: usize,
    pub end: usize,
    /// The number of the first line, counted from 1.
    line: usize,
}

/// The body of the last section with this name.
pub(super) fn body_of(text: &str, section: &str) -> Option<Body> {
    let mut found: Option<Body> = None;
    let mut inside = false;
    let mut lines = Lines::of_file(text);
    while let Some(line) = lines.next_of_structure() {
        let Some(name) = line.header else { continue };
        if inside && let Some(body) = &mut found {
            body.end = line.start;
        }
        inside = name == section;
        if inside {
            found = Some(Body {
                start: line.end,
                end: text.len(),
                line: line.number + 1,
            });
        }
    }
    found
}

/// Adds the changed lines of a body to a text. The rest is what follows the body.
pub(super) fn edit_body(
    new: &mut String,
    body: &str,
    rest: &str,
    changes: &[Change<'_>],
    line_end: &str,
) {
    let mut missing: Vec<(&str, &str)> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Set(key, value) => Some((*key, value.as_ref())),
            Change::Remove(_) => None,
        })
        .collect();
    let mut indent = "";
    // New keys go here, after the last property: comments further down may belong to the next section.
    let mut after_properties = new.len();
    for (_, line) in Lines::of_body(body, 1) {
        if let LineKind::Property(property) = line.kind {
            let change = changes.iter().find(|change| property.is(change.key()));
            if let (Some(comment), Some(_)) = (property.comment, change) {
                // At the left margin: some tools read an indented comment as part of the value above.
                push_line(new, "", comment, line_end);
            }
            match change {
                None => new.push_str(line.text),
                Some(Change::Set(key, value)) => {
                    missing.retain(|(set, _)| set != key);
                    let own_ending = &line.text[content(line.text).len()..];
                    push_line(
                        new,
                        property.indent,
                        &format!("{key} = {value}"),
                        own_ending,
                    );
                }
                Some(Change::Remove(_)) => {}
            }
            indent = property.indent;
            after_properties = new.len();
        } else {
            new.push_str(line.text);
            if let LineKind::Continuation { .. } = line.kind {
                after_properties = new.len();
            }
        }
    }
    // A header that is indented deeper than the line above it would be read as part of that line's value.
    let header_indent = &rest[..rest.len() - rest.trim_start_matches(BLANKS).len()];
    if header_indent.len() > indent.len() {
        indent = header_indent;
    }
    let end = new.split_off(after_properties);
    for (key, value) in missing {
        finish_line(new, line_end);
        push_line(new, indent, &format!("{key} = {value}"), line_end);
    }
    new.push_str(&end);
}

fn with_new_section(text: &str, section: &str, changes: &[Change<'_>], line_end: &str) -> String {
    let mut new = text.to_owned();
    finish_line(&mut new, line_end);
    let last_line = content(&new).rsplit('\n').next().unwrap_or_default();
    if !last_line.trim().trim_start_matches('\u{feff}').is_empty() {
        new.push_str(line_end);
    }
    push_line(&mut new, "", &format!("[{section}]"), line_end);
    edit_body(&mut new, "", "", changes, line_end);
    new
}

fn push_line(new: &mut String, indent: &str, text: &str, line_end: &str) {
    new.push_str(indent);
    new.push_str(text);
    new.push_str(line_end);
}

/// Ends a last line that has no line ending.
fn finish_line(new: &mut String, line_end: &str) {
    if !new.is_empty() && !new.ends_with('\n') {
        new.push_str(line_end);
    }
}
