//! Opens files that must be regular ones, and says what is there instead.
//!
//! Opening never blocks: a FIFO without a writer would hang the process. The opened file is checked, not the path, which may have
//! changed in the meantime.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use super::busy_file;
use super::file_id::FileId;

/// How much of a file is read, in bytes. A credentials file with 40,000 profiles is this large, and a bundle of all public certificate
/// authorities is a fiftieth of it.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Why something is not read or written. Completes "FILE cannot be read: …", like the errors of the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unfit {
    Directory,
    /// `/dev/null`, which scripts use for "no file".
    NullDevice,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Socket,
    /// It is larger than any file of its kind, or does not end.
    TooLarge,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            // In the words of the system, where it has any.
            Self::Directory => return f.write_str("it is a directory"),
            Self::TooLarge => {
                return write!(f, "it is larger than {MOST_BYTES} bytes");
            }
            Self::NullDevice => "the null device",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
        };
        write!(f, "it is {what}, not a regular file")
    }
}

impl std::error::Error for Unfit {}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> Self {
        let kind = match unfit {
            Unfit::Directory => ErrorKind::IsADirectory,
            Unfit::TooLarge => ErrorKind::FileTooLarge,
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, unfit)
    }
}

/// Why a file cannot be read or written, if the reason is the file itself.
pub fn unfit(error: &io::Error) -> Option<Unfit> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(unfit) => Some(*unfit),
        None => (error.kind() == ErrorKind::IsADirectory).then_some(Unfit::Directory),
    }
}

/// Whether two paths lead to one file that is there, by whatever names and links.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let ids = (FileId::of_path(one), FileId::of_path(other));
    matches!(ids, (Ok(one), Ok(other)) if one == other)
}

/// What is in a regular file.
///
/// # Errors
/// Those of the file system, and [`Unfit`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    busy_file::patiently(|| read_once(path))
}

fn read_once(path: &Path) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path, File::options().read(true))?;
    if metadata.len() > MOST_BYTES {
        return Err(Unfit::TooLarge.into());
    }
    // Allocated at full size: growing would copy secrets in memory.
    let mut bytes = vec![0; usize::try_from(metadata.len()).unwrap_or_default()];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match (&file).read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    // Files in /proc report no length, and others may have grown.
    let most = MOST_BYTES + 1 - metadata.len();
    file.take(most).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(Unfit::TooLarge.into());
    }
    Ok(bytes)
}

/// Opens a regular file.
///
/// # Errors
/// Those of the file system, and [`Unfit`].
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
    let opened = busy_file::patiently(|| without_waiting(options).open(path));
    let file = opened.or_else(|error| match (check_error(path, &error), error.kind()) {
        (Err(unfit), _) => Err(unfit),
        // Another process, such as a file server, has a lease on it, and the system asks for it back.
        (Ok(()), ErrorKind::WouldBlock) => waiting(options).open(path),
        (Ok(()), _) => Err(error),
    })?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    Ok((file, metadata))
}

/// Why a file cannot be opened, if the reason is the file itself.
fn check_error(path: &Path, error: &io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => check_path(path),
    }
}

/// Lets its owner read and write a file that was just created, whatever the umask is.
#[cfg(unix)]
pub fn leave_to_owner(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    if file.metadata()?.permissions().mode() & 0o600 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn leave_to_owner(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Refuses a path to something other than a regular file. A missing file is fine.
///
/// # Errors
/// [`Unfit`].
pub fn check_path(path: &Path) -> io::Result<()> {
    fs::metadata(path).map_or(Ok(()), |metadata| check(&metadata))
}

/// Refuses anything but a regular file.
///
/// # Errors
/// [`Unfit`].
pub fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(kind(metadata).into())
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> Unfit {
    use std::os::unix::fs::FileTypeExt as _;

    let kind = metadata.file_type();
    if kind.is_dir() {
        Unfit::Directory
    } else if kind.is_fifo() {
        Unfit::Fifo
    } else if kind.is_socket() {
        Unfit::Socket
    } else if kind.is_block_device() {
        Unfit::BlockDevice
    } else if is_null(metadata) {
        Unfit::NullDevice
    } else {
        Unfit::CharacterDevice
    }
}

/// Whether it is the null device, by whatever name.
#[cfg(unix)]
fn is_null(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

#[cfg(not(unix))]
fn kind(metadata: &Metadata) -> Unfit {
    if metadata.is_dir() {
        Unfit::Directory
    } else {
        Unfit::CharacterDevice
    }
}

/// Opening does not wait for the other end of a FIFO, and does not make a terminal the controlling one.
#[cfg(unix)]
pub fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use rustix::fs::OFlags;

    with_flags(options, OFlags::NONBLOCK | OFlags::NOCTTY)
}

#[cfg(unix)]
fn waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    with_flags(options, rustix::fs::OFlags::empty())
}

#[cfg(unix)]
fn with_flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed())
}

/// The system has no such files in these places.
#[cfg(not(unix))]
pub fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(not(unix))]
fn waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
