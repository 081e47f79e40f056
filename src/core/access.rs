//! Who may use a file on Windows, and how it is left to this user alone.
//!
//! On Unix the mode does that when a file is created. On Windows a file gets the rights of its directory. In the user's profile only the
//! user, the system and administrators have rights. Elsewhere all users often do, so what is created there gets an access control list
//! of its own, once.

mod sddl;
#[cfg(windows)]
mod windows;

#[cfg(windows)]
pub use self::windows::{Kind, is_in_profile, leave_to_user, make_private, make_readable, others};
