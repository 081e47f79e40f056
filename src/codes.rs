//! The codes of a run, and where they come from: a flag, the environment, standard input, a command, or a person.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::thread;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::cli::Prompt;
use crate::code_process;
use crate::device::SerialNumber;
use crate::environment::Environment;
use crate::error::{Exit, Failure};
use crate::mfa_code::{self, MfaCode, NotACode};
use crate::person::{Complaint, Person};
use crate::plan::{Asking, Chosen, Given, Prompting};
use crate::report::Report;
use crate::stdin::Lines;
use crate::store::{Use, UsedCodes};

/// So many more lines of standard input are looked at than codes were thought to be needed.
const UNFORESEEN: usize = 2;
/// So many codes in a row are asked of a person. AWS lets a device in no more after nine tries in three minutes.
const TRIES_OF_PERSON: usize = 3;
/// So many of a command: what it printed first may have been used by another tool in the same half minute.
const TRIES_OF_COMMAND: usize = 2;
/// So often a command is run for a code that was not used.
const RUNS: usize = 3;

/// Where the codes of a run come from, and which were used.
pub struct Codes<'e> {
    /// The devices that codes are needed of, in the order in which they are asked for.
    needed: Vec<SerialNumber>,
    /// How many profiles are asked for, valid ones too.
    profiles: usize,
    /// Codes that are there and were not sent.
    there: Vec<There>,
    piped: Piped,
    /// Whether somebody has said that they are on standard input.
    must_be_piped: bool,
    input: StandardInput,
    prompting: Prompting,
    environment: &'e Environment,
    sent: Vec<Sent>,
    /// How many codes in a row were got of a person or a command, and have served nothing.
    tries: usize,
    /// What the person is told when the next one is asked for.
    complaint: Option<Complaint>,
}

/// What a code is needed for.
#[derive(Clone, Copy)]
pub struct Need<'n> {
    pub device: &'n SerialNumber,
    /// A command that prints it.
    pub process: Option<&'n Chosen<String>>,
    /// Those that earlier processes have used.
    pub used: &'n UsedCodes,
}

/// Whose standard input is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StandardInput {
    /// Ours: codes may come from there.
    Ours,
    /// Of the program that called us, or of the one that will be run. It is left alone.
    OfAnother,
}

/// A code that is there.
struct There {
    /// What it is of, where that is known.
    device: Option<SerialNumber>,
    code: MfaCode,
    source: Source,
}

/// Where a code came from.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Source {
    /// It was given in advance, or piped in: there is no other. The text says where.
    Fixed(String),
    Command,
    Person,
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
    source: Source,
    /// The time step in which it was sent.
    step: i64,
    /// What became of it.
    came_to: Use,
}

/// A code that cannot be sent, as it was sent before.
struct Known {
    came_to: Use,
    step: i64,
}

impl<'e> Codes<'e> {
    /// From a code that was given in advance, else from a command, else from standard input, else from the person.
    ///
    /// # Errors
    /// When the given one is not six digits. The message does not repeat it.
    pub fn new(
        asking: &Asking,
        needed: Vec<SerialNumber>,
        profiles: usize,
        input: StandardInput,
        environment: &'e Environment,
    ) -> Result<Self> {
        let mut there = Vec::new();
        if let Some(Given::Code(Chosen { value, origin })) = &asking.given {
            let origin = origin.to_string();
            there.push(There {
                device: needed.first().cloned(),
                code: parse(value.expose(), &origin)?,
                source: Source::Fixed(origin),
            });
        }
        // At a terminal, the prompt says what is to be typed.
        let must_be_piped =
            matches!(asking.given, Some(Given::StandardInput)) && !io::stdin().is_terminal();
        Ok(Self {
            needed,
            profiles,
            there,
            piped: match input {
                StandardInput::OfAnother if !must_be_piped => Piped::Ended,
                _ => Piped::Unread,
            },
            must_be_piped,
            input,
            prompting: asking.prompting,
            environment,
            sent: Vec::new(),
            tries: 0,
            complaint: None,
        })
    }

    /// Makes sure that a code of the device is there, if that needs nobody to ask. Waits for standard input, as whoever pipes
    /// may have to be waited for.
    ///
    /// # Errors
    /// When it is not six digits, when there are more codes than are needed, or exit code 3 when nothing comes.
    pub fn find(&mut self, need: Need<'_>) -> Result<bool> {
        while self.place(need.device).is_none() {
            if need.process.is_some() && !self.must_be_piped {
                return Ok(false);
            }
            let Some(line) = self.next_piped()? else {
                return Ok(false);
            };
            self.there.push(line);
        }
        Ok(true)
    }

