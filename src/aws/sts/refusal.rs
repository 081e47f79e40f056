//! Classifies why STS granted no credentials, which decides whether another code or another try would help.

use anyhow::Error;

/// Why there are no credentials.
#[derive(Debug)]
pub struct Refusal {
    pub error: Error,
    pub kind: RefusalKind,
}

/// What there is to do about a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// The code was refused: it is wrong, or was used.
    Code,
    /// STS has not looked at the request, so the code is as good as before.
    Busy,
    /// STS has failed at the request, and the code may be used up.
    Failing,
    /// Nobody knows whether STS has carried it out, and the code may be used up.
    Lost,
    /// AWS does not take the session that signed the call: it has ended, or somebody has ended it.
    Session,
    /// Anything else.
    Other,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            kind: RefusalKind::Other,
        }
    }
}
