//! A private certificate authority, and what it lets a server identify itself with. All keys are
//! made at run time.

use std::sync::Arc;

use chrono::{Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;

/// A certificate authority that nobody trusts who was not told to, by `AWS_CA_BUNDLE` for example.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// The certificate of a server, with its key.
#[derive(Clone, Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
}

impl Authority {
    /// An authority with a new key. Two with the same name don't vouch for each other's servers.
    ///
    /// # Panics
    /// If the system gives no random numbers.
    #[must_use]
    pub fn new(common_name: &str) -> Self {
        let mut certificate = certificate(common_name, &[], [-3650, 3650]);
        certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        certificate.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(certificate, new_key());
        let issuer = issuer.expect("a certificate of an authority");
        Self { issuer }
    }

    /// The certificate of the authority, as clients are given it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server with these DNS names and IP addresses. The first is also the
    /// common name of its subject.
    ///
    /// # Panics
    /// If there is no name, or if one has other letters than ASCII.
    #[must_use]
    pub fn identity(&self, names: &[&str]) -> Identity {
        self.issue(names, [-30, 365])
    }

    /// One that ended yesterday.
    ///
    /// # Panics
    /// As [`Authority::identity`] does.
    #[must_use]
    pub fn expired_identity(&self, names: &[&str]) -> Identity {
        self.issue(names, [-366, -1])
    }

    /// One that begins tomorrow.
    ///
    /// # Panics
    /// As [`Authority::identity`] does.
    #[must_use]
    pub fn future_identity(&self, names: &[&str]) -> Identity {
        self.issue(names, [1, 366])
    }

    fn issue(&self, names: &[&str], days: [i64; 2]) -> Identity {
        let common_name = names.first().expect("the name of a server");
        let mut certificate = certificate(common_name, names, days);
        certificate.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        certificate.use_authority_key_identifier_extension = true;
        let key = new_key();
        let certificate = certificate.signed_by(&key, &self.issuer);
        let certificate = certificate.expect("a certificate of a server");

        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions that ring has")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into());
        let mut config = config.expect("a key that fits its certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Identity {
            config: Arc::new(config),
        }
    }
}

impl Identity {
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("random numbers")
}

/// A certificate that is good from one day to another, counted from today.
fn certificate(common_name: &str, names: &[&str], days: [i64; 2]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut certificate = CertificateParams::new(names).expect("names of ASCII letters");
    let name = &mut certificate.distinguished_name;
    name.remove(DnType::CommonName);
    name.push(DnType::CommonName, common_name);
    [certificate.not_before, certificate.not_after] = days.map(|days| {
        let day = (Utc::now() + TimeDelta::days(days)).date_naive();
        let part = |number| u8::try_from(number).expect("a month or a day");
        date_time_ymd(day.year(), part(day.month()), part(day.day()))
    });
    certificate
}
