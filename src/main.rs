//! `mfa-creds` exchanges an MFA code for temporary AWS credentials and stores them in `~/.aws/credentials`.
//!
//! The layers from the lowest to the highest: a module uses only its own layer and those above it in this list. `tests/cli/house.rs`
//! enforces this, and `.github/ARCHITECTURE.md` is the map.

// Errors, texts, times, and values whose format AWS documents.
mod core;
// The flags that several commands share.
mod cli;
// Messages for people and data for programs: standard error, standard output, the trace.
mod report;
// The AWS files and our own: parsed, edited, locked and replaced.
mod files;
// Decisions, each with its origin. No network, no terminal.
mod plan;
// Terminal, window, standard input, and commands run for their output.
mod prompt;
// The network, STS and IAM.
mod aws;
// One renewal: groups of profiles, codes, sessions, and what is written.
mod renewal;
// A file or a folder for each command.
mod commands;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::core::core_dump;
use crate::core::environment::Environment;

fn main() -> ExitCode {
    // Before the first secret is read.
    core_dump::forbid();
    let environment = Environment::of_process();
    if let Some(code) = commands::answer_shell(&environment) {
        return code;
    }
    let words = command_line();
    let cli = match commands::parse(&words, &environment) {
        Ok(cli) => cli,
        Err(message) => {
            // If the stream is closed, nobody can be told.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(1));
        }
    };
    match commands::trace(&environment).and_then(|()| commands::run(&cli, &environment)) {
        Ok(code) => code,
        Err(error) => {
            report::error(&error);
            ExitCode::from(commands::exit_code(&cli, &error))
        }
    }
}

/// The words of the command line. On Windows, the program has its name without `.exe`, as the guides have it.
fn command_line() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if cfg!(windows)
        && let Some(program) = words.first_mut()
    {
        *program = Path::new(program).with_extension("").into_os_string();
    }
    words
}
