//! Turns the Markdown of the guides into a form that the program shows without a Markdown parser. The parser would add 300,000 bytes to it.
//!
//! A line for each block: a letter, then fields separated by [`FIELD`]. In text, a piece of another style begins with the character for
//! that style and ends with [`END`]. `src/commands/help/blocks.rs` reads it.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::format::{CODE, EMPHASIS, END, FIELD, STRONG};

/// Writes each guide in `src/guide` to the output directory.
pub fn compile() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/guide");
    println!("cargo::rerun-if-changed=src/commands/help/format.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for file in fs::read_dir("src/guide")? {
        let path = file?.path();
        let markdown = fs::read_to_string(&path)?;
        let name = path.file_name().unwrap_or_default();
        fs::write(out.join(name), compiled(&markdown))?;
    }
    Ok(())
}

/// What is being read.
#[derive(Default)]
struct Compiler {
    blocks: String,
    text: String,
    cells: Vec<String>,
    rows: usize,
    /// The number of the next item in each open list; none if it has bullets.
    lists: Vec<Option<u64>>,
    /// Where an open link leads, and where its text begins.
    link: Option<(String, usize)>,
}

/// The blocks of a guide.
fn compiled(markdown: &str) -> String {
    let mut compiler = Compiler::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(tag) => compiler.start(tag),
            Event::End(tag) => compiler.end(tag),
            Event::Text(text) => compiler.text += &text,
            Event::Code(text) => compiler.add_code(&text),
            Event::SoftBreak | Event::HardBreak => compiler.text.push(' '),
            _ => {}
        }
    }
    compiler.blocks
}

impl Compiler {
    fn block(&mut self, kind: &str, fields: &[&str]) {
        self.blocks += kind;
        for field in fields {
            self.blocks.push(FIELD);
            self.blocks += field;
        }
        self.blocks.push('\n');
    }

    fn add_code(&mut self, code: &str) {
        self.text.extend([CODE]);
        self.text += code;
        self.text.extend([END]);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            // The text of an item ends where a list below it begins.
            Tag::List(first) => {
                self.end_item();
                self.lists.push(first);
            }
            Tag::CodeBlock(_) => self.end_item(),
            Tag::Strong => self.text.push(STRONG),
            Tag::Emphasis => self.text.push(EMPHASIS),
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.to_string(), self.text.len())),
            Tag::Table(_) => self.rows = 0,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                let kind = match level {
                    HeadingLevel::H1 => "1",
                    HeadingLevel::H2 => "2",
                    _ => "3",
                };
                self.block(kind, &[&text]);
            }
            TagEnd::Paragraph if self.lists.is_empty() => {
                let text = std::mem::take(&mut self.text);
                self.block("p", &[&text]);
            }
            TagEnd::Paragraph | TagEnd::Item => self.end_item(),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => {
                let text = std::mem::take(&mut self.text);
                let lines: Vec<&str> = text.lines().collect();
                self.block("c", &lines);
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                self.cells.push(cell);
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                self.block(if self.rows == 0 { "t" } else { "r" }, &cells);
                self.rows += 1;
            }
            TagEnd::Strong | TagEnd::Emphasis => self.text.push(END),
            TagEnd::Link => self.end_link(),
            _ => {}
        }
    }

    /// Ends the text of an item, which may have come already.
    fn end_item(&mut self) {
        let depth = self.lists.len();
        let Some(number) = self.lists.last_mut() else {
            return;
        };
        if self.text.is_empty() {
            return;
        }
        let marker = match number {
            Some(number) => {
                *number += 1;
                format!("{}.", *number - 1)
            }
            None => "-".to_owned(),
        };
        let text = std::mem::take(&mut self.text);
        self.block("i", &[&(depth - 1).to_string(), &marker, &text]);
    }

    /// Writes after the text of a link where it leads: to a guide by the command that shows it, elsewhere by its address.
    fn end_link(&mut self) {
        let Some((link, start)) = self.link.take() else {
            return;
        };
        let file = link.split('#').next().unwrap_or_default();
        let guide = file.strip_suffix(".md").filter(|name| !name.contains('/'));
        match guide {
            Some(name) => {
                // The name of a guide alone says no more than the command does.
                let is_name = self.text[start..].replace(' ', "-") == name;
                if is_name {
                    self.text.truncate(start);
                } else {
                    self.text += " (";
                }
                self.add_code(&format!("mfa-creds help {name}"));
                if !is_name {
                    self.text.push(')');
                }
            }
            None if link.starts_with("https:") => {
                self.text.extend([" (", &link, ")"]);
            }
            None => {
                // A file of the repository, or a heading of the same guide.
                if let Some(path) = link.strip_prefix("../../") {
                    let repository = env!("CARGO_PKG_REPOSITORY");
                    self.text
                        .extend([" (", repository, "/blob/main/", path, ")"]);
                }
            }
        }
    }
}
