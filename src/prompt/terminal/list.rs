//! Draws a list from which one item is picked with the arrow keys and Enter. dialoguer draws the items. The keys are read here, because
//! dialoguer's own list ignores Ctrl-D and Ctrl-Z, and panics on a terminal of two lines.

use std::io;

use console::Key;
use dialoguer::theme::{SimpleTheme, Theme as _};

use super::signals;
use super::system::Screen;

/// What Ctrl-D arrives as where line mode is off.
const END_OF_INPUT: char = '\u{4}';

/// What Ctrl-Z arrives as. On Windows, it ends the input.
const SUSPENSION: char = '\u{1a}';

/// How a list ends.
pub(super) enum Picked {
    /// The item with this index.
    Item(usize),
    /// The person cancels (Esc).
    Nothing,
    /// The person ends the input (Ctrl-D, on Windows also Ctrl-Z).
    EndOfInput,
}

/// Has one of several items picked. The list is cleared afterwards.
///
/// # Errors
/// When the terminal is gone, or with [`io::ErrorKind::Interrupted`] for Ctrl-C. On Windows also with [`io::ErrorKind::TimedOut`].
pub(super) fn pick(terminal: &Screen, prompt: &str, items: &[String]) -> io::Result<Picked> {
    terminal.hide_cursor()?;
    let picked = picked(terminal, prompt, items);
    // If the terminal is gone, the error of the list says so.
    let _ = terminal.show_cursor();
    picked
}

fn picked(terminal: &Screen, prompt: &str, items: &[String]) -> io::Result<Picked> {
    let last = items.len().saturating_sub(1);
    let mut at = 0;
    loop {
        let (rows, columns) = terminal.size();
        // Below the prompt, and above the line of the cursor.
        let page = usize::from(rows).saturating_sub(2).min(items.len()).max(1);
        let first = at - at % page;
        let place = if page < items.len() {
            format!(" ({} of {})", at + 1, items.len())
        } else {
            String::new()
        };
        let shown = items.iter().enumerate().skip(first).take(page);
        let lines = shown.map(|(number, item)| {
            let mut line = String::new();
            // Writing to a string does not fail.
            let _ = SimpleTheme.format_select_prompt_item(&mut line, item, number == at);
            line
        });
        let lines: Vec<String> = [format!("{prompt}{place}")]
            .into_iter()
            .chain(lines)
            .collect();
        for line in &lines {
            // A line that wraps would be two to clear.
            let width = usize::from(columns).saturating_sub(1).max(1);
            terminal.write_line(&console::truncate_str(line, width, "…"))?;
        }
        terminal.flush()?;
        let key = terminal.read_key();
        terminal.clear_last_lines(lines.len())?;
        at = match key? {
            Key::Enter | Key::Char(' ') => return Ok(Picked::Item(at)),
            Key::Escape | Key::Char('q') => return Ok(Picked::Nothing),
            Key::Char(END_OF_INPUT) => return Ok(Picked::EndOfInput),
            Key::Char(SUSPENSION) if cfg!(windows) => return Ok(Picked::EndOfInput),
            Key::Char(SUSPENSION) => {
                terminal.show_cursor()?;
                signals::suspend();
                terminal.hide_cursor()?;
                at
            }
            Key::ArrowDown | Key::Tab | Key::Char('j') if at == last => 0,
            Key::ArrowDown | Key::Tab | Key::Char('j') => at + 1,
            Key::ArrowUp | Key::BackTab | Key::Char('k') if at == 0 => last,
            Key::ArrowUp | Key::BackTab | Key::Char('k') => at - 1,
            Key::ArrowRight | Key::PageDown | Key::Char('l') => (at + page).min(last),
            Key::ArrowLeft | Key::PageUp | Key::Char('h') => at.saturating_sub(page),
            Key::Home => 0,
            Key::End => last,
            _ => at,
        };
    }
}
