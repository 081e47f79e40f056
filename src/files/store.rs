//! Changes the credentials file: locks it, reads it again, edits it, checks the result with a second parser, and replaces it.
//!
//! At every instant the file on disk is either the complete old one or the complete new one. If the file system does not allow that,
//! a backup exists until the file is complete (see `replace`).

mod attributes;
mod section_edit;
mod failures;
mod inspect;
mod lock;
mod private;
mod replace;
mod second_opinion;
mod used_codes;

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use zeroize::Zeroizing;

pub use self::failures::check_own;
use self::failures::{unfit_own, unlockable, unwritable, unwritable_cache};
pub use self::inspect::{Leftover, leftovers, way_to_write};
pub use self::lock::Lock;
use self::lock::{NotLocked, can_end};
use self::private::Private;
pub use self::private::private_directory;
pub use self::replace::WriteMethod;
pub use self::section_edit::Edit;
pub use self::used_codes::{CodeFate, UsedCodes};
use crate::core::busy_file;
use crate::core::credentials::LongTermKeys;
use crate::core::error::Failure;
use crate::core::file_id;
use crate::core::regular_file;
use crate::core::shell_words;
use crate::files::document::{Document, Uneditable};
use crate::files::profiles::{File, Text, find_loop, read};
use crate::report::Report;

/// The file is locked for a few milliseconds at a time, never while waiting for a person or the network.
const FILE_LOCK: &str = "lock";
/// The file of MFA sessions.
const SESSIONS: &str = "sessions";
/// The file of the new keys of rotations.
const ROTATIONS: &str = "rotations";
/// The record of used codes.
const USED_CODES: &str = "used";
const FILE_LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// How many links Linux follows.
const MOST_LINKS: usize = 40;
/// More bytes than a section of credentials needs.
const CAPACITY: usize = 16 * 1024;

/// What only one process at a time does with a device, while the others wait.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Ask a person for the code.
    Ask,
    /// Call STS, and write the credentials.
    Call,
    /// Change the long-term keys of a section.
    Keys,
    /// Renew a session of `aws login`.
    Login,
}

/// A credentials file that can be changed.
pub struct Store {
    /// As the user names it.
    path: PathBuf,
    /// Behind all symbolic links.
    real: PathBuf,
    private: Private,
}

/// Completes a write that was interrupted, if there was one. If not, it costs a few look-ups of names.
pub fn recover(path: &Path) -> Result<()> {
    let real = resolve(path)?;
    if !replace::has_leftovers(&real) {
        return Ok(());
    }
    // Locking the file recovers it.
    let recovered = Store::open(path).and_then(|store| store.lock().map(drop));
    if replace::may_be_torn(&real) {
        recovered
    } else {
        // The rest of a new file that was never renamed can wait for the next write.
        Ok(())
    }
}

/// The session files of a credentials file, in all places where they may be. Creates nothing.
pub fn session_files(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = resolve(path) else {
        return Vec::new();
    };
    let files = Private::places(&real).map(|private| private.path(SESSIONS));
    files.filter(|file| file.exists()).collect()
}

/// Whether a session file is unambiguous.
pub fn is_whole(sessions: &str) -> bool {
    let document = Document::parse(sessions);
    let mut seen = HashSet::new();
    document.is_plain() && document.names().all(|name| seen.insert(name))
}

/// Who else can read a file, which contains secrets.
#[cfg(unix)]
pub fn readers(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;

    match fs::metadata(path).ok()?.mode() {
        mode if mode & 0o004 != 0 => Some("everybody"),
        _ if attributes::is_read_by_list(path) => Some("others (its access control list)"),
        mode if mode & 0o040 != 0 => Some("its group"),
        _ => None,
    }
}

/// Who else can read a file: the system has no simple answer.
#[cfg(not(unix))]
pub fn readers(_path: &Path) -> Option<&'static str> {
    None
}

/// Replaces a whole file of another tool, or creates it, with mode 0600. The caller makes sure that no other process of ours does so.
///
/// # Errors
/// If it cannot be written. The old file is then unchanged.
pub fn replace_whole(path: &Path, content: &[u8]) -> Result<()> {
    survive_limits_on_the_size_of_files();
    let replaced = replace::by_rename(&resolve(path)?, content);
    replaced.map_err(|error| unwritable_cache(path, &error).into())
}

