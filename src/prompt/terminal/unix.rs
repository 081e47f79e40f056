//! Finds the terminal on Unix: `/dev/tty`.

use std::fs::File;
use std::io::{self, Read as _};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use console::Term;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use zeroize::Zeroizing;

use super::list::{self, Picked};
use super::signals;
use super::watch::Watch;
use super::{Terminal, gone, nobody_answered};
use crate::core::screen;
use crate::plan::Setting;

/// Draws on the terminal.
pub(super) type Screen = Term;

const UNUSABLE: &str = "the terminal cannot be used";

impl Terminal {
    /// Opens the terminal; none if this process has none, or runs in its background, where it may not read from it.
    pub fn open(limit: Setting<Duration>) -> Option<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        if tcgetpgrp(&file).ok()? != getpgrp() {
            return None;
        }
        let term = Term::read_write_pair(file.try_clone().ok()?, file.try_clone().ok()?);
        Some(Self { term, file, limit })
    }

    /// The same: what this process can open, its user sees.
    pub(super) fn open_if_seen(limit: Setting<Duration>) -> Option<Self> {
        Self::open(limit)
    }

    /// Whether it can do more than plain lines: move the cursor, clear a line, show colors. Not with `TERM=dumb`.
    pub fn is_capable(&self) -> bool {
        screen::is_capable(&self.term)
    }

    pub(super) fn has_colors(&self) -> bool {
        screen::has_colors(&self.term)
    }

    /// Whether this process runs in the background of a terminal.
    pub fn is_in_background() -> bool {
        File::open("/dev/tty")
            .is_ok_and(|file| tcgetpgrp(&file).is_ok_and(|foreground| foreground != getpgrp()))
    }

    /// The terminal as standard input and standard error of a command that asks by itself.
    pub fn for_child(&self) -> Option<(Stdio, Stdio)> {
        let file = || self.file.try_clone().ok().map(Stdio::from);
        Some((file()?, file()?))
    }

    /// Saves the state of the terminal, and restores it when dropped.
    pub fn keep(&self) -> Option<signals::Kept> {
        signals::Kept::of(&self.file)
    }

    /// Discards what was typed before the prompt.
    pub(super) fn forget_input(&self) {
        // If this fails, what was typed is read.
        let _ = tcflush(&self.file, QueueSelector::IFlush);
    }

    /// From now on, [`Self::wait`] sees it when the process is suspended and continued.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub(super) fn watch_for_suspension(&self) {
        // If it fails, the prompt is not shown again.
        let _ = signals::note_continuing();
    }

    /// Waits until a line is there. Shows the prompt again when the process was suspended and is in the foreground again.
    fn wait(&self, prompt: &str) -> Result<Option<Watch>> {
        let limit = Timespec::try_from(self.limit.value)
            .context("the timeout for an answer is too long")?;
        loop {
            self.check_interrupted()?;
            if signals::has_continued() && signals::is_ours(&self.file) {
                self.show_prompt(prompt)?;
            }
            let mut inputs = vec![PollFd::new(&self.file, PollFlags::IN)];
            inputs.extend(signals::continuing().map(|stream| PollFd::new(stream, PollFlags::IN)));
            match poll(&mut inputs, Some(&limit)) {
                // A signal, for example after the process was suspended: wait again.
                Err(Errno::INTR) => {}
                Ok(0) => {
                    let _ = self.term.write_line("");
                    bail!(nobody_answered(&self.limit));
                }
                // Not every system can poll a terminal.
                Ok(_) if inputs[0].revents().is_empty() => {}
                Ok(_) if inputs[0].revents().contains(PollFlags::NVAL) => {
                    return Ok(Some(Watch::begin(self.limit.clone())));
                }
                Ok(_) => return Ok(None),
                Err(error) => return Err(gone(error)),
            }
        }
    }

    /// Waits for a line; none at the end of input.
    pub(super) fn read_line(&self, prompt: &str) -> Result<Option<Zeroizing<String>>> {
        let _watch = self.wait(prompt)?;
        self.line().map_err(gone)
    }

    /// A line without its end; none at the end of input. A terminal returns at most one line at a time.
    fn line(&self) -> io::Result<Option<Zeroizing<String>>> {
        let mut line = Zeroizing::new(Vec::new());
        let mut buffer = Zeroizing::new([0; 256]);
        while !line.ends_with(b"\n") {
            match (&self.file).read(&mut buffer[..]) {
                Ok(0) if line.is_empty() => return Ok(None),
                Ok(0) => break,
                Ok(count) => line.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Zeroizing::new(
            String::from_utf8_lossy(&line).trim_end().to_owned(),
        )))
    }

    /// Asks while what is typed is hidden.
    pub(super) fn hiding<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let hidden = self.hide()?;
        let answer = ask();
        drop(hidden);
        signals::let_suspend();
        answer
    }

    /// Hides what is typed, until the result is dropped.
    fn hide(&self) -> Result<(Option<signals::Kept>, Watch)> {
        let kept = self.keep();
        let watch = self.begin()?;
        let mut attributes = tcgetattr(&self.file).map_err(gone)?;
        attributes.local_modes.remove(LocalModes::ECHO);
        // The end of a line is not a secret.
        attributes.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&self.file, OptionalActions::Now, &attributes).map_err(gone)?;
        Ok((kept, watch))
    }

    /// A line that is hidden.
    pub(super) fn read_hidden_line(&self) -> Result<Option<Zeroizing<String>>> {
        self.line().map_err(gone)
    }

    /// Has an item picked. Ctrl-C ends the process as it would have without a prompt.
    pub(super) fn pick_from_list(&self, prompt: &str, items: &[String]) -> Result<Picked> {
        let _watch = self.begin()?;
        let picked = list::pick(&self.term, prompt, items);
        signals::let_suspend();
        picked.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                signals::die();
            }
            gone(error)
        })
    }

    /// Prepares for a prompt that is not in line mode, or hidden.
    fn begin(&self) -> Result<Watch> {
        signals::leave_as_it_was(&self.file).context(UNUSABLE)?;
        Ok(Watch::begin(self.limit.clone()))
    }
}
