//! Manages our own directory, which no other user can read or take over: for locks, for backups while a file is written in place, and
//! for sessions that are not in the credentials file.
//!
//! It is `.mfa-creds` next to the credentials file if we own that place, so that all users of the file share the locks. Otherwise (a
//! directory that is not writable, or root in the home of another user) it is `/tmp/mfa-creds-UID`. Files in it are never opened
//! through a link, and never trusted if somebody else created them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

#[cfg(windows)]
use crate::core::access;
use crate::core::busy_file;
use crate::core::file_id::FileId;
use crate::core::regular_file;

const BESIDE: &str = ".mfa-creds";
/// Opens a link itself, and not what it leads to.
#[cfg(windows)]
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// Every system limits file names to 255 bytes.
const LONGEST_NAME: usize = 200;

/// The private directory for one credentials file.
pub struct Private {
    directory: PathBuf,
    /// The prefix of the names of its files.
    prefix: String,
}

impl Private {
    /// Finds the directory for a file, and creates it if it does not exist.
    pub fn of(real: &Path) -> io::Result<Self> {
        let beside = Self::beside(real);
        // In another user's directory, ours could be replaced.
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

    /// All places that may contain something for a file, whichever is used now. Creates nothing.
    pub fn places(real: &Path) -> impl Iterator<Item = Self> {
        [Self::beside(real), Self::elsewhere(real)]
            .into_iter()
            .filter(|place| is_ours(&place.directory).unwrap_or(false))
    }

    /// Whether this is the place next to the file, where every process looks first.
    pub fn is_beside(&self, real: &Path) -> bool {
        self.directory == Self::beside(real).directory
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory
            .join(encoded(&format!("{}.{name}", self.prefix)))
    }

    /// All of its files that exist.
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
            // Backups of its own files are in it, too.
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

    /// The path of a lock by the file's device and inode numbers, if possible: all names of the file share it, for the processes of one
    /// user.
    pub fn by_number(real: &Path) -> Option<PathBuf> {
        let FileId { device, number } = FileId::of_path(real).ok()?;
        let place = Self {
            directory: shared_place(),
            prefix: format!("{device:x}-{number:x}"),
        };
        make(&place.directory).ok()?;
        Some(place.path("lock"))
    }

    fn elsewhere(real: &Path) -> Self {
        Self {
            directory: shared_place(),
            prefix: format!("{:016x}", fingerprint(real)),
        }
    }
}

/// Whether a file is in a private directory.
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

/// Opens a private file, and creates it if it does not exist.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().create(true))
}

/// Opens a private file, if it exists.
pub(super) fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match open_with(path, &mut OpenOptions::new()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Replaces a private file. A process that is killed meanwhile leaves either the old or the new one complete.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = &*new_of(path);
    match busy_file::remove(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(new)?;
    regular_file::leave_to_owner(&file)?;
    file.write_all(content)?;
    busy_file::rename(new, path)
}

/// The path where the new content of such a file is written before it is renamed.
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
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(options, FILE_FLAG_OPEN_REPARSE_POINT);
    let file = busy_file::patiently(|| private(options).open(path))?;
    if is_our_file(&file)? {
        regular_file::leave_to_owner(&file)?;
        Ok(file)
    } else {
        let problem = format!("{} is not a regular file of this user", path.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, problem))
    }
}

/// Removes the rights of others on a file of ours, if it exists.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => take_away(&open(path)?),
    }
}

/// Options that create a file unreadable for others.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Creates a private directory, and the directories above it, if they do not exist.
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

/// A valid file name for any text: invalid characters are replaced, and a name with replacements, or one that is too long, gets a
/// fingerprint to keep it unique.
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

/// FNV-1a, in every version of this tool, because every process has to find the same names.
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
        let problem = format!("{} belongs to another user", path.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
    }
    if fs::metadata(path)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Creates a directory that only its owner can use, whatever the umask is.
#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

    fs::DirBuilder::new().mode(0o700).create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Creates a directory that only this user can use. A process that is killed meanwhile leaves none with this name that others can use.
#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    if access::is_in_profile(path) {
        return fs::create_dir(path);
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = Path::new(&new);
    // A killed process with the same number may have left it.
    let _ = fs::remove_dir(new);
    fs::create_dir(new)?;
    access::leave_to_user(new, access::Kind::Directory);
    busy_file::patiently(|| fs::rename(new, path)).map_err(|error| {
        let _ = fs::remove_dir(new);
        if path.is_dir() {
            // Another process was faster.
            ErrorKind::AlreadyExists.into()
        } else {
            error
        }
    })
}

/// Whether a directory belongs to us, after all links.
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
    // Not from the environment, because every process of the user has to find the same place.
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/tmp/mfa-creds-{user}"))
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    if path == shared_place() {
        private_directory(path)?;
    }
    match make_directory(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if is_ours(path)? {
        Ok(())
    } else {
        let problem = format!("{} is a link", path.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, problem))
    }
}

#[cfg(not(unix))]
fn belongs_to_us(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Whether a path is a directory, and not a link to one.
#[cfg(not(unix))]
fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_dir())
}

#[cfg(not(unix))]
fn is_our_file(file: &File) -> io::Result<bool> {
    let information = winapi_util::file::information(file)?;
    Ok(file.metadata()?.is_file() && information.number_of_links() == 1)
}

#[cfg(not(unix))]
fn shared_place() -> PathBuf {
    // Not the directory for temporary files: MSYS2 and Cygwin set another one, which all users share.
    match std::env::home_dir() {
        Some(home) if home.is_dir() => home.join("AppData").join("Local").join("mfa-creds"),
        _ => std::env::temp_dir().join("mfa-creds"),
    }
}
