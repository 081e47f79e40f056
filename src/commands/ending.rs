//! How a run ends: for one profile or for several, of which some may have failed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Error, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::error::{self, Exit, Failure};
use crate::plan::{Native, Plan, Target, quoted};
use crate::renewal::group::{Done, Group, Job, Results};
use crate::report::{self, Report};

/// What the profiles of a run came to.
pub(super) struct Ending {
    pub report: Report,
    /// How many there are.
    pub profiles: usize,
    /// What is said in the end, in the order of the profiles.
    valid: BTreeMap<usize, Valid>,
    /// Sections for which there is no profile among them.
    owners: Vec<(String, DateTime<Utc>)>,
    /// What went wrong with the one profile.
    error: Option<Error>,
    /// The profiles without valid credentials, with the exit for the reason.
    failed: Vec<(String, Exit)>,
}

/// A profile with valid credentials.
#[derive(Default)]
struct Valid {
    line: String,
    /// The credentials, where they were not there from the beginning.
    credentials: Option<Credentials>,
    /// That they last shorter than was asked for.
    capped: Option<String>,
    /// What keeps AWS tools from their section, or their section from AWS tools.
    shadows: Vec<String>,
    /// How to use them.
    use_lines: Vec<String>,
    /// Their section, where it is new and has another name than the profile.
    beside: Option<String>,
}

impl Ending {
    /// Before anything has come to anything.
    pub fn new(report: Report, profiles: usize) -> Self {
        Self {
            report,
            profiles,
            valid: BTreeMap::new(),
            owners: Vec::new(),
            error: None,
            failed: Vec::new(),
        }
    }

    /// A profile has what it needs already.
    pub fn is_valid(&mut self, order: usize, target: &Target, until: DateTime<Utc>) {
        let valid = Valid {
            line: still_valid(target, until),
            ..Valid::default()
        };
        self.valid.insert(order, valid);
    }

    /// Where there is one profile, its error ends the run. Where there are several, it is told at once, before a code is
    /// asked for, and the others go on.
    ///
    /// # Errors
    /// The error of the one profile.
    pub fn fail(&mut self, profiles: Vec<String>, error: Error) -> Result<()> {
        if self.profiles == 1 {
            return Err(error);
        }
        report::error_of(&profiles.join(", "), &error);
        let exit = error::exit(&error);
        let ended = profiles.into_iter().map(|profile| (profile, exit));
        self.failed.extend(ended);
        Ok(())
    }

    /// How it ended for a group.
    pub fn note(&mut self, group: &Group, results: Results) {
        self.owners.extend(results.owner);
        for (index, done) in results.done {
            let job = &group.jobs[index];
            self.valid.insert(job.order, Valid::of(job, done));
        }
        for (jobs, error) in results.failed {
            let profile = |job: usize| group.jobs[job].target.profile.value.clone();
            let profiles = jobs.into_iter().map(profile).collect();
            // Before the next prompt, where there is one; or after what there is to say of the session.
            if let Err(error) = self.fail(profiles, error) {
                self.error = Some(error);
            }
        }
    }

