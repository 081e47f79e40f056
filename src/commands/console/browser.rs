//! Finds what opens a browser: BROWSER, or what the system has.

use std::fmt;
use std::process::Stdio;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::core::environment::{CODE, Environment};
use crate::core::error::Failure;

/// The programs in it are tried in this order. `%s` stands for the address, which is the last argument otherwise. See
/// <https://manpages.debian.org/stable/xdg-utils/xdg-open.1.en.html>.
const BROWSER: &str = "BROWSER";
/// What separates them, as in PATH.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };
/// What stands for the address.
const PLACE: &str = "%s";
/// The variables of a desktop.
const DISPLAYS: [&str; 2] = ["WAYLAND_DISPLAY", "DISPLAY"];
/// The variables of Linux inside Windows.
const WSL: [&str; 2] = ["WSL_DISTRO_NAME", "WSL_INTEROP"];
/// Opens what is associated with an address on Windows.
const WINDOWS: [&str; 2] = ["rundll32.exe", "url.dll,FileProtocolHandler"];

/// What to do without a browser.
pub(super) const PRINT: &str =
    "run the command again with --url, and open the address that it prints";

/// A command that opens a browser.
#[derive(Clone, Debug)]
pub(super) struct Opener(Vec<String>);

/// What may open a browser, the likely one first.
pub(super) fn openers(environment: &Environment) -> Result<Vec<Opener>> {
    let named = environment.text(BROWSER).unwrap_or_default();
    let named = named.split(SEPARATOR).map(Opener::written);
    let mut openers: Vec<Opener> = named.filter(|opener| !opener.0.is_empty()).collect();
    let is_set = |names: [&str; 2]| names.iter().any(|name| environment.text(name).is_some());
    if cfg!(windows) {
        openers.push(Opener::of(&WINDOWS));
    } else if cfg!(target_os = "macos") {
        openers.push(Opener::of(&["open"]));
    } else {
        if is_set(WSL) {
            openers.push(Opener::of(&["wslview"]));
            openers.push(Opener::of(&WINDOWS));
        }
        if is_set(DISPLAYS) {
            openers.push(Opener::of(&["xdg-open"]));
        }
    }
    if openers.is_empty() {
        bail!(no_browser("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    Ok(openers)
}

/// The failure if none works.
pub(super) fn no_browser(why: &str) -> Failure {
    Failure::new(format!("no browser can be opened: {why}")).hint(PRINT)
}

impl Opener {
    fn of(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// A command as it is in BROWSER. A path with blanks is one word.
    fn written(text: &str) -> Self {
        if std::path::Path::new(text).is_file() {
            return Self::of(&[text]);
        }
        Self(text.split_whitespace().map(str::to_owned).collect())
    }

    /// The command for an address.
    pub(super) fn command(&self, address: &str) -> Command {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|word| word.replace(PLACE, address))
            .collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if !self.0.iter().any(|word| word.contains(PLACE)) {
            command.arg(address);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // It is a secret that no browser needs.
            .env_remove(CODE);
        // Ctrl-C is for this program, and not for a browser that it has started.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl fmt::Display for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[0])
    }
}
