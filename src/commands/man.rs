//! `mfa-creds man`: prints a manual page, made from the command line's own definition.

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man as Page;

use super::Cli;
use crate::report;

/// What it does, for the help.
pub(super) const ABOUT: &str = "Print the manual page, of `mfa-creds` or of one of its commands";
/// The command itself, whose flags are not known yet while the list of pages is made.
const NAME: &str = "man";

/// What `man` can be told.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Man {
    /// A command of `mfa-creds`
    #[arg(value_parser = PossibleValuesParser::new(pages()))]
    pub command: Option<String>,
}

/// The names of the pages: every command, and each of its own commands as `device-list`. clap keeps them until the process ends.
fn pages() -> Vec<&'static str> {
    let mut pages = Vec::new();
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
    // A page is the same for all builds of a version.
    let mut command = Cli::command().version(env!("CARGO_PKG_VERSION"));
    command.build();
    for name in args.command.iter().flat_map(|names| names.split('-')) {
        if let Some(found) = command.find_subcommand(name) {
            command = found.clone();
        }
    }
    let mut page = Vec::new();
    Page::new(command)
        .render(&mut page)
        .context("the manual page cannot be written")?;
    report::data(&String::from_utf8_lossy(&page))
}
