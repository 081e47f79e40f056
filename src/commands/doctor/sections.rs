//! Checks for sections with a wrong name, and for keys of a wrong kind.

use std::collections::HashSet;

use super::checklist::Checklist;
use crate::files::document::Section;
use crate::files::profiles::{File, Files, key, profile_of};
use crate::files::section_format::{TEMPORARY_PREFIX, holds_long_term_keys};
use crate::plan::{self, ProfileSections, SpoiledValue};

/// Checks every section of both files. A fault in a section of the profile is worse than one elsewhere.
pub fn check(list: &mut Checklist, files: &Files<'_>, sections: Option<&ProfileSections>) {
    let Files {
        credentials,
        config,
    } = files;
    let before = list.len();
    let path = credentials.path.display();
    for section in credentials.document.all() {
        if let Some(profile) = profile_of(section.name()).filter(|name| *name != section.name()) {
            list.warning(
                "sections",
                format!(
                    "{path}:{} starts [{}], which AWS tools do not read as the profile {profile} in this file",
                    section.line(),
                    section.name()
                ),
                format!("rename it to [{profile}], or move it to {}", config.path.display()),
            );
        }
    }
    let path = config.path.display();
    for section in config.document.all().filter(|section| is_bare(section)) {
        list.warning(
            "sections",
            format!(
                "{path}:{} starts [{name}], which AWS tools do not read as the profile {name} in this file",
                section.line(),
                name = section.name()
            ),
            format!("rename it to [profile {}]", section.name()),
        );
    }
    let mut seen = HashSet::new();
    for section in credentials.document.names() {
        if seen.insert(section) {
            for SpoiledValue { problem, fix } in plan::spoiled_values(credentials, section) {
                list.warning("keys", problem, fix);
            }
            KeyState::of(credentials, section).check(list, sections);
        }
    }
    if list.len() == before {
        list.ok("sections", "all have valid names and complete keys");
    }
}

/// Whether it is a section of the config file that looks like one of the credentials file.
fn is_bare(section: &Section<'_>) -> bool {
    let name = section.name();
    let is_ours = |key: &str| {
        let properties = section.properties();
        properties.iter().any(|property| property.is(key))
    };
    let mut keys = key::OF_ONE_LINE.iter().chain(&key::OTHER_SOURCES);
    profile_of(name).is_none()
        && !name.contains(char::is_whitespace)
        && keys.any(|key| is_ours(key))
}

/// The keys of a section.
struct KeyState<'k> {
    file: &'k File<'k>,
    section: &'k str,
    place: String,
    id: Option<String>,
    secret: Option<String>,
    session_token: Option<String>,
    security_token: Option<String>,
    is_long_term: bool,
}

impl<'k> KeyState<'k> {
    fn of(file: &'k File<'k>, section: &'k str) -> Self {
        let values = file.values(section);
        Self {
            file,
            section,
            place: format!("[{section}] in {}", file.path.display()),
            id: values.get(key::AWS_ACCESS_KEY_ID),
            secret: values.get(key::AWS_SECRET_ACCESS_KEY),
            session_token: values.get(key::AWS_SESSION_TOKEN),
            security_token: values.get(key::AWS_SECURITY_TOKEN),
            is_long_term: holds_long_term_keys(file, section),
        }
    }

    fn check(&self, list: &mut Checklist, sections: Option<&ProfileSections>) {
        let place = &self.place;
        let subject = "keys";
        match (&self.id, &self.secret) {
            (Some(id), Some(_)) => self.check_kind(list, id, sections),
            (None, None) => {}
            (id, _) => {
                let missing = match id {
                    None => key::AWS_ACCESS_KEY_ID,
                    Some(_) => key::AWS_SECRET_ACCESS_KEY,
                };
                list.warning(
                    subject,
                    format!("{missing} of {place} is missing or empty"),
                    plan::ADD_THE_KEY,
                );
            }
        }
        self.check_tokens(list, sections);
    }

    /// The IDs of long-term keys and of temporary credentials start differently, and only the latter have a token.
    fn check_kind(&self, list: &mut Checklist, id: &str, sections: Option<&ProfileSections>) {
        let place = &self.place;
        let is_long_term = sections.is_some_and(|sections| sections.long_term == self.section);
        let has_token = self.session_token.is_some() || self.security_token.is_some();
        if id.starts_with(TEMPORARY_PREFIX) && !has_token && !is_long_term {
            list.warning(
                "keys",
                format!("{place} has temporary credentials ({id}) without aws_session_token, which AWS rejects"),
                "remove them in an editor, and get new ones",
            );
        } else if self.is_long_term && has_token {
            match sections.filter(|sections| sections.short_term == self.section) {
                Some(sections) => {
                    let failure = plan::long_term_keys_in_the_way(sections, self.file);
                    list.failed("keys", &failure.into());
                }
                None => list.warning(
                    "keys",
                    format!(
                        "{place} has long-term keys ({id}) with a session token, which AWS rejects"
                    ),
                    "remove the token in an editor",
                ),
            }
        }
    }

    /// botocore prefers the older name.
    fn check_tokens(&self, list: &mut Checklist, sections: Option<&ProfileSections>) {
        let Some(token) = &self.security_token else {
            return;
        };
        if self.session_token.as_ref() == Some(token) {
            return;
        }
        let place = &self.place;
        let message = format!(
            "aws_security_token of {place} differs from its aws_session_token, and the AWS CLI prefers it"
        );
        match sections.filter(|sections| sections.short_term == self.section) {
            Some(sections) => list.problem(
                "keys",
                message,
                format!("run `{}` to replace both", sections.command("")),
            ),
            None => list.warning("keys", message, "remove the line with aws_security_token"),
        }
    }
}
