//! Renders a guide as a manual page.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::blocks::{Block, Span, Style, Text};

/// The section of the manual for overviews and conventions.
const SECTION: &str = "7";

/// A guide as a page of its own.
pub(super) fn page(name: &str, blocks: &[Block]) -> String {
    let mut page = Roff::new();
    let version = concat!("mfa-creds ", env!("CARGO_PKG_VERSION"));
    page.control(
        "TH",
        [
            &*format!("mfa-creds-{name}"),
            SECTION,
            " ",
            version,
            "Guides",
        ],
    );
    keep_words(&mut page);
    add(&mut page, name, blocks);
    page.render()
}

/// The text below a second-level heading, with another title.
pub(super) fn section(blocks: &[Block], heading: &str, title: &str) -> String {
    let ends = |block: &Block| matches!(block, Block::Heading(1 | 2, _));
    let is_meant = |block: &Block| {
        ends(block) && matches!(block, Block::Heading(_, text) if plain(text) == heading)
    };
    let mut section = Roff::new();
    if let Some(start) = blocks.iter().position(is_meant) {
        section.control("SH", [title]);
        keep_words(&mut section);
        let below = &blocks[start + 1..];
        let end = below.iter().position(ends).unwrap_or(below.len());
        add(&mut section, "", &below[..end]);
    }
    section.render()
}

/// Prevents changes to names and commands, so that they can be copied: no hyphens at the ends of lines, and no more blanks than one.
fn keep_words(page: &mut Roff) {
    page.control("nh", []).control("ad", ["l"]);
}

fn add(page: &mut Roff, name: &str, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading(1, text) => {
                let title = format!("mfa-creds-{name} - {}", plain(text));
                page.control("SH", ["NAME"]).text([roman(title)]);
                page.control("SH", ["DESCRIPTION"]);
            }
            Block::Heading(2, text) => {
                page.control("SH", [&*plain(text)]);
            }
            Block::Heading(_, text) => {
                page.control("SS", [&*plain(text)]);
            }
            Block::Paragraph(text) => {
                page.control("PP", []).text(inlines(text));
            }
            Block::Item(_, marker, text) => {
                page.control("IP", [&**marker, "4"]).text(inlines(text));
            }
            Block::Code(lines) => {
                page.control("PP", [])
                    .control("RS", ["4"])
                    .control("nf", []);
                for line in lines.lines() {
                    page.text([roman(line)]);
                }
                page.control("fi", []).control("RE", []);
            }
            Block::Table(rows) => table(page, rows),
        }
    }
}

/// Each row as its first cell, and the others below it with the names of their columns.
fn table(page: &mut Roff, rows: &[Vec<Text>]) {
    let Some((names, rows)) = rows.split_first() else {
        return;
    };
    for row in rows {
        let Some((first, others)) = row.split_first() else {
            continue;
        };
        page.control("TP", ["4"]).text(inlines(first));
        let has_names = names.len() > 2;
        for (cell, name) in others.iter().zip(names.iter().skip(1)) {
            if cell.is_empty() {
                continue;
            }
            let mut line = Vec::new();
            if has_names && !name.is_empty() {
                line.push(italic(format!("{}: ", plain(name))));
            }
            line.extend(inlines(cell));
            page.text(line);
            if has_names {
                page.control("br", []);
            }
        }
    }
}

fn plain(text: &Text) -> String {
    text.iter().map(|span| &*span.text).collect()
}

fn inlines(text: &Text) -> Vec<Inline> {
    let inline = |span: &Span| match span.style {
        Style::Plain => roman(&*span.text),
        Style::Strong | Style::Code => bold(&*span.text),
        Style::Emphasis => italic(&*span.text),
    };
    text.iter().map(inline).collect()
}