/// Checks whether that is possible.
pub fn check_replaceable(path: &Path) -> Result<()> {
    survive_limits_on_the_size_of_files();
    let checked = replace::check_beside(&resolve(path)?, CAPACITY);
    checked.map_err(|error| unwritable_cache(path, &error).into())
}

impl Store {
    /// Prepares a change of a file.
    pub fn open(path: &Path) -> Result<Self> {
        survive_limits_on_the_size_of_files();
        let real = regular(path)?;
        let private = Private::of(&real).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_path_buf(),
            real,
            private,
        })
    }

    /// Takes turns with what is in a directory of another tool. It never changes anything there: its locks are beside the directory.
    pub fn of_directory(path: &Path) -> Result<Self> {
        let real = resolve(path)?;
        let private = Private::of(&real).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_path_buf(),
            real,
            private,
        })
    }

    /// Whether a path names this file.
    pub fn is_of(&self, path: &Path) -> bool {
        self.path == path
    }

    /// The session file of this credentials file, written with the same guarantees.
    pub fn sessions(&self) -> Result<Self> {
        self.own(SESSIONS)
    }

    /// The file with the new keys of unfinished rotations, written with the same guarantees.
    pub fn rotations(&self) -> Result<Self> {
        self.own(ROTATIONS)
    }

    /// Where that file is.
    pub fn rotations_path(&self) -> PathBuf {
        self.private.path(ROTATIONS)
    }

    fn own(&self, name: &str) -> Result<Self> {
        let path = self.private.path(name);
        check_own(&path)?;
        private::keep_private(&path).map_err(|error| unwritable(&path, &error))?;
        Self::open(&path)
    }

    /// Refuses to continue if the session file or the record of used codes is not a regular file: that would cost a code at each run, or
    /// send one twice.
    pub fn check_records(&self, credentials: &str) -> Result<()> {
        let used = self.private.path(&format!("{credentials}.{USED_CODES}"));
        let new = private::new_of(&used);
        [self.private.path(SESSIONS), used, new]
            .iter()
            .try_for_each(|path| check_own(path))
    }

    /// Removes an ambiguous session file. Returns whether it was one.
    pub fn forget_spoiled_sessions(&self) -> io::Result<bool> {
        let path = self.private.path(SESSIONS);
        let text = String::from_utf8(regular_file::read(&path)?).map(Zeroizing::new);
        if text.is_ok_and(|text| is_whole(&text)) {
            return Ok(false);
        }
        busy_file::remove(&path).map(|()| true)
    }

    /// Removes the file.
    pub fn remove(&self) -> Result<()> {
        let _lock = self.lock()?;
        busy_file::remove(&self.real).map_err(|error| self.unwritable(&error).into())
    }

    /// Checks everything that could prevent a write, with edits like the later ones. Does not change the credentials file.
    pub fn check<'v>(&self, decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>) -> Result<()> {
        self.edited(decide)?;
        let _lock = self.lock()?;
        let size = writable_size(&self.path, &self.real)?.unwrap_or(0);
        replace::check(&self.real, &self.private, size.saturating_add(CAPACITY))
            .map_err(|error| self.unwritable(&error).into())
    }

    /// Edits the file as it is now, which may have changed since it was last read. Creates it if there is none.
    ///
    /// # Errors
    /// Those of `decide`, and whatever prevents the write. The file is then unchanged.
    pub fn update<'v>(
        &self,
        decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>,
    ) -> Result<WriteMethod> {
        let lock = self.lock()?;
        if resolve(&self.path)? != self.real {
            // The path has changed to another file since it was opened.
            drop(lock);
            return Self::open(&self.path)?.update(decide);
        }
        if replace::is_doubtful(&self.real) {
            Report::notice(format_args!("warning: {}", torn_for_good(&self.path)));
        }
        let (old, new) = self.edited(decide)?;
        replace::replace(&self.real, &self.private, old.as_bytes(), new.as_bytes())
            .map_err(|error| self.unwritable(&error).into())
    }

    /// The old and the new content of the file. The caller holds the lock.
    fn edited<'v>(
        &self,
        decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>,
    ) -> Result<(Text, Text)> {
        let old = read(&self.real)?.unwrap_or_default();
        let mut document = Document::parse(&old);
        document.index();
        let file = File {
            path: &self.path,
            document,
        };
        let edits = decide(&file)?;
        let path = self.path.display();
        let mut new = old.clone();
        for edit in &edits {
            let edited = edit.apply(&new).map_err(|uneditable| {
                let failure = Failure::new(format!("{path} was not changed: {uneditable}"));
                match uneditable {
                    Uneditable::Unwritable(_) => {
                        failure.hint("check the endpoint with -v: AWS never sends such values")
                    }
                    Uneditable::Malformed(_) => failure.hint("fix that line"),
                    Uneditable::Continued(_) => {
                        failure.hint("move that line to the left margin, or remove it")
                    }
                }
            })?;
            new = Zeroizing::new(edited.into_boxed_str());
        }
        if let Err(difference) = second_opinion::check(&old, &new, &edits) {
            bail!(
                Failure::new(format!(
                    "{path} was not changed: the edited file would not be read as intended: {difference}"
                ))
                .hint("simplify the layout of the file, and report the old layout, without its keys")
            );
        }
        Ok((old, new))
    }

    /// Waits until no other process has the same turn for these credentials. Calls `waiting` once, if it takes long.
    pub fn take<W>(
        &self,
        turn: Turn,
        credentials: &str,
        at_most: Duration,
        waiting: impl FnOnce(Option<u32>) -> W,
    ) -> Result<Lock> {
        let purpose = match turn {
            Turn::Ask => "ask",
            Turn::Call => "call",
            Turn::Keys => "keys",
            Turn::Login => "login",
        };
        let path = self.private.path(&format!("{credentials}.{purpose}"));
        Lock::take(&path, at_most, waiting).map_err(|why| match why {
            NotLocked::Failed(_) | NotLocked::NoLocks(_) => self.busy(why, &path).into(),
            NotLocked::Busy { holder } => {
                if let Turn::Keys = turn {
                    return Failure::new(format!(
                        "{} is changing the same long-term keys",
                        process(holder)
                    ))
                    .hint("wait until it ends, and run the command again")
                    .into();
                }
                if let Turn::Login = turn {
                    return Failure::new(format!(
                        "{} is still renewing the same session of `aws login` after {} s",
                        process(holder),
                        at_most.as_secs()
                    ))
                    .hint("run the command again, or wait longer with --lock-timeout")
                    .into();
                }
                let failure = Failure::new(format!(
                    "{} is still renewing credentials with the same device after {} s",
                    process(holder),
                    at_most.as_secs()
                ));
                match holder.filter(|id| can_end(*id)) {
                    Some(id) => failure.hint(format!(
                        "answer its prompt, end it with {}, or wait longer with --lock-timeout",
                        shell_words::end_process(id)
                    )),
                    None => failure.hint("answer its prompt, or wait longer with --lock-timeout"),
                }
                .into()
            }
        })
    }

    /// The codes that were recently used with these credentials.
    pub fn used_codes(&self, credentials: &str, keys: &LongTermKeys) -> UsedCodes {
        let path = self.private.path(&format!("{credentials}.{USED_CODES}"));
        UsedCodes::at(path, keys)
    }

    /// Locks the file, and completes an interrupted write.
    fn lock(&self) -> Result<(Lock, Vec<Lock>)> {
        let path = self.private.path(FILE_LOCK);
        let waiting = |holder| {
            let process = process(holder);
            let path = self.path.display();
            Report::waiting_for_process(
                holder,
                format_args!("waiting for {process}, which is changing {path}"),
            )
        };
        let lock =
            Lock::take(&path, FILE_LOCK_TIMEOUT, waiting).map_err(|why| self.busy(why, &path))?;
        let content = if replace::may_have_other_locks(&self.real, &self.private) {
            let by_number = Private::by_number(&self.real);
            let content = Lock::of_content(&self.real, by_number.as_deref(), FILE_LOCK_TIMEOUT);
            content.map_err(|why| self.busy(why, &path))?
        } else {
            Vec::new()
        };
        let kept = replace::recover(&self.real).map_err(|error| self.unwritable(&error))?;
        if let Some(kept) = kept {
            Report::notice(format_args!(
                "warning: a write of {} was interrupted, and the file has changed since; its old content is in {}",
                self.path.display(),
                kept.display()
            ));
        }
        Ok((lock, content))
    }

    fn busy(&self, why: NotLocked, lock: &Path) -> Failure {
        match why {
            NotLocked::Failed(error) => unfit_own(lock).unwrap_or_else(|| self.unwritable(&error)),
            NotLocked::NoLocks(error) => unlockable(&self.path, &error),
            NotLocked::Busy { holder } => Failure::new(format!(
                "{} has locked {}",
                process(holder),
                self.path.display()
            ))
            .hint("end that process, and run the command again"),
        }
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        // The cause may be one of our own files next to it.
        let own = replace::own_paths(&self.real, &self.private);
        own.iter()
            .find_map(|path| unfit_own(path))
            .unwrap_or_else(|| unwritable(&self.path, error))
    }
}

