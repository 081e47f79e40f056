//! Explains why a file cannot be written, locked or used, with what to type.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{private, resolve};
use crate::core::busy_file;
use crate::core::error::{Failure, reason};
use crate::core::regular_file;
use crate::core::shell_words::{self, SHOW_RIGHTS};
use crate::core::text::quoted_path;
use crate::files::profiles::{CLOSE_IT, name_a_file};

/// Refuses one of our own files if it is not a regular file.
pub fn check_own(path: &Path) -> Result<()> {
    match unfit_own(path) {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}

pub(super) fn unfit_own(path: &Path) -> Option<Failure> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let what = if metadata.is_symlink() {
        "it is a symbolic link, not a regular file".to_owned()
    } else {
        regular_file::check(&metadata).err()?.to_string()
    };
    Some(Failure::new(format!("{} cannot be used: {what}", path.display())).hint(remove(path)))
}

/// What to do about one of our own files that is not a regular file.
fn remove(path: &Path) -> String {
    format!("remove it: {}", shell_words::remove_all(path))
}

/// Some network and user-space file systems have no locks. Without locks, two processes could write at once.
pub(super) fn unlockable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "{} cannot be locked: {}",
        path.display(),
        reason(error)
    ))
    .hint("set AWS_SHARED_CREDENTIALS_FILE to a file on a local disk: this file system may not support locks")
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!(
        "{} cannot be written: {}",
        path.display(),
        reason(error)
    ));
    match error.kind() {
        _ if busy_file::is_busy(error) => failure.hint(CLOSE_IT),
        ErrorKind::PermissionDenied if is_read_only(path) => failure.hint(format!(
            "make it writable: {}",
            shell_words::make_writable(path)
        )),
        ErrorKind::PermissionDenied if is_of_us(path) && is_not_permitted(error) => {
            failure.hint(end_immutability(path))
        }
        ErrorKind::PermissionDenied => failure.hint(format!(
            "make the file and its directory writable: check both with {SHOW_RIGHTS}"
        )),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            if regular_file::unfit(error).is_none() =>
        {
            failure.hint("free some space; the file is unchanged")
        }
        ErrorKind::ReadOnlyFilesystem => {
            failure.hint("set AWS_SHARED_CREDENTIALS_FILE to a file on a writable file system")
        }
        ErrorKind::NotFound => failure.hint(format!(
            "create its directory: {}",
            shell_words::make_directory(&missing_directory(path))
        )),
        _ if regular_file::unfit(error).is_none() => failure,
        _ if private::is_own(path) => failure.hint(remove(path)),
        _ => failure.hint(name_a_file()),
    }
}

/// The same for a file of `aws login`.
pub(super) fn unwritable_cache(path: &Path, error: &io::Error) -> Failure {
    let failure = unwritable(path, error);
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => failure.hint(
            "copy it to a directory on a writable file system, and set AWS_LOGIN_CACHE_DIRECTORY to that directory",
        ),
        _ => failure,
    }
}

/// How to check whether a file is immutable, and to change that.
fn end_immutability(path: &Path) -> String {
    let path = quoted_path(path);
    if cfg!(target_os = "macos") {
        format!(
            "it may be locked: check with `ls -lO {path}`, and unlock it with `chflags nouchg {path}`"
        )
    } else {
        format!(
            "it may be immutable: check with `lsattr {path}`, and remove the attribute with `sudo chattr -ia {path}`"
        )
    }
}

/// Whether a file has the attribute of Windows.
fn is_read_only(path: &Path) -> bool {
    cfg!(windows) && fs::metadata(path).is_ok_and(|file| file.permissions().readonly())
}

/// Whether a file exists and belongs to this user.
#[cfg(unix)]
fn is_of_us(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs::metadata(path).is_ok_and(|file| file.uid() == rustix::process::geteuid().as_raw())
}

/// Whether the error is EPERM, which means an attribute of the file, not its mode.
#[cfg(unix)]
fn is_not_permitted(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}

#[cfg(not(unix))]
fn is_of_us(_path: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn is_not_permitted(_error: &io::Error) -> bool {
    false
}

/// The directory that a file must be in, after all links.
fn missing_directory(path: &Path) -> PathBuf {
    let real = resolve(path).unwrap_or_else(|_loop| path.to_path_buf());
    private::directory_of(&real).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::hint;

    #[test]
    fn the_way_out_of_a_read_only_file_system_is_the_variable_for_that_file() {
        let error = io::Error::from(ErrorKind::ReadOnlyFilesystem);
        for (failure, variable) in [
            (
                unwritable(Path::new("credentials"), &error),
                "AWS_SHARED_CREDENTIALS_FILE",
            ),
            (
                unwritable_cache(Path::new("cache.json"), &error),
                "AWS_LOGIN_CACHE_DIRECTORY",
            ),
        ] {
            let error = failure.into();
            assert!(hint(&error).unwrap().contains(variable), "{error:?}");
        }
    }
}
