//! Defines a setting together with its origin.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::core::environment::Environment;
use crate::files::profiles::{File, key};
pub(super) use crate::files::section_format::INHERITED;

/// A setting, and where it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting<T> {
    /// What was chosen.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

/// Where a setting came from, strongest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A flag on the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// A key of a section.
    File {
        key: &'static str,
        section: String,
        path: PathBuf,
    },
    /// Picked from a list in the terminal.
    Person,
    /// The only region of its kind in the partition.
    Partition,
    /// The user's only device in IAM.
    OnlyOne,
    /// The only profile that has keys.
    OnlyProfile,
    /// The device of the stored session.
    Session,
    /// The session of `aws login` is in it.
    SignIn,
    /// Nothing is set.
    Default,
    /// More was requested than AWS grants.
    Limit,
}

impl<T> Setting<T> {
    /// Whether it is the role of a profile, as AWS tools have it, and not one of aws-mfa.
    pub fn is_of_profile(&self) -> bool {
        matches!(&self.origin, Origin::File { key, .. } if *key == key::ROLE_ARN)
    }
}

impl Origin {
    /// A key of a section in a file.
    pub(super) fn of_file(file: &File<'_>, section: &str, key: &'static str) -> Self {
        Self::File {
            key,
            section: section.to_owned(),
            path: Path::to_path_buf(file.path),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File { key, section, path } => {
                write!(f, "{key} of [{section}] in {}", path.display())
            }
            Self::Person => f.write_str("your choice"),
            Self::Partition => f.write_str("the only one in its partition"),
            Self::OnlyOne => f.write_str("the user's only device"),
            Self::OnlyProfile => f.write_str("the only profile"),
            Self::Session => f.write_str("from the stored session"),
            Self::SignIn => f.write_str("of the sign-in"),
            Self::Default => f.write_str("default"),
            Self::Limit => f.write_str("AWS's limit"),
        }
    }
}

pub(super) fn first<const N: usize>(
    candidates: [Option<Setting<String>>; N],
) -> Option<Setting<String>> {
    candidates.into_iter().flatten().next()
}

pub(super) fn default<T>(value: T) -> Setting<T> {
    Setting {
        value,
        origin: Origin::Default,
    }
}

/// A flag; as in aws-mfa, an empty value means that it is not set.
pub(super) fn flag(name: &'static str, value: Option<&String>) -> Option<Setting<String>> {
    value
        .filter(|value| !value.is_empty())
        .map(|value| Setting {
            value: value.clone(),
            origin: Origin::Flag(name),
        })
}

pub(super) fn variable(environment: &Environment, name: &'static str) -> Option<Setting<String>> {
    environment.text(name).map(|value| Setting {
        value,
        origin: Origin::Environment(name),
    })
}

pub(super) fn in_file(
    file: &File<'_>,
    section: &str,
    key: &'static str,
) -> Option<Setting<String>> {
    file.get(section, key).map(|value| Setting {
        value,
        origin: Origin::of_file(file, section, key),
    })
}

/// A key of a section, or the value that the section inherits.
pub(super) fn inherited(
    file: &File<'_>,
    section: &str,
    key: &'static str,
) -> Option<Setting<String>> {
    in_file(file, section, key).or_else(|| in_file(file, INHERITED, key))
}
