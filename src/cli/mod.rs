//! The flags that several commands share, as clap types; a command's own flags are in its file. Their comments are the help.
//!
//! `-h` shows a command's own flags and the few that everybody uses. `--help` shows the others too, under the headings below.

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use crate::core::seconds;

/// Which sections are read and written.
pub const FILES: &str = "Profile and files";
/// Where the code comes from.
pub const CODE: &str = "Code";
/// Which session or role is requested, and how.
pub const ROLE: &str = "Session and role";
/// Where requests go.
pub const NETWORK: &str = "Network";
/// How much is reported.
pub const OUTPUT: &str = "Output";

/// Which profiles are meant.
#[derive(Args, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Profiles {
    /// The profile; repeat it for several profiles
    ///
    /// [env: `AWS_PROFILE`] [default: default]
    // aws-mfa accepts `--p` to `--pro`, and `--a`, `--m` and `--r` below. Newer flags would make them ambiguous.
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", aliases = ["p", "pr", "pro"], value_parser = profile_name)]
    pub names: Vec<String>,
    /// Every profile that has long-term keys, and every role that they can assume
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

/// Refuses an empty name, which an unset variable in a script produces: the script would use another profile than intended.
pub fn profile_name(name: &str) -> Result<String, &'static str> {
    if name.is_empty() {
        return Err("name a profile, or leave out the flag");
    }
    Ok(name.to_owned())
}

/// Which profile is meant.
#[derive(Args)]
pub struct Profile {
    /// The profile
    ///
    /// [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", value_parser = profile_name)]
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

/// The names of the sections of a profile.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Suffixes {
    /// Read long-term keys from `[PROFILE-SUFFIX]`, or from `[PROFILE]` with `none` [env: `MFA_LONG_TERM_SUFFIX`]
    /// [default: long-term]
    #[arg(long, value_name = "SUFFIX", alias = "long-suffix", help_heading = FILES, hide_short_help = true)]
    pub long_term_suffix: Option<String>,
    /// Write temporary credentials to `[PROFILE-SUFFIX]`, or to `[PROFILE]` with `none` [env: `MFA_SHORT_TERM_SUFFIX`]
    /// [default: none; `mfa` for a role in the config file]
    #[arg(long, value_name = "SUFFIX", alias = "short-suffix", help_heading = FILES, hide_short_help = true)]
    pub short_term_suffix: Option<String>,
}

/// How much is reported.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Verbosity {
    /// Show only errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show where each setting comes from
    ///
    /// With -vv, also show every decision and request. [env: `MFA_CREDS_TRACE`, a file to which the output of -vv is appended]
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// The verbosity as a log level, for compatibility with aws-mfa: `ERROR` is -q, `WARNING` adds warnings, `DEBUG` is -v
    #[arg(
        long,
        help_heading = OUTPUT,
        hide_short_help = true,
        value_name = "LEVEL",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub log_level: Option<LogLevel>,
}

/// The levels of Python's logging, which aws-mfa accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum LogLevel {
    Critical,
    Error,
    Warning,
    Info,
    Debug,
    /// aws-mfa treats it as `WARNING`.
    Notset,
}

/// Which MFA device is used.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Device {
    /// The MFA device: its ARN, or the serial number of a hardware token [env: `MFA_DEVICE`] [default: the user's device,
    /// from AWS]
    #[arg(id = "device", long, value_name = "ARN", help_heading = CODE, hide_short_help = true)]
    pub serial_number: Option<String>,
}

/// Which credentials are requested: everything that decides which calls are made.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Request {
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub device: Device,
    /// How long new credentials last: seconds, `12h`, or `1h30m` [env: `MFA_STS_DURATION`] [default: 12h; 1h for a role]
    #[arg(long, value_name = "DURATION", help_heading = ROLE, hide_short_help = true, value_parser = seconds::parse, allow_negative_numbers = true)]
    pub duration: Option<u64>,
    /// Assume this role [env: `MFA_ASSUME_ROLE`]
    #[arg(long, value_name = "ARN", help_heading = ROLE, hide_short_help = true, aliases = ["assume", "a"])]
    pub assume_role: Option<String>,
    /// The name of the role session [default: your local user name]
    #[arg(long, value_name = "NAME", help_heading = ROLE, hide_short_help = true, alias = "r")]
    pub role_session_name: Option<String>,
    /// The external ID that the role's trust policy requires
    #[arg(long, value_name = "ID", help_heading = ROLE, hide_short_help = true)]
    pub external_id: Option<String>,
    /// Assume the role with its own code, for up to the role's maximum duration [default for more than 1h]
    #[arg(long, conflicts_with = "chain", help_heading = ROLE, hide_short_help = true)]
    pub direct: bool,
    /// Assume the role from the MFA session, for up to 1h, without a code while the session is valid [default for up to 1h]
    #[arg(long, help_heading = ROLE, hide_short_help = true)]
    pub chain: bool,
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub network: Network,
    /// Treat credentials that expire within this time as expired: seconds, or `2h` [env: `MFA_CREDS_MIN_TTL`] [default: 60]
    #[arg(long, value_name = "DURATION", help_heading = ROLE, hide_short_help = true, value_parser = seconds::parse, allow_negative_numbers = true)]
    pub min_ttl: Option<u64>,
    /// Renew credentials that are still valid
    #[arg(long)]
    pub force: bool,
}

