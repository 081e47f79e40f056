//! Locks files between processes of this tool. A lock is released when the process that holds it ends, however it ends.
//!
//! Windows differs in two ways. While a handle waits for a lock, nothing else can be done with it, so a second one waits. And a locked
//! file cannot be read by others, so the process ID of the holder is in a file of its own.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
use super::private;
use crate::core::file_id::FileId;
use crate::core::regular_file;
use crate::core::wait::NOTICE_AFTER;
pub use system::can_end;

/// A held lock; dropping it lets the next one in.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock is not held.
#[derive(Debug)]
pub enum NotLocked {
    /// Another process held it for the whole time.
    Busy { holder: Option<u32> },
    /// The lock file cannot be opened.
    Failed(io::Error),
    /// The file system does not support locks.
    NoLocks(io::Error),
}

impl Lock {
    /// Acquires a lock, and waits for it if necessary. Calls `waiting` once if it takes long, with the holder's process ID if known, and
    /// drops its result after the wait.
    ///
    /// # Errors
    /// [`NotLocked`].
    pub fn take<W>(
        path: &Path,
        at_most: Duration,
        waiting: impl FnOnce(Option<u32>) -> W,
    ) -> Result<Self, NotLocked> {
        let file = private::open(path).map_err(NotLocked::Failed)?;
        let file = lock(file, path, at_most, || waiting(holder(path)))?;
        // Only for the messages of other processes, which also wait without it.
        let _ = system::with_signature(path, &file, sign);
        Ok(Self { _file: file })
    }

    /// Locks a shared file itself, for processes that look for our lock files in another place. Other programs may hold read locks on it
    /// for any length of time; those are not waited for. `by_number` is the path of a lock that all names of the file share, if there is
    /// one: it separates our own processes while read locks of others prevent an exclusive lock on the file.
    ///
    /// # Errors
    /// [`NotLocked`].
    pub fn of_content(
        path: &Path,
        by_number: Option<&Path>,
        at_most: Duration,
    ) -> Result<Vec<Self>, NotLocked> {
        let ours = by_number.map(|path| Self::take(path, at_most, |_holder| ()));
        let ours = ours.transpose()?;
        if !system::CONTENT_CAN_BE_LOCKED {
            return Ok(ours.into_iter().collect());
        }
        loop {
            let (file, _) =
                regular_file::open(path, File::options().read(true)).map_err(NotLocked::Failed)?;
            let file = lock_beside_readers(file, path, at_most)?;
            // The previous holder may have replaced it.
            let is_still = FileId::of_path(path).and_then(|there| Ok(there == FileId::of(&file)?));
            if is_still.map_err(NotLocked::Failed)? {
                let content = Self { _file: file };
                return Ok(ours.into_iter().chain([content]).collect());
            }
        }
    }
}

fn lock<W>(
    file: File,
    path: &Path,
    at_most: Duration,
    waiting: impl FnOnce() -> W,
) -> Result<File, NotLocked> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(NotLocked::NoLocks(error)),
        Err(TryLockError::WouldBlock) => wait(&file, path, at_most, waiting),
    }
}

/// Locks a file exclusively, or shares it if others hold only read locks.
fn lock_beside_readers(file: File, path: &Path, at_most: Duration) -> Result<File, NotLocked> {
    let only_readers = || file.try_lock_shared().is_ok();
    match file.try_lock() {
        Err(TryLockError::WouldBlock) if only_readers() => Ok(file),
        Err(TryLockError::WouldBlock) => wait(&file, path, at_most, || ()),
        Err(TryLockError::Error(error)) => Err(NotLocked::NoLocks(error)),
        Ok(()) => Ok(file),
    }
}

/// Waits in the system's queue, which is fair. Returns the handle that holds the lock.
fn wait<W>(
    file: &File,
    path: &Path,
    at_most: Duration,
    waiting: impl FnOnce() -> W,
) -> Result<File, NotLocked> {
    let queued = system::handle_to_wait(file, path).map_err(NotLocked::Failed)?;
    let (sender, receiver) = mpsc::channel();
    // If the lock comes too late, nobody receives it, which releases it.
    thread::spawn(move || sender.send(queued.lock().map(|()| queued)));
    let silence = NOTICE_AFTER.min(at_most);
    let locked = receiver.recv_timeout(silence).or_else(|_elapsed| {
        let _shown = (at_most > silence).then(waiting);
        receiver.recv_timeout(at_most.saturating_sub(silence))
    });
    match locked {
        Ok(Ok(locked)) => Ok(locked),
        Ok(Err(error)) => Err(NotLocked::NoLocks(error)),
        Err(_elapsed) => Err(NotLocked::Busy {
            holder: holder(path),
        }),
    }
}

fn sign(mut file: &File) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{} {}", std::process::id(), namespace())
}

/// The process that holds a lock, if its number is meaningful here: in another namespace of process IDs, as in containers, the same
/// number is another process. A holder that could not sign leaves the number of an earlier one.
fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    let file = system::signature(path).ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    let (id, of) = text.trim_end_matches('\n').split_once(' ')?;
    let id = id.parse().ok()?;
    (of == namespace() && system::is_alive(id)).then_some(id)
}

/// The namespace of our process IDs. Empty except on Linux.
fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().into_owned()
}
