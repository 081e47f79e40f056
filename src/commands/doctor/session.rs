//! What is there already, and until when.

use std::path::Path;

use chrono::TimeDelta;

use super::checklist::Checklist;
use super::files::typed;
use super::profile::Examined;
use crate::aws::network::masked;
use crate::core::clock;
use crate::files::freshness::Reason;
use crate::files::profiles::{self, File};
use crate::files::section_format::Defect;
use crate::files::store;
use crate::plan::{self, Keys, User};
use crate::renewal::group::{self, Seen, Wanted};
use crate::report::until;

/// Looks at the credentials of the profile, and at the MFA session of its keys.
pub fn check(list: &mut Checklist, examined: &Examined<'_>, user: Option<&User>) {
    let credentials = &examined.files.credentials;
    spoiled(list, credentials.path);
    stored(list, examined, user.is_some());
    if let Some(User { base, .. }) = user
        && let Keys::Stored(keys) = &base.keys
    {
        session(list, credentials, &keys.access_key_id);
    }
}

fn stored(list: &mut Checklist, examined: &Examined<'_>, has_keys: bool) {
    let Examined {
        request,
        environment,
        files,
        target,
        ..
    } = examined;
    let min_ttl = plan::min_ttl(None, environment).map_or(0, |chosen| chosen.value);
    let role = plan::wanted_role(request, environment, target, files);
    let wanted = Wanted {
        role_arn: role.map(|role| role.value),
        min_ttl: TimeDelta::seconds(min_ttl.into()),
        force: false,
    };
    let subject = "credentials";
    let Some(seen) = list.attempt(subject, group::look(&files.credentials, target, &wanted)) else {
        return;
    };
    let (label, renew) = (target.label(), format!("`{}`", target.command("")));
    match seen {
        Seen::Valid(found) => list.ok(
            subject,
            format!(
                "{label} is valid until {}",
                until(found.expiration, clock::now())
            ),
        ),
        Seen::Stale { because, .. } => match because {
            // It is told where the keys are looked at.
            Reason::Defective(Defect::StaleSecurityToken | Defect::LongTermKeys) => {}
            // And so are keys that could not get any.
            Reason::Defective(Defect::Missing) if !has_keys => {}
            Reason::Defective(Defect::Missing) if target.keep.is_private() => {
                list.ok(subject, format!("{label}: {because}"));
            }
            _ => list.warning(subject, format!("{label}: {because}"), renew),
        },
    }
}

fn session(list: &mut Checklist, credentials: &File<'_>, access_key_id: &str) {
    let found = group::session_of_key(credentials.path, credentials, access_key_id);
    let id = masked(access_key_id);
    list.ok(
        "MFA session",
        match found {
            Some((maker, session)) => format!(
                "of {id} and {}, valid until {}",
                maker.device,
                until(session.credentials.expiration, clock::now())
            ),
            None => format!("none of {id}: the next renewal needs a code"),
        },
    );
}

/// Files of sessions that hold none for that.
fn spoiled(list: &mut Checklist, credentials: &Path) {
    let subject = "MFA session";
    for path in store::session_files(credentials) {
        let fix = format!("rm {}, which costs a code for each device", typed(&path));
        match profiles::read(&path) {
            Ok(Some(text)) if !store::is_whole(&text) => list.warning(
                subject,
                format!(
                    "{} cannot be read in one way only, and counts for nothing",
                    path.display()
                ),
                fix,
            ),
            Ok(_) => {}
            Err(error) => list.warning(subject, crate::core::error::message(&error), fix),
        }
    }
}
