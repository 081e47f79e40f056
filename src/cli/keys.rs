//! What the commands for long-term keys can be told.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::about;
use crate::cli::{OfUser, Profile, Suffixes, Verbosity};

/// What `rotate` can be told.
#[derive(Args)]
#[command(about = about::ROTATE)]
pub struct Rotate {
    #[command(flatten)]
    pub of: OfUser,
    /// Delete the old key without asking
    #[arg(long)]
    pub yes: bool,
}

/// What can be done with the system's keychain.
#[derive(Args)]
#[command(about = about::KEYCHAIN)]
pub struct InKeychain {
    #[command(subcommand)]
    pub command: KeychainCommand,
}

/// What can be done with the system's keychain.
#[derive(Subcommand)]
pub enum KeychainCommand {
    /// Move the long-term keys of a profile from the credentials file into the keychain
    Move(MoveKeys),
    /// Move them back into the credentials file
    Restore(RestoreKeys),
    /// Print keys as AWS tools read them from a `credential_process`; it is what `move` writes into the section
    Get(GetKeys),
    /// Run a command as somebody would who shares nothing with this session but the user
    #[cfg(unix)]
    #[command(hide = true)]
    Elsewhere(Elsewhere),
}

/// What `keychain move` can be told.
#[derive(Args)]
pub struct MoveKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub store: Store,
    /// Do not ask before the keys are left to a keychain that only this session can read
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `keychain restore` can be told.
#[derive(Args)]
pub struct RestoreKeys {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `keychain get` can be told.
#[derive(Args)]
pub struct GetKeys {
    /// The access key id (AKIA…)
    pub access_key_id: String,
    #[command(flatten)]
    pub store: Store,
}

/// What the way to find out whether others can read the keychain is told.
#[cfg(unix)]
#[derive(Args)]
pub struct Elsewhere {
    /// For the shell
    pub command: String,
}

/// Which keychain is meant. There is one on each system, so that nobody has to say; old command lines do.
#[derive(Args, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Store {
    #[arg(
        id = "store",
        long,
        value_name = "STORE",
        value_enum,
        default_value_t,
        hide = true
    )]
    pub keychain: Keychain,
}

/// The keychains of this system.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Keychain {
    /// The desktop's: GNOME Keyring, KWallet or KeePassXC
    #[cfg(all(unix, not(target_os = "macos")))]
    #[default]
    SecretService,
    /// The kernel's, for what earlier versions have put there: it forgets, and other sessions do not see it
    #[cfg(target_os = "linux")]
    #[value(hide = true)]
    Keyutils,
    /// The login keychain
    #[cfg(target_os = "macos")]
    #[default]
    Macos,
    /// The one of the control panel
    #[cfg(windows)]
    #[default]
    CredentialManager,
}
