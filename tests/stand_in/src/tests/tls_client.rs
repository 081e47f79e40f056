//! A client that speaks TLS, and trusts one authority.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::Authority;

type Versions = &'static [&'static SupportedProtocolVersion];

pub(super) const OLD: Versions = &[&TLS12];
pub(super) const NEW: Versions = &[&TLS13];
pub(super) const BOTH: Versions = &[&TLS12, &TLS13];

/// A connection to a server that is trusted.
pub(super) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// What a client trusts, and how it speaks.
pub(super) struct Trust {
    pem: String,
    pub(super) versions: Versions,
}

impl Trust {
    pub(super) fn of(authority: &Authority) -> Self {
        let (pem, versions) = (authority.pem(), BOTH);
        Self { pem, versions }
    }

    /// Comes to speak TLS, if the server is the one with this name.
    pub(super) fn speak(&self, stream: TcpStream, name: &'static str) -> io::Result<Stream> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let session = ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}
