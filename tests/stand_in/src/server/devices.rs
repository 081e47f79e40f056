//! What a test may ask of MFA devices: their codes and seeds, and who has which.

use super::StandIn;
use crate::device::Device;
use crate::encoding::base32;
use crate::exchange::State;
use crate::mfa::TOLERANCE;

impl StandIn {
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
        let mut state = self.shared.state();
        let step = device(&state, serial).step_at(state.now()) + offset;
        shown(&mut state, serial, step)
    }

    /// A code that was not used yet, and that is good now if the device is not out of step. It is
    /// not set aside: until it is used, the next call gives the same one.
    ///
    /// # Panics
    /// If there is no such device, enabled or not, if it shows no codes, or if all five codes that
    /// are good now were used.
    #[must_use]
    pub fn fresh_code(&self, serial: &str) -> String {
        let mut state = self.shared.state();
        let now = device(&state, serial).step_at(state.now());
        // Early codes before late ones: they are good for longer.
        let step = (now..=now + TOLERANCE)
            .chain((now - TOLERANCE..now).rev())
            .find(|step| !state.cloud.verifications.is_used(serial, *step))
            .expect("all codes that are good now were used: move the clock, or add a device");
        shown(&mut state, serial, step)
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
}

fn device<'a>(state: &'a State, serial: &str) -> &'a Device {
    let device = state.cloud.account.device(serial);
    device.unwrap_or_else(|| panic!("there is no MFA device {serial}"))
}

/// The code of a step, which is a secret from now on.
fn shown(state: &mut State, serial: &str, step: i64) -> String {
    let code = device(state, serial).code(step);
    let code = code.unwrap_or_else(|| panic!("the MFA device {serial} shows no codes"));
    state.cloud.secrets.note(&code);
    code
}

fn serials<'a>(devices: impl Iterator<Item = &'a Device>) -> Vec<String> {
    devices.map(|device| device.serial.clone()).collect()
}
