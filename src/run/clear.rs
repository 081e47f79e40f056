//! Ends credentials early, as far as this machine goes: AWS itself ends them at their time only.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::ground::Ground;
use crate::cli::{Clear, Profiles, Request};
use crate::device::SerialNumber;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::group;
use crate::plan::{self, Target, quoted};
use crate::profiles::{File, Files, key};
use crate::report::Report;
use crate::session;
use crate::short_term;
use crate::store::{self, Edit, Store};

/// Removes what this tool wrote.
///
/// # Errors
/// What a user has to know.
pub(super) fn clear(args: &Clear, environment: &Environment) -> Result<()> {
    let report = Report::new(&args.verbosity);
    let profiles = Profiles {
        names: args.names.clone(),
        all: false,
    };
    let ground = Ground::recover(&args.suffixes, &profiles, environment)?;
    let files = ground.files(&profiles);
    let path = &ground.paths.credentials;
    if args.all {
        let sections = ours(&files.credentials);
        clear_sections(&files, &sections, report)?;
        for file in store::session_files(path) {
            let sessions = Store::open(&file)?;
            sessions.remove()?;
            report.progress(format_args!("removed {}", file.display()));
        }
        return Ok(());
    }
    let request = Request {
        suffixes: args.suffixes.clone(),
        ..Request::default()
    };
    let selection = plan::profiles(&profiles, environment, &ground.naming, &files)?;
    let mut targets = Vec::new();
    for profile in selection.profiles {
        let target = ground.naming.target_beside_role(profile, &files)?;
        check(&target, &files.credentials)?;
        targets.push(target);
    }
    for target in &targets {
        let section = BTreeSet::from([target.short_term.clone()]);
        let mut cleared = clear_sections(&files, &section, report)?;
        let plan = plan::plan(&request, environment, &ground.naming, target, &files);
        let device = plan.ok().map(|plan| plan.device.value);
        cleared |= clear_sessions(target, device.as_ref(), &files.credentials, report)?;
        if !cleared {
            report.progress(format_args!(
                "there is nothing to clear for {}",
                target.profile.value
            ));
        }
    }
    Ok(())
}

/// The sections that this tool or aws-mfa wrote.
fn ours(credentials: &File<'_>) -> BTreeSet<String> {
    let names = credentials.document.names();
    names
        .filter(|section| {
            credentials.get(section, key::ASSUMED_ROLE).is_some()
                && !short_term::holds_long_term_keys(credentials, section)
        })
        .map(str::to_owned)
        .collect()
}

/// Refuses to remove what nobody could give back.
fn check(target: &Target, credentials: &File<'_>) -> Result<()> {
    let section = &target.short_term;
    let path = credentials.path.display();
    plan::check_sections(credentials, &[section])?;
    if short_term::holds_long_term_keys(credentials, section) {
        bail!(
            Failure::new(format!(
                "[{section}] in {path} holds long-term keys, which are never removed"
            ))
            .hint("take them out with an editor")
        );
    }
    if short_term::is_foreign(credentials, section)
        && credentials.get(section, key::AWS_ACCESS_KEY_ID).is_some()
    {
        bail!(
            Failure::new(format!(
                "[{section}] in {path} holds credentials that neither mfa-creds nor aws-mfa wrote"
            ))
            .hint("take them out with an editor")
        );
    }
    Ok(())
}

/// Removes our keys from sections. Says whether there were any.
fn clear_sections(files: &Files<'_>, sections: &BTreeSet<String>, report: Report) -> Result<bool> {
    let credentials = &files.credentials;
    let has_ours = |section: &&String| {
        let mut keys = short_term::KEYS.iter();
        keys.any(|key| credentials.get(section, key).is_some())
    };
    let sections: Vec<&String> = sections.iter().filter(has_ours).collect();
    if sections.is_empty() {
        return Ok(false);
    }
    Store::open(credentials.path)?.update(|file| {
        let mut edits = Vec::new();
        for section in &sections {
            // The file may have changed since it was looked at.
            if !short_term::holds_long_term_keys(file, section) {
                edits.push(Edit::removal(section.as_str(), &short_term::KEYS));
            }
        }
        Ok(edits)
    })?;
    for section in sections {
        report.progress(format_args!("cleared [{section}]"));
    }
    Ok(true)
}

/// Removes the credentials that are kept for a profile alone, and the sessions of its device that no other section holds.
/// Says whether there were any.
fn clear_sessions(
    target: &Target,
    device: Option<&SerialNumber>,
    credentials: &File<'_>,
    report: Report,
) -> Result<bool> {
    let mut cleared = false;
    for (path, text) in group::sessions(credentials.path) {
        let sessions = File {
            path: &path,
            document: Document::parse(&text),
        };
        let mut edits = Vec::new();
        let private = target.private_section();
        if sessions.document.has(&private) {
            edits.push(Edit::removal(private, &short_term::KEYS));
        }
        for maker in session::makers(&sessions) {
            let name = maker.section();
            match sessions.get(&name, key::SECTION) {
                Some(section) if section == target.short_term => {}
                Some(section) if Some(&maker.device) == device => {
                    tell_of_owner(&section, credentials, report);
                    continue;
                }
                None if Some(&maker.device) == device => {}
                _ => continue,
            }
            let mut keys = short_term::KEYS.to_vec();
            keys.push(key::SECTION);
            edits.push(Edit::removal(name, &keys));
        }
        if edits.is_empty() {
            continue;
        }
        Store::open(&path)?.update(|_file| Ok(edits))?;
        report.progress(format_args!(
            "removed the MFA session from {}",
            path.display()
        ));
        cleared = true;
    }
    Ok(cleared)
}

/// The session that a role came from may be another profile's.
fn tell_of_owner(section: &str, credentials: &File<'_>, report: Report) {
    if short_term::credentials(credentials, section).is_some() {
        report.progress(format_args!(
            "[{section}] has the MFA session of the device; `mfa-creds clear -p {}` ends that, too",
            quoted(section)
        ));
    }
}
