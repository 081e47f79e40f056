//! Keeps our own directory, which no other user can read or take over: for locks, for backups while a file is written in place, and for
//! sessions that no section of the credentials file holds.
//!
//! It is `.mfa-creds` beside the credentials file, where that place is ours: then whoever shares the file shares the locks.
//! Elsewhere (a directory that is not writable, or root in the home of another user) it is `/tmp/mfa-creds-UID`. Nothing in
//! either is ever opened through a link, or trusted when somebody else has made it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::core::regular_file;

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
    pub fn of(real: &Path) -> io::Result<Self> {
        let beside = Self::beside(real);
        // In a directory of somebody else, ours could be replaced by a trap.
        let made = belongs_to_us(directory_of(real)).and_then(|ours| {
            if ours {
                make(&beside.directory)
            } else {
                Err(ErrorKind::PermissionDenied.into())
            }
        });
        match made {
            Ok(()) => Ok(beside),
            Err(error) if cannot_be_ours(&error) => {
                let elsewhere = Self::elsewhere(real);
                make(&elsewhere.directory)?;
                Ok(elsewhere)
            }
            Err(error) => Err(error),
        }
    }

    /// The places that may hold something for a file, whichever of them would be chosen now. Nothing is made.
    pub fn places(real: &Path) -> impl Iterator<Item = Self> {
        [Self::beside(real), Self::elsewhere(real)]
            .into_iter()
            .filter(|place| is_ours(&place.directory).unwrap_or(false))
    }

    /// Whether this is the place beside the file, where everybody looks first.
    pub fn is_beside(&self, real: &Path) -> bool {
        self.directory == Self::beside(real).directory
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory
            .join(encoded(&format!("{}.{name}", self.prefix)))
    }

    /// All of its files that are there.
    pub fn files(&self) -> Vec<PathBuf> {
        let prefix = format!("{}.", self.prefix);
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return Vec::new();
        };
        let entries = entries.filter_map(Result::ok);
        let own = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        own.map(|entry| entry.path()).collect()
    }

    fn beside(real: &Path) -> Self {
        let directory = directory_of(real);
        Self {
            // What is for one of its own files stands in it, too.
            directory: if directory.ends_with(BESIDE) {
                directory.to_path_buf()
            } else {
                directory.join(BESIDE)
            },
            prefix: real
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// The path of a lock for a file by what it is, not by what it is called, where there can be one: all names of a file share
    /// it, for the processes of one user.
    #[cfg(unix)]
    pub fn by_number(real: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt as _;

        let file = fs::metadata(real).ok()?;
        let place = Self {
            directory: shared_place(),
            prefix: format!("{:x}-{:x}", file.dev(), file.ino()),
        };
        make(&place.directory).ok()?;
        Some(place.path("lock"))
    }

    /// None: the system has no numbers for files that are told so.
    #[cfg(not(unix))]
    pub fn by_number(_real: &Path) -> Option<PathBuf> {
        None
    }

    fn elsewhere(real: &Path) -> Self {
        Self {
            directory: shared_place(),
            prefix: format!("{:016x}", fingerprint(real)),
        }
    }
}

/// Whether a file is one of those in a private directory.
pub(super) fn is_own(file: &Path) -> bool {
    let directory = directory_of(file);
    directory.ends_with(BESIDE) || directory == shared_place()
}

/// The directory that a file is in.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// Opens a file that is ours alone, and makes it where it does not exist.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().create(true))
}

/// The same where there is one.
pub(super) fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match open_with(path, &mut OpenOptions::new()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Writes a file that is ours alone, in place of the one that is there: whoever is killed meanwhile leaves one of the two whole.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = &*new_of(path);
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(new)?;
    regular_file::leave_to_owner(&file)?;
    file.write_all(content)?;
    fs::rename(new, path)
}

/// Where a new content of such a file is written before it takes its place.
pub(super) fn new_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    use rustix::fs::OFlags;

    options.read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        options,
        (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY)
            .bits()
            .cast_signed(),
    );
    let file = private(options).open(path)?;
    if is_our_file(&file)? {
        regular_file::leave_to_owner(&file)?;
        Ok(file)
    } else {
        let problem = format!("{} is not a plain file of ours", path.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, problem))
    }
}

/// Takes away what others may do with a file of ours, if it is there.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => take_away(&open(path)?),
    }
}

/// Options that make a new file unreadable for others from birth.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a directory for us alone, and those above it, where they do not exist.
pub fn private_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        private_directory(above)?;
    }
    match make_directory(path) {
        // Another process was faster, or it is what a link leads to.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// A name that a file may have, whatever it is made of: what cannot stand in it is replaced, and where anything was
/// replaced or is too long, a fingerprint keeps the names apart.
fn encoded(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    if name.len() <= LONGEST_NAME && name.chars().all(plain) {
        return name.to_owned();
    }
    let start: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(LONGEST_NAME)
        .collect();
    format!("{start}.{:016x}", fingerprint(Path::new(name)))
}

/// FNV-1a, the same in every version of this tool, as every process has to find the same names.
/// See <https://datatracker.ietf.org/doc/html/rfc9923>.
fn fingerprint(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn cannot_be_ours(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    match make_directory(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !is_ours(path)? {
        let problem = format!("{} belongs to somebody else", path.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
    }
    if fs::metadata(path)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes a directory that its owner can use, whatever the umask takes away, and nobody else.
#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

    fs::DirBuilder::new().mode(0o700).create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Whether a directory is ours, wherever links to it may stand.
#[cfg(unix)]
fn belongs_to_us(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    Ok(fs::metadata(path)?.uid() == rustix::process::geteuid().as_raw())
}

/// Whether a path is a directory of ours, and not a link to one.
#[cfg(unix)]
fn is_ours(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = fs::symlink_metadata(path)?;
    Ok(metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(unix)]
fn is_our_file(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata()?;
    let us = rustix::process::geteuid().as_raw();
    Ok(metadata.is_file() && metadata.nlink() == 1 && metadata.uid() == us)
}

#[cfg(unix)]
fn take_away(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn take_away(_file: &File) -> io::Result<()> {
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
fn belongs_to_us(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn is_ours(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn is_our_file(_file: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn shared_place() -> PathBuf {
    std::env::temp_dir().join("mfa-creds")
}
