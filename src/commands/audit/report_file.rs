//! Reads a report from a file or from a named pipe, such as `/dev/stdin` or a shell's `<(…)`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::core::regular_file::{self, Unfit};

/// Its content, up to one byte more than this.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let opened = regular_file::without_waiting(File::options().read(true)).open(path);
    let file = opened.map_err(|error| regular_file::check_path(path).err().unwrap_or(error))?;
    let mut bytes = Vec::new();
    match regular_file::check(&file.metadata()?) {
        Err(error) if regular_file::unfit(&error) == Some(Unfit::Fifo) => {
            bytes.extend(await_writer(&file)?);
        }
        other => other?,
    }
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes sure that a process writes to the pipe, and lets reads wait for it. Returns what arrived meanwhile.
#[cfg(unix)]
fn await_writer(pipe: &File) -> io::Result<Option<u8>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;

    /// In a shell, writer and reader start together.
    const WRITER_TIMEOUT: Timespec = Timespec {
        tv_sec: 2,
        tv_nsec: 0,
    };
    let mut first = None;
    if poll(
        &mut [PollFd::new(pipe, PollFlags::IN)],
        Some(&WRITER_TIMEOUT),
    )? == 0
    {
        let mut byte = [0];
        let mut reader = pipe;
        match reader.read(&mut byte) {
            Ok(0) => {
                return Err(io::Error::other(
                    "it is a named pipe that no process writes to",
                ));
            }
            Ok(_) => first = Some(byte[0]),
            // A process has it open for writing.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    rustix::fs::fcntl_setfl(pipe, OFlags::empty())?;
    Ok(first)
}

/// On other systems, named pipes are not files.
#[cfg(not(unix))]
fn await_writer(_pipe: &File) -> io::Result<Option<u8>> {
    Ok(None)
}
