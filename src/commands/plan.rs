//! Shows what a refresh would call, with what, and why.

use std::fmt::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::ending::Ending;
use super::ground::Ground;
use crate::aws::network::masked;
use crate::cli::{Profiles, Request};
use crate::core::clock;
use crate::core::environment::Environment;
use crate::core::text::plain;
use crate::files::profiles::File;
use crate::files::sessions::{Maker, Session};
use crate::plan::{self, Call, Chosen, Keys, Native, Plan, Selection, Step, Target, Way, quoted};
use crate::renewal::group::{self, Seen, Wanted};
use crate::report::{self, Report, span, until};
use clap::Args;

/// What it does, for the help.
pub(super) const ABOUT: &str =
    "Show what a refresh would call, with what, and why, without doing it";

/// What `plan` can be told.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Preview {
    #[command(flatten)]
    pub profiles: Profiles,
    #[command(flatten)]
    pub request: Request,
}

/// Shows what a refresh would do, and touches nothing.
pub(super) fn show_plan(args: &Preview, environment: &Environment) -> Result<()> {
    let request = &args.request;
    let ground = Ground::read(&request.suffixes, environment)?;
    ground.check_keys(&args.profiles, environment)?;
    let (paths, naming) = (&ground.paths, &ground.naming);
    let files = ground.files(&args.profiles);
    let min_ttl = plan::min_ttl(request.min_ttl, environment)?;
    let selection = plan::profiles(&args.profiles, environment, naming, &files)?;
    let Selection { profiles, left_out } = selection;
    let mut parts = Vec::new();
    let mut ending = Ending::new(Report::quiet(), profiles.len() + left_out.len());
    for (profile, error) in left_out {
        ending.fail(vec![profile], error)?;
    }
    for profile in profiles {
        let name = profile.value.clone();
        let part = naming
            .target_beside_role(profile, &files)
            .and_then(|target| {
                let target = target.overridden_by_itself(&files.credentials);
                let role = plan::wanted_role(request, environment, &target, &files);
                let wanted = Wanted {
                    role_arn: role.map(|role| role.value),
                    min_ttl: TimeDelta::seconds(min_ttl.value.into()),
                    force: request.force,
                };
                let seen = group::look(&files.credentials, &target, &wanted)?;
                let mut plan = plan::plan(request, environment, naming, &target, &files)?;
                plan.process = plan::process_of_environment(environment).or(plan.process);
                let now = clock::now();
                let session = session_at_hand(&plan, &files.credentials)
                    .filter(|session| group::serves(session, &plan, &wanted, now));
                let session = session.as_ref();
                let path = &paths.credentials;
                Ok(render(&target, &plan, &seen, session, path, now))
            });
        match part {
            Ok(part) => parts.push(part),
            Err(error) => ending.fail(vec![name], error)?,
        }
    }
    report::data(&parts.join("\n"))?;
    ending.end_of(parts.len())
}

/// The session that the calls of a plan may use. Where a command prints the keys, it is not run to find out.
fn session_at_hand(plan: &Plan, credentials: &File<'_>) -> Option<Session> {
    let Keys::Stored(keys) = &plan.base.keys else {
        return None;
    };
    let (path, access_key_id) = (credentials.path, &keys.access_key_id);
    let Some(device) = &plan.device else {
        let found = group::session_of_key(path, credentials, access_key_id);
        return found.map(|(_maker, session)| session);
    };
    let maker = Maker {
        access_key_id: access_key_id.clone(),
        device: device.value.clone(),
    };
    group::session_at_hand(path, credentials, &maker)
}

