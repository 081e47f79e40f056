//! Prints credentials as JSON, for AWS tools and for scripts.

use anyhow::Result;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::commands::obtain::{ObtainedCredentials, Region};
use crate::core::clock::timestamp;
use crate::core::text;

/// What AWS tools expect from a `credential_process`.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process<'a> {
    version: u8,
    #[serde(flatten)]
    keys: JsonCredentials<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// For scripts: the same keys and more.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Everything<'a> {
    #[serde(flatten)]
    keys: JsonCredentials<'a>,
    /// None if nothing tells it.
    account_id: Option<&'a str>,
    region: Option<&'a str>,
    /// None for a session of the user.
    role_arn: Option<&'a str>,
}

/// Named as in the responses of STS.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct JsonCredentials<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
}

impl<'a> JsonCredentials<'a> {
    fn of(outgoing: &'a ObtainedCredentials) -> Self {
        let credentials = &outgoing.credentials;
        Self {
            access_key_id: &credentials.access_key_id,
            secret_access_key: credentials.secret_access_key.expose(),
            session_token: credentials.session_token.expose(),
            expiration: timestamp(credentials.expiration),
        }
    }
}

pub(super) fn process(outgoing: &ObtainedCredentials) -> Result<Zeroizing<String>> {
    text::json(&Process {
        version: 1,
        keys: JsonCredentials::of(outgoing),
        account_id: outgoing.account_id.as_deref(),
    })
}

pub(super) fn json(outgoing: &ObtainedCredentials) -> Result<Zeroizing<String>> {
    text::json(&Everything {
        keys: JsonCredentials::of(outgoing),
        account_id: outgoing.account_id.as_deref(),
        region: outgoing.region.as_ref().map(Region::name),
        role_arn: outgoing.credentials.role_arn.as_deref(),
    })
}
