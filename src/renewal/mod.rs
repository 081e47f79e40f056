//! One renewal: which profiles share a code, where the code comes from, and what is written.

pub mod codes;
pub mod stored_sessions;
pub mod cache_state;
pub mod group;
pub mod discovery;
pub mod verbose;
pub mod summary;
pub mod renew;
pub mod grouping;
pub mod request;
