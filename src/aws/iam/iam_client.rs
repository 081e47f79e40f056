//! Makes each call of STS and IAM that concerns a user, and explains a refusal of any of them.

use std::error::Error as StdError;

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::config::Credentials as SdkCredentials;

use super::caller::Caller;
use super::iam_error::{IamError, Result};
use crate::aws::network::{self, Network, RequestContext, RequestError, Signer, Tries};
use crate::core::aws_errors::{
    ACCESS_DENIED, ENTITY_ALREADY_EXISTS, LIMIT_EXCEEDED, NO_SUCH_ENTITY, SESSION_WITH_MFA_PHRASE,
};
use crate::core::credentials::{Credentials, LongTermKeys};
use crate::core::error::Failure;
use crate::core::mfa_code::MfaCode;
use crate::plan::{Access, KeySource, Service};

/// A user, the keys of that user, and the services to ask about the user.
pub struct Iam<'a> {
    pub network: &'a Network,
    pub access: &'a Access,
    pub key_source: &'a KeySource,
    pub keys: &'a LongTermKeys,
    /// Signs instead of the keys, if there is one.
    pub session: Option<&'a Credentials>,
    /// The flag that names the profile with the keys, for hints.
    pub flag: &'a str,
}

impl Iam<'_> {
    /// The owner of the keys. STS always answers: no policy can deny it.
    pub fn caller(&self) -> Result<Caller> {
        let connection = &self.access.sts;
        let sts = self
            .network
            .sts(connection, self.signing(), Tries::Several)?;
        let request = self.request(Service::Sts, &[]);
        let answer = self.send(&request, || sts.get_caller_identity().send());
        let answer = answer.map_err(|error| IamError {
            failure: request.explain(&error),
            request_error: Some(error),
        })?;
        let caller = answer.arn().and_then(Caller::parse);
        caller.ok_or_else(|| IamError {
            request_error: None,
            failure: Failure::new(format!(
                "the keys of {} do not belong to an IAM user",
                self.key_source.id
            ))
            .hint("put the IAM user's own keys there"),
        })
    }

    pub(super) fn iam(&self, tries: Tries) -> anyhow::Result<aws_sdk_iam::Client> {
        let connection = &self.access.iam;
        self.network.iam(connection, self.signing(), tries)
    }

    fn signing(&self) -> SdkCredentials {
        match self.session {
            Some(session) => network::signing_credentials(session),
            None => network::signing_keys(self.keys),
        }
    }

    pub(super) fn request<'r>(
        &'r self,
        service: Service,
        codes: &'r [MfaCode],
    ) -> RequestContext<'r> {
        RequestContext {
            connection: if service == Service::Sts {
                &self.access.sts
            } else {
                &self.access.iam
            },
            key_source: self.key_source,
            access_key_id: &self.keys.access_key_id,
            signer: match self.session.map(|session| &session.role_arn) {
                Some(Some(role)) => Signer::Role(role),
                Some(None) => Signer::Session,
                None => Signer::Keys,
            },
            flags: self.flag,
            codes,
        }
    }

    /// Calls IAM.
    pub(super) fn call<T, E, F>(
        &self,
        action: &str,
        codes: &[MfaCode],
        call: impl Fn() -> F,
    ) -> Result<T>
    where
        E: StdError + ProvideErrorMetadata + 'static,
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    {
        let request = self.request(Service::Iam, codes);
        let answer = self.send(&request, call);
        answer.map_err(|error| self.explained(action, &request, error))
    }

    /// Waits for a response, and reports a long wait.
    pub(super) fn send<T, E, F>(
        &self,
        request: &RequestContext<'_>,
        call: impl Fn() -> F,
    ) -> std::result::Result<T, RequestError>
    where
        E: StdError + ProvideErrorMetadata + 'static,
        F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    {
        let sending = self.network.send(request, call);
        self.network.wait_for(request.connection, sending)
    }

    fn explained(
        &self,
        action: &str,
        request: &RequestContext<'_>,
        error: RequestError,
    ) -> IamError {
        let failure = match error.refusal() {
            Some((ACCESS_DENIED, message)) => Failure::new(format!(
                "AWS denied iam:{action} to {}: {message}",
                request.signer_name()
            ))
            .hint(if message.contains(SESSION_WITH_MFA_PHRASE) {
                format!("a user with an MFA device needs an MFA session for this: run `mfa-creds{}`, then run this command again", self.flag)
            } else if self.session.is_none() {
                format!("a policy may require MFA: run `mfa-creds{}`, then run this command again; otherwise, ask an administrator", self.flag)
            } else {
                "ask an administrator for a policy that allows it".to_owned()
            }),
            Some((code @ (NO_SUCH_ENTITY | LIMIT_EXCEEDED | ENTITY_ALREADY_EXISTS), message)) => {
                Failure::new(format!("AWS IAM refused iam:{action}: {code}: {message}"))
                    .hint(if action.contains("AccessKey") {
                        "the user's keys may have just been changed: wait a minute, then run the command again"
                            .to_owned()
                    } else {
                        format!(
                            "run `mfa-creds device list{}` to see the user's devices",
                            self.flag
                        )
                    })
            }
            _ => request.explain(&error),
        };
        IamError {
            request_error: Some(error),
            failure,
        }
    }
}
