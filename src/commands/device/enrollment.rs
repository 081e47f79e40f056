//! Enrolls an MFA device: creates it, shows its QR code, enables it with two codes, and waits until STS recognizes it.

use std::time::Duration;

use anyhow::{Result, bail};
use chrono::TimeDelta;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::qr;
use crate::aws::iam::{Caller, CodePair, Iam, IamError, KnownDevices, NewDevice};
use crate::aws::network::RequestError;
use crate::core::aws_errors;
use crate::core::clock;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::{self, MfaCode, NotACode};
use crate::core::mfa_device::SerialNumber;
use crate::core::wait;
use crate::prompt::terminal::{DefaultAnswer, Noting, Terminal};
use crate::report::Report;

/// How often two codes are asked for.
const TRIES: usize = 3;
/// How long to wait before STS is asked again whether it knows a device, in seconds. It takes about ten on AWS, and more than
/// nine questions in three minutes lock the device out.
const PAUSES: [u64; 6] = [2, 3, 4, 5, 6, 8];
/// How long it takes to type a code.
const TYPING: TimeDelta = TimeDelta::seconds(6);

/// What is percent-encoded in the label of an entry.
const NOT_IN_LABELS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'@');

/// Everything that the enrollment of a device needs.
pub struct Enrollment<'e> {
    pub iam: &'e Iam<'e>,
    pub caller: &'e Caller,
    pub terminal: &'e Terminal,
    pub report: Report,
    /// The name of the device.
    pub name: &'e str,
    /// Whether IAM has said that the user has no enabled device of this name.
    pub is_known_to_be_free: bool,
    /// Whether the terminal can draw a QR code.
    pub draws: bool,
    /// Whether the seed is shown as text, too.
    pub shows_secret: bool,
}

/// A device that is enabled, and the codes that were used for it.
pub struct Enrolled {
    pub serial: SerialNumber,
    pub codes: CodePair,
}

impl Enrollment<'_> {
    /// Creates the device, shows it to the person, and enables it with two of its codes.
    ///
    /// # Errors
    /// If AWS refuses. A device that was created but not enabled is deleted again.
    pub fn run(&self) -> Result<Enrolled> {
        // Ctrl-C must not leave a device behind.
        let noting = Noting::begin()?;
        let new = self.create()?;
        let enabled = self.enable(&new);
        match &enabled {
            Ok(_codes) => self.report.progress(format_args!(
                "{} is enabled for {}",
                new.serial,
                self.caller.called()
            )),
            Err(_) => self.give_up(&new.serial),
        }
        noting.end();
        Ok(Enrolled {
            serial: new.serial,
            codes: enabled?,
        })
    }

    /// Creates the device, in place of one that an interrupted enrollment left behind.
    fn create(&self) -> Result<NewDevice> {
        let iam = self.iam;
        match iam.create(self.name) {
            Err(problem) if problem.code() == Some(aws_errors::ENTITY_ALREADY_EXISTS) => {}
            other => return Ok(other?),
        }
        let serial = self.caller.device(self.name);
        let taken = || {
            Failure::new(format!("device {serial} already exists"))
                .hint("use --name to give the new device another name")
        };
        let question = format!(
            "{serial} exists, but is not enabled for {}. Delete it and start over?",
            self.caller.called()
        );
        if !self.is_known_to_be_free || !self.terminal.confirm(&question, DefaultAnswer::No)? {
            bail!(taken());
        }
        match iam.delete(&serial) {
            Err(problem) if problem.code() == Some(aws_errors::DELETE_CONFLICT) => bail!(
                Failure::new(format!("{serial} is enabled for another user"))
                    .hint("use --name to give the new device another name")
            ),
            other => other?,
        }
        Ok(iam.create(self.name)?)
    }

    fn enable(&self, new: &NewDevice) -> Result<CodePair> {
        self.show(new)?;
        for _ in 0..TRIES {
            let codes = two_codes(self.terminal)?;
            match self.iam.enable(self.caller, &new.serial, &codes) {
                Ok(()) => return Ok(codes),
                Err(problem) if problem.code() == Some(aws_errors::INVALID_AUTHENTICATION_CODE) => self.terminal.say(
                    "error: AWS rejected these codes: type two consecutive codes from the new entry in the app",
                )?,
                Err(problem) if self.is_enabled_after(&problem, &new.serial) => return Ok(codes),
                Err(problem) if problem.may_pass() => self
                    .terminal
                    .say(&format!("error: {}", problem.failure.message()))?,
                Err(problem) => bail!(problem),
            }
        }
        bail!(
            Failure::new("the new device was not enabled: AWS rejected all codes")
                .hint("check the clock of the device, then run the command again")
                .exit(Exit::Refused)
        )
    }

    /// Whether the device was enabled although the response was lost.
    fn is_enabled_after(&self, problem: &IamError, serial: &SerialNumber) -> bool {
        let error = problem.request_error.as_ref();
        error.is_some_and(RequestError::may_have_worked)
            && self.iam.devices(self.caller).is_ok_and(|devices| {
                devices
                    .iter()
                    .any(|device| device.serial == serial.as_str())
            })
    }

    fn give_up(&self, serial: &SerialNumber) {
        match self.iam.delete(serial.as_str()) {
            Ok(()) => self.report.progress(format_args!(
                "deleted {serial}; remove its entry from the app"
            )),
            Err(problem) if problem.code() == Some(aws_errors::DELETE_CONFLICT) => self.report.warning(format_args!(
                "{serial} is enabled after all: write it as aws_mfa_device to the long-term section"
            )),
            Err(_) => self.report.warning(format_args!(
                "{serial} was created but is not enabled; the next `mfa-creds device enroll{}` deletes it",
                self.iam.flag
            )),
        }
    }

    fn show(&self, new: &NewDevice) -> Result<()> {
        let uri = uri(self.caller, self.name, new);
        let picture = if self.draws { qr::render(&uri) } else { None };
        if let Some(picture) = &picture {
            self.terminal
                .say("Scan this with an authenticator app, then type two consecutive codes:")?;
            self.terminal.draw(picture.text.trim_end())?;
            let (rows, columns) = self.terminal.size();
            // With a line above and the prompt below.
            let needed = picture.rows + 2;
            if columns < picture.columns || rows < needed {
                self.terminal.say(&format!(
                    "The QR code needs a terminal of {} columns and {} lines; --show-secret shows the secret as text.",
                    picture.columns, needed
                ))?;
            }
        }
        if self.shows_secret || picture.is_none() {
            if picture.is_none() {
                self.terminal.say(
                    "Add this secret to an authenticator app, then type two consecutive codes.",
                )?;
            }
            let line = Zeroizing::new(format!("Secret: {}", new.seed.expose()));
            self.terminal.say(&line)?;
        }
        Ok(())
    }
}

