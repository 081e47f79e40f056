//! Ends the processes that this one started. Only Linux lists them.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

/// How long to wait for a process to end before it is killed.
const GRACE: Duration = Duration::from_millis(200);

/// The children that existed before this process started any: the program that it replaced has started them.
static INHERITED: OnceLock<Vec<u32>> = OnceLock::new();

/// Records the children that exist already. Called before anything is started.
pub fn remember_inherited() {
    INHERITED.get_or_init(|| children(std::process::id()));
}

/// Ends everything that this process has started.
pub fn end_begun() {
    let inherited = INHERITED.get_or_init(Vec::new);
    let mut begun = children(std::process::id());
    begun.retain(|child| !inherited.contains(child));
    end_all(&begun);
}

/// A command and everything that it has started.
pub struct Begun(Option<u32>);

impl Begun {
    /// What has begun with a command.
    pub fn with(command: &Child) -> Self {
        Self(command.id())
    }

    /// Ends it.
    pub fn end(self) {
        if let Some(process) = self.0 {
            end_all(&[process]);
        }
    }

    /// Lets it run.
    #[allow(clippy::unused_self, reason = "the same call on every system")]
    pub fn leave(self) {}
}

fn end_all(processes: &[u32]) {
    let mut all = Vec::new();
    for process in processes {
        collect(*process, &mut all);
    }
    if all.is_empty() {
        return;
    }
    for process in &all {
        tell(*process, Tell::ToEnd);
    }
    thread::sleep(GRACE);
    for process in &all {
        tell(*process, Tell::ItIsOver);
    }
}

/// How a process is ended.
#[derive(Clone, Copy)]
enum Tell {
    /// It may clean up.
    ToEnd,
    /// It ends immediately.
    ItIsOver,
}

fn tell(process: u32, what: Tell) {
    let signal = match what {
        Tell::ToEnd => Signal::TERM,
        Tell::ItIsOver => Signal::KILL,
    };
    if let Some(process) = Pid::from_raw(process.cast_signed()) {
        // If this fails, it has already ended.
        let _ = kill_process(process, signal);
    }
}

fn collect(process: u32, all: &mut Vec<u32>) {
    all.push(process);
    for child in children(process) {
        collect(child, all);
    }
}

fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("children")).ok()?;
        Some(
            text.split_whitespace()
                .flat_map(str::parse)
                .collect::<Vec<u32>>(),
        )
    });
    children.flatten().collect()
}
