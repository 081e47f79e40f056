//! Renders a guide for a terminal.

use console::{Style as Ansi, measure_text_width};

use super::blocks::{Block, Span, Style, Text};
use crate::core::table::GAP;

/// How far code, items and the rows of a table are indented.
const INDENT: &str = "    ";

/// Replaces a blank in code until lines are wrapped, so that no line ends there and the code can be copied.
const UNBROKEN: &str = "\u{a0}";

/// Who reads it.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    /// In columns.
    pub(super) width: usize,
    pub(super) has_colors: bool,
}

impl Screen {
    /// A guide as lines that are no longer than the screen is wide, except for long pieces of code.
    pub(super) fn render(self, blocks: &[Block]) -> String {
        let mut page = String::new();
        let mut after_item = false;
        for block in blocks {
            let is_item = matches!(block, Block::Item(..));
            if !(page.is_empty() || after_item && is_item) {
                page.push('\n');
            }
            after_item = is_item;
            match block {
                Block::Heading(1, text) => page += &self.heading(text, '='),
                Block::Heading(_, text) => page += &self.heading(text, '-'),
                Block::Paragraph(text) => page += &self.wrapped("", "", text),
                Block::Item(depth, marker, text) => {
                    let margin = "  ".repeat(*depth);
                    let first = format!("{margin}{marker} ");
                    let rest = " ".repeat(first.len());
                    page += &self.wrapped(&first, &rest, text);
                }
                Block::Code(lines) => {
                    for line in lines.lines() {
                        page += format!("{INDENT}{line}").trim_end();
                        page.push('\n');
                    }
                }
                Block::Table(rows) => page += &self.table(rows),
            }
        }
        page.replace(UNBROKEN, " ")
    }

    /// A row of a list: a name, padded to this width, and what it is about.
    pub(super) fn row(self, name: &str, width: usize, about: &str) -> String {
        let first = format!("  {name:width$}{GAP}");
        let rest = " ".repeat(first.len());
        let text = vec![Span {
            style: Style::Plain,
            text: about.to_owned(),
        }];
        self.wrapped(&first, &rest, &text)
    }

    fn ansi(self) -> Ansi {
        Ansi::new().force_styling(self.has_colors)
    }

    /// A heading: bold, or else with a line below it.
    fn heading(self, text: &Text, line: char) -> String {
        let text: String = text.iter().map(|span| &*span.text).collect();
        if self.has_colors {
            return format!("{}\n", self.ansi().bold().apply_to(text));
        }
        let width = measure_text_width(&text);
        format!("{text}\n{}\n", line.to_string().repeat(width))
    }

    /// A piece of text as it is shown. Without colors, code stands between backquotes.
    fn shown(self, span: &Span) -> String {
        let style = match span.style {
            Style::Plain => return span.text.clone(),
            Style::Strong => self.ansi().bold(),
            Style::Emphasis => self.ansi().italic(),
            Style::Code if self.has_colors => {
                return self.ansi().cyan().apply_to(unbroken(span)).to_string();
            }
            Style::Code => return format!("`{}`", unbroken(span)),
        };
        // Word by word, as a line may end between two.
        let words = span.text.split(' ');
        let words = words.map(|word| style.apply_to(word).to_string());
        words.collect::<Vec<_>>().join(" ")
    }

    fn text(self, text: &Text) -> String {
        text.iter().map(|span| self.shown(span)).collect()
    }

    /// Text in lines, of which the first begins with `first` and the others with `rest`.
    fn wrapped(self, first: &str, rest: &str, text: &Text) -> String {
        let mut page = String::new();
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in self.text(text).split(' ').filter(|word| !word.is_empty()) {
            let width = measure_text_width(&line) + usize::from(!is_empty);
            if !is_empty && width + measure_text_width(word) > self.width {
                page += line.trim_end();
                page.push('\n');
                rest.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line += word;
            is_empty = false;
        }
        page + line.trim_end() + "\n"
    }

    /// In columns if they fit. Otherwise, each row begins with its first cell, and the others follow below it.
    fn table(self, rows: &[Vec<Text>]) -> String {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| self.text(cell)).collect())
            .collect();
        let columns = cells.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = cells.iter().filter_map(|row| row.get(column));
                let widths = cells.map(|cell| measure_text_width(cell));
                widths.max().unwrap_or_default()
            })
            .collect();
        let gaps = GAP.len() * columns.saturating_sub(1);
        if widths.iter().sum::<usize>() + gaps <= self.width {
            return columns_of(&cells, &widths);
        }
        if let [term, _] = widths[..]
            && term <= self.width / 3
        {
            return self.terms(rows, term);
        }
        self.records(rows)
    }

    /// Rows of two cells: the second is wrapped beside the first.
    fn terms(self, rows: &[Vec<Text>], width: usize) -> String {
        let rest = " ".repeat(width + GAP.len());
        let rows = rows.iter().filter_map(|row| {
            let (term, text) = (self.text(row.first()?), row.get(1)?);
            let blanks = " ".repeat(width - measure_text_width(&term));
            Some(self.wrapped(&format!("{term}{blanks}{GAP}"), &rest, text))
        });
        rows.collect()
    }

    /// Rows of cells that do not fit beside each other: a line for each, with the name of its column.
    fn records(self, rows: &[Vec<Text>]) -> String {
        let Some((names, rows)) = rows.split_first() else {
            return String::new();
        };
        let mut page = String::new();
        for row in rows {
            let Some((first, others)) = row.split_first() else {
                continue;
            };
            page += &self.wrapped("", INDENT, first);
            for (cell, name) in others.iter().zip(names.iter().skip(1)) {
                if self.text(cell).is_empty() {
                    continue;
                }
                let name = self.text(name);
                let label = if name.is_empty() {
                    INDENT.to_owned()
                } else {
                    format!("{INDENT}{name}: ")
                };
                page += &self.wrapped(&label, &format!("{INDENT}  "), cell);
            }
        }
        page
    }
}

/// Code in which no line ends.
fn unbroken(code: &Span) -> String {
    code.text.replace(' ', UNBROKEN)
}

fn columns_of(cells: &[Vec<String>], widths: &[usize]) -> String {
    let lines = cells.iter().map(|row| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let blanks = width.saturating_sub(measure_text_width(cell));
            format!("{cell}{}", " ".repeat(blanks))
        });
        format!("{}\n", cells.collect::<Vec<_>>().join(GAP).trim_end())
    });
    lines.collect()
}
