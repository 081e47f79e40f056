//! Policies for whoever administers an account. No file is read, and nobody is asked.

mod policy_document;
mod catalogue;
mod terraform;

use anyhow::{Result, bail};

use self::policy_document::Filling;
use crate::cli::{Policy, PolicyFormat, PolicyName};
use crate::core::error::{Exit, Failure};
use crate::report;

/// Prints a policy, or what there is.
///
/// # Errors
/// When a flag means nothing to the policy.
pub(super) fn policy(args: &Policy) -> Result<()> {
    check(args)?;
    let filling = Filling {
        partition: &args.partition,
        account: args.account.as_deref(),
        role: args.role.as_deref(),
        max_mfa_age: args.max_mfa_age,
    };
    let document = match args.name {
        PolicyName::List => return report::data(&catalogue::list()),
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

/// Refuses what would be passed over.
fn check(args: &Policy) -> Result<()> {
    let is_of_role = matches!(args.name, PolicyName::RoleTrust | PolicyName::AssumeRole);
    let is_list = args.name == PolicyName::List;
    let means_nothing = [
        (
            "--account",
            args.account.is_some() && !is_of_role && args.name != PolicyName::SelfService,
        ),
        ("--role", args.role.is_some() && !is_of_role),
        (
            "--max-mfa-age",
            args.max_mfa_age.is_some() && args.name != PolicyName::RoleTrust,
        ),
        (
            "--format",
            args.format == PolicyFormat::Terraform && is_list,
        ),
    ];
    if let Some((flag, _)) = means_nothing.iter().find(|(_, is_given)| *is_given) {
        bail!(
            Failure::new(format!("{flag} means nothing to this policy"))
                .hint("leave it out; `mfa-creds policy --help` says what is for which")
                .exit(Exit::Usage)
        );
    }
    if args.name == PolicyName::RoleTrust
        && args.role.is_some()
        && args.format == PolicyFormat::Json
    {
        bail!(
            Failure::new("a trust policy does not name its role: --role is for --format terraform")
                .hint("leave it out, or add --format terraform")
                .exit(Exit::Usage)
        );
    }
    Ok(())
}
