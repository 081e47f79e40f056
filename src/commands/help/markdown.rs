//! Reads the Markdown of a guide into the blocks that a terminal and a manual page are made of.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A part of a guide, from top to bottom.
pub(super) enum Block {
    Heading(HeadingLevel, Text),
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

/// What is being read.
#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    text: Text,
    row: Vec<Text>,
    rows: Vec<Vec<Text>>,
    /// The number of the next item in each open list; none where it has bullets.
    lists: Vec<Option<u64>>,
    style: Option<Style>,
    /// Where an open link leads, and where its text begins.
    link: Option<(String, usize)>,
    is_code: bool,
}

/// The blocks of a guide.
pub(super) fn parse(markdown: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(tag) => reader.start(tag),
            Event::End(tag) => reader.end(tag),
            Event::Text(text) if reader.is_code => reader.add(Style::Code, &text),
            Event::Text(text) => reader.add(reader.style.unwrap_or(Style::Plain), &text),
            Event::Code(text) => reader.add(Style::Code, &text),
            Event::SoftBreak | Event::HardBreak => reader.add(Style::Plain, " "),
            _ => {}
        }
    }
    reader.blocks
}

impl Reader {
    fn add(&mut self, style: Style, text: &str) {
        self.text.push(Span {
            style,
            text: text.to_owned(),
        });
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            // The text of an item ends where a list below it begins.
            Tag::List(first) => {
                self.end_item();
                self.lists.push(first);
            }
            Tag::CodeBlock(kind) => {
                self.end_item();
                self.is_code = matches!(kind, CodeBlockKind::Fenced(_) | CodeBlockKind::Indented);
            }
            Tag::Strong => self.style = Some(Style::Strong),
            Tag::Emphasis => self.style = Some(Style::Emphasis),
            Tag::Link { dest_url, .. } => {
                self.link = Some((dest_url.to_string(), self.text.len()));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Heading(level, text));
            }
            TagEnd::Paragraph if self.lists.is_empty() => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Paragraph(text));
            }
            TagEnd::Paragraph | TagEnd::Item => self.end_item(),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => {
                let lines = std::mem::take(&mut self.text).into_iter();
                let lines = lines.map(|span| span.text).collect();
                self.blocks.push(Block::Code(lines));
                self.is_code = false;
            }
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(std::mem::take(&mut self.row)),
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.blocks.push(Block::Table(rows));
            }
            TagEnd::Strong | TagEnd::Emphasis => self.style = None,
            TagEnd::Link => self.end_link(),
            _ => {}
        }
    }

    /// Ends the text of an item, which may have come already.
    fn end_item(&mut self) {
        let text = std::mem::take(&mut self.text);
        let depth = self.lists.len();
        let Some(number) = self.lists.last_mut() else {
            self.text = text;
            return;
        };
        if text.is_empty() {
            return;
        }
        let marker = match number {
            Some(number) => {
                *number += 1;
                format!("{}.", *number - 1)
            }
            None => "-".to_owned(),
        };
        self.blocks.push(Block::Item(depth - 1, marker, text));
    }

    /// Writes after the text of a link where it leads: to a guide by the command that shows it, elsewhere by its address.
    fn end_link(&mut self) {
        let Some((link, start)) = self.link.take() else {
            return;
        };
        let file = link.split('#').next().unwrap_or_default();
        match file.strip_suffix(".md") {
            Some(name) if !name.contains('/') => {
                let text: String = self.text[start..].iter().map(|span| &*span.text).collect();
                let command = format!("mfa-creds help {name}");
                // The name of a guide alone says no more than the command does.
                if text.replace(' ', "-") == name {
                    self.text.truncate(start);
                    self.add(Style::Code, &command);
                } else {
                    self.add(Style::Plain, " (");
                    self.add(Style::Code, &command);
                    self.add(Style::Plain, ")");
                }
            }
            _ if link.starts_with("https:") => self.add(Style::Plain, &format!(" ({link})")),
            // A heading of the same guide, or a file of the repository.
            _ => {}
        }
    }
}
