//! Determines what a terminal can show, and colors the labels of messages as clap colors its own.

use console::{Style, Term};

/// Whether a terminal can do more than plain lines: move the cursor, clear a line, show colors. `TERM=dumb` means that it cannot, and
/// so does a missing `TERM` on Unix.
pub fn is_capable(terminal: &Term) -> bool {
    terminal.is_term() && !console::is_dumb()
}

/// Whether a line on a terminal can be drawn again with escape sequences.
pub fn redraws_lines(terminal: &Term) -> bool {
    is_capable(terminal) && interprets_escapes(terminal)
}

/// All terminals of Unix do.
#[cfg(not(windows))]
fn interprets_escapes(_terminal: &Term) -> bool {
    true
}

/// A console does so on demand. A terminal of MSYS is a pipe, and always does.
#[cfg(windows)]
fn interprets_escapes(terminal: &Term) -> bool {
    enable_escapes();
    // It is also true for a console that interprets them.
    terminal.features().is_msys_tty()
}

/// Has the console interpret escape sequences, and returns whether it does. All do since 2016.
#[cfg(windows)]
pub fn enable_escapes() -> bool {
    use crossterm_winapi::{ConsoleMode, Handle, HandleType};

    const ENABLE_VIRTUAL_TERMINAL_PROCESSING: u32 = 0x0004;

    let output = Handle::new(HandleType::CurrentOutputHandle).map(ConsoleMode::from);
    output.is_ok_and(|console| {
        let mode = console.mode();
        mode.is_ok_and(|mode| {
            console
                .set_mode(mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING)
                .is_ok()
        })
    })
}

/// Whether to show colors on a terminal.
pub fn has_colors(terminal: &Term) -> bool {
    // On Windows, a terminal has to be told that colors will come.
    let can_show = || !cfg!(windows) || terminal.features().colors_supported();
    is_capable(terminal) && wants_colors() && can_show()
}

/// Whether the user wants colors.
pub fn wants_colors() -> bool {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    value("NO_COLOR").is_none() && value("CLICOLOR").is_none_or(|value| value != "0")
}

/// What a line of a message can start with.
const LABELS: [&str; 3] = ["error:", "warning:", "hint:"];

/// Whether a message starts with a label.
pub fn is_labeled(message: &str) -> bool {
    LABELS.iter().any(|label| message.starts_with(label))
}

/// A message with the labels of its lines in color.
pub fn with_colored_labels(message: &str) -> String {
    let lines = message.lines().map(|line| {
        let label = LABELS.into_iter().find(|label| line.starts_with(label));
        label.map_or_else(
            || line.to_owned(),
            |label| {
                let style = Style::new().force_styling(true);
                let style = match label {
                    "error:" => style.red().bold(),
                    "warning:" => style.yellow().bold(),
                    _ => style.green(),
                };
                format!("{}{}", style.apply_to(label), &line[label.len()..])
            },
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
