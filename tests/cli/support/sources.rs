//! The texts in the product's sources: what stands between quotation marks, and the comments that are help.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources of the product, without its unit tests.
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    find(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    files.sort();
    files
}

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "build"].contains(&&*name) {
            find(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// A source without its unit tests.
pub fn read(file: &Path) -> String {
    let source = fs::read_to_string(file).unwrap();
    let product = source.split("#[cfg(test)]\nmod tests").next();
    product.unwrap_or_default().to_owned()
}

/// The texts of a source in their order, as they are written there, in one line each.
pub fn texts(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let from = &rest[at..];
        rest = if from.starts_with("//") {
            from.find('\n').map_or("", |end| &from[end..])
        } else if let Some(text) = from.strip_prefix('"') {
            let is_raw = rest[..at].ends_with('r') || rest[..at].ends_with("r#");
            let end = end_of_text(text, is_raw);
            texts.push(joined(&text[..end]));
            &text[end + 1..]
        } else {
            &from[length_of_character(from)..]
        };
    }
    texts
}

/// Where the text ends whose first character is the first here.
fn end_of_text(text: &str, is_raw: bool) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped && !is_raw;
        is_end
    });
    end.unwrap()
}

/// How long a character literal is, or the quotation mark of a lifetime, or a slash.
fn length_of_character(text: &str) -> usize {
    if text.starts_with("'\\") {
        return 3 + text[3..].find('\'').unwrap_or(0);
    }
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some(_), Some((at, '\''))) if text.starts_with('\'') => at + 1,
        _ => 1,
    }
}

/// A text that continues on the next line, as the compiler reads it.
fn joined(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |joined, part| joined + part.trim_start())
}

/// The comments of clap's types, which are help.
pub fn help(source: &str) -> Vec<String> {
    if ![
        "derive(Args",
        "derive(Subcommand",
        "derive(Parser",
        "ValueEnum)",
    ]
    .iter()
    .any(|derive| source.contains(derive))
    {
        return Vec::new();
    }
    let mut help = Vec::new();
    let mut comment = String::new();
    for line in source.lines() {
        let line = line.trim();
        match line.strip_prefix("///") {
            Some(text) => comment += text,
            None if line.starts_with("#[") && !comment.is_empty() => {}
            None => {
                if !comment.is_empty() {
                    help.push(comment.trim().to_owned());
                }
                comment.clear();
            }
        }
    }
    help
}