/// Our own files for a credentials file that are not regular files, in all places where they may be.
pub fn unfit_own_files(path: &Path) -> Vec<(PathBuf, Failure)> {
    let Ok(real) = resolve(path) else {
        return Vec::new();
    };
    let files = Private::places(&real).flat_map(|place| place.files());
    let beside = replace::beside(&real);
    files
        .chain([beside])
        .filter_map(|path| unfit_own(&path).map(|failure| (path, failure)))
        .collect()
}

/// The message for a file that cannot be recovered automatically.
pub fn torn_for_good(path: &Path) -> String {
    format!(
        "a write of {} was interrupted, and its backup is missing: the file may be half written",
        path.display()
    )
}

/// The name of another process in a message.
pub fn process(id: Option<u32>) -> String {
    id.map_or("another process".to_owned(), |id| format!("process {id}"))
}

/// The path of a writable file after all symbolic links. The file may not exist yet.
pub fn regular(path: &Path) -> Result<PathBuf> {
    let real = resolve(path)?;
    regular_file::check_path(&real).map_err(|error| unwritable(path, &error))?;
    Ok(real)
}

/// The size of a writable file; none if it does not exist. Does not change it.
fn writable_size(path: &Path, real: &Path) -> Result<Option<usize>> {
    match fs::metadata(real) {
        Ok(metadata) if metadata.permissions().readonly() && may_change_mode(&metadata) => {
            bail!(
                Failure::new(format!("{} is read-only", path.display())).hint(format!(
                    "make it writable: {}",
                    shell_words::make_writable(real)
                ))
            );
        }
        Ok(metadata) => {
            regular_file::open(real, fs::File::options().write(true))
                .map_err(|error| unwritable(path, &error))?;
            Ok(Some(usize::try_from(metadata.len()).unwrap_or(usize::MAX)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!(unwritable(path, &error)),
    }
}

/// Whether we may make a file writable.
#[cfg(unix)]
fn may_change_mode(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let us = rustix::process::geteuid();
    us.is_root() || metadata.uid() == us.as_raw()
}

#[cfg(not(unix))]
fn may_change_mode(_metadata: &fs::Metadata) -> bool {
    true
}

/// Follows symbolic links, even to a file that does not exist yet.
pub fn resolve(path: &Path) -> Result<PathBuf> {
    let mut real = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&real) {
            Ok(target) => {
                let directory = real.parent().map(Path::to_path_buf).unwrap_or_default();
                real = directory.join(target);
            }
            Err(_not_a_link) => return Ok(in_real_directory(&real)),
        }
    }
    bail!(Failure::new(format!("{} is a loop of symbolic links", path.display())).hint(find_loop()))
}

/// The same file with the real path of its directory, so that every process finds the same locks and backups for it.
fn in_real_directory(path: &Path) -> PathBuf {
    match (
        file_id::real_path(private::directory_of(path)),
        path.file_name(),
    ) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_path_buf(),
    }
}

/// A write over `ulimit -f` raises a signal that ends the process. If the signal is caught, the write fails with an ordinary error.
#[cfg(unix)]
fn survive_limits_on_the_size_of_files() {
    let caught = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // If this fails, the signal ends the process, and the old file is unchanged.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, caught);
}

#[cfg(not(unix))]
fn survive_limits_on_the_size_of_files() {}
