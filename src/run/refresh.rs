//! The main job: look, plan, renew, tell.

use anyhow::{Result, bail};
use chrono::TimeDelta;

use super::details::{tell, tell_plan, tell_target, warn_of_irregularities};
use super::ending::Ending;
use super::texts::Texts;
use crate::cli::{Refresh, Request};
use crate::credentials::Secret;
use crate::device::SerialNumber;
use crate::environment::Environment;
use crate::error::Failure;
use crate::freshness::Freshness;
use crate::group::{self, Group, Job, Wanted};
use crate::key_process;
use crate::mfa_code::Codes;
use crate::plan::{self, Chosen, Naming, Selection, Target};
use crate::profiles::{Files, Paths};
use crate::renewal;
use crate::report::Report;
use crate::session::Maker;
use crate::store;

/// Makes sure that the profiles have valid credentials.
///
/// # Errors
/// What a user has to know.
pub(super) fn refresh(args: &Refresh, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let request = &args.request;
    let paths = Paths::find(environment)?;
    store::recover(&paths.credentials)?;
    let texts = Texts::read(&paths, request, environment)?;
    let files = texts.files(&paths, &request.profiles);
    let naming = Naming::new(&request.suffixes, environment)?;
    let min_ttl = plan::min_ttl(request, environment)?;
    let selection = plan::profiles(&request.profiles, environment, &naming, &files)?;
    let Selection { profiles, left_out } = selection;
    report.detail(format_args!(
        "credentials file: {}",
        paths.credentials.display()
    ));
    tell(
        report,
        "renewed with less left than",
        format_args!("{} s", min_ttl.value),
        &min_ttl.origin,
    );
    let mut ending = Ending::new(report, profiles.len() + left_out.len());
    for (profile, error) in left_out {
        ending.fail(vec![profile], error)?;
    }
    let mut targets = Vec::new();
    for (order, profile) in profiles.into_iter().enumerate() {
        let name = profile.value.clone();
        match naming.target_beside_role(profile, &files.config) {
            Ok(target) => targets.push((order, target)),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    let sections = targets
        .iter()
        .flat_map(|(_, target)| [&*target.long_term, &*target.short_term]);
    warn_of_irregularities(report, &files.credentials, &sections.collect::<Vec<_>>());
    let mut jobs = Vec::new();
    for (order, target) in targets {
        let name = target.profile.value.clone();
        tell_target(report, &target);
        let wanted = wanted(request, environment, &target, &files, &min_ttl);
        let job = match group::look(&files.credentials, &target, &wanted) {
            Ok(Freshness::Reuse { until }) => {
                ending.is_valid(order, &target, until);
                continue;
            }
            Ok(Freshness::Renew { because }) => {
                plan::plan(request, environment, &naming, &target, &files).map(|plan| Job {
                    order,
                    target,
                    wanted,
                    because,
                    plan,
                })
            }
            Err(error) => Err(error),
        };
        match job {
            Ok(job) => {
                tell_plan(report, &job.plan);
                jobs.push(job);
            }
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    if !jobs.is_empty() {
        renew(args, environment, &paths, &files, jobs, &mut ending)?;
    }
    ending.end()
}

/// Gets new credentials: one code for all profiles that share the keys and the device.
fn renew(
    args: &Refresh,
    environment: &Environment,
    paths: &Paths,
    files: &Files<'_>,
    jobs: Vec<Job>,
    ending: &mut Ending,
) -> Result<()> {
    let groups = groups(jobs, ending)?;
    let given = plan::given_code(args, environment);
    if let Some(code) = &given {
        tell(ending.report, "code", "given", &code.origin);
    }
    let mut needed: Vec<SerialNumber> = Vec::new();
    for group in &groups {
        let session = group::session_at_hand(&paths.credentials, &files.credentials, &group.maker);
        let device = &group.maker.device;
        needed.extend(std::iter::repeat_n(
            device.clone(),
            group.codes(session.as_ref()),
        ));
    }
    check_given(given.as_ref(), &needed)?;
    let mut codes = Codes::new(given.as_ref(), needed, ending.profiles)?;
    for group in &groups {
        let report = ending.report;
        let results = renewal::renew(args, &paths.credentials, report, group, &mut codes);
        ending.note(group, results);
    }
    Ok(())
}

/// Brings together what shares the keys and the device, in the order of the profiles.
fn groups(jobs: Vec<Job>, ending: &mut Ending) -> Result<Vec<Group>> {
    let mut bases: Vec<(String, Vec<Job>)> = Vec::new();
    for job in jobs {
        let place = job.plan.base.place();
        match bases.iter_mut().find(|(other, _)| *other == place) {
            Some((_, jobs)) => jobs.push(job),
            None => bases.push((place, vec![job])),
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for (_, jobs) in bases {
        // A command that prints keys is run once.
        let keys = match key_process::keys(&jobs[0].plan.base) {
            Ok(keys) => keys,
            Err(error) => {
                let names = jobs.into_iter().map(|job| job.target.profile.value);
                ending.fail(names.collect(), error)?;
                continue;
            }
        };
        for job in jobs {
            let maker = Maker {
                access_key_id: keys.access_key_id.clone(),
                device: job.plan.device.value.clone(),
            };
            match groups.iter_mut().find(|group| group.maker == maker) {
                Some(group) => group.jobs.push(job),
                None => groups.push(Group {
                    maker,
                    keys: keys.clone(),
                    jobs: vec![job],
                }),
            }
        }
    }
    Ok(groups)
}

/// A code is of one device.
fn check_given(given: Option<&Chosen<Secret>>, needed: &[SerialNumber]) -> Result<()> {
    let Some(Chosen { origin, .. }) = given else {
        return Ok(());
    };
    let mut devices: Vec<&str> = Vec::new();
    for device in needed.iter().map(SerialNumber::as_str) {
        if !devices.contains(&device) {
            devices.push(device);
        }
    }
    if devices.len() > 1 {
        bail!(
            Failure::new(format!(
                "{origin} is one code, and codes of several devices are needed: {}",
                devices.join(", ")
            ))
            .hint("pipe them in, a line each in this order, or type them")
        );
    }
    Ok(())
}

/// What the credentials of a profile have to be like.
pub(super) fn wanted(
    request: &Request,
    environment: &Environment,
    target: &Target,
    files: &Files<'_>,
    min_ttl: &Chosen<u32>,
) -> Wanted {
    let role = plan::wanted_role(request, environment, target, files);
    Wanted {
        role_arn: role.map(|role| role.value),
        min_ttl: TimeDelta::seconds(min_ttl.value.into()),
        force: request.force,
    }
}
