//! Configures the HTTP client: the proxy of the environment, and the certificates to trust.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sts::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::lookup::Lookup;
use crate::core::error::{Failure, reason};
use crate::core::regular_file;
use crate::plan::{Proxy, Setting};

/// How long a connection may be idle and still be used again. Nothing watches it while a person types, and a code that is sent on a
/// connection that the other side has closed counts as used up.
const IDLE: Duration = Duration::from_secs(1);

/// What every connector of a route has.
#[derive(Clone, Debug)]
pub(super) struct Connectors {
    proxy: ProxyConfig,
    trust: tls::TlsContext,
    /// It must be told of responses.
    pub lookup: Lookup,
}

impl Connectors {
    /// Prepares connectors: without TLS, with the certificates of a bundle, or with those of the system.
    pub fn new(
        plain: bool,
        bundle: Option<Vec<u8>>,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self> {
        Ok(Self {
            trust: trust(plain, bundle)?,
            lookup: Lookup::within(connect_timeout),
            proxy: proxy_config(proxy)?,
        })
    }

    /// Creates a client for the SDK.
    pub fn client(&self) -> SharedHttpClient {
        let connectors = self.clone();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let sleep = components.map(RuntimeComponents::sleep_impl);
            connectors.connector(settings.cloned(), sleep.flatten())
        })
    }

    /// Creates a connector.
    pub fn connector(
        &self,
        settings: Option<HttpConnectorSettings>,
        sleep: Option<SharedAsyncSleep>,
    ) -> Connector {
        let mut connector = Connector::builder()
            .proxy_config(self.proxy.clone())
            .pool_idle_timeout(IDLE);
        connector.set_connector_settings(settings);
        connector.set_sleep_impl(sleep);
        connector
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .tls_context(self.trust.clone())
            .build_with_resolver(self.lookup.clone())
    }
}

fn proxy_config(proxy: Option<&Proxy>) -> Result<ProxyConfig> {
    Ok(match proxy {
        // Its errors may contain the password.
        Some(proxy) => match ProxyConfig::all(proxy.url().expose()) {
            Ok(config) => config,
            Err(_not_shown) => bail!("the proxy {proxy} cannot be used"),
        },
        None => ProxyConfig::disabled(),
    })
}

/// The certificates to trust: none without TLS, those of the bundle, or the system's.
fn trust(plain: bool, bundle: Option<Vec<u8>>) -> Result<tls::TlsContext> {
    let context = tls::TlsContext::builder();
    let none = tls::TrustStore::empty();
    match bundle {
        _ if plain => context.with_trust_store(none),
        Some(pem) => context.with_trust_store(none.with_pem_certificate(pem)),
        None => context,
    }
    .build()
    .context("the CA bundle cannot be used")
}

/// The content of a CA bundle.
pub struct Certificates {
    /// The certificates that the HTTP client can read. It would panic at others.
    pub pem: Vec<u8>,
    pub usable: usize,
    pub broken: usize,
}

/// Reads a CA bundle.
pub fn certificates(
    Setting {
        value: path,
        origin,
    }: &Setting<String>,
) -> Result<Certificates> {
    let wrong = |problem: &str| {
        Failure::new(format!("the CA bundle {path} ({origin}) {problem}"))
            .hint("use a file of PEM certificates, each with a BEGIN CERTIFICATE line")
    };
    let pem = regular_file::read(Path::new(path))
        .map_err(|error| wrong(&format!("cannot be read: {}", reason(&error))))?;
    let text = String::from_utf8_lossy(&pem);
    let blocks: Vec<&str> = text
        .split_inclusive(END)
        .filter_map(|part| part.split_once(BEGIN))
        .map(|(_between, body)| body)
        .collect();
    let (mut usable, mut count) = (String::new(), 0);
    for block in &blocks {
        let block = format!("{BEGIN}{block}\n");
        let certificate = CertificateDer::from_pem_slice(block.as_bytes());
        if certificate.is_ok_and(|der| webpki::anchor_from_trusted_cert(&der).is_ok()) {
            usable.push_str(&block);
            count += 1;
        }
    }
    if blocks.is_empty() {
        bail!(wrong("contains no certificate"));
    }
    if usable.is_empty() {
        bail!(wrong("cannot be used: its certificates are invalid"));
    }
    Ok(Certificates {
        pem: usable.into_bytes(),
        usable: count,
        broken: blocks.len() - count,
    })
}

/// Around each certificate, see <https://datatracker.ietf.org/doc/html/rfc7468#section-5>.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
