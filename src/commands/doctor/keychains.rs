//! Checks for long-term keys in a keychain that loses them.

use super::checklist::Checklist;
use crate::commands::keychain::entry::KeychainEntry;
use crate::files::profiles::{File, Files, key, profile_of};
use crate::plan::{self, Origin, SectionNames, Setting};

/// Looks at every section of both files.
pub fn check(list: &mut Checklist, names: &SectionNames, files: &Files<'_>) {
    for (section, place) in flawed(&files.credentials) {
        list.warning("keys", place, restoring(names, section));
    }
    for (section, place) in flawed(&files.config) {
        let profile = profile_of(section).unwrap_or(section);
        list.warning(
            "keys",
            place,
            format!(
                "run its credential_process in that session, pass the keys to `mfa-creds setup{}`, and remove the line",
                plan::profile_flag(profile)
            ),
        );
    }
}

/// The sections whose keys are in such a keychain, each with what is wrong with it.
fn flawed<'f>(file: &'f File<'_>) -> impl Iterator<Item = (&'f str, String)> {
    let path = file.path.display();
    file.document.names().filter_map(move |section| {
        let command = file.get(section, key::CREDENTIAL_PROCESS)?;
        let keychain = KeychainEntry::parse(&command)?.keychain;
        let flaw = keychain.flaw()?;
        let name = keychain.name();
        Some((
            section,
            format!("the keys of [{section}] in {path} are in {name}, which {flaw}"),
        ))
    })
}

/// How to move them back to the file.
fn restoring(names: &SectionNames, section: &str) -> String {
    let sections = names.profile_of(section).map(|profile| {
        names.sections_by_name(Setting {
            value: profile.to_owned(),
            origin: Origin::Default,
        })
    });
    match sections {
        Some(Ok(sections)) => format!("run `{}`", sections.command("keychain restore")),
        _ => format!(
            "run `mfa-creds keychain restore{} --long-term-suffix none --short-term-suffix mfa`",
            plan::profile_flag(section)
        ),
    }
}
