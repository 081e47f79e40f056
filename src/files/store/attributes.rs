//! Copies what a file has besides its content, owner and mode: an access control list, and other extended attributes.
//!
//! The mode of a file with a POSIX ACL shows the mask instead of the group's rights. A new file with that mode but without the list
//! would give the group rights that the mask allows only for other entries.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(windows)]
use winsafe::co;

#[cfg(windows)]
use crate::core::busy_file;

/// A new file cannot get the attributes of the old one.
#[derive(Debug)]
pub(super) struct NotCarriedOver;

impl NotCarriedOver {
    pub(super) const TEXT: &str =
        "its access control list or other attributes cannot be copied to a new file";
}

impl fmt::Display for NotCarriedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::TEXT)
    }
}

impl Error for NotCarriedOver {}

/// Gives a new file the attributes of the old one, and removes those inherited from its directory.
///
/// # Errors
/// [`NotCarriedOver`], and those of the file system. The new file must then not replace the old one.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn carry_over(old: &File, new: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr};

    let (wanted, present) = (xattr::all(old)?, xattr::all(new)?);
    let mut done = Ok(());
    for (name, _) in &present {
        if !wanted.iter().any(|(wanted, _)| wanted == name) {
            done = done.and(fremovexattr(new, &**name));
        }
    }
    for attribute in wanted
        .iter()
        .filter(|attribute| !present.contains(attribute))
    {
        let (name, value) = attribute;
        done = done.and(fsetxattr(new, &**name, value, XattrFlags::empty()));
    }
    // On macOS they grant no rights, and the system reserves some of them.
    if done.is_err() && cfg!(target_os = "linux") {
        return Err(io::Error::other(NotCarriedOver));
    }
    Ok(())
}

/// Marks a file as being written in place, if the file system supports attributes. A mark without a backup means that the file may be
/// incomplete.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn mark(file: &File) {
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::fsetxattr(file, xattr::MARK, b"1", flags).is_ok() {
        // Before the first byte of the content. If this fails, there is still the backup.
        let _ = file.sync_all();
    }
}

/// Removes the mark.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn unmark(path: &Path) {
    // Usually there is none.
    let _ = rustix::fs::removexattr(path, xattr::MARK);
}

/// Whether a write of the file was started and not finished.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn is_marked(path: &Path) -> bool {
    rustix::fs::getxattr(path, xattr::MARK, &mut [0_u8; 8]).is_ok()
}

/// The system has no marks.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn mark(_file: &File) {}

/// The system has no marks.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn unmark(_path: &Path) {}

/// The system has no marks.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn is_marked(_path: &Path) -> bool {
    false
}

/// Gives a new file the access control list and the attributes of an old one: it takes the name `link`, which becomes a link to the old
/// file before, and is `spare` for a moment.
///
/// # Errors
/// [`NotCarriedOver`], and those of the file system. The old file is there in any case.
#[cfg(windows)]
pub(super) fn carry_over(new: &Path, old: &Path, link: &Path, spare: &Path) -> io::Result<()> {
    let replaced = replace_link(new, old, link, spare);
    // Whatever happened, no second name of the old file stays.
    let removed = match busy_file::remove(spare) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if replaced.is_err() {
        let _ = busy_file::remove(link);
        let _ = busy_file::remove(new);
    }
    replaced.and(removed)
}

#[cfg(windows)]
fn replace_link(new: &Path, old: &Path, link: &Path, spare: &Path) -> io::Result<()> {
    let not_carried_over = || io::Error::other(NotCarriedOver);
    for path in [link, spare] {
        match busy_file::remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // Some file systems have no links.
    std::fs::hard_link(old, link).map_err(|_| not_carried_over())?;
    let [Some(link), Some(new), Some(spare)] = [link, new, spare].map(Path::to_str) else {
        return Err(not_carried_over());
    };
    let replaced = busy_file::patiently(|| {
        winsafe::ReplaceFile(link, new, Some(spare), co::REPLACEFILE::default())
            .map_err(|error| io::Error::from_raw_os_error(error.raw().cast_signed()))
    });
    replaced.map_err(|_| not_carried_over())
}

/// Whether an access control list lets somebody else read a file, which the mode does not show.
#[cfg(target_os = "linux")]
pub(super) fn is_read_by_list(path: &Path) -> bool {
    let mut list = Vec::with_capacity(xattr::LONGEST);
    let read = rustix::fs::getxattr(path, acl::NAME, rustix::buffer::spare_capacity(&mut list));
    read.is_ok() && acl::gives_others(&list)
}

/// Nobody: the system has no such list that can be read here.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn is_read_by_list(_path: &Path) -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod xattr {
    use std::ffi::CString;
    use std::fs::File;
    use std::io;

    use rustix::buffer::spare_capacity;
    use rustix::fs::{fgetxattr, flistxattr};
    use rustix::io::Errno;

    /// Linux's limit for a value, and for the list of names.
    pub(super) const LONGEST: usize = 64 * 1024;

    /// Our own mark.
    pub(super) const MARK: &str = "user.mfa_creds.writing";

    /// The kernel derives these from the content, and ours belongs to the write.
    const OF_THE_CONTENT: [&[u8]; 3] = [b"security.ima", b"security.evm", MARK.as_bytes()];

    /// The attributes of a file, by their names.
    pub(super) fn all(file: &File) -> io::Result<Vec<(CString, Vec<u8>)>> {
        let mut names = Vec::with_capacity(LONGEST);
        match flistxattr(file, spare_capacity(&mut names)) {
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            other => other?,
        };
        let mut all = Vec::new();
        let names = names.split(|byte| *byte == 0);
        for name in names.filter(|name| !name.is_empty() && !OF_THE_CONTENT.contains(name)) {
            let name = CString::new(name)?;
            let mut value = Vec::with_capacity(LONGEST);
            match fgetxattr(file, &*name, spare_capacity(&mut value)) {
                // It was removed in the meantime, or is only listed.
                Err(Errno::NODATA | Errno::NOTSUP) => continue,
                other => other?,
            };
            all.push((name, value));
        }
        Ok(all)
    }
}

/// POSIX ACLs as the kernel hands them over.
/// See <https://man7.org/linux/man-pages/man5/acl.5.html> and `include/uapi/linux/posix_acl_xattr.h`.
#[cfg(target_os = "linux")]
mod acl {
    pub(super) const NAME: &str = "system.posix_acl_access";
    const HEADER: usize = 4;
    const ENTRY: usize = 8;
    const USER: u16 = 0x02;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    const READ: u16 = 4;

    /// Whether a named user or group may read.
    pub(super) fn gives_others(list: &[u8]) -> bool {
        let entries = || {
            let entries = list.get(HEADER..).unwrap_or_default().chunks_exact(ENTRY);
            entries.map(|entry| {
                let number = |at| u16::from_le_bytes([entry[at], entry[at + 1]]);
                (number(0), number(2))
            })
        };
        let mask = entries().find(|(tag, _)| *tag == MASK);
        let mask = mask.map_or(READ, |(_, rights)| rights);
        entries().any(|(tag, rights)| matches!(tag, USER | GROUP) && rights & mask & READ != 0)
    }
}
