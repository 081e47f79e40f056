//! Locks of Windows: mandatory, and blocking for everything that is done with the same handle.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use winsafe::{HPROCESS, co};

use crate::files::store::private;

/// Nobody, not even this process by another handle, could read a file that is locked.
pub(super) const CONTENT_CAN_BE_LOCKED: bool = false;

/// The exit code of a process that has not ended.
const STILL_ACTIVE: u32 = 259;

/// A handle that waits for the lock while the other one is used.
pub(super) fn handle_to_wait(_file: &File, path: &Path) -> io::Result<File> {
    private::open(path)
}

/// Lets the holder of a lock sign it, in a file next to it.
pub(super) fn with_signature(
    path: &Path,
    _locked: &File,
    sign: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    sign(&private::open(&beside(path))?)
}

/// The file that the holder of a lock has signed.
pub(super) fn signature(path: &Path) -> io::Result<File> {
    private::open(&beside(path))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".holder");
    PathBuf::from(name)
}

pub(super) fn is_alive(process: u32) -> bool {
    match HPROCESS::OpenProcess(co::PROCESS::QUERY_LIMITED_INFORMATION, false, process) {
        Ok(process) => process.GetExitCodeProcess() == Ok(STILL_ACTIVE),
        // It belongs to somebody else.
        Err(error) => error == co::ERROR::ACCESS_DENIED,
    }
}

/// Whether we may end a process.
pub fn can_end(process: u32) -> bool {
    HPROCESS::OpenProcess(co::PROCESS::TERMINATE, false, process).is_ok()
}
