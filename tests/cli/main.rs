//! Drives the real binary as a user does: a throwaway home, a cleared environment, exact output, status and file bytes.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken assumption has to fail its test loudly"
)]

mod harness;

mod answers;
mod aws_mfa;
mod cached;
mod choice;
mod clear;
mod clear_sessions;
mod code_process;
mod codes;
mod completions;
mod device_list;
mod devices;
mod doctor;
mod doctor_files;
mod doctor_profiles;
mod enrolment;
mod exec;
mod export;
mod file;
mod mistakes;
mod plan;
mod process;
mod prompt;
mod refresh;
mod resync;
mod roles;
mod settings;
mod several;
mod setup;
mod status;
mod together;
mod waits;
mod window;
