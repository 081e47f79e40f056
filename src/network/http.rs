//! The HTTP client: proxies from the environment, and the certificates that are trusted.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::{Builder, Connector, proxy, tls};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::error::Failure;
use crate::plan::Chosen;
use crate::profiles::reason;

/// How long a connection may be idle and still be used again. Nobody looks after it while a person types, and a code that goes
/// out on one that the other side has closed meanwhile counts as used up.
const IDLE: Duration = Duration::from_secs(1);

/// Makes a client: without TLS, or with the certificates of a bundle, or with those of the system.
///
/// # Errors
/// When the certificates cannot be used.
pub(super) fn client(plain: bool, bundle: Option<Vec<u8>>) -> Result<SharedHttpClient> {
    let trust = if plain { None } else { Some(trust(bundle)?) };
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder()
                .proxy_config(proxy::ProxyConfig::from_env())
                .pool_idle_timeout(IDLE);
            connector.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                connector.set_sleep_impl(components.sleep_impl());
            }
            match trust.clone() {
                None => connector.build_http(),
                Some(trust) => connector
                    .tls_provider(tls::Provider::Rustls(
                        tls::rustls_provider::CryptoMode::Ring,
                    ))
                    .tls_context(trust)
                    .build(),
            }
        }),
    )
}

/// The certificates to trust: those of the bundle, else the system's.
fn trust(bundle: Option<Vec<u8>>) -> Result<tls::TlsContext> {
    let context = tls::TlsContext::builder();
    match bundle {
        Some(pem) => context.with_trust_store(tls::TrustStore::empty().with_pem_certificate(pem)),
        None => context,
    }
    .build()
    .context("the CA bundle cannot be used")
}

/// Reads a CA bundle. The HTTP client would panic at a certificate that it cannot read, and take an empty bundle.
pub(super) fn certificates(
    Chosen {
        value: path,
        origin,
    }: &Chosen<String>,
) -> Result<Vec<u8>> {
    let wrong = |problem: &str| {
        Failure::new(format!("the CA bundle {path} ({origin}) {problem}"))
            .hint("it must be a file of PEM certificates, each with a BEGIN CERTIFICATE line")
    };
    let pem = std::fs::read(path)
        .map_err(|error| wrong(&format!("cannot be read: {}", reason(&error))))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        count += 1;
        let readable = certificate.is_ok_and(|der| webpki::anchor_from_trusted_cert(&der).is_ok());
        if !readable {
            bail!(wrong(&format!(
                "cannot be used: certificate {count} is broken"
            )));
        }
    }
    if count == 0 {
        bail!(wrong("holds no certificate"));
    }
    Ok(pem)
}
