//! A loopback HTTP proxy, as firms put one between their people and the world. Whatever host it is
//! asked for, it leads to one address on the loopback interface.

mod relay;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::connections::{ANY_PORT, Listener};
use relay::Relay;

/// Where a proxy leads, and whom it lets through.
#[derive(Clone, Debug)]
pub struct Route {
    end: End,
    /// `USER:PASSWORD`.
    login: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    To(SocketAddr),
    Refused(u16),
    Silence,
    Closed,
}

impl Route {
    /// Leads to this address, tunnels and plain requests alike. For a
    /// [`StandIn`](crate::StandIn), that is its [`address`](crate::StandIn::address).
    ///
    /// # Panics
    /// If the address is not on the loopback interface.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        let is_loopback = address.ip().is_loopback();
        assert!(is_loopback, "{address} is not a loopback address");
        Self::ending(End::To(address))
    }

    /// Refuses every request with this status, such as 403 or 502, and an HTML page.
    #[must_use]
    pub fn refused(status: u16) -> Self {
        Self::ending(End::Refused(status))
    }

    /// Reads every request, and never answers.
    #[must_use]
    pub fn hanging() -> Self {
        Self::ending(End::Silence)
    }

    /// Closes every connection at once, so that there are no requests.
    #[must_use]
    pub fn closing() -> Self {
        Self::ending(End::Closed)
    }

    /// Lets through only who logs in; others get status 407, and then may try again on the same
    /// connection.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some(format!("{user}:{password}"));
        self
    }

    fn ending(end: End) -> Self {
        Self { end, login: None }
    }
}

/// A request that a proxy got, be it let through or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRequest {
    /// `CONNECT` for a tunnel.
    pub method: String,
    /// As it was prompt: `HOST:PORT` for a tunnel, or else a whole URL.
    pub target: String,
    /// `USER:PASSWORD`, if the client gave them. What cannot be decoded is kept as it came.
    pub authorization: Option<String>,
}

/// A running HTTP proxy. It stops, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    relay: Arc<Relay>,
    listener: Listener,
}

impl Proxy {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Panics
    /// If the machine has no loopback interface or no free port.
    #[must_use]
    pub fn start(route: Route) -> Self {
        let relay = Arc::new(Relay::new(route));
        let for_threads = Arc::clone(&relay);
        let listener = Listener::start(ANY_PORT, move |stream, connections| {
            for_threads.serve(stream, connections);
        });
        let listener = listener.expect("a free port on 127.0.0.1");
        Self { relay, listener }
    }

    /// What clients are given as their proxy, such as `http://127.0.0.1:34567`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens, such as `127.0.0.1:34567`: to write a URL with a user and a password.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// All requests so far, in the order in which they were read.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxyRequest> {
        self.relay.requests().clone()
    }
}
