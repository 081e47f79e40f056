//! A server from which AWS SDKs get the credentials of profiles, and get new ones before those end: for `exec --server` and `serve`.
//!
//! It speaks the protocol of the container credentials provider, which every AWS SDK has
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>). The server itself holds the credentials that it
//! serves and nothing else: for each renewal it runs this program again, which reads the files, asks for a code, and calls AWS. So a
//! prompt, a signal, or a failure never ends the server.

mod flags;
pub(super) mod handover;
mod renewal;
mod supply;
mod http;
#[cfg_attr(unix, path = "server/ending/unix.rs")]
#[cfg_attr(windows, path = "server/ending/windows.rs")]
mod ending;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::{LocalSet, spawn_local};

pub(super) use self::http::Route;
pub(super) use self::renewal::{Asking, FirstCredentials, obtain_first};
use self::supply::Supply;
use crate::core::credentials::Secret;
use crate::core::error::{Failure, reason};
use crate::prompt::child;

/// Any free port that only this machine reaches.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How long before the end of credentials new ones are obtained, in seconds. The SDKs ask for new ones 15 minutes before the end, or later.
pub(super) const RENEW_BEFORE: u64 = 900;
/// A token has as many random bytes.
const TOKEN_BYTES: usize = 32;

/// The variable with the URL.
pub(super) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// The variable with the token.
pub(super) const AUTHORIZATION_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/// A time before the end of credentials. More than a century is as good as a century.
pub(super) fn margin(seconds: u64) -> TimeDelta {
    TimeDelta::seconds(i64::from(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// Has Linux end this process if the server that runs it ends: nobody would take what it prints.
pub(super) fn end_with_server() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};

        // If it fails, this process ends by itself.
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
    }
}

/// A server that is listening, and does not answer yet.
pub(super) struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    routes: Vec<Route>,
    renewals: Vec<Rc<Supply>>,
    prompting: Rc<Mutex<()>>,
}

impl Server {
    /// Listens on an address.
    pub(super) fn listen(address: SocketAddr) -> Result<Self> {
        let runtime = child::runtime()?;
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .map_err(|error| not_listening(address, &error))?;
        let address = listener.local_addr().context("the server has no address")?;
        Ok(Self {
            runtime,
            listener,
            address,
            routes: Vec::new(),
            renewals: Vec::new(),
            prompting: Rc::default(),
        })
    }

    /// Serves credentials at a path from now on, and renews them.
    pub(super) fn add(&mut self, path: &str, first: FirstCredentials) -> Result<&Route> {
        let supply = Rc::new(Supply::new(first, Rc::clone(&self.prompting)));
        self.renewals.push(Rc::clone(&supply));
        self.routes.push(Route {
            url: format!("http://{}{path}", reachable(self.address)),
            path: path.to_owned(),
            token: token()?,
            supply,
        });
        Ok(&self.routes[self.routes.len() - 1])
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers and renews until a signal ends this process.
    pub(super) fn run_until_signal(self) -> ExitCode {
        let ended = self.run(ending::wait());
        ending::end(&ended)
    }

    /// Answers and renews as long as something else takes.
    pub(super) fn run<T>(self, meanwhile: impl Future<Output = T>) -> T {
        let Self {
            runtime,
            listener,
            routes,
            renewals,
            ..
        } = self;
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, async move {
            for supply in renewals {
                spawn_local(async move { supply.keep_renewed().await });
            }
            spawn_local(http::serve(listener, routes));
            meanwhile.await
        })
    }
}

/// Where this machine reaches a server: AWS tools refuse the address that stands for all of a machine's addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn not_listening(address: SocketAddr, error: &io::Error) -> Failure {
    // The words of the systems differ.
    let (why, hint) = match error.kind() {
        ErrorKind::AddrInUse => (
            "another program uses it",
            "name another port, or port 0 for any free one",
        ),
        ErrorKind::AddrNotAvailable => (
            "this machine does not have the address",
            "name an address of this machine, such as 127.0.0.1:0",
        ),
        ErrorKind::PermissionDenied => ("the port is reserved", "name a port above 1023"),
        _ => (&*reason(error), "name another address and port"),
    };
    Failure::new(format!("the server cannot listen on {address}: {why}")).hint(hint)
}

/// A token that nobody can guess, in hexadecimal.
pub(super) fn token() -> Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new([0; TOKEN_BYTES]);
    SystemRandom::new()
        .fill(&mut bytes[..])
        .map_err(|_| Failure::new("the system has no random numbers for a token"))?;
    let mut text = String::with_capacity(2 * TOKEN_BYTES);
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_program_is_told_an_address_that_it_can_reach() {
        for (listening, told) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("127.0.0.2:1", "127.0.0.2:1"),
            ("169.254.170.2:1", "169.254.170.2:1"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()).to_string(), told);
        }
    }
}