    /// Whether there is something that could be asked, be it a command or a person.
    ///
    /// # Errors
    /// Exit code 3 when there is nothing.
    pub fn check_source(&self, need: Need<'_>) -> Result<()> {
        if self.must_be_piped {
            bail!(self.nobody("none came on standard input"));
        }
        if need.process.is_none() && self.prompting.prompt == Prompt::None {
            bail!(self.nobody("--no-input forbids to ask"));
        }
        Ok(())
    }

    /// Has the command print a code, or asks the person.
    ///
    /// # Errors
    /// Exit code 3 when nobody answers, and whatever goes wrong with the command.
    pub fn get(&mut self, need: Need<'_>, seconds: u32) -> Result<()> {
        self.tries += 1;
        let (code, source) = match need.process {
            Some(command) => (self.run(command, need)?, Source::Command),
            None => (self.ask(need, seconds)?, Source::Person),
        };
        self.there.push(There {
            device: Some(need.device.clone()),
            code,
            source,
        });
        Ok(())
    }

    /// A code of the device that is there, to be sent.
    ///
    /// # Errors
    /// Exit code 4 when another process has used it.
    pub fn take(&mut self, need: Need<'_>) -> Result<Option<MfaCode>, Failure> {
        let Some(place) = self.place(need.device) else {
            return Ok(None);
        };
        let There { code, source, .. } = self.there.remove(place);
        // Whoever gives one has said so. Not every server takes a code only once, as those that are for tests.
        let known = match source {
            Source::Fixed(_) => None,
            Source::Command | Source::Person => need.used.find(&code, Utc::now()),
        };
        self.sent.push(Sent {
            device: need.device.clone(),
            code: code.clone(),
            source: source.clone(),
            step: known.map_or_else(|| mfa_code::step(Utc::now()), |(_, step)| step),
            came_to: known.map_or(Use::Lost, |(came_to, _)| came_to),
        });
        match known {
            Some((came_to, step)) => Err(Known { came_to, step }.failure(&source)),
            None => Ok(Some(code)),
        }
    }

    /// What an earlier process has done with the code that was sent last, and that AWS has refused.
    pub fn known_of_last(&self, need: Need<'_>) -> Option<Failure> {
        let last = self.sent.last()?;
        let (came_to, step) = need.used.find(&last.code, Utc::now())?;
        Some(Known { came_to, step }.failure(&last.source))
    }

    /// Notes what became of the code that was sent last.
    pub fn note(&mut self, need: Need<'_>, came_to: Use) {
        let Some(last) = self.sent.last_mut() else {
            return;
        };
        last.came_to = came_to;
        if came_to == Use::Accepted {
            self.tries = 0;
        }
        // Without the record the next process learns it from AWS.
        let _ = need.used.note(&last.code, came_to, last.step, Utc::now());
    }

    /// Whether there can be another code in place of the one that was sent last and came to nothing. What is said of that
    /// one, the person is told then.
    pub fn has_another(&mut self, complaint: String) -> bool {
        let most = match self.sent.last().map(|last| &last.source) {
            Some(Source::Person) => TRIES_OF_PERSON,
            Some(Source::Command) => TRIES_OF_COMMAND,
            Some(Source::Fixed(_)) | None => 0,
        };
        let has_another = self.tries < most;
        if has_another {
            self.complaint = Some(Complaint::new(complaint));
        } else {
            self.tries = 0;
        }
        has_another
    }

    fn place(&self, device: &SerialNumber) -> Option<usize> {
        let sent = |code| self.sent.iter().any(|sent| sent.is(device, code));
        self.there.iter().position(|there| {
            there.device.as_ref().is_none_or(|of| of == device) && !sent(&there.code)
        })
    }

