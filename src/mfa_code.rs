//! The code from the device, and where it comes from: a flag, the environment, standard input, or the person at the terminal.

use std::fmt;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::credentials::Secret;
use crate::error::{Exit, Failure};
use crate::plan::{Chosen, Plan};
use crate::stdin;
use crate::terminal::Terminal;

/// AWS takes codes of six digits.
const DIGITS: usize = 6;

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
pub fn given(given: Option<&Chosen<Secret>>) -> Result<Option<MfaCode>> {
    given
        .map(|Chosen { value, origin }| parse(value.expose(), &origin.to_string()))
        .transpose()
}

/// A code that is piped in. Waits for it, as whoever pipes may have to be waited for.
///
/// # Errors
/// When it is not six digits, or exit code 3 when nothing comes.
pub fn piped() -> Result<Option<MfaCode>> {
    let lines = stdin::lines(1, "an MFA code")?;
    lines
        .first()
        .map(|line| parse(line, "standard input"))
        .transpose()
}

/// Asks the person at the terminal.
///
/// # Errors
/// Exit code 3 when there is none, or nobody may be asked.
pub fn ask(plan: &Plan) -> Result<MfaCode> {
    let Some(terminal) = Terminal::open() else {
        bail!(nobody("there is no terminal to ask for it"));
    };
    let prompt = format!(
        "Enter AWS MFA code for device [{}] (renewing for {} seconds)",
        plan.device.value, plan.duration.value
    );
    let text = terminal.ask_line(&prompt, |text| {
        MfaCode::parse(text)
            .map(|_code| ())
            .map_err(|NotACode| "a code is six digits".to_owned())
    })?;
    parse(&text, "the terminal")
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
