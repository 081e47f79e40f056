//! What the commands that renew credentials do with each profile: look, plan, renew.

use anyhow::{Result, bail};
use chrono::TimeDelta;

use super::details::{tell, tell_plan, tell_target};
use super::ending::Ending;
use super::ground::Ground;
use crate::cli::{Asking, Request};
use crate::credentials::{Credentials, Secret};
use crate::device::SerialNumber;
use crate::environment::Environment;
use crate::error::Failure;
use crate::group::{self, Group, Job, Seen, Wanted};
use crate::key_process;
use crate::mfa_code::{Codes, StandardInput};
use crate::plan::{self, Chosen, Target};
use crate::profiles::Files;
use crate::renewal;
use crate::report::Report;
use crate::session::Maker;

/// All that the work on some profiles needs.
pub(super) struct Work<'w> {
    pub request: &'w Request,
    pub asking: &'w Asking,
    pub environment: &'w Environment,
    pub ground: &'w Ground,
    pub files: &'w Files<'w>,
    pub min_ttl: Chosen<u32>,
    pub input: StandardInput,
}

/// What there is to do for a profile.
pub(super) enum Look {
    /// Nothing: its credentials are as they should be.
    Reuse(Box<Target>, Credentials),
    Renew(Box<Job>),
}

impl Work<'_> {
    /// Says what holds for all profiles.
    pub fn tell_ground(&self, report: Report) {
        report.detail(format_args!(
            "credentials file: {}",
            self.ground.paths.credentials.display()
        ));
        tell(
            report,
            "renewed with less left than",
            format_args!("{} s", self.min_ttl.value),
            &self.min_ttl.origin,
        );
    }

    /// Whether a profile has what it needs, and how it can get it where not.
    ///
    /// # Errors
    /// What can be known before a code is asked for.
    pub fn look(&self, report: Report, order: usize, target: Target) -> Result<Look> {
        tell_target(report, &target);
        let wanted = self.wanted(&target);
        match group::look(&self.files.credentials, &target, &wanted)? {
            Seen::Valid(credentials) => Ok(Look::Reuse(Box::new(target), credentials)),
            Seen::Stale { because, .. } => {
                let naming = &self.ground.naming;
                let plan = plan::plan(self.request, self.environment, naming, &target, self.files)?;
                tell_plan(report, &plan);
                Ok(Look::Renew(Box::new(Job {
                    order,
                    target,
                    wanted,
                    because,
                    plan,
                })))
            }
        }
    }

    /// What the credentials of a profile have to be like.
    pub fn wanted(&self, target: &Target) -> Wanted {
        let role = plan::wanted_role(self.request, self.environment, target, self.files);
        Wanted {
            role_arn: role.map(|role| role.value),
            min_ttl: TimeDelta::seconds(self.min_ttl.value.into()),
            force: self.request.force,
        }
    }

    /// Gets new credentials: one code for all profiles that share the keys and the device.
    ///
    /// # Errors
    /// What concerns all of them, or the only one.
    pub fn renew(&self, jobs: Vec<Job>, ending: &mut Ending) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let groups = self.groups(jobs, ending)?;
        let given = plan::given_code(self.asking, self.environment);
        if let Some(code) = &given {
            tell(ending.report, "code", "given", &code.origin);
        }
        let path = &self.ground.paths.credentials;
        let mut needed: Vec<SerialNumber> = Vec::new();
        for group in &groups {
            let session = group.session_at_hand(path, &self.files.credentials);
            let device = &group.maker.device;
            needed.extend(std::iter::repeat_n(
                device.clone(),
                group.codes(session.as_ref()),
            ));
        }
        check_given(given.as_ref(), &needed)?;
        let mut codes = Codes::new(given.as_ref(), needed, ending.profiles, self.input)?;
        for group in &groups {
            let report = ending.report;
            let results = renewal::renew(self.asking, path, report, group, &mut codes);
            ending.note(group, results);
        }
        Ok(())
    }

    /// Brings together what shares the keys and the device, in the order of the profiles.
    fn groups(&self, jobs: Vec<Job>, ending: &mut Ending) -> Result<Vec<Group>> {
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
            let keys = match key_process::keys(&jobs[0].plan.base, self.environment) {
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
