//! What AWS tools take in place of something else that is written down.

use std::collections::HashSet;

use super::Checklist;
use crate::plan::{self, Chosen, Naming, Origin, Shadow};
use crate::profiles::{Files, key, profile_of};

/// Looks at every profile of the config file.
pub fn check(list: &mut Checklist, naming: &Naming, files: &Files<'_>) {
    let before = list.checks.len();
    let Files {
        credentials,
        config,
    } = files;
    let mut seen = HashSet::new();
    for header in config.document.names() {
        let Some(name) = profile_of(header).filter(|name| seen.insert(*name)) else {
            continue;
        };
        let has_keys = credentials.get(name, key::AWS_ACCESS_KEY_ID).is_some();
        let get = |key| config.get(header, key);
        // Otherwise its own keys assume the role.
        let source = get(key::SOURCE_PROFILE).filter(|source| source != name);
        if has_keys && get(key::ROLE_ARN).is_some() && source.is_some() {
            role(list, files, header, name);
        }
        if has_keys && get(key::AWS_ACCESS_KEY_ID).is_some() {
            list.warning(
                "shadowing",
                format!(
                    "the keys of [{header}] in {} are never used, because [{name}] in {} has keys",
                    config.path.display(),
                    credentials.path.display()
                ),
                "take one of the two out with an editor",
            );
        }
        let profile = Chosen {
            value: name.to_owned(),
            origin: Origin::Default,
        };
        let target = naming.target_beside_role(profile, files);
        if let Some(Shadow { problem, way_out }) = target
            .ok()
            .and_then(|target| plan::keys_before_process(&target, files))
        {
            list.warning("shadowing", problem, way_out);
        }
    }
    if list.checks.len() == before {
        list.ok(
            "shadowing",
            "no profile of one file hides what the other one says",
        );
    }
}

/// Credentials in a section that no AWS tool reads.
fn role(list: &mut Checklist, files: &Files<'_>, header: &str, name: &str) {
    let of = format!("[{header}] in {}", files.config.path.display());
    let is_ours = files.credentials.get(name, key::ASSUMED_ROLE).is_some();
    let profile = plan::profile_flag(name);
    list.warning(
        "shadowing",
        plan::role_before(name, &of),
        if is_ours {
            format!("remove them with `mfa-creds clear{profile} --short-term-suffix none`")
        } else {
            "take the keys out with an editor, or role_arn".to_owned()
        },
    );
}
