//! Gets a code from a person or from a command.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::known::{KnownCode, Sent};
use super::{Codes, Need};
use crate::core::clock;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::{self, MfaCode, NotACode};
use crate::files::store::CodeFate;
use crate::plan::Setting;
use crate::prompt::mfa_process;
use crate::prompt::person::{Person, RetryNotice};
use crate::report::Report;

/// How many invalid or old codes are accepted as answers. A program that answers for a person must not do so forever.
const ANSWERS: usize = 20;
/// How often a command is run to get an unused code.
const RUNS: usize = 3;
/// Clocks that count whole seconds may lag.
const LEEWAY: Duration = Duration::from_millis(500);

impl Codes<'_> {
    /// Asks the person. If this run has used a code of the device, the prompt waits for the next one.
    pub(super) fn ask(&mut self, need: Need<'_>, seconds: u32) -> Result<MfaCode> {
        let person = Person::find(&self.prompt_settings, self.environment)
            .map_err(|why| self.nobody(&why))?;
        let device = need.device;
        let mut retry_notice = self.take_retry_notice(need);
        let is_used = |sent: &&Sent| sent.device == *device && sent.came_to != CodeFate::Refused;
        if let Some(used) = self.sent.iter().rfind(is_used) {
            retry_notice.get_or_insert_default().next = Some(mfa_code::begin(used.step + 1));
        }
        let prompt =
            format!("Enter AWS MFA code for device [{device}] (renewing for {seconds} seconds)");
        for _ in 0..ANSWERS {
            let text = person.ask(&prompt, retry_notice.as_ref())?;
            retry_notice = Some(match MfaCode::parse(&text) {
                Err(NotACode) => RetryNotice::new("a code is six digits"),
                Ok(code) => match self.known(need, &code) {
                    None => return Ok(code),
                    Some(known) => known.retry_notice(),
                },
            });
        }
        bail!(
            Failure::new(format!(
                "none of {ANSWERS} answers was a new six-digit code"
            ))
            .hint("run the command again, and type the code that the device shows now")
            .exit(Exit::HumanNeeded)
        )
    }

    /// Runs the command until it prints an unused code.
    pub(super) fn run(&mut self, command: &Setting<String>, need: Need<'_>) -> Result<MfaCode> {
        if let Some(retry_notice) = self.take_retry_notice(need) {
            Report::notice(format_args!("{retry_notice}; trying again"));
        }
        for run in 1..=RUNS {
            let code = mfa_process::code(command, need.device, &self.prompt_settings)?;
            let Some(known) = self.known(need, &code) else {
                return Ok(code);
            };
            if run == RUNS {
                break;
            }
            let now = clock::now();
            let next = known
                .next()
                .unwrap_or_else(|| mfa_code::begin(mfa_code::step(now) + 1));
            let text = format!("the code from {} {}", command.origin, known.what());
            Report::notice(RetryNotice::new(text).until(Some(next)));
            thread::sleep((next - now).to_std().unwrap_or_default() + LEEWAY);
        }
        bail!(
            Failure::new(format!(
                "the command from {} keeps printing the same code, and AWS accepts each code only once",
                command.origin
            ))
            .hint("run it by itself twice, 30 seconds apart, to check its clock")
            .exit(Exit::Refused)
        )
    }

    /// What is known of a code, from this run and from earlier ones.
    fn known(&self, need: Need<'_>, code: &MfaCode) -> Option<KnownCode> {
        let in_this_run = self.sent.iter().rfind(|sent| sent.is(need.device, code));
        let earlier = || {
            let (came_to, step) = need.used.find(code, clock::of_machine())?;
            Some(KnownCode { came_to, step })
        };
        in_this_run.map_or_else(earlier, |sent| {
            Some(KnownCode {
                came_to: sent.came_to,
                step: sent.step,
            })
        })
    }

    /// The notice about the last code, if that was of the same device.
    fn take_retry_notice(&mut self, need: Need<'_>) -> Option<RetryNotice> {
        let retry_notice = self.retry_notice.take();
        let is_of_device = self
            .sent
            .last()
            .is_some_and(|sent| sent.device == *need.device);
        retry_notice.filter(|_| is_of_device)
    }
}
