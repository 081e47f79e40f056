//! Takes back what `export` has set in a shell.

use anyhow::Result;
use zeroize::Zeroizing;

use super::Format;
use super::shell::{self, Language};
use crate::commands::obtain::name;
use crate::core::environment::{Environment, REGION_OF_PROFILE, REGIONS};
use crate::core::error::{Exit, Failure};

/// Prints the lines that unset the variables.
///
/// # Errors
/// With exit code 2, if the format is not for a shell.
pub(super) fn unset(format: Format, environment: &Environment) -> Result<Zeroizing<String>> {
    let mut names = vec![
        name::ACCESS_KEY_ID,
        name::SECRET_ACCESS_KEY,
        name::SESSION_TOKEN,
        name::CREDENTIAL_EXPIRATION,
    ];
    if environment.text(REGION_OF_PROFILE).is_some() {
        // A region of ours is hidden. One that is set is the user's own.
        names.extend(
            REGIONS
                .iter()
                .filter(|name| environment.text(name).is_none()),
        );
        names.push(REGION_OF_PROFILE);
    }
    shell::render(language(format)?, &names, &[])
}

fn language(format: Format) -> Result<&'static Language, Failure> {
    let refused = |reason| {
        Err(Failure::new(reason)
            .hint("leave out --unset, or choose the --format of a shell: env, fish, powershell, or windows-cmd")
            .exit(Exit::Usage))
    };
    match format {
        // Either way, they are variables of a POSIX shell.
        Format::Env | Format::EnvNoExport => Ok(&shell::POSIX),
        Format::Fish => Ok(&shell::FISH),
        Format::PowerShell => Ok(&shell::POWERSHELL),
        Format::WindowsCmd => Ok(&shell::WINDOWS_CMD),
        Format::Dotenv => refused("a .env file cannot unset variables"),
        Format::Process | Format::Json | Format::Server => {
            refused("--unset is for shells, and JSON output sets no variables")
        }
    }
}
