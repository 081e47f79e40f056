//! Renews credentials: groups profiles by the code that they share, gets the code, and writes the resulting credentials.

pub mod codes;
pub mod stored_sessions;
pub mod account;
pub mod cache_state;
pub mod group;
pub mod discovery;
pub mod verbose;
pub mod summary;
pub mod renew;
pub mod login;
pub mod grouping;
pub mod request;
