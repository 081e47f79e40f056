//! Shows a text that is longer than the screen in the user's pager.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use console::Term;

use crate::core::environment::Environment;
use crate::core::error::{Failure, reason};
use crate::core::screen;
use crate::report;

/// What is used if `PAGER` is not set, as in git.
const DEFAULT_PAGER: &str = "less";
/// Options for `less`, unless the user has others: no pager for what fits on the screen, colors, and the text stays.
const LESS_OPTIONS: &str = "FRX";
/// The option for colors, which most users leave out of `LESS`. Without it, `less` shows the codes as text.
const LESS_COLORS: &str = "-R";

/// Prints a text, in a pager if standard output is a terminal that the text does not fit.
pub(super) fn print(text: &str, environment: &Environment) -> Result<()> {
    let terminal = Term::stdout();
    let fits = text.lines().count() < usize::from(terminal.size().0);
    if !screen::is_capable(&terminal) || fits {
        return report::data(text);
    }
    // An empty PAGER means none.
    let is_set = std::env::var_os("PAGER").is_some();
    match environment.text("PAGER") {
        Some(pager) if pager == "cat" => report::data(text),
        Some(pager) => page(&pager, text, environment),
        None if is_set || cfg!(windows) => report::data(text),
        None => page(DEFAULT_PAGER, text, environment),
    }
}

/// Runs a pager. If there is no such program, the text is printed.
fn page(pager: &str, text: &str, environment: &Environment) -> Result<()> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("/bin/sh", "-c")
    };
    let mut command = Command::new(shell);
    command.args([flag, pager]).stdin(Stdio::piped());
    let options = match environment.text("LESS") {
        Some(own) => format!("{LESS_COLORS} {own}"),
        None => LESS_OPTIONS.to_owned(),
    };
    command.env("LESS", options);
    // Ctrl-C belongs to the pager.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, std::sync::Arc::default());
    let Ok(mut child) = command.spawn() else {
        return report::data(text);
    };
    if let Some(mut input) = child.stdin.take()
        && let Err(error) = input.write_all(text.as_bytes())
        // The user has left the pager, or there is none: its exit code tells.
        && error.kind() != ErrorKind::BrokenPipe
    {
        bail!(Failure::new(format!(
            "the pager {pager} failed: {}",
            reason(&error)
        )));
    }
    match child.wait() {
        // As a shell says that there is no such program.
        Ok(status) if matches!(status.code(), Some(126 | 127)) => report::data(text),
        _ => Ok(()),
    }
}
