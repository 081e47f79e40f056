//! Checks for keys that AWS tools do not use because something else takes precedence.

use std::collections::HashSet;

use super::checklist::Checklist;
use crate::files::profiles::{File, Files, config_header, key, profile_of};
use crate::files::section_format;
use crate::plan::{self, Origin, Overridden, Precedence, ProfileSections, SectionNames, Setting};

/// The fix for a setting that every section inherits.
const OUT_OF_DEFAULT: &str = "remove it from [DEFAULT] in an editor";

/// The fix for two settings of which AWS tools use only one.
const REMOVE_ONE: &str = "remove one of the two in an editor";

/// Checks every profile of the config file.
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
        let Some(sections) = sections else { continue };
        let overridden = [
            plan::keys_before_process(&sections, files),
            plan::keys_before_login(&sections, files),
        ];
        for Overridden { problem, way_out } in overridden.into_iter().flatten() {
            list.warning("precedence", problem, way_out);
        }
    }
    by_themselves(list, names, files);
    if list.len() == before {
        list.ok(
            "precedence",
            "no setting takes precedence over the stored keys",
        );
    }
}

/// A profile of the config file, and the section with its name in the credentials file.
struct ConfigProfile<'c> {
    header: &'c str,
    name: &'c str,
    files: &'c Files<'c>,
    sections: Option<ProfileSections>,
    /// Whether the section has keys.
    has_keys: bool,
    /// Whether they are temporary credentials.
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
            has_session: has_session(credentials, name),
        }
    }

    /// Checks whether a setting of the profile takes precedence over its keys in the credentials file.
    fn check_unread_keys(&self, list: &mut Checklist) {
        let (name, config) = (self.name, &self.files.config);
        // With itself as the source, its own keys assume the role.
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
        list.warning("precedence", precedence.sentence(name), fix);
    }

    /// Checks whether keys in the credentials file take precedence over keys in the config file.
    fn check_unused_keys(&self, list: &mut Checklist) {
        let Self { header, name, .. } = self;
        let Files {
            credentials,
            config,
        } = self.files;
        // If there are no other keys, the session was made with these keys.
        let are_used = self.has_session
            && self
                .sections
                .as_ref()
                .is_some_and(|sections| !credentials.document.has(&sections.long_term));
        if self.has_keys && !are_used && config.get(header, key::AWS_ACCESS_KEY_ID).is_some() {
            list.warning(
                "precedence",
                format!(
                    "the keys of [{header}] in {} are never used, because [{name}] in {} has keys",
                    config.path.display(),
                    credentials.path.display()
                ),
                REMOVE_ONE,
            );
        }
    }
}

/// Checks every section that has keys and also a setting that takes precedence over them.
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
        // Its own keys assume the role.
        let is_own_source = credentials.get(name, key::SOURCE_PROFILE).as_deref() == Some(name);
        let is_long_term = names.profile_of(name).is_some_and(|of| of != name);
        if precedence.is_role() && (is_own_source || is_long_term)
            || precedence.is_inherited() && is_long_term
        {
            continue;
        }
        let has_session = has_session(credentials, name);
        let fix = if precedence.is_inherited() {
            OUT_OF_DEFAULT.to_owned()
        } else if precedence.is_role() && has_session {
            without_role(has_session, name)
        } else {
            REMOVE_ONE.to_owned()
        };
        list.warning("precedence", precedence.sentence(name), fix);
    }
}

/// Whether the keys of a section are temporary credentials that we wrote, or aws-mfa.
fn has_session(credentials: &File<'_>, section: &str) -> bool {
    let has = |key| credentials.get(section, key).is_some();
    has(key::AWS_ACCESS_KEY_ID)
        && has(key::ASSUMED_ROLE)
        && !section_format::holds_long_term_keys(credentials, section)
}

/// The fix for credentials in the section of a role.
fn without_role(is_ours: bool, name: &str) -> String {
    if is_ours {
        let profile = plan::profile_flag(name);
        format!("remove them with `mfa-creds clear{profile} --short-term-suffix none`")
    } else {
        "remove the keys or role_arn in an editor".to_owned()
    }
}

/// The fix for credentials that only some AWS tools read.
fn beside(sections: Option<&ProfileSections>) -> String {
    sections
        .and_then(ProfileSections::way_out_beside)
        .unwrap_or_else(|| REMOVE_ONE.to_owned())
}
