//! Defines the command line, and runs the command that it names. Each command has a file or a folder of its own here.

mod loaded_files;
mod signed_in_user;
mod pick_profile;
mod refresh;
mod plan;
mod obtain;
mod server;
mod export;
mod exec;
mod serve;
mod console;
mod status;
mod doctor;
mod clear;
mod device;
mod rotate;
mod audit;
mod policy;
mod keychain;
mod setup;
mod completions;
mod man;
mod help;
mod command_line;
mod suggestions;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

pub use self::command_line::parse;
pub use self::completions::answer_shell;
use self::refresh::Refresh;
use crate::core::environment::{Environment, MFA_CREDS_TRACE};
use crate::core::error::{self, Exit, Failure};
use crate::core::regular_file;
use crate::files::profiles::Paths;
use crate::report;

/// What the help ends with.
const AFTER_HELP: &str = "\
Exit codes: 0 the credentials are valid, 1 failed, 2 wrong usage, 3 a code was needed and there was nobody to ask, 4 AWS refused \
the code or the device.

`mfa-creds help` lists the guides.";

/// Exchange an MFA code for temporary AWS credentials in ~/.aws/credentials
///
/// Reads the long-term keys in `[PROFILE-long-term]`, asks for the code of your MFA device, and writes temporary credentials to
/// `[PROFILE]`. While those are valid, it does nothing. For a role in ~/.aws/config, it follows `source_profile` to the keys, and
/// writes to `[PROFILE-mfa]`.
#[derive(Parser)]
#[command(
    version = env!("MFA_CREDS_VERSION"),
    infer_long_args = true,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = AFTER_HELP
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub refresh: Refresh,
}

/// The command, if any. Without one, credentials are renewed.
// The flags of a command are made ready only when it is meant: a seventh of the instructions of a cached run.
#[derive(Subcommand)]
#[command(defer = true)]
pub enum Command {
    #[command(about = setup::ABOUT)]
    Setup(setup::Setup),
    #[command(about = plan::ABOUT)]
    Plan(Box<plan::Preview>),
    #[command(about = export::ABOUT, after_help = export::AFTER_HELP)]
    Export(Box<export::Export>),
    #[command(about = exec::ABOUT, after_help = exec::AFTER_HELP)]
    Exec(Box<exec::Exec>),
    #[command(about = serve::ABOUT, after_help = serve::AFTER_HELP)]
    Serve(Box<serve::Serve>),
    #[command(about = console::ABOUT, after_help = console::AFTER_HELP)]
    Console(Box<console::Console>),
    #[command(about = status::ABOUT)]
    Status(status::Status),
    #[command(about = doctor::ABOUT)]
    Doctor(doctor::Doctor),
    #[command(about = clear::ABOUT)]
    Clear(clear::Clear),
    #[command(about = device::ABOUT)]
    Device(device::Devices),
    #[command(about = rotate::ABOUT)]
    Rotate(rotate::Rotate),
    #[command(about = audit::ABOUT, after_help = audit::AFTER_HELP)]
    Audit(Box<audit::Audit>),
    #[command(about = policy::ABOUT)]
    Policy(policy::Policy),
    #[command(about = keychain::ABOUT)]
    Keychain(keychain::InKeychain),
    #[command(about = completions::ABOUT, after_help = completions::AFTER_HELP)]
    Completions(completions::Completions),
    #[command(about = man::ABOUT)]
    Man(man::Man),
    #[command(about = help::ABOUT)]
    Help(help::Help),
}

/// Starts the trace if the environment requests one.
pub fn trace(environment: &Environment) -> Result<()> {
    let Some(path) = environment.path(MFA_CREDS_TRACE) else {
        return Ok(());
    };
    let name = format!("the trace {} (MFA_CREDS_TRACE)", path.display());
    let is_same = |own: &Path| *own == path || regular_file::is_same(own, &path);
    if let Ok(Paths {
        credentials,
        config,
    }) = Paths::find(environment)
        && [&*credentials, &config].into_iter().any(is_same)
    {
        bail!(
            Failure::new(format!("{name} would be written to one of the AWS files"))
                .hint("name another file")
        );
    }
    report::trace_to(&path).map_err(|error| {
        let why = error::reason(&error);
        Failure::new(format!("{name} cannot be written: {why}"))
            .hint("set it to a file in a directory that you own, or unset it")
            .into()
    })
}

/// Runs the command line.
pub fn run(cli: &Cli, environment: &Environment) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Setup(args)) => setup::set_up(args, environment)?,
        Some(Command::Plan(args)) => plan::show_plan(args, environment)?,
        Some(Command::Export(args)) => export::export(args, environment)?,
        Some(Command::Exec(args)) => return exec::exec(args, environment),
        Some(Command::Serve(args)) => return serve::serve(args, environment),
        Some(Command::Console(args)) => console::console(args, environment)?,
        Some(Command::Status(args)) => return status::status(args, environment),
        Some(Command::Doctor(args)) => return doctor::doctor(args, environment),
        Some(Command::Clear(args)) => clear::clear(args, environment)?,
        Some(Command::Device(args)) => device::device(&args.command, environment)?,
        Some(Command::Rotate(args)) => rotate::rotate(args, environment)?,
        Some(Command::Audit(args)) => return audit::audit(args, environment),
        Some(Command::Policy(args)) => policy::policy(args)?,
        Some(Command::Keychain(args)) => keychain::keychain(&args.command, environment)?,
        Some(Command::Completions(args)) => completions::completions(args)?,
        Some(Command::Man(args)) => man::man(args)?,
        Some(Command::Help(args)) => help::help(args, environment)?,
        None if cli.refresh.setup => setup::set_up(&setup::Setup::of(&cli.refresh), environment)?,
        None => refresh::refresh(&cli.refresh, environment)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code if `run` or `trace` fails. For `audit`, 1 means that somebody lacks MFA, so a failure is 2, as with grep and diff.
pub fn exit_code(cli: &Cli, error: &anyhow::Error) -> u8 {
    let exit = match (error::exit(error), &cli.command) {
        (Exit::Failed, Some(Command::Audit(_))) => Exit::Usage,
        (exit, _) => exit,
    };
    exit as u8
}
