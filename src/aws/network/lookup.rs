//! Looks up the addresses of a host. Unlike the HTTP client's own lookup, it distinguishes a name that does not exist from DNS servers
//! that do not respond, continues after the try that began it, and puts another address first for each try until one works.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Why a name has no address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LookupError {
    /// DNS does not have it.
    UnknownName,
    /// DNS was not available.
    NoDns,
}

/// The lookups of a client.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// How long a try may wait for addresses.
    limit: Duration,
    hosts: Arc<Mutex<HashMap<String, Host>>>,
    /// The address of the last connection that had a response.
    works: Arc<Mutex<Option<IpAddr>>>,
}

type Addresses = io::Result<Vec<IpAddr>>;

#[derive(Debug, Default)]
struct Host {
    /// Those since a connection last had a response.
    tries: usize,
    /// A lookup that took longer than its try. The system asks the next DNS server only after several seconds.
    late: Option<JoinHandle<Addresses>>,
}

impl Lookup {
    /// Lookups for connections that may take this long.
    pub fn within(connect_timeout: Duration) -> Self {
        Self {
            // Before the connection times out, so that a slow lookup is reported as such.
            limit: connect_timeout * 9 / 10,
            hosts: Arc::default(),
            works: Arc::default(),
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let late = self.of(name, |host| host.late.take());
        let owned = name.to_owned();
        let mut lookup = late.unwrap_or_else(|| spawn_blocking(move || look_up(&owned)));
        match timeout(self.limit, &mut lookup).await {
            Ok(Ok(Ok(addresses))) => Ok(self.for_next_try(name, addresses)),
            Ok(Ok(Err(error))) => Err(LookupError::of(&error)),
            Ok(Err(_panicked)) => Err(LookupError::NoDns),
            Err(_elapsed) => {
                self.of(name, |host| host.late = Some(lookup));
                Err(LookupError::NoDns)
            }
        }
    }

    fn for_next_try(&self, name: &str, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let tries = self.of(name, |host| {
            host.tries += 1;
            host.tries - 1
        });
        let works = *self.works.lock().unwrap_or_else(PoisonError::into_inner);
        rotated(addresses, works, tries)
    }

    /// A connection to this address had a response.
    fn works(&self, address: IpAddr) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        for host in hosts.values_mut() {
            host.tries = 0;
        }
        *self.works.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    fn of<T>(&self, name: &str, change: impl FnOnce(&mut Host) -> T) -> T {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        change(hosts.entry(name.to_owned()).or_default())
    }
}

impl ResolveDns for Lookup {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async { self.addresses(name).await.map_err(ResolveDnsError::new) })
    }
}

/// Learns which address works.
impl Intercept for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn read_before_deserialization(
        &self,
        _context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let connection = config.load::<CaptureSmithyConnection>();
        let connection = connection.and_then(CaptureSmithyConnection::get);
        if let Some(address) = connection.and_then(|connection| connection.remote_addr()) {
            self.works(address.ip());
        }
        Ok(())
    }
}

fn look_up(name: &str) -> Addresses {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// The same addresses, and each try has another one first, beginning with one that works. The family that the system prefers, or that
/// works, stays first: the HTTP client tries the other one if that takes too long, but waits for the first address of a family.
fn rotated(addresses: Vec<IpAddr>, works: Option<IpAddr>, tries: usize) -> Vec<IpAddr> {
    let works = works.filter(|works| addresses.contains(works));
    let Some(first) = works.or_else(|| addresses.first().copied()) else {
        return addresses;
    };
    let preferred = |address: &IpAddr| address.is_ipv6() == first.is_ipv6();
    let (mut preferred, mut others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(preferred);
    for family in [&mut preferred, &mut others] {
        let start = family.iter().position(|address| *address == first);
        let by = (start.unwrap_or_default() + tries) % family.len().max(1);
        family.rotate_left(by);
    }
    preferred.append(&mut others);
    preferred
}

impl LookupError {
    pub fn words(self) -> &'static str {
        match self {
            Self::UnknownName => "its name was not found in DNS",
            Self::NoDns => "its name could not be looked up in DNS",
        }
    }

    fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(WSAHOST_NOT_FOUND | WSANO_DATA) if cfg!(windows) => Self::UnknownName,
            Some(_) => Self::NoDns,
            // The standard library has the C library's words for it, but not its number.
            None => {
                let text = error.to_string();
                if NOT_AVAILABLE.iter().any(|words| text.contains(words)) {
                    Self::NoDns
                } else {
                    Self::UnknownName
                }
            }
        }
    }
}

/// What the C libraries call `EAI_AGAIN`, those of GNU and Apple, and musl; and what all of them call `EAI_FAIL`.
const NOT_AVAILABLE: [&str; 3] = [
    "Temporary failure in name resolution",
    "Try again",
    "Non-recoverable",
];
/// The errors of Windows for names, see <https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2>.
const WSAHOST_NOT_FOUND: i32 = 11_001;
const WSANO_DATA: i32 = 11_004;

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl Error for LookupError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_unknown_only_if_dns_says_so() {
        for (text, expected) in [
            ("Name or service not known", LookupError::UnknownName),
            ("Name does not resolve", LookupError::UnknownName),
            (
                "nodename nor servname provided, or not known",
                LookupError::UnknownName,
            ),
            (
                "No address associated with hostname",
                LookupError::UnknownName,
            ),
            ("Temporary failure in name resolution", LookupError::NoDns),
            ("Try again", LookupError::NoDns),
            (
                "Non-recoverable failure in name resolution",
                LookupError::NoDns,
            ),
            ("Non-recoverable error", LookupError::NoDns),
        ] {
            let error = io::Error::other(format!("failed to lookup address information: {text}"));
            assert_eq!(LookupError::of(&error), expected, "{text}");
        }
        let of_system = io::Error::from_raw_os_error(2);
        assert_eq!(LookupError::of(&of_system), LookupError::NoDns);
    }

    #[test]
    fn each_try_has_another_address_of_the_same_family_first() {
        let addresses: Vec<IpAddr> = ["::1", "192.0.2.1", "::2", "192.0.2.2", "192.0.2.3"]
            .map(|address| address.parse().unwrap())
            .into();
        for (tries, expected) in [
            (0, ["::1", "::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"]),
            (1, ["::2", "::1", "192.0.2.2", "192.0.2.3", "192.0.2.1"]),
            (5, ["::2", "::1", "192.0.2.3", "192.0.2.1", "192.0.2.2"]),
        ] {
            let found = rotated(addresses.clone(), None, tries).into_iter();
            assert!(found.map(|address| address.to_string()).eq(expected));
        }
        assert_eq!(rotated(Vec::new(), None, 1), Vec::<IpAddr>::new());
    }

    #[test]
    fn an_address_that_works_stays_first_until_a_try_fails() {
        let [a, b, c, other] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "::1"]
            .map(|address| -> IpAddr { address.parse().unwrap() });
        let lookup = Lookup::within(Duration::from_secs(1));
        let next = || lookup.for_next_try("host", vec![a, b, c, other]);
        assert_eq!(next(), [a, b, c, other]);
        assert_eq!(next(), [b, c, a, other]);
        lookup.works(b);
        assert_eq!(next(), [b, c, a, other]);
        lookup.works(b);
        assert_eq!(next(), [b, c, a, other]);
        assert_eq!(next(), [c, a, b, other]);
        lookup.works(other);
        assert_eq!(next(), [other, a, b, c]);
        // It may have been taken out of DNS.
        lookup.works("192.0.2.9".parse().unwrap());
        assert_eq!(next(), [a, b, c, other]);
    }
}