    /// Says how it ended: a line for each profile, then what went wrong.
    ///
    /// # Errors
    /// When a profile has no valid credentials.
    pub fn end(mut self) -> Result<()> {
        self.tell_owners();
        for valid in self.valid.values() {
            self.report.progress(&valid.line);
            for warning in valid.capped.iter().chain(&valid.shadows) {
                self.report.warning(warning);
            }
            for line in valid.use_lines.iter().filter(|_| self.profiles == 1) {
                self.report.progress(line);
            }
        }
        let beside = self.valid.values().find_map(|valid| valid.beside.as_ref());
        if let Some(section) = beside.filter(|_| self.profiles > 1) {
            self.report.progress(format_args!(
                "use the roles as in: --profile {}",
                quoted(section)
            ));
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let valid = self.valid.len();
        self.end_of(valid)
    }

    /// The same for the one profile whose credentials go out: what is said is how long they last, not how to use them.
    ///
    /// # Errors
    /// As above.
    pub fn end_of_one(mut self) -> Result<Credentials> {
        self.tell_owners();
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let valid = self.valid.pop_first().map(|(_, valid)| valid);
        let valid = valid.context("the profile came to nothing")?;
        self.report.progress(&valid.line);
        if let Some(warning) = &valid.capped {
            self.report.warning(warning);
        }
        valid.credentials.context("the credentials went away")
    }

    fn tell_owners(&self) {
        for (section, until) in &self.owners {
            let section = format!("[{section}]");
            self.report.progress(is_valid(&section, *until));
        }
    }

    /// The same, where there is nothing to say of these valid ones.
    ///
    /// # Errors
    /// As above.
    pub fn end_of(self, valid: usize) -> Result<()> {
        let Some((_, first)) = self.failed.first() else {
            return Ok(());
        };
        let exit = if valid == 0 && self.failed.iter().all(|(_, exit)| exit == first) {
            *first
        } else {
            Exit::Failed
        };
        let names: Vec<&str> = self.failed.iter().map(|(name, _)| name.as_str()).collect();
        let all = names.len() + valid;
        bail!(
            Failure::new(format!(
                "{} of {all} profiles have no valid credentials: {}",
                names.len(),
                names.join(", ")
            ))
            .exit(exit)
        )
    }
}

impl Valid {
    fn of(job: &Job, done: Done) -> Self {
        let Job { target, plan, .. } = job;
        let label = target.label();
        match done {
            Done::StillValid(credentials) => Self {
                line: still_valid(target, credentials.expiration),
                credentials: Some(credentials),
                ..Self::default()
            },
            Done::Shared(credentials) => Self {
                line: format!(
                    "{label} shares the session of its key and device, valid until {}",
                    report::until(credentials.expiration, clock::now())
                ),
                credentials: Some(credentials),
                shadows: shadows(target),
                ..Self::default()
            },
            Done::Renewed(credentials) => Self {
                line: format!(
                    "{}{}",
                    is_valid(&label, credentials.expiration),
                    less_than_asked(plan, &credentials)
                ),
                capped: capped(target, plan),
                shadows: shadows(target),
                use_lines: use_lines(target, plan),
                beside: (plan.role().is_some() && is_beside(target) && target.shadow.is_none())
                    .then(|| target.short_term.clone()),
                credentials: Some(credentials),
            },
        }
    }
}

fn is_valid(label: &str, until: DateTime<Utc>) -> String {
    let until = report::until(until, clock::now());
    format!("{label} is valid until {until}")
}

fn still_valid(target: &Target, until: DateTime<Utc>) -> String {
    let until = report::until(until, clock::now());
    format!("{} is still valid until {until}", target.label())
}

fn less_than_asked(plan: &Plan, credentials: &Credentials) -> String {
    let asked = TimeDelta::seconds(plan.decision.seconds.into());
    // A minute for the clocks and the way.
    if credentials.expiration - clock::now() < asked - TimeDelta::minutes(1) {
        format!(" (asked for {})", report::span(asked))
    } else {
        String::new()
    }
}

/// Whether the credentials are in a section of another name than the profile.
fn is_beside(target: &Target) -> bool {
    target.short_term != target.profile.value
}

fn capped(target: &Target, plan: &Plan) -> Option<String> {
    let cap = plan.decision.capped?;
    Some(format!(
        "{} lasts 1 h, not the {} s asked for ({}): {}",
        target.label(),
        plan.wanted.value,
        plan.wanted.origin,
        cap.with_way_out()
    ))
}

fn shadows(target: &Target) -> Vec<String> {
    let section = &target.short_term;
    let mut warnings = Vec::new();
    if let Some(shadow) = &target.shadow {
        warnings.push(match target.command_beside() {
            Some(command) if !shadow.is_role() => {
                format!(
                    "{}: `{command}` writes a section that they read",
                    shadow.sentence(section)
                )
            }
            _ => shadow.sentence(section),
        });
    }
    if let Some(process) = &target.process {
        warnings.push(format!(
            "the AWS CLI and SDKs do not run the credential_process of {process} while [{section}] has keys: `{}` removes them",
            target.command("clear")
        ));
    }
    warnings
}

fn use_lines(target: &Target, plan: &Plan) -> Vec<String> {
    if !is_beside(target) || target.shadow.is_some() {
        return Vec::new();
    }
    let section = quoted(&target.short_term);
    let region = plan.region.as_ref().map_or(String::new(), |region| {
        format!(
            " --region {region}, or with that region in a [profile {section}] of the config file"
        )
    });
    let mut lines = vec![format!("use it with --profile {section}{region}")];
    if let Some(Native {
        source,
        but_for: None,
    }) = &plan.native
    {
        lines.push(format!(
            "--profile {} works, too: AWS tools assume its role by themselves from [{source}], for which `mfa-creds --profile {}` is enough",
            quoted(&target.profile.value),
            quoted(source)
        ));
    }
    lines
}
