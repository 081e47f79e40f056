//! The bytes of a connection, with TLS or without it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::authority::Identity;

/// A stream of bytes from and to a client.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    /// Comes to terms with a client, who expects TLS if there is an identity.
    pub(crate) fn accept(stream: TcpStream, identity: Option<&Identity>) -> io::Result<Self> {
        let Some(identity) = identity else {
            return Ok(Self::Plain(stream));
        };
        let session = ServerConnection::new(identity.config()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Lets the connection be reset when it is dropped, in place of being closed in order.
    pub(crate) fn reset_at_end(&self) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        };
        // If it fails the client was faster.
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }

    /// Says that nothing more comes, as far as there is a way to say it.
    pub(crate) fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            // The client may be gone.
            let _ = stream.flush();
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
