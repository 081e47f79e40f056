//! Hands out the codes that a run uses: from a flag, the environment, standard input, a command, or a person.

mod asking;
mod known;
mod piped;

use std::io::{self, IsTerminal as _};

use anyhow::{Result, bail};

use self::known::{KnownCode, Sent};
use self::piped::Piped;
use crate::cli::Prompt;
use crate::core::clock;
use crate::core::environment::Environment;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::{self, MfaCode, NotACode};
use crate::core::mfa_device::SerialNumber;
use crate::files::store::{CodeFate, UsedCodes};
use crate::plan::{CodeSettings, Given, PromptSettings, Setting};
use crate::prompt::person::{RetryNotice, forbidden};

/// How many codes in a row a person is asked for. After nine tries in three minutes, AWS locks a device.
const TRIES_OF_PERSON: usize = 3;
/// How many codes a command is asked for: another tool may have used its first code in the same 30 seconds.
const TRIES_OF_COMMAND: usize = 2;
/// Where the codes of a run come from, and which were used.
pub struct Codes<'e> {
    /// Codes that were given and not sent yet.
    there: Vec<There>,
    piped: Piped,
    /// Whether the flag or the variable says that they are on standard input.
    is_said_to_be_piped: bool,
    input: StandardInput,
    prompt_settings: PromptSettings,
    environment: &'e Environment,
    sent: Vec<Sent>,
    /// What the next prompt says about the last code.
    retry_notice: Option<RetryNotice>,
}

/// What a code is needed for.
#[derive(Clone, Copy)]
pub struct Need<'n> {
    pub device: &'n SerialNumber,
    /// A command that prints it.
    pub process: Option<&'n Setting<String>>,
    /// The codes that earlier processes used.
    pub used: &'n UsedCodes,
    /// Whether it is for a test server on this machine.
    pub is_for_local_server: bool,
}

/// The owner of standard input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StandardInput {
    /// Ours: codes may come from there.
    Ours,
    /// The program that runs mfa-creds, or the one that it will run. mfa-creds does not read it.
    OfAnother,
}

/// A code that was given.
struct There {
    /// Its device, if known.
    device: Option<SerialNumber>,
    code: MfaCode,
    source: CodeSource,
}

/// Where a code came from.
#[derive(Clone, Debug, Eq, PartialEq)]
enum CodeSource {
    /// It was given in advance or piped in, so there is no other. The text names the place.
    Fixed(String),
    Command,
    Person,
}

impl<'e> Codes<'e> {
    /// The order is: a code that was given in advance, a command, standard input, the person.
    ///
    /// # Errors
    /// If the given code is not six digits. The message does not repeat it.
    pub fn new(
        code_settings: &CodeSettings,
        needed: Vec<SerialNumber>,
        profiles: usize,
        input: StandardInput,
        environment: &'e Environment,
    ) -> Result<Self> {
        let mut there = Vec::new();
        if let Some(Given::Code(Setting { value, origin })) = &code_settings.given {
            let origin = origin.to_string();
            there.push(There {
                device: needed.first().cloned(),
                code: parse(value.expose(), &origin)?,
                source: CodeSource::Fixed(origin),
            });
        }
        let is_said_to_be_piped = matches!(code_settings.given, Some(Given::StandardInput));
        Ok(Self {
            there,
            piped: Piped::new(
                needed,
                profiles,
                input == StandardInput::Ours || is_said_to_be_piped,
            ),
            is_said_to_be_piped,
            input,
            prompt_settings: code_settings.prompt_settings.clone(),
            environment,
            sent: Vec::new(),
            retry_notice: None,
        })
    }

    /// Makes sure that there is a code of the device, if nobody has to be asked for it. Waits for standard input, because the
    /// program at the other end of the pipe may need time.
    ///
    /// # Errors
    /// If it is not six digits, if there are more codes than needed, or exit code 3 if nothing comes.
    pub fn find(&mut self, need: Need<'_>) -> Result<bool> {
        while self.place(need.device).is_none() {
            if self.process(need).is_some() {
                return Ok(false);
            }
            let Some((device, code)) = self.piped.next()? else {
                return Ok(false);
            };
            self.there.push(There {
                device,
                code,
                source: CodeSource::Fixed(piped::ORIGIN.to_owned()),
            });
        }
        Ok(true)
    }

    /// Checks that there is a command or a person to ask.
    ///
    /// # Errors
    /// Exit code 3 if there is neither.
    pub fn check_source(&self, need: Need<'_>) -> Result<()> {
        // At a terminal, a prompt asks for the code.
        if self.is_said_to_be_piped && !io::stdin().is_terminal() {
            bail!(self.nobody("none arrived on standard input"));
        }
        let Setting { value, origin } = &self.prompt_settings.prompt;
        if self.process(need).is_none() && *value == Prompt::None {
            bail!(self.nobody(&forbidden(origin)));
        }
        Ok(())
    }

