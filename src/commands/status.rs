//! `mfa-creds status`: shows which credentials are stored and when they expire. It renews and writes nothing.

mod rows;

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use console::Term;

use self::rows::{Layout, Row, RowOwner, RowPlace, RowState, json, table};
use super::clear;
use super::loaded_files::LoadedFiles;
use crate::cli::{Profiles, Request, Suffixes, Verbosity, profile_name};
use crate::core::clock;
use crate::core::environment::Environment;
use crate::core::screen;
use crate::core::seconds;
use crate::files::freshness::{Reason, Wanted, WantedScope};
use crate::files::profiles::{File, key, profile_of};
use crate::files::section_format::{self, Defect, Stored};
use crate::files::sessions;
use crate::files::store::{self, Leftover};
use crate::plan::{Inputs, Origin, ProfileSections, Selection, Setting, Storage};
use crate::renewal::cache_state::{CacheState, look, look_in};
use crate::renewal::stored_sessions::{device_of_session, session_files, session_texts};
use crate::renewal::verbose::tell_sections;
use crate::report::{self, Report};
use clap::Args;

/// The command in one line, for the help.
pub(super) const ABOUT: &str = "Show which credentials exist and when they expire";

/// The arguments of `status`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Status {
    /// The profile; repeat it for several profiles [default: all profiles; with --check, as for `mfa-creds`]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", value_parser = profile_name)]
    pub names: Vec<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "check")]
    pub json: bool,
    /// Print nothing; exit with 0 if the credentials are valid, 1 if not
    #[arg(long)]
    pub check: bool,
    /// Treat credentials that expire within this time as expired: seconds, or `2h` [env: `MFA_CREDS_MIN_TTL`] [default: 60]
    #[arg(long, value_name = "DURATION", value_parser = seconds::parse, allow_negative_numbers = true)]
    pub min_ttl: Option<u64>,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Shows the credentials, or says by the exit code alone whether they are valid.
pub(super) fn status(args: &Status, environment: &Environment) -> Result<ExitCode> {
    if args.check {
        // With --check, every reason why they are not valid gives the same answer.
        let valid = are_valid(args, environment).unwrap_or(false);
        return Ok(ExitCode::from(u8::from(!valid)));
    }
    let profiles = Profiles {
        names: args.names.clone(),
        all: args.names.is_empty(),
    };
    let request = request(args);
    let loaded = LoadedFiles::read(&args.suffixes, environment)?;
    let files = loaded.files(&profiles);
    let inputs = loaded.inputs(&request, environment, &files);
    let is_torn = warn_of_a_torn_file(files.credentials.path);
    let texts = session_texts(files.credentials.path);
    let mut sessions = session_files(&texts);
    for file in &mut sessions {
        file.document.index();
    }
    let report = Report::new(&args.verbosity);
    let mut overview = Overview::new(&loaded, inputs, &sessions, report)?;
    if profiles.all {
        overview.every_profile();
        overview.logins();
        overview.others();
        overview.sessions();
    } else {
        let selection = inputs.selected(&profiles)?;
        overview.profiles(selection);
    }
    if profiles.all || !overview.rows.is_empty() {
        report::data(&if args.json {
            json(&overview.rows, overview.now)?
        } else {
            table(&overview.rows, &layout(), overview.now)
        })?;
    }
    if profiles.all && overview.rows.is_empty() && !is_torn {
        report.progress("hint: run `mfa-creds setup` to set up a profile");
    }
    clear::end(overview.unknown)?;
    Ok(ExitCode::SUCCESS)
}

/// The warning about a file that an interrupted write left, or that another process is writing.
pub(super) fn may_be_torn(path: &Path) -> String {
    format!(
        "a write of {} was interrupted or is under way: the file may be half written",
        path.display()
    )
}

/// Warns if the table may be of a half-written file, which `status` does not repair. Returns whether it is.
fn warn_of_a_torn_file(path: &Path) -> bool {
    let leftovers = store::leftovers(path).unwrap_or_default().into_iter();
    let warnings = leftovers.filter_map(|leftover| match leftover {
        Leftover::Torn => Some(may_be_torn(path)),
        Leftover::TornForGood => Some(store::torn_for_good(path)),
        Leftover::Unfinished | Leftover::Kept(_) => None,
    });
    let warnings: Vec<String> = warnings.collect();
    for warning in &warnings {
        Report::notice(format_args!("warning: {warning}"));
    }
    !warnings.is_empty()
}

fn request(args: &Status) -> Request {
    Request {
        suffixes: args.suffixes.clone(),
        min_ttl: args.min_ttl,
        ..Request::default()
    }
}

