//! `mfa-creds completions`: prints the completion script of a shell, and answers the shell that runs it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::Cli;
use super::help::{TOPIC, topics};
use super::loaded_files::LoadedFiles;
use crate::cli::{Profiles, Request, Suffixes};
use crate::core::environment::Environment;
use crate::core::text::is_plain;
use crate::report;
use clap::{Args, ValueEnum};

/// What it does, for the help.
pub(super) const ABOUT: &str =
    "Print what makes a shell complete commands, flags and profile names";
/// What the help ends with.
pub(super) const AFTER_HELP: &str = "\
bash:       source <(mfa-creds completions bash)
zsh:        source <(mfa-creds completions zsh)
fish:       mfa-creds completions fish | source
PowerShell: mfa-creds completions powershell | Out-String | Invoke-Expression
elvish:     eval (mfa-creds completions elvish | slurp)";

/// What `completions` can be told.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that completions are made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

const NAME: &str = "mfa-creds";
/// With this variable, a shell asks what the words on its command line can go on with.
const VARIABLE: &str = "_MFA_CREDS_COMPLETE";

/// The tool is often linked so.
const OTHER_NAME: &str = "aws-mfa";

/// Answers a shell, if one asks. None where none does.
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
            // A shell that completes has no place for it but the exit code.
            let _ = message.print();
            Some(ExitCode::FAILURE)
        }
    }
}

/// Prints what makes a shell ask.
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

/// The command line, with the names of the profiles wherever one is asked for.
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
        } else if arg.get_id() == TOPIC {
            arg.add(ArgValueCandidates::new(|| {
                topics().into_iter().map(CompletionCandidate::new).collect()
            }))
        } else {
            arg
        }
    };
    let mut command = Cli::command();
    // So that the flags of the commands are there.
    command.build();
    command
        .mut_args(&with_names)
        .mut_subcommands(|command| command.mut_args(&with_names))
}

/// bash puts what it is given on the command line as it is. The other shells quote it.
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

/// The names of the profiles, as far as they can be read: completion is no place for errors.
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
    // A shell shows them as they are.
    names.retain(|name| is_plain(name));
    names
}
