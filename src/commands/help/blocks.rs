//! Reads the blocks that a terminal and a manual page are made of from the form into which `src/build/guides.rs` turns a guide.

use super::format::{CODE, EMPHASIS, END, FIELD, STRONG};

/// A part of a guide, from top to bottom.
pub(super) enum Block {
    /// A heading of this level, from 1.
    Heading(u8, Text),
    Paragraph(Text),
    /// An item of a list: how deep it is nested from 0, what it begins with (`-` or `1.`), and its text.
    Item(usize, String, Text),
    /// Lines that are shown as they are.
    Code(String),
    /// The rows of a table. The first names the columns.
    Table(Vec<Vec<Text>>),
}

/// Running text.
pub(super) type Text = Vec<Span>;

/// A piece of running text in one style.
pub(super) struct Span {
    pub(super) style: Style,
    pub(super) text: String,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    Plain,
    Strong,
    Emphasis,
    /// A command, a flag, a key.
    Code,
}

/// The blocks of a guide.
pub(super) fn read(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in guide.lines() {
        let mut fields = line.split(FIELD);
        let kind = fields.next().unwrap_or_default();
        let block = match kind {
            "c" => Block::Code(fields.collect::<Vec<_>>().join("\n")),
            "t" => Block::Table(vec![fields.map(text).collect()]),
            "r" => {
                if let Some(Block::Table(rows)) = blocks.last_mut() {
                    rows.push(fields.map(text).collect());
                }
                continue;
            }
            "i" => {
                let mut next = || fields.next().unwrap_or_default();
                let (depth, marker) = (next().parse().unwrap_or_default(), next().to_owned());
                Block::Item(depth, marker, text(next()))
            }
            _ => {
                let text = text(fields.next().unwrap_or_default());
                match kind.parse() {
                    Ok(level) => Block::Heading(level, text),
                    Err(_) => Block::Paragraph(text),
                }
            }
        };
        blocks.push(block);
    }
    blocks
}

fn text(field: &str) -> Text {
    let pieces = field.split_inclusive([CODE, STRONG, EMPHASIS, END]);
    let mut style = Style::Plain;
    let mut text = Text::new();
    for piece in pieces {
        let shown = piece.trim_end_matches([CODE, STRONG, EMPHASIS, END]);
        if !shown.is_empty() {
            text.push(Span {
                style,
                text: shown.to_owned(),
            });
        }
        style = match piece.chars().last() {
            Some(CODE) => Style::Code,
            Some(STRONG) => Style::Strong,
            Some(EMPHASIS) => Style::Emphasis,
            _ => Style::Plain,
        };
    }
    text
}
