//! The command line, as clap types. Their comments are the help.

mod about;
mod account;
mod commands;
mod keys;
mod similar;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use self::account::{Audit, Policy, PolicyFormat, PolicyName};
pub use self::commands::{
    Clear, Completions, DeviceCommand, Devices, Doctor, Enroll, Exec, Export, Format, ListDevices,
    Man, OfUser, Outgoing, Preview, Refresh, Resync, Setup, Shell, Status,
};
#[cfg(unix)]
pub use self::keys::Elsewhere;
pub use self::keys::{
    GetKeys, InKeychain, Keychain, KeychainCommand, MoveKeys, RestoreKeys, Rotate, Store,
};
pub use self::similar::told_by_the_help;
use crate::core::seconds;

/// Exchange an MFA code for temporary AWS credentials, and keep them in ~/.aws/credentials.
///
/// Reads the long-term keys in `[PROFILE-long-term]`, asks for the code, and writes temporary credentials to `[PROFILE]`.
/// Does nothing while those are still valid. For a role of ~/.aws/config, it goes along `source_profile` to the keys, and
/// writes to `[PROFILE-mfa]`.
#[derive(Parser)]
#[command(
    version = env!("MFA_CREDS_VERSION"),
    infer_long_args = true,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 the credentials are valid, 1 failed, 2 wrong usage, 3 a person was needed and none was \
                  there, 4 AWS refused the code or the device."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub refresh: Refresh,
}

/// What to do other than to refresh.
// The flags of a command are made ready only when it is meant: a seventh of the instructions of a cached run.
#[derive(Subcommand)]
#[command(defer = true)]
pub enum Command {
    #[command(about = about::SETUP)]
    Setup(Setup),
    #[command(about = about::PLAN)]
    Plan(Box<Preview>),
    #[command(about = about::EXPORT, after_help = EXPORT_FORMS)]
    Export(Box<Export>),
    #[command(about = about::EXEC, after_help = EXEC_ENDS)]
    Exec(Box<Exec>),
    #[command(about = about::STATUS)]
    Status(Status),
    #[command(about = about::DOCTOR)]
    Doctor(Doctor),
    #[command(about = about::CLEAR)]
    Clear(Clear),
    #[command(about = about::DEVICE)]
    Device(Devices),
    #[command(about = about::ROTATE)]
    Rotate(Rotate),
    #[command(about = about::AUDIT, after_help = AUDIT_ENDS)]
    Audit(Box<Audit>),
    #[command(about = about::POLICY)]
    Policy(Policy),
    #[command(about = about::KEYCHAIN)]
    Keychain(InKeychain),
    #[command(about = about::COMPLETIONS, after_help = COMPLETIONS_USE)]
    Completions(Completions),
    #[command(about = about::MAN)]
    Man(Man),
}

const EXPORT_FORMS: &str = "\
bash, zsh, sh: eval \"$(mfa-creds export -p PROFILE)\"
fish:          mfa-creds export -p PROFILE --format fish | source
PowerShell:    mfa-creds export -p PROFILE --format powershell | Out-String | Invoke-Expression
AWS SDKs:      credential_process = mfa-creds export -p PROFILE --format process";

const EXEC_ENDS: &str = "\
Exit codes: those of COMMAND; 127 if it is not found, 126 if it cannot be run. Before it is run, those of `mfa-creds`.";

const AUDIT_ENDS: &str = "\
Exit codes: 0 nobody lacks MFA, 1 somebody does, 2 failed or wrong usage; else those of `mfa-creds`.";

const COMPLETIONS_USE: &str = "\
bash:       source <(mfa-creds completions bash)
zsh:        source <(mfa-creds completions zsh)
fish:       mfa-creds completions fish | source
PowerShell: mfa-creds completions powershell | Out-String | Invoke-Expression
elvish:     eval (mfa-creds completions elvish | slurp)";

