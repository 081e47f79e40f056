//! Carries out the calls of a plan. Nothing here knows of flags, files or outputs.

mod explain;
mod http;
mod undelivered;

use std::mem::ManuallyDrop;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::config::{Credentials as SdkCredentials, SharedHttpClient};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use tokio::runtime::Runtime;

use crate::credentials::{Credentials, LongTermKeys, Secret};
use crate::error::Failure;
use crate::mfa_code::MfaCode;
use crate::plan::{Call, Connection, Plan};
pub use explain::masked;
use explain::{Attempt, Signer};

/// How long to wait for a connection, and for the whole answer. STS answers within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a call without a code is tried. One with a code is never sent twice.
const ATTEMPTS: u32 = 3;
/// How many calls are under way at the same time.
const AT_ONCE: usize = 8;

/// Clients that are being made on threads of their own, while the person types the code.
pub struct Preparation(Vec<(Connection, JoinHandle<Result<SharedHttpClient>>)>);

/// The way to STS, for each connection that was prepared.
pub struct Client {
    /// Never dropped: that would wait for a look-up of a name that hangs. It ends with the process.
    runtime: ManuallyDrop<Runtime>,
    connections: Vec<(Connection, SdkConfig)>,
}

/// Why there are no credentials.
#[derive(Debug)]
pub enum Refusal {
    /// AWS does not take the session that signed the call: it has ended, or somebody has ended it.
    Session(anyhow::Error),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<Refusal> for anyhow::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Session(error) | Refusal::Other(error) => error,
        }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Whether a connection's CA bundle, if it has one, can be used.
///
/// # Errors
/// When it cannot.
pub fn check(connection: &Connection) -> Result<()> {
    let bundle = connection.ca_bundle.as_ref();
    bundle.map_or(Ok(()), |bundle| http::certificates(bundle).map(drop))
}

/// Begins to make clients for these connections.
///
/// # Errors
/// When a CA bundle cannot be used.
pub fn prepare<'c>(connections: impl Iterator<Item = &'c Connection>) -> Result<Preparation> {
    let mut begun: Vec<(Connection, JoinHandle<Result<SharedHttpClient>>)> = Vec::new();
    for connection in connections {
        if begun.iter().any(|(other, _)| other == connection) {
            continue;
        }
        let bundle = connection
            .ca_bundle
            .as_ref()
            .map(http::certificates)
            .transpose()?;
        let connection = connection.clone();
        let plain = connection
            .endpoint_url
            .as_ref()
            .is_some_and(|url| url.value.starts_with("http://"));
        begun.push((
            connection,
            thread::spawn(move || http::client(plain, bundle)),
        ));
    }
    Ok(Preparation(begun))
}

impl Preparation {
    /// Waits for the clients.
    ///
    /// # Errors
    /// When one could not be made.
    pub fn finish(self) -> Result<Client> {
        let runtime = ManuallyDrop::new(runtime()?);
        let mut connections = Vec::new();
        for (connection, client) in self.0 {
            let Ok(client) = client.join() else {
                bail!("the HTTP client could not be made");
            };
            let config = runtime.block_on(config(&connection, client?));
            connections.push((connection, config));
        }
        Ok(Client {
            runtime,
            connections,
        })
    }
}

/// A runtime for network calls, on this thread.
///
/// # Errors
/// When the system has none left.
pub fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime for network calls could not be made")
}

