//! Examines a connection that failed: which certificate the server presents, and how the proxy responds. It sends nothing of the
//! request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::Ia5StringRef;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{DirectoryString, GeneralName};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::connect_error::{Presented, ProxyAnswer};
use crate::core::clock;
use crate::plan::Route;

/// How long to examine a connection.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes of a proxy's response are read.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 100;

/// The certificate that is presented at the end of a route.
pub(super) async fn certificate(route: &Route) -> Option<Presented> {
    let looking = async {
        let stream = open(route).await.ok()?;
        let name = ServerName::try_from(host(route).to_owned()).ok()?;
        let seen = Arc::new(Recorder::default());
        let config = ClientConfig::builder_with_provider(Arc::clone(&seen.provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Recorder>::clone(&seen))
            .with_no_client_auth();
        // It ends with the certificate, which is all that is needed.
        let _ = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        let certificate = seen
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        presented(&certificate?)
    };
    timeout(TIMEOUT, looking).await.ok().flatten()
}

/// The response of a proxy that does not allow a connection to the end of a route.
pub(super) async fn proxy_answer(route: &Route) -> Option<ProxyAnswer> {
    timeout(TIMEOUT, open(route)).await.ok()?.err()?
}

/// A connection to the end of a route, through its proxy; or the response of a proxy that does not allow it.
async fn open(route: &Route) -> Result<TcpStream, Option<ProxyAnswer>> {
    let port = route.url.port_u16();
    let port = port.unwrap_or(if route.url.scheme_str() == Some("http") {
        80
    } else {
        443
    });
    let Some(proxy) = route.proxy.as_ref().map(|proxy| &proxy.value) else {
        return TcpStream::connect((host(route), port))
            .await
            .map_err(|_| None);
    };
    if proxy.is_over_tls() {
        return Err(None);
    }
    let address = proxy.address().ok_or(None)?;
    let mut stream = TcpStream::connect(address).await.map_err(|_| None)?;
    let target = format!("{}:{port}", route.url.host().unwrap_or_default());
    let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(authorization.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await.map_err(|_| None)?;
    let mut answer = Vec::new();
    loop {
        if let Some(answer) = read(&answer).map_err(|_| None)? {
            return match answer.status {
                Some(200..300) => Ok(stream),
                _ => Err(Some(answer)),
            };
        }
        let count = stream.read_buf(&mut answer).await.map_err(|_| None)?;
        if count == 0 || answer.len() > LONGEST_HEAD {
            return Err(None);
        }
    }
}

/// The head of a proxy's response, once it is complete.
fn read(bytes: &[u8]) -> Result<Option<ProxyAnswer>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    if !response.parse(bytes)?.is_complete() {
        return Ok(None);
    }
    let asks =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("proxy-authenticate");
    let schemes = response.headers.iter().filter(asks).filter_map(|header| {
        let text = str::from_utf8(header.value).ok()?;
        text.split([' ', ',']).next().map(str::to_owned)
    });
    Ok(Some(ProxyAnswer {
        status: response.code,
        schemes: schemes.collect(),
    }))
}

fn host(route: &Route) -> &str {
    route
        .url
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
}

/// Rejects each certificate, and remembers it.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    certificate: Mutex<Option<CertificateDer<'static>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            certificate: Mutex::default(),
        }
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut seen = self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *seen = Some(end_entity.clone().into_owned());
        Err(taken_by_none())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(taken_by_none())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(taken_by_none())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn taken_by_none() -> rustls::Error {
    rustls::Error::General("no certificate is accepted".to_owned())
}

fn presented(certificate: &CertificateDer<'_>) -> Option<Presented> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let certificate = certificate.tbs_certificate();
    let names = certificate.get_extension::<SubjectAltName>().ok().flatten();
    let names = names.into_iter().flat_map(|(_critical, names)| names.0);
    let validity = certificate.validity();
    Some(Presented {
        subject: called(certificate.subject()),
        issuer: called(certificate.issuer()),
        not_before: date(&validity.not_before)?,
        not_after: date(&validity.not_after)?,
        names: names
            .filter_map(|name| match name {
                GeneralName::DnsName(name) => Some(name.to_string()),
                _ => None,
            })
            .collect(),
    })
}

/// The name for messages: the common name, the organization, or all that it has. `Name` itself would be shown with the names of its
/// attributes, and brings the names of thousands into the program.
fn called(name: &Name) -> String {
    let short = [name.common_name(), name.organization()];
    let short = short.into_iter().find_map(|part| part.ok().flatten());
    if let Some(short) = short {
        return short.value().into_owned();
    }
    let parts = name.iter().filter_map(|part| {
        let text = DirectoryString::try_from(&part.value).map(|text| text.value().into_owned());
        // Parts of a domain are of another type.
        let text =
            text.or_else(|_| Ia5StringRef::try_from(&part.value).map(|text| text.to_string()));
        text.ok()
    });
    let texts: Vec<String> = parts.collect();
    texts.join(", ")
}

fn date(time: &Time) -> Option<DateTime<Utc>> {
    let seconds = time.to_unix_duration().as_secs();
    clock::from_timestamp(i64::try_from(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_called_by_what_its_name_has() {
        for (name, expected) in [
            ("CN=Fake CA,O=Fake Company,C=DE", "Fake CA"),
            ("O=Fake Company,C=DE", "Fake Company"),
            ("OU=Fake Web,C=DE", "DE, Fake Web"),
            ("OU=Fake Web,DC=fake,DC=example", "example, fake, Fake Web"),
        ] {
            let name = name.parse().unwrap();
            assert_eq!(called(&name), expected);
        }
        assert_eq!(called(&Name::default()), "");
    }
}
