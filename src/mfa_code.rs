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
use crate::stdin::Lines;
use crate::terminal::Terminal;

/// AWS takes codes of six digits.
const DIGITS: usize = 6;
/// How long a device shows a code. See <https://datatracker.ietf.org/doc/html/rfc6238#section-4.1>.
const STEP_SECONDS: i64 = 30;
/// So many more lines of standard input are looked at than codes were thought to be needed.
const UNFORESEEN: usize = 2;

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
    /// The devices that codes are needed of, in the order in which they are asked for.
    needed: Vec<SerialNumber>,
    /// How many profiles are asked for, valid ones too.
    profiles: usize,
    /// Codes that are there and were not sent, each with the device that it is of, where that is known.
    there: Vec<(Option<SerialNumber>, MfaCode)>,
    piped: Piped,
    input: StandardInput,
    sent: Vec<Sent>,
}

/// Whose standard input is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StandardInput {
    /// Ours: codes may come from there.
    Ours,
    /// Of the program that called us, or of the one that will be run. It is left alone.
    OfAnother,
}

/// How far standard input was read.
enum Piped {
    /// Not at all.
    Unread,
    /// So many lines, of which some wait for their turn.
    Read {
        lines: Lines,
        waiting: VecDeque<Zeroizing<String>>,
        taken: usize,
    },
    /// To its end, or it is a terminal.
    Ended,
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
        input: StandardInput,
    ) -> Result<Self> {
        let mut there = Vec::new();
        if let Some(Chosen { value, origin }) = given {
            let code = parse(value.expose(), &origin.to_string())?;
            there.push((needed.first().cloned(), code));
        }
        Ok(Self {
            needed,
            profiles,
            there,
            piped: match input {
                StandardInput::Ours => Piped::Unread,
                StandardInput::OfAnother => Piped::Ended,
            },
            input,
            sent: Vec::new(),
        })
    }

    /// Makes sure that a code of the device is there, if that needs nobody to ask. Waits for standard input, as whoever pipes
    /// may have to be waited for.
    ///
    /// # Errors
    /// When it is not six digits, when there are more codes than are needed, or exit code 3 when nothing comes.
    pub fn find(&mut self, device: &SerialNumber) -> Result<bool> {
        while self.place(device).is_none() {
            let Some(line) = self.next_piped()? else {
                return Ok(false);
            };
            self.there.push(line);
        }
        Ok(true)
    }

    /// A code of the device that is there, to be sent.
    pub fn take(&mut self, device: &SerialNumber) -> Option<MfaCode> {
        let place = self.place(device)?;
        let (_, code) = self.there.remove(place);
        self.sent.push(Sent {
            device: device.clone(),
            code: code.clone(),
            at: Utc::now(),
        });
        Some(code)
    }

    fn place(&self, device: &SerialNumber) -> Option<usize> {
        let sent = |code| self.sent.iter().any(|sent| sent.is(device, code));
        self.there
            .iter()
            .position(|(of, code)| of.as_ref().is_none_or(|of| of == device) && !sent(code))
    }

    /// The next line of standard input, for the device whose turn it is. Where nothing comes, nothing is waited for again.
    fn next_piped(&mut self) -> Result<Option<(Option<SerialNumber>, MfaCode)>> {
        let piped = std::mem::replace(&mut self.piped, Piped::Ended);
        let (lines, mut waiting, taken) = match piped {
            Piped::Unread => match Lines::open() {
                Some(lines) => (lines, VecDeque::new(), 0),
                None => return Ok(None),
            },
            Piped::Read {
                lines,
                waiting,
                taken,
            } => (lines, waiting, taken),
            Piped::Ended => return Ok(None),
        };
        // `yes CODE` never ends.
        if taken == self.needed.len().max(1) + UNFORESEEN {
            return Ok(None);
        }
        let next = match waiting.pop_front() {
            Some(line) => Some(line),
            None => lines.next_filled("an MFA code")?,
        };
        let Some(line) = next else {
            return Ok(None);
        };
        if taken == 0 && self.profiles > 1 {
            waiting = self.others_at_once(&line, &lines)?;
        }
        self.piped = Piped::Read {
            lines,
            waiting,
            taken: taken + 1,
        };
        let device = self.needed.get(taken).cloned();
        Ok(Some((device, parse(&line, "standard input")?)))
    }

    /// The lines that come together with the first one. One more than codes are needed would be another device's: of one
    /// whose credentials are still valid.
    fn others_at_once(
        &self,
        first: &Zeroizing<String>,
        lines: &Lines,
    ) -> Result<VecDeque<Zeroizing<String>>> {
        let mut others = VecDeque::new();
        while others.len() < self.needed.len()
            && let Some(line) = lines.next_at_once()
        {
            others.push_back(line);
        }
        let is_one_more = others.len() >= self.needed.len().max(1)
            && others.back().is_some_and(|last| {
                last != first && others.iter().filter(|other| *other == last).count() == 1
            });
        if is_one_more {
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
        Ok(others)
    }

    /// Asks the person at the terminal. Where a code of the device was used in this run, it waits for the next one first.
    ///
    /// # Errors
    /// Exit code 3 when there is no terminal.
    pub fn ask(&mut self, device: &SerialNumber, seconds: u32) -> Result<()> {
        let Some(terminal) = Terminal::open() else {
            bail!(self.nobody("there is no terminal to ask for it"));
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
        let code = parse(&text, "the terminal")?;
        self.there.push((Some(device.clone()), code));
        Ok(())
    }

    /// The error where a code is needed and no person can give it.
    pub fn nobody(&self, why: &str) -> Failure {
        Failure::new(format!("an MFA code is needed, and {why}"))
            .hint(match self.input {
                StandardInput::Ours => "give it with --token, in MFA_TOKEN, or on standard input",
                StandardInput::OfAnother => {
                    "give it with --token or in MFA_TOKEN, or run the same once in a terminal"
                }
            })
            .exit(Exit::HumanNeeded)
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

fn parse(text: &str, origin: &str) -> Result<MfaCode> {
    MfaCode::parse(text).map_err(|NotACode| {
        Failure::new(format!("the code from {origin} is not six digits"))
            .hint("type the six digits that the device shows now")
            .into()
    })
}
