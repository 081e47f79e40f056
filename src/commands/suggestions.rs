//! Suggests the flag that a mistyped one may have meant, but never one of aws-mfa's hidden abbreviations.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, CommandFactory as _, Error};

use super::Cli;

/// As similar as clap wants it.
const SIMILAR: f64 = 0.7;
/// Less is like everything.
const SHORTEST: usize = 3;

/// The same error, with a flag that the help shows in place of a hidden name of one. The words are those of the command
/// line, which begins with the program and its command.
pub fn told_by_the_help(mut error: Error, mut words: impl Iterator<Item = OsString>) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.trim_start_matches("--").to_owned()),
        _ => None,
    };
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
    if command
        .get_arguments()
        .any(|argument| argument.get_long() == Some(&suggested))
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
    let names = command.get_arguments().flat_map(|argument| {
        let names = written_out(argument);
        names.map(move |name| (strsim::jaro(typed, name), argument))
    });
    let similar = names.filter(|(likeness, _)| typed.len() >= SHORTEST && *likeness > SIMILAR);
    similar
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .and_then(|(_, argument)| argument.get_long())
}

/// The names of a flag that are no beginnings of another one of its names.
fn written_out(argument: &Arg) -> impl Iterator<Item = &str> {
    let all = || {
        let others = argument.get_all_aliases().into_iter().flatten();
        argument.get_long().into_iter().chain(others)
    };
    all().filter(move |name| !all().any(|other| other != *name && other.starts_with(*name)))
}