fn are_valid(args: &Status, environment: &Environment) -> Result<bool> {
    let profiles = Profiles {
        names: args.names.clone(),
        all: false,
    };
    let request = request(args);
    let loaded = LoadedFiles::read(&args.suffixes, environment)?;
    let files = loaded.files(&profiles);
    let inputs = loaded.inputs(&request, environment, &files);
    let min_ttl = inputs.min_ttl()?;
    for profile in inputs.selected(&profiles)?.profiles {
        let sections = loaded.names.sections_of(profile, &files)?;
        let sections = inputs.in_login_cache(sections.in_its_place(&files.credentials));
        let wanted = inputs.wanted(&sections, &min_ttl)?;
        if let CacheState::Stale { .. } = look(&files.credentials, &sections, &wanted)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The width and the color of standard output.
pub(super) fn layout() -> Layout {
    let terminal = Term::stdout();
    Layout {
        width: terminal.is_term().then(|| usize::from(terminal.size().1)),
        has_colors: screen::has_colors(&terminal),
    }
}

/// The rows of the table.
struct Overview<'v> {
    report: Report,
    loaded: &'v LoadedFiles,
    inputs: Inputs<'v>,
    /// The session files.
    sessions: &'v [File<'v>],
    min_ttl: Setting<u32>,
    now: DateTime<Utc>,
    rows: Vec<Row>,
    /// The sections that have a row.
    shown: HashSet<String>,
    /// The long-term sections of the profiles that have one.
    shown_profiles: HashSet<String>,
    /// The errors for the profiles that are in neither file.
    unknown: Vec<Error>,
}

