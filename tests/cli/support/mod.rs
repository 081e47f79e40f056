//! What tests of several files need: homes, terminals, accounts, networks. Test files import from here, and never from each other.

// A throwaway home, and runs of the binary in it.
pub mod home;
// Sections of the credentials file.
pub mod sections;
// Accounts of the stand-in.
pub mod accounts;
// Roles, in the account and in the config file.
pub mod roles;
// Sessions of `aws login`, and the program `aws`.
pub mod logins;

// What is typed differently on Windows, and said differently by it.
pub mod systems;
// Starting processes.
pub mod spawning;
// The binary on a terminal.
#[cfg(unix)]
pub mod terminal;
// The binary on a console of Windows.
#[cfg(windows)]
pub mod console;
// Graphical prompts that are programs.
#[cfg(unix)]
pub mod dialogs;
// Servers of credentials while they run, and their clients.
pub mod servers;
// A shell in which the command of a hint is typed.
#[cfg(unix)]
pub mod shell;

// A proxy that looks into TLS, and an address where nobody listens.
pub mod corporate_network;

// Tests that wait for the next code of a device, side by side.
pub mod next_code;

// The texts in the product's sources, which are the same on every system.
#[cfg(unix)]
pub mod sources;

// What the tests of `doctor` share.
pub mod doctor;
// What the tests of `device enroll` and `device resync` share: a dialog on a terminal.
#[cfg(unix)]
pub mod enrollment;
// What the tests of `rotate` share.
pub mod rotation;
// What the tests of hostile text share.
pub mod hostile_text;
