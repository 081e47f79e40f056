//! `mfa-creds man`: prints a manual page: of a command, made from the definition of the command line, or of a guide.

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, Command, CommandFactory as _};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use super::Cli;
use super::help::{GUIDES, Guide};
use crate::report;

/// What it does, for the help.
pub(super) const ABOUT: &str = "Print the manual page of a command or a guide";
/// The command itself, whose flags are not known yet while the list of pages is made.
const NAME: &str = "man";
/// The guide whose sections are in the page of `mfa-creds` itself, with the names that manual pages have for them.
const REFERENCE: (&str, [(&str, &str); 4]) = (
    "reference",
    [
        ("Exit codes", "EXIT STATUS"),
        ("Environment variables", "ENVIRONMENT"),
        ("Files", "FILES"),
        ("Examples", "EXAMPLES"),
    ],
);
/// What the end of a command's help begins with if it is about exit codes; otherwise it has examples.
const EXIT_CODES: &str = "Exit codes: ";

/// The arguments of `man`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Man {
    /// A command, such as `exec` or `device-list`, or a guide, such as `roles` [default: the page of `mfa-creds`]
    #[arg(value_name = "PAGE", value_parser = PossibleValuesParser::new(pages()), hide_possible_values = true)]
    pub page: Option<String>,
}

/// The names of the pages: every command, and each of its own commands as `device-list`. clap keeps them until the process ends.
fn pages() -> Vec<&'static str> {
    let mut pages: Vec<&str> = GUIDES.iter().map(|guide| guide.name).collect();
    for command in Cli::command().get_subcommands_mut() {
        let name = command.get_name().to_owned();
        pages.push(&*name.clone().leak());
        if name != NAME {
            // So that its own commands are there.
            command.build();
            let is_shown = |own: &&Command| !own.is_hide_set() && own.get_name() != "help";
            let shown = command.get_subcommands().filter(is_shown);
            pages.extend(shown.map(|own| &*format!("{name}-{}", own.get_name()).leak()));
        }
    }
    pages
}

/// Prints a manual page.
pub(super) fn man(args: &Man) -> Result<()> {
    if let Some(guide) = args.page.as_deref().and_then(Guide::of) {
        return report::data(&guide.page());
    }
    // A page is the same for all builds of a version.
    let mut command = Cli::command().version(env!("CARGO_PKG_VERSION"));
    command.build();
    for name in args.page.iter().flat_map(|names| names.split('-')) {
        if let Some(found) = command.find_subcommand(name) {
            command = found.clone();
        }
    }
    let page = of_command(command).context("the manual page cannot be written")?;
    report::data(&String::from_utf8_lossy(&page))
}

fn of_command(command: Command) -> std::io::Result<Vec<u8>> {
    let is_root = command.get_name() == Cli::command().get_name();
    let end = command.get_after_help().map(ToString::to_string);
    let has_commands = command.get_subcommands().any(|own| !own.is_hide_set());
    let page = Page::new(command.mut_args(with_long_help));
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    page.render_description_section(&mut roff)?;
    page.render_options_section(&mut roff)?;
    if has_commands {
        page.render_subcommands_section(&mut roff)?;
    }
    if is_root {
        roff.extend(of_reference().into_bytes());
        see_also().to_writer(&mut roff)?;
        page.render_version_section(&mut roff)?;
    } else if let Some(end) = end {
        let mut section = Roff::new();
        match end.strip_prefix(EXIT_CODES) {
            Some(codes) => section.control("SH", ["EXIT STATUS"]).text([roman(codes)]),
            None => section
                .control("SH", ["EXAMPLES"])
                .control("nf", [])
                .text([roman(end)])
                .control("fi", []),
        };
        section.to_writer(&mut roff)?;
    }
    Ok(roff)
}

/// A page leaves out the help of flags that only `--help` shows, unless it is their long help.
fn with_long_help(flag: Arg) -> Arg {
    match flag.get_long_help().or_else(|| flag.get_help()).cloned() {
        Some(help) => flag.long_help(help),
        None => flag,
    }
}

/// The sections of the reference, each under the name that manual pages have for it.
fn of_reference() -> String {
    let (name, sections) = REFERENCE;
    let Some(guide) = Guide::of(name) else {
        return String::new();
    };
    let sections = sections.iter();
    sections
        .map(|(heading, title)| guide.section(heading, title))
        .collect()
}

fn see_also() -> Roff {
    let mut section = Roff::new();
    let names = GUIDES
        .iter()
        .map(|guide| format!("mfa-creds-{}(7)", guide.name));
    let names = names.collect::<Vec<_>>().join(", ");
    section.control("SH", ["SEE ALSO"]).text([roman(names)]);
    section
}