impl<'v> Overview<'v> {
    fn new(
        loaded: &'v LoadedFiles,
        inputs: Inputs<'v>,
        sessions: &'v [File<'v>],
        report: Report,
    ) -> Result<Self> {
        Ok(Self {
            report,
            loaded,
            inputs,
            sessions,
            min_ttl: inputs.min_ttl()?,
            now: clock::now(),
            rows: Vec::new(),
            shown: HashSet::new(),
            shown_profiles: HashSet::new(),
            unknown: Vec::new(),
        })
    }

    fn wanted(&self, sections: &ProfileSections) -> Result<Wanted> {
        self.inputs.wanted(sections, &self.min_ttl)
    }

    /// For credentials that nothing is known about but what is stored with them.
    fn wanted_as_stored(&self, stored: &Stored) -> Wanted {
        Wanted {
            role_arn: stored.role_arn.clone(),
            session_scope: stored.session_scope.clone().map(|digest| WantedScope {
                digest,
                has_policies: false,
            }),
            min_ttl: TimeDelta::seconds(self.min_ttl.value.into()),
            force: false,
        }
    }

    /// Adds the profiles with a long-term section, and the roles that are assumed from one.
    fn every_profile(&mut self) {
        let all = Profiles {
            all: true,
            ..Profiles::default()
        };
        // Even if there is none, there may be credentials.
        if let Ok(mut selection) = self.inputs.selected(&all) {
            for profile in &mut selection.profiles {
                profile.origin = Origin::Default;
            }
            self.profiles(selection);
        }
    }

    /// Adds the profiles that are signed in with `aws login`, or could be.
    fn logins(&mut self) {
        let Inputs { names, files, .. } = self.inputs;
        let config = &files.config.document;
        for profile in config.names().filter_map(profile_of) {
            let profile = Setting {
                value: profile.to_owned(),
                origin: Origin::Default,
            };
            if let Ok(sections) = names.sections_of(profile, files)
                && sections.login.is_some()
                && !self.shown_profiles.contains(&sections.long_term)
            {
                self.profile(sections);
            }
        }
    }

    fn profiles(&mut self, selection: Selection) {
        for profile in selection.profiles {
            let name = profile.value.clone();
            match self.inputs.names.sections_of(profile, self.inputs.files) {
                Ok(sections) => match self.unknown(&sections) {
                    Some(error) => self.unknown.push(error),
                    None => self.profile(sections),
                },
                Err(error) => self.broken(name, &error),
            }
        }
        for (name, error) in selection.left_out {
            self.broken(name, &error);
        }
    }

    /// The error for a profile that is in neither file, and has nothing stored.
    fn unknown(&self, sections: &ProfileSections) -> Option<Error> {
        let error = self.loaded.unknown_profile(&self.inputs, sections)?;
        let mut stored = self.sessions.iter().flat_map(sessions::kept);
        (!stored.any(|long_term| long_term == sections.long_term)).then_some(error)
    }

    /// Adds the credentials of a profile in its section, and also those that `--no-store` stored elsewhere.
    fn profile(&mut self, sections: ProfileSections) {
        let credentials = &self.inputs.files.credentials;
        let sections = sections.in_its_place(credentials);
        let sections = self.inputs.in_login_cache(sections);
        tell_sections(self.report, &sections);
        let plan = self.inputs.plan(&sections).ok();
        let device = plan.and_then(|plan| {
            let of_session = || device_of_session(&plan.key_source, credentials, self.sessions);
            plan.device.clone().or_else(of_session)
        });
        let device = device.map(|device| device.value.to_string());
        self.shown_profiles.insert(sections.long_term.clone());
        let is_private = sections.storage.is_private();
        let wanted = match self.wanted(&sections) {
            Ok(wanted) => wanted,
            Err(error) => {
                if !is_private {
                    self.shown.insert(sections.short_term.clone());
                }
                return self.broken(sections.profile.value, &error);
            }
        };
        let found = look_in(credentials, self.sessions, &sections, &wanted);
        self.row(&sections, &wanted, found, device.clone());
        if !is_private {
            self.shown.insert(sections.short_term.clone());
            let private = sections.kept(Storage::NoStore);
            let found = look_in(credentials, self.sessions, &private, &wanted);
            if found
                .as_ref()
                .is_ok_and(|found| found.credentials().is_some())
            {
                self.row(&private, &wanted, found, device);
            }
        }
    }

    fn row(
        &mut self,
        sections: &ProfileSections,
        wanted: &Wanted,
        found: Result<CacheState>,
        device: Option<String>,
    ) {
        let stored = found.as_ref().ok().and_then(CacheState::credentials);
        let expiration = stored.map(|stored| stored.expiration);
        let role_arn = match stored {
            Some(stored) => stored.role_arn.clone(),
            None => wanted.role_arn.clone(),
        };
        let (state, reason) = match found {
            Ok(CacheState::Fresh(_)) => (RowState::Valid, None),
            Ok(CacheState::Stale { because, .. }) => (state(&because), Some(because.to_string())),
            Err(error) => (RowState::Defective, Some(first_line(&error))),
        };
        let name = sections.profile.value.clone();
        let place = match sections.storage {
            Storage::Section => RowPlace::Section(sections.short_term.clone()),
            Storage::LoginCache => RowPlace::LoginCache,
            Storage::ForProcess | Storage::NoStore | Storage::ForScope(_) => RowPlace::Private,
        };
        self.rows.push(Row {
            of: RowOwner::Profile { name, place },
            state,
            reason,
            expiration,
            role_arn,
            device,
        });
    }

    fn broken(&mut self, name: String, error: &anyhow::Error) {
        let place = RowPlace::Unknown;
        self.rows.push(Row {
            of: RowOwner::Profile { name, place },
            state: RowState::Defective,
            reason: Some(first_line(error)),
            expiration: None,
            role_arn: None,
            device: None,
        });
    }

    /// Adds what mfa-creds or aws-mfa wrote for profiles without keys here, or for roles requested by ARN.
    fn others(&mut self) {
        let credentials = &self.inputs.files.credentials;
        let is_ours = |section: &&str| credentials.get(section, key::ASSUMED_ROLE).is_some();
        let sections: Vec<&str> = credentials.document.names().filter(is_ours).collect();
        for section in sections {
            if !self.shown.insert(section.to_owned()) {
                continue;
            }
            let profile = Setting {
                value: section.to_owned(),
                origin: Origin::Default,
            };
            let Ok(mut sections) = self.inputs.names.sections_by_name(profile) else {
                continue;
            };
            section.clone_into(&mut sections.short_term);
            let wanted = self.wanted_as_stored(&section_format::read(credentials, section));
            let found = look_in(credentials, self.sessions, &sections, &wanted);
            self.row(&sections, &wanted, found, None);
        }
        for long_term in self.sessions.iter().flat_map(sessions::kept) {
            let profile = self.inputs.names.profile_of(long_term);
            let profile = profile.unwrap_or(long_term).to_owned();
            if !self.shown_profiles.insert(long_term.to_owned()) {
                continue;
            }
            let profile = Setting {
                value: profile,
                origin: Origin::Default,
            };
            let files = self.inputs.files;
            if let Ok(mut sections) = self.inputs.names.sections_of(profile, files) {
                // It may have been requested with another suffix.
                long_term.clone_into(&mut sections.long_term);
                let sections = sections.kept(Storage::NoStore);
                match self.wanted(&sections) {
                    Ok(wanted) => {
                        let found = look_in(credentials, self.sessions, &sections, &wanted);
                        self.row(&sections, &wanted, found, None);
                    }
                    Err(error) => self.broken(sections.profile.value, &error),
                }
            }
        }
    }

    /// Adds the sessions that are stored for a key and a device because no section contains them.
    fn sessions(&mut self) {
        for (session_key, credentials) in self.sessions.iter().flat_map(sessions::all) {
            let left = credentials.expiration - self.now;
            if left <= TimeDelta::zero() {
                continue;
            }
            let id: Vec<char> = session_key.access_key_id.chars().collect();
            let end = id[id.len().saturating_sub(4)..].iter().collect();
            self.rows.push(Row {
                of: RowOwner::Key(end),
                state: if left < TimeDelta::seconds(self.min_ttl.value.into()) {
                    RowState::Expiring
                } else {
                    RowState::Valid
                },
                reason: None,
                expiration: Some(credentials.expiration),
                role_arn: None,
                device: Some(session_key.device.to_string()),
            });
        }
    }
}

fn state(because: &Reason) -> RowState {
    match because {
        Reason::Defective(Defect::Missing) | Reason::NotSignedIn => RowState::Missing,
        Reason::Defective(_) | Reason::UnreadableExpiration(_) | Reason::UnusableLogin(_) => {
            RowState::Defective
        }
        Reason::OtherRole { .. } => RowState::OtherRole,
        Reason::OtherScope(_) => RowState::OtherScope,
        Reason::Expired { .. } => RowState::Expired,
        Reason::ExpiringSoon { .. } | Reason::Forced => RowState::Expiring,
    }
}

/// Without the hint.
fn first_line(error: &anyhow::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
