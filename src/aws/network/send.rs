//! Sends a request, and once more where that cannot do harm: when it has not met the service, or when AWS has refused it for the
//! clock of this machine, which it looks at before the code.

use std::time::Duration;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use chrono::TimeDelta;
use tokio::time::{Instant, sleep, timeout_at};

use super::obstacle::{Obstacle, ProxyAnswer};
use super::probe;
use super::request::Request;
use super::trouble::{Trouble, is_of_clock};
use super::{Network, connect_timeout};
use crate::core::clock;
use crate::plan::Connection;
use crate::report::span;

/// How often a request goes out that has not met the service. Those without a code the SDK sends again by itself.
const TRIES: u32 = 3;
/// How long to wait before that, the more the oftener.
const PAUSE: Duration = Duration::from_millis(300);

impl Network {
    /// Makes a call.
    ///
    /// # Errors
    /// What it came to.
    pub async fn send<T, E, F>(
        &self,
        request: &Request<'_>,
        call: impl Fn() -> F,
    ) -> Result<T, Trouble>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let deadline = Instant::now() + request.connection.timeout.value;
        let (mut is_corrected, mut tries) = (false, 1);
        let trouble = loop {
            let correction = clock::correction();
            let error = match timeout_at(deadline, call()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_elapsed) => break Trouble::NoAnswer,
            };
            let trouble = Trouble::of(&error, request.codes);
            if let Some((code, message)) = trouble.refusal()
                && is_of_clock(code, message)
                && !is_corrected
            {
                if let Some(ahead) = clock::correct() {
                    self.report
                        .warning(format_args!("{}: {SET_THE_CLOCK}", off(ahead)));
                }
                // Another call, which was under way at the same time, may have corrected it.
                if clock::correction() != correction {
                    is_corrected = true;
                    continue;
                }
            }
            let pause = PAUSE * tries;
            if request.codes.is_empty()
                || !has_met_nobody(&trouble)
                || tries == TRIES
                || Instant::now() + pause + connect_timeout(request.connection) > deadline
            {
                break trouble;
            }
            self.report
                .trace(format_args!("not sent: {trouble:?}; once more"));
            sleep(pause).await;
            tries += 1;
        };
        self.report.trace(format_args!("in vain: {trouble:?}"));
        Err(self.looked_at(request.connection, trouble).await)
    }

    /// What can be known more of it.
    async fn looked_at(&self, connection: &Connection, trouble: Trouble) -> Trouble {
        let Ok(prepared) = self.prepared(connection) else {
            return trouble;
        };
        let route = &prepared.route;
        match trouble {
            Trouble::Unreachable(Obstacle::Distrust(flaw, None)) => {
                let presented = probe::certificate(route).await;
                Trouble::Unreachable(Obstacle::Distrust(flaw, presented.map(Box::new)))
            }
            // Nobody but a proxy answers so; whoever did has seen the request.
            Trouble::Unreachable(Obstacle::Proxy(ProxyAnswer {
                status: Some(status),
                ..
            })) if route.proxy.is_none() => Trouble::Foreign {
                status,
                evidence: format!("its status is {status}"),
            },
            Trouble::Unreachable(Obstacle::Proxy(answer)) if answer.schemes.is_empty() => {
                let again = probe::proxy_answer(route).await;
                let again = again.filter(|again| *again != ProxyAnswer::default());
                Trouble::Unreachable(Obstacle::Proxy(again.unwrap_or(answer)))
            }
            other => other,
        }
    }
}

fn has_met_nobody(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Unreachable(obstacle) if obstacle.may_pass())
}

/// What to do about a clock that is off.
pub const SET_THE_CLOCK: &str =
    "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL";

/// How far the clock of this machine is off, where AWS's is so far ahead of it.
pub fn off(ahead: TimeDelta) -> String {
    let direction = if ahead < TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    format!("your clock is {} {direction} AWS's", span(ahead.abs()))
}
