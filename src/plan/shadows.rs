//! What the AWS tools take in place of something else that is written down.

use super::target::Target;
use crate::profiles::{Files, config_header, key};
use crate::short_term;

/// Something that is written in vain.
pub struct Shadow {
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

/// The keys that the AWS tools take in place of a profile's `credential_process`, which may be us.
pub fn keys_before_process(target: &Target, files: &Files<'_>) -> Option<Shadow> {
    let process = target.process.as_ref()?;
    let section = &target.short_term;
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, section);
    let in_config = header.filter(|header| config.get(header, key::AWS_ACCESS_KEY_ID).is_some());
    let has = |section: &str, key| credentials.get(section, key).is_some();
    let is_long_term = short_term::has_long_term_id(credentials, section);
    let by_hand = || "take them out with an editor".to_owned();
    let (place, way_out) = if has(section, key::AWS_ACCESS_KEY_ID) {
        let way_out = if short_term::holds_long_term_keys(credentials, section)
            && !has(&target.long_term, key::AWS_ACCESS_KEY_ID)
        {
            format!("move them with `{}`", target.setup_command)
        } else if has(section, key::ASSUMED_ROLE) && !is_long_term {
            format!("remove them with `{}`", target.command("clear"))
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
    Some(Shadow {
        problem: format!(
            "the AWS CLI and SDKs do not run the credential_process of {process}, because {place} has keys"
        ),
        way_out,
    })
}

/// Says that the AWS tools assume a role in place of reading a section; `of` is the place with the role.
pub fn role_before(section: &str, of: &str) -> String {
    format!(
        "AWS tools do not read [{section}]: {of} has role_arn, and they assume the role in its place"
    )
}