    /// Has the command print a code, or asks the person.
    ///
    /// # Errors
    /// Exit code 3 if nobody answers, and any failure of the command.
    pub fn get(&mut self, need: Need<'_>, seconds: u32) -> Result<()> {
        let (code, source) = match self.process(need) {
            Some(command) => (self.run(command, need)?, CodeSource::Command),
            None => (self.ask(need, seconds)?, CodeSource::Person),
        };
        self.there.push(There {
            device: Some(need.device.clone()),
            code,
            source,
        });
        Ok(())
    }

    /// The next code of the device, to send.
    ///
    /// # Errors
    /// Exit code 4 if another process has used it.
    pub fn take(&mut self, need: Need<'_>) -> Result<Option<MfaCode>, Failure> {
        let Some(place) = self.place(need.device) else {
            return Ok(None);
        };
        let There { code, source, .. } = self.there.remove(place);
        let now = clock::of_machine();
        let known = need
            .used
            .find(&code, now)
            .filter(|(came_to, _)| match source {
                // A code that was given explicitly is sent even if it is known. AWS rejects a used code; test servers do not.
                CodeSource::Fixed(_) => *came_to == CodeFate::Unknown && !need.is_for_local_server,
                CodeSource::Command | CodeSource::Person => true,
            });
        self.sent.push(Sent {
            device: need.device.clone(),
            code: code.clone(),
            source: source.clone(),
            step: known.map_or_else(|| mfa_code::step(now), |(_, step)| step),
            came_to: known.map_or(CodeFate::Unknown, |(came_to, _)| came_to),
        });
        match known {
            Some((came_to, step)) => Err(KnownCode { came_to, step }.failure(&source)),
            None => Ok(Some(code)),
        }
    }

    /// What an earlier process did with the code that is about to be sent, and the message for that.
    pub fn known_of_last(&self, need: Need<'_>) -> Option<(CodeFate, Failure)> {
        let last = self.sent.last()?;
        let (came_to, step) = need.used.find(&last.code, clock::of_machine())?;
        Some((came_to, KnownCode { came_to, step }.failure(&last.source)))
    }

    /// Records the fate of the last code. Before the code is sent, its fate is unknown.
    pub fn note(&mut self, need: Need<'_>, came_to: CodeFate) {
        let Some(last) = self.sent.last_mut() else {
            return;
        };
        last.came_to = came_to;
        // Without the record, the next process learns it from AWS.
        let _ = need
            .used
            .note(&last.code, came_to, last.step, clock::of_machine());
    }

    /// Whether another code can replace the last one, which failed. The next prompt shows the notice about it.
    pub fn has_another(&mut self, need: Need<'_>, retry_notice: String) -> bool {
        let most = match self.sent.last().map(|last| &last.source) {
            Some(CodeSource::Person) => TRIES_OF_PERSON,
            Some(CodeSource::Command) => TRIES_OF_COMMAND,
            Some(CodeSource::Fixed(_)) | None => 0,
        };
        let of_device = self.sent.iter().rev();
        let failed = of_device
            .take_while(|sent| sent.device == *need.device && sent.came_to != CodeFate::Accepted);
        if failed.count() >= most {
            return false;
        }
        self.retry_notice = Some(RetryNotice::new(retry_notice));
        true
    }

    /// The command, unless the flag or the variable says that the code is on standard input.
    fn process<'n>(&self, need: Need<'n>) -> Option<&'n Setting<String>> {
        need.process.filter(|_| !self.is_said_to_be_piped)
    }

    fn place(&self, device: &SerialNumber) -> Option<usize> {
        let sent = |code| self.sent.iter().any(|sent| sent.is(device, code));
        self.there.iter().position(|there| {
            there.device.as_ref().is_none_or(|of| of == device) && !sent(&there.code)
        })
    }

    /// The error if a code is needed and nobody can be asked for it.
    pub fn nobody(&self, why: &str) -> Failure {
        Failure::new(format!("an MFA code is needed, and {why}"))
            .hint(match self.input {
                // Then nothing else is asked, whatever is set.
                _ if self.is_said_to_be_piped => {
                    "pipe in the six digits, or remove the `-` from --token or MFA_TOKEN"
                }
                StandardInput::Ours => {
                    "pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN"
                }
                StandardInput::OfAnother => {
                    "set MFA_PROCESS to a command that prints it, set MFA_TOKEN, or run the same command once in a terminal"
                }
            })
            .exit(Exit::HumanNeeded)
    }
}

fn parse(text: &str, origin: &str) -> Result<MfaCode> {
    MfaCode::parse(text).map_err(|NotACode| {
        Failure::new(format!("the code from {origin} is not six digits"))
            .hint("use the six digits that the device shows now")
            .into()
    })
}
