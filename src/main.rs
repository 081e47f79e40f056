//! `mfa-creds` exchanges an MFA code for temporary AWS credentials and keeps them in `~/.aws/credentials`.
//!
//! The modules stand in reading order: each uses only those above it.

mod core;
mod cli;
mod report;
mod files;
mod plan;
mod prompt;
mod aws;
mod renewal;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Cli;
use crate::core::environment::Environment;
use crate::core::{core_dump, text};

fn main() -> ExitCode {
    // Before the first secret is read.
    core_dump::forbid();
    let environment = Environment::of_process();
    if let Some(code) = commands::answer_shell(&environment) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let message = without_foreign_words(message);
            let message = commands::told_by_the_help(message, std::env::args_os());
            // Nobody reads it where the stream is closed.
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

/// What is wrong with the command line, or what was asked for, such as help. An argument that it quotes is fit to be shown.
fn without_foreign_words(message: clap::Error) -> clap::Error {
    let arguments = std::env::args_os().map(|word| text::plain(&word.to_string_lossy()));
    Cli::try_parse_from(arguments).err().unwrap_or(message)
}
