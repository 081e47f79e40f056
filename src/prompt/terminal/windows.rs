//! Finds the terminal on Windows: the console, `CONIN$` and `CONOUT$`. The `console` crate knows only standard streams there.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::iter;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use console::{Key, Term};
use crossterm_winapi::{
    Console, ConsoleMode, Handle, HandleType, InputRecord, KeyEventRecord, ScreenBuffer,
};
use zeroize::Zeroizing;

use super::keys::{Decoder, KeyEvent};
use super::line::{Line, Pressed};
use super::list::{self, Picked};
use super::signals;
use super::{Terminal, gone, interrupted, nobody_answered};
use crate::core::screen;
use crate::plan::Setting;

const INPUT: &str = "CONIN$";
const OUTPUT: &str = "CONOUT$";
/// The bits of the state of control keys for a Shift key.
const SHIFT_PRESSED: u32 = 0x0010;
/// How often to look for a signal while waiting for a key.
const TICK: Duration = Duration::from_millis(50);

impl Terminal {
    /// Opens the terminal; none if this process has none.
    pub fn open(limit: Setting<Duration>) -> Option<Self> {
        let term = Screen::open().ok()?;
        Some(Self { term, limit })
    }

    /// The same if the user sees it, as far as can be known. Programs with windows, and services, run others with a console that has no
    /// window; these have only redirected streams.
    pub(super) fn open_if_seen(limit: Setting<Duration>) -> Option<Self> {
        let is_input = |input| ConsoleMode::from(input).mode().is_ok();
        // Only a console has a size. A pipe of MSYS, which is a terminal for `is_terminal`, has none.
        let is_output = |output: Term| output.size_checked().is_some();
        let is_seen = is_output(Term::stderr())
            || is_output(Term::stdout())
            || Handle::new(HandleType::InputHandle).is_ok_and(is_input);
        is_seen.then(|| Self::open(limit)).flatten()
    }

    /// Whether it can do more than plain lines: move the cursor, clear a line, show colors. Not with `TERM=dumb`.
    pub fn is_capable(&self) -> bool {
        self.term.has_escapes && !console::is_dumb()
    }

    pub(super) fn has_colors(&self) -> bool {
        self.is_capable() && screen::wants_colors()
    }

    /// There is no such thing.
    pub fn is_in_background() -> bool {
        false
    }

    /// The terminal as standard input and standard error of a command that asks by itself.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub fn for_child(&self) -> Option<(Stdio, Stdio)> {
        let open = |name| File::options().read(true).write(true).open(name).ok();
        Some((open(INPUT)?.into(), open(OUTPUT)?.into()))
    }

    /// Saves the state of the terminal, and restores it when dropped.
    pub fn keep(&self) -> Option<Kept> {
        let modes = [&self.term.input_mode, &self.term.output_mode];
        let kept = modes.map(|mode| Some((mode.clone(), mode.mode().ok()?)));
        Some(Kept(kept.into_iter().flatten().collect()))
    }

    /// Discards what was typed before the prompt.
    pub(super) fn forget_input(&self) {
        // If these fail, what was typed is read.
        if let Ok(mut input) = self.term.input.try_lock() {
            input.keys.clear();
            let _ = input.console.read_console_input();
        }
    }

    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub(super) fn watch_for_suspension(&self) {}

    /// Waits for a line; none at the end of input.
    pub(super) fn read_line(&self, _prompt: &str) -> Result<Option<Zeroizing<String>>> {
        self.read(Line::new(false))
    }

    /// Asks while what is typed is hidden: a console shows nothing by itself while single keys are read.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub(super) fn hiding<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        ask()
    }

    /// A line that is hidden.
    pub(super) fn read_hidden_line(&self) -> Result<Option<Zeroizing<String>>> {
        self.read(Line::new(true))
    }

    fn read(&self, mut line: Line) -> Result<Option<Zeroizing<String>>> {
        self.begin();
        loop {
            let key = self.term.read_key().map_err(|error| {
                // The error begins on a line of its own.
                let _ = self.term.write_line("");
                self.ended(error)
            })?;
            match line.press(&key) {
                Pressed::Shown(text) => self.term.write_str(&text).map_err(gone)?,
                Pressed::Complete(line) => {
                    self.term.write_line("").map_err(gone)?;
                    return Ok(Some(line));
                }
                Pressed::EndOfInput => return Ok(None),
            }
        }
    }

    /// Has an item picked.
    pub(super) fn pick_from_list(&self, prompt: &str, items: &[String]) -> Result<Picked> {
        self.begin();
        list::pick(&self.term, prompt, items).map_err(|error| self.ended(error))
    }

    /// From now on, the person has time to answer.
    fn begin(&self) {
        self.term
            .end
            .set(Instant::now().checked_add(self.limit.value));
    }

    /// Why there is no answer.
    fn ended(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::TimedOut => nobody_answered(&self.limit).into(),
            io::ErrorKind::Interrupted => interrupted().into(),
            _ => gone(error),
        }
    }
}

