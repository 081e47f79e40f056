//! Gets a federation token: credentials of a user with which AWS signs in to the console, which it does not with an MFA session.
//!
//! Everything about the call is described in <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>.

use anyhow::{Context as _, Result};

use super::network::{self, Network, RequestContext, Signer, Tries};
use super::sts::{granted, keys_are_temporary};
use crate::core::aws_errors::{ACCESS_DENIED, TEMPORARY_KEYS_PHRASE};
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::error::Failure;
use crate::plan::{Connection, KeySource};

/// Allows what the user's own policies allow: without a session policy, the token would allow nothing.
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
/// The longest name of a federated user.
const LONGEST_NAME: usize = 32;

/// A federation token to get.
pub struct FederationToken<'a> {
    pub connection: &'a Connection,
    pub key_source: &'a KeySource,
    pub keys: &'a LongTermKeys,
    /// The flags that name the profile with the keys.
    pub flags: &'a str,
    /// The name of the IAM user; none for the root user.
    pub user: Option<&'a str>,
    /// How long it lasts.
    pub seconds: u32,
    /// What to do if AWS denies it.
    pub with_a_role: &'a str,
}

impl FederationToken<'_> {
    /// Gets it.
    pub fn get(&self, network: &Network) -> Result<Credentials> {
        let request = RequestContext {
            connection: self.connection,
            key_source: self.key_source,
            access_key_id: &self.keys.access_key_id,
            signer: Signer::Keys,
            flags: self.flags,
            codes: &[],
        };
        let keys = network::signing_keys(self.keys);
        let seconds = i32::try_from(self.seconds).context("the duration is too long")?;
        let sts = network.sts(self.connection, keys, Tries::Several)?;
        let call = sts
            .get_federation_token()
            .name(name(self.user))
            .policy(EVERYTHING)
            .duration_seconds(seconds);
        let sending = network.send(&request, || call.clone().send());
        let answer = network.wait_for(self.connection, sending);
        let answer = answer.map_err(|error| match error.refusal() {
            Some((ACCESS_DENIED, message)) => self.denied(&request, message),
            _ => request.explain(&error),
        })?;
        granted(answer.credentials, &request, None)
    }

    fn denied(&self, request: &RequestContext<'_>, message: &str) -> Failure {
        if message.contains(TEMPORARY_KEYS_PHRASE) {
            return keys_are_temporary(self.key_source);
        }
        Failure::new(format!(
            "AWS denied sts:GetFederationToken, which `console` needs without a role, to {}: {message}",
            request.signer_name()
        ))
        .hint(format!(
            "a policy may require MFA, which this call does not support: {}",
            self.with_a_role
        ))
    }
}

/// The name of the federated user: that of the IAM user, so that policies can allow it as `federated-user/${aws:username}`. It must have
/// 2 to 32 of the characters that the name of an IAM user has.
fn name(user: Option<&str>) -> String {
    let mut name: String = user.unwrap_or("root").chars().take(LONGEST_NAME).collect();
    if name.len() < 2 {
        name.push_str("-mfa-creds");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_name_has_the_length_that_aws_accepts() {
        let long = "a".repeat(64);
        for (user, expected) in [
            (Some("alice"), "alice"),
            (Some("a"), "a-mfa-creds"),
            (Some(&*long), &long[..32]),
            (None, "root"),
        ] {
            assert_eq!(name(user), expected);
        }
    }
}
