//! `mfa-creds plan`: shows what a refresh would call, with which settings, and why.

use std::fmt::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::loaded_files::LoadedFiles;
use crate::cli::{Profiles, Request};
use crate::core::clock::{self, span, until};
use crate::core::environment::Environment;
use crate::core::text::{flag, masked, plain};
use crate::files::profiles::File;
use crate::files::sessions::{Session, SessionKey};
use crate::plan::{
    self, Call, Inputs, Keys, Native, Plan, ProfileSections, Selection, SessionScope, Setting,
    Storage, Strategy, StsCall,
};
use crate::renewal::cache_state::{CacheState, look_for_renewal};
use crate::renewal::group;
use crate::renewal::stored_sessions::{
    device_of_session, session_at_hand, session_files, session_texts,
};
use crate::renewal::summary::Summary;
use crate::report::{self, Report};
use clap::Args;

/// The summary for the help.
pub(super) const ABOUT: &str = "Show what a renewal would do, and where each setting comes from";

/// The flags of `plan`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Preview {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
}

/// Shows what a renewal would do, and changes nothing.
pub(super) fn show_plan(args: &Preview, environment: &Environment) -> Result<()> {
    let request = &args.request;
    let loaded = LoadedFiles::read(&request.suffixes, environment)?;
    loaded.check_keys(&args.profiles, environment)?;
    let files = loaded.files(&args.profiles);
    let inputs = loaded.inputs(request, environment, &files);
    let min_ttl = inputs.min_ttl()?;
    let Selection { profiles, left_out } = inputs.selected(&args.profiles)?;
    let mut parts = Vec::new();
    let mut summary = Summary::new(Report::quiet(), profiles.len() + left_out.len());
    for (profile, error) in left_out {
        summary.fail(vec![profile], error)?;
    }
    for profile in profiles {
        let name = profile.value.clone();
        let part = loaded
            .names
            .sections_of(profile, &files)
            .and_then(|sections| part(&inputs, sections, &min_ttl));
        match part {
            Ok(part) => parts.push(part),
            Err(error) => summary.fail(vec![name], error)?,
        }
    }
    report::data(&parts.join("\n"))?;
    summary.end_of(parts.len())
}

/// The output for one profile.
fn part(inputs: &Inputs<'_>, sections: ProfileSections, min_ttl: &Setting<u32>) -> Result<String> {
    let credentials = &inputs.files.credentials;
    let sections = sections.overridden_by_itself(credentials);
    let sections = inputs.in_login_cache(sections);
    let wanted = inputs.wanted(&sections, min_ttl)?;
    let state = look_for_renewal(credentials, &sections, &wanted)?;
    let mut plan = inputs.plan(&sections)?;
    plan.mfa_process = plan::process_of_environment(inputs.environment).or(plan.mfa_process);
    if plan.device.is_none() {
        let texts = session_texts(credentials.path);
        plan.device = device_of_session(&plan.key_source, credentials, &session_files(&texts));
    }
    let now = clock::now();
    let session = usable_session(&plan, credentials)
        .filter(|session| group::serves(session, &plan, &wanted, now));
    let preferred = plan::token_of_environment(inputs.environment);
    let shown = Shown {
        sections: &sections,
        plan: &plan,
        state: &state,
        session: session.as_ref(),
        path: credentials.path,
        preferred: preferred.as_ref(),
        now,
    };
    Ok(shown.render())
}

/// The session that the calls of a plan may use. A command that prints the keys is not run to find it.
fn usable_session(plan: &Plan, credentials: &File<'_>) -> Option<Session> {
    let Keys::Stored(keys) = &plan.key_source.keys else {
        return None;
    };
    let session_key = SessionKey {
        access_key_id: keys.access_key_id.clone(),
        device: plan.device.as_ref()?.value.clone(),
    };
    session_at_hand(credentials.path, credentials, &session_key)
}

/// The plan of a profile, ready to show.
struct Shown<'s> {
    sections: &'s ProfileSections,
    plan: &'s Plan,
    state: &'s CacheState,
    /// The stored session, if it meets the request.
    session: Option<&'s Session>,
    path: &'s Path,
    /// What AWS tools prefer to every section.
    preferred: Option<&'s String>,
    now: DateTime<Utc>,
}

