//! Uses standard error as the terminal, on systems other than Unix.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;
use console::Term;
use zeroize::Zeroizing;

use super::Terminal;
use super::watch::Watch;
use crate::plan::Setting;

impl Terminal {
    /// Opens the terminal; none if this process has none.
    pub fn open(limit: Setting<Duration>) -> Option<Self> {
        let term = Term::stderr();
        term.is_term().then_some(Self { term, limit })
    }

    /// There is no such thing.
    pub fn is_in_background() -> bool {
        false
    }

    /// The command has what this process has.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub fn for_child(&self) -> Option<(Stdio, Stdio)> {
        None
    }

    /// The system restores it.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub fn keep(&self) -> Option<()> {
        None
    }

    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub(super) fn forget_input(&self) {}

    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub(super) fn watch_for_suspension(&self) {}

    #[allow(clippy::unnecessary_wraps, reason = "the same call on every system")]
    pub(super) fn wait(&self, _prompt: &str) -> Result<Option<Watch>> {
        Ok(Some(Watch::begin(self.limit.clone())))
    }

    pub(super) fn read_line(&self) -> io::Result<Option<Zeroizing<String>>> {
        self.term.read_line().map(Zeroizing::new).map(Some)
    }

    pub(super) fn hide(&self) -> Result<Watch> {
        self.begin()
    }

    pub(super) fn read_hidden_line(&self) -> io::Result<Option<Zeroizing<String>>> {
        self.term.read_secure_line().map(Zeroizing::new).map(Some)
    }

    #[allow(clippy::unnecessary_wraps, reason = "the same call on every system")]
    pub(super) fn begin(&self) -> Result<Watch> {
        Ok(Watch::begin(self.limit.clone()))
    }
}