/// What the credentials of a role may do at most, and what is known about its session.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Scope {
    /// Limit the credentials of the role to what the IAM policy in this file also allows
    #[arg(long, value_name = "FILE", help_heading = ROLE, hide_short_help = true, value_parser = not_empty, value_hint = ValueHint::FilePath)]
    pub session_policy: Option<String>,
    /// Limit the credentials of the role to what this managed policy also allows; repeat it for what any of several policies
    /// allows
    #[arg(id = "policy_arn", long = "policy-arn", value_name = "ARN", help_heading = ROLE, hide_short_help = true, value_parser = not_empty)]
    pub policy_arns: Vec<String>,
    /// Limit the credentials of the role to what AWS's policy `ReadOnlyAccess` also allows
    #[arg(long, conflicts_with_all = ["session_policy", "policy_arn"], help_heading = ROLE, hide_short_help = true)]
    pub read_only: bool,
    /// Tag the session of the role; repeat it for several tags
    #[arg(id = "tag", long = "tag", value_name = "KEY=VALUE", help_heading = ROLE, hide_short_help = true, value_parser = not_empty)]
    pub tags: Vec<String>,
    /// Pass on the tag with this key to the roles that are assumed from the role; repeat it for several tags
    #[arg(id = "transitive_tag", long = "transitive-tag", value_name = "KEY", help_heading = ROLE, hide_short_help = true, value_parser = not_empty)]
    pub transitive_tags: Vec<String>,
    /// The source identity of the role's session, which AWS logs with every request
    #[arg(long, value_name = "NAME", help_heading = ROLE, hide_short_help = true, value_parser = not_empty)]
    pub source_identity: Option<String>,
}

impl Scope {
    /// The flags that are given, each with its value if it has one.
    pub fn given(&self) -> Vec<(&'static str, Option<&str>)> {
        let mut given = Vec::new();
        given.extend(self.read_only.then_some(("--read-only", None)));
        let lists: [(_, &[String]); 5] = [
            ("--session-policy", self.session_policy.as_slice()),
            ("--policy-arn", &self.policy_arns),
            ("--tag", &self.tags),
            ("--transitive-tag", &self.transitive_tags),
            ("--source-identity", self.source_identity.as_slice()),
        ];
        for (flag, values) in lists {
            given.extend(values.iter().map(|value| (flag, Some(value.as_str()))));
        }
        given
    }

    /// The first of these flags that is given.
    pub fn first_flag(&self) -> Option<&'static str> {
        self.given().first().map(|(flag, _)| *flag)
    }
}

/// Refuses an empty value, which an unset variable in a script produces: the credentials would have more power than intended.
fn not_empty(value: &str) -> Result<String, &'static str> {
    if value.is_empty() {
        return Err("name a value, or leave out the flag");
    }
    Ok(value.to_owned())
}

/// Where AWS is, and how long to wait for it.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Network {
    /// The AWS region to call, and to pass on with the credentials [env: `AWS_REGION`, `AWS_DEFAULT_REGION`]
    /// [default: us-east-1]
    #[arg(long, value_name = "REGION", help_heading = NETWORK, hide_short_help = true)]
    pub region: Option<String>,
    /// How long to wait for AWS, including retries: seconds, or `1m`, up to 10 minutes [env: `MFA_CREDS_TIMEOUT`] [default: 30]
    #[arg(long, value_name = "DURATION", help_heading = NETWORK, hide_short_help = true, value_parser = seconds::parse, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
}

/// Where the code comes from.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct CodeFlags {
    /// The code, or `-` to read it from standard input. Other users can see a code on the command line in the process
    /// list [env: `MFA_TOKEN`]
    #[arg(long, value_name = "CODE", help_heading = CODE, hide_short_help = true, aliases = ["mfa-token", "m", "mf", "mfa", "mfa-", "t"])]
    pub token: Option<String>,
    /// A command that prints the code [env: `MFA_PROCESS`]
    #[arg(long, value_name = "COMMAND", help_heading = CODE, hide_short_help = true)]
    pub mfa_process: Option<String>,
    #[command(flatten)]
    pub prompt_flags: PromptFlags,
    /// How long to wait for another process that renews credentials with the same device: seconds, or `5m` [default: 2m, or
    /// --prompt-timeout if that is longer]
    #[arg(long, value_name = "DURATION", help_heading = CODE, hide_short_help = true, value_parser = seconds::parse, allow_negative_numbers = true)]
    pub lock_timeout: Option<u64>,
}

/// How a person is asked.
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct PromptFlags {
    /// Where to ask for the code [env: `MFA_CREDS_PROMPT`] [default: auto]
    #[arg(long, value_name = "WHERE", value_enum, help_heading = CODE, hide_short_help = true)]
    pub prompt: Option<Prompt>,
    #[command(flatten)]
    pub timeout: PromptTimeout,
    /// Never ask; the same as `--prompt none`
    #[arg(long, conflicts_with = "prompt", help_heading = CODE, hide_short_help = true)]
    pub no_input: bool,
}

/// How long a person may take.
#[derive(Args, Clone, Copy, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct PromptTimeout {
    /// How long to wait for an answer: seconds, or `5m` [env: `MFA_CREDS_PROMPT_TIMEOUT`] [default: 2m; 10m for `device`]
    #[arg(long, value_name = "DURATION", help_heading = CODE, hide_short_help = true, value_parser = seconds::parse, allow_negative_numbers = true)]
    pub prompt_timeout: Option<u64>,
}

/// Where a person is asked for the code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Prompt {
    /// On the terminal, or in a window if there is no terminal
    Auto,
    /// On the terminal
    Terminal,
    /// In a window of pinentry, zenity, or kdialog
    Gui,
    /// Nowhere: if a code is needed, fail with exit code 3
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
    /// Leave `[PROFILE]` alone, and store the credentials in the private session file
    #[arg(long, help_heading = FILES, hide_short_help = true)]
    pub no_store: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Which user is meant: the owner of a profile's keys.
#[derive(Args)]
pub struct OfUser {
    #[command(flatten)]
    pub profile: Profile,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub network: Network,
    #[command(flatten)]
    pub verbosity: Verbosity,
}
