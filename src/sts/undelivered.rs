//! Requests that were not answered: what keeps them from it, from a name that nobody knows to a connection that breaks.

use std::error::Error;
use std::io;

use super::explain::Attempt;
use crate::error::Failure;

impl Attempt<'_> {
    /// Everything that keeps a request from being answered.
    pub(super) fn not_delivered(&self, error: &(dyn Error + 'static)) -> Failure {
        let text = whole_text(error);
        if let Some(tls) = text.split("invalid peer certificate: ").nth(1) {
            let reason = tls.split([' ', ':', ',', '(', '{']).next().unwrap_or(tls);
            return self.unreachable(&format!("its certificate is not trusted: {reason}"),
                "behind a company's proxy, set AWS_CA_BUNDLE to a file with the company's CA certificate",
            );
        }
        if text.contains("failed to lookup address") || text.contains("dns error") {
            return self.unreachable(
                "its name is not known to the DNS",
                "check the network, and the region with -v",
            );
        }
        match cause::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                self.unreachable("connection refused", "check the endpoint with -v")
            }
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                self.unreachable("there is no network", "check the network")
            }
            Some(io::ErrorKind::TimedOut) => self.no_answer(),
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => self.broken_off(),
            _ if is_cut_off(error) => self.broken_off(),
            _ => self.unreachable(
                "the connection failed",
                "check the network, the endpoint with -v, and proxy settings like HTTPS_PROXY",
            ),
        }
    }

    pub(super) fn unreachable(&self, why: &str, hint: &str) -> Failure {
        Failure::new(format!(
            "AWS STS at {} cannot be reached: {why}",
            self.host()
        ))
        .hint(hint)
    }

    pub(super) fn no_answer(&self) -> Failure {
        Failure::new(format!("AWS STS at {} did not answer in time", self.host()))
            .hint(self.afterwards())
    }

    pub(super) fn broken_off(&self) -> Failure {
        Failure::new(format!(
            "the connection to AWS STS at {} broke off",
            self.host()
        ))
        .hint(self.afterwards())
    }
}

/// Whether a connection ended before the answer did.
pub(super) fn is_cut_off(error: &(dyn Error + 'static)) -> bool {
    let text = whole_text(error);
    [
        "before message completed",
        "end of file",
        "unexpected eof",
        "IncompleteMessage",
        "connection closed",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// What all errors of a chain say, to look for signs in. Never shown.
fn whole_text(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

pub(super) fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).filter_map(|error| error.downcast_ref()).last()
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
