//! The code from the device, and where it comes from: a flag, the environment, standard input, or the person at the terminal.

use std::collections::VecDeque;
use std::fmt;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::credentials::Secret;
use crate::device::SerialNumber;
use crate::error::{Exit, Failure};
use crate::plan::Chosen;
use crate::stdin;
use crate::terminal::Terminal;

/// AWS takes codes of six digits.
const DIGITS: usize = 6;
/// How long a device shows a code. See <https://datatracker.ietf.org/doc/html/rfc6238#section-4.1>.
const STEP_SECONDS: i64 = 30;

/// A one-time code. Wiped when dropped, never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct MfaCode(Zeroizing<String>);

/// The text is not six digits.
#[derive(Debug)]
pub struct NotACode;

impl MfaCode {
    /// Six digits; blanks around and between them do not count.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        if digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(NotACode)
        }
    }

    /// The six digits, for the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MfaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaCode(hidden)")
    }
}

/// Where the codes of a run come from, and which were used.
pub struct Codes {
    given: Option<MfaCode>,
    /// The devices that codes are needed of, in the order in which they are asked for.
    needed: Vec<SerialNumber>,
    /// How many profiles are asked for, valid ones too.
    profiles: usize,
    /// The lines of standard input, once they were read, each for its device.
    piped: Option<VecDeque<(Option<SerialNumber>, MfaCode)>>,
    /// Codes that were not needed after all.
    kept: Vec<(SerialNumber, MfaCode)>,
    sent: Vec<Sent>,
}

/// A code that was sent: AWS takes each once.
struct Sent {
    device: SerialNumber,
    code: MfaCode,
    at: DateTime<Utc>,
}

impl Codes {
    /// From a code that was given in advance, else from standard input, else from the person.
    ///
    /// # Errors
    /// When the given one is not six digits. The message does not repeat it.
    pub fn new(
        given: Option<&Chosen<Secret>>,
        needed: Vec<SerialNumber>,
        profiles: usize,
    ) -> Result<Self> {
        Ok(Self {
            given: given
                .map(|Chosen { value, origin }| parse(value.expose(), &origin.to_string()))
                .transpose()?,
            needed,
            profiles,
            piped: None,
            kept: Vec::new(),
            sent: Vec::new(),
        })
    }

    /// A code that needs nobody to ask. Waits for standard input, as whoever pipes may have to be waited for.
    ///
    /// # Errors
    /// When it is not six digits, when there are more codes than devices to ask, or exit code 3 when nothing comes.
    pub fn at_hand(&mut self, device: &SerialNumber) -> Result<Option<MfaCode>> {
        if let Some(kept) = self.kept.iter().position(|(other, _)| other == device) {
            return Ok(Some(self.kept.remove(kept).1));
        }
        if let Some(given) = self.given.take() {
            return Ok(Some(given));
        }
        if self.piped.is_none() {
            self.piped = Some(VecDeque::new());
            self.piped = Some(self.read_piped()?);
        }
        let sent = &self.sent;
        let fits = |(of, code): &(Option<SerialNumber>, MfaCode)| {
            of.as_ref().is_none_or(|of| of == device)
                && !sent.iter().any(|sent| sent.is(device, code))
        };
        let piped = self.piped.get_or_insert_default();
        let place = piped.iter().position(fits);
        Ok(place
            .and_then(|place| piped.remove(place))
            .map(|(_, code)| code))
    }

    /// A line for each code that is needed. With several profiles, of which some may be valid still, one more is looked for:
    /// where there is one, it is not clear which line is whose.
    fn read_piped(&self) -> Result<VecDeque<(Option<SerialNumber>, MfaCode)>> {
        let most = self.needed.len().max(1);
        let lines = stdin::lines(most + usize::from(self.profiles > 1), "an MFA code")?;
        let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
        if lines.len() > most && !lines[..most].contains(&lines[most]) {
            let devices: Vec<&str> = self.needed.iter().map(SerialNumber::as_str).collect();
            bail!(
                Failure::new(format!(
                    "more codes came on standard input than are needed, which are of: {}",
                    devices.join(", ")
                ))
                .hint(
                    "pipe in a line for each of them, in this order; what is still valid needs none"
                )
            );
        }
        let devices = self.needed.iter().cloned().map(Some);
        lines
            .into_iter()
            .take(most)
            .zip(devices.chain(std::iter::repeat(None)))
            .map(|(line, device)| Ok((device, parse(line, "standard input")?)))
            .collect()
    }

    /// Takes back a code that was not needed after all, for the next need.
    pub fn keep(&mut self, device: &SerialNumber, unused: Option<MfaCode>) {
        self.kept.extend(unused.map(|code| (device.clone(), code)));
    }

    /// Keeps in mind that a code is used up.
    pub fn send(&mut self, device: &SerialNumber, code: &MfaCode) {
        self.sent.push(Sent {
            device: device.clone(),
            code: code.clone(),
            at: Utc::now(),
        });
    }

    /// Asks the person at the terminal. Where a code of the device was used in this run, it waits for the next one first.
    ///
    /// # Errors
    /// Exit code 3 when there is no terminal.
    pub fn ask(&self, device: &SerialNumber, seconds: u32) -> Result<MfaCode> {
        let Some(terminal) = Terminal::open() else {
            bail!(nobody("there is no terminal to ask for it"));
        };
        let last = self.sent.iter().rfind(|sent| sent.device == *device);
        if let Some(next) = last.and_then(Sent::next_code) {
            terminal.count_down(next, |left| {
                format!("the next code of [{device}] comes in {left} s")
            })?;
        }
        let prompt =
            format!("Enter AWS MFA code for device [{device}] (renewing for {seconds} seconds)");
        let check = |text: &str| match MfaCode::parse(text) {
            Err(NotACode) => Err("a code is six digits".to_owned()),
            Ok(code) if self.sent.iter().any(|sent| sent.is(device, &code)) => {
                Err("this code was used just now; wait for the next one".to_owned())
            }
            Ok(_code) => Ok(()),
        };
        let text = terminal.ask_line(&prompt, check)?;
        parse(&text, "the terminal")
    }
}

impl Sent {
    fn is(&self, device: &SerialNumber, code: &MfaCode) -> bool {
        self.device == *device && self.code == *code
    }

    /// When the device shows the code after the one that it showed then.
    fn next_code(&self) -> Option<DateTime<Utc>> {
        let step = self.at.timestamp().div_euclid(STEP_SECONDS);
        DateTime::from_timestamp((step + 1) * STEP_SECONDS, 0)
    }
}

/// The error where a code is needed and no person can give it.
pub fn nobody(why: &str) -> Failure {
    Failure::new(format!("an MFA code is needed, and {why}"))
        .hint("give it with --token, in MFA_TOKEN, or on standard input")
        .exit(Exit::HumanNeeded)
}

fn parse(text: &str, origin: &str) -> Result<MfaCode> {
    MfaCode::parse(text).map_err(|NotACode| {
        Failure::new(format!("the code from {origin} is not six digits"))
            .hint("type the six digits that the device shows now")
            .into()
    })
}
