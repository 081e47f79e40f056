//! Classifies why STS granted no credentials, which decides whether another code or another try would help.

use anyhow::Error;

/// Why there are no credentials.
#[derive(Debug)]
pub struct Refusal {
    pub error: Error,
    pub kind: RefusalKind,
}

/// What a refusal allows next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// The code was refused: it is wrong, or was used.
    Code,
    /// STS did not process the request, so the code is still unused.
    Busy,
    /// STS failed to process the request, and the code may be used up.
    Failing,
    /// The request may have worked, and the code may be used up.
    Lost,
    /// AWS rejects the session that signed the call: it has expired or was revoked.
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
