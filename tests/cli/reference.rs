//! `--help` and the guide `reference` say the same: which commands exist, which options each accepts, and which environment variables
//! set them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::home::Home;

const REFERENCE: &str = include_str!("../../src/guide/reference.md");

type Names = BTreeSet<String>;

/// What `--help` says of a command.
struct Help {
    /// The variables that stand for each flag.
    flags: BTreeMap<String, Names>,
    /// Short and long.
    shorts: BTreeSet<(String, String)>,
    commands: Vec<String>,
    /// What is said of each flag.
    words: BTreeMap<String, String>,
    text: String,
}

fn help(command: &str) -> Help {
    let home = Home::new();
    let mut arguments: Vec<&str> = command.split_whitespace().collect();
    arguments.push("--help");
    let text = home.run(&arguments).outcome().stdout;
    let mut flags: BTreeMap<String, Names> = BTreeMap::new();
    let mut shorts = BTreeSet::new();
    let mut said = BTreeMap::new();
    let (mut commands, mut flag, mut chapter) = (Vec::new(), String::new(), "");
    for line in text.lines() {
        if !line.starts_with(' ') && line.ends_with(':') {
            chapter = line;
        }
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .collect();
        match (chapter, &words[..]) {
            ("Commands:", [name, ..]) if indent == 2 && (command.is_empty() || *name != "help") => {
                commands.push((*name).to_owned());
            }
            (_, [first, ..]) if indent < 8 && first.starts_with('-') => {
                let long = words.iter().find(|word| word.starts_with("--")).unwrap();
                long.trim_end_matches('.').clone_into(&mut flag);
                flags.entry(flag.clone()).or_default();
                if *first != *long && !["--help", "--version"].contains(&&*flag) {
                    shorts.insert(((*first).to_owned(), flag.clone()));
                }
            }
            _ => {}
        }
        if line.is_empty() || !line.starts_with(' ') {
            flag.clear();
        } else if !flag.is_empty() && indent >= 8 {
            let words: &mut String = said.entry(flag.clone()).or_default();
            *words += line.trim();
            words.push(' ');
        }
        if let Some(variables) = flags.get_mut(&flag) {
            variables.extend(
                quoted(line)
                    .filter(|name| is_variable(name))
                    .map(str::to_owned),
            );
        }
    }
    Help {
        flags,
        shorts,
        commands,
        words: said,
        text,
    }
}

