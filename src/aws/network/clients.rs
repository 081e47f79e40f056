//! Makes the clients of STS and IAM for a connection that was prepared.

use std::fmt::Display;

use anyhow::Result;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::config::Credentials as SdkCredentials;
use aws_sdk_sts::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;

use super::limit::Limit;
use super::preparation::{Network, Prepared};
use super::request_error::RequestError;
use super::trace::Tracing;
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::plan::Connection;

/// How often a repeatable call is tried.
const ATTEMPTS: u32 = 3;
/// Our name in the notes of the SDK.
const PROVIDER: &str = "mfa-creds";

/// How often a call is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tries {
    /// It sends a code, or changes something: it may have worked even if its response is lost.
    Once,
    /// It only reads.
    Several,
}

impl Network {
    /// A client of STS.
    pub fn sts(
        &self,
        connection: &Connection,
        signing: SdkCredentials,
        tries: Tries,
    ) -> Result<aws_sdk_sts::Client> {
        let prepared = self.prepared(connection)?;
        let mut config = aws_sdk_sts::config::Builder::from(&prepared.config)
            .credentials_provider(signing)
            // We correct the time for the whole run, and report it.
            .disable_clock_skew_correction(true)
            .interceptor(Tracing::new(self.report, prepared))
            .interceptor(Limit)
            .interceptor(prepared.connectors.lookup.clone())
            .retry_config(tries.retries())
            .retry_classifier(InVain);
        config.set_endpoint_url(Some(prepared.route.url.to_string()));
        config.set_timeout_config(tries.timeouts(prepared));
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    /// Reports a fact from a response of AWS.
    pub fn detail(&self, fact: impl Display) {
        self.report.detail(fact);
    }

    /// A client of IAM.
    pub fn iam(
        &self,
        connection: &Connection,
        signing: SdkCredentials,
        tries: Tries,
    ) -> Result<aws_sdk_iam::Client> {
        let prepared = self.prepared(connection)?;
        let mut config = aws_sdk_iam::config::Builder::from(&prepared.config)
            .credentials_provider(signing)
            // We correct the time for the whole run, and report it.
            .disable_clock_skew_correction(true)
            .interceptor(Tracing::new(self.report, prepared))
            .interceptor(Limit)
            .interceptor(prepared.connectors.lookup.clone())
            .retry_config(tries.retries())
            .retry_classifier(InVain);
        config.set_endpoint_url(Some(prepared.route.url.to_string()));
        config.set_timeout_config(tries.timeouts(prepared));
        Ok(aws_sdk_iam::Client::from_conf(config.build()))
    }
}

impl Tries {
    fn retries(self) -> RetryConfig {
        match self {
            Self::Once => RetryConfig::disabled(),
            Self::Several => RetryConfig::standard().with_max_attempts(ATTEMPTS),
        }
    }

    /// A single try may use the whole timeout.
    fn timeouts(self, prepared: &Prepared) -> Option<TimeoutConfig> {
        let mut timeouts = prepared.config.timeout_config()?.to_builder();
        if self == Self::Once {
            timeouts.set_operation_attempt_timeout(None);
        }
        Some(timeouts.build())
    }
}

/// Forbids retries that cannot succeed: an untrusted certificate is not trusted the next time either.
#[derive(Debug)]
struct InVain;

impl ClassifyRetry for InVain {
    fn name(&self) -> &'static str {
        "failed"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let error = error.and_then(OrchestratorError::as_connector_error);
        match error.map(|error| RequestError::undelivered(error)) {
            Some(RequestError::Unreachable(error)) if !error.may_pass() => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
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
