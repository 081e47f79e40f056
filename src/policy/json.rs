//! JSON, as IAM takes it.

use super::Node;

/// A document, with a line's end.
pub(super) fn render(node: &Node) -> String {
    value(node, 0) + "\n"
}

/// A value that begins at the end of a line of this depth.
fn value(node: &Node, depth: usize) -> String {
    match node {
        Node::Text(text) => quoted(text),
        Node::List(items) => {
            let items = items.iter().map(|item| value(item, depth + 1));
            block('[', items, ']', depth)
        }
        Node::Map(items) => {
            let items = items
                .iter()
                .map(|(key, item)| format!("{}: {}", quoted(key), value(item, depth + 1)));
            block('{', items, '}', depth)
        }
    }
}

fn block(open: char, items: impl Iterator<Item = String>, close: char, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let lines = items.map(|item| format!("\n{indent}  {item}"));
    let lines: Vec<String> = lines.collect();
    format!("{open}{}\n{indent}{close}", lines.join(","))
}

/// A text in quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
