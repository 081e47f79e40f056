//! Opens the window on Unix, by a program: pinentry, or what the system or the desktop has.

use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use pinentry::{PassphraseInput, unix::Options};
use zeroize::Zeroizing;

#[cfg(target_os = "macos")]
use super::osascript;
use super::{Answer, TITLE};
use crate::core::environment::Environment;
use crate::core::text::plain;
use crate::prompt::child::{self, Ended};
use crate::prompt::descendants;
use crate::prompt::terminal;

/// The system's default, then other names that may be installed.
const PINENTRIES: [&str; 6] = [
    "pinentry",
    "pinentry-mac",
    "pinentry-gnome3",
    "pinentry-gtk-2",
    "pinentry-qt",
    "pinentry-qt5",
];
/// pinentry accepts lines of 1,000 bytes, and special characters take three.
const LONGEST_TEXT: usize = 300;
/// Not a terminal: a pinentry for terminals must not use one that this process may not use.
const NO_TERMINAL: &str = "/dev/null/none";
/// How long to wait for a program beyond its own timeout.
const GRACE: Duration = Duration::from_secs(1);
/// GTK's message about a missing display.
#[cfg(not(target_os = "macos"))]
const NO_DISPLAY: &str = "cannot open display";
/// zenity's exit status after its timeout.
#[cfg(not(target_os = "macos"))]
const ZENITY_TIMEOUT: i32 = 5;

/// What to do if no program can ask.
pub(super) const HINT: &str = if cfg!(target_os = "macos") {
    "install pinentry-mac, or run the command once in a terminal"
} else {
    "install pinentry-gnome3, pinentry-qt, zenity, or kdialog, or run the command once in a terminal"
};

/// Whether a window can be opened, as far as the environment says.
pub(super) fn has_display(environment: &Environment) -> bool {
    cfg!(target_os = "macos")
        || ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .any(|name| environment.text(name).is_some())
}

/// Asks for a line. If a program cannot, the next one is tried.
pub(super) fn ask(prompt: &str, problem: Option<&str>, limit: Duration) -> Result<Answer> {
    let (prompt, problem) = (without_markup(prompt), problem.map(without_markup));
    let text = match &problem {
        Some(problem) => format!("{problem}\n{prompt}"),
        None => prompt.clone(),
    };
    match by_pinentry(&prompt, problem.as_deref(), limit) {
        Answer::NoWindow => by_dialogs(&text, limit),
        answer => Ok(answer),
    }
}

/// A text without markup: some programs interpret it, or their own escape sequences.
fn without_markup(text: &str) -> String {
    plain(text).replace(['<', '>', '&', '\\'], "\u{fffd}")
}

/// Asks by the program that macOS has.
#[cfg(target_os = "macos")]
fn by_dialogs(text: &str, limit: Duration) -> Result<Answer> {
    let command = osascript::command(osascript::PROGRAM, text, limit);
    by_command(command, limit, osascript::answer)
}

/// Asks by a program of a desktop.
#[cfg(not(target_os = "macos"))]
fn by_dialogs(text: &str, limit: Duration) -> Result<Answer> {
    let seconds = limit.as_secs().to_string();
    let zenity = ["--entry", "--title", TITLE, "--timeout", &seconds, "--text"];
    let kdialog = ["--title", TITLE, "--inputbox"];
    for (program, arguments) in [("zenity", &zenity[..]), ("kdialog", &kdialog)] {
        let mut command = Command::new(program);
        command.args(arguments).arg(text);
        match by_command(command, limit, answer)? {
            Answer::NoWindow => {}
            answer => return Ok(answer),
        }
    }
    Ok(Answer::NoWindow)
}

/// Asks by the first pinentry that can open a window.
fn by_pinentry(prompt: &str, problem: Option<&str>, limit: Duration) -> Answer {
    let (prompt, problem) = (shortened(prompt), problem.map(shortened));
    let seconds = u16::try_from(limit.as_secs()).unwrap_or(u16::MAX);
    // If this fails, the window ends by its time limit.
    let _ = terminal::end_with_us();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut answers = PINENTRIES.iter().filter_map(|name| {
            terminal::stay_if_ending();
            let mut input = PassphraseInput::with_binary(name)?;
            input
                .with_title(TITLE)
                .with_description(&prompt)
                .with_prompt("MFA code")
                .with_timeout(seconds)
                .with_unix_options(Options::builder().tty_name(NO_TERMINAL).build());
            if let Some(problem) = &problem {
                input.with_error(problem);
            }
            match input.interact() {
                Ok(text) => Some(Answer::Text(exposed(&text))),
                Err(pinentry::Error::Cancelled) => Some(Answer::Cancelled),
                Err(pinentry::Error::Timeout) => Some(Answer::TimedOut),
                Err(_) => None,
            }
        });
        // If the answer comes too late, the process is about to end.
        let _ = sender.send(answers.next().unwrap_or(Answer::NoWindow));
    });
    receiver
        .recv_timeout(limit + GRACE)
        .unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                descendants::end_begun();
                Answer::TimedOut
            }
            RecvTimeoutError::Disconnected => Answer::NoWindow,
        })
}

fn exposed(text: &secrecy::SecretString) -> Zeroizing<String> {
    use secrecy::ExposeSecret as _;

    Zeroizing::new(text.expose_secret().to_owned())
}

/// Asks by a command, whose exit status, output and errors are interpreted.
fn by_command(
    mut command: Command,
    limit: Duration,
    answer: impl FnOnce(Option<i32>, &[u8], &[u8]) -> Answer,
) -> Result<Answer> {
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    Ok(match child::run(command, limit + GRACE, || ())? {
        Err(_not_run) => Answer::NoWindow,
        Ok(Ended::ByUs) => Answer::TimedOut,
        Ok(Ended::ByItself {
            status,
            output,
            errors,
        }) => answer(status.code(), &output, &errors),
    })
}

/// What zenity or kdialog answers.
#[cfg(not(target_os = "macos"))]
fn answer(status: Option<i32>, output: &[u8], errors: &[u8]) -> Answer {
    match status {
        // zenity reports that as a cancelled dialog.
        Some(1) if String::from_utf8_lossy(errors).contains(NO_DISPLAY) => Answer::NoWindow,
        Some(0) => Answer::Text(Zeroizing::new(
            String::from_utf8_lossy(output).trim().to_owned(),
        )),
        Some(1) => Answer::Cancelled,
        Some(ZENITY_TIMEOUT) => Answer::TimedOut,
        _ => Answer::NoWindow,
    }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
