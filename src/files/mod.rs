//! Reads and writes the files of the AWS tools, and our own beside them.

pub mod document;
pub mod profiles;
pub mod policy_file;
pub mod section_format;
pub mod freshness;
pub mod sessions;
pub mod store;
pub mod login_cache;
