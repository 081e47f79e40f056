//! `mfa-creds clear`: removes credentials and sessions from this machine. AWS accepts them until they expire.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result, bail};

use super::loaded_files::LoadedFiles;
use crate::cli::{Profiles, Request, profile_name};
use crate::cli::{Suffixes, Verbosity};
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::mfa_device::SerialNumber;
use crate::core::text::flag;
use crate::files::document::Document;
use crate::files::profiles::{self, File, Files, Paths, Text, key};
use crate::files::section_format;
use crate::files::sessions::{self, SessionKey};
use crate::files::store::{self, Edit, Store};
use crate::plan::{self, Inputs, Keys, Origin, ProfileSections};
use crate::renewal::stored_sessions::{session_files, session_texts};
use crate::report::{self, Report};
use clap::Args;

/// The command in one line, for the help.
pub(super) const ABOUT: &str = "Remove temporary credentials and MFA sessions";

/// The arguments of `clear`.
#[derive(Args)]
#[command(about = ABOUT)]
pub struct Clear {
    /// The profile; repeat it for several profiles [env: `AWS_PROFILE`] [default: default]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", value_parser = profile_name)]
    pub names: Vec<String>,
    /// Remove everything that mfa-creds or aws-mfa wrote
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    #[command(flatten)]
    pub suffixes: Suffixes,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Removes what mfa-creds wrote.
pub(super) fn clear(args: &Clear, environment: &Environment) -> Result<()> {
    let profiles = Profiles {
        names: args.names.clone(),
        all: args.all,
    };
    store::recover(&Paths::find(environment)?.credentials)?;
    let loaded = LoadedFiles::read(&args.suffixes, environment)?;
    let files = loaded.files(&profiles);
    let request = Request {
        suffixes: args.suffixes.clone(),
        ..Request::default()
    };
    let inputs = loaded.inputs(&request, environment, &files);
    let clearing = Clearing {
        loaded: &loaded,
        written: session_texts(files.credentials.path),
        inputs,
        files: &files,
        report: Report::new(&args.verbosity),
    };
    if args.all {
        return clearing.all();
    }
    let mut errors = Vec::new();
    for profile in inputs.selected(&profiles)?.profiles {
        match loaded.names.sections_of(profile, &files) {
            Ok(sections) => clearing.profile(&sections, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    end(errors)
}

/// Reports all errors but the last one, and returns that one.
pub(super) fn end(mut errors: Vec<Error>) -> Result<()> {
    let last = errors.pop();
    for error in errors {
        report::error(&error);
    }
    last.map_or(Ok(()), Err)
}

struct Clearing<'c> {
    loaded: &'c LoadedFiles,
    /// The session files before anything is removed: they show what is ours.
    written: Vec<(PathBuf, Text)>,
    inputs: Inputs<'c>,
    files: &'c Files<'c>,
    report: Report,
}

/// What identifies the sessions of a profile.
struct Marks {
    section: String,
    /// The access key IDs of the profile's credentials.
    credentials: Vec<String>,
    /// The sections that its long-term keys are in, or were.
    long_term: Vec<String>,
    /// The key and the device of its sessions, if they are known.
    key: Option<String>,
    device: Option<SerialNumber>,
}

impl Clearing<'_> {
    fn all(&self) -> Result<()> {
        let credentials = &self.files.credentials;
        let mut errors = Vec::new();
        let mut cleared = false;
        let mut seen = HashSet::new();
        let mut sections = Vec::new();
        let mut refused = Vec::new();
        let written = session_files(&self.written);
        for section in credentials.document.names() {
            let is_ours = credentials.get(section, key::ASSUMED_ROLE).is_some();
            if !is_ours || !seen.insert(section) {
                continue;
            }
            match check(credentials, section, &written) {
                Ok(()) => sections.push(section.to_owned()),
                Err(error) => {
                    refused.push(sessions::written(section));
                    errors.push(error);
                }
            }
        }
        for file in store::session_files(credentials.path) {
            match forget(&file, &refused) {
                Ok(()) => {
                    self.report
                        .progress(format_args!("removed {}", file.display()));
                    cleared = true;
                }
                Err(error) => errors.push(error),
            }
        }
        if !sections.is_empty() {
            cleared = true;
            errors.extend(self.sections(sections).err());
        }
        if !cleared && errors.is_empty() {
            self.report.progress("nothing to clear");
        }
        end(errors)
    }

    /// Clears a profile. Its sessions go first, so that they are removed even if something is wrong with its section.
    fn profile(&self, sections: &ProfileSections, errors: &mut Vec<Error>) {
        let before = errors.len();
        let mut cleared = false;
        let marks = self.marks(sections);
        for file in store::session_files(self.files.credentials.path) {
            match self.sessions(&file, sections, &marks) {
                Ok(removed) => cleared |= removed,
                Err(error) => errors.push(error),
            }
        }
        let section = &sections.short_term;
        let credentials = &self.files.credentials;
        let has = |key: &&str| credentials.get(section, key).is_some();
        if section_format::KEYS.iter().any(has) {
            let checked = check(credentials, section, &session_files(&self.written));
            let done = checked.and_then(|()| self.sections(vec![section.clone()]));
            errors.extend(done.err());
            cleared = true;
        }
        if cleared || errors.len() > before {
            return;
        }
        let profile = &sections.profile;
        match self.loaded.unknown_profile(&self.inputs, sections) {
            // Nobody typed the name of the default profile.
            Some(error) if profile.origin != Origin::Default => errors.push(error),
            _ => self
                .report
                .progress(format_args!("nothing to clear for {}", profile.value)),
        }
    }

    /// Removes our keys from sections that have been checked.
    fn sections(&self, sections: Vec<String>) -> Result<()> {
        let written = session_files(&self.written);
        Store::open(self.files.credentials.path)?.update(|file| {
            // The file may have changed since it was checked.
            for section in &sections {
                check(file, section, &written)?;
            }
            Ok(vec![Edit::clear(sections.clone(), &section_format::KEYS)])
        })?;
        for section in sections {
            self.report.progress(format_args!("cleared [{section}]"));
        }
        Ok(())
    }

    /// Credentials that cannot be renewed can still be cleared, so a mark that cannot be found is left out.
    fn marks(&self, sections: &ProfileSections) -> Marks {
        let id = |section: &str| self.files.credentials.get(section, key::AWS_ACCESS_KEY_ID);
        let mut marks = Marks {
            section: sections.short_term.clone(),
            credentials: id(&sections.short_term).into_iter().collect(),
            long_term: vec![sections.long_term.clone()],
            key: id(&sections.long_term),
            device: None,
        };
        if let Some(key_source) = self.inputs.key_source(sections) {
            if let Keys::Stored(keys) = key_source.keys {
                marks.key = Some(keys.access_key_id);
            }
            marks.long_term.push(key_source.id.section);
        }
        if let Ok(plan) = self.inputs.plan(sections) {
            marks.device = plan.device.map(|device| device.value);
        }
        marks
    }

    /// Removes from a session file the credentials that are stored for a profile alone, and its sessions that no other
    /// section contains. Returns whether there were any.
    fn sessions(&self, path: &Path, sections: &ProfileSections, marks: &Marks) -> Result<bool> {
        store::check_own(path)?;
        let text = profiles::read(path)?.unwrap_or_default();
        let file = &File {
            path,
            document: Document::parse(&text),
        };
        let mut cleared = Vec::new();
        let mut ids = marks.credentials.clone();
        let kept_for = sessions::kept_for(&sections.long_term);
        if let Some(id) = file.get(&kept_for, key::AWS_ACCESS_KEY_ID) {
            ids.push(id);
            cleared.push(kept_for);
        }
        let scoped = sessions::scoped(file);
        cleared.extend(
            scoped
                .filter(|(_, long_term)| *long_term == sections.long_term)
                .map(|(section, _)| section.to_owned()),
        );
        let session_keys = sessions::session_keys(file);
        let (own, of_others): (Vec<&SessionKey>, Vec<&SessionKey>) = session_keys
            .iter()
            .filter(|session_key| marks.fit(session_key, file, &ids))
            .partition(|session_key| {
                let section = file.get(&session_key.section(), key::SECTION);
                section.is_none_or(|section| section == marks.section)
            });
        let has_session = !own.is_empty();
        cleared.extend(own.into_iter().map(SessionKey::section));
        for session_key in of_others {
            self.tell_of_owner(file, session_key);
        }
        let is_found = !cleared.is_empty();
        let note = sessions::written(&sections.short_term);
        // The note tells what in the section is not ours.
        let written = session_files(&self.written);
        let is_ours = check(&self.files.credentials, &sections.short_term, &written).is_ok();
        if is_ours && file.document.has(&note) {
            cleared.push(note);
        }
        if cleared.is_empty() {
            return Ok(false);
        }
        Store::open(path)?.update(|_file| Ok(vec![Edit::clear(cleared, &keys_of_sessions())]))?;
        if !is_found {
            return Ok(false);
        }
        let what = if has_session {
            "the MFA session".to_owned()
        } else {
            format!("the credentials of {}", sections.profile.value)
        };
        self.report
            .progress(format_args!("removed {what} from {}", path.display()));
        Ok(true)
    }

    /// The session that a role came from may be another profile's.
    fn tell_of_owner(&self, sessions: &File<'_>, session_key: &SessionKey) {
        let get = |key| sessions.get(&session_key.section(), key);
        let Some(section) = get(key::SECTION) else {
            return;
        };
        let long_term = get(key::LONG_TERM_SECTION).unwrap_or_default();
        let profile = self.inputs.names.profile_of(&long_term);
        if section_format::credentials(&self.files.credentials, &section).is_some() {
            self.report.progress(format_args!(
                "[{section}] still has the MFA session of the device; to remove it, run `mfa-creds clear {}{}`",
                flag("-p", profile.unwrap_or(&section)),
                self.inputs.names.suffix_flags()
            ));
        }
    }
}

impl Marks {
    /// Whether a session in the session file belongs to the profile.
    fn fit(&self, session_key: &SessionKey, file: &File<'_>, ids: &[String]) -> bool {
        let get = |key| file.get(&session_key.section(), key);
        get(key::SECTION).as_ref() == Some(&self.section)
            || get(key::AWS_ACCESS_KEY_ID).is_some_and(|id| ids.contains(&id))
            || get(key::LONG_TERM_SECTION).is_some_and(|section| self.long_term.contains(&section))
            || self.key.as_ref() == Some(&session_key.access_key_id)
            || self.device.as_ref() == Some(&session_key.device)
    }
}

/// All keys in the sections of a session file.
fn keys_of_sessions() -> Vec<&'static str> {
    let own = [key::SECTION, key::LONG_TERM_SECTION, key::PAIRS];
    section_format::KEYS.into_iter().chain(own).collect()
}

/// Removes a session file, except for the notes on sections that stay: they show which keys there are not ours.
fn forget(path: &Path, notes: &[String]) -> Result<()> {
    store::check_own(path)?;
    let store = Store::open(path)?;
    if notes.is_empty() {
        return store.remove();
    }
    let text = profiles::read(path)?.unwrap_or_default();
    let document = Document::parse(&text);
    if !notes.iter().any(|note| document.has(note)) {
        return store.remove();
    }
    let gone = document
        .names()
        .filter(|name| !notes.iter().any(|note| note == name));
    let gone = gone.map(str::to_owned).collect();
    store.update(|_file| Ok(vec![Edit::clear(gone, &keys_of_sessions())]))?;
    Ok(())
}

/// Refuses to remove what cannot be restored, or what belongs to another tool.
fn check(credentials: &File<'_>, section: &str, sessions: &[File<'_>]) -> Result<()> {
    let path = credentials.path.display();
    plan::check_sections(credentials, &[section])?;
    // Even next to a session token: somebody may have written new keys over old temporary ones.
    let (problem, hint) = if section_format::has_long_term_id(credentials, section) {
        (
            "contains long-term keys, which mfa-creds never removes",
            "run `mfa-creds setup` to move them to a long-term section, or remove them in an editor",
        )
    } else if credentials.get(section, key::ASSUMED_ROLE).is_none() {
        (
            "contains credentials that neither mfa-creds nor aws-mfa wrote",
            "remove them in an editor",
        )
    } else if sessions::has_foreign_secret(section, credentials, sessions) {
        bail!(plan::secret_in_the_way(section, credentials));
    } else {
        return Ok(());
    };
    bail!(Failure::new(format!("[{section}] in {path} {problem}")).hint(hint))
}
