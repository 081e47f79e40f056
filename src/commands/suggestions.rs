//! Suggests the flag that a mistyped one may have meant, but never one of aws-mfa's hidden abbreviations.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, CommandFactory as _, Error};

use super::Cli;

/// As similar as clap requires.
const SIMILAR: f64 = 0.7;
/// Below this, any two texts are similar.
const SHORTEST: usize = 3;

/// The same error, with a flag that the help shows in place of a hidden name of one. The words are those of the command
/// line, which begins with the program and its command.
pub fn told_by_the_help(mut error: Error, mut words: impl Iterator<Item = OsString>) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.trim_start_matches("--").to_owned()),
        _ => None,
    };
    if let Some(ContextValue::Strings(commands)) = error.get(ContextKind::SuggestedSubcommand) {
        let hidden = hidden_commands(&Cli::command());
        let mut shown = commands.clone();
        shown.retain(|name| !hidden.contains(name));
        if shown.is_empty() {
            error.remove(ContextKind::SuggestedSubcommand);
        } else if shown.len() < commands.len() {
            error.insert(
                ContextKind::SuggestedSubcommand,
                ContextValue::Strings(shown),
            );
        }
        return error;
    }
    let (Some(typed), Some(suggested)) = (
        text(ContextKind::InvalidArg),
        text(ContextKind::SuggestedArg),
    ) else {
        return error;
    };
    let program = words.next().unwrap_or_default();
    let called = Path::new(&program).file_name().unwrap_or_default();
    let mut root = Cli::command().bin_name(called.to_string_lossy());
    root.build();
    let Some(command) = meant(&mut root, words) else {
        return error;
    };
    if typed.len() >= SHORTEST
        && command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(&suggested) && !argument.is_hide_set())
    {
        return error;
    }
    match nearest(command, &typed) {
        Some(flag) => error.insert(
            ContextKind::SuggestedArg,
            ContextValue::String(format!("--{flag}")),
        ),
        None => error.remove(ContextKind::SuggestedArg),
    };
    // clap's shows the hidden one's flag as if it had been used.
    let usage = command.render_usage();
    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    error
}

/// The names of the commands that the help does not show.
fn hidden_commands(root: &Command) -> Vec<String> {
    let mut root = root.clone();
    root.build();
    let mut open = vec![&root];
    let mut hidden = Vec::new();
    while let Some(command) = open.pop() {
        for own in command.get_subcommands() {
            if own.is_hide_set() {
                hidden.push(own.get_name().to_owned());
            }
            open.push(own);
        }
    }
    hidden
}

/// The command that the first words name.
fn meant(root: &mut Command, words: impl Iterator<Item = OsString>) -> Option<&mut Command> {
    let mut command = root;
    for word in words {
        if command.find_subcommand(&word).is_none() {
            break;
        }
        command = command.find_subcommand_mut(&word)?;
    }
    Some(command)
}

/// The flag one of whose names is most like what was typed.
fn nearest<'c>(command: &'c Command, typed: &str) -> Option<&'c str> {
    let shown = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    let names = shown.flat_map(|argument| {
        let names = written_out(argument);
        names.map(move |name| (strsim::jaro(typed, name), argument))
    });
    let similar = names.filter(|(likeness, _)| typed.len() >= SHORTEST && *likeness > SIMILAR);
    similar
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .and_then(|(_, argument)| argument.get_long())
}

/// The names of a flag that are not prefixes of another of its names.
fn written_out(argument: &Arg) -> impl Iterator<Item = &str> {
    let all = || {
        let others = argument.get_all_aliases().into_iter().flatten();
        argument.get_long().into_iter().chain(others)
    };
    all().filter(move |name| !all().any(|other| other != *name && other.starts_with(*name)))
}
