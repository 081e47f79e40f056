//! Replaces a file atomically: a new file next to it is synced and takes its name.
//!
//! If that is not possible (a hard link, a single file mounted into a container, a directory that is not writable), the file is
//! written in place, with a backup until that is done. `recover` completes an interrupted write.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg(unix)]
use super::attributes::carry_over;
use super::attributes::{self, NotCarriedOver};
use super::private::{Private, directory_of, private};
#[cfg(windows)]
use crate::core::access;
use crate::core::busy_file;
use crate::core::file_id;
use crate::core::regular_file;

const OLD: &str = "in-place-old";
const NEW: &str = "in-place-new";
const KEPT: &str = "kept";
/// The suffix of a copy until it is complete.
const PART: &str = ".part";
/// How many old versions are stored until somebody removes them.
const MOST_KEPT: u32 = 100;
/// The smallest unit that a disk writes atomically.
const BLOCK: usize = 512;

/// How a file was replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WriteMethod {
    /// A new file took its name.
    Renamed,
    /// It was overwritten, for this reason.
    InPlace(&'static str),
}

/// Checks whether a file of this size could be written next to this one, or in place.
pub(super) fn check(path: &Path, private: &Private, size: usize) -> io::Result<()> {
    let blank = Zeroizing::new(vec![b'\n'; size]);
    let tried = match in_place_reason(path) {
        Some(_) => Temporary::create(&private.path(NEW)),
        None => Temporary::like(path).or_else(|error| match not_beside(&error) {
            Some(_) if path.exists() => Temporary::create(&private.path(NEW)),
            _ => Err(error),
        }),
    };
    tried?.file.write_all(&blank)
}

/// Checks whether a file of this size could be written next to this one.
pub(super) fn check_beside(path: &Path, size: usize) -> io::Result<()> {
    let blank = Zeroizing::new(vec![b'\n'; size]);
    Temporary::like(path)?.file.write_all(&blank)
}

/// Replaces a file, or creates it. Its owner, mode, access control list and other attributes stay; a new file has mode 0600.
///
/// # Errors
/// Those of the file system. The old file is then unchanged.
pub(super) fn replace(
    path: &Path,
    private: &Private,
    old: &[u8],
    new: &[u8],
) -> io::Result<WriteMethod> {
    let reason = match in_place_reason(path) {
        Some(reason) => reason,
        None => match by_rename(path, new) {
            Ok(()) => return Ok(WriteMethod::Renamed),
            Err(error) => match not_beside(&error) {
                Some(reason) if path.exists() => reason,
                _ => return Err(error),
            },
        },
    };
    in_place(path, private, old, new)?;
    Ok(WriteMethod::InPlace(reason))
}

/// Whether other processes may look for the locks of a file in another place: it may have a name in another directory, or this process
/// could not use the place next to it.
pub(super) fn may_have_other_locks(path: &Path, private: &Private) -> bool {
    path.exists() && (in_place_reason(path).is_some() || !private.is_beside(path))
}

/// Whether files of an interrupted write exist, or of one in progress.
pub(super) fn has_leftovers(path: &Path) -> bool {
    let has_copy = |private: Private| [OLD, NEW].iter().any(|name| private.path(name).exists());
    all_beside(path).iter().any(|path| path.exists()) || Private::places(path).any(has_copy)
}

/// Whether the file itself may be incomplete.
pub(super) fn may_be_torn(path: &Path) -> bool {
    exists(path, OLD)
}

/// Whether an incomplete copy exists, of a write that was interrupted before it changed the file.
pub(super) fn has_parts(path: &Path) -> bool {
    [OLD, NEW].iter().any(|name| exists(path, &part(name)))
}

/// Whether the file itself may be incomplete, and there is no backup to recover it.
pub(super) fn is_doubtful(path: &Path) -> bool {
    attributes::is_marked(path) && !may_be_torn(path)
}

fn exists(path: &Path, name: &str) -> bool {
    let mut files = Private::places(path).map(|private| private.path(name));
    files.any(|file| file.exists())
}

/// The old versions of a file that were saved when an interrupted write could not be completed.
pub(super) fn kept(path: &Path) -> Vec<PathBuf> {
    let files = Private::places(path).flat_map(|private| places_to_keep(&private));
    files.filter(|file| file.exists()).collect()
}

fn places_to_keep(private: &Private) -> Vec<PathBuf> {
    let names = (0..MOST_KEPT).map(|number| match number {
        0 => KEPT.to_owned(),
        _ => format!("{KEPT}-{number}"),
    });
    names.map(|name| private.path(&name)).collect()
}

/// The files that a write creates next to a file, and removes at the end.
pub(super) fn own_paths(path: &Path, private: &Private) -> Vec<PathBuf> {
    let names = [OLD.to_owned(), NEW.to_owned(), part(OLD), part(NEW)];
    let in_private = names.iter().map(|name| private.path(name));
    in_private.chain(all_beside(path)).collect()
}

