//! Drives the real binary as a user does: a throwaway home, a cleared environment, exact output, status and file bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken assumption has to fail its test loudly"
)]

// What tests of several files need. A test file imports from here only.
mod support;

// --- The way from a command line to credentials in the file ---

// From an expired or missing section to new credentials: the requests, and the bytes that are written.
mod refresh;
// Credentials that are still valid are used again, without network, terminal or device.
mod cached;
// The precedence of flags, environment, long-term section, config profile and defaults.
mod settings;
// Values that do not have the form that AWS documents, and the quoting of what is to be typed.
mod forms;
// Mistakes of users, one test each: a sentence and a hint, the file untouched, no code asked for.
mod mistakes;
// Long-term keys in a `[profile NAME]` of the config file.
mod config_keys;
// Long-term keys from a `credential_process` that mfa-creds runs.
mod credential_process;
// Sessions of `aws login` in place of keys, and signing in.
mod aws_login;
// The cache of these sessions, which the AWS CLI and the SDKs share.
mod aws_login_cache;
// Role chains: one code for all roles over the same profile.
mod roles;
// Session policies, session tags, and source identity of roles, and which stored credentials have them.
mod less_power;
// Roles in other places than the config file, and what they take from other profiles.
mod role_files;
// The account ID that goes with credentials.
mod account_id;
// No profile is named: the list to pick from, and the error where nobody is there.
mod pick_profile;
// Many profiles in one run, `--all` among others: which codes they share, and what happens when some fail.
mod many_profiles;
// Many runs at once: one prompt, one request, no lost update.
mod concurrency;
// aws-mfa's flags, their abbreviations, and its program name.
mod aws_mfa;

// --- The MFA code, and who is asked for it ---

// Refused and used codes, lost answers, and codes on standard input.
mod codes;
// The prompt on a terminal, its keys, and the signals that end it.
#[cfg(unix)]
mod prompt;
// The same on a console of Windows.
#[cfg(windows)]
mod console;
// The graphical prompt, with pinentry, zenity and kdialog. `tests/platforms` drives the dialog of Windows.
#[cfg(unix)]
mod window;
// Codes that the command of `mfa_process` prints.
mod mfa_process;
// Finding the user's device where no setting names one.
mod devices;

// --- Files ---

// The credentials file against kills, full disks, links and directories that are not writable.
mod file;
// Backups that an interrupted write in place has left, in each state.
mod leftovers;
// Access control lists and extended attributes, as Linux has them.
#[cfg(target_os = "linux")]
mod attributes;
// Directories, pipes, sockets and devices where a file should be.
mod not_files;
// Long-term keys that `aws configure` wrote over a session.
mod overwritten;
// Valid credentials that AWS tools cannot use because of how the files are written.
mod misread;
// What AWS tools prefer to the section that we write, what that hides from them, and roles over such sources.
mod shadowed;

// What only Windows has: its shells, files that somebody has open, the Credential Manager.
#[cfg(windows)]
mod windows;
// Hints on Windows, typed into cmd.exe.
#[cfg(windows)]
mod windows_hints;

// --- The network and AWS ---

// What AWS refuses, a sentence each.
mod refusals;
// All answers of AWS and the network to a call with a code, as one table.
mod faults;
// The endpoints of each partition, and those that settings name.
mod endpoints;
// Proxies: how they are named, and what they answer.
mod proxies;
// Certificates that are trusted, and those that are not.
mod certificates;
// A clock that is off.
mod clock;
// Time limits, and what is sent a second time.
mod limits;
// Answers without an end, and processes that are ended while they hold secrets: a POSIX shell counts their memory.
#[cfg(unix)]
mod endless;

// --- The other commands ---

// `export`: the formats, and what goes to standard output.
mod export;
// `export --format process` in a `credential_process` that an SDK runs.
mod as_credential_process;
// `exec`: a command with the credentials in its environment.
mod exec;
// `exec --server`: a server for the command, from which it gets new credentials as long as it runs.
#[cfg(unix)]
mod exec_server;
// `serve`: the same for programs that mfa-creds does not start, and what a server refuses.
mod serve;
// Commands on Windows, also of `exec`: batch files, quotes and blanks, exit codes, and what ends with them.
#[cfg(windows)]
mod windows_commands;
// `console`: who signs in to the console of AWS, where, and what a browser is given.
mod sign_in;
// `plan`: what would be called and why, and the mistakes that it finds.
mod plan;
// `status`: the table, the JSON and the exit code.
mod status;
// `clear`: what it removes from the credentials file.
mod clear;
// `clear`: what it removes elsewhere.
mod clear_sessions;
// `doctor`: the checklist as a whole.
mod doctor;
// `doctor`: files.
mod doctor_files;
// `doctor`: environment, profiles and other tools.
mod doctor_profiles;
// `doctor`: the network, and what AWS says without a code.
mod doctor_network;
// `device list`.
mod device_list;
// `device enroll`: a dialog on a terminal.
#[cfg(unix)]
mod enrollment;
// `device resync`: a dialog on a terminal.
#[cfg(unix)]
mod resync;
// `rotate`: a new access key in place of the old one, killed at each step.
mod rotate;
// `rotate` while somebody else changes the file or the keys.
mod rotate_hands;
// `audit`: who lacks MFA.
mod audit;
// `policy`: the policies, and what they allow when the stand-in decides by them.
mod policy;
// `keychain`, as far as no real keychain is needed.
mod keychain;
// `setup`.
mod setup;
// `completions`, and the names that shells complete.
mod completions;
// `--version`.
mod version;
// `help`, its pager, and the manual pages of the guides.
mod help;
// Options before the command, and words in place of a command.
mod command_line;

// --- What is said ---

// What terminals of all kinds show of messages and waits, and what goes into files and pipes.
#[cfg(unix)]
mod screen;

// Hints about files, keys and profiles: the command in each is typed into a POSIX shell, and helps.
#[cfg(unix)]
mod hints;
// The same for the fixes of `doctor`.
#[cfg(unix)]
mod hints_of_doctor;
// The same for hints that name a setting.
#[cfg(unix)]
mod hints_of_settings;
// Control characters in files, arguments and answers, which would steer a terminal.
mod words;
// The same at prompts, in questions and in windows.
#[cfg(unix)]
mod words_at_prompts;
// The same in what servers answer.
mod words_of_servers;
// The trace of `MFA_CREDS_TRACE`: what is in it, and that nothing secret is.
mod trace;

// --- Whether the documents and the lists are complete ---
// They are the same on every system, except that transcripts are those of a POSIX shell.

// `--help` against the guide `reference`.
#[cfg(unix)]
mod reference;
// The guides and the README: links, headings, and every transcript, run again and compared.
#[cfg(unix)]
mod guides;
// Each command in a hint of the source against the tests that type it.
#[cfg(unix)]
mod inventory;
// The words of messages, help, and guides, and the list of them all.
#[cfg(unix)]
mod wording;
// The promises of `.github/SECURITY.md` against the tests that they name.
#[cfg(unix)]
mod security;
// What belongs where in the code.
#[cfg(unix)]
mod house;
