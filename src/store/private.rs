//! Our own directory, which no other user of the machine can read or hold: for locks, and for backups while a file is
//! written in place.
//!
//! It is `.mfa-creds` beside the credentials file, so that whoever shares the file, from a container for example, shares
//! the locks. Where that directory cannot be written, it is `/tmp/mfa-creds-UID`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const BESIDE: &str = ".mfa-creds";
/// Names of files end at 255 bytes on every system.
const LONGEST_NAME: usize = 200;

/// The private directory for one credentials file.
pub struct Private {
    directory: PathBuf,
    /// What the names of its files begin with.
    prefix: String,
}

impl Private {
    /// Finds the directory for a file, and makes it where it does not exist.
    ///
    /// # Errors
    /// When no place is both ours and writable.
    pub fn of(real: &Path) -> io::Result<Self> {
        let beside = directory_of(real).join(BESIDE);
        match make(&beside) {
            Ok(()) => Ok(Self::beside(real)),
            Err(error) if cannot_be_ours(&error) => {
                let elsewhere = Self::elsewhere(real);
                make(&elsewhere.directory)?;
                Ok(elsewhere)
            }
            Err(error) => Err(error),
        }
    }

    /// Finds files of this name where they would be, without making anything.
    pub fn existing(real: &Path, name: &str) -> Option<PathBuf> {
        let path = Self::beside(real).path(name);
        if path.exists() {
            return Some(path);
        }
        let path = Self::elsewhere(real).path(name);
        path.exists().then_some(path)
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory
            .join(encoded(&format!("{}.{name}", self.prefix)))
    }

    fn beside(real: &Path) -> Self {
        Self {
            directory: directory_of(real).join(BESIDE),
            prefix: real
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }

    fn elsewhere(real: &Path) -> Self {
        Self {
            directory: shared_place(),
            prefix: real.to_string_lossy().into_owned(),
        }
    }
}

/// The directory that a file is in.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// Opens a file that is ours alone, and makes it where it does not exist.
///
/// # Errors
/// Those of the file system.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = private(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
    .open(path)?;
    give_to_owner_of_directory(&file, path)?;
    Ok(file)
}

/// Options that make a new file unreadable for others from birth.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a directory for us alone, and those above it, where they do not exist.
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

/// A name that a file may have, whatever it is made of. Two names may become one: they then share a lock, which is safe.
fn encoded(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    let encoded: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    encoded[encoded.len().saturating_sub(LONGEST_NAME)..].to_owned()
}

fn cannot_be_ours(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::AlreadyExists
    )
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};

    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            let directory = File::open(path)?;
            give_to_owner_of_directory(&directory, path)?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    // Not followed: somebody else's link could lead anywhere.
    let metadata = fs::symlink_metadata(path)?;
    let us = rustix::process::geteuid();
    if !metadata.is_dir() || (metadata.uid() != us.as_raw() && !us.is_root()) {
        let problem = format!("{} belongs to somebody else", path.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// With `sudo`, root makes files in a user's home, which that user has to be able to open later.
#[cfg(unix)]
fn give_to_owner_of_directory(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (own, directory) = (file.metadata()?, fs::metadata(directory_of(path))?);
    // A file in a place for everybody stays ours.
    if own.uid() != directory.uid() && directory.uid() != 0 {
        fchown(file, Some(directory.uid()), Some(directory.gid()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn shared_place() -> PathBuf {
    // Not from the environment: every process of the user has to find the same place.
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/tmp/mfa-creds-{user}"))
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).create(path)
}

#[cfg(not(unix))]
fn give_to_owner_of_directory(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn shared_place() -> PathBuf {
    std::env::temp_dir().join("mfa-creds")
}