impl Client {
    /// Makes the first call of a plan, with its keys and the code, once: an answer that is lost may have used up the code.
    ///
    /// # Errors
    /// Each of STS's refusals, and each way not to reach it, in a sentence of its own.
    pub fn spend(&self, plan: &Plan, keys: &LongTermKeys, code: &MfaCode) -> Result<Credentials> {
        let attempt = Attempt {
            plan,
            keys,
            step: &plan.steps[0],
            code: Some(code),
            signer: Signer::Keys,
        };
        let signing = SdkCredentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            None,
            None,
            "mfa-creds",
        );
        Ok(self.runtime.block_on(self.call(&attempt, signing))?)
    }

    /// Makes the other calls of some plans, each with the credentials of the one before, several plans at a time. `done` is
    /// called with what has come meanwhile.
    pub fn assume<'p>(
        &self,
        plans: impl IntoIterator<Item = (usize, &'p Plan)>,
        keys: &LongTermKeys,
        first: &Credentials,
        done: impl FnMut(Vec<(usize, Result<Credentials, Refusal>)>),
    ) {
        let chains = plans
            .into_iter()
            .map(|(job, plan)| async move { (job, self.chain(plan, keys, first).await) });
        let answers = stream::iter(chains)
            .buffer_unordered(AT_ONCE)
            .ready_chunks(AT_ONCE)
            .map(done)
            .collect::<()>();
        self.runtime.block_on(answers);
    }

    /// Whether AWS still takes the session, where it was made. Where nobody can tell, it is said to.
    pub fn takes(&self, plan: &Plan, keys: &LongTermKeys, session: &Credentials) -> bool {
        let attempt = Attempt {
            plan,
            keys,
            step: &plan.steps[0],
            code: None,
            signer: Signer::Session,
        };
        let asked = self.runtime.block_on(async {
            let sts = self.client(&attempt, signing(session))?;
            let answer = sts.get_caller_identity().send().await;
            answer.map_err(|error| attempt.explain(&error))
        });
        !matches!(asked, Err(Refusal::Session(_)))
    }

    async fn chain(
        &self,
        plan: &Plan,
        keys: &LongTermKeys,
        first: &Credentials,
    ) -> Result<Credentials, Refusal> {
        let mut credentials = first.clone();
        for pair in plan.steps.windows(2) {
            let attempt = Attempt {
                plan,
                keys,
                step: &pair[1],
                code: None,
                signer: match &pair[0].call {
                    Call::GetSessionToken => Signer::Session,
                    Call::AssumeRole(role) => Signer::Role(&role.arn.value),
                },
            };
            credentials = self.call(&attempt, signing(&credentials)).await?;
        }
        Ok(credentials)
    }

    fn client(
        &self,
        attempt: &Attempt<'_>,
        signing: SdkCredentials,
    ) -> Result<aws_sdk_sts::Client> {
        let step = attempt.step;
        let config = self
            .connections
            .iter()
            .find(|(connection, _)| *connection == step.connection)
            .map(|(_, config)| config)
            .context("the connection was not prepared")?;
        let mut config = aws_sdk_sts::config::Builder::from(config)
            .credentials_provider(signing)
            .retry_config(match attempt.code {
                Some(_) => RetryConfig::disabled(),
                None => RetryConfig::standard().with_max_attempts(ATTEMPTS),
            });
        let url = step.connection.endpoint_url.as_ref();
        config.set_endpoint_url(url.map(|url| url.value.clone()));
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    async fn call(
        &self,
        attempt: &Attempt<'_>,
        signing: SdkCredentials,
    ) -> Result<Credentials, Refusal> {
        let sts = self.client(attempt, signing)?;
        let Attempt {
            plan, step, code, ..
        } = attempt;
        let seconds = i32::try_from(step.duration.value).context("the duration is too long")?;
        let serial_number = code.map(|_| plan.device.value.as_str().to_owned());
        let token_code = code.map(|code| code.expose().to_owned());
        let answer = match &step.call {
            Call::GetSessionToken => {
                sts.get_session_token()
                    .duration_seconds(seconds)
                    .set_serial_number(serial_number)
                    .set_token_code(token_code)
                    .send()
                    .await
                    .map_err(|error| attempt.explain(&error))?
                    .credentials
            }
            Call::AssumeRole(role) => {
                sts.assume_role()
                    .role_arn(&role.arn.value)
                    .role_session_name(&role.session_name.value)
                    .set_external_id(role.external_id.as_ref().map(|id| id.value.clone()))
                    .duration_seconds(seconds)
                    .set_serial_number(serial_number)
                    .set_token_code(token_code)
                    .send()
                    .await
                    .map_err(|error| attempt.explain(&error))?
                    .credentials
            }
        };
        Ok(granted(answer, attempt)?)
    }
}

fn signing(credentials: &Credentials) -> SdkCredentials {
    SdkCredentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        Some(credentials.session_token.expose().to_owned()),
        None,
        "mfa-creds",
    )
}

async fn config(connection: &Connection, client: SharedHttpClient) -> SdkConfig {
    // The SDK drops a whole file for one malformed line, and looks for more than is wanted: it gets an empty one.
    let no_files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, "")
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .profile_files(no_files)
        .region(Region::new(connection.region.value.clone()))
        .no_credentials()
        .http_client(client)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        );
    if let Some(url) = &connection.endpoint_url {
        // What is called is said in full; the SDK would refuse it together with settings for its own endpoints.
        loader = loader
            .endpoint_url(&url.value)
            .use_fips(false)
            .use_dual_stack(false);
    }
    loader.load().await
}

fn granted(
    answer: Option<aws_sdk_sts::types::Credentials>,
    attempt: &Attempt<'_>,
) -> Result<Credentials> {
    let whole = answer.filter(|answer| {
        ![
            &answer.access_key_id,
            &answer.secret_access_key,
            &answer.session_token,
        ]
        .iter()
        .any(|part| part.is_empty())
    });
    let Some(answer) = whole else {
        bail!(attempt.not_from_sts("it holds no credentials"));
    };
    let expiration = DateTime::from_timestamp(answer.expiration.secs(), 0)
        .ok_or_else(|| attempt.not_from_sts("its expiration is no date"))?;
    if expiration <= Utc::now() {
        bail!(
            Failure::new(format!(
                "what {} granted ended at {expiration} already",
                attempt.host()
            ))
            .hint("is the clock of this machine right? see `date -u`")
        );
    }
    Ok(Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: Secret::new(answer.secret_access_key),
        session_token: Secret::new(answer.session_token),
        expiration,
        role_arn: match &attempt.step.call {
            Call::GetSessionToken => None,
            Call::AssumeRole(role) => Some(role.arn.value.clone()),
        },
    })
}
