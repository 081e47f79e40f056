//! The flags that several commands share, as clap types; those of one command stand with it. Their comments are the help.

use clap::{ArgAction, Args, ValueEnum};

use crate::core::seconds;

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

impl From<&Profile> for Profiles {
    fn from(profile: &Profile) -> Self {
        Self {
            names: profile.name.iter().cloned().collect(),
            all: false,
        }
    }
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
pub struct CodeFlags {
    /// The code from the device, or `-` to read it from standard input. Other users can see an argument in the process list:
    /// better typed, piped in, or printed by --mfa-process [env: `MFA_TOKEN`]
    #[arg(long, value_name = "CODE", aliases = ["mfa-token", "m", "mf", "mfa", "mfa-", "t"])]
    pub token: Option<String>,
    /// A command that prints the code [env: `MFA_PROCESS`]
    #[arg(long, value_name = "COMMAND")]
    pub mfa_process: Option<String>,
    #[command(flatten)]
    pub prompt_flags: PromptFlags,
    /// Wait so long for another process that renews with the same device: seconds, or `5m` [default: 2m, or
    /// --prompt-timeout if that is longer]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub lock_timeout: Option<u64>,
}

/// How a person is asked.
#[derive(Args, Default)]
pub struct PromptFlags {
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

/// Which profile is meant, and how its credentials are renewed.
#[derive(Args)]
pub struct SingleProfile {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub code_flags: CodeFlags,
    /// Neither read nor write the section `[PROFILE]`; what is got is kept in the tool's own file
    #[arg(long)]
    pub no_store: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
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
