//! `mfa-creds completions`: prints the completion script of a shell, and answers the shell that runs it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::Cli;
use super::help;
use super::loaded_files::LoadedFiles;
use crate::cli::{Profiles, Request, Suffixes};
use crate::core::environment::Environment;
use crate::core::text::is_plain;
use crate::report;
use clap::{Args, ValueEnum};

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Print the completion script for a shell";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
bash:       source <(mfa-creds completions bash)
zsh:        source <(mfa-creds completions zsh)
fish:       mfa-creds completions fish | source
PowerShell: mfa-creds completions powershell | Out-String | Invoke-Expression
elvish:     eval (mfa-creds completions elvish | slurp)";

/// The arguments of `completions`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Completions {
    /// The shell to complete in
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The supported shells.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

const NAME: &str = "mfa-creds";
/// A shell sets this variable to ask for completions of a command line.
const VARIABLE: &str = "_MFA_CREDS_COMPLETE";

/// The tool is often linked under this name.
const OTHER_NAME: &str = "aws-mfa";

/// Answers a shell that asks for completions; none if none does.
pub fn answer_shell(environment: &Environment) -> Option<ExitCode> {
    let shell = environment.text(VARIABLE)?;
    let answer = CompleteEnv::with_factory(|| command(&shell, environment))
        .var(VARIABLE)
        .bin(NAME)
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref());
    match answer {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(message) => {
            // The completing shell shows nothing but looks at the exit code.
            let _ = message.print();
            Some(ExitCode::FAILURE)
        }
    }
}

/// Prints the script that makes a shell ask.
pub(super) fn completions(args: &Completions) -> Result<()> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Elvish => &Elvish,
    };
    let mut script = Vec::new();
    for name in [NAME, OTHER_NAME] {
        shell
            .write_registration(VARIABLE, name, name, NAME, &mut script)
            .context("the completions cannot be written")?;
    }
    report::data(&String::from_utf8_lossy(&script))
}

/// The command line, with the profile names as values of `--profile`.
fn command(shell: &str, environment: &Environment) -> Command {
    let names = profile_names(environment).into_iter();
    let names: Vec<String> = if shell == "bash" {
        names.map(|name| escaped(&name)).collect()
    } else {
        names.collect()
    };
    let with_names = move |arg: Arg| {
        if arg.get_long() == Some("profile") {
            let names = names.clone();
            arg.add(ArgValueCandidates::new(move || {
                names.iter().map(CompletionCandidate::new).collect()
            }))
        } else if arg.get_id() == help::TOPIC {
            arg.add(ArgValueCandidates::new(|| {
                help::topics()
                    .into_iter()
                    .map(CompletionCandidate::new)
                    .collect()
            }))
        } else {
            arg
        }
    };
    let mut command = Cli::command();
    // So that the flags of the commands are there.
    command.build();
    with_help_of_own_commands(with_candidates(command, &with_names))
}

/// The command and its own commands, with what is suggested for their arguments.
fn with_candidates(command: Command, with: &impl Fn(Arg) -> Arg) -> Command {
    command
        .mut_args(with)
        .mut_subcommands(|own| with_candidates(own, with))
}

/// Adds the commands of `device` to `help device`, for completions.
fn with_help_of_own_commands(command: Command) -> Command {
    let all = command.get_subcommands();
    let nested: Vec<Command> = all
        .filter(|own| own.has_subcommands())
        .map(names_of)
        .collect();
    command.mut_subcommand(help::NAME, |help| help.subcommands(nested))
}

/// A command of this name, with commands of its own that have nothing but their names. clap keeps those until the process ends.
fn names_of(command: &Command) -> Command {
    let bare = |command: &Command| {
        let name: &str = command.get_name().to_owned().leak();
        let about = command.get_about().cloned().unwrap_or_default();
        Command::new(name).about(about).disable_help_flag(true)
    };
    let own = command.get_subcommands().filter(|own| !own.is_hide_set());
    bare(command)
        .subcommands(own.map(bare))
        .disable_help_subcommand(true)
}

/// bash inserts completions literally; the other shells quote them.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./+@:,".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The profile names that can be found; completion reports no errors.
pub(super) fn profile_names(environment: &Environment) -> Vec<String> {
    let profiles = Profiles {
        all: true,
        ..Profiles::default()
    };
    let Ok(loaded) = LoadedFiles::read(&Suffixes::default(), environment) else {
        return Vec::new();
    };
    let (request, files) = (Request::default(), loaded.files(&profiles));
    let mut names = loaded.inputs(&request, environment, &files).candidates();
    // A shell shows them literally.
    names.retain(|name| is_plain(name));
    names
}