/// The plan of a profile, line for line.
fn render(
    target: &Target,
    plan: &Plan,
    seen: &Seen,
    session: Option<&Session>,
    path: &Path,
    now: DateTime<Utc>,
) -> String {
    let mut text = Lines::default();
    text.line("profile", &target.profile.value);
    text.line(
        "writes",
        format_args!("[{}] in {}", target.short_term, path.display()),
    );
    match seen {
        Seen::Valid(credentials) => text.line(
            "now",
            format_args!(
                "nothing to do: valid until {}; after that:",
                until(credentials.expiration, now)
            ),
        ),
        Seen::Stale { because, .. } => text.line("now", format_args!("to renew: {because}")),
    }
    text.line("keys", keys(plan));
    match &plan.device {
        Some(device) => text.line("device", chosen(device)),
        None => text.line("device", "not known: AWS is asked which the user has"),
    }
    if let Some(process) = &plan.process {
        text.line(
            "code",
            format_args!("from the command of {}", process.origin),
        );
    }
    if plan.has_session() {
        text.line("session", of_session(plan, session, now));
    }
    for (number, step) in (1..).zip(&plan.steps) {
        let skipped = number == 1 && session.is_some();
        text.line(&format!("call {number}"), call(step, number == 1, skipped));
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
                "1 h in place of {} ({}): {}",
                span(wanted),
                plan.wanted.origin,
                cap.with_way_out()
            ),
        );
    }
    if let Some(shadow) = &target.shadow {
        text.line("shadowed", shadow.fact(&target.short_term));
    } else if target.short_term != target.profile.value {
        text.line(
            "use",
            format_args!("--profile {}", quoted(&target.short_term)),
        );
    }
    if let Some(Native { source, but_for }) = &plan.native {
        let profile = &target.profile.value;
        match but_for {
            None => text.line(
                "natively",
                format_args!("--profile {} works, too: AWS tools assume its role by themselves from [{source}]", quoted(profile)),
            ),
            Some(header) => text.line(
                "natively",
                format_args!("without mfa_serial in [{header}], AWS tools would assume the role by themselves from [{source}]"),
            ),
        }
    }
    text.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, what: &str, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{what:<9}{}", plain(&value.to_string()));
    }
}

fn keys(plan: &Plan) -> String {
    let way = if plan.profiles.len() > 1 {
        format!(" ({})", plan.profiles.join(" -> "))
    } else {
        String::new()
    };
    let place = plan.base.place();
    match &plan.base.keys {
        Keys::Stored(keys) => format!("{} of {place}{way}", masked(&keys.access_key_id)),
        Keys::Process(_) => format!("from credential_process of {place}{way}"),
    }
}

fn of_session(plan: &Plan, session: Option<&Session>, now: DateTime<Utc>) -> String {
    let end = |session: &Session| until(session.credentials.expiration, now).to_string();
    match session {
        Some(session) => {
            let place = match &session.section {
                Some(section) => format!("of [{section}]"),
                None => "kept for this key and device".to_owned(),
            };
            format!("{place}, valid until {}: no code is needed", end(session))
        }
        None if matches!(plan.base.keys, Keys::Process(_)) => {
            "not known before the command has printed the key".to_owned()
        }
        None => match &plan.owner {
            Some(owner) => format!("none: a code is needed; it will be in [{owner}]"),
            None if plan.decision.way == Way::Session => "none: a code is needed".to_owned(),
            None => "none: a code is needed; it will be kept for this key and device".to_owned(),
        },
    }
}

fn call(step: &Step, first: bool, skipped: bool) -> String {
    let what = match &step.call {
        Call::GetSessionToken => "sts:GetSessionToken".to_owned(),
        Call::AssumeRole(role) => {
            let external_id = match &role.external_id {
                Some(id) => format!(", external id {}", chosen(id)),
                None => String::new(),
            };
            format!(
                "sts:AssumeRole {} as {}{external_id}",
                chosen(&role.arn),
                role.session_name.value
            )
        }
    };
    let with = match (first, skipped) {
        (true, true) => ", not made: the session is there",
        (true, false) => " with the code",
        (false, _) => "",
    };
    let connection = &step.connection;
    let place = match &connection.endpoint_url {
        Some(url) => format!("at {}", chosen(url)),
        None => format!("in {}", chosen(&connection.region)),
    };
    format!(
        "{what}{with}, for {} s ({}), {place}",
        step.duration.value, step.duration.origin
    )
}

fn way(plan: &Plan) -> &'static str {
    match plan.decision.way {
        Way::Session => "a session",
        Way::Chain => "the role from the session",
        Way::Direct => "the role with a code of its own",
    }
}

fn chosen(chosen: &Chosen<impl fmt::Display>) -> String {
    format!("{} ({})", chosen.value, chosen.origin)
}
