//! Reports how a run ended, for one profile or for several, some of which may have failed.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Error, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::error::{self, Exit, Failure};
use crate::core::text;
use crate::plan::{Native, Plan, ProfileSections, Storage};
use crate::renewal::group::{Job, Outcome};
use crate::renewal::renew::SessionSection;
use crate::report::{self, Report};

/// The results of the profiles of a run.
pub struct Summary {
    pub report: Report,
    /// How many there are.
    pub profiles: usize,
    /// The results to report at the end, in the order of the profiles.
    valid: BTreeMap<usize, ProfileOutcome>,
    /// Written sections that belong to none of the profiles.
    session_sections: Vec<SessionSection>,
    /// The error, if there is one profile.
    error: Option<Error>,
    /// The profiles without valid credentials, with their exit codes.
    failed: Vec<(String, Exit)>,
}

/// A profile with valid credentials.
#[derive(Default)]
struct ProfileOutcome {
    line: String,
    /// The credentials, if this run got them.
    credentials: Option<Credentials>,
    /// The warning that they last shorter than requested.
    capped: Option<String>,
    /// The warnings about settings that override the section, or that the section overrides.
    overridden: Vec<String>,
    /// How to use them.
    use_lines: Vec<String>,
    /// Their section, if it is new and has another name than the profile.
    beside: Option<String>,
}

impl Summary {
    /// Without results yet.
    pub fn new(report: Report, profiles: usize) -> Self {
        Self {
            report,
            profiles,
            valid: BTreeMap::new(),
            session_sections: Vec::new(),
            error: None,
            failed: Vec::new(),
        }
    }

    /// Notes that a profile already has what it needs.
    pub fn is_valid(&mut self, order: usize, sections: &ProfileSections, until: DateTime<Utc>) {
        let outcome = ProfileOutcome {
            line: still_valid(sections, until),
            ..ProfileOutcome::default()
        };
        self.valid.insert(order, outcome);
    }

    /// The error of a single profile ends the run. With several profiles, the error is reported immediately, before a code is asked
    /// for, and the others continue.
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

    /// Notes the outcomes of a group, and the section with its new session, if that belongs to no job.
    pub fn note(&mut self, jobs: Vec<Job>, session_section: Option<SessionSection>) {
        self.session_sections.extend(session_section);
        let mut failed: Vec<(Vec<String>, Rc<Error>)> = Vec::new();
        for mut job in jobs {
            match job.outcome.take() {
                Some(Err(error)) => {
                    let profile = job.sections.profile.value;
                    let mut shared = failed.iter_mut();
                    match shared.find(|(_, other)| Rc::ptr_eq(other, &error)) {
                        Some((profiles, _)) => profiles.push(profile),
                        None => failed.push((vec![profile], error)),
                    }
                }
                Some(Ok(outcome)) => {
                    let outcome = ProfileOutcome::of(&job, outcome);
                    self.valid.insert(job.order, outcome);
                }
                None => {}
            }
        }
        for (profiles, error) in failed {
            // Before the next prompt, if there is one, or after the report about the session.
            let Some(error) = Rc::into_inner(error) else {
                continue;
            };
            if let Err(error) = self.fail(profiles, error) {
                self.error = Some(error);
            }
        }
    }

