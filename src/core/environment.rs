//! The environment, read once at the rim and handed on as a value. An empty variable counts as not set, as in aws-mfa.
//!
//! Nor does a region count that this tool has set itself, with the credentials of a profile: it says nothing about the next.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The region that this tool has set: in a shell that took its output, or for a command that it ran.
pub const REGION_OF_PROFILE: &str = "MFA_CREDS_REGION";
/// A code. No child has it: it is a secret, and the use that it is good for is this process's.
pub const CODE: &str = "MFA_TOKEN";
/// Where a region is set.
pub const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The variables of this process that count.
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let mut variables: Self = std::env::vars_os().collect();
        if let Some(ours) = variables.value(REGION_OF_PROFILE).map(OsStr::to_owned) {
            variables.0.retain(|(name, value)| {
                *value != ours || !REGIONS.iter().any(|region| name == region)
            });
        }
        variables
    }

    /// The text of a variable.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// A variable that holds a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    fn value(&self, name: &str) -> Option<&OsStr> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_os_str())
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }
}
