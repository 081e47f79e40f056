//! `mfa-creds help`: shows the guides, which are the Markdown files in `src/guide`, and the help of the commands.

mod blocks;
mod format;
mod manual;
mod pager;
mod screen;

use anyhow::{Result, bail};
use clap::{Args, Command, CommandFactory as _};

use self::blocks::Block;
use self::screen::Screen;
use super::{Cli, status};
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::core::text::{nearest, plain};

/// The command.
pub(super) const NAME: &str = "help";
/// What it does, for the help.
pub(super) const ABOUT: &str = "Show a guide, or the help of a command";

/// The arguments of `help`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Help {
    /// A guide or a command, such as `roles` or `device list` [default: the list of both]
    #[arg(id = TOPIC, value_name = "TOPIC")]
    pub words: Vec<String>,
}

/// The ID of the argument that names a guide or a command.
pub(super) const TOPIC: &str = "topic";

/// A guide, with the name of its file.
pub(super) struct Guide {
    pub(super) name: &'static str,
    /// What `src/build/guides.rs` makes of the file.
    compiled: &'static str,
}

macro_rules! guides {
    ($($name:literal)*) => {
        &[$(Guide {
            name: $name,
            compiled: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".md")),
        }),*]
    };
}

/// In the order of the list.
pub(super) const GUIDES: &[Guide] = guides!(
    "first-steps"
    "code"
    "devices"
    "roles"
    "aws-login"
    "profiles"
    "shells"
    "agents"
    "server"
    "recipes"
    "files"
    "keys"
    "network"
    "administrators"
    "from-aws-mfa"
    "from-awsume"
    "from-aws-vault"
    "from-leapp"
    "from-aws-cli"
    "reference"
    "troubleshooting"
);

/// The greatest width at which text is easy to read, in columns.
const WIDEST: usize = 100;
/// The width if that of the screen is unknown.
const USUAL_WIDTH: usize = 80;

impl Guide {
    /// The guide of this name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        GUIDES.iter().find(|guide| guide.name == name)
    }

    /// What the guide is about: its heading.
    pub(super) fn title(&self) -> &'static str {
        let first = self.compiled.lines().next().unwrap_or_default();
        first.get(2..).unwrap_or_default()
    }

    fn blocks(&self) -> Vec<Block> {
        blocks::read(self.compiled)
    }

    /// The guide as a manual page.
    pub(super) fn page(&self) -> String {
        manual::page(self.name, &self.blocks())
    }

    /// The part of the guide below a heading, as a section of a manual page with another title.
    pub(super) fn section(&self, heading: &str, title: &str) -> String {
        manual::section(&self.blocks(), heading, title)
    }
}

/// What `help` can show, for completions: without the commands that have commands of their own.
pub(super) fn topics() -> Vec<String> {
    let mut root = Cli::command();
    root.build();
    let commands = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && !command.has_subcommands());
    let commands = commands.map(|command| command.get_name().to_owned());
    let guides = GUIDES.iter().map(|guide| guide.name.to_owned());
    commands.chain(guides).collect()
}

/// Shows a guide, the help of a command, or the list of both.
pub(super) fn help(args: &Help, environment: &Environment) -> Result<()> {
    let layout = status::layout();
    let screen = Screen {
        width: layout.width.unwrap_or(USUAL_WIDTH).clamp(20, WIDEST),
        has_colors: layout.has_colors,
    };
    let text = match &args.words[..] {
        [] => list(screen),
        [name] if let Some(guide) = Guide::of(name) => screen.render(&guide.blocks()),
        words => of_command(words, screen)?,
    };
    pager::print(&text, environment)
}

/// The commands and the guides, a row for each.
fn list(screen: Screen) -> String {
    let root = Cli::command();
    let commands = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let commands: Vec<(&str, String)> = commands
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name(), about.unwrap_or_default())
        })
        .collect();
    let guides = GUIDES
        .iter()
        .map(|guide| (guide.name, guide.title().to_owned()));
    let guides: Vec<(&str, String)> = guides.collect();
    let names = commands.iter().chain(&guides).map(|(name, _)| name.len());
    let width = names.max().unwrap_or_default();
    let lines = |rows: &[(&str, String)]| {
        let rows = rows.iter();
        rows.map(|(name, about)| screen.row(name, width, about))
            .collect::<String>()
    };
    format!(
        "Commands, as in `mfa-creds help exec` or `mfa-creds exec --help`:\n{}\n\
         Guides, as in `mfa-creds help roles`:\n{}",
        lines(&commands),
        lines(&guides)
    )
}

/// The help of the command that the words name.
fn of_command(words: &[String], screen: Screen) -> Result<String> {
    let mut command = Cli::command();
    command.build();
    for word in words {
        match command.find_subcommand(word) {
            Some(found) if !found.is_hide_set() => command = found.clone(),
            _ => bail!(unknown(words, &command)),
        }
    }
    let help = command.render_long_help();
    Ok(if screen.has_colors {
        help.ansi().to_string()
    } else {
        help.to_string()
    })
}

/// The error for a name that is neither a guide nor a command; `command` is the command that its first words name.
fn unknown(words: &[String], command: &Command) -> Failure {
    let typed = plain(&words.join(" "));
    let own = command.get_subcommands().filter(|own| !own.is_hide_set());
    let path = command.get_bin_name().unwrap_or_default();
    let path = path.trim_start_matches("mfa-creds").trim();
    let mut known: Vec<String> = own
        .map(|own| format!("{path} {}", own.get_name()).trim().to_owned())
        .collect();
    known.extend(GUIDES.iter().map(|guide| guide.name.to_owned()));
    let failure = Failure::new(format!("there is no guide or command `{typed}`")).exit(Exit::Usage);
    failure.hint(match nearest(&typed, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `mfa-creds help {name}`?"),
        None => "run `mfa-creds help` to list the guides and commands".to_owned(),
    })
}
