//! `mfa-creds` exchanges an MFA code for temporary AWS credentials and keeps them in `~/.aws/credentials`.
//!
//! The modules stand in reading order: each uses only those above it.

mod text;
mod form;
mod error;
mod regular_file;
mod environment;
mod clock;
mod credentials;
mod document;
mod profiles;
mod device;
mod seconds;
mod cli;
mod report;
mod short_term;
mod freshness;
mod plan;
mod session;
mod stdin;
mod core_dump;
mod descendants;
mod terminal;
mod child;
mod gui;
mod person;
mod mfa_code;
mod network;
mod sts;
mod key_process;
mod keychain;
mod store;
mod code_process;
mod codes;
mod setup;
mod group;
mod rotation;
mod iam;
mod discovery;
mod renewal;
mod preview;
mod audit;
mod output;
mod doctor;
mod enrolment;
mod policy;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::environment::Environment;

fn main() -> ExitCode {
    // Before the first secret is read.
    core_dump::forbid();
    let environment = Environment::of_process();
    if let Some(code) = run::answer_shell(&environment) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let message = without_foreign_words(message);
            let message = cli::told_by_the_help(message, std::env::args_os());
            // Nobody reads it where the stream is closed.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(1));
        }
    };
    match run::trace(&environment).and_then(|()| run::run(&cli, &environment)) {
        Ok(code) => code,
        Err(error) => {
            report::error(&error);
            ExitCode::from(run::exit_code(&cli, &error))
        }
    }
}

/// What is wrong with the command line, or what was asked for, such as help. An argument that it quotes is fit to be shown.
fn without_foreign_words(message: clap::Error) -> clap::Error {
    let arguments = std::env::args_os().map(|word| text::plain(&word.to_string_lossy()));
    Cli::try_parse_from(arguments).err().unwrap_or(message)
}