impl Shown<'_> {
    /// The plan, line for line.
    fn render(&self) -> String {
        let Self {
            sections,
            plan,
            state,
            path,
            now,
            ..
        } = *self;
        let mut text = PlanLines::default();
        text.line("profile", &sections.profile.value);
        match (&plan.key_source.keys, sections.storage) {
            (Keys::Login(login), Storage::LoginCache) => {
                text.line("writes", login.cache.display());
            }
            _ => text.line(
                "writes",
                format_args!("[{}] in {}", sections.short_term, path.display()),
            ),
        }
        match state {
            CacheState::Fresh(credentials) => text.line(
                "now",
                format_args!(
                    "nothing to do: valid until {}; after that:",
                    until(credentials.expiration, now)
                ),
            ),
            CacheState::Stale { because, .. } => {
                text.line("now", format_args!("must be renewed: {because}"));
            }
        }
        text.line("keys", keys(plan));
        match &plan.device {
            Some(device) => text.line("device", with_origin(device)),
            None if plan.decision.way == Strategy::Login => {}
            None => text.line(
                "device",
                "not set: mfa-creds asks AWS for the user's devices",
            ),
        }
        if let Some(process) = &plan.mfa_process {
            text.line(
                "code",
                format_args!("printed by the command from {}", process.origin),
            );
        }
        self.calls(&mut text);
        self.uses(&mut text);
        text.0
    }

    /// The calls, and the reason for them.
    fn calls(&self, text: &mut PlanLines) {
        let Self {
            plan, session, now, ..
        } = *self;
        if plan.has_session() {
            text.line("session", of_session(plan, session, now));
        }
        for (number, step) in (1..).zip(&plan.steps) {
            let skipped = number == 1 && session.is_some();
            text.line(&format!("call {number}"), call(step, number == 1, skipped));
            if let Some(scope) = step.scope() {
                text.scope(scope);
            }
        }
        text.line(
            "why",
            format_args!("{}: {}", way(plan), plan.decision.because),
        );
        if let Some(cap) = plan.decision.capped {
            let wanted = TimeDelta::seconds(plan.wanted.value.into());
            text.line(
                "capped",
                format_args!(
                    "1 h instead of {} ({}): {}",
                    span(wanted),
                    plan.wanted.origin,
                    cap.with_way_out()
                ),
            );
        }
    }

    /// How the credentials are used.
    fn uses(&self, text: &mut PlanLines) {
        let Self {
            sections,
            plan,
            preferred,
            ..
        } = *self;
        if let Some(precedence) = &sections.precedence {
            text.line("warning", precedence.fact(&sections.short_term));
        } else if sections.storage != Storage::LoginCache
            && sections.short_term != sections.profile.value
        {
            text.line("use", flag("--profile", &sections.short_term));
        }
        let overridden = plan::overridden_by_keys(sections);
        let overridden = overridden.iter().map(|overridden| &overridden.problem);
        for fact in overridden.chain(preferred) {
            text.line("warning", fact);
        }
        let unknown = plan.role().and_then(|role| role.scope.key_in_file());
        if let Some(key) = unknown.filter(|_| sections.short_term != sections.profile.value) {
            text.line(
                "natively",
                format_args!(
                    "with {}, AWS tools ignore {key}: they may assume the role with all its power",
                    flag("--profile", &sections.profile.value)
                ),
            );
        }
        if let Some(Native { source, but_for }) = &plan.native {
            let profile = &sections.profile.value;
            match but_for {
                None => text.line(
                    "natively",
                    format_args!("{} also works: AWS tools assume its role from [{source}]", flag("--profile", profile)),
                ),
                Some(header) => text.line(
                    "natively",
                    format_args!("without mfa_serial in [{header}], AWS tools would assume the role from [{source}]"),
                ),
            }
        }
    }
}

#[derive(Default)]
struct PlanLines(String);

impl PlanLines {
    fn line(&mut self, what: &str, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{what:<9}{}", plain(&value.to_string()));
    }
}

