//! Changes the credentials file: lock, read again, edit, second opinion, replace.
//!
//! At every instant the file on disk is either the whole old one or the whole new one.

mod replace;
mod second_opinion;

use std::fs::{self, File as Handle, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use zeroize::Zeroizing;

use crate::document::{Change, Document, edit};
use crate::error::Failure;
use crate::profiles::{File, read, reason};

/// Our own directory beside the credentials file.
const PRIVATE_DIRECTORY: &str = ".mfa-creds";
const LOCK: &str = "lock";
/// A file is locked for a few milliseconds at a time, never while a person or the network is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(5);
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// What is to be changed in one section.
pub struct Edit<'v> {
    /// Its name.
    pub section: String,
    /// Each key at most once.
    pub changes: Vec<Change<'v>>,
}

/// Tries all that could keep a change from being written, and changes nothing.
///
/// # Errors
/// What is in the way, and what to type.
pub fn check(path: &Path) -> Result<()> {
    let real = resolve(path)?;
    let _lock = lock(&real)?;
    match fs::metadata(&real) {
        Ok(metadata) if metadata.permissions().readonly() => {
            bail!(
                Failure::new(format!("{} is read-only", path.display()))
                    .hint(format!("make it writable: chmod u+w '{}'", path.display()))
            );
        }
        Ok(_) => {
            Handle::options()
                .write(true)
                .open(&real)
                .map_err(|error| unwritable(path, &error))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => bail!(unwritable(path, &error)),
    }
    replace::check(&real).map_err(|error| unwritable(path, &error).into())
}

/// Edits the file as it is now, which may be newer than when it was read before. Makes it where there is none.
///
/// # Errors
/// Whatever `decide` says, and what keeps the file from being written. The file is then as it was.
pub fn update<'v>(
    path: &Path,
    decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>,
) -> Result<()> {
    let real = resolve(path)?;
    let _lock = lock(&real)?;
    let old = read(&real)?.unwrap_or_default();
    let file = File {
        path,
        document: Document::parse(&old),
    };
    let edits = decide(&file)?;
    let mut new = old.clone();
    for Edit { section, changes } in &edits {
        new = Zeroizing::new(edit(&new, section, changes).map_err(|unwritable| {
            Failure::new(format!(
                "{} was left as it was: {unwritable}",
                path.display()
            ))
            .hint("check the endpoint with -v: AWS sends no such values")
        })?);
    }
    if let Err(difference) = second_opinion::check(&old, &new, &edits) {
        bail!(
            Failure::new(format!(
                "{} was left as it was: a second reading of the changed file differs at {difference}",
                path.display()
            ))
            .hint("please report the layout of the file, without its keys")
        );
    }
    replace::replace(&real, new.as_bytes()).map_err(|error| unwritable(path, &error).into())
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!(
        "{} cannot be written: {}",
        path.display(),
        reason(error)
    ));
    match error.kind() {
        ErrorKind::PermissionDenied => {
            failure.hint("make the file and its directory yours: see `ls -ld` of both")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            failure.hint("free some space; nothing was changed")
        }
        ErrorKind::ReadOnlyFilesystem => failure
            .hint("AWS_SHARED_CREDENTIALS_FILE can name a file that is on a writable file system"),
        ErrorKind::NotFound => failure.hint("make its directory, or run `mfa-creds setup`"),
        _ => failure,
    }
}

/// Follows symbolic links, also to a file that is not there yet.
fn resolve(path: &Path) -> Result<PathBuf> {
    let mut real = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&real) {
            Ok(target) => {
                let directory = real.parent().map(Path::to_path_buf).unwrap_or_default();
                real = directory.join(target);
            }
            Err(_not_a_link) => return Ok(real),
        }
    }
    bail!(
        Failure::new(format!("{} is a loop of symbolic links", path.display()))
            .hint("`ls -l` shows where each link leads")
    )
}

/// Holds the lock of a file until dropped. Other processes of this tool wait.
fn lock(real: &Path) -> Result<Handle> {
    let directory = directory(real).join(PRIVATE_DIRECTORY);
    let lock = private_directory(&directory)
        .and_then(|()| {
            private(Handle::options().write(true).create(true).truncate(false))
                .open(directory.join(LOCK))
        })
        .map_err(|error| unwritable(&directory, &error))?;
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_TIMEOUT => {
                thread::sleep(LOCK_POLL);
            }
            Err(TryLockError::WouldBlock) => bail!(
                Failure::new(format!(
                    "another process holds the lock of {}",
                    real.display()
                ))
                .hint(format!("see `lsof {}`", directory.join(LOCK).display()))
            ),
            Err(TryLockError::Error(error)) => bail!(unwritable(&directory, &error)),
        }
    }
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// Makes a directory that is nobody else's business, and those above it, where they do not exist.
///
/// # Errors
/// Those of the file system.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options that make a new file unreadable for others from birth.
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