    /// The next line of standard input, for the device whose turn it is. Where nothing comes, nothing is waited for again.
    fn next_piped(&mut self) -> Result<Option<There>> {
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
        let origin = "standard input";
        Ok(Some(There {
            device: self.needed.get(taken).cloned(),
            code: parse(&line, origin)?,
            source: Source::Fixed(origin.to_owned()),
        }))
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

    /// Asks the person. Where a code of the device was used in this run, that waits for the next one.
    fn ask(&mut self, need: Need<'_>, seconds: u32) -> Result<MfaCode> {
        let Prompting { prompt, limit } = self.prompting;
        let person =
            Person::find(prompt, limit, self.environment).map_err(|why| self.nobody(why))?;
        let device = need.device;
        let mut complaint = self.complaint.take();
        let is_used = |sent: &&Sent| sent.device == *device && sent.came_to != Use::Refused;
        if let Some(used) = self.sent.iter().rfind(is_used) {
            complaint.get_or_insert_default().next = Some(mfa_code::begin(used.step + 1));
        }
        let prompt =
            format!("Enter AWS MFA code for device [{device}] (renewing for {seconds} seconds)");
        loop {
            let text = person.ask(&prompt, complaint.as_ref())?;
            complaint = Some(match MfaCode::parse(&text) {
                Err(NotACode) => Complaint::new("a code is six digits"),
                Ok(code) => match self.known(need, &code) {
                    None => return Ok(code),
                    Some(known) => known.complaint(),
                },
            });
        }
    }

    /// Runs the command until it prints a code that was not used.
    fn run(&mut self, command: &Chosen<String>, need: Need<'_>) -> Result<MfaCode> {
        if let Some(complaint) = self.complaint.take() {
            Report::notice(format_args!("{complaint}; trying once more"));
        }
        for _ in 0..RUNS {
            let code = code_process::code(command, need.device, self.prompting.limit)?;
            let Some(known) = self.known(need, &code) else {
                return Ok(code);
            };
            let next = known
                .next()
                .unwrap_or_else(|| mfa_code::begin(mfa_code::step(Utc::now()) + 1));
            let text = format!("the code of {} {}", command.origin, known.what());
            Report::notice(Complaint::new(text).until(Some(next)));
            thread::sleep((next - Utc::now()).to_std().unwrap_or_default());
        }
        bail!(
            Failure::new(format!(
                "the command of {} prints the same code again and again, and AWS takes each once",
                command.origin
            ))
            .hint("is its clock right? run it by itself, and again after half a minute")
            .exit(Exit::Refused)
        )
    }

    /// What is known of a code, from this run and from earlier ones.
    fn known(&self, need: Need<'_>, code: &MfaCode) -> Option<Known> {
        let in_this_run = self.sent.iter().rfind(|sent| sent.is(need.device, code));
        let earlier = || {
            let (came_to, step) = need.used.find(code, Utc::now())?;
            Some(Known { came_to, step })
        };
        in_this_run.map_or_else(earlier, |sent| {
            Some(Known {
                came_to: sent.came_to,
                step: sent.step,
            })
        })
    }

    /// The error where a code is needed and no person can give it.
    pub fn nobody(&self, why: &str) -> Failure {
        Failure::new(format!("an MFA code is needed, and {why}"))
            .hint(match self.input {
                StandardInput::Ours => {
                    "pipe it in, have --mfa-process or MFA_PROCESS print it, or give it in MFA_TOKEN"
                }
                StandardInput::OfAnother => {
                    "have MFA_PROCESS print it, give it in MFA_TOKEN, or run the same once in a terminal"
                }
            })
            .exit(Exit::HumanNeeded)
    }
}

impl Sent {
    fn is(&self, device: &SerialNumber, code: &MfaCode) -> bool {
        self.device == *device && self.code == *code
    }
}

impl Known {
    /// Completes "this code …".
    fn what(&self) -> &'static str {
        match self.came_to {
            Use::Accepted => "was used already, and AWS takes each once",
            Use::Refused => "was refused already",
            Use::Lost => "was sent already, and may have been used up",
        }
    }

    /// When the device shows another, where it still shows this one.
    fn next(&self) -> Option<DateTime<Utc>> {
        (self.step == mfa_code::step(Utc::now())).then(|| mfa_code::begin(self.step + 1))
    }

    fn complaint(&self) -> Complaint {
        Complaint::new(format!("this code {}", self.what())).until(self.next())
    }

    fn failure(&self, source: &Source) -> Failure {
        let text = match source {
            Source::Fixed(origin) => format!("the code from {origin} {}", self.what()),
            Source::Command | Source::Person => format!("this code {}", self.what()),
        };
        Failure::new(Complaint::new(text).until(self.next()).to_string())
            .hint("run it again with the next code")
            .exit(Exit::Refused)
    }
}

fn parse(text: &str, origin: &str) -> Result<MfaCode> {
    MfaCode::parse(text).map_err(|NotACode| {
        Failure::new(format!("the code from {origin} is not six digits"))
            .hint("type the six digits that the device shows now")
            .into()
    })
}
