//! Classifies the errors of the libraries for HTTP, proxies and TLS by their types, and by their words only where a library keeps
//! its types private.

use std::error::Error;
use std::io;

use aws_smithy_async::future::timeout::TimedOutError;
use rustls::{CertificateError, OtherError};

use super::connect_error::{
    CertificateProblem, ConnectError, PROXY_AUTHENTICATION_REQUIRED, ProxyAnswer,
};
use super::lookup::LookupError;

/// Why a connection failed.
pub(super) fn connect_error(error: &(dyn Error + 'static)) -> ConnectError {
    match cause::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            return ConnectError::Distrust(certificate_problem(error), None);
        }
        Some(rustls::Error::InvalidMessage(_) | rustls::Error::AlertReceived(_)) => {
            return ConnectError::NoTls;
        }
        _ => {}
    }
    if let Some(error) = cause::<LookupError>(error) {
        return ConnectError::Lookup(*error);
    }
    match worded(error) {
        Some(Worded::ProxyAuthorization) => {
            return ConnectError::Proxy(ProxyAnswer {
                status: Some(PROXY_AUTHENTICATION_REQUIRED),
                schemes: Vec::new(),
            });
        }
        Some(Worded::NoTunnel) => return ConnectError::Proxy(ProxyAnswer::default()),
        Some(Worded::CutOff) | None => {}
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => ConnectError::Refused,
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            ConnectError::NoNetwork
        }
        Some(io::ErrorKind::TimedOut) => ConnectError::NoConnection,
        _ if cause::<TimedOutError>(error).is_some() => ConnectError::NoConnection,
        _ => ConnectError::Failed,
    }
}

/// What is wrong with a certificate.
fn certificate_problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        // The certificate of an authority, which most self-made certificates are.
        CertificateError::Other(OtherError(error))
            if matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            CertificateProblem::UnknownIssuer
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName
        }
        other => {
            let text = other.to_string();
            let word = text.split([' ', ':', ',', '(', '{']).next();
            CertificateProblem::Other(word.unwrap_or(&text).to_owned())
        }
    }
}

/// Whether a connection ended before the response did.
pub(super) fn is_cut_off(error: &(dyn Error + 'static)) -> bool {
    cause::<io::Error>(error).is_some() || worded(error) == Some(Worded::CutOff)
}

/// The kind of an error of the system, or of one like it.
pub(super) fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    cause::<io::Error>(error).map(io::Error::kind)
}

/// An error whose type is private to a library.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Worded {
    /// The proxy requires authentication.
    ProxyAuthorization,
    /// The proxy was reached, but opened no tunnel.
    NoTunnel,
    /// The connection ended before the response did.
    CutOff,
}

/// The only place that matches texts of the HTTP client: of hyper-util 0.1.21 (its tunnel), and of hyper 1.12.0 and h2 0.4.20 (an end
/// too early). `proxies` of tests/cli fails when the first ones change, and a test below when the last ones do.
fn worded(error: &(dyn Error + 'static)) -> Option<Worded> {
    let text = chain(error).map(ToString::to_string);
    let text = text.collect::<Vec<_>>().join(": ");
    if text.contains("tunnel error: proxy authorization required") {
        Some(Worded::ProxyAuthorization)
    } else if text.contains("tunnel error: ") && !text.contains("underlying connection") {
        Some(Worded::NoTunnel)
    } else if text.contains("connection closed") {
        Some(Worded::CutOff)
    } else {
        None
    }
}

/// The first error of a type in a chain.
pub(super) fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and its causes. An [`io::Error`] that wraps an error has that error's source as its own source, so it is unwrapped:
/// hyper-rustls 0.27.10 and tokio-rustls 0.26.6 wrap the errors of rustls.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
            Some(Some(held)) => Some(held as &(dyn Error + 'static)),
            _ => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{Shutdown, TcpListener};
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_sts::config::Credentials;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::crypto::ring;
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
    use stand_in::Authority;

    use super::{CertificateProblem, Worded, certificate_problem, worded};
    use crate::aws::network::http::Connectors;
    use crate::prompt::child;

    #[test]
    fn an_authority_that_is_its_own_server_is_an_unknown_issuer() {
        let pem = Authority::new("Fake Company CA").pem();
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let name = ServerName::try_from("localhost").unwrap();
        let found = verifier.build().unwrap().verify_server_cert(
            &certificate,
            &[],
            &name,
            &[],
            UnixTime::now(),
        );
        let Err(rustls::Error::InvalidCertificate(error)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(
            certificate_problem(&error),
            CertificateProblem::UnknownIssuer
        );
    }

    #[test]
    fn the_http_client_says_in_words_that_a_connection_ended_early() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0]).unwrap();
            // Everything is read, so that the connection ends and is not reset.
            stream.shutdown(Shutdown::Write).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKIAFAKE", "FakeSecret", None, None, ""))
            .http_client(
                Connectors::new(true, None, None, Duration::from_secs(5))
                    .unwrap()
                    .client(),
            )
            .retry_config(RetryConfig::disabled())
            .endpoint_url(url);
        let sts = aws_sdk_sts::Client::from_conf(config.build());
        let asked = child::runtime()
            .unwrap()
            .block_on(sts.get_caller_identity().send());
        server.join().unwrap();
        assert_eq!(worded(&asked.unwrap_err()), Some(Worded::CutOff));
    }
}
