//! Parses the command line, and explains what is wrong with it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error, Parser as _};

use super::Cli;
use super::completions::profile_names;
use super::refresh::Refresh;
use super::suggestions::told_by_the_help;
use crate::cli::profile_name;
use crate::core::environment::Environment;
use crate::core::text::{flag, nearest, plain};
use crate::plan::MOST_NAMES;

/// Parses the words of the command line. The first one is the program.
pub fn parse(words: &[OsString], environment: &Environment) -> Result<Cli, Error> {
    if let Some(refresh) = refresh_of_profiles(words) {
        let command = None;
        return Ok(Cli { command, refresh });
    }
    let error = match Cli::try_parse_from(words) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let Some(sorted) = with_options_behind_the_command(words, &error) else {
        return match with_options_behind_its_own_command(words, &error) {
            Some(cli) => Ok(cli),
            None => Err(explained(words, environment)),
        };
    };
    Cli::try_parse_from(&sorted).or_else(|error| {
        with_options_behind_its_own_command(&sorted, &error).ok_or_else(|| {
            let mut error = explained(&sorted, environment);
            // The option was no value for the command.
            error.remove(ContextKind::Suggested);
            error
        })
    })
}

/// A command line that only names profiles, as it runs before every other command. The parser would take longer for it than a run that
/// renews nothing takes for all the rest.
fn refresh_of_profiles(words: &[OsString]) -> Option<Refresh> {
    let mut refresh = Refresh::default();
    let mut words = words.iter().skip(1).map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word? {
            "-p" | "--profile" => {
                let name = words.next()??;
                if name.starts_with('-') {
                    return None;
                }
                refresh.profiles.names.push(profile_name(name).ok()?);
            }
            "-q" | "--quiet" => refresh.verbosity.quiet = true,
            _ => return None,
        }
    }
    Some(refresh)
}

/// What is wrong with the command line, or what it asked for, such as help. Arguments that are quoted in it are safe to show.
fn explained(words: &[OsString], environment: &Environment) -> Error {
    let words: Vec<OsString> = words
        .iter()
        .map(|word| plain(&word.to_string_lossy()).into())
        .collect();
    let error = match Cli::try_parse_from(&words) {
        Err(error) => error,
        // Only an argument that is not UTF-8 is an error that its safe form is not.
        Ok(_) => Cli::command().error(
            ErrorKind::InvalidUtf8,
            "an argument is not valid UTF-8 text",
        ),
    };
    match unknown_command(&words, &error) {
        // Options before it are not what is wrong.
        Some(typed) if error.kind() == ErrorKind::ArgumentConflict => {
            explained(&[words[0].clone(), typed.into()], environment)
        }
        Some(typed) => with_nearest(error, &typed, environment),
        None => told_by_the_help(error, words.into_iter()),
    }
}

/// The same command line in the order that the parser wants: `mfa-creds -p work status` as `mfa-creds status -p work`. The AWS CLI
/// accepts both. None if the command line has no options before a command.
fn with_options_behind_the_command(words: &[OsString], error: &Error) -> Option<Vec<OsString>> {
    if error.kind() != ErrorKind::ArgumentConflict {
        return None;
    }
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let root = Cli::command();
    let mut command = root.find_subcommand(name)?.clone();
    // A value may be spelled like the command: `-p status status`.
    let is_command =
        |at: &usize| words[*at] == **name && Cli::try_parse_from(&words[..*at]).is_ok();
    let Some(start) = (1..words.len()).find(is_command) else {
        // What is in front is wrong without the command.
        let place = words.iter().position(|word| *word == **name)?;
        return Some(words[..place].to_vec());
    };
    command.build();
    let is_own = |word: &OsString| command.find_subcommand(word).is_some();
    let end = start + 1 + usize::from(words.get(start + 1).is_some_and(is_own));
    let parts = [
        &words[..1],
        &words[start..end],
        &words[1..start],
        &words[end..],
    ];
    Some(parts.concat())
}

/// Parses a command line with options between a command and one of its own: `mfa-creds device -p work list`.
fn with_options_behind_its_own_command(words: &[OsString], error: &Error) -> Option<Cli> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let mut root = Cli::command();
    root.build();
    let start = 1;
    let command = root.find_subcommand(words.get(start)?)?;
    let own = (start + 1..words.len()).filter(|at| command.find_subcommand(&words[*at]).is_some());
    let mut sorted = own.map(|at| {
        let own = &words[at..=at];
        [
            &words[..=start],
            own,
            &words[start + 1..at],
            &words[at + 1..],
        ]
        .concat()
    });
    sorted.find_map(|words| Cli::try_parse_from(words).ok())
}

/// The word in place of a command of `mfa-creds` that is not one.
fn unknown_command(words: &[OsString], error: &Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    if Cli::command().find_subcommand(typed).is_some() {
        return None;
    }
    // Behind a command such as `device`, its own commands are meant.
    let is_command = |at: usize| {
        let before = Cli::try_parse_from(&words[..at]);
        words[at] == **typed && before.is_ok_and(|cli| cli.command.is_none())
    };
    (1..words.len()).any(is_command).then(|| typed.clone())
}

/// The same error with the command or the profile that was most likely meant. clap's own suggestions are less similar.
fn with_nearest(mut error: Error, typed: &str, environment: &Environment) -> Error {
    error.remove(ContextKind::SuggestedSubcommand);
    let root = Cli::command();
    let commands = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let names = profile_names(environment);
    let tip = if let Some(name) = nearest(typed, commands.map(clap::Command::get_name)) {
        format!("did you mean `mfa-creds {name}`?")
    } else if let Some(name) = nearest(typed, names.iter().map(String::as_str)) {
        format!(
            "to renew the profile, run `mfa-creds {}`",
            flag("--profile", name)
        )
    } else if names.is_empty() {
        "run `mfa-creds help` to list the commands".to_owned()
    } else {
        let shown = names[..names.len().min(MOST_NAMES)].join(", ");
        format!(
            "run `mfa-creds help` to list the commands; to name a profile, use --profile: {shown}"
        )
    };
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_names_profiles_is_read_as_the_parser_reads_it() {
        for (line, is_quick) in [
            ("mfa-creds", true),
            ("mfa-creds -p work", true),
            ("mfa-creds --profile work --profile status -q -q", true),
            ("mfa-creds --quiet -p work -p work", true),
            ("mfa-creds -p -q", false),
            ("mfa-creds -p", false),
            ("mfa-creds -p work -v", false),
            ("mfa-creds --profile=work", false),
            ("mfa-creds status", false),
            ("mfa-creds -- work", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let quick = refresh_of_profiles(&words);
            assert_eq!(quick.is_some(), is_quick, "{line}");
            if let Some(quick) = quick {
                let cli = Cli::try_parse_from(&words).ok().unwrap();
                assert!(cli.command.is_none(), "{line}");
                assert_eq!(quick, cli.refresh, "{line}");
            }
        }
        let words = ["mfa-creds", "-p", ""].map(OsString::from);
        assert_eq!(refresh_of_profiles(&words), None);
    }
}
