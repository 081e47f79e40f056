//! Determines how a file would be written and what an interrupted write left behind, without changing anything.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::failures::unwritable;
use super::private::directory_of;
use super::replace;
use super::{WriteMethod, regular, resolve, writable_size};

/// What an interrupted write left behind. It may also belong to a write in progress.
#[derive(Debug)]
pub enum Leftover {
    /// The file itself may be incomplete.
    Torn,
    /// The same, and the backup is missing.
    TornForGood,
    /// A new file that was not renamed, or copies.
    Unfinished,
    /// The old content, at this path, of a file that has changed since.
    Kept(PathBuf),
}

/// What interrupted writes of a file left behind.
pub fn leftovers(path: &Path) -> Result<Vec<Leftover>> {
    let real = resolve(path)?;
    let mut found = Vec::new();
    if replace::may_be_torn(&real) {
        found.push(Leftover::Torn);
    } else if replace::is_doubtful(&real) {
        found.push(Leftover::TornForGood);
    } else if replace::has_leftovers(&real) || replace::has_parts(&real) {
        found.push(Leftover::Unfinished);
    }
    let kept = replace::kept(&real).into_iter();
    found.extend(kept.map(Leftover::Kept));
    Ok(found)
}

/// How a file would be replaced, as far as the system can tell in advance.
pub fn way_to_write(path: &Path) -> Result<WriteMethod> {
    let real = regular(path)?;
    let is_there = writable_size(path, &real)?.is_some();
    if let Some(reason) = replace::in_place_reason(&real) {
        return Ok(WriteMethod::InPlace(reason));
    }
    match takes_files(nearest_directory(&real)) {
        Ok(()) => Ok(WriteMethod::Renamed),
        Err(error) => match replace::not_beside(&error) {
            Some(reason) if is_there => Ok(WriteMethod::InPlace(reason)),
            _ => bail!(unwritable(path, &error)),
        },
    }
}

/// The directory of a file, or its nearest ancestor that exists.
fn nearest_directory(file: &Path) -> &Path {
    let directory = directory_of(file);
    let mut all = directory.ancestors();
    all.find(|directory| directory.exists())
        .unwrap_or(directory)
}

/// Whether files can be created in a directory.
#[cfg(unix)]
fn takes_files(directory: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};

    if !directory.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

/// Whether files can be created in a directory: the system cannot tell in advance.
#[cfg(not(unix))]
fn takes_files(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        Ok(())
    } else {
        Err(ErrorKind::NotADirectory.into())
    }
}