/// What the app reads.
/// See <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>.
fn uri(caller: &Caller, name: &str, new: &NewDevice) -> Zeroizing<String> {
    let label = utf8_percent_encode(name, NOT_IN_LABELS);
    Zeroizing::new(format!(
        "otpauth://totp/Amazon%20Web%20Services:{label}@{}?secret={}",
        caller.account,
        new.seed.expose()
    ))
}

/// Asks for two consecutive codes, with a countdown to the second one if the device cannot show it yet.
///
/// # Errors
/// Exit code 3 when the person does not answer.
pub fn two_codes(terminal: &Terminal) -> Result<CodePair> {
    let parse =
        |text: &str| MfaCode::parse(text).map_err(|NotACode| "a code is six digits".to_owned());
    let first = terminal.ask_line("Current code", |text| parse(text).map(drop))?;
    let first = parse(&first).map_err(Failure::new)?;
    let (now, step) = (clock::now(), mfa_code::step(clock::now()));
    // Typed just after the device moved on, the first code may be the previous one: then the next one is already showing.
    if now - mfa_code::begin(step) > TYPING {
        let next = mfa_code::begin(step + 1);
        terminal.count_down(next, |left| format!("the next code comes in {left} s"))?;
    }
    let second = terminal.ask_line("Next code", |text| match parse(text)? {
        code if code == first => Err("this is the first code; wait for the next one".to_owned()),
        _ => Ok(()),
    })?;
    let second = parse(&second).map_err(Failure::new)?;
    Ok([first, second])
}

/// Waits until STS recognizes a device. Says whether it does.
pub fn wait_for_sts(
    iam: &Iam<'_>,
    serial: &SerialNumber,
    code: &MfaCode,
    report: Report,
) -> std::result::Result<KnownDevices, IamError> {
    let say = || {
        report.waiting_from_now("waiting until STS recognizes the device, which takes about 10 s")
    };
    let known = wait::poll(PAUSES.map(Duration::from_secs), say, || {
        Ok(match iam.is_known_to_sts(serial, code)? {
            KnownDevices::No => None,
            known @ KnownDevices::Yes(_) => Some(known),
        })
    });
    known.map(|known| known.unwrap_or(KnownDevices::No))
}
