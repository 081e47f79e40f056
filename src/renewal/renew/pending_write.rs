//! Decides what a renewal writes and where. It is tried before a code is asked for, and decided again afterwards, because the file may
//! have changed while the code was typed.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Result, bail};
use chrono::DateTime;

use super::SessionSection;
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::core::error::Failure;
use crate::core::shell_words;
use crate::files::document::{Change, Document};
use crate::files::profiles::{self, File, key};
use crate::files::section_format::{self, ExpirationStyle};
use crate::files::sessions::{self, Session, SessionKey};
use crate::files::store::{self, Edit, Store};
use crate::plan::{self, Account, Strategy};
use crate::renewal::cache_state::kept_section;
use crate::renewal::group::{self, Job, Outcome};
use crate::renewal::stored_sessions::{holds_session_of_another, session_files, session_texts};
use crate::report::Report;

/// Credentials to write.
pub struct PendingWrite<'n> {
    /// For these jobs.
    pub credentials: Vec<(&'n Job, &'n Credentials)>,
    /// A session that was made for them.
    pub session: Option<&'n Credentials>,
}

impl PendingWrite<'_> {
    /// The section for the session if it is the goal of a job.
    fn section_of_own_session(&self) -> Option<String> {
        let mut jobs = self.credentials.iter().map(|(job, _)| *job);
        let job = jobs.find(|job| job.plan.decision.way == Strategy::Session)?;
        Some(job.sections.short_term.clone())
    }
}

/// Writes the credentials of some jobs that share a source.
pub struct Writer<'a> {
    pub path: &'a Path,
    pub report: Report,
    pub store: Store,
    pub jobs: &'a [Job],
    /// What their session is found by; none for a session of `aws login`, which AWS tools store.
    pub session_key: Option<&'a SessionKey>,
    /// The section with the new session, if that belongs to no job.
    pub session_section: Option<SessionSection>,
}

impl<'a> Writer<'a> {
    pub fn open(
        path: &'a Path,
        report: Report,
        jobs: &'a [Job],
        session_key: Option<&'a SessionKey>,
    ) -> Result<Self> {
        Ok(Self {
            store: Store::open(path)?,
            path,
            report,
            jobs,
            session_key,
            session_section: None,
        })
    }

    /// Checks in advance whether everything can be written. Jobs that cannot be written fail.
    pub fn check(&self) -> Result<()> {
        let session = shape(None);
        let has_session = self.jobs.iter().any(|job| job.plan.has_session());
        let check = |jobs: &[&Job]| {
            if jobs.iter().all(|job| job.is_private()) {
                return Ok(());
            }
            let shapes: Vec<Credentials> = jobs
                .iter()
                .map(|job| shape(job.plan.role().map(|role| role.arn.value.clone())))
                .collect();
            let write = PendingWrite {
                credentials: jobs.iter().copied().zip(&shapes).collect(),
                session: has_session.then_some(&session),
            };
            self.store
                .check(|file| self.edits(file, &write).map(|(edits, _section)| edits))
        };
        let all: Vec<&Job> = self.jobs.iter().filter(|job| job.is_open()).collect();
        let Err(of_some) = check(&all) else {
            return Ok(());
        };
        if all.len() == 1 {
            return Err(of_some);
        }
        for job in &all {
            if let Err(error) = check(&[job]) {
                job.fail(error);
            }
        }
        if all.iter().all(|job| job.is_open()) {
            return Err(of_some);
        }
        Ok(())
    }

    /// Warns if others can read the file, unless it is not written: a run before every command must not nag.
    pub fn warn_of_readers(&self) {
        let is_written = !self.jobs.iter().all(Job::is_private);
        if let Some(readers) = store::readers(self.path).filter(|_| is_written) {
            self.report.warning(format_args!(
                "{} can be read by {readers}: {}",
                self.path.display(),
                shell_words::make_private(self.path)
            ));
        }
    }

    /// Writes the credentials of roles, each for its job, which ends with that.
    pub fn write_roles(&mut self, got: Vec<(&Job, Credentials)>) -> Result<()> {
        self.write(&PendingWrite {
            credentials: got.iter().map(|(job, new)| (*job, new)).collect(),
            session: None,
        })?;
        for (job, credentials) in got {
            job.end(Outcome::Renewed(credentials));
        }
        Ok(())
    }

    /// Writes them.
    pub fn write(&mut self, pending: &PendingWrite<'_>) -> Result<()> {
        if self.jobs.iter().all(Job::is_private) {
            self.keep(pending);
            return Ok(());
        }
        self.rescue_session(pending)?;
        let noted = self.note_written(pending);
        let path = self.path;
        let mut session_section = None;
        let way = self.store.update(|file| {
            let (edits, section) = self.edits(file, pending)?;
            session_section = section;
            Ok(edits)
        });
        if let (Err(_), Some(credentials)) = (&way, pending.session) {
            // So that the code is not lost.
            self.remember(credentials, None);
        }
        let way = way?;
        self.report.trace(format_args!("wrote {}", path.display()));
        if let store::WriteMethod::InPlace(reason) = way {
            self.report.detail(format_args!(
                "wrote {} in place, with a temporary backup: {reason}",
                path.display()
            ));
        }
        if let Some(credentials) = pending.session
            && (noted.is_none() || noted != session_section)
        {
            self.remember(credentials, session_section);
        }
        Ok(())
    }