fn part(name: &str) -> String {
    format!("{name}{PART}")
}

/// Completes an interrupted write, so that the file is complete and nothing is left behind. The caller holds the lock. If the file has
/// been changed, emptied or removed since, the old content is saved, and its path is returned.
pub(super) fn recover(path: &Path) -> io::Result<Option<PathBuf>> {
    // If there is none, or it cannot be removed, nothing is lost.
    for path in all_beside(path) {
        let _ = remove(&path);
    }
    let mut kept = None;
    for private in Private::places(path) {
        let (old_path, new_path) = (private.path(OLD), private.path(NEW));
        // Without both, the file itself is either untouched or complete.
        if let (Some(old), Some(new)) = (read(&old_path)?, read(&new_path)?) {
            match read(path)? {
                Some(now) if now == old || now == new => {}
                Some(now) if is_torn(&now, &old, &new) => overwrite(path, &new)?,
                Some(_) | None => kept = Some(keep(&old_path, &old, &private)?),
            }
            attributes::unmark(path);
        }
        for name in [OLD, NEW, &part(OLD), &part(NEW)] {
            remove(&private.path(name))?;
        }
    }
    Ok(kept)
}

/// Saves the old content of a file, in addition to what is already saved.
fn keep(old_path: &Path, old: &[u8], private: &Private) -> io::Result<PathBuf> {
    for place in places_to_keep(private) {
        match read(&place)? {
            Some(kept) if kept[..] == *old => return Ok(place),
            Some(_) => {}
            None => return busy_file::rename(old_path, &place).map(|()| place),
        }
    }
    let problem = format!("{MOST_KEPT} old versions of the file are already stored");
    Err(io::Error::new(ErrorKind::AlreadyExists, problem))
}

/// Whether a file is what an interrupted write leaves, and neither the old nor the new one: the start of the new one with the end of
/// the old one, or, after a power cut, blocks of either, or zeros.
fn is_torn(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    if now == old || now == new {
        return false;
    }
    let same = now.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = &now[same..];
    // The length changes last, so somebody emptied the file on purpose.
    if now.is_empty() {
        return false;
    }
    now.contains(&0)
        || old.get(same..) == Some(rest)
        || (rest.is_empty() && same >= old.len())
        || is_mixed(now, old, new)
}

/// Whether each block is from the same place in the old or the new content.
fn is_mixed(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    let block = |content: &[u8], index: usize, length: usize| -> Option<Vec<u8>> {
        let start = index * BLOCK;
        content.get(start..start + length).map(<[u8]>::to_vec)
    };
    // An interrupted write is never shorter than both: a person has truncated it.
    now.len() > BLOCK
        && now.len() >= old.len().min(new.len())
        && now.chunks(BLOCK).enumerate().all(|(index, chunk)| {
            [old, new]
                .iter()
                .any(|content| block(content, index, chunk.len()).as_deref() == Some(chunk))
        })
}

/// The same only by a new file that takes the name.
pub(super) fn by_rename(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = Temporary::like(path)?;
    temporary.file.write_all(content)?;
    // Sync the content before the rename: a crash must not leave an incomplete file with the final name.
    temporary.file.sync_all()?;
    busy_file::rename(&temporary.path, path)?;
    temporary.moved = true;
    // The new content is in place. A file system that cannot make the name durable now does so later.
    let _ = sync_directory(directory_of(path));
    Ok(())
}

fn in_place(path: &Path, private: &Private, old: &[u8], new: &[u8]) -> io::Result<()> {
    let (old_path, new_path) = (private.path(OLD), private.path(NEW));
    let mut copies = Vec::new();
    for (name, copy, content) in [(NEW, &new_path, new), (OLD, &old_path, old)] {
        let mut part = Temporary::create(&private.path(&part(name)))?;
        part.file.write_all(content)?;
        part.file.sync_all()?;
        // Only a complete copy gets the final name.
        busy_file::rename(&part.path, copy)?;
        copy.clone_into(&mut part.path);
        copies.push(part);
    }
    sync_directory(directory_of(&old_path))?;
    attributes::mark(&regular_file::open(path, File::options().read(true))?.0);
    let written = overwrite(path, new);
    if written.is_err() {
        // The old content always fits, because it was there before.
        if let Err(error) = overwrite(path, old) {
            for copy in &mut copies {
                copy.moved = true;
            }
            return Err(error);
        }
    }
    attributes::unmark(path);
    written
}

fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let (mut file, _) = regular_file::open(path, File::options().write(true))?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match regular_file::read(path) {
        Ok(content) => Ok(Some(Zeroizing::new(content))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match busy_file::remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that is removed when dropped, unless it was moved or has to stay.
struct Temporary {
    path: PathBuf,
    file: File,
    moved: bool,
}

impl Temporary {
    /// The caller holds the lock, so an existing file with this name is a leftover of a killed process.
    fn create(path: &Path) -> io::Result<Self> {
        remove(path)?;
        let file = private(File::options().write(true).create_new(true)).open(path)?;
        regular_file::leave_to_owner(&file)?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            moved: false,
        })
    }

    /// An empty one next to a file, with its owner, mode and attributes, if the file exists.
    fn like(path: &Path) -> io::Result<Self> {
        let new = Self::create(&beside(path))?;
        match regular_file::open(path, File::options().read(true)) {
            Ok((old, _)) => new.with_attributes_of(&old, path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                new.of_owner_of(directory_of(path))
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn with_attributes_of(self, old: &File, _path: &Path) -> io::Result<Self> {
        keep_attributes(&self.file, old)?;
        Ok(self)
    }

    /// Only `ReplaceFile` copies an access control list and the like, to the file that takes a name. If it took the name of the old
    /// file, there would be a moment without a file. So it takes the name of a link to the old file.
    #[cfg(windows)]
    fn with_attributes_of(mut self, _old: &File, path: &Path) -> io::Result<Self> {
        let [new, link, spare] = all_beside(path);
        self.moved = true;
        drop(self);
        attributes::carry_over(&new, path, &link, &spare)?;
        let file = busy_file::patiently(|| File::options().write(true).open(&link))?;
        Ok(Self {
            path: link,
            file,
            moved: false,
        })
    }
}

impl Temporary {
    /// A new file that root creates in a user's home (`sudo mfa-creds setup`) belongs to that user.
    #[cfg(unix)]
    fn of_owner_of(self, directory: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{MetadataExt as _, fchown};

        let owner = fs::metadata(directory)?;
        if rustix::process::geteuid().is_root() && owner.uid() != 0 {
            fchown(&self.file, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(self)
    }

    /// A new file is for this user alone. Whoever has opened it before it was, could read what is written. So it is opened again in a
    /// way that fails while another program has it open.
    #[cfg(windows)]
    fn of_owner_of(mut self, _directory: &Path) -> io::Result<Self> {
        use std::os::windows::fs::OpenOptionsExt as _;

        const FILE_SHARE_DELETE: u32 = 4;

        if !access::leave_to_user(&self.path, access::Kind::File) {
            return Ok(self);
        }
        self.moved = true;
        let path = std::mem::take(&mut self.path);
        drop(self);
        let mut alone = File::options();
        alone.write(true).share_mode(FILE_SHARE_DELETE);
        match busy_file::patiently(|| alone.open(&path)) {
            Ok(file) => Ok(Self {
                path,
                file,
                moved: false,
            }),
            Err(error) => {
                let _ = busy_file::remove(&path);
                Err(error)
            }
        }
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

/// The path of the new file before it is renamed.
pub(super) fn beside(path: &Path) -> PathBuf {
    beside_as(path, "new")
}

/// The paths of all files that are next to a file until it is replaced.
#[cfg(unix)]
fn all_beside(path: &Path) -> [PathBuf; 1] {
    [beside(path)]
}

/// The paths of all files that are next to a file until it is replaced: the new one, and two links to the old one.
#[cfg(windows)]
fn all_beside(path: &Path) -> [PathBuf; 3] {
    ["new", "link", "old"].map(|kind| beside_as(path, kind))
}

fn beside_as(path: &Path, kind: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".mfa-creds-{kind}"));
    directory_of(path).join(name)
}

/// Why a new file cannot replace the old one, if the error of the file system shows it.
pub(super) fn not_beside(error: &io::Error) -> Option<&'static str> {
    if let Some(inner) = error.get_ref()
        && inner.is::<NotCarriedOver>()
    {
        return Some(NotCarriedOver::TEXT);
    }
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("its directory or owner does not allow replacing it")
        }
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
            Some("it is mounted as a single file")
        }
        _ => None,
    }
}

pub(super) fn in_place_reason(path: &Path) -> Option<&'static str> {
    let names = file_id::names(path).unwrap_or(1);
    (names > 1).then_some("it has hard links")
}

#[cfg(unix)]
fn keep_attributes(new: &File, old: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (fresh, of_old) = (new.metadata()?, old.metadata()?);
    if (fresh.uid(), fresh.gid()) != (of_old.uid(), of_old.gid()) {
        fchown(new, Some(of_old.uid()), Some(of_old.gid()))?;
    }
    // Before the mode, which without the access control list would give the group more than it had.
    carry_over(old, new)?;
    // After the owner: a change of owner may clear bits of the mode.
    new.set_permissions(of_old.permissions())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
