//! `mfa-creds export`: prints the credentials of a profile for a shell or a program.

mod json;
mod shell;
mod unset;

use std::io::{self, IsTerminal as _};

use anyhow::Result;
use clap::{Arg, Args, ValueEnum};
use zeroize::Zeroizing;

use self::shell::Language;
use super::obtain::{ObtainedCredentials, Purpose, obtain};
use super::server::{self, handover};
use crate::cli::SingleProfile;
use crate::core::environment::{Environment, REGION_OF_PROFILE};
use crate::core::seconds;
use crate::files::profiles::Files;
use crate::plan::{self, Overridden, ProfileSections};
use crate::renewal::codes::StandardInput;
use crate::report::{self, Report};

/// Describes the command in the help.
pub(super) const ABOUT: &str = "Print credentials for a shell or a program";
/// The end of the help.
pub(super) const AFTER_HELP: &str = "\
bash, zsh, sh: eval \"$(mfa-creds export -p PROFILE)\"
fish:          mfa-creds export -p PROFILE --format fish | source
PowerShell:    mfa-creds export -p PROFILE --format powershell | Out-String | Invoke-Expression
AWS SDKs:      credential_process = mfa-creds export -p PROFILE --format process";

/// The arguments of `export`.
#[derive(Args)]
#[command(about = ABOUT, mut_args(for_credentials_only))]
pub struct Export {
    /// The format of the output
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "env")]
    pub format: Format,
    /// Print lines that take back what `export` has set in a shell; needs no profile
    #[arg(long)]
    pub unset: bool,
    #[command(flatten)]
    pub of: SingleProfile,
    /// Renew credentials that end within this time. The server of `exec --server` and `serve` runs this command.
    #[arg(long, value_name = "DURATION", hide = true, value_parser = seconds::parse)]
    pub renew_before: Option<u64>,
}

/// What --unset does not use. clap's groups do not contain flags of other groups.
fn for_credentials_only(flag: Arg) -> Arg {
    match flag.get_id().as_str() {
        "format" | "unset" | "quiet" | "verbose" | "log_level" => flag,
        _ => flag.conflicts_with("unset"),
    }
}

/// The output formats. The first six have the names that the AWS CLI uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For `eval` in bash, zsh, and any POSIX shell
    Env,
    /// The same without `export`
    EnvNoExport,
    /// For fish
    Fish,
    /// For PowerShell
    #[value(name = "powershell")]
    PowerShell,
    /// For cmd.exe
    WindowsCmd,
    /// What AWS tools read from a `credential_process`
    Process,
    /// For `.env` files
    Dotenv,
    /// For scripts
    Json,
    /// For the server of `exec --server` and `serve`
    #[value(hide = true)]
    Server,
}

/// Prints the credentials of a profile, or what takes them back.
pub(super) fn export(args: &Export, environment: &Environment) -> Result<()> {
    if args.unset {
        return report::data(&unset::unset(args.format, environment)?);
    }
    let verbosity = &args.of.verbosity;
    let (report, input) = match args.format {
        // An SDK passes on the standard input of its own program.
        Format::Process => (Report::to_a_program(verbosity), StandardInput::OfAnother),
        Format::Server => {
            server::end_with_server();
            (Report::new(verbosity), StandardInput::OfAnother)
        }
        _ => (Report::new(verbosity), StandardInput::Ours),
    };
    let purpose = Purpose {
        input,
        renew_before: args.renew_before.map(server::margin),
    };
    let obtained = obtain(
        &args.of,
        environment,
        report,
        purpose,
        |inputs, sections| {
            if args.format == Format::Process {
                warn_of_keys_before_process(report, sections, inputs.files);
            }
            Ok(())
        },
    )?;
    let text = render(&obtained, args.format)?;
    if io::stdout().is_terminal() {
        report.warning(
            "these secrets are now visible on the screen; see `mfa-creds export --help` for how to use them",
        );
    }
    report::data(&text)
}

/// Formats the credentials.
fn render(obtained: &ObtainedCredentials, format: Format) -> Result<Zeroizing<String>> {
    match format {
        Format::Env => for_shell(obtained, &shell::POSIX),
        Format::EnvNoExport => for_shell(obtained, &shell::POSIX_WITHOUT_EXPORT),
        Format::Fish => for_shell(obtained, &shell::FISH),
        Format::PowerShell => for_shell(obtained, &shell::POWERSHELL),
        Format::WindowsCmd => for_shell(obtained, &shell::WINDOWS_CMD),
        Format::Dotenv => for_shell(obtained, &shell::DOTENV),
        Format::Process => json::process(obtained),
        Format::Json => json::json(obtained),
        Format::Server => handover::write(obtained),
    }
}

fn for_shell(obtained: &ObtainedCredentials, language: &Language) -> Result<Zeroizing<String>> {
    let mut variables = obtained.variables();
    // Needed only where a later output may replace an earlier one, not in files.
    variables.retain(|(name, _)| language.unset.is_some() || *name != REGION_OF_PROFILE);
    shell::render(language, &obtained.shadowing(), &variables)
}

/// Warns of keys that AWS tools prefer to the profile's `credential_process`, which may run mfa-creds.
fn warn_of_keys_before_process(report: Report, sections: &ProfileSections, files: &Files<'_>) {
    if let Some(Overridden { problem, way_out }) = plan::keys_before_process(sections, files) {
        report.warning(format_args!("{problem}: {way_out}"));
    }
}