/// The help of each command, by its name; that of the tool itself without one.
fn all_help() -> BTreeMap<String, Help> {
    let mut all = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(command) = open.pop() {
        let help = help(&command);
        open.extend(
            help.commands
                .iter()
                .map(|name| format!("{command} {name}").trim().to_owned()),
        );
        all.insert(command, help);
    }
    all
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_variable(word: &str) -> bool {
    (word.starts_with("AWS_") || word.starts_with("MFA_")) && !word.contains(char::is_lowercase)
}

/// The rows of the table below a heading, as cells.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let chapter = REFERENCE
        .split(heading)
        .nth(1)
        .unwrap_or_else(|| panic!("there is no {heading}"));
    let rows = chapter
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn long_flags(cell: &str) -> Names {
    quoted(cell)
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

/// Those of the table of settings, which hold wherever they mean something.
fn settings() -> Vec<(Names, Names)> {
    let rows = table("## Settings").into_iter();
    rows.map(|cells| {
        let variables = quoted(cells[2]).filter(|name| is_variable(name));
        (long_flags(cells[1]), variables.map(str::to_owned).collect())
    })
    .collect()
}

#[test]
fn each_command_has_a_row_with_the_flags_of_its_own() {
    let settings: Names = settings()
        .into_iter()
        .flat_map(|(flags, _)| flags)
        .collect();
    let help = all_help();
    let rows: BTreeMap<String, Names> = table("## Commands")
        .into_iter()
        .map(|cells| {
            let command = quoted(cells[0])
                .next()
                .unwrap()
                .trim_start_matches("mfa-creds")
                .trim();
            (command.to_owned(), long_flags(cells[2]))
        })
        .collect();
    // `device` is only the way to its own commands.
    let expected = help
        .iter()
        .filter(|(_, help)| help.commands.is_empty() || help.flags.len() > 2);
    let expected = expected.map(|(command, help)| {
        let usual =
            |flag: &&String| flag != &"--help" && flag != &"--version" && !settings.contains(*flag);
        (
            command.clone(),
            help.flags.keys().filter(usual).cloned().collect::<Names>(),
        )
    });
    assert_eq!(rows, expected.collect());
    let known: Names = help
        .values()
        .flat_map(|help| help.flags.keys().cloned())
        .collect();
    assert_eq!(
        settings.difference(&known).collect::<Vec<_>>(),
        [""; 0],
        "no command takes these"
    );
}

#[test]
fn each_flag_has_the_variables_that_the_table_says() {
    let help = all_help();
    for (flags, variables) in settings()
        .into_iter()
        .filter(|(flags, _)| !flags.is_empty())
    {
        let said = help
            .values()
            .flat_map(|help| &help.flags)
            .filter(|(flag, _)| flags.contains(*flag));
        let said: Names = said.flat_map(|(_, variables)| variables.clone()).collect();
        assert_eq!(said, variables, "{flags:?}");
    }
}

#[test]
fn the_exit_codes_are_the_same() {
    let numbers = |text: &str| -> Names {
        let words = text.split([' ', ',', '\n', '.']);
        words
            .filter(|word| word.parse::<u8>().is_ok())
            .map(str::to_owned)
            .collect()
    };
    let root = all_help().remove("").unwrap().text;
    let said = numbers(root.split("Exit codes:").nth(1).unwrap());
    let table: Names = table("## Exit codes")
        .iter()
        .flat_map(|cells| numbers(cells[0]))
        .collect();
    assert_eq!(
        table.difference(&said).collect::<Vec<_>>(),
        ["126", "127"],
        "those of `exec`"
    );
    assert_eq!(said.difference(&table).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn each_short_flag_stands_beside_the_long_one() {
    let help = all_help();
    let pairs: BTreeSet<_> = help.values().flat_map(|help| &help.shorts).collect();
    assert!(pairs.len() > 2, "{pairs:?}");
    let rows = table("## Settings");
    for (short, long) in pairs {
        let both = |cell: &str| {
            [short, long]
                .iter()
                .all(|flag| quoted(cell).any(|word| word == *flag))
        };
        assert!(rows.iter().any(|cells| both(cells[1])), "{short}, {long}");
    }
}

/// A name in the one and not in the other was renamed, or never was, or nobody is told of it.
#[test]
fn the_variables_of_the_source_are_those_of_the_reference() {
    let ours = |text: &str| -> Names {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words
            .filter(|word| word.starts_with("MFA_"))
            .map(str::to_owned)
            .collect()
    };
    let mut source = String::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") && !path.ends_with("build") {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                source.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    // As they are asked for, but not what the build puts in.
    let literals = source
        .match_indices("\"MFA_")
        .filter(|(start, _)| !source[..*start].ends_with("env!("));
    let asked = literals.filter_map(|(start, _)| source[start..].split('"').nth(1).map(ours));
    let asked: Names = asked.flatten().collect();
    assert_eq!(ours(REFERENCE), asked);
}

/// The manual page has the list of variables, and the settings name the same ones.
#[test]
fn each_variable_of_the_settings_is_in_the_list_of_variables() {
    let listed: Names = table("## Environment variables")
        .iter()
        .flat_map(|cells| quoted(cells[0]).map(str::to_owned))
        .collect();
    let settings: Names = settings()
        .into_iter()
        .flat_map(|(_, variables)| variables)
        .collect();
    let missing: Vec<_> = settings.difference(&listed).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_same_option_has_the_same_words_in_every_command() {
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (command, help) in all_help() {
        for (flag, words) in help.words {
            let own = known
                .entry(flag.clone())
                .or_insert_with(|| (words.clone(), command.clone()));
            // What a command asks about or prints is its own.
            if ![
                "--help",
                "--profile",
                "--json",
                "--format",
                "--yes",
                "--all",
            ]
            .contains(&&*flag)
            {
                assert_eq!(own.0, words, "{flag} of `{}` and `{command}`", own.1);
            }
        }
    }
}

#[test]
fn h_fits_one_screen() {
    for command in all_help().keys() {
        let home = Home::new();
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("-h");
        let text = home.run(&arguments).env("COLUMNS", "80").outcome().stdout;
        let lines = text.lines().count();
        let most = if command.is_empty() { 40 } else { 24 };
        assert!(lines <= most, "{lines} lines of `{command}`:\n{text}");
        for rare in ["--lock-timeout", "--prompt-timeout"] {
            assert!(!text.contains(rare), "{rare} of `{command}`");
        }
    }
}
