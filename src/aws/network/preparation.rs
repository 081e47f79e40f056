//! Creates a client for each connection in the background, while a person types the code.

use std::mem::ManuallyDrop;
use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::SharedHttpClient;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::http::{self, Connectors};
use crate::core::clock::{self, Clock};
use crate::core::error::Failure;
use crate::core::shell_words::SET_THE_CLOCK;
use crate::plan::{Connection, Proxy, Route};
use crate::prompt::child;
use crate::report::Report;

/// How long to wait for a connection, and for the response to one of several tries, if the timeout allows it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(12);
/// After how long a wait is reported.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

type Creation = JoinHandle<Result<(SharedHttpClient, Connectors)>>;

/// Clients that are being created on threads of their own.
pub struct Preparation {
    begun: Vec<(Connection, Route, Creation)>,
    report: Report,
}

/// A connection that was prepared.
pub(super) struct Prepared {
    pub connection: Connection,
    pub route: Route,
    pub config: SdkConfig,
    pub connectors: Connectors,
}

/// Access to the services over each connection that was prepared.
pub struct Network {
    /// Never dropped: that would wait for a hanging DNS lookup. It ends with the process.
    runtime: ManuallyDrop<Runtime>,
    connections: Vec<Prepared>,
    pub(super) report: Report,
}

/// Whether a connection can be tried: its endpoint is known, and its proxy and its CA bundle, if it has them, can be used.
pub fn check(connection: &Connection) -> Result<()> {
    connection.route()?;
    let bundle = connection.ca_bundle.as_ref();
    bundle.map_or(Ok(()), |bundle| http::certificates(bundle).map(drop))
}

/// Starts to create clients for these connections.
///
/// # Errors
/// Those of [`check`].
pub fn prepare<'c>(
    connections: impl IntoIterator<Item = &'c Connection>,
    report: Report,
) -> Result<Preparation> {
    if !clock::is_possible() {
        bail!(
            Failure::new("this machine's clock is set to a year before 1970 or after 9998")
                .hint(SET_THE_CLOCK)
        );
    }
    let mut begun: Vec<(Connection, Route, Creation)> = Vec::new();
    for connection in connections {
        if begun.iter().any(|(other, ..)| other == connection) {
            continue;
        }
        let route = connection.route()?;
        let bundle = connection.ca_bundle.as_ref();
        let bundle = bundle.map(http::certificates).transpose()?;
        let bundle = bundle.map(|certificates| certificates.pem);
        let proxy = route.proxy.as_ref().map(|proxy| proxy.value.clone());
        let plain = !route.is_over_tls() && !proxy.as_ref().is_some_and(Proxy::is_over_tls);
        let limit = connect_timeout(connection);
        begun.push((
            connection.clone(),
            route,
            thread::spawn(move || {
                let connectors = Connectors::new(plain, bundle, proxy.as_ref(), limit)?;
                Ok((connectors.client(), connectors))
            }),
        ));
    }
    Ok(Preparation { begun, report })
}

impl Preparation {
    /// Waits for the clients.
    pub fn finish(self) -> Result<Network> {
        let runtime = ManuallyDrop::new(child::runtime()?);
        let mut connections = Vec::new();
        for (connection, route, client) in self.begun {
            let Ok(client) = client.join() else {
                bail!("the HTTP client could not be created");
            };
            let (client, connectors) = client?;
            let config = config(&connection, &route, client);
            connections.push(Prepared {
                connection,
                route,
                config,
                connectors,
            });
        }
        Ok(Network {
            runtime,
            connections,
            report: self.report,
        })
    }
}

impl Prepared {
    /// Whether a response is from the service, and not from somebody on the network.
    pub(super) fn is_authentic(&self) -> bool {
        self.route.is_over_tls() || self.connection.is_answered_locally()
    }
}

impl Network {
    pub(super) fn prepared(&self, connection: &Connection) -> Result<&Prepared> {
        self.connections
            .iter()
            .find(|prepared| prepared.connection == *connection)
            .context("the connection was not prepared")
    }

    /// Runs calls to their end, and reports a long wait.
    pub fn wait_for<F: Future>(&self, connection: &Connection, calls: F) -> F::Output {
        self.runtime.block_on(async {
            let mut calls = pin!(calls);
            if connection.timeout.value <= NOTICE_AFTER {
                return calls.await;
            }
            match timeout(NOTICE_AFTER, calls.as_mut()).await {
                Ok(answer) => answer,
                Err(_elapsed) => {
                    let service = connection.service.name();
                    let _shown = self
                        .report
                        .waiting_unless_quiet(format_args!("waiting for {service}"));
                    calls.await
                }
            }
        })
    }

    /// Runs calls to their end. The caller reports their progress.
    pub fn block_on<F: Future>(&self, calls: F) -> F::Output {
        self.runtime.block_on(calls)
    }
}

/// How long to wait for a connection: short enough that a failed connection is known before the timeout.
pub(super) fn connect_timeout(connection: &Connection) -> Duration {
    CONNECT_TIMEOUT.min(connection.timeout.value / 2)
}

/// The configuration of a client. The SDK's loader is not used: it links and asks all sources of credentials and regions, which are
/// already decided.
fn config(connection: &Connection, route: &Route, client: SharedHttpClient) -> SdkConfig {
    let timeout = connection.timeout.value;
    // Like the SDK's loader, this ignores a name that the SDK rejects.
    let app_name = connection.app_id.clone().map(AppName::new);
    let mut builder = SdkConfig::builder();
    builder.set_app_name(app_name.and_then(Result::ok));
    builder
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(route.signing_region.value.clone()))
        .http_client(client)
        .time_source(Clock)
        // The timeout limits the whole call.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // The endpoint is already decided. The SDK would reject it together with settings for its own endpoints.
        .endpoint_url(route.url.to_string())
        .use_fips(false)
        .use_dual_stack(false)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(connect_timeout(connection))
                .operation_attempt_timeout(ATTEMPT_TIMEOUT.min(timeout))
                .build(),
        )
        .build()
}
