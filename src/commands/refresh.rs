//! The main job: the profiles that are asked for have valid credentials in the file.

use anyhow::Result;

use super::ending::Ending;
use super::ground::Ground;
use super::pick_profile;
use super::verbose::warn_of_irregularities;
use super::work::{Look, Work};
use crate::cli::{CodeFlags, Profiles, Request, Verbosity};
use crate::core::environment::Environment;
use crate::plan::{self, Selection, Target};
use crate::renewal::codes::StandardInput;
use crate::report::Report;
use clap::Args;

/// What a refresh can be told.
#[derive(Args)]
pub struct Refresh {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
    #[command(flatten)]
    pub asking: CodeFlags,
    /// The same as the command `setup`
    #[arg(long, conflicts_with = "all")]
    pub setup: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Makes sure that the profiles have valid credentials.
///
/// # Errors
/// What a user has to know.
pub(super) fn refresh(args: &Refresh, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let ground = Ground::recover(&args.request.suffixes, &args.profiles, environment)?;
    let files = ground.files(&args.profiles);
    let work = Work {
        request: &args.request,
        asking: &args.asking,
        environment,
        ground: &ground,
        files: &files,
        min_ttl: plan::min_ttl(args.request.min_ttl, environment)?,
        input: StandardInput::Ours,
    };
    let Selection { profiles, left_out } =
        plan::profiles(&args.profiles, environment, &ground.naming, &files)?;
    work.tell_ground(report);
    let mut ending = Ending::new(report, profiles.len() + left_out.len());
    for (profile, error) in left_out {
        ending.fail(vec![profile], error)?;
    }
    let mut targets = Vec::new();
    for (order, profile) in profiles.into_iter().enumerate() {
        let name = profile.value.clone();
        let profile = pick_profile::of_several(profile, &work)?;
        match ground.naming.target_beside_role(profile, &files) {
            Ok(target) => targets.push((order, target)),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    let told: Vec<&Target> = targets.iter().map(|(_, target)| target).collect();
    warn_of_irregularities(report, &files, &told);
    let mut jobs = Vec::new();
    for (order, target) in targets {
        let name = target.profile.value.clone();
        match work.look(report, order, target) {
            Ok(Look::Reuse(target, credentials)) => {
                ending.is_valid(order, &target, credentials.expiration);
            }
            Ok(Look::Renew(job)) => jobs.push(*job),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    work.renew(jobs, &mut ending)?;
    ending.end()
}
