//! Checks whether the credentials file and the config file exist and can be read.

use std::collections::HashSet;
use std::path::Path;

use super::checklist::Checklist;
use crate::core::environment::Environment;
use crate::core::regular_file;
use crate::core::text::quoted_path;
use crate::files::document::Document;
use crate::files::profiles::{self, Text};
use crate::files::store;

/// One of the two files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    Credentials,
    Config,
}

impl Which {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials file",
            Self::Config => "config file",
        }
    }

    /// The variable that says where it is.
    fn variable(self) -> &'static str {
        match self {
            Self::Credentials => "AWS_SHARED_CREDENTIALS_FILE",
            Self::Config => "AWS_CONFIG_FILE",
        }
    }
}

/// Reads a file, as far as it can be.
pub fn read(
    list: &mut Checklist,
    which: Which,
    path: &Path,
    environment: &Environment,
    setup_command: &str,
) -> Option<Text> {
    let subject = which.name();
    let real = list.attempt(subject, store::resolve(path))?;
    let (shown, leads_to) = (list.shown(path), list.shown(&real));
    let text = list.attempt(subject, profiles::read(path))?;
    let variable = Some(which.variable()).filter(|name| environment.text(name).is_some());
    match &text {
        Some(text) => {
            let mut message = shown;
            if leads_to != message {
                message = format!("{message}, which leads to {leads_to}");
            }
            if let Some(variable) = variable {
                message = format!("{message} ({variable})");
            }
            let document = Document::parse(text);
            let sections = document.names().collect::<HashSet<_>>().len();
            let plural = if sections == 1 { "" } else { "s" };
            list.ok(subject, format!("{message}, {sections} section{plural}"));
        }
        None if regular_file::check_path(path).is_err() => no_file(list, which, &shown, variable),
        None if path.is_symlink() => list.problem(
            subject,
            format!("{shown} is a symbolic link to {leads_to}, which does not exist"),
            format!("make that file, or remove the link: rm {}", typed(path)),
        ),
        None => absent(list, which, path, variable, setup_command),
    }
    text
}

/// What leads to the null device, which is how scripts say that there is none.
fn no_file(list: &mut Checklist, which: Which, shown: &str, variable: Option<&str>) {
    let message = match variable {
        Some(variable) => format!("{shown} ({variable}) is the null device: it counts as empty"),
        None => format!("{shown} is the null device: it counts as empty"),
    };
    match (which, variable) {
        (Which::Config, _) => list.ok(which.name(), message),
        (Which::Credentials, Some(variable)) => list.warning(
            which.name(),
            message,
            format!("unset {variable}, or have it name a file"),
        ),
        (Which::Credentials, None) => list.warning(which.name(), message, "put a file there"),
    }
}

fn absent(
    list: &mut Checklist,
    which: Which,
    path: &Path,
    variable: Option<&str>,
    setup_command: &str,
) {
    let (subject, shown) = (which.name(), list.shown(path));
    let can_be_made = store::way_to_write(path).is_ok();
    match (variable, which) {
        (Some(variable), Which::Credentials) => list.problem(
            subject,
            format!("{variable} names {shown}, and there is no such file"),
            if can_be_made {
                format!("unset {variable}, or `{setup_command}` to make the file")
            } else {
                format!("unset {variable}")
            },
        ),
        (Some(variable), Which::Config) => list.warning(
            subject,
            format!("{variable} names {shown}, and there is no such file"),
            format!("unset {variable}"),
        ),
        (None, Which::Credentials) => list.warning(
            subject,
            format!("there is no {shown}"),
            if can_be_made {
                format!("`{setup_command}` makes it")
            } else {
                "first see to what is in the way of writing it".to_owned()
            },
        ),
        (None, Which::Config) => list.ok(subject, format!("none, and none is needed: {shown}")),
    }
}

/// A path as a word for a shell.
pub(super) fn typed(path: &Path) -> String {
    quoted_path(path)
}
