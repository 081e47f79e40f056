//! What each command can be told.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{Asking, Profile, Profiles, PromptTimeout, Request, Suffixes, Verbosity, about};
use crate::seconds;

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

/// What means nothing where AWS is not called.
const OF_A_CALL: [&str; 21] = [
    "wait",
    "no_store",
    "name",
    "Suffixes",
    "device",
    "duration",
    "assume_role",
    "role_session_name",
    "external_id",
    "direct",
    "chain",
    "region",
    "timeout",
    "min_ttl",
    "force",
    "token",
    "mfa_process",
    "prompt",
    "no_input",
    "prompt_timeout",
    "lock_timeout",
];

/// What `audit` can be told.
#[derive(Args)]
#[command(about = about::AUDIT)]
pub struct Audit {
    /// Read the report from a file, or `-` from standard input: what `aws iam get-credential-report` prints, or the CSV in it
    /// [default: AWS is asked for one]
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_A_CALL)]
    pub report: Option<PathBuf>,
    /// An older access key is a finding
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "90d", allow_negative_numbers = true)]
    pub max_key_age: u64,
    /// Leave out the users whose name or ARN is like this, with `*` and `?`; several times for several
    #[arg(long, value_name = "PATTERN")]
    pub ignore: Vec<String>,
    /// Everybody, as JSON
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Everybody, as CSV
    #[arg(long)]
    pub csv: bool,
    /// Wait so long until AWS has made the report: seconds, or `5m`
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, default_value = "2m", allow_negative_numbers = true)]
    pub wait: u64,
    #[command(flatten)]
    pub outgoing: Outgoing,
}

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

/// What `policy` can be told.
#[derive(Args)]
#[command(about = about::POLICY)]
pub struct Policy {
    /// Which policy, or `list`
    #[arg(value_enum)]
    pub name: PolicyName,
    /// The form
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "json")]
    pub format: PolicyFormat,
    /// The account that the users are in, or for `assume-role` the role; needed for `role-trust` and `assume-role`
    #[arg(long, value_name = "ID", value_parser = account, required_if_eq_any = [("name", "role-trust"), ("name", "assume-role")])]
    pub account: Option<String>,
    /// The role, with its path if it has one; needed for `assume-role`
    #[arg(long, value_name = "NAME", value_parser = role, required_if_eq("name", "assume-role"))]
    pub role: Option<String>,
    /// How long ago the code may have been given, for `role-trust`: seconds, or `1h` [default: as long as the session lasts]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub max_mfa_age: Option<u64>,
    /// The partition: `aws-cn` in China, `aws-us-gov` in GovCloud
    #[arg(long, value_name = "PARTITION", value_parser = partition, default_value = "aws")]
    pub partition: String,
}

/// The policies that there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PolicyName {
    /// Say what each is for
    List,
    /// Deny everything without MFA, but what it takes to enroll and to get a session
    RequireMfa,
    /// Let users manage their own password, access keys and MFA devices
    SelfService,
    /// Let users assume a role, if they gave a code
    RoleTrust,
    /// Let users assume that role, on their side
    AssumeRole,
}

/// The forms that policies are printed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PolicyFormat {
    /// As IAM takes it
    Json,
    /// With a group and an attachment, or as a role
    Terraform,
}

/// An account id.
/// See <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account id is twelve digits".to_owned())
}

/// A role's name, with its path.
/// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>.
fn role(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
    let text = text.trim_start_matches('/');
    let name = text.rsplit('/').next().unwrap_or_default();
    if text.chars().all(is_part) && !name.is_empty() && name.len() <= 64 {
        return Ok(text.to_owned());
    }
    Err("a role is called with up to 64 letters, digits, and any of _+=,.@- (a path may stand before, with /)".to_owned())
}

fn partition(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if text == "aws" || text.starts_with("aws-") && text.bytes().all(is_part) {
        return Ok(text.to_owned());
    }
    Err("a partition is `aws`, `aws-cn`, `aws-us-gov` …".to_owned())
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
}

/// What `keychain move` can be told.
#[derive(Args)]
pub struct MoveKeys {
    #[command(flatten)]
    pub profile: Profile,
    /// The keychain
    #[arg(long, value_name = "STORE", value_enum, default_value_t)]
    pub store: Keychain,
    /// Do not ask before the keys are left to a keychain that does not keep them for good
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
    /// The keychain
    #[arg(long, value_name = "STORE", value_enum, default_value_t)]
    pub store: Keychain,
}

/// The keychains of this system.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Keychain {
    /// The desktop's: GNOME Keyring, KWallet or KeePassXC
    #[cfg(all(unix, not(target_os = "macos")))]
    #[default]
    SecretService,
    /// The kernel's: forgets everything when the machine restarts
    #[cfg(target_os = "linux")]
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
    /// The keychain
    #[arg(
        long,
        value_name = "STORE",
        value_enum,
        default_value_t,
        requires = "keychain"
    )]
    pub store: Keychain,
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
            store: Keychain::default(),
            suffixes: refresh.request.suffixes.clone(),
            verbosity: refresh.verbosity.clone(),
        }
    }
}
