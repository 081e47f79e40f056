//! Changes the credentials file: locks it, reads it again, edits it, checks the result with a second parser, and replaces it.
//!
//! At every instant the file on disk is either the whole old one or the whole new one. Where the file system does not
//! allow that, a backup is kept until the file is whole (see `replace`).

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
use self::failures::{unfit_own, unlockable, unwritable};
pub use self::inspect::{Leftover, leftovers, way_to_write};
pub use self::lock::Lock;
use self::lock::{NotLocked, can_end};
use self::private::Private;
pub use self::private::private_directory;
pub use self::replace::WriteMethod;
pub use self::section_edit::Edit;
pub use self::used_codes::{CodeFate, UsedCodes};
use crate::core::credentials::LongTermKeys;
use crate::core::error::Failure;
use crate::core::regular_file;
use crate::core::text::quoted_path;
use crate::files::document::{Document, Uneditable};
use crate::files::profiles::{File, Text, read};
use crate::report::Report;

/// The file is locked for a few milliseconds at a time, never while a person or the network is waited for.
const FILE_LOCK: &str = "lock";
/// The file of MFA sessions.
const SESSIONS: &str = "sessions";
/// The file of the new keys of rotations.
const ROTATIONS: &str = "rotations";
/// The record of used codes.
const USED_CODES: &str = "used";
const FILE_LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;
/// More than a section of credentials takes.
const CAPACITY: usize = 16 * 1024;

/// What one process at a time does with a device, while the others wait for the outcome.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// To ask a person for the code.
    Ask,
    /// To call STS and to write what it grants.
    Call,
    /// To change the long-term keys of a section.
    Keys,
}

/// The credentials file, to be changed.
pub struct Store {
    /// As the user names it.
    path: PathBuf,
    /// Behind all symbolic links.
    real: PathBuf,
    private: Private,
}

/// Ends a write that was interrupted, where there was one. Costs a few look-ups of names where there was none.
pub fn recover(path: &Path) -> Result<()> {
    let real = resolve(path)?;
    if !replace::has_leftovers(&real) {
        return Ok(());
    }
    // Whoever locks the file recovers it first.
    let recovered = Store::open(path).and_then(|store| store.lock().map(drop));
    if replace::may_be_torn(&real) {
        recovered
    } else {
        // What was left of a new file that never got its name can wait for the next write.
        Ok(())
    }
}

/// The files of MFA sessions that belong to a credentials file, wherever they were written. Nothing is made.
pub fn session_files(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = resolve(path) else {
        return Vec::new();
    };
    let files = Private::places(&real).map(|private| private.path(SESSIONS));
    files.filter(|file| file.exists()).collect()
}

/// Whether a file of sessions can be read in one way only.
pub fn is_whole(sessions: &str) -> bool {
    let document = Document::parse(sessions);
    let mut seen = HashSet::new();
    document.is_plain() && document.names().all(|name| seen.insert(name))
}

/// Who else can read a file, which holds secrets.
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

impl Store {
    /// Gets ready to change a file.
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

    /// Whether it is this file that somebody means.
    pub fn is_of(&self, path: &Path) -> bool {
        self.path == path
    }

    /// The file of MFA sessions that belongs to this one, under the same promises.
    pub fn sessions(&self) -> Result<Self> {
        self.own(SESSIONS)
    }

    /// The file that keeps the new keys of rotations until they are ended, under the same promises.
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

    /// Refuses what stands in the place of the files of sessions and of used codes and is none: it would cost a code at each
    /// run, or send one twice.
    pub fn check_records(&self, credentials: &str) -> Result<()> {
        let used = self.private.path(&format!("{credentials}.{USED_CODES}"));
        let new = private::new_of(&used);
        [self.private.path(SESSIONS), used, new]
            .iter()
            .try_for_each(|path| check_own(path))
    }

    /// Does away with a file of sessions that nobody can read in one way only. Says whether it was one.
    pub fn forget_spoiled_sessions(&self) -> io::Result<bool> {
        let path = self.private.path(SESSIONS);
        let text = String::from_utf8(regular_file::read(&path)?).map(Zeroizing::new);
        if text.is_ok_and(|text| is_whole(&text)) {
            return Ok(false);
        }
        fs::remove_file(&path).map(|()| true)
    }

    /// Does away with the file.
    pub fn remove(&self) -> Result<()> {
        let _lock = self.lock()?;
        fs::remove_file(&self.real).map_err(|error| self.unwritable(&error).into())
    }

