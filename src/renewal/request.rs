//! Checks what is stored for each profile, plans what is missing, and renews it: the path shared by all
//! commands that renew.

use std::cell::OnceCell;

use anyhow::{Result, bail};
use chrono::TimeDelta;

use crate::cli::CodeFlags;
use crate::core::credentials::Credentials;
use crate::core::error::Failure;
use crate::core::mfa_device::SerialNumber;
use crate::core::shell_words;
use crate::files::freshness::Wanted;
use crate::plan::{self, CodeSettings, Given, Inputs, ProfileSections, Setting};
use crate::prompt::terminal::DEFAULT_PROMPT_TIMEOUT;
use crate::renewal::cache_state::{CacheState, look, look_for_renewal};
use crate::renewal::codes::{Codes, StandardInput};
use crate::renewal::group::Job;
use crate::renewal::grouping::group_jobs;
use crate::renewal::login;
use crate::renewal::renew;
use crate::renewal::summary::Summary;
use crate::renewal::verbose::{
    tell, tell_code_settings, tell_plan, tell_sections, warn_of_repeats,
};
use crate::report::Report;

/// A request to renew the stale credentials of some profiles.
pub struct RenewalRequest<'r> {
    pub inputs: Inputs<'r>,
    pub code_flags: &'r CodeFlags,
    min_ttl: Setting<u32>,
    input: StandardInput,
    /// How long before their end credentials are renewed, if that is longer than the minimum time left. Credentials that are requested for
    /// a short time are renewed when [`SHORT`] of it is left.
    pub renew_before: Option<TimeDelta>,
}

/// The divisor for the part of a short duration that is left when a server renews credentials.
const SHORT: u32 = 3;

/// A profile whose stored credentials were checked.
pub enum Checked {
    /// Its credentials meet the request.
    Fresh(Box<ProfileSections>, Credentials),
    /// They must be renewed.
    Stale(Box<Job>),
}

impl<'r> RenewalRequest<'r> {
    /// From the flags and the environment.
    pub fn new(
        inputs: Inputs<'r>,
        code_flags: &'r CodeFlags,
        input: StandardInput,
    ) -> Result<Self> {
        Ok(Self {
            inputs,
            code_flags,
            min_ttl: inputs.min_ttl()?,
            input,
            renew_before: None,
        })
    }

    /// Reports the settings that apply to all profiles.
    pub fn tell_inputs(&self, report: Report) {
        report.detail(format_args!(
            "credentials file: {}",
            self.inputs.files.credentials.path.display()
        ));
        tell(
            report,
            "minimum time left",
            format_args!("{} s", self.min_ttl.value),
            &self.min_ttl.origin,
        );
    }

    /// Checks whether a profile has what it needs, and plans the renewal if not.
    pub fn check(
        &self,
        report: Report,
        order: usize,
        sections: ProfileSections,
    ) -> Result<Checked> {
        let sections = self.inputs.in_login_cache(sections);
        tell_sections(report, &sections);
        let mut wanted = self.wanted(&sections)?;
        let credentials = &self.inputs.files.credentials;
        match look_for_renewal(credentials, &sections, &wanted)? {
            CacheState::Fresh(credentials) => Ok(Checked::Fresh(Box::new(sections), credentials)),
            CacheState::Stale { because, .. } => {
                let sections = sections.overridden_by_itself(credentials);
                let plan = self.inputs.plan(&sections)?;
                let most = TimeDelta::seconds((plan.decision.seconds / SHORT).into());
                if self.renew_before.is_some() && most < wanted.min_ttl {
                    wanted.min_ttl = most;
                    if let CacheState::Fresh(found) = look(credentials, &sections, &wanted)? {
                        return Ok(Checked::Fresh(Box::new(sections), found));
                    }
                }
                tell_plan(report, &plan);
                Ok(Checked::Stale(Box::new(Job {
                    order,
                    sections,
                    wanted,
                    because,
                    plan,
                    outcome: OnceCell::new(),
                })))
            }
        }
    }

    /// What the credentials of a profile must satisfy.
    pub fn wanted(&self, sections: &ProfileSections) -> Result<Wanted> {
        let mut wanted = self.inputs.wanted(sections, &self.min_ttl)?;
        wanted.min_ttl = wanted.min_ttl.max(self.renew_before.unwrap_or_default());
        Ok(wanted)
    }

    /// Gets new credentials: one code for all profiles that share the keys and the device.
    pub fn renew(&self, mut jobs: Vec<Job>, summary: &mut Summary) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let Inputs {
            environment, files, ..
        } = self.inputs;
        warn_of_repeats(summary.report, files);
        summary.preferred = plan::token_of_environment(environment).map(|fact| {
            let unset = shell_words::unset(plan::TOKEN_FILE);
            format!("{fact}: {unset}, or name the profile with --profile")
        });
        let code_settings =
            CodeSettings::new(self.code_flags, environment, DEFAULT_PROMPT_TIMEOUT)?;
        let path = files.credentials.path;
        for group in login::take_groups(&mut jobs) {
            login::renew(&code_settings, path, summary.report, &group);
            summary.note(group.into_jobs(), None);
        }
        if jobs.is_empty() {
            return Ok(());
        }
        let groups = group_jobs(jobs, &self.inputs, &code_settings, summary)?;
        tell_code_settings(summary.report, &code_settings);
        let mut needed: Vec<SerialNumber> = Vec::new();
        for (group, _) in &groups {
            let session = group.session_at_hand(path, &files.credentials);
            let device = &group.session_key.device;
            needed.extend(std::iter::repeat_n(
                device.clone(),
                group.codes(session.as_ref()),
            ));
        }
        check_given(&code_settings, &needed)?;
        let profiles = summary.profiles;
        let mut codes = Codes::new(&code_settings, needed, profiles, self.input, environment)?;
        // A turn in which a person chose the device ends with the group, so that no other process asks meanwhile.
        for (group, _turn) in groups {
            let section = renew::renew(&code_settings, path, summary.report, &group, &mut codes);
            summary.note(group.jobs, section);
        }
        Ok(())
    }
}

/// Refuses one given code for several devices.
fn check_given(code_settings: &CodeSettings, needed: &[SerialNumber]) -> Result<()> {
    let Some(Given::Code(Setting { origin, .. })) = &code_settings.given else {
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
                "{origin} has one code, but codes from several devices are needed: {}",
                devices.join(", ")
            ))
            .hint("pipe them in, one per line, in this order, or type them")
        );
    }
    Ok(())
}
