//! Ends the processes that this one started. Each command is in a job object, and what it starts joins the job. Windows ends all
//! processes of a job when this process closes it or ends in any way.

use std::io;
use std::os::windows::io::RawHandle;

use tokio::process::Child;
use win32job::{ExtendedLimitInfo, Job};

/// A command and everything that it has started. It ends when this is dropped. If Windows refuses a job, for example because the
/// command has already ended, this contains nothing.
pub struct Begun(Option<Job>);

impl Begun {
    /// What has begun with a command. A program that it starts as an agent can ask Windows to be left out.
    pub fn with(command: &Child) -> Self {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close().limit_breakaway_ok();
        Self::limited(command, &limits)
    }

    /// The command alone: what it starts is left out.
    pub fn only(command: &Child) -> Self {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close().limit_silent_breakaway_ok();
        Self::limited(command, &limits)
    }

    fn limited(command: &Child, limits: &ExtendedLimitInfo) -> Self {
        let job = command
            .raw_handle()
            .and_then(|command| job(command, limits).ok());
        Self(job)
    }

    /// Ends it.
    pub fn end(self) {
        drop(self);
    }

    /// Lets it run.
    pub fn leave(self) {
        if let Some(job) = self.0 {
            // If this fails, it ends.
            let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
        }
    }
}

fn job(command: RawHandle, limits: &ExtendedLimitInfo) -> io::Result<Job> {
    let job = Job::create_with_limit_info(limits)?;
    job.assign_process(command as isize)?;
    Ok(job)
}
