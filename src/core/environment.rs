//! Reads the environment once, and names our own variables. An empty variable is the same as none, as in aws-mfa.
//!
//! A region that this tool set itself, with the credentials of a profile, is ignored as well: it says nothing about the next profile.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Defines a constant for each variable, and the list of all.
macro_rules! settings {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        $($(#[$doc])+ pub const $name: &str = $text;)+
        /// The variables that are settings of ours.
        pub const SETTINGS: &[&str] = &[$($text),+];
    };
}

settings! {
    /// The MFA device. It is also passed to a command that prints a code.
    MFA_DEVICE = "MFA_DEVICE";
    /// How long the credentials last.
    MFA_STS_DURATION = "MFA_STS_DURATION";
    /// The role to assume.
    MFA_ASSUME_ROLE = "MFA_ASSUME_ROLE";
    /// A command that prints a code.
    MFA_PROCESS = "MFA_PROCESS";
    /// What the long-term sections end with.
    MFA_LONG_TERM_SUFFIX = "MFA_LONG_TERM_SUFFIX";
    /// What the sections for temporary credentials end with.
    MFA_SHORT_TERM_SUFFIX = "MFA_SHORT_TERM_SUFFIX";
    /// Where to ask a person.
    MFA_CREDS_PROMPT = "MFA_CREDS_PROMPT";
    /// How long to wait for a person.
    MFA_CREDS_PROMPT_TIMEOUT = "MFA_CREDS_PROMPT_TIMEOUT";
    /// How long stored credentials must remain valid to be reused.
    MFA_CREDS_MIN_TTL = "MFA_CREDS_MIN_TTL";
    /// The form of `expiration` in the credentials file.
    MFA_CREDS_EXPIRATION_STYLE = "MFA_CREDS_EXPIRATION_STYLE";
    /// How long to wait for AWS.
    MFA_CREDS_TIMEOUT = "MFA_CREDS_TIMEOUT";
    /// The file for the trace.
    MFA_CREDS_TRACE = "MFA_CREDS_TRACE";
    /// The region that this tool set, in a shell that evaluated its output or for a command that it ran.
    REGION_OF_PROFILE = "MFA_CREDS_REGION";
    /// The profile of the shell that `exec` started, in that shell.
    PROFILE_OF_SHELL = "MFA_CREDS_SHELL";
}

/// A code. Child processes do not get it: it is a secret, and only this process may use it.
pub const CODE: &str = "MFA_TOKEN";
/// The profile of a command that has a server for its credentials. Here it is no profile: it has no keys.
pub const PROFILE_OF_SERVER: &str = "mfa-creds-server";
/// Where the profile is set.
pub const PROFILE: &str = "AWS_PROFILE";
/// Where AWS tools store the sessions of `aws login`.
pub const AWS_LOGIN_CACHE_DIRECTORY: &str = "AWS_LOGIN_CACHE_DIRECTORY";
/// Where a region is set.
pub const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Credentials for AWS tools.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>.
pub mod credentials {
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
    /// The older name of the session token, which botocore prefers.
    pub const SECURITY_TOKEN: &str = "AWS_SECURITY_TOKEN";
}

/// The variables of this process that are not empty.
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let mut variables: Self = std::env::vars_os().collect();
        if variables
            .value(PROFILE)
            .is_some_and(|name| name == PROFILE_OF_SERVER)
        {
            variables.0.retain(|(name, _)| !is_named(name, PROFILE));
        }
        if let Some(ours) = variables.value(REGION_OF_PROFILE).map(OsStr::to_owned) {
            variables.0.retain(|(name, value)| {
                *value != ours || !REGIONS.iter().any(|region| is_named(name, region))
            });
        }
        variables
    }

    /// The text of a variable.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// A variable with a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    fn value(&self, name: &str) -> Option<&OsStr> {
        self.0
            .iter()
            .find(|(key, _)| is_named(key, name))
            .map(|(_, value)| value.as_os_str())
    }
}

/// Whether a variable has this name. On Windows, upper and lower case are the same.
fn is_named(variable: &OsStr, name: &str) -> bool {
    if cfg!(windows) {
        variable.eq_ignore_ascii_case(name)
    } else {
        variable == name
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::Environment;

    #[test]
    fn case_counts_except_on_windows() {
        let variables = [("aws_profile", "work"), ("AWS_REGION", "")];
        let variables =
            variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let environment: Environment = variables.into_iter().collect();
        let found = cfg!(windows).then(|| "work".to_owned());
        assert_eq!(environment.text("AWS_PROFILE"), found);
        assert_eq!(environment.text("aws_profile").as_deref(), Some("work"));
        assert_eq!(environment.text("AWS_REGION"), None);
    }
}
