//! What a renewal writes, and where: tried before a code is asked for, decided anew when it is there, as the file may have
//! changed while the code was typed.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Result, bail};
use chrono::DateTime;

use super::Renewal;
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::core::error::Failure;
use crate::files::document::{Change, Document};
use crate::files::profiles::{self, File, key};
use crate::files::section_format;
use crate::files::sessions::{self, Maker, Session};
use crate::files::store::{self, Edit, Store};
use crate::plan::{self, Way};
use crate::renewal::group::{Group, Job, Results, files, holds_session_of_another, sessions};

/// Credentials that are to be written.
pub(super) struct News<'n> {
    /// For these jobs.
    pub credentials: Vec<(usize, &'n Credentials)>,
    /// A session that was made for them.
    pub session: Option<&'n Credentials>,
}

/// Tries beforehand whether everything could be written. Notes the jobs for which it could not.
pub(super) fn rehearse(
    store: &Store,
    path: &Path,
    group: &Group,
    results: &mut Results,
) -> Result<()> {
    let roles = group.jobs.iter().map(|job| job.plan.role());
    let shapes: Vec<Credentials> = roles
        .map(|role| shape(role.map(|role| role.arn.value.clone())))
        .collect();
    let session = shape(None);
    let has_session = group.jobs.iter().any(|job| job.plan.has_session());
    let check = |jobs: &[usize]| {
        if jobs.iter().all(|job| group.jobs[*job].is_private()) {
            return Ok(());
        }
        let news = News {
            credentials: jobs.iter().map(|job| (*job, &shapes[*job])).collect(),
            session: has_session.then_some(&session),
        };
        store.check(|file| edits(file, path, group, &news).map(|(edits, _owner)| edits))
    };
    let all = results.open(group);
    match check(&all) {
        Err(error) if all.len() == 1 => return Err(error),
        Err(of_some) => {
            for job in all {
                if let Err(error) = check(&[job]) {
                    results.failed.push((vec![job], error));
                }
            }
            if results.failed.is_empty() {
                return Err(of_some);
            }
        }
        Ok(()) => {}
    }
    Ok(())
}

impl Renewal<'_, '_> {
    pub(super) fn write(&mut self, news: &News<'_>) -> Result<()> {
        if self.group.jobs.iter().all(Job::is_private) {
            self.keep(news);
            return Ok(());
        }
        self.rescue_session(news)?;
        self.note_written(news);
        let (path, group) = (self.path, self.group);
        let mut owner = None;
        let way = self.store.update(|file| {
            let (edits, section) = edits(file, path, group, news)?;
            owner = section;
            Ok(edits)
        });
        if let (Err(_), Some(credentials)) = (&way, news.session) {
            // So that the code is not lost with it.
            self.remember(credentials, None);
        }
        let way = way?;
        self.report.trace(format_args!("wrote {}", path.display()));
        if let store::Way::InPlace(reason) = way {
            self.report.detail(format_args!(
                "wrote {} in place, with a backup meanwhile: {reason}",
                path.display()
            ));
        }
        if let Some(credentials) = news.session {
            self.remember(credentials, owner);
        }
        Ok(())
    }

    /// Notes what is about to be written, so that it is told from what a person writes over it.
    fn note_written(&self, news: &News<'_>) {
        let texts = sessions(self.path);
        let files = files(&texts);
        let edits = news.credentials.iter().filter_map(|(job, credentials)| {
            let target = &self.group.jobs[*job].target;
            if target.keep.is_private() {
                return None;
            }
            let (name, change) = sessions::note_written(&target.short_term, credentials, &files);
            Some(Edit::new(name, vec![change]))
        });
        // Without it, a secret that somebody writes beside an access key id of ours is not told from ours.
        let _ = self.update_sessions(&edits.collect::<Vec<_>>());
    }

    /// Moves the session to the file of sessions, where its section is about to be written for something else.
    fn rescue_session(&mut self, news: &News<'_>) -> Result<()> {
        if news.session.is_some() {
            return Ok(());
        }
        let text = profiles::read(self.path)?.unwrap_or_default();
        let file = File {
            path: self.path,
            document: Document::parse(&text),
        };
        let Some(session) = self.group.session_at_hand(self.path, &file) else {
            return Ok(());
        };
        let target = |job: usize| &self.group.jobs[job].target.short_term;
        let is_lost = session.section.as_ref().is_some_and(|section| {
            news.credentials.iter().any(|(job, new)| {
                target(*job) == section && new.access_key_id != session.credentials.access_key_id
            })
        });
        if is_lost {
            self.remember(&session.credentials, None);
        }
        Ok(())
    }

