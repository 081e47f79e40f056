//! Gets input: from a person at a terminal or in a window, from standard input, or from a command.

pub mod stdin;
#[cfg_attr(windows, path = "descendants/windows.rs")]
pub mod descendants;
pub mod terminal;
pub mod child;
pub mod window;
pub mod person;
pub mod credential_process;
pub mod mfa_process;
pub mod aws_login;
