//! Finds keys that AWS tools use instead of a `credential_process` or a session of `aws login`.

use crate::files::profiles::{Files, config_header, key};
use crate::files::section_format;
use crate::plan::section_names::{KeysBeforeLogin, ProfileSections};

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

/// What to do about keys that no command removes.
const BY_HAND: &str = "remove them in an editor";

/// What those tools do not do while the section to write has keys, or because the one with the profile's own name has some.
pub fn overridden_by_keys(sections: &ProfileSections) -> Vec<Overridden> {
    let fact = |what, section| format!("{PREFER_KEYS} {what} while [{section}] has keys");
    let sources = [without_process(sections), without_login(sections)];
    let to_write = sources.into_iter().flatten().map(|what| Overridden {
        problem: fact(what, &sections.short_term),
        way_out: format!("`{}` removes them", sections.command("clear")),
    });
    let own = login_behind_keys(sections).map(|(what, command)| Overridden {
        problem: fact(what, &sections.profile.value),
        way_out: match command {
            Some(command) => format!("`{command}` removes them"),
            None => BY_HAND.to_owned(),
        },
    });
    to_write.chain(own).collect()
}

/// The keys that AWS tools use instead of a profile's `credential_process`, which may run mfa-creds.
pub fn keys_before_process(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    keys_before(&without_process(sections)?, sections, files)
}

/// The same for its session of `aws login`.
pub fn keys_before_login(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    if let Some(what) = without_login(sections) {
        return keys_before(&what, sections, files);
    }
    let (what, command) = login_behind_keys(sections)?;
    let (section, path) = (&sections.profile.value, files.credentials.path.display());
    Some(Overridden {
        problem: format!("{PREFER_KEYS} {what}, because [{section}] in {path} has keys"),
        way_out: match command {
            Some(command) => format!("remove them with `{command}`"),
            None => BY_HAND.to_owned(),
        },
    })
}

fn without_process(sections: &ProfileSections) -> Option<String> {
    let process = sections.credential_process_at.as_ref()?;
    Some(format!("do not run the credential_process of {process}"))
}

fn without_login(sections: &ProfileSections) -> Option<String> {
    let login = sections.login_session_at.as_ref()?;
    Some(format!("do not use the login_session of {login}"))
}

/// What AWS tools do not do if the profile gets its credentials from `aws login`, but the section with its own name has keys; and the
/// command that removes those, if one does.
fn login_behind_keys(sections: &ProfileSections) -> Option<(String, Option<String>)> {
    let (login, keys) = (sections.login.as_ref()?, sections.before_login?);
    let clear = || format!("{} --short-term-suffix none", sections.command("clear"));
    Some((
        format!("do not use the {}", login.identity.origin),
        (keys == KeysBeforeLogin::Ours).then(clear),
    ))
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
    let by_hand = || BY_HAND.to_owned();
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
