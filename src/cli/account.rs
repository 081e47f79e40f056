//! What the commands for whoever administers an account can be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::Outgoing;
use crate::cli::about;
use crate::core::seconds;

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
    /// Leave out the users whose name or ARN is like this, with `*` and `?`, so that they do not count for the exit code; several
    /// times for several
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
