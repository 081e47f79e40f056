//! Drives the real binary as a user does: a throwaway home, a cleared environment, exact output, status and file bytes.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken assumption has to fail its test loudly"
)]

mod support;

mod refusals;
mod attributes;
mod audit;
mod aws_mfa;
mod cached;
mod pick_profile;
mod certificates;
mod clear;
mod clear_sessions;
mod clock;
mod mfa_process;
mod codes;
mod completions;
mod config_keys;
mod device_list;
mod devices;
mod doctor;
mod doctor_files;
mod doctor_network;
mod doctor_profiles;
mod endless;
mod endpoints;
mod enrollment;
mod exec;
mod export;
mod faults;
mod file;
mod forms;
mod hints;
mod hints_of_doctor;
mod hints_of_settings;
mod inventory;
mod credential_process;
mod keychain;
mod leftovers;
mod limits;
mod misread;
mod mistakes;
mod not_files;
mod overwritten;
mod plan;
mod policy;
mod as_credential_process;
mod prompt;
mod proxies;
mod reference;
mod refresh;
mod resync;
mod roles;
mod rotate;
mod rotate_hands;
mod security;
mod settings;
mod many_profiles;
mod setup;
mod status;
mod concurrency;
mod trace;
mod version;
mod window;
mod words;
mod words_at_prompts;
mod words_of_servers;