    /// Reports the end: a line for each profile, then the errors.
    pub fn end(mut self) -> Result<()> {
        self.tell_session_sections();
        for outcome in self.valid.values() {
            self.report.progress(&outcome.line);
            for warning in outcome.capped.iter().chain(&outcome.overridden) {
                self.report.warning(warning);
            }
            for line in outcome.use_lines.iter().filter(|_| self.profiles == 1) {
                self.report.progress(line);
            }
        }
        let beside = self
            .valid
            .values()
            .find_map(|outcome| outcome.beside.as_ref());
        if let Some(section) = beside.filter(|_| self.profiles > 1) {
            self.report.progress(format_args!(
                "use the roles with {}",
                text::flag("--profile", section)
            ));
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let valid = self.valid.len();
        self.end_of(valid)
    }

    /// The same for a single profile whose credentials another program gets: reports how long they last, not how to use them.
    pub fn end_of_one(mut self) -> Result<Credentials> {
        self.tell_session_sections();
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let outcome = self.valid.pop_first().map(|(_, outcome)| outcome);
        let outcome = outcome.context("the profile has no result")?;
        self.report.progress(&outcome.line);
        if let Some(warning) = &outcome.capped {
            self.report.warning(warning);
        }
        outcome
            .credentials
            .context("the profile has no credentials")
    }

    fn tell_session_sections(&self) {
        for SessionSection { section, until } in &self.session_sections {
            let section = format!("[{section}]");
            self.report.progress(is_valid(&section, *until));
        }
    }

    /// The same, without a report about the valid profiles.
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

impl ProfileOutcome {
    fn of(job: &Job, outcome: Outcome) -> Self {
        let Job { sections, plan, .. } = job;
        let label = sections.label();
        match outcome {
            Outcome::StillFresh(credentials) => Self {
                line: still_valid(sections, credentials.expiration),
                credentials: Some(credentials),
                ..Self::default()
            },
            Outcome::Shared(credentials) => Self {
                line: format!(
                    "{label} shares the session of its key and device, valid until {}",
                    clock::until(credentials.expiration, clock::now())
                ),
                credentials: Some(credentials),
                overridden: overridden(sections),
                ..Self::default()
            },
            Outcome::Renewed(credentials) => Self {
                line: format!(
                    "{}{}",
                    is_valid(&label, credentials.expiration),
                    less_than_asked(plan, &credentials)
                ),
                capped: capped(sections, plan),
                overridden: overridden(sections),
                use_lines: use_lines(sections, plan),
                beside: (plan.role().is_some()
                    && is_beside(sections)
                    && sections.precedence.is_none())
                .then(|| sections.short_term.clone()),
                credentials: Some(credentials),
            },
        }
    }
}

fn is_valid(label: &str, until: DateTime<Utc>) -> String {
    let until = clock::until(until, clock::now());
    format!("{label} is valid until {until}")
}

fn still_valid(sections: &ProfileSections, until: DateTime<Utc>) -> String {
    let until = clock::until(until, clock::now());
    format!("{} is still valid until {until}", sections.label())
}

fn less_than_asked(plan: &Plan, credentials: &Credentials) -> String {
    let asked = TimeDelta::seconds(plan.decision.seconds.into());
    // A minute of tolerance for clocks and the network.
    if credentials.expiration - clock::now() < asked - TimeDelta::minutes(1) {
        format!(" (requested: {})", clock::span(asked))
    } else {
        String::new()
    }
}

/// Whether the credentials are in a section of another name than the profile.
fn is_beside(sections: &ProfileSections) -> bool {
    sections.storage != Storage::LoginCache && sections.short_term != sections.profile.value
}

fn capped(sections: &ProfileSections, plan: &Plan) -> Option<String> {
    let cap = plan.decision.capped?;
    Some(format!(
        "{} lasts 1 h, not the requested {} s ({}): {}",
        sections.label(),
        plan.wanted.value,
        plan.wanted.origin,
        cap.with_way_out()
    ))
}

fn overridden(sections: &ProfileSections) -> Vec<String> {
    let section = &sections.short_term;
    let mut warnings = Vec::new();
    if let Some(precedence) = &sections.precedence {
        warnings.push(match sections.way_out_beside() {
            Some(way_out) if !precedence.is_role() && !precedence.is_inherited() => {
                format!("{}: {way_out}", precedence.sentence(section))
            }
            _ => precedence.sentence(section),
        });
    }
    if let Some(process) = &sections.credential_process_at {
        warnings.push(format!(
            "the AWS CLI and SDKs do not run the credential_process of {process} while [{section}] has keys: `{}` removes them",
            sections.command("clear")
        ));
    }
    warnings
}

fn use_lines(sections: &ProfileSections, plan: &Plan) -> Vec<String> {
    if !is_beside(sections) || sections.precedence.is_some() {
        return Vec::new();
    }
    let section = &sections.short_term;
    let region = plan.region.as_ref().map_or(String::new(), |region| {
        format!(
            " --region {region}, or with that region in a [profile {section}] of the config file"
        )
    });
    let mut lines = vec![format!(
        "use it with {}{region}",
        text::flag("--profile", section)
    )];
    if let Some(Native {
        source,
        but_for: None,
    }) = &plan.native
    {
        lines.push(format!(
            "{} also works: AWS tools assume its role from [{source}], which `mfa-creds {}` renews",
            text::flag("--profile", &sections.profile.value),
            text::flag("--profile", source)
        ));
    }
    lines
}
