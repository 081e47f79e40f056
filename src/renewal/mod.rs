//! One renewal: which profiles share a code, where the code comes from, and what is written.

pub mod codes;
pub mod group;
pub mod discovery;
pub mod renew;
