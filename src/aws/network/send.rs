//! Sends a request, and sends it again where that is safe: if the first one never reached the service, or when AWS refused it
//! because this machine's clock is off, which AWS checks before the code.

use std::time::Duration;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, sleep, timeout_at};

use super::clock_skew::off;
use super::connect_error::{ConnectError, ProxyAnswer};
use super::preparation::{Network, connect_timeout};
use super::probe;
use super::request_context::RequestContext;
use super::request_error::RequestError;
use crate::core::aws_errors;
use crate::core::clock;
use crate::core::shell_words::SET_THE_CLOCK;
use crate::plan::Connection;

/// How often a request is sent that did not reach the service. The SDK itself repeats requests without a code.
const TRIES: u32 = 3;
/// The pause before the second try. It grows with each try.
const PAUSE: Duration = Duration::from_millis(300);

impl Network {
    /// Makes a call.
    pub async fn send<T, E, F>(
        &self,
        request: &RequestContext<'_>,
        call: impl Fn() -> F,
    ) -> Result<T, RequestError>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let deadline = Instant::now() + request.connection.timeout.value;
        let (mut is_corrected, mut tries) = (false, 1);
        let error = loop {
            let correction = clock::correction();
            let error = match timeout_at(deadline, call()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => RequestError::of(&error, request.codes),
                Err(_elapsed) => break RequestError::NoAnswer,
            };
            if let Some((code, message)) = error.refusal()
                && aws_errors::is_of_clock(code, message)
                && !is_corrected
            {
                self.correct_clock();
                // A concurrent call may have corrected it.
                if clock::correction() != correction {
                    is_corrected = true;
                    continue;
                }
            }
            let pause = PAUSE * tries;
            if request.codes.is_empty()
                || !has_not_arrived(&error)
                || tries == TRIES
                || Instant::now() + pause + connect_timeout(request.connection) > deadline
            {
                break error;
            }
            self.report
                .trace(format_args!("not sent: {error:?}; trying again"));
            sleep(pause).await;
            tries += 1;
        };
        self.report.trace(format_args!("failed: {error:?}"));
        Err(self.looked_at(request.connection, error).await)
    }

    /// Switches to AWS's time, with a warning. Returns whether it differs.
    pub fn correct_clock(&self) -> bool {
        let ahead = clock::correct();
        if let Some(ahead) = ahead {
            self.report
                .warning(format_args!("{}: {SET_THE_CLOCK}", off(ahead)));
        }
        ahead.is_some()
    }

    /// Examines the error further.
    async fn looked_at(&self, connection: &Connection, error: RequestError) -> RequestError {
        let Ok(prepared) = self.prepared(connection) else {
            return error;
        };
        let route = &prepared.route;
        match error {
            RequestError::Unreachable(ConnectError::Distrust(problem, None)) => {
                let presented = probe::certificate(route).await;
                RequestError::Unreachable(ConnectError::Distrust(problem, presented.map(Box::new)))
            }
            // Only a proxy responds like this, and it has seen the request.
            RequestError::Unreachable(ConnectError::Proxy(ProxyAnswer {
                status: Some(status),
                ..
            })) if route.proxy.is_none() => RequestError::Foreign {
                status,
                evidence: format!("its status is {status}"),
            },
            RequestError::Unreachable(ConnectError::Proxy(answer)) if answer.schemes.is_empty() => {
                let again = probe::proxy_answer(route).await;
                let again = again.filter(|again| *again != ProxyAnswer::default());
                RequestError::Unreachable(ConnectError::Proxy(again.unwrap_or(answer)))
            }
            other => other,
        }
    }
}

fn has_not_arrived(error: &RequestError) -> bool {
    matches!(error, RequestError::Unreachable(error) if error.may_pass())
}
