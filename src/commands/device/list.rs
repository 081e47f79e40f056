//! `mfa-creds device list`: prints the MFA devices of a user.

use anyhow::Result;

use super::SignedInUser;
use super::listing;
use crate::cli::OfUser;
use crate::core::environment::Environment;
use crate::report::{self, Report};
use clap::Args;

/// The arguments of `device list`.
#[derive(Args)]
pub struct ListDevices {
    #[command(flatten)]
    pub of: OfUser,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn list(args: &ListDevices, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.of.verbosity);
    let signed_in = SignedInUser::new(&args.of, None, environment, report)?;
    let iam = signed_in.iam();
    let caller = iam.caller()?;
    let known = iam.devices(&caller)?;
    let set = signed_in.set().map(|set| set.value.as_str());
    if args.json {
        return report::data(&listing::json(
            &caller.account,
            caller.name.as_deref(),
            &known,
            set,
        )?);
    }
    if known.is_empty() {
        report.progress(format_args!(
            "{} has no MFA device{}",
            caller.called(),
            match caller.name {
                Some(_) => format!("; `mfa-creds device enroll{}` creates one", signed_in.flag),
                None => String::new(),
            }
        ));
        return Ok(());
    }
    report::data(&listing::table(&known, set))
}
