//! What the commands that renew credentials do with each profile: look, plan, renew.

use anyhow::{Result, bail};
use chrono::TimeDelta;

use super::ending::Ending;
use super::ground::Ground;
use super::verbose::{tell, tell_asking, tell_plan, tell_target, warn_of_repeats};
use crate::cli::{self, Request};
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::device::SerialNumber;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::files::profiles::Files;
use crate::files::sessions::Maker;
use crate::files::store::Lock;
use crate::plan::{self, Asking, Chosen, Given, Origin, Target};
use crate::prompt::credential_process;
use crate::prompt::terminal::PATIENCE;
use crate::renewal::codes::{Codes, StandardInput};
use crate::renewal::discovery::{Found, Search};
use crate::renewal::group::{self, Group, Job, Seen, Wanted};
use crate::renewal::renew;
use crate::report::Report;

/// All that the work on some profiles needs.
pub(super) struct Work<'w> {
    pub request: &'w Request,
    pub asking: &'w cli::CodeFlags,
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
                let target = target.overridden_by_itself(&self.files.credentials);
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
        warn_of_repeats(ending.report, self.files);
        let asking = Asking::new(self.asking, self.environment, PATIENCE)?;
        let groups = self.groups(jobs, &asking, ending)?;
        tell_asking(ending.report, &asking);
        let path = &self.ground.paths.credentials;
        let mut needed: Vec<SerialNumber> = Vec::new();
        for (group, _) in &groups {
            let session = group.session_at_hand(path, &self.files.credentials);
            let device = &group.maker.device;
            needed.extend(std::iter::repeat_n(
                device.clone(),
                group.codes(session.as_ref()),
            ));
        }
        check_given(&asking, &needed)?;
        let profiles = ending.profiles;
        let mut codes = Codes::new(&asking, needed, profiles, self.input, self.environment)?;
        // A turn in which a person chose the device ends with the group: until then, nobody else has to choose.
        for (group, _turn) in groups {
            let report = ending.report;
            let results = renew::renew(&asking, path, report, &group, &mut codes);
            ending.note(&group, results);
        }
        Ok(())
    }

    /// Brings together what shares the keys and the device, in the order of the profiles; with the turn in which the device was
    /// chosen, where a person did so.
    fn groups(
        &self,
        jobs: Vec<Job>,
        asking: &Asking,
        ending: &mut Ending,
    ) -> Result<Vec<(Group, Option<Lock>)>> {
        let mut bases: Vec<(String, Vec<Job>)> = Vec::new();
        for job in jobs {
            let place = job.plan.base.place();
            match bases.iter_mut().find(|(other, _)| *other == place) {
                Some((_, jobs)) => jobs.push(job),
                None => bases.push((place, vec![job])),
            }
        }
        // In the same order in every process, so that none waits for another one's turn while it holds one.
        bases.sort_by(|(place, _), (other, _)| place.cmp(other));
        let mut groups: Vec<(Group, Option<Lock>)> = Vec::new();
        for (_, jobs) in bases {
            // A command that prints keys is run once.
            let keys = match credential_process::keys(&jobs[0].plan.base, self.environment) {
                Ok(keys) => keys,
                Err(error) => {
                    let names = jobs.into_iter().map(|job| job.target.profile.value);
                    ending.fail(names.collect(), error)?;
                    continue;
                }
            };
            let (known, unknown): (Vec<Job>, Vec<Job>) =
                jobs.into_iter().partition(|job| job.plan.device.is_some());
            let of_unknown = match unknown
                .first()
                .map(|job| self.search(job, &keys, asking, ending))
            {
                None => None,
                Some(Ok(found)) => Some(found),
                Some(Err(error)) => {
                    let names = unknown.iter().map(|job| job.target.profile.value.clone());
                    ending.fail(names.collect(), error)?;
                    None
                }
            };
            let known = known
                .into_iter()
                .filter_map(|job| Some((job.plan.device.clone()?, job)));
            let mut with_device: Vec<(Chosen<SerialNumber>, Job)> = known.collect();
            let mut turn = None;
            if let Some(found) = of_unknown {
                let unknown = unknown.into_iter();
                with_device.extend(unknown.map(|job| (found.device.clone(), job)));
                turn = found.turn;
            }
            with_device.sort_by_key(|(_, job)| job.order);
            for (device, job) in with_device {
                let maker = Maker {
                    access_key_id: keys.access_key_id.clone(),
                    device: device.value.clone(),
                };
                let is_picked = device.origin == Origin::Person;
                let process = asking.process.clone().or_else(|| job.plan.process.clone());
                let place = groups.iter().position(|(group, _)| group.maker == maker);
                let place = place.unwrap_or_else(|| {
                    let group = Group {
                        maker,
                        keys: keys.clone(),
                        device,
                        process: None,
                        jobs: Vec::new(),
                    };
                    groups.push((group, None));
                    groups.len() - 1
                });
                let (group, choosing) = &mut groups[place];
                if is_picked {
                    *choosing = choosing.take().or_else(|| turn.take());
                }
                group.process = group.process.take().or(process);
                group.jobs.push(job);
            }
        }
        groups.sort_by_key(|(group, _)| group.jobs.iter().map(|job| job.order).min());
        Ok(groups)
    }

    /// Asks AWS which device is meant.
    fn search(
        &self,
        job: &Job,
        keys: &LongTermKeys,
        asking: &Asking,
        ending: &Ending,
    ) -> Result<Found> {
        let plan = &job.plan;
        let found = Search {
            path: &self.ground.paths.credentials,
            base: &plan.base,
            access: &plan.access,
            keys,
            flag: &plan.base_flags,
            prompting: &asking.prompting,
            lock_timeout: asking.lock_timeout,
            report: ending.report,
        }
        .find()?;
        let Chosen { value, origin } = &found.device;
        tell(ending.report, "device", value, origin);
        Ok(found)
    }
}

/// A code is of one device.
fn check_given(asking: &Asking, needed: &[SerialNumber]) -> Result<()> {
    let Some(Given::Code(Chosen { origin, .. })) = &asking.given else {
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
