//! A profile in which AWS tools find the server of `exec --server`.
//!
//! They look for a server only after all that the files say of the profile they use, which is the default profile in a command's
//! environment. If that has keys or another source, such as a session that we have written, the command gets a profile of its own that
//! has the same settings and no source, in a copy of the config file. Every other profile can still be used.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use tempfile::TempPath;
use zeroize::Zeroizing;

use crate::core::environment::Environment;
use crate::files::document::{Document, Section};
use crate::files::profiles::{self, Paths, config_header, key};
use crate::plan::DEFAULT_PROFILE;

/// The profile.
pub(super) const NAME: &str = "mfa-creds-server";
/// The keys that are a source of credentials, besides [`key::OTHER_SOURCES`].
const SOURCES: [&str; 5] = [
    key::AWS_ACCESS_KEY_ID,
    key::AWS_SECRET_ACCESS_KEY,
    key::AWS_SESSION_TOKEN,
    key::ROLE_ARN,
    key::SOURCE_PROFILE,
];

/// A config file for the command, if it needs one. The file is deleted when this is dropped.
pub(super) fn config_file(environment: &Environment) -> Result<Option<TempPath>> {
    let paths = Paths::find(environment)?;
    let credentials = profiles::read(&paths.credentials)?.unwrap_or_default();
    let config = profiles::read(&paths.config)?.unwrap_or_default();
    let Some(own) = own_section(&credentials, &config) else {
        return Ok(None);
    };
    let copy = || {
        let mut copy = tempfile::Builder::new().prefix("mfa-creds-").tempfile()?;
        copy.write_all(config.as_bytes())?;
        copy.write_all(own.as_bytes())?;
        Ok::<_, std::io::Error>(copy.into_temp_path())
    };
    let copy = copy().with_context(|| {
        let config = paths.config.display();
        format!("the command needs a copy of {config}, which cannot be made")
    })?;
    Ok(Some(copy))
}

/// The section to add to the config file, empty if it is there; none if the default profile has no source.
fn own_section(credentials: &str, config: &str) -> Option<Zeroizing<String>> {
    let is_source = |found: &str| {
        let mut sources = SOURCES.iter().chain(&key::OTHER_SOURCES);
        sources.any(|source| found.eq_ignore_ascii_case(source))
    };
    let (credentials, config) = (Document::parse(credentials), Document::parse(config));
    let header = config_header(&config, DEFAULT_PROFILE);
    let properties = |document: &Document<'_>, section: &str| -> Vec<(String, String)> {
        let properties = document.sections(section).flat_map(Section::properties);
        properties
            .map(|property| (property.key.to_owned(), property.raw_value()))
            .collect()
    };
    let of_config = header
        .map(|header| properties(&config, header))
        .unwrap_or_default();
    let of_credentials = properties(&credentials, DEFAULT_PROFILE);
    let mut all = of_config.iter().chain(&of_credentials);
    if !all.any(|(key, _)| is_source(key)) {
        return None;
    }
    if config_header(&config, NAME).is_some() {
        // The file is the copy of an `exec --server` that runs this one. Tools reject a section that is there twice.
        return Some(Zeroizing::default());
    }
    // Whatever the file ends with, this begins a line.
    let mut section = Zeroizing::new(format!("\n[profile {NAME}]\n"));
    for (key, value) in of_config.iter().filter(|(key, _)| !is_source(key)) {
        // Writing to a string cannot fail.
        let _ = writeln!(section, "{key} = {}", value.replace('\n', "\n  "));
    }
    Some(section)
}

#[cfg(test)]
mod tests {
    use super::own_section;

    #[test]
    fn a_default_profile_without_a_source_needs_no_other() {
        assert_eq!(own_section("", ""), None);
        let config = "[default]\nregion = eu-west-1\n[profile work]\nrole_arn = x\n";
        assert_eq!(own_section("[work]\naws_access_key_id = x\n", config), None);
    }

    #[test]
    fn the_settings_of_the_default_profile_stay_and_its_sources_go() {
        let config = "[default]\nregion = eu-west-1\nROLE_ARN = x\ns3 =\n  max_concurrent_requests = 2\n  use_x = y\noutput = text\n";
        let section = own_section("", config).unwrap();
        assert_eq!(
            *section,
            "\n[profile mfa-creds-server]\nregion = eu-west-1\ns3 = \n  max_concurrent_requests = 2\n  use_x = y\noutput = text\n"
        );
        let section = own_section("[default]\naws_access_key_id = x\n", "").unwrap();
        assert_eq!(*section, "\n[profile mfa-creds-server]\n");
    }

    #[test]
    fn a_copy_of_a_copy_has_the_section_once() {
        let config = "[default]\noutput = text\nrole_arn = x\n";
        let copy = format!("{config}{}", *own_section("", config).unwrap());
        assert_eq!(*own_section("", &copy).unwrap(), "");
    }
}