/// Draws on the console and reads its keys.
pub(super) struct Screen {
    input: Arc<Mutex<Input>>,
    input_mode: ConsoleMode,
    output: Console,
    output_mode: ConsoleMode,
    buffer: ScreenBuffer,
    /// Whether it interprets escape sequences.
    has_escapes: bool,
    /// When the time for an answer ends.
    end: Cell<Option<Instant>>,
}

/// The keys of a console.
struct Input {
    console: Console,
    decoder: Decoder,
    /// Keys that were pressed and not read yet.
    keys: VecDeque<Key>,
}

impl Screen {
    fn open() -> io::Result<Self> {
        let input = Handle::new(HandleType::CurrentInputHandle)?;
        let output = Handle::new(HandleType::CurrentOutputHandle)?;
        Ok(Self {
            has_escapes: screen::enable_escapes(),
            input_mode: ConsoleMode::from(input.clone()),
            input: Arc::new(Mutex::new(Input {
                console: Console::from(input),
                decoder: Decoder::default(),
                keys: VecDeque::new(),
            })),
            output_mode: ConsoleMode::from(output.clone()),
            buffer: ScreenBuffer::from(output.clone()),
            output: Console::from(output),
            end: Cell::default(),
        })
    }

    pub(super) fn write_str(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.output.write_char_buffer(text.as_bytes()).map(drop)
    }

    pub(super) fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(&format!("{text}\n"))
    }

    /// Nothing is buffered.
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same call on every system"
    )]
    pub(super) fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\u{1b}[K")
    }

    pub(super) fn clear_last_lines(&self, lines: usize) -> io::Result<()> {
        self.write_str(&format!("\u{1b}[{lines}A\r\u{1b}[J"))
    }

    /// It stays: Ctrl-C ends the process, and nobody would show it again.
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same call on every system"
    )]
    pub(super) fn hide_cursor(&self) -> io::Result<()> {
        Ok(())
    }

    /// It was not hidden.
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same call on every system"
    )]
    pub(super) fn show_cursor(&self) -> io::Result<()> {
        Ok(())
    }

    /// How many lines and columns it has.
    pub(super) fn size(&self) -> (u16, u16) {
        let size = self.buffer.info().map(|info| info.terminal_size());
        // The library returns the numbers of the last line and column.
        let count = |last: i16| u16::try_from(last).unwrap_or_default() + 1;
        size.map_or((24, 80), |size| (count(size.height), count(size.width)))
    }

    /// Waits for a key.
    ///
    /// # Errors
    /// With [`io::ErrorKind::TimedOut`] after the time limit, and with [`io::ErrorKind::Interrupted`] where Ctrl-C did not end the
    /// process.
    pub(super) fn read_key(&self) -> io::Result<Key> {
        let (sender, receiver) = mpsc::channel();
        let input = Arc::clone(&self.input);
        // The system waits without a limit. A thread that waits in vain ends with the process, which asks nothing more then.
        thread::spawn(move || {
            let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
            // If nobody waits any more, nobody needs it.
            let _ = sender.send(input.next());
        });
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Ok(Key::CtrlC)) => return Err(io::ErrorKind::Interrupted.into()),
                Ok(key) => return key,
                Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if signals::noted().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.end.get().is_some_and(|end| Instant::now() >= end) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

impl Input {
    fn next(&mut self) -> io::Result<Key> {
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Ok(key);
            }
            if let InputRecord::KeyEvent(record) = self.console.read_single_input_event()?
                && let Some(key) = self.decoder.key(event(&record))
            {
                let count = record.repeat_count.max(1).into();
                self.keys.extend(iter::repeat_n(key, count));
            }
        }
    }
}

fn event(record: &KeyEventRecord) -> KeyEvent {
    KeyEvent {
        is_down: record.key_down,
        number: record.virtual_key_code,
        unit: record.u_char,
        has_shift: record.control_key_state.has_state(SHIFT_PRESSED),
    }
}

/// The modes of a console. They are restored when this is dropped.
pub struct Kept(Vec<(ConsoleMode, u32)>);

impl Drop for Kept {
    fn drop(&mut self) {
        for (console, mode) in &self.0 {
            // If it fails, the console is gone.
            let _ = console.set_mode(*mode);
        }
    }
}
