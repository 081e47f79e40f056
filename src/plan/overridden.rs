//! Finds keys that AWS tools use instead of a `credential_process` or a session of `aws login`.

use crate::files::profiles::{Files, config_header, key};
use crate::files::section_format;
use crate::plan::section_names::ProfileSections;

/// Something in a file that AWS tools ignore.
pub struct Overridden {
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

/// The tools that prefer keys in the section to other sources. The order is that of botocore 1.44, and also of the SDKs for Go and
/// JavaScript; those for Java (`ProfileCredentialsUtils`) and Rust (`base_provider`) prefer such keys last.
/// See <https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html#cli-chap-authentication-precedence>.
const PREFER_KEYS: &str = "the AWS CLI and some SDKs";

/// What those tools do not do while the section to write has keys, as complete sentences.
pub fn overridden_by_keys(sections: &ProfileSections) -> Vec<String> {
    let section = &sections.short_term;
    let sources = [without_process(sections), without_login(sections)];
    let sources = sources.into_iter().flatten();
    sources
        .map(|what| format!("{PREFER_KEYS} {what} while [{section}] has keys"))
        .collect()
}

/// The keys that AWS tools use instead of a profile's `credential_process`, which may run mfa-creds.
pub fn keys_before_process(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    keys_before(&without_process(sections)?, sections, files)
}

/// The same for its session of `aws login`.
pub fn keys_before_login(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    keys_before(&without_login(sections)?, sections, files)
}

fn without_process(sections: &ProfileSections) -> Option<String> {
    let process = sections.credential_process_at.as_ref()?;
    Some(format!("do not run the credential_process of {process}"))
}

fn without_login(sections: &ProfileSections) -> Option<String> {
    let login = sections.login_session_at.as_ref()?;
    Some(format!("do not use the login_session of {login}"))
}

fn keys_before(what: &str, sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
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
    let (tools, place, way_out) = if has(section, key::AWS_ACCESS_KEY_ID) {
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
            PREFER_KEYS,
            format!("[{section}] in {}", credentials.path.display()),
            way_out,
        )
    } else if let Some(header) = in_config {
        // botocore prefers every other source to keys there.
        (
            "some AWS SDKs",
            format!("[{header}] in {}", config.path.display()),
            by_hand(),
        )
    } else {
        return None;
    };
    Some(Overridden {
        problem: format!("{tools} {what}, because {place} has keys"),
        way_out,
    })
}