    /// Records what is about to be written, to distinguish it from what a person writes over it. Also records the section of the
    /// session, if that is known before the file is locked, and returns it: until the session is there, the record has no effect.
    fn note_written(&self, pending: &PendingWrite<'_>) -> Option<String> {
        let texts = session_texts(self.path);
        let files = session_files(&texts);
        let edits = pending.credentials.iter().filter_map(|(job, credentials)| {
            let sections = &job.sections;
            if sections.storage.is_private() {
                return None;
            }
            let (name, change) = sessions::note_written(&sections.short_term, credentials, &files);
            Some(Edit::new(name, vec![change]))
        });
        let mut edits: Vec<Edit<'static>> = edits.collect();
        let section = pending.session.and_then(|credentials| {
            let section = pending.section_of_own_session()?;
            let session = Session {
                credentials: credentials.clone(),
                section: Some(section.clone()),
            };
            edits.push(self.entry_of(&session)?);
            Some(section)
        });
        // Without the record, a secret that a person writes next to our access key ID looks like ours.
        self.update_sessions(&edits).ok().and(section)
    }

    /// The entry in the session file for a session of the jobs.
    fn entry_of(&self, session: &Session) -> Option<Edit<'static>> {
        Some(of_session(self.session_key?, self.long_term(), session))
    }

    /// Moves the session to the session file if its section is about to be overwritten.
    fn rescue_session(&mut self, pending: &PendingWrite<'_>) -> Result<()> {
        if pending.session.is_some() {
            return Ok(());
        }
        let text = profiles::read(self.path)?.unwrap_or_default();
        let file = File {
            path: self.path,
            document: Document::parse(&text),
        };
        let Some(session_key) = self.session_key else {
            return Ok(());
        };
        let Some(session) = group::session_of(self.jobs, session_key, self.path, &file) else {
            return Ok(());
        };
        let is_lost = session.section.as_ref().is_some_and(|section| {
            pending.credentials.iter().any(|(job, new)| {
                job.sections.short_term == *section
                    && new.access_key_id != session.credentials.access_key_id
            })
        });
        if is_lost {
            self.remember(&session.credentials, None);
        }
        Ok(())
    }

    /// Stores the credentials and the session where no other tool finds them.
    fn keep(&self, pending: &PendingWrite<'_>) {
        let mut edits: Vec<Edit<'static>> = Vec::new();
        for (job, credentials) in &pending.credentials {
            let section = kept_section(&job.sections, &job.wanted);
            let changes = section_format::changes(credentials, ExpirationStyle::AwsMfa);
            edits.push(Edit::new(section, changes));
        }
        if let Some(credentials) = pending.session {
            let session = Session {
                credentials: credentials.clone(),
                section: None,
            };
            edits.extend(self.entry_of(&session));
        }
        edits.extend(self.expired_scopes(&edits));
        if let Err(error) = self.update_sessions(&edits) {
            self.report
                .warning_for("the credentials were not stored for the next run", &error);
        }
    }

    /// The removal of expired credentials that were requested with a session scope: nobody may request the same scope again.
    fn expired_scopes(&self, written: &[Edit<'static>]) -> Option<Edit<'static>> {
        let texts = session_texts(self.path);
        let files = session_files(&texts);
        let expired = files.iter().flat_map(|file| {
            sessions::scoped(file).filter_map(|(section, _)| {
                let found = section_format::credentials(file, section);
                let has_expired = found.is_none_or(|found| found.expiration <= clock::now());
                has_expired.then(|| section.to_owned())
            })
        });
        let is_written = |name: &String| written.iter().any(|edit| edit.is_of(name));
        let expired: Vec<String> = expired.filter(|name| !is_written(name)).collect();
        (!expired.is_empty()).then(|| Edit::clear(expired, &section_format::KEYS))
    }

    /// Changes the session file. A spoiled one is discarded, which costs no more than a few codes.
    fn update_sessions(&self, edits: &[Edit<'static>]) -> Result<()> {
        let keep = || {
            let sessions = self.store.sessions()?;
            sessions.update(|_file| Ok(edits.to_vec())).map(drop)
        };
        keep().or_else(|error| match self.store.forget_spoiled_sessions() {
            Ok(true) => keep(),
            Ok(false) | Err(_) => Err(error),
        })
    }

    /// The section with the keys of the jobs.
    fn long_term(&self) -> &'_ str {
        let first = self.jobs.first();
        first.map_or("", |job| &job.plan.key_source.id.section)
    }

    /// Records where a session is, for other profiles and processes.
    fn remember(&mut self, credentials: &Credentials, section: Option<String>) {
        if let Some(section) = &section
            && !self.wants_session()
        {
            self.session_section = Some(SessionSection {
                section: section.clone(),
                until: credentials.expiration,
            });
        }
        let session = Session {
            credentials: credentials.clone(),
            section,
        };
        let entry = Vec::from_iter(self.entry_of(&session));
        if let Err(error) = self.update_sessions(&entry) {
            self.report
                .warning_for("the MFA session was not stored for other profiles", &error);
        }
    }

    /// What to write, and the section for a new session; none for the session file.
    fn edits(
        &self,
        file: &File<'_>,
        pending: &PendingWrite<'_>,
    ) -> Result<(Vec<Edit<'static>>, Option<String>)> {
        let mut edits = Vec::new();
        let texts = session_texts(self.path);
        let of_ours = session_files(&texts);
        for (job, credentials) in &pending.credentials {
            check_may_write(file, self.path, job, &of_ours)?;
            edits.push(edit(
                file,
                job,
                self.session_key,
                &job.sections.short_term,
                credentials,
            ));
        }
        let Some(session) = pending.session else {
            return Ok((edits, None));
        };
        if let Some(section) = pending.section_of_own_session() {
            return Ok((edits, Some(section)));
        }
        let section = self.section_for_session(file);
        if let (Some(section), [job, ..]) = (&section, self.jobs) {
            edits.push(edit(file, job, self.session_key, section, session));
        }
        Ok((edits, section))
    }

    /// The section for a session that is no job of its own: that of the profile with the keys, if it is free.
    fn section_for_session(&self, file: &File<'_>) -> Option<String> {
        let session_key = self.session_key?;
        let mut candidates = self
            .jobs
            .iter()
            .filter_map(|job| job.plan.session_section.as_ref());
        let is_of_a_job = |section: &str| {
            let mut jobs = self.jobs.iter();
            jobs.any(|job| job.sections.short_term == section)
        };
        candidates
            .find(|section| {
                !is_of_a_job(section)
                    && is_free(file, section)
                    && !holds_session_of_another(self.path, file, section, session_key)
            })
            .cloned()
    }

    /// Whether a session is the goal of one of the jobs.
    fn wants_session(&self) -> bool {
        let mut ways = self.jobs.iter().map(|job| job.plan.decision.way);
        ways.any(|way| way == Strategy::Session)
    }
}

/// What brings credentials into a section. An account ID that is there becomes theirs.
fn edit(
    file: &File<'_>,
    job: &Job,
    session_key: Option<&SessionKey>,
    section: &str,
    credentials: &Credentials,
) -> Edit<'static> {
    let style = job.plan.expiration_style.value;
    let mut changes = section_format::changes(credentials, style);
    if let Some(stored) = file.get(section, key::AWS_ACCOUNT_ID) {
        let account = match (&credentials.role_arn, session_key) {
            (Some(arn), _) => Account::of_role(arn),
            (None, Some(session_key)) => {
                Account::of_session(session_key, &job.plan.key_source.id.section, file)
            }
            (None, None) => Account::Unknown,
        };
        if let Some(id) = account.id().filter(|id| *id != stored) {
            changes.push(Change::Set(key::AWS_ACCOUNT_ID, Cow::Owned(id)));
        }
    }
    Edit::new(section.to_owned(), changes)
}

