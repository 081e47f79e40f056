//! Finds keys that AWS tools use instead of a `credential_process`.

use crate::files::profiles::{Files, config_header, key};
use crate::files::section_format;
use crate::plan::section_names::ProfileSections;

/// Something in a file that AWS tools ignore.
pub struct Overridden {
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

/// The keys that AWS tools use instead of a profile's `credential_process`, which may run mfa-creds.
pub fn keys_before_process(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    let process = sections.credential_process_at.as_ref()?;
    let section = &sections.short_term;
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, section);
    let in_config = header.filter(|header| config.get(header, key::AWS_ACCESS_KEY_ID).is_some());
    let has = |section: &str, key| credentials.get(section, key).is_some();
    let is_long_term = section_format::has_long_term_id(credentials, section);
    let by_hand = || "remove them in an editor".to_owned();
    let (place, way_out) = if has(section, key::AWS_ACCESS_KEY_ID) {
        let way_out = if section_format::holds_long_term_keys(credentials, section)
            && !section_format::has_keys(credentials, &sections.long_term)
            && !sections.is_beside_role()
        {
            format!("move them with `{}`", sections.setup_command)
        } else if has(section, key::ASSUMED_ROLE) && !is_long_term {
            format!("remove them with `{}`", sections.command("clear"))
        } else {
            by_hand()
        };
        (
            format!("[{section}] in {}", credentials.path.display()),
            way_out,
        )
    } else if let Some(header) = in_config {
        (
            format!("[{header}] in {}", config.path.display()),
            by_hand(),
        )
    } else {
        return None;
    };
    Some(Overridden {
        problem: format!(
            "the AWS CLI and SDKs do not run the credential_process of {process}, because {place} has keys"
        ),
        way_out,
    })
}
