//! A profile in which AWS tools find the server of `exec --server`.
//!
//! They look for a server only after all that the files say of the profile they use, which is the default profile in a command's
//! environment. If that has keys or another source, such as a session that we have written, the command gets a profile of its own that
//! has the same settings and no source, in a copy of the config file. Every other profile can still be used. Without need, it gets none:
//! `aws eks update-kubeconfig`, for one, writes the profile into its file.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use tempfile::{NamedTempFile, TempPath};
use zeroize::Zeroizing;

use crate::core::environment::{Environment, PROFILE_OF_SERVER as NAME};
use crate::core::error::{Failure, reason};
use crate::files::document::{Document, Property, Section};
use crate::files::profiles::{self, Paths, config_header, key};
use crate::plan::DEFAULT_PROFILE;

/// The variable with the directory for temporary files.
const TEMPORARY: &str = if cfg!(windows) { "TEMP" } else { "TMPDIR" };
/// The prefix of the keys of IAM Identity Center (SSO). botocore rejects a profile that has only some of them.
const OF_SSO: &str = "sso_";
/// The keys that are a source of credentials, besides those and [`key::OTHER_SOURCES`].
const SOURCES: [&str; 5] = [
    key::AWS_ACCESS_KEY_ID,
    key::AWS_SECRET_ACCESS_KEY,
    key::AWS_SESSION_TOKEN,
    key::ROLE_ARN,
    key::SOURCE_PROFILE,
];

/// A file for the copy of the config file. It is deleted when this is dropped.
pub(super) fn empty_file() -> Result<NamedTempFile, Failure> {
    let file = tempfile::Builder::new().prefix("mfa-creds-").tempfile();
    file.map_err(|error| {
        let why = reason(&error);
        let failure = Failure::new(format!(
            "the command needs a copy of the config file, and a temporary file cannot be made: {why}"
        ));
        failure.hint(format!("set {TEMPORARY} to a directory that you can write"))
    })
}

/// Fills the file, if the command needs it.
pub(super) fn fill_if_needed(
    mut file: NamedTempFile,
    environment: &Environment,
) -> Result<Option<TempPath>> {
    let paths = Paths::find(environment)?;
    let credentials = profiles::read(&paths.credentials)?.unwrap_or_default();
    let config = profiles::read(&paths.config)?.unwrap_or_default();
    if !has_source(&credentials, &config) {
        return Ok(None);
    }
    file.write_all(config.as_bytes())
        .and_then(|()| file.write_all(own_section(&config).as_bytes()))
        .map_err(|error| {
            let why = reason(&error);
            Failure::new(format!(
                "{} cannot be written: {why}",
                file.path().display()
            ))
        })?;
    Ok(Some(file.into_temp_path()))
}

/// Whether a file has a source of credentials for the default profile.
fn has_source(credentials: &str, config: &str) -> bool {
    let (credentials, config) = (Document::parse(credentials), Document::parse(config));
    let header = config_header(&config, DEFAULT_PROFILE).into_iter();
    header
        .flat_map(|header| config.sections(header))
        .chain(credentials.sections(DEFAULT_PROFILE))
        .flat_map(Section::properties)
        .any(|property| is_source(&property))
}

fn is_source(property: &Property<'_>) -> bool {
    let mut sources = SOURCES.iter().chain(&key::OTHER_SOURCES);
    let start = property.key.get(..OF_SSO.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(OF_SSO))
        || sources.any(|source| property.is(source))
}

/// The section to add to the config file; empty if it is there.
fn own_section(config: &str) -> Zeroizing<String> {
    let config = Document::parse(config);
    if config_header(&config, NAME).is_some() {
        // The file is the copy of an `exec --server` that runs this one. Tools reject a section that is there twice.
        return Zeroizing::default();
    }
    // Whatever the file ends with, this begins a line.
    let mut section = Zeroizing::new(format!("\n[profile {NAME}]\n"));
    let of_default = config_header(&config, DEFAULT_PROFILE).into_iter();
    let of_default = of_default.flat_map(|header| config.sections(header));
    for property in of_default.flat_map(Section::properties) {
        if !is_source(&property) {
            let value = property.raw_value().replace('\n', "\n  ");
            // Writing to a string cannot fail.
            let _ = writeln!(section, "{} = {value}", property.key);
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::{has_source, own_section};

    #[test]
    fn a_default_profile_without_a_source_needs_no_other() {
        let config = "[default]\nregion = eu-west-1\n[profile work]\nrole_arn = x\n";
        let credentials = "[work]\naws_access_key_id = x\n";
        assert!(!has_source("", "") && !has_source(credentials, config));
        assert!(has_source("[default]\naws_access_key_id = x\n", config));
        assert!(has_source("", "[default]\nsso_session = x\n"));
    }

    #[test]
    fn the_settings_of_the_default_profile_stay_and_its_sources_go() {
        let config = "[default]\nregion = eu-west-1\nROLE_ARN = x\ns3 =\n  max_concurrent_requests = 2\n  use_x = y\noutput = text\n";
        let section = own_section(config);
        assert_eq!(
            *section,
            "\n[profile mfa-creds-server]\nregion = eu-west-1\ns3 = \n  max_concurrent_requests = 2\n  use_x = y\noutput = text\n"
        );
        assert_eq!(*own_section(""), "\n[profile mfa-creds-server]\n");
        let sso =
            "[default]\nsso_session = x\nsso_account_id = 1\nsso_role_name = r\nsso_region = y\n";
        assert_eq!(*own_section(sso), "\n[profile mfa-creds-server]\n");
        // A command that runs `exec --server` has it already.
        assert_eq!(*own_section(&format!("{config}{}", *section)), "");
    }
}
