//! The files of the AWS tools and our own beside them: what stands in them, and how they are replaced without losing anything.

pub mod document;
pub mod profiles;
pub mod section_format;
pub mod freshness;
pub mod sessions;
pub mod store;
