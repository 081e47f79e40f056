//! What each command can be told.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use crate::cli::about;
use crate::cli::{Asking, Profile, Profiles, PromptTimeout, Request, Store, Suffixes, Verbosity};
use crate::core::seconds;

/// What a refresh can be told.
#[derive(Args)]
pub struct Refresh {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub asking: Asking,
    /// The same as the command `setup`
    #[arg(long, conflicts_with = "all")]
    pub setup: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `plan` can be told.
#[derive(Args)]
#[command(about = about::PLAN)]
pub struct Preview {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
}

/// Which credentials shall go out.
#[derive(Args)]
pub struct Outgoing {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub asking: Asking,
    /// Neither read nor write the section `[PROFILE]`; what is got is kept in the tool's own file
    #[arg(long)]
    pub no_store: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `export` can be told.
#[derive(Args)]
#[command(about = about::EXPORT)]
pub struct Export {
    /// What the output is for
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "env")]
    pub format: Format,
    #[command(flatten)]
    pub outgoing: Outgoing,
}

/// The forms that credentials are printed in. The first six are called as in the AWS CLI.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For `eval` in bash, zsh and every POSIX shell
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
}

/// What `exec` can be told.
#[derive(Args)]
#[command(about = about::EXEC)]
pub struct Exec {
    #[command(flatten)]
    pub outgoing: Outgoing,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// What `status` can be told.
#[derive(Args)]
#[command(about = about::STATUS)]
pub struct Status {
    /// Only this profile; several times for several [default: every profile, with --check as for `mfa-creds`]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE")]
    pub names: Vec<String>,
    /// As JSON
    #[arg(long, conflicts_with = "check")]
    pub json: bool,
    /// Say nothing; exit code 0 if the credentials are valid, 1 if not
    #[arg(long)]
    pub check: bool,
    /// Count as valid only what lasts so long: seconds, or `2h` [env: `MFA_CREDS_MIN_TTL`] [default: 60]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub min_ttl: Option<u64>,
    #[command(flatten)]
    pub suffixes: Suffixes,
}

/// What `doctor` can be told.
#[derive(Args)]
#[command(about = about::DOCTOR)]
pub struct Doctor {
    #[command(flatten)]
    pub profile: Profile,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Ask AWS nothing, and look only at what is here
    #[arg(long)]
    pub offline: bool,
    /// The region whose STS is called [env: `AWS_REGION`, `AWS_DEFAULT_REGION`] [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Give AWS up after so long, with every try: seconds, or `1m`, up to 10 minutes [env: `MFA_CREDS_TIMEOUT`] [default: 30]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
    #[command(flatten)]
    pub suffixes: Suffixes,
}

/// What `clear` can be told.
#[derive(Args)]
#[command(about = about::CLEAR)]
pub struct Clear {
    /// The profile to clear; several times for several [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE")]
    pub names: Vec<String>,
    /// Everything that `mfa-creds` and aws-mfa wrote
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What can be done with MFA devices.
#[derive(Args)]
#[command(about = about::DEVICE)]
pub struct Devices {
    #[command(subcommand)]
    pub command: DeviceCommand,
}

/// What can be done with MFA devices.
#[derive(Subcommand)]
pub enum DeviceCommand {
    /// Show the MFA devices that the user has at AWS
    List(ListDevices),
    /// Make an MFA device with an authenticator app, and enable it
    Enroll(Enroll),
    /// Tell AWS which codes a device shows, when its clock has drifted away
    Resync(Resync),
}

/// Which user is meant: the one who has the keys of a profile.
#[derive(Args)]
pub struct OfUser {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub suffixes: Suffixes,
    /// A region of the partition that the user is in [env: `AWS_REGION`, `AWS_DEFAULT_REGION`] [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Give AWS up after so long, with every try: seconds, or `1m`, up to 10 minutes [env: `MFA_CREDS_TIMEOUT`] [default: 30]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What `device list` can be told.
#[derive(Args)]
pub struct ListDevices {
    #[command(flatten)]
    pub of: OfUser,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What `device enroll` can be told.
#[derive(Args)]
pub struct Enroll {
    #[command(flatten)]
    pub of: OfUser,
    /// What the device shall be called [default: the name of the user]
    #[arg(id = "device_name", long = "name", value_name = "NAME")]
    pub name: Option<String>,
    /// Show the secret as text, too, for an app that cannot read the QR code
    #[arg(long)]
    pub show_secret: bool,
    #[command(flatten)]
    pub timeout: PromptTimeout,
}

/// What `device resync` can be told.
#[derive(Args)]
pub struct Resync {
    #[command(flatten)]
    pub of: OfUser,
    /// The MFA device: its ARN, or the serial number of a hardware token [env: `MFA_DEVICE`] [default: AWS is asked]
    #[arg(long, value_name = "ARN")]
    pub device: Option<String>,
    #[command(flatten)]
    pub timeout: PromptTimeout,
}

/// What `completions` can be told.
#[derive(Args)]
#[command(about = about::COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that completions are made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

/// What `man` can be told.
#[derive(Args)]
#[command(about = about::MAN)]
pub struct Man {
    /// A command of `mfa-creds`
    #[arg(value_parser = ["setup", "plan", "export", "exec", "status", "doctor", "clear", "device", "device-list", "device-enroll",
                          "device-resync", "rotate", "audit", "policy", "keychain", "keychain-move", "keychain-restore", "keychain-get", "completions",
                          "man"])]
    pub command: Option<String>,
}

/// What `setup` can be told.
#[derive(Args)]
#[command(about = about::SETUP)]
pub struct Setup {
    /// The profile to set up [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE")]
    pub name: Option<String>,
    /// Put the keys into the system's keychain, and not into the file
    #[arg(long)]
    pub keychain: bool,
    #[command(flatten)]
    pub store: Store,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

impl Setup {
    /// What `--setup` says, which is aws-mfa's way to ask for it.
    pub fn of(refresh: &Refresh) -> Self {
        Self {
            name: refresh.profiles.names.last().cloned(),
            keychain: false,
            store: Store::default(),
            suffixes: refresh.request.suffixes.clone(),
            verbosity: refresh.verbosity.clone(),
        }
    }
}
