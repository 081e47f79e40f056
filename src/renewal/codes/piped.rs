//! Reads codes from standard input, one on each line.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use super::parse;
use crate::core::error::Failure;
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::prompt::stdin::InputLines;

/// So many more lines are looked at than codes were thought to be needed.
const UNFORESEEN: usize = 2;
/// What it is called in messages.
pub(super) const ORIGIN: &str = "standard input";

/// Standard input, as far as codes are on it.
pub(super) struct Piped {
    /// The devices that codes are needed of, in the order in which they are asked for.
    needed: Vec<SerialNumber>,
    /// How many profiles are asked for, valid ones too.
    profiles: usize,
    state: PipeState,
}

/// How far standard input was read.
enum PipeState {
    /// Not at all.
    Unread,
    /// So many lines, of which some wait for their turn.
    Read {
        lines: InputLines,
        waiting: VecDeque<Zeroizing<String>>,
        taken: usize,
    },
    /// To its end, or it is a terminal.
    Ended,
}

impl Piped {
    /// Not looked at yet; never, where it is not ours.
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

    /// The next line of standard input, for the device whose turn it is. Where nothing comes, nothing is waited for again.
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

    /// The lines that come together with the first one. One more than codes are needed would be another device's: of one
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
}