impl PlanLines {
    /// What the credentials of a role can do at most, and what is known about its session.
    fn scope(&mut self, scope: &SessionScope) {
        let policies: Vec<String> = scope.policies.iter().map(with_origin).collect();
        match &policies[..] {
            [] => {}
            [policy] => self.line(
                "at most",
                format_args!("what both the role and {policy} allow"),
            ),
            _ => self.line(
                "at most",
                format_args!(
                    "what the role and at least one of these policies allow: {}",
                    policies.join(", ")
                ),
            ),
        }
        if let Some(tags) = &scope.tags {
            let all: Vec<String> = tags.value.iter().map(ToString::to_string).collect();
            let passed_on = scope.transitive_tags.as_ref().map(|keys| {
                let all = keys.value.join(", ");
                format!("; passed on to later roles: {all} ({})", keys.origin)
            });
            self.line(
                "tags",
                format_args!(
                    "{} ({}){}",
                    all.join(", "),
                    tags.origin,
                    passed_on.unwrap_or_default()
                ),
            );
        }
        if let Some(name) = &scope.source_identity {
            self.line("identity", with_origin(name));
        }
    }
}

fn keys(plan: &Plan) -> String {
    let way = if plan.profiles.len() > 1 {
        format!(" ({})", plan.profiles.join(" -> "))
    } else {
        String::new()
    };
    let place = &plan.key_source;
    match &plan.key_source.keys {
        Keys::Stored(keys) => format!("{} of {place}{way}", masked(&keys.access_key_id)),
        Keys::Process(_) => format!("from credential_process of {place}{way}"),
        Keys::Login(login) => format!(
            "none: `aws login` signs in {}{way}",
            with_origin(&login.identity)
        ),
    }
}

fn of_session(plan: &Plan, session: Option<&Session>, now: DateTime<Utc>) -> String {
    let end = |session: &Session| until(session.credentials.expiration, now).to_string();
    match session {
        Some(session) => {
            let place = match &session.section {
                Some(section) => format!("of [{section}]"),
                None => "stored for this key and device".to_owned(),
            };
            format!("{place}, valid until {}: no code is needed", end(session))
        }
        None if matches!(plan.key_source.keys, Keys::Process(_)) => {
            "unknown: plan does not run the command that prints the key".to_owned()
        }
        None => match &plan.session_section {
            Some(section) => format!("none: a code is needed; it will be stored in [{section}]"),
            None if plan.decision.way == Strategy::Session => "none: a code is needed".to_owned(),
            None => "none: a code is needed; it will be stored for this key and device".to_owned(),
        },
    }
}

fn call(step: &StsCall, first: bool, skipped: bool) -> String {
    let what = match &step.call {
        Call::GetSessionToken => "sts:GetSessionToken".to_owned(),
        Call::RefreshLogin => "signin:CreateOAuth2Token".to_owned(),
        Call::AssumeRole(role) => {
            let external_id = match &role.external_id {
                Some(id) => format!(", external ID {}", with_origin(id)),
                None => String::new(),
            };
            format!(
                "sts:AssumeRole {} as {}{external_id}",
                with_origin(&role.arn),
                role.session_name.value
            )
        }
    };
    let with = match (first, skipped) {
        (true, _) if matches!(step.call, Call::RefreshLogin) => {
            " unless the credentials in the cache are still valid"
        }
        (true, true) => ", not called: the session is stored",
        (true, false) => " with the code",
        (false, _) => "",
    };
    let connection = &step.connection;
    let place = match &connection.endpoint_url {
        Some(url) => format!("at {}", with_origin(url)),
        None => format!("in {}", with_origin(&connection.region)),
    };
    format!(
        "{what}{with}, for {} s ({}), {place}",
        step.duration.value, step.duration.origin
    )
}

fn way(plan: &Plan) -> &'static str {
    match plan.decision.way {
        Strategy::Session => "a session",
        Strategy::Chain => "the role from the session",
        Strategy::Direct => "the role with a code of its own",
        Strategy::Login if plan.role().is_some() => "the role with the credentials of `aws login`",
        Strategy::Login => "the credentials of `aws login`",
    }
}

fn with_origin(setting: &Setting<impl fmt::Display>) -> String {
    format!("{} ({})", setting.value, setting.origin)
}
