//! The stand-in itself: how it starts and stops, and what a test may ask of it.

mod devices;
mod keys;
mod logins;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::Account;
use crate::authority::Identity;
use crate::connections::{ANY_PORT, Listener};
use crate::exchange::Request;
use crate::faults::{Fault, Faults};
use crate::serving::Shared;

/// A running stand-in for AWS STS and IAM. It stops, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    shared: Arc<Shared>,
    listener: Listener,
}

impl StandIn {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Panics
    /// If the machine has no loopback interface or no free port.
    #[must_use]
    pub fn start(account: Account) -> Self {
        Self::start_on(ANY_PORT, account).expect("a free port on 127.0.0.1")
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// If the address is in use, or is not on the loopback interface.
    pub fn start_on(address: SocketAddr, account: Account) -> io::Result<Self> {
        Self::start_with(address, Shared::new(account, None))
    }

    /// Starts on a free port of the loopback interface, and speaks TLS.
    ///
    /// # Panics
    /// If the machine has no loopback interface or no free port.
    #[must_use]
    pub fn start_tls(account: Account, identity: &Identity) -> Self {
        Self::start_tls_on(ANY_PORT, account, identity).expect("a free port on 127.0.0.1")
    }

    /// Starts on this address, and speaks TLS.
    ///
    /// # Errors
    /// If the address is in use, or is not on the loopback interface.
    pub fn start_tls_on(
        address: SocketAddr,
        account: Account,
        identity: &Identity,
    ) -> io::Result<Self> {
        Self::start_with(address, Shared::new(account, Some(identity.clone())))
    }

    fn start_with(address: SocketAddr, shared: Shared) -> io::Result<Self> {
        let shared = Arc::new(shared);
        let for_threads = Arc::clone(&shared);
        let listener = Listener::start(address, move |stream, connections| {
            for_threads.serve(stream, connections)
        })?;
        Ok(Self { shared, listener })
    }

    /// The endpoint, such as `http://127.0.0.1:34567`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme(), self.address())
    }

    /// Where it listens, such as `127.0.0.1:34567`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// All requests so far, in the order in which they were read.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// How many requests there were so far, unread ones counted.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.shared.state().requests.len()
    }

    /// How many connections ended before client and stand-in had come to speak TLS. The last may
    /// be counted a moment after the client gave up. None of them is a call, and no fault strikes
    /// one.
    #[must_use]
    pub fn handshakes_failed(&self) -> usize {
        self.shared.state().handshakes_failed
    }

    /// Everything secret that the stand-in knows or has given out, in the order of the alphabet:
    /// the secret access keys of the account, those and the tokens of all sessions, the seeds of
    /// all devices, deleted ones too, and the codes that a test was shown.
    ///
    /// Codes are six digits, which may well occur by chance in other numbers.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.state().cloud.secrets.list()
    }

    /// The time by the stand-in's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.state().now()
    }

    /// Puts the stand-in's clock this far ahead of the real one, or behind it if negative.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.shared.state().clock_offset = offset;
    }

    /// From now on, STS does not know a device that was just enabled for so many tries. AWS takes
    /// about ten seconds until it does. The tries are not counted.
    pub fn devices_are_seen_after(&self, calls: usize) {
        self.shared.state().cloud.verifications.seen_after = calls;
    }

    /// Lets the next request go wrong. More calls let the requests after it go wrong, in order.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.once.push_back(fault);
    }

    /// Lets every request go wrong for which no other fault is queued.
    pub fn fault_always(&self, fault: Fault) {
        self.shared.state().faults.always = Some(fault);
    }

    /// Takes back all faults that have not struck.
    pub fn clear_faults(&self) {
        self.shared.state().faults = Faults::default();
    }

    /// Grants sessions of at most so many seconds from now on, whatever is asked for.
    pub fn granted_at_most(&self, seconds: u32) {
        self.shared.state().cloud.granted_at_most = Some(seconds);
    }

    /// The same for the sessions of roles alone.
    pub fn roles_granted_at_most(&self, seconds: u32) {
        self.shared.state().cloud.roles_granted_at_most = Some(seconds);
    }

    /// Closes each connection after its next answer from now on, without having said so: as front
    /// ends do that were left idle for too long.
    pub fn hang_up_after_answers(&self) {
        self.shared.state().hangs_up = true;
    }
}
