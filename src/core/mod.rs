//! Holds what every layer needs, with no dependency on any: texts, errors, times, and values whose form AWS documents.

pub mod text;
pub mod shell_words;
pub mod table;
pub mod screen;
pub mod arn;
pub mod form;
pub mod error;
pub mod file_id;
pub mod busy_file;
#[cfg(any(windows, test))]
pub mod access;
pub mod regular_file;
pub mod environment;
pub mod clock;
pub mod wait;
pub mod digest;
pub mod credentials;
pub mod mfa_device;
pub mod aws_errors;
pub mod seconds;
pub mod mfa_code;
pub mod core_dump;