/// Which profiles are meant.
#[derive(Args, Default)]
pub struct Profiles {
    /// The profile to renew; several times for several, with one code where they share a device [env: `AWS_PROFILE`]
    /// [default: default]
    // `--p` to `--pro`, as `--a`, `--m` and `--r` below, are aws-mfa's abbreviations, which a newer flag makes ambiguous.
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", aliases = ["p", "pr", "pro"])]
    pub names: Vec<String>,
    /// Every profile with a long-term section, and every role of the config file that is assumed from one
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

/// Which profile is meant.
#[derive(Args)]
pub struct Profile {
    /// The profile whose credentials are wanted [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE")]
    pub name: Option<String>,
}

/// How the sections of a profile are called.
#[derive(Args, Clone, Default)]
pub struct Suffixes {
    /// The long-term keys are in `[PROFILE-SUFFIX]`; `none` for `[PROFILE]` [env: `MFA_LONG_TERM_SUFFIX`] [default: long-term]
    #[arg(long, value_name = "SUFFIX", alias = "long-suffix")]
    pub long_term_suffix: Option<String>,
    /// The temporary credentials go to `[PROFILE-SUFFIX]`; `none` for `[PROFILE]` [env: `MFA_SHORT_TERM_SUFFIX`] [default: none;
    /// `mfa` for a role of the config file]
    #[arg(long, value_name = "SUFFIX", alias = "short-suffix")]
    pub short_term_suffix: Option<String>,
}

/// How much to say.
#[derive(Args, Clone)]
pub struct Verbosity {
    /// Say nothing but what went wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say where each setting came from; twice, every decision and request, too [env: `MFA_CREDS_TRACE`, a file]
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// aws-mfa's way to say how much: `ERROR` is `-q`, `WARNING` shows warnings too, `DEBUG` is `-v`
    #[arg(
        long,
        value_name = "LEVEL",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub log_level: Option<LogLevel>,
}

/// The levels of Python's logging, which aws-mfa takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum LogLevel {
    Critical,
    Error,
    Warning,
    Info,
    Debug,
    /// aws-mfa takes it for `WARNING`.
    Notset,
}

/// What the credentials shall be like: all that decides which calls are made.
#[derive(Args, Default)]
pub struct Request {
    #[command(flatten)]
    pub suffixes: Suffixes,
    /// The MFA device: its ARN, or the serial number of a hardware token [env: `MFA_DEVICE`] [default: AWS is asked]
    #[arg(long, value_name = "ARN")]
    pub device: Option<String>,
    /// How long the credentials shall last: seconds, or `12h`, `1h30m` [env: `MFA_STS_DURATION`] [default: 12h, 1h for a role]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub duration: Option<u64>,
    /// Assume this role [env: `MFA_ASSUME_ROLE`]
    #[arg(long, value_name = "ARN", aliases = ["assume", "a"])]
    pub assume_role: Option<String>,
    /// The name of the role session [default: the name of the local user]
    #[arg(long, value_name = "NAME", alias = "r")]
    pub role_session_name: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Assume the role with a code of its own, for up to the role's maximum [default for more than 1 h]
    #[arg(long, conflicts_with = "chain")]
    pub direct: bool,
    /// Assume the role from the MFA session, which needs no code while that is valid, for up to 1 h [default up to 1 h]
    #[arg(long)]
    pub chain: bool,
    /// The region whose STS is called, and that goes out with the credentials [env: `AWS_REGION`, `AWS_DEFAULT_REGION`] [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Give AWS up after so long, with every try: seconds, or `1m`, up to 10 minutes [env: `MFA_CREDS_TIMEOUT`] [default: 30]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
    /// Renew credentials that end sooner than this: seconds, or `2h` [env: `MFA_CREDS_MIN_TTL`] [default: 60]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub min_ttl: Option<u64>,
    /// Renew credentials that are still valid
    #[arg(long)]
    pub force: bool,
}

/// How the code is come by.
#[derive(Args)]
pub struct Asking {
    /// The code from the device, or `-` to read it from standard input. Other users can see an argument in the process list:
    /// better typed, piped in, or printed by --mfa-process [env: `MFA_TOKEN`]
    #[arg(long, value_name = "CODE", aliases = ["mfa-token", "m", "mf", "mfa", "mfa-", "t"])]
    pub token: Option<String>,
    /// A command that prints the code [env: `MFA_PROCESS`]
    #[arg(long, value_name = "COMMAND")]
    pub mfa_process: Option<String>,
    #[command(flatten)]
    pub prompting: Prompting,
    /// Wait so long for another process that renews with the same device: seconds, or `5m` [default: 2m, or
    /// --prompt-timeout if that is longer]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub lock_timeout: Option<u64>,
}

/// How a person is asked.
#[derive(Args, Default)]
pub struct Prompting {
    /// Where to ask [env: `MFA_CREDS_PROMPT`] [default: auto]
    #[arg(long, value_name = "WHERE", value_enum)]
    pub prompt: Option<Prompt>,
    #[command(flatten)]
    pub timeout: PromptTimeout,
    /// The same as `--prompt none`
    #[arg(long, conflicts_with = "prompt")]
    pub no_input: bool,
}

/// How long a person may take.
#[derive(Args, Clone, Copy, Default)]
pub struct PromptTimeout {
    /// Wait so long for a person to answer: seconds, or `5m` [env: `MFA_CREDS_PROMPT_TIMEOUT`] [default: 2m; 10m for `device`]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub prompt_timeout: Option<u64>,
}

/// Where a person is asked for the code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Prompt {
    /// At the terminal, or in a window where there is no terminal
    Auto,
    /// At the terminal
    Terminal,
    /// In a window of pinentry, zenity or kdialog
    Gui,
    /// Nowhere: exit code 3 where a person is needed
    None,
}
