//! The way to the services of AWS: a client for each connection, made while a person types, and what keeps a request from
//! being answered. Knows of no service in particular.

mod http;
mod clients;
mod trouble;
mod request;

use std::mem::ManuallyDrop;
use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::config::SharedHttpClient;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::child;
use crate::plan::Connection;
use crate::report::Report;
pub use clients::{Tries, signing_credentials, signing_keys};
pub use request::{Request, Service, Signer, is_of_clock, masked};
pub use trouble::Trouble;

/// How long to wait for a connection, and for the whole answer. AWS answers within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);
/// After so long, whoever waits is told for what.
const SILENCE: Duration = Duration::from_secs(2);

/// Clients that are being made on threads of their own.
pub struct Preparation(Vec<(Connection, JoinHandle<Result<SharedHttpClient>>)>);

/// The way to the services, for each connection that was prepared.
pub struct Network {
    /// Never dropped: that would wait for a look-up of a name that hangs. It ends with the process.
    runtime: ManuallyDrop<Runtime>,
    connections: Vec<(Connection, SdkConfig)>,
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
pub fn prepare<'c>(connections: impl IntoIterator<Item = &'c Connection>) -> Result<Preparation> {
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
    pub fn finish(self) -> Result<Network> {
        let runtime = ManuallyDrop::new(child::runtime()?);
        let mut connections = Vec::new();
        for (connection, client) in self.0 {
            let Ok(client) = client.join() else {
                bail!("the HTTP client could not be made");
            };
            let config = runtime.block_on(config(&connection, client?));
            connections.push((connection, config));
        }
        Ok(Network {
            runtime,
            connections,
        })
    }
}

impl Network {
    /// Carries out calls to their end.
    pub fn block_on<F: Future>(&self, calls: F) -> F::Output {
        self.runtime.block_on(calls)
    }

    /// Carries out calls to their end, and says what for, if that takes long.
    pub fn wait_for<F: Future>(&self, service: Service, calls: F) -> F::Output {
        self.runtime.block_on(async {
            let mut calls = pin!(calls);
            match timeout(SILENCE, calls.as_mut()).await {
                Ok(answer) => answer,
                Err(_elapsed) => {
                    Report::notice(format_args!("waiting for {}", service.name()));
                    calls.await
                }
            }
        })
    }
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