    /// Keeps the credentials where no other tool finds them, and the session with them.
    fn keep(&self, news: &News<'_>) {
        let mut edits: Vec<Edit<'static>> = Vec::new();
        for (job, credentials) in &news.credentials {
            let section = sessions::kept_for(&self.group.jobs[*job].target.long_term);
            edits.push(Edit::new(section, section_format::changes(credentials)));
        }
        if let Some(credentials) = news.session {
            let session = Session {
                credentials: credentials.clone(),
                section: None,
            };
            edits.push(of_session(&self.group.maker, self.long_term(), &session));
        }
        if let Err(error) = self.update_sessions(&edits) {
            self.report
                .warning_for("the credentials are not kept for the next run", &error);
        }
    }

    /// Changes the file of sessions. Somebody may have spoiled it: with it, no more than some codes are lost.
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

    /// The section with the keys of the group.
    fn long_term(&self) -> &'_ str {
        let first = self.group.jobs.first();
        first.map_or("", |job| &job.plan.base.section)
    }

    /// Keeps in mind, for other profiles and processes, where a session is.
    fn remember(&mut self, credentials: &Credentials, owner: Option<String>) {
        if let Some(section) = &owner
            && !self.group.wants_session()
        {
            self.results.owner = Some((section.clone(), credentials.expiration));
        }
        let session = Session {
            credentials: credentials.clone(),
            section: owner,
        };
        if let Err(error) =
            self.update_sessions(&[of_session(&self.group.maker, self.long_term(), &session)])
        {
            self.report
                .warning_for("the MFA session is not kept for other profiles", &error);
        }
    }
}

/// What to write, and the section that a new session will be in; none for the file of sessions.
fn edits(
    file: &File<'_>,
    path: &Path,
    group: &Group,
    news: &News<'_>,
) -> Result<(Vec<Edit<'static>>, Option<String>)> {
    let mut edits = Vec::new();
    let texts = sessions(path);
    let of_ours = files(&texts);
    for (job, credentials) in &news.credentials {
        let Job { target, plan, .. } = &group.jobs[*job];
        let section = &target.short_term;
        plan::check_sections(file, &[section])?;
        let base = &plan.base;
        if base.path == path && !file.document.has(&base.section) {
            bail!(
                Failure::new(format!(
                    "[{}] has gone from {} while the code was typed, so nothing was written",
                    base.section,
                    path.display()
                ))
                .hint("is another tool writing the file? look at it, then run it again")
            );
        }
        if section_format::holds_long_term_keys(file, section) {
            bail!(plan::long_term_keys_in_the_way(target, file));
        }
        if sessions::has_foreign_secret(section, file, &of_ours) {
            bail!(plan::secret_in_the_way(section, file));
        }
        edits.push(Edit::new(
            section.clone(),
            section_format::changes(credentials),
        ));
    }
    let Some(session) = news.session else {
        return Ok((edits, None));
    };
    let mut jobs = news.credentials.iter().map(|(job, _)| &group.jobs[*job]);
    if let Some(job) = jobs.find(|job| job.plan.decision.way == Way::Session) {
        return Ok((edits, Some(job.target.short_term.clone())));
    }
    let mut owners = group.jobs.iter().filter_map(|job| job.plan.owner.as_ref());
    let taken = |owner: &str| group.jobs.iter().any(|job| job.target.short_term == owner);
    let owner = owners
        .find(|owner| {
            !taken(owner)
                && is_free(file, owner)
                && !holds_session_of_another(path, file, owner, &group.maker)
        })
        .cloned();
    if let Some(section) = owner.clone() {
        edits.push(Edit::new(section, section_format::changes(session)));
    }
    Ok((edits, owner))
}

/// Whether a section may take a session, as the file is now.
fn is_free(file: &File<'_>, section: &str) -> bool {
    plan::check_sections(file, &[section]).is_ok()
        && section_format::may_take_session(file, section, clock::now())
}

/// What the file of sessions says of a session that was made with the keys of a section.
pub fn of_session(maker: &Maker, long_term: &str, session: &Session) -> Edit<'static> {
    let mut changes = sessions::changes(session);
    let section = Cow::Owned(long_term.to_owned());
    changes.push(Change::Set(key::LONG_TERM_SECTION, section));
    Edit::new(maker.section(), changes)
}

/// Credentials of the shape that STS grants.
fn shape(role_arn: Option<String>) -> Credentials {
    Credentials {
        access_key_id: "ASIA".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Secret::new("token"),
        expiration: DateTime::UNIX_EPOCH,
        role_arn,
    }
}