/// Checks that the keys of a job are still there, and that the write overwrites only our own credentials.
fn check_may_write(file: &File<'_>, path: &Path, job: &Job, of_ours: &[File<'_>]) -> Result<()> {
    let Job { sections, plan, .. } = job;
    let section = &sections.short_term;
    plan::check_sections(file, &[section])?;
    let key_source = &plan.key_source.id;
    if key_source.path == path && !file.document.has(&key_source.section) {
        bail!(
            Failure::new(format!(
                "[{}] was removed from {} while you typed the code; nothing was written",
                key_source.section,
                path.display()
            ))
            .hint("another tool may be writing the file: check it, then run the command again")
        );
    }
    if section_format::holds_long_term_keys(file, section) {
        bail!(plan::long_term_keys_in_the_way(sections, file));
    }
    if sessions::has_foreign_secret(section, file, of_ours) {
        bail!(plan::secret_in_the_way(section, file));
    }
    Ok(())
}

/// Whether a session may be written to a section, as the file is now.
fn is_free(file: &File<'_>, section: &str) -> bool {
    plan::check_sections(file, &[section]).is_ok()
        && section_format::may_take_session(file, section, clock::now())
}

/// The entry in the session file for a session that was created with the keys of a section.
pub fn of_session(session_key: &SessionKey, long_term: &str, session: &Session) -> Edit<'static> {
    let mut changes = sessions::changes(session);
    let section = Cow::Owned(long_term.to_owned());
    changes.push(Change::Set(key::LONG_TERM_SECTION, section));
    Edit::new(session_key.section(), changes)
}

/// Credentials of the shape that STS grants.
fn shape(role_arn: Option<String>) -> Credentials {
    Credentials {
        access_key_id: "ASIA".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Secret::new("token"),
        expiration: DateTime::UNIX_EPOCH,
        role_arn,
        session_scope: None,
    }
}