    /// Tries all that could keep a change from being written, with edits like those that will be made. The credentials file
    /// stays as it is.
    pub fn check<'v>(&self, decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>) -> Result<()> {
        self.edited(decide)?;
        let _lock = self.lock()?;
        let size = writable_size(&self.path, &self.real)?.unwrap_or(0);
        replace::check(&self.real, &self.private, size.saturating_add(CAPACITY))
            .map_err(|error| self.unwritable(&error).into())
    }

    /// Edits the file as it is now, which may be newer than when it was read before. Makes it where there is none.
    ///
    /// # Errors
    /// Whatever `decide` says, and what keeps the file from being written. The file is then as it was.
    pub fn update<'v>(
        &self,
        decide: impl FnOnce(&File<'_>) -> Result<Vec<Edit<'v>>>,
    ) -> Result<WriteMethod> {
        let lock = self.lock()?;
        if resolve(&self.path)? != self.real {
            // The path leads elsewhere since it was opened.
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

    /// The file as it is, and as it is to be. The caller holds the lock.
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
                let failure = Failure::new(format!("{path} was left as it was: {uneditable}"));
                match uneditable {
                    Uneditable::Unwritable(_) => {
                        failure.hint("check the endpoint with -v: AWS sends no such values")
                    }
                    Uneditable::Malformed(_) => failure.hint("mend that line"),
                    Uneditable::Continued(_) => {
                        failure.hint("begin that line at the left margin, or remove it")
                    }
                }
            })?;
            new = Zeroizing::new(edited.into_boxed_str());
        }
        if let Err(difference) = second_opinion::check(&old, &new, &edits) {
            bail!(
                Failure::new(format!(
                    "{path} was left as it was: a second reading of the changed file differs at {difference}"
                ))
                .hint("a simpler layout helps; please report this one, without its keys")
            );
        }
        Ok((old, new))
    }

    /// Waits until no other process has the same turn for these credentials. `waiting` is called once, if it takes long.
    pub fn take(
        &self,
        turn: Turn,
        credentials: &str,
        at_most: Duration,
        waiting: impl FnMut(Option<u32>),
    ) -> Result<Lock> {
        let purpose = match turn {
            Turn::Ask => "ask",
            Turn::Call => "call",
            Turn::Keys => "keys",
        };
        let path = self.private.path(&format!("{credentials}.{purpose}"));
        Lock::take(&path, at_most, waiting).map_err(|why| match why {
            NotLocked::Failed(_) | NotLocked::NoLocks(_) => self.busy(why, &path).into(),
            NotLocked::Busy { holder } => {
                if let Turn::Keys = turn {
                    return Failure::new(format!("{} is changing the same long-term keys", process(holder)))
                        .hint("wait until it has ended, and run this again")
                        .into();
                }
                let failure = Failure::new(format!(
                    "{} is still renewing credentials with the same device after {} s",
                    process(holder),
                    at_most.as_secs()
                ));
                match holder.filter(|id| can_end(*id)) {
                    Some(id) => failure.hint(format!("answer its prompt, end it with `kill {id}`, or wait longer with --lock-timeout")),
                    None => failure.hint("answer its prompt, or wait longer with --lock-timeout"),
                }
                .into()
            }
        })
    }

    /// The codes that were used a moment ago with these credentials.
    pub fn used_codes(&self, credentials: &str, keys: &LongTermKeys) -> UsedCodes {
        let path = self.private.path(&format!("{credentials}.{USED_CODES}"));
        UsedCodes::at(path, keys)
    }

    /// Locks the file, and ends what an earlier process was interrupted in.
    fn lock(&self) -> Result<(Lock, Vec<Lock>)> {
        let path = self.private.path(FILE_LOCK);
        let waiting = |holder| {
            Report::notice(format_args!(
                "waiting for {}, which is changing {}",
                process(holder),
                self.path.display()
            ));
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
                "warning: a write of {} was interrupted, and the file was changed since; what it was before is kept in {}",
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
                "{} holds the lock of {}",
                process(holder),
                self.path.display()
            ))
            .hint("end that process, and run it again"),
        }
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        // The file may be as it should be, and what we keep beside it not.
        let own = replace::own_paths(&self.real, &self.private);
        own.iter()
            .find_map(|path| unfit_own(path))
            .unwrap_or_else(|| unwritable(&self.path, error))
    }
}

/// What stands in the place of one of our own files beside a credentials file and is no regular file, wherever they are.
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

/// What is to be said of a file that nothing can make whole by itself.
pub fn torn_for_good(path: &Path) -> String {
    format!(
        "a write of {} was interrupted, and its backup is gone: the file may be half written",
        path.display()
    )
}

/// Another process, for a message.
pub fn process(id: Option<u32>) -> String {
    id.map_or("another process".to_owned(), |id| format!("process {id}"))
}

/// Where a file is that can be written: behind all symbolic links. One that does not exist can be made.
pub fn regular(path: &Path) -> Result<PathBuf> {
    let real = resolve(path)?;
    regular_file::check_path(&real).map_err(|error| unwritable(path, &error))?;
    Ok(real)
}

/// How long a file is that can be written; none where there is none. It stays as it is.
fn writable_size(path: &Path, real: &Path) -> Result<Option<usize>> {
    match fs::metadata(real) {
        Ok(metadata) if metadata.permissions().readonly() && may_change_mode(&metadata) => {
            bail!(
                Failure::new(format!("{} is read-only", path.display()))
                    .hint(format!("make it writable: chmod u+w {}", quoted_path(real)))
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

/// Follows symbolic links, also to a file that is not there yet.
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
    bail!(
        Failure::new(format!("{} is a loop of symbolic links", path.display()))
            .hint("`ls -l` shows where each link leads")
    )
}

/// The same file, named by its directory's own path, so that every process finds the same locks and backups for it.
fn in_real_directory(path: &Path) -> PathBuf {
    match (
        fs::canonicalize(private::directory_of(path)),
        path.file_name(),
    ) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_path_buf(),
    }
}

/// A write over `ulimit -f` raises a signal that ends the process. Caught, it is an error of the write like any other.
#[cfg(unix)]
fn survive_limits_on_the_size_of_files() {
    let caught = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Where it fails, the signal ends the process, with the old file as it was.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, caught);
}

#[cfg(not(unix))]
fn survive_limits_on_the_size_of_files() {}
