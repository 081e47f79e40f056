//! The stand-in itself: how it starts and stops, and what a test may ask of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::Account;
use crate::connections::{PATIENCE, Shared, accept};
use crate::device::Device;
use crate::encoding::base32;
use crate::exchange::{Request, State};
use crate::faults::{Fault, Faults};
use crate::mfa::TOLERANCE;

/// A running stand-in for AWS STS and IAM. It stops, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl StandIn {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Panics
    /// If the machine has no loopback interface or no free port.
    #[must_use]
    pub fn start(account: Account) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_on(address, account).expect("a free port on 127.0.0.1")
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// If the address is in use, or is not on the loopback interface.
    pub fn start_on(address: SocketAddr, account: Account) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let message = format!("{address} is not a loopback address");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(account));
        let for_thread = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(move || accept(&listener, &for_thread))?;
        Ok(Self {
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The endpoint, such as `http://127.0.0.1:34567`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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

    /// The time by the stand-in's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.state().now()
    }

    /// Puts the stand-in's clock this far ahead of the real one, or behind it if negative.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.shared.state().clock_offset = offset;
    }

    /// The code that the device shows now, by the stand-in's clock and as far as the device's own
    /// is off from it. It may have been used.
    ///
    /// # Panics
    /// If there is no such device, enabled or not, or if it shows no codes.
    #[must_use]
    pub fn code(&self, serial: &str) -> String {
        self.code_at_step(serial, 0)
    }

    /// The code that the device shows so many steps of 30 seconds later, or earlier if negative.
    ///
    /// # Panics
    /// If there is no such device, enabled or not, or if it shows no codes.
    #[must_use]
    pub fn code_at_step(&self, serial: &str, offset: i64) -> String {
        let state = self.shared.state();
        let device = device(&state, serial);
        shown(device, device.step_at(state.now()) + offset)
    }

    /// A code that was not used yet, and that is good now if the device is not out of step. It is
    /// not set aside: until it is used, the next call gives the same one.
    ///
    /// # Panics
    /// If there is no such device, enabled or not, if it shows no codes, or if all five codes that
    /// are good now were used.
    #[must_use]
    pub fn fresh_code(&self, serial: &str) -> String {
        let state = self.shared.state();
        let device = device(&state, serial);
        let now = device.step_at(state.now());
        // Early codes before late ones: they are good for longer.
        let step = (now..=now + TOLERANCE)
            .chain((now - TOLERANCE..now).rev())
            .find(|step| !state.cloud.verifications.is_used(serial, *step))
            .expect("all codes that are good now were used: move the clock, or add a device");
        shown(device, step)
    }

    /// The seed of a device in Base32, as a phone is given it. None if there is no such device,
    /// or if it shows no codes.
    #[must_use]
    pub fn seed(&self, serial: &str) -> Option<String> {
        let state = self.shared.state();
        let seed = state.cloud.account.device(serial)?.seed.as_ref()?;
        Some(base32(seed))
    }

    /// The serial numbers of the devices that the user has enabled, the oldest first.
    #[must_use]
    pub fn devices(&self, user: &str) -> Vec<String> {
        let state = self.shared.state();
        let user = state.cloud.account.user_named(user);
        serials(user.into_iter().flat_map(|user| &user.devices))
    }

    /// The serial numbers of the virtual devices that no user has enabled.
    #[must_use]
    pub fn unassigned(&self) -> Vec<String> {
        let state = self.shared.state();
        let devices = state.cloud.account.unassigned.iter();
        serials(devices.filter(|device| device.is_virtual()))
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

    /// Closes each connection after its next answer from now on, without having said so: as front
    /// ends do that were left idle for too long.
    pub fn hang_up_after_answers(&self) {
        self.shared.state().hangs_up = true;
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.stop();
        // The accepting thread waits for a connection: give it one.
        drop(TcpStream::connect_timeout(&self.address, PATIENCE));
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        let serving = accepting.join().unwrap_or_default();
        self.shared.shut_connections();
        for thread in serving {
            let _ = thread.join();
        }
    }
}

fn device<'a>(state: &'a State, serial: &str) -> &'a Device {
    let device = state.cloud.account.device(serial);
    device.unwrap_or_else(|| panic!("there is no MFA device {serial}"))
}

fn shown(device: &Device, step: i64) -> String {
    let code = device.code(step);
    code.unwrap_or_else(|| panic!("the MFA device {} shows no codes", device.serial))
}

fn serials<'a>(devices: impl Iterator<Item = &'a Device>) -> Vec<String> {
    devices.map(|device| device.serial.clone()).collect()
}
