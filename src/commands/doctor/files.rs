//! Checks whether the credentials file and the config file exist and can be read.

use std::collections::HashSet;
use std::path::Path;

use super::checklist::Checklist;
use crate::commands::loaded_files;
use crate::core::environment::Environment;
use crate::core::regular_file;
use crate::core::shell_words;
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
    /// Its name in messages.
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

/// Reads a file, as far as it can be read. Without a command that creates it, it is no problem if there is none.
pub fn read(
    list: &mut Checklist,
    which: Which,
    path: &Path,
    environment: &Environment,
    setup_command: Option<&str>,
) -> Option<Text> {
    let subject = which.name();
    let real = list.attempt(subject, store::resolve(path))?;
    let (shown, leads_to) = (list.shown(path), list.shown(&real));
    let text = list.attempt(subject, profiles::read(path))?;
    let variable = Some(which.variable()).filter(|name| environment.text(name).is_some());
    match &text {
        Some(text) => {
            let mut message = shown;
            // On Windows, both kinds of slashes may be in one path.
            if real != path && leads_to != message {
                message = format!("{message}, which resolves to {leads_to}");
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
            format!(
                "create that file, or remove the link: {}",
                shell_words::remove_file(path)
            ),
        ),
        None => absent(list, which, path, variable, setup_command),
    }
    text
}

/// The null device, which is how scripts say that there is no file.
fn no_file(list: &mut Checklist, which: Which, shown: &str, variable: Option<&str>) {
    let origin = variable.map_or_else(String::new, |variable| format!(" ({variable})"));
    let message = format!("{shown}{origin} is the null device, which is read as an empty file");
    match (which, variable) {
        (Which::Config, _) => list.ok(which.name(), message),
        (Which::Credentials, Some(variable)) => list.warning(
            which.name(),
            message,
            format!("{}, or set it to a file", shell_words::unset(variable)),
        ),
        (Which::Credentials, None) => list.warning(which.name(), message, "replace it with a file"),
    }
}

fn absent(
    list: &mut Checklist,
    which: Which,
    path: &Path,
    variable: Option<&str>,
    setup_command: Option<&str>,
) {
    let (subject, shown) = (which.name(), list.shown(path));
    let missing = |variable| format!("{variable} names {shown}, which does not exist");
    let needed = setup_command.filter(|_| which == Which::Credentials);
    match (variable, needed) {
        (Some(variable), Some(setup_command)) => list.problem(
            subject,
            missing(variable),
            if store::way_to_write(path).is_ok() {
                let unset = shell_words::unset(variable);
                format!("{unset}, or run `{setup_command}` to create the file")
            } else {
                shell_words::unset(variable)
            },
        ),
        (Some(variable), None) => {
            list.warning(subject, missing(variable), shell_words::unset(variable));
        }
        (None, Some(setup_command)) => {
            let why = loaded_files::no_file(path, setup_command).into();
            list.warned(subject, &why);
        }
        (None, None) => list.ok(
            subject,
            format!("{shown} does not exist, and is not needed"),
        ),
    }
}
