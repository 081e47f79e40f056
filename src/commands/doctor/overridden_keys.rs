//! Checks for keys that AWS tools do not use, because something else takes precedence.

use std::collections::HashSet;

use super::checklist::Checklist;
use crate::files::profiles::{Files, config_header, key, profile_of};
use crate::files::section_format;
use crate::plan::{self, Origin, Overridden, Precedence, ProfileSections, SectionNames, Setting};

/// What to do with a setting that every section inherits.
const OUT_OF_DEFAULT: &str = "take it out of [DEFAULT] with an editor";

/// Looks at every profile of the config file.
pub fn check(list: &mut Checklist, names: &SectionNames, files: &Files<'_>) {
    let before = list.len();
    let mut seen = HashSet::new();
    for header in files.config.document.names() {
        let Some(name) = profile_of(header).filter(|name| seen.insert(*name)) else {
            continue;
        };
        let profile = ConfigProfile::of(header, name, names, files);
        profile.check_unread_keys(list);
        profile.check_unused_keys(list);
        let sections = profile.sections;
        if let Some(Overridden { problem, way_out }) =
            sections.and_then(|sections| plan::keys_before_process(&sections, files))
        {
            list.warning("shadowing", problem, way_out);
        }
    }
    by_themselves(list, names, files);
    if list.len() == before {
        list.ok(
            "shadowing",
            "no profile of one file hides what the other one says",
        );
    }
}

/// A profile of the config file, beside the section of its name in the credentials file.
struct ConfigProfile<'c> {
    header: &'c str,
    name: &'c str,
    files: &'c Files<'c>,
    sections: Option<ProfileSections>,
    /// Whether the section has keys.
    has_keys: bool,
    /// Whether they are those of a session.
    has_session: bool,
}

impl<'c> ConfigProfile<'c> {
    fn of(header: &'c str, name: &'c str, names: &SectionNames, files: &'c Files<'c>) -> Self {
        let credentials = &files.credentials;
        let has_keys = credentials.get(name, key::AWS_ACCESS_KEY_ID).is_some();
        let profile = Setting {
            value: name.to_owned(),
            origin: Origin::Default,
        };
        Self {
            header,
            name,
            files,
            sections: names.sections_of(profile, files).ok(),
            has_keys,
            has_session: has_keys
                && credentials.get(name, key::ASSUMED_ROLE).is_some()
                && !section_format::holds_long_term_keys(credentials, name),
        }
    }

    /// Keys in the credentials file: does the profile say something that comes before them?
    fn check_unread_keys(&self, list: &mut Checklist) {
        let (name, config) = (self.name, &self.files.config);
        // Otherwise its own keys assume the role.
        let source = config.get(self.header, key::SOURCE_PROFILE);
        let source = source.filter(|source| source != name);
        let Some(precedence) = Precedence::of(self.header, config)
            .filter(|precedence| self.has_keys && (source.is_some() || !precedence.is_role()))
        else {
            return;
        };
        let fix = if precedence.is_inherited() {
            OUT_OF_DEFAULT.to_owned()
        } else if precedence.is_role() {
            without_role(self.has_session, name)
        } else {
            beside(self.sections.as_ref())
        };
        list.warning("shadowing", precedence.sentence(name), fix);
    }

    /// Keys in the config file: do those in the credentials file come before them?
    fn check_unused_keys(&self, list: &mut Checklist) {
        let Self { header, name, .. } = self;
        let Files {
            credentials,
            config,
        } = self.files;
        // Where there are no others, it is their session that comes before them.
        let are_used = self.has_session
            && self
                .sections
                .as_ref()
                .is_some_and(|sections| !credentials.document.has(&sections.long_term));
        if self.has_keys && !are_used && config.get(header, key::AWS_ACCESS_KEY_ID).is_some() {
            list.warning(
                "shadowing",
                format!(
                    "the keys of [{header}] in {} are never used, because [{name}] in {} has keys",
                    config.path.display(),
                    credentials.path.display()
                ),
                "take one of the two out with an editor",
            );
        }
    }
}

/// Looks at every section with keys that also has what comes before them.
fn by_themselves(list: &mut Checklist, names: &SectionNames, files: &Files<'_>) {
    let credentials = &files.credentials;
    let mut seen = HashSet::new();
    for name in credentials
        .document
        .names()
        .filter(|name| seen.insert(*name))
    {
        if credentials.get(name, key::AWS_ACCESS_KEY_ID).is_none() {
            continue;
        }
        let in_config = config_header(&files.config.document, name)
            .and_then(|header| Precedence::of(header, &files.config));
        let Some(precedence) = Precedence::of(name, credentials).filter(|_| in_config.is_none())
        else {
            continue;
        };
        // Keys of their own that assume the role.
        let is_own_source = credentials.get(name, key::SOURCE_PROFILE).as_deref() == Some(name);
        let is_long_term = names.profile_of(name).is_some_and(|of| of != name);
        if precedence.is_role() && (is_own_source || is_long_term)
            || precedence.is_inherited() && is_long_term
        {
            continue;
        }
        let fix = if precedence.is_inherited() {
            OUT_OF_DEFAULT
        } else {
            "take one of the two out with an editor"
        };
        list.warning("shadowing", precedence.sentence(name), fix);
    }
}

/// What to do with credentials in the place of a role.
fn without_role(is_ours: bool, name: &str) -> String {
    if is_ours {
        let profile = plan::profile_flag(name);
        format!("remove them with `mfa-creds clear{profile} --short-term-suffix none`")
    } else {
        "take the keys out with an editor, or role_arn".to_owned()
    }
}

/// What to do with credentials that only some AWS tools read.
fn beside(sections: Option<&ProfileSections>) -> String {
    sections
        .and_then(ProfileSections::command_beside)
        .map_or_else(
            || "take one of the two out with an editor".to_owned(),
            |command| format!("`{command}` writes a section that they read"),
        )
}
