//! Prepares a client for each connection, and explains why a request got no response. The clients of STS and IAM share all of it.

// Each module uses only those above it.
mod lookup;
mod http;
mod clock_skew;
mod request_context;
mod connect_error;
mod library_errors;
mod request_error;
mod wording;
mod preparation;
mod trace;
mod limit;
mod clients;
mod probe;
mod send;
mod post;

pub use self::clients::{Tries, signing_credentials, signing_keys};
pub use self::clock_skew::off;
pub use self::http::{Certificates, certificates};
pub use self::post::{Post, PostAnswer};
pub use self::preparation::{Network, Preparation, check, prepare};
pub use self::request_context::{RUN_AGAIN, RequestContext, Signer};
pub use self::request_error::RequestError;
