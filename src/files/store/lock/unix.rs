//! Locks of Unix: advisory, so that the holder's process ID can be read from the locked file.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::files::store::private;

/// Others can read a file while it is locked.
pub(super) const CONTENT_CAN_BE_LOCKED: bool = true;

/// A handle that waits for the lock while the other one is used.
pub(super) fn handle_to_wait(file: &File, _path: &Path) -> io::Result<File> {
    file.try_clone()
}

/// Lets the holder of a lock sign it.
pub(super) fn with_signature(
    _path: &Path,
    locked: &File,
    sign: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    sign(locked)
}

/// The file that the holder of a lock has signed.
pub(super) fn signature(path: &Path) -> io::Result<File> {
    private::open(path)
}

pub(super) fn is_alive(process: u32) -> bool {
    Pid::from_raw(process.cast_signed())
        .is_some_and(|process| matches!(test_kill_process(process), Ok(()) | Err(Errno::PERM)))
}

/// Whether we may end a process.
pub fn can_end(process: u32) -> bool {
    let process = Pid::from_raw(process.cast_signed());
    process.is_some_and(|process| test_kill_process(process).is_ok())
}
