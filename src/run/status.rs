//! Which credentials there are, and until when. Nothing is renewed or written.

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use console::Term;

use super::ground::Ground;
use crate::cli::{Profiles, Request, Status};
use crate::document::Document;
use crate::environment::Environment;
use crate::freshness::{Freshness, Reason};
use crate::group::{self, Wanted};
use crate::output::status::{Layout, Of, Row, State, json, table};
use crate::plan::{self, Keep, Selection, Target};
use crate::profiles::{File, Files, key};
use crate::report;
use crate::session;
use crate::short_term::{self, Defect};

/// Shows what there is, or says by the exit code alone whether it is valid.
///
/// # Errors
/// What a user has to know.
pub(super) fn status(args: &Status, environment: &Environment) -> Result<ExitCode> {
    if args.check {
        // Whatever keeps credentials from being valid: whoever asks so wants to know no more.
        let valid = are_valid(args, environment).unwrap_or(false);
        return Ok(ExitCode::from(u8::from(!valid)));
    }
    let profiles = Profiles {
        names: args.names.clone(),
        all: args.names.is_empty(),
    };
    let ground = Ground::read(&args.suffixes, &profiles, environment)?;
    let files = ground.files(&profiles);
    let Selection {
        profiles: selected,
        left_out,
    } = plan::profiles(&profiles, environment, &ground.naming, &files)?;
    let mut view = View::new(args, environment, &ground, &files)?;
    for profile in selected {
        let name = profile.value.clone();
        match ground.naming.target_beside_role(profile, &files) {
            Ok(target) => view.profile(target),
            Err(error) => view.broken(name, &error),
        }
    }
    for (name, error) in left_out {
        view.broken(name, &error);
    }
    if profiles.all {
        view.others();
        view.sessions();
    }
    let text = if args.json {
        json(&view.rows, view.now)?
    } else {
        table(&view.rows, &layout(environment), view.now)
    };
    report::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn are_valid(args: &Status, environment: &Environment) -> Result<bool> {
    let profiles = Profiles {
        names: args.names.clone(),
        all: false,
    };
    let ground = Ground::read(&args.suffixes, &profiles, environment)?;
    let files = ground.files(&profiles);
    let view = View::new(args, environment, &ground, &files)?;
    let selection = plan::profiles(&profiles, environment, &ground.naming, &files)?;
    for profile in selection.profiles {
        let target = ground.naming.target_beside_role(profile, &files)?;
        let target = where_kept(target);
        let freshness = group::look(&files.credentials, &target, &view.wanted(&target))?;
        if !matches!(freshness, Freshness::Reuse { .. }) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where the credentials of a profile are when nobody says `--no-store`: where AWS tools run a command for them, that is us.
fn where_kept(target: Target) -> Target {
    if target.process.is_some() {
        target.privately()
    } else {
        target
    }
}

fn layout(environment: &Environment) -> Layout {
    let term = Term::stdout();
    let is_term = term.is_term();
    let is_dumb = environment.text("TERM").is_some_and(|term| term == "dumb");
    Layout {
        width: is_term.then(|| usize::from(term.size().1)),
        colour: is_term && !is_dumb && environment.text("NO_COLOR").is_none(),
    }
}

/// What is found, row for row.
struct View<'v> {
    request: Request,
    environment: &'v Environment,
    ground: &'v Ground,
    files: &'v Files<'v>,
    min_ttl: TimeDelta,
    now: DateTime<Utc>,
    rows: Vec<Row>,
    /// The sections that have a row.
    shown: HashSet<String>,
}

impl<'v> View<'v> {
    fn new(
        args: &Status,
        environment: &'v Environment,
        ground: &'v Ground,
        files: &'v Files<'v>,
    ) -> Result<Self> {
        let request = Request {
            suffixes: args.suffixes.clone(),
            ..Request::default()
        };
        let min_ttl = plan::min_ttl(args.min_ttl, environment)?;
        Ok(Self {
            request,
            environment,
            ground,
            files,
            min_ttl: TimeDelta::seconds(min_ttl.value.into()),
            now: Utc::now(),
            rows: Vec::new(),
            shown: HashSet::new(),
        })
    }

    fn wanted(&self, target: &Target) -> Wanted {
        let role = plan::wanted_role(&self.request, self.environment, target, self.files);
        self.wanted_for(role.map(|role| role.value))
    }

    fn wanted_for(&self, role_arn: Option<String>) -> Wanted {
        Wanted {
            role_arn,
            min_ttl: self.min_ttl,
            force: false,
        }
    }

    /// The credentials of a profile, where they belong; and where they are, too, because somebody said `--no-store`.
    fn profile(&mut self, target: Target) {
        let target = where_kept(target);
        let naming = &self.ground.naming;
        let plan = plan::plan(&self.request, self.environment, naming, &target, self.files);
        let device = plan.ok().map(|plan| plan.device.value.to_string());
        let wanted = self.wanted(&target);
        self.row(&target, &wanted, device.clone());
        if target.keep == Keep::Section {
            self.shown.insert(target.short_term.clone());
            let private = target.privately();
            if group::stored(&self.files.credentials, &private).is_some() {
                self.row(&private, &wanted, device);
            }
        }
    }

    fn row(&mut self, target: &Target, wanted: &Wanted, device: Option<String>) {
        let credentials = &self.files.credentials;
        let stored = group::stored(credentials, target);
        let (state, reason) = match group::look(credentials, target, wanted) {
            Ok(Freshness::Reuse { .. }) => (State::Valid, None),
            Ok(Freshness::Renew { because }) => (state(&because), Some(because.to_string())),
            Err(error) => (State::Defective, Some(first_line(&error))),
        };
        self.rows.push(Row {
            of: Of::Profile(target.profile.value.clone()),
            section: (target.keep == Keep::Section).then(|| target.short_term.clone()),
            state,
            reason,
            expiration: stored.map(|stored| stored.expiration),
            role_arn: wanted.role_arn.clone(),
            device,
        });
    }

    fn broken(&mut self, profile: String, error: &anyhow::Error) {
        self.rows.push(Row {
            of: Of::Profile(profile),
            section: None,
            state: State::Defective,
            reason: Some(first_line(error)),
            expiration: None,
            role_arn: None,
            device: None,
        });
    }

    /// What this tool or aws-mfa wrote for profiles that have no keys here, or for roles that were asked for by name.
    fn others(&mut self) {
        let credentials = &self.files.credentials;
        let is_ours = |section: &&str| credentials.get(section, key::ASSUMED_ROLE).is_some();
        let sections: Vec<&str> = credentials.document.names().filter(is_ours).collect();
        for section in sections {
            if !self.shown.insert(section.to_owned()) {
                continue;
            }
            let profile = plan::Chosen {
                value: section.to_owned(),
                origin: plan::Origin::Default,
            };
            let Ok(mut target) = self.ground.naming.target(profile) else {
                continue;
            };
            section.clone_into(&mut target.short_term);
            let role = short_term::read(credentials, section).role_arn;
            let wanted = self.wanted_for(role);
            self.row(&target, &wanted, None);
        }
    }

    /// Sessions that are kept for a key and a device, because no section holds them.
    fn sessions(&mut self) {
        for (path, text) in group::sessions(self.files.credentials.path) {
            let file = File {
                path: &path,
                document: Document::parse(&text),
            };
            for (maker, credentials) in session::all(&file) {
                if credentials.expiration <= self.now {
                    continue;
                }
                let id = maker.access_key_id;
                self.rows.push(Row {
                    of: Of::Key(id[id.len().saturating_sub(4)..].to_owned()),
                    section: None,
                    state: State::Valid,
                    reason: None,
                    expiration: Some(credentials.expiration),
                    role_arn: None,
                    device: Some(maker.device.to_string()),
                });
            }
        }
    }
}

fn state(because: &Reason) -> State {
    match because {
        Reason::Defective(Defect::Missing) => State::Missing,
        Reason::Defective(_) | Reason::UnreadableExpiration(_) => State::Defective,
        Reason::OtherRole { .. } => State::OtherRole,
        Reason::Expired { .. } => State::Expired,
        Reason::ExpiringSoon { .. } | Reason::Forced => State::Expiring,
    }
}

/// Without the hint.
fn first_line(error: &anyhow::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
