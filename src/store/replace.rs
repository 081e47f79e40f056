//! Replaces a file as a whole: a new one beside it, made durable, takes its place.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{directory, private};

/// Tries whether a new file could be made beside this one.
///
/// # Errors
/// Those of the file system.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let temporary = Temporary::create(path)?;
    drop(temporary);
    Ok(())
}

/// Replaces a file, or makes it. Its owner and mode stay; a new one is 0600.
///
/// # Errors
/// Those of the file system. The old file is then as it was.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = Temporary::create(path)?;
    temporary.file.write_all(content)?;
    match fs::metadata(path) {
        Ok(old) => keep_owner_and_mode(&temporary.file, &old)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // First the content, then the name: a crash must not leave the new name with half of the content.
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, path)?;
    temporary.moved = true;
    sync_directory(directory(path))
}

/// A file beside another one, gone when dropped unless it was moved.
struct Temporary {
    path: PathBuf,
    file: File,
    moved: bool,
}

impl Temporary {
    /// The caller holds the lock, so a file of that name was left behind by a process that was killed.
    fn create(beside: &Path) -> io::Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(beside.file_name().unwrap_or_default());
        name.push(".mfa-creds-new");
        let path = directory(beside).join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = private(File::options().write(true).create_new(true)).open(&path)?;
        Ok(Self {
            path,
            file,
            moved: false,
        })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.moved {
            // The next write removes what cannot be removed now.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn keep_owner_and_mode(new: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let fresh = new.metadata()?;
    if (fresh.uid(), fresh.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    // After the owner: a change of owner may clear bits of the mode.
    new.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_new: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
