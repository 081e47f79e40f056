//! What shells complete, and the manual page: both are made from the command line's own definition.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use clap_mangen::Man;

use super::ground::Ground;
use crate::cli::{self, Cli, Completions, Profiles, Shell, Suffixes};
use crate::environment::Environment;
use crate::error::Failure;
use crate::plan;
use crate::report;

const NAME: &str = "mfa-creds";
/// With this variable, a shell asks what the words on its command line can go on with.
const VARIABLE: &str = "_MFA_CREDS_COMPLETE";

/// Answers a shell, if one asks. None where none does.
pub fn answer_shell(environment: &Environment) -> Option<ExitCode> {
    environment.text(VARIABLE)?;
    let answer = CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .bin(NAME)
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref());
    match answer {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(message) => {
            // A shell that completes has no place for it but the exit code.
            let _ = message.print();
            Some(ExitCode::FAILURE)
        }
    }
}

/// Prints what makes a shell ask.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn completions(args: &Completions) -> Result<()> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Elvish => &Elvish,
    };
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)
        .context("the completions cannot be written")?;
    report::data(&String::from_utf8_lossy(&script))
}

/// Prints a manual page.
///
/// # Errors
/// When there is no such command.
pub(super) fn man(args: &cli::Man) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let command = match &args.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => bail!(
                Failure::new(format!("there is no command {name}"))
                    .hint("`mfa-creds --help` lists them")
            ),
        },
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .context("the manual page cannot be written")?;
    report::data(&String::from_utf8_lossy(&page))
}

/// The command line, with the names of the profiles wherever one is asked for.
fn command() -> Command {
    Cli::command()
        .mut_args(with_names)
        .mut_subcommands(|command| command.mut_args(with_names))
}

fn with_names(arg: Arg) -> Arg {
    if arg.get_long() == Some("profile") {
        arg.add(ArgValueCandidates::new(names))
    } else {
        arg
    }
}

/// As far as they can be known: completion is no place for errors.
fn names() -> Vec<CompletionCandidate> {
    let environment = Environment::of_process();
    let profiles = Profiles {
        all: true,
        ..Profiles::default()
    };
    let Ok(ground) = Ground::read(&Suffixes::default(), &profiles, &environment) else {
        return Vec::new();
    };
    let names = plan::candidates(&ground.naming, &ground.files(&profiles));
    names.into_iter().map(CompletionCandidate::new).collect()
}
