//! A loopback stand-in for AWS STS, for what IAM does with MFA devices, and for the sign-in to the
//! console and by `aws login`, that verifies what AWS verifies.
//!
//! It checks signatures (Signature Version 4), one-time codes (RFC 6238, each good once), MFA
//! devices, durations and policies, and answers with AWS's own shapes and error texts. What it
//! issues works for further calls until it expires; a device that is created can be enabled and
//! used. Faults can be ordered ahead of time, and a proxy can stand before it.
//!
//! It listens on the loopback interface only, with TLS if it is to. All key material in it is fake.
//!
//! ```
//! use stand_in::{ALICE_DEVICE, Account, StandIn};
//!
//! let stand_in = StandIn::start(Account::example());
//! // Point a client at the stand-in with AWS_ENDPOINT_URL_STS (and AWS_ENDPOINT_URL_IAM), and give
//! // it the code:
//! let (url, code) = (stand_in.url(), stand_in.fresh_code(ALICE_DEVICE));
//! assert!(url.starts_with("http://127.0.0.1:"));
//! assert_eq!(code.len(), 6);
//! assert_eq!(stand_in.calls(), 0);
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a broken stand-in has to fail its test loudly"
)]

// In reading order: a module uses only modules of the groups above it, and earlier ones of its own.

// What codes and seeds are made of.
mod encoding;
mod totp;

// The account, and what AWS says.
mod device;
mod role;

mod account;
mod service;

mod xml;

mod iam_answers;

mod answers;
mod errors;

mod parameters;
mod policy;
mod scope;

// HTTP, signatures, and who signed.
mod dpop;
mod fakes;
mod http;

mod sessions;
mod signature;

mod authentication;

// What became of one-time codes, and the services that ask for them.
mod mfa;
mod secrets;

mod cloud;

mod iam;
mod logins;
mod sign_in;
mod sts;

mod routing;

// What goes wrong on demand, and how a request comes to its response.
mod faults;

mod exchange;

// Threads and sockets, and TLS on them.
mod authority;
mod connections;

mod wire;

mod serving;

mod server;

mod proxy;

#[cfg(test)]
mod tests;

pub use account::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, User};
pub use authority::{Authority, Identity};
pub use device::Device;
pub use exchange::Request;
pub use faults::Fault;
pub use iam::KeyStatus;
pub use logins::{Login, SignedIn};
pub use proxy::{Proxy, ProxyRequest, Route};
pub use role::Role;
pub use secrets::all_secrets;
pub use server::StandIn;
