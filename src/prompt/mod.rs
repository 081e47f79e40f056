//! Asks whoever can be asked: a person at a terminal or in a window, standard input, or a command.

pub mod stdin;
pub mod descendants;
pub mod terminal;
pub mod child;
pub mod window;
pub mod person;
pub mod credential_process;
pub mod mfa_process;
