//! Waits shortly for a file that another program has open. On Windows, an editor or a virus scanner can keep others from it for a moment.

use std::fs;
use std::io;
use std::path::Path;

/// Whether another program has the file open, and does not share it.
#[cfg(windows)]
pub fn is_busy(error: &io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;

    matches!(
        error.raw_os_error(),
        Some(SHARING_VIOLATION | LOCK_VIOLATION)
    )
}

/// Other systems let programs share files.
#[cfg(not(windows))]
pub fn is_busy(_error: &io::Error) -> bool {
    false
}

/// Tries again, for two seconds at most, while another program has the file open.
pub fn patiently<T>(attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    while_it(is_busy, attempt)
}

/// Renames a file over another one, or to a new name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    while_it(is_in_the_way, || fs::rename(from, to))
}

/// Removes a file.
pub fn remove(path: &Path) -> io::Result<()> {
    while_it(is_in_the_way, || fs::remove_file(path))
}

/// Whether an open file can be the reason that it cannot be replaced or removed. Windows then denies access.
fn is_in_the_way(error: &io::Error) -> bool {
    is_busy(error) || (cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied)
}

#[cfg(windows)]
fn while_it<T>(
    passes: fn(&io::Error) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    use std::thread;
    use std::time::{Duration, Instant};

    const AT_MOST: Duration = Duration::from_secs(2);
    const LONGEST_PAUSE: Duration = Duration::from_millis(200);

    let begun = Instant::now();
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt() {
            Err(error) if passes(&error) && begun.elapsed() < AT_MOST => thread::sleep(pause),
            other => return other,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(not(windows))]
fn while_it<T>(
    _passes: fn(&io::Error) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    attempt()
}
