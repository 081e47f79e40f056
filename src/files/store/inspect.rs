//! Tells how a file would be written and what an interrupted write left behind, without changing anything.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::failures::unwritable;
use super::private::directory_of;
use super::replace;
use super::{WriteMethod, regular, resolve, writable_size};

/// What an interrupted write has left behind. It may also be one that is under way.
#[derive(Debug)]
pub enum Leftover {
    /// The file itself may be half written.
    Torn,
    /// The same, and the backup that would make it whole is gone.
    TornForGood,
    /// A new file that did not get its name, or copies.
    Unfinished,
    /// What the file was before, in this place, as it was changed in between.
    Kept(PathBuf),
}

/// What is left of writes of a file that were interrupted.
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

/// How a file would be replaced, as far as the system says so beforehand.
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

/// The directory of a file, or the one that it would be made in.
fn nearest_directory(file: &Path) -> &Path {
    let directory = directory_of(file);
    let mut all = directory.ancestors();
    all.find(|directory| directory.exists())
        .unwrap_or(directory)
}

/// Whether files can be made in a directory.
#[cfg(unix)]
fn takes_files(directory: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};

    if !directory.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

/// Whether files can be made in a directory: the system does not say so beforehand.
#[cfg(not(unix))]
fn takes_files(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        Ok(())
    } else {
        Err(ErrorKind::NotADirectory.into())
    }
}
