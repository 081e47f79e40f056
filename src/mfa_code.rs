//! The code from the device, and where it comes from: a flag, the environment, standard input, or the person at the terminal.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::cli::Refresh;
use crate::environment::Environment;
use crate::error::{Exit, Failure};
use crate::plan::{Chosen, Plan, flag, variable};
use crate::terminal::Terminal;

/// AWS takes codes of six digits.
const DIGITS: usize = 6;
/// How long a code may take to arrive on standard input.
const PATIENCE: Duration = Duration::from_mins(2);
/// Longer than any line with a code in it.
const LONGEST_LINE: u64 = 256;

/// A one-time code. Wiped when dropped, never shown.
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

/// A code that was given in advance, which needs nobody to ask.
///
/// # Errors
/// When it is not six digits. The message does not repeat it.
pub fn given(refresh: &Refresh, environment: &Environment) -> Result<Option<MfaCode>> {
    let given =
        flag("--token", refresh.token.as_ref()).or_else(|| variable(environment, "MFA_TOKEN"));
    let Some(Chosen { value, origin }) = given else {
        return Ok(None);
    };
    parse(&value, &origin.to_string()).map(Some)
}

/// A code that is piped in. Waits for it, as whoever pipes may have to be waited for.
///
/// # Errors
/// When it is not six digits, or exit code 3 when nothing comes.
pub fn piped() -> Result<Option<MfaCode>> {
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    line_of_stdin()?
        .map(|line| parse(&line, "standard input"))
        .transpose()
}

/// Asks the person at the terminal.
///
/// # Errors
/// Exit code 3 when there is none, or nobody may be asked.
pub fn ask(refresh: &Refresh, plan: &Plan) -> Result<MfaCode> {
    if refresh.no_input {
        bail!(
            Failure::new("an MFA code is needed, and --no-input forbids to ask for it")
                .hint("give it with --token, in MFA_TOKEN, or on standard input")
                .exit(Exit::HumanNeeded)
        );
    }
    let Some(terminal) = Terminal::open() else {
        bail!(
            Failure::new("an MFA code is needed, and there is no terminal to ask for it")
                .hint("give it with --token, in MFA_TOKEN, or on standard input")
                .exit(Exit::HumanNeeded)
        );
    };
    let prompt = format!(
        "Enter AWS MFA code for device [{}] (renewing for {} seconds)",
        plan.device.value, plan.duration.value
    );
    let text = terminal.ask(&prompt, |text| {
        MfaCode::parse(text)
            .map(|_code| ())
            .map_err(|NotACode| "a code is six digits".to_owned())
    })?;
    parse(&text, "the terminal")
}

fn parse(text: &str, origin: &str) -> Result<MfaCode> {
    MfaCode::parse(text).map_err(|NotACode| {
        Failure::new(format!("the code from {origin} is not six digits"))
            .hint("type the six digits that the device shows now")
            .into()
    })
}

/// The first line of standard input; none where it ends before there is anything in it.
fn line_of_stdin() -> Result<Option<Zeroizing<String>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Zeroizing::new(String::new());
        let read = io::BufReader::new(io::stdin().take(LONGEST_LINE)).read_line(&mut line);
        // The receiver is gone only after the time limit.
        let _ = sender.send(read.map(|_bytes| line));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(line)) => Ok(Some(line).filter(|line| !line.trim().is_empty())),
        Ok(Err(_unreadable)) => Ok(None),
        Err(_elapsed) => bail!(
            Failure::new(format!(
                "no MFA code came on standard input within {} s",
                PATIENCE.as_secs()
            ))
            .hint(
                "close standard input with `</dev/null` to be asked at the terminal, or use --token"
            )
            .exit(Exit::HumanNeeded)
        ),
    }
}
