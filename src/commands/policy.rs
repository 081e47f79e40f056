//! `mfa-creds policy`: prints an IAM policy that requires MFA. It reads no file, calls nothing, and asks nothing.

mod policy_document;
mod catalogue;
mod terraform;

use anyhow::{Result, bail};

use self::policy_document::Filling;
use crate::core::error::{Exit, Failure};
use crate::core::seconds;
use crate::report;
use clap::{Args, ValueEnum};

/// The command in one line, for the help.
pub(super) const ABOUT: &str = "Print an IAM policy that requires MFA";

/// The arguments of `policy`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Policy {
    /// The policy to print, or `list`
    // Without one, the error lists the names.
    #[arg(value_enum)]
    pub name: Option<PolicyName>,
    /// The format of the policy
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "json")]
    pub format: PolicyFormat,
    /// The account of the users, or of the role for `assume-role`; required for `role-trust` and `assume-role`
    #[arg(long, value_name = "ID", value_parser = account, required_if_eq_any = [("name", "role-trust"), ("name", "assume-role")])]
    pub account: Option<String>,
    /// The role, with its path if it has one; required for `assume-role`
    #[arg(long, value_name = "NAME", value_parser = role, required_if_eq("name", "assume-role"))]
    pub role: Option<String>,
    /// The maximum age of the code, for `role-trust`: seconds, or `1h` [default: as long as the session is valid]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub max_mfa_age: Option<u64>,
    /// The partition: `aws-cn` in China, `aws-us-gov` in GovCloud
    #[arg(long, value_name = "PARTITION", value_parser = partition, default_value = "aws")]
    pub partition: String,
}

/// The policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PolicyName {
    /// List the policies and what they do
    List,
    /// Deny everything without MFA, except enrolling a device and getting a session
    RequireMfa,
    /// Let users manage their own password, access keys, and MFA devices
    SelfService,
    /// Let users of an account assume a role with MFA: the trust policy of the role
    RoleTrust,
    /// Let users assume a role: the policy of the users
    AssumeRole,
}

/// The formats of policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PolicyFormat {
    /// JSON, for IAM
    Json,
    /// HCL, for Terraform and OpenTofu, with a group and an attachment, or with the role
    Terraform,
}

/// An account ID.
/// See <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account ID has 12 digits".to_owned())
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
    Err("a role name has 1 to 64 letters, digits, and any of _+=,.@- (a path ending in / may precede it)".to_owned())
}

fn partition(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if text == "aws" || text.starts_with("aws-") && text.bytes().all(is_part) {
        return Ok(text.to_owned());
    }
    Err("a partition is `aws`, `aws-cn`, `aws-us-gov` …".to_owned())
}

/// Prints a policy, or the list.
pub(super) fn policy(args: &Policy) -> Result<()> {
    let Some(name) = args.name else {
        bail!(
            Failure::new("`mfa-creds policy` needs the name of a policy:")
                .listing(&catalogue::lines())
                .hint("add one of these names, for example `mfa-creds policy require-mfa`")
                .exit(Exit::Usage)
        );
    };
    check(name, args)?;
    let filling = Filling {
        partition: &args.partition,
        account: args.account.as_deref(),
        role: args.role.as_deref(),
        max_mfa_age: args.max_mfa_age,
    };
    let document = match name {
        PolicyName::List => return report::data(&(catalogue::lines().join("\n") + "\n")),
        PolicyName::RequireMfa => catalogue::require_mfa(),
        PolicyName::SelfService => catalogue::self_service(&filling),
        PolicyName::RoleTrust => catalogue::role_trust(&filling),
        PolicyName::AssumeRole => catalogue::assume_role(&filling),
    };
    report::data(&match args.format {
        PolicyFormat::Json => serde_json::to_string_pretty(&document.policy)? + "\n",
        PolicyFormat::Terraform => terraform::render(&document),
    })
}

/// Refuses flags that would be ignored.
fn check(name: PolicyName, args: &Policy) -> Result<()> {
    let is_of_role = matches!(name, PolicyName::RoleTrust | PolicyName::AssumeRole);
    let is_list = name == PolicyName::List;
    let means_nothing = [
        (
            "--account",
            args.account.is_some() && !is_of_role && name != PolicyName::SelfService,
        ),
        ("--role", args.role.is_some() && !is_of_role),
        (
            "--max-mfa-age",
            args.max_mfa_age.is_some() && name != PolicyName::RoleTrust,
        ),
        (
            "--format",
            args.format == PolicyFormat::Terraform && is_list,
        ),
    ];
    if let Some((flag, _)) = means_nothing.iter().find(|(_, is_given)| *is_given) {
        bail!(
            Failure::new(format!("{flag} does not apply to this policy"))
                .hint("remove it; `mfa-creds policy --help` shows what each flag is for")
                .exit(Exit::Usage)
        );
    }
    if name == PolicyName::RoleTrust && args.role.is_some() && args.format == PolicyFormat::Json {
        bail!(
            Failure::new("a trust policy does not contain the name of its role, so --role requires --format terraform")
                .hint("add --format terraform, or remove --role")
                .exit(Exit::Usage)
        );
    }
    Ok(())
}
