//! What `export --format server` prints for the server that runs it. Both are always the same program.

use std::borrow::Cow;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::commands::obtain::{ObtainedCredentials, Region, RenewalCommand};
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::core::text;

#[derive(Deserialize, Serialize)]
struct Handover<'h> {
    #[serde(borrow)]
    access_key_id: Cow<'h, str>,
    #[serde(borrow)]
    secret_access_key: Cow<'h, str>,
    #[serde(borrow)]
    session_token: Cow<'h, str>,
    /// In seconds since 1970.
    expiration: i64,
    /// How far AWS's clock is ahead of this machine's, in seconds, if the renewal has called AWS.
    ahead: Option<i64>,
    role_arn: Option<String>,
    account_id: Option<String>,
    region: Option<String>,
    is_region_of_environment: bool,
    profile: String,
    renewal: RenewalCommand,
}

/// The output.
pub(in crate::commands) fn write(obtained: &ObtainedCredentials) -> Result<Zeroizing<String>> {
    let credentials = &obtained.credentials;
    text::json(&Handover {
        access_key_id: Cow::Borrowed(&credentials.access_key_id),
        secret_access_key: Cow::Borrowed(credentials.secret_access_key.expose()),
        session_token: Cow::Borrowed(credentials.session_token.expose()),
        expiration: credentials.expiration.timestamp(),
        ahead: clock::measured().map(|ahead| ahead.num_seconds()),
        role_arn: credentials.role_arn.clone(),
        account_id: obtained.account_id.clone(),
        region: obtained
            .region
            .as_ref()
            .map(|region| region.name().to_owned()),
        is_region_of_environment: matches!(obtained.region, Some(Region::OfEnvironment(_))),
        profile: obtained.profile.clone(),
        renewal: obtained.renewal.clone(),
    })
}

/// What the output says.
pub(super) fn read(output: &[u8]) -> Result<ObtainedCredentials> {
    let read: Handover<'_> = serde_json::from_slice(output)
        .ok()
        .context("the renewal printed no credentials")?;
    if let Some(ahead) = read.ahead.and_then(TimeDelta::try_seconds) {
        clock::compare(clock::of_machine() + ahead);
        clock::correct();
    }
    let region = if read.is_region_of_environment {
        Region::OfEnvironment
    } else {
        Region::OfProfile
    };
    Ok(ObtainedCredentials {
        credentials: Credentials {
            access_key_id: read.access_key_id.into_owned(),
            secret_access_key: Secret::new(read.secret_access_key),
            session_token: Secret::new(read.session_token),
            expiration: clock::from_timestamp(read.expiration)
                .context("the renewal printed no valid expiration")?,
            role_arn: read.role_arn,
            // It is for those who store credentials.
            session_scope: None,
        },
        account_id: read.account_id,
        region: read.region.map(region),
        profile: read.profile,
        renewal: read.renewal,
    })
}
