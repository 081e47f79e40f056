//! `mfa-creds` without a command: makes sure that the profiles have valid credentials in the file.

use anyhow::Result;

use super::loaded_files::LoadedFiles;
use super::pick_profile::pick_profile;
use crate::cli::{CodeFlags, FILES, Profiles, Request, Verbosity};
use crate::core::environment::Environment;
use crate::plan::{ProfileSections, Selection};
use crate::renewal::codes::StandardInput;
use crate::renewal::request::{Checked, RenewalRequest};
use crate::renewal::summary::Summary;
use crate::renewal::verbose::warn_of_irregularities;
use crate::report::Report;
use clap::Args;

/// The flags of a refresh.
#[derive(Args, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Refresh {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub code_flags: CodeFlags,
    /// The same as the command `setup`, for compatibility with aws-mfa
    // aws-mfa accepts `--se`, which a newer flag would make ambiguous.
    #[arg(long, alias = "se", conflicts_with = "all", help_heading = FILES, hide_short_help = true)]
    pub setup: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Makes sure that the profiles have valid credentials.
pub(super) fn refresh(args: &Refresh, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let loaded = LoadedFiles::recover(&args.request.suffixes, &args.profiles, environment)?;
    let files = loaded.files(&args.profiles);
    let inputs = loaded.inputs(&args.request, environment, &files);
    let request = RenewalRequest::new(inputs, &args.code_flags, StandardInput::Ours)?;
    let Selection { profiles, left_out } = inputs.selected(&args.profiles)?;
    request.tell_inputs(report);
    let mut summary = Summary::new(report, profiles.len() + left_out.len());
    for (profile, error) in left_out {
        summary.fail(vec![profile], error)?;
    }
    let mut profiles_sections = Vec::new();
    for (order, profile) in profiles.into_iter().enumerate() {
        let name = profile.value.clone();
        let profile = pick_profile(profile, &request)?;
        match loaded.names.sections_of(profile, &files) {
            Ok(sections) => profiles_sections.push((order, sections)),
            Err(error) => summary.fail(vec![name], error)?,
        }
    }
    let told: Vec<&ProfileSections> = profiles_sections
        .iter()
        .map(|(_, sections)| sections)
        .collect();
    warn_of_irregularities(report, &files, &told);
    let mut jobs = Vec::new();
    for (order, sections) in profiles_sections {
        let name = sections.profile.value.clone();
        match request.check(report, order, sections) {
            Ok(Checked::Fresh(sections, credentials)) => {
                summary.is_valid(order, &sections, credentials.expiration);
            }
            Ok(Checked::Stale(job)) => jobs.push(*job),
            Err(error) => summary.fail(vec![name], error)?,
        }
    }
    request.renew(jobs, &mut summary)?;
    summary.end()
}
