//! Writes the messages about failed requests that do not depend on the call.

use super::request_context::{RUN_AGAIN, RequestContext, Signer};
use super::request_error::RequestError;
use crate::core::aws_errors::{
    INCOMPLETE_SIGNATURE, INVALID_CLIENT_TOKEN_ID, REGION_DISABLED, REQUEST_EXPIRED,
    SIGNATURE_DOES_NOT_MATCH, WRONG_REGION_PHRASE, is_of_clock, is_of_credentials, is_throttling,
};
use crate::core::error::Failure;
use crate::core::shell_words::SET_THE_CLOCK;
use crate::core::text::masked;
use crate::plan::{Origin, Setting};

impl RequestContext<'_> {
    /// The error as a user reads it.
    pub fn explain(&self, error: &RequestError) -> Failure {
        let (service, host) = (self.service().name(), self.host());
        match error {
            RequestError::Refused {
                status,
                code,
                message,
            } => self.refused(*status, code, message),
            RequestError::Foreign { evidence, .. } => self.foreign(evidence),
            RequestError::Unreachable(error) => match self.connection.route() {
                Ok(route) => error.explain(self, &route),
                Err(_never_sent) => Failure::new(format!("{service} cannot be reached")),
            },
            RequestError::NoAnswer => {
                let Setting { value, origin } = &self.connection.timeout;
                Failure::new(format!(
                    "{service} at {host} did not respond within {} s ({origin})",
                    value.as_secs()
                ))
                .hint(self.afterwards())
            }
            RequestError::BrokenOff => Failure::new(format!(
                "the connection to {service} at {host} was interrupted"
            ))
            .hint(self.afterwards()),
            RequestError::Unbuilt => {
                Failure::new(format!("the request to {service} could not be built"))
                    .hint("check the settings with -v")
            }
        }
    }

    fn refused(&self, status: u16, code: &str, message: &str) -> Failure {
        let service = self.service().name();
        let region = &self.connection.region;
        match code {
            INVALID_CLIENT_TOKEN_ID if matches!(self.signer, Signer::Keys) => Failure::new(format!(
                "AWS does not recognize access key {} of {}, or the key is inactive",
                masked(self.access_key_id),
                self.key_source.id
            ))
            .hint("look up the user's access keys in the IAM console; in China and GovCloud, also set the region"),
            _ if is_of_credentials(code) => {
                Failure::new(format!("AWS rejected {}: {message}", self.signer_name()))
                    .hint(format!("run `mfa-creds{} --force` to get a new session", self.flags))
            }
            SIGNATURE_DOES_NOT_MATCH | INCOMPLETE_SIGNATURE | REQUEST_EXPIRED => {
                self.signature_refused(code, message)
            }
            _ if is_throttling(status, code) => {
                Failure::new(format!("{service} throttled the request")).hint(format!(
                    "wait a moment, then {}",
                    self.with_the_next_code(RUN_AGAIN)
                ))
            }
            REGION_DISABLED => Failure::new(format!(
                "STS is not active in {} for this account ({})",
                region.value, region.origin
            ))
            .hint("use another region with --region, or activate this one"),
            _ if status >= 500 => Failure::new(format!(
                "{service} at {} returned an internal error: {status} {code}",
                self.host()
            ))
            .hint(self.afterwards()),
            _ => Failure::new(format!("{service} refused the request: {code}: {message}"))
                .hint("add `-v` to see where each setting came from"),
        }
    }

    /// The signature is wrong because of the clock, the region, or the secret.
    fn signature_refused(&self, code: &str, message: &str) -> Failure {
        let region = &self.connection.region;
        if code != INCOMPLETE_SIGNATURE && is_of_clock(code, message) {
            let unused = if self.codes.is_empty() {
                ""
            } else {
                "; the code was not used"
            };
            return Failure::new(format!("this machine's clock is off: {message}"))
                .hint(format!("{SET_THE_CLOCK}{unused}"));
        }
        if code == SIGNATURE_DOES_NOT_MATCH && message.contains(WRONG_REGION_PHRASE) {
            return Failure::new(format!(
                "{} is not the right region for this endpoint ({}): {message}",
                region.value, region.origin
            ))
            .hint(match region.origin {
                // It overrides the variable.
                Origin::Flag(_) => "set it with --region",
                _ => "set it with --region or AWS_REGION",
            });
        }
        match self.signer {
            Signer::Keys => Failure::new(format!(
                "aws_secret_access_key of {} does not belong to access key {}",
                self.key_source.id,
                masked(self.access_key_id)
            ))
            .hint(
                "write the secret that was shown when the key was created; if it is lost, create a new key",
            ),
            Signer::Session | Signer::Login | Signer::Role(_) => Failure::new(format!(
                "the secret access key of {} is wrong",
                self.signer_name()
            ))
            .hint("run the command again; it was changed in the file"),
        }
    }
}
