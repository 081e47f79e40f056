//! Reads codes from standard input, one on each line.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use super::parse;
use crate::core::error::Failure;
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::prompt::stdin::InputLines;

/// How many more lines are read than codes were expected to be needed.
const UNFORESEEN: usize = 2;
/// Its name in messages.
pub(super) const ORIGIN: &str = "standard input";

/// Standard input, as far as codes are on it.
pub(super) struct Piped {
    /// The devices whose codes are needed, in the order in which they are asked for.
    needed: Vec<SerialNumber>,
    /// How many profiles are requested, including valid ones.
    profiles: usize,
    state: PipeState,
}

/// How far standard input was read.
enum PipeState {
    /// Not at all.
    Unread,
    /// Some lines, of which some are not used yet.
    Read {
        lines: InputLines,
        waiting: VecDeque<Zeroizing<String>>,
        taken: usize,
    },
    /// To its end; or it is a terminal.
    Ended,
}

impl Piped {
    /// Not read yet; never read if it is not ours.
    pub(super) fn new(needed: Vec<SerialNumber>, profiles: usize, is_ours: bool) -> Self {
        Self {
            needed,
            profiles,
            state: if is_ours {
                PipeState::Unread
            } else {
                PipeState::Ended
            },
        }
    }

    /// The next line of standard input, for the device whose turn it is. After an empty read, it does not wait again.
    pub(super) fn next(&mut self) -> Result<Option<(Option<SerialNumber>, MfaCode)>> {
        let state = std::mem::replace(&mut self.state, PipeState::Ended);
        let (lines, mut waiting, taken) = match state {
            PipeState::Unread => match InputLines::open() {
                Some(lines) => (lines, VecDeque::new(), 0),
                None => return Ok(None),
            },
            PipeState::Read {
                lines,
                waiting,
                taken,
            } => (lines, waiting, taken),
            PipeState::Ended => return Ok(None),
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
        self.state = PipeState::Read {
            lines,
            waiting,
            taken: taken + 1,
        };
        let device = self.needed.get(taken).cloned();
        Ok(Some((device, parse(&line, ORIGIN)?)))
    }

    /// The lines that arrive together with the first one. If there is one more line than needed codes, it must be for a device
    /// whose credentials are still valid.
    fn others_at_once(
        &self,
        first: &Zeroizing<String>,
        lines: &InputLines,
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
                    "standard input has more codes than needed; they are needed for: {}",
                    devices.join(", ")
                ))
                .hint(
                    "pipe in one line for each device, in this order; valid credentials need no code"
                )
            );
        }
        Ok(others)
    }
}
