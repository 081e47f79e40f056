//! Clients of the services, each for a connection that was prepared.

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sts::config::Credentials as SdkCredentials;

use super::Network;
use crate::credentials::{Credentials, LongTermKeys};
use crate::plan::Connection;

/// How often a call is tried that may be made again.
const ATTEMPTS: u32 = 3;
/// How the SDK calls us in its own notes.
const PROVIDER: &str = "mfa-creds";

/// How often a call is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tries {
    /// It carries a code, or changes something: an answer that is lost may mean that it was carried out.
    Once,
    /// It only reads.
    Several,
}

impl Network {
    /// A client of STS.
    ///
    /// # Errors
    /// When the connection was not prepared.
    pub fn sts(
        &self,
        connection: &Connection,
        signing: SdkCredentials,
        tries: Tries,
    ) -> Result<aws_sdk_sts::Client> {
        let mut config = aws_sdk_sts::config::Builder::from(self.config(connection)?)
            .credentials_provider(signing)
            .retry_config(tries.config());
        config.set_endpoint_url(endpoint(connection));
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    /// A client of IAM.
    ///
    /// # Errors
    /// When the connection was not prepared.
    pub fn iam(
        &self,
        connection: &Connection,
        signing: SdkCredentials,
        tries: Tries,
    ) -> Result<aws_sdk_iam::Client> {
        let mut config = aws_sdk_iam::config::Builder::from(self.config(connection)?)
            .credentials_provider(signing)
            .retry_config(tries.config());
        config.set_endpoint_url(endpoint(connection));
        Ok(aws_sdk_iam::Client::from_conf(config.build()))
    }

    fn config(&self, connection: &Connection) -> Result<&SdkConfig> {
        self.connections
            .iter()
            .find(|(other, _)| other == connection)
            .map(|(_, config)| config)
            .context("the connection was not prepared")
    }
}

impl Tries {
    fn config(self) -> RetryConfig {
        match self {
            Self::Once => RetryConfig::disabled(),
            Self::Several => RetryConfig::standard().with_max_attempts(ATTEMPTS),
        }
    }
}

/// The endpoint that was decided on. Where there is none, the SDK must not look for another.
fn endpoint(connection: &Connection) -> Option<String> {
    let url = connection.endpoint_url.as_ref();
    url.map(|url| url.value.clone())
}

/// Long-term keys, to sign with.
pub fn signing_keys(keys: &LongTermKeys) -> SdkCredentials {
    SdkCredentials::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        None,
        None,
        PROVIDER,
    )
}

/// Temporary credentials, to sign with.
pub fn signing_credentials(credentials: &Credentials) -> SdkCredentials {
    SdkCredentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        Some(credentials.session_token.expose().to_owned()),
        None,
        PROVIDER,
    )
}
