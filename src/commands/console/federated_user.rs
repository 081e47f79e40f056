//! Gets the credentials of a user without a role.

use anyhow::Result;

use crate::aws::federation_token::FederationToken;
use crate::aws::iam::Iam;
use crate::aws::network::Network;
use crate::commands::obtain::ChosenProfile;
use crate::core::credentials::Credentials;
use crate::core::environment::Environment;
use crate::plan::{FederatedUser, KeySource};
use crate::prompt::credential_process;
use crate::renewal::verbose::{tell, tell_connection};

/// The name of the user, and the credentials. They are not stored: no AWS tool needs them.
pub(super) fn credentials(
    user: &FederatedUser,
    key_source: &KeySource,
    chosen: &ChosenProfile<'_>,
    network: &Network,
    environment: &Environment,
) -> Result<(String, Credentials)> {
    let FederatedUser {
        access,
        duration,
        with_a_role,
    } = user;
    let ChosenProfile {
        sections, report, ..
    } = chosen;
    let profile = &sections.profile;
    tell(*report, "profile", &profile.value, &profile.origin);
    report.detail(format_args!("keys: {key_source}"));
    let seconds = format!("{} s", duration.value);
    tell(*report, "duration", seconds, &duration.origin);
    tell_connection(*report, "", &access.sts);
    let keys = credential_process::keys(key_source, environment)?;
    let caller = Iam {
        network,
        access,
        key_source,
        keys: &keys,
        session: None,
        flag: &sections.flags,
    }
    .caller()?;
    let token = FederationToken {
        connection: &access.sts,
        key_source,
        keys: &keys,
        flags: &sections.flags,
        user: caller.name.as_deref(),
        seconds: duration.value,
        with_a_role,
    };
    Ok((caller.called().to_owned(), token.get(network)?))
}
