//! Carries out a plan: one call of STS with the code. Nothing here knows of flags, files or outputs.

mod explain;

use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::config::{Credentials as SdkCredentials, SharedHttpClient};
use aws_smithy_http_client::{Builder, Connector, proxy, tls};
use chrono::{DateTime, Utc};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::credentials::{Credentials, LongTermKeys, Secret};
use crate::error::Failure;
use crate::mfa_code::MfaCode;
use crate::plan::{Call, Chosen, Connection, Plan};
use crate::profiles::reason;
use explain::explain;

/// How long to wait for a connection, and for the whole answer. STS answers within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// A client that is being made on a thread of its own, while the person types the code.
pub struct Preparation(JoinHandle<Result<Client>>);

struct Client {
    runtime: tokio::runtime::Runtime,
    sts: aws_sdk_sts::Client,
}

/// Begins to make the client.
///
/// # Errors
/// When the CA bundle cannot be used.
pub fn prepare(plan: &Plan) -> Result<Preparation> {
    let (keys, connection) = (plan.keys.clone(), plan.connection.clone());
    let bundle = connection
        .ca_bundle
        .as_ref()
        .map(certificates)
        .transpose()?;
    Ok(Preparation(thread::spawn(move || {
        Client::new(&keys, &connection, bundle)
    })))
}

impl Preparation {
    /// Calls STS, once: an answer that is lost may have used up the code.
    ///
    /// # Errors
    /// Each of STS's refusals, and each way not to reach it, in a sentence of its own.
    pub fn exchange(self, plan: &Plan, code: &MfaCode) -> Result<Credentials> {
        let Ok(client) = self.0.join() else {
            bail!("the HTTP client could not be made");
        };
        let Client { runtime, sts } = client?;
        let answer = runtime.block_on(call(&sts, plan, code));
        // A name look-up that hangs must not delay the end.
        runtime.shutdown_background();
        granted(answer?, plan)
    }
}

async fn call(
    sts: &aws_sdk_sts::Client,
    plan: &Plan,
    code: &MfaCode,
) -> Result<Option<aws_sdk_sts::types::Credentials>> {
    let seconds = i32::try_from(plan.duration.value)?;
    let serial_number = plan.device.value.as_str();
    Ok(match &plan.call {
        Call::GetSessionToken => {
            sts.get_session_token()
                .duration_seconds(seconds)
                .serial_number(serial_number)
                .token_code(code.expose())
                .send()
                .await
                .map_err(|error| explain(&error, plan, code))?
                .credentials
        }
        Call::AssumeRole(role) => {
            sts.assume_role()
                .role_arn(&role.arn.value)
                .role_session_name(&role.session_name.value)
                .set_external_id(role.external_id.as_ref().map(|id| id.value.clone()))
                .duration_seconds(seconds)
                .serial_number(serial_number)
                .token_code(code.expose())
                .send()
                .await
                .map_err(|error| explain(&error, plan, code))?
                .credentials
        }
    })
}

impl Client {
    fn new(keys: &LongTermKeys, connection: &Connection, bundle: Option<Vec<u8>>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime for network calls could not be made")?;
        let credentials = SdkCredentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            None,
            None,
            "mfa-creds",
        );
        // The SDK drops a whole file for one malformed line, and looks for more than is wanted: it gets an empty one.
        let no_files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, "")
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .profile_files(no_files)
            .region(Region::new(connection.region.value.clone()))
            .credentials_provider(credentials)
            .http_client(http_client(connection, bundle)?)
            .retry_config(RetryConfig::disabled())
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
        let shared = runtime.block_on(loader.load());
        let mut config = aws_sdk_sts::config::Builder::from(&shared);
        config.set_endpoint_url(
            connection
                .endpoint_url
                .as_ref()
                .map(|url| url.value.clone()),
        );
        let sts = aws_sdk_sts::Client::from_conf(config.build());
        Ok(Self { runtime, sts })
    }
}

fn granted(answer: Option<aws_sdk_sts::types::Credentials>, plan: &Plan) -> Result<Credentials> {
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
        bail!(explain::not_from_sts(plan, "it holds no credentials"));
    };
    let expiration = DateTime::from_timestamp(answer.expiration.secs(), 0)
        .ok_or_else(|| explain::not_from_sts(plan, "its expiration is no date"))?;
    if expiration <= Utc::now() {
        bail!(
            Failure::new(format!(
                "what {} granted ended at {expiration} already",
                explain::host(plan)
            ))
            .hint("is the clock of this machine right? see `date -u`")
        );
    }
    Ok(Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: Secret::new(answer.secret_access_key),
        session_token: Secret::new(answer.session_token),
        expiration,
        role_arn: match &plan.call {
            Call::GetSessionToken => None,
            Call::AssumeRole(role) => Some(role.arn.value.clone()),
        },
    })
}

fn http_client(connection: &Connection, bundle: Option<Vec<u8>>) -> Result<SharedHttpClient> {
    let plain = connection
        .endpoint_url
        .as_ref()
        .is_some_and(|url| url.value.starts_with("http://"));
    let trust = if plain { None } else { Some(trust(bundle)?) };
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxy::ProxyConfig::from_env());
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
fn certificates(
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
