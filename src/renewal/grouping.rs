//! Groups the jobs by keys and device, and finds the device if none is set.

use std::path::Path;

use anyhow::Result;

use crate::core::credentials::LongTermKeys;
use crate::core::mfa_device::SerialNumber;
use crate::files::sessions::SessionKey;
use crate::files::store::Lock;
use crate::plan::{CodeSettings, Inputs, KeySourceId, Origin, Setting};
use crate::prompt::credential_process;
use crate::renewal::discovery::{FoundDevice, Search};
use crate::renewal::group::{Group, Job};
use crate::renewal::summary::Summary;
use crate::renewal::verbose::tell;

/// The groups in the order of their profiles, each with the turn in which a person chose its device, if a person did.
pub fn group_jobs(
    jobs: Vec<Job>,
    inputs: &Inputs<'_>,
    code_settings: &CodeSettings,
    summary: &mut Summary,
) -> Result<Vec<(Group, Option<Lock>)>> {
    let mut grouping = Grouping {
        path: inputs.files.credentials.path,
        code_settings,
        groups: Vec::new(),
    };
    for jobs in by_key_source(jobs) {
        // A command that prints keys is run once.
        match credential_process::keys(&jobs[0].plan.key_source, inputs.environment) {
            Ok(keys) => grouping.add(jobs, &keys, summary)?,
            Err(error) => summary.fail(names(&jobs), error)?,
        }
    }
    let mut groups = grouping.groups;
    groups.sort_by_key(|(group, _)| group.jobs.iter().map(|job| job.order).min());
    Ok(groups)
}

/// The jobs with the same keys. Every process handles them in the same order, so that no two processes wait for each other.
fn by_key_source(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut sources: Vec<(KeySourceId, Vec<Job>)> = Vec::new();
    for job in jobs {
        let id = &job.plan.key_source.id;
        match sources.iter_mut().find(|(other, _)| other == id) {
            Some((_, jobs)) => jobs.push(job),
            None => sources.push((id.clone(), vec![job])),
        }
    }
    sources.sort_by(|(id, _), (other, _)| id.cmp(other));
    sources.into_iter().map(|(_, jobs)| jobs).collect()
}

fn names(jobs: &[Job]) -> Vec<String> {
    let names = jobs.iter().map(|job| job.sections.profile.value.clone());
    names.collect()
}

struct Grouping<'g> {
    path: &'g Path,
    code_settings: &'g CodeSettings,
    groups: Vec<(Group, Option<Lock>)>,
}

impl Grouping<'_> {
    /// Adds the jobs of one pair of keys.
    fn add(&mut self, jobs: Vec<Job>, keys: &LongTermKeys, summary: &mut Summary) -> Result<()> {
        let (known, unknown): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| job.plan.device.is_some());
        let known = known
            .into_iter()
            .filter_map(|job| Some((job.plan.device.clone()?, job)));
        let mut with_device: Vec<(Setting<SerialNumber>, Job)> = known.collect();
        let mut turn = None;
        if let Some(first) = unknown.first() {
            match self.search(first, keys, summary) {
                Ok(found) => {
                    let unknown = unknown.into_iter();
                    with_device.extend(unknown.map(|job| (found.device.clone(), job)));
                    turn = found.turn;
                }
                Err(error) => summary.fail(names(&unknown), error)?,
            }
        }
        with_device.sort_by_key(|(_, job)| job.order);
        for (device, job) in with_device {
            let is_picked = device.origin == Origin::Person;
            let (group, choosing) = self.group_of(device, keys);
            if is_picked {
                *choosing = choosing.take().or_else(|| turn.take());
            }
            let of_plan = || job.plan.mfa_process.clone();
            group.mfa_process = group.mfa_process.take().or_else(of_plan);
            group.jobs.push(job);
        }
        Ok(())
    }

    /// The group of the keys and a device, with the turn in which the device was chosen.
    fn group_of(
        &mut self,
        device: Setting<SerialNumber>,
        keys: &LongTermKeys,
    ) -> &mut (Group, Option<Lock>) {
        let session_key = SessionKey {
            access_key_id: keys.access_key_id.clone(),
            device: device.value.clone(),
        };
        let mut groups = self.groups.iter();
        let place = groups.position(|(group, _)| group.session_key == session_key);
        let place = place.unwrap_or_else(|| {
            let group = Group {
                session_key,
                keys: keys.clone(),
                device,
                mfa_process: self.code_settings.process.clone(),
                jobs: Vec::new(),
            };
            self.groups.push((group, None));
            self.groups.len() - 1
        });
        &mut self.groups[place]
    }

    /// Asks AWS for the device.
    fn search(&self, job: &Job, keys: &LongTermKeys, summary: &Summary) -> Result<FoundDevice> {
        let plan = &job.plan;
        let found = Search {
            path: self.path,
            key_source: &plan.key_source,
            access: &plan.access,
            keys,
            flag: &plan.key_source_flags,
            prompt_settings: &self.code_settings.prompt_settings,
            lock_timeout: self.code_settings.lock_timeout,
            report: summary.report,
        }
        .find()?;
        let Setting { value, origin } = &found.device;
        tell(summary.report, "device", value, origin);
        Ok(found)
    }
}
