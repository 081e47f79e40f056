//! The binary on a terminal of its own: what is typed there, and how it ends.

use std::fs;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};
use stand_in::StandIn;

use crate::support::home::{Home, binary};
use crate::support::spawning::spawning;

pub const PROMPT: &str = "Enter AWS MFA code for device [arn:aws:iam::123456789012:mfa/alice] (renewing for 43200 seconds):";

/// Runs a shell script on a terminal of its own, with the binary as `$0`.
pub fn on_terminal(home: &Home, sts: &StandIn, script: &str) -> OsSession {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("read -r begin; {script}"), binary()])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        // The tests in `screen` look at colors.
        .env("NO_COLOR", "1")
        .env("MFA_CREDS_TRACE", home.trace())
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("AWS_ENDPOINT_URL_IAM", sts.url())
        .env("AWS_ENDPOINT_URL_SIGNIN", sts.url());
    let mut session = spawning(|| Session::spawn(command).unwrap());
    session.set_expect_timeout(Some(Duration::from_secs(20)));
    // The library sets the size of the terminal when the script runs already, which may be setting it, too.
    session.send_line("").unwrap();
    session
}

/// Types a code at the prompt.
pub fn type_code(session: &mut OsSession, code: impl AsRef<str>) {
    session.expect(PROMPT).unwrap();
    session.send_line(code.as_ref()).unwrap();
}

/// Waits until a run has ended, and says how.
pub fn ended(mut session: OsSession) -> WaitStatus {
    session.expect(Eof).unwrap();
    session.get_process().wait().unwrap()
}

pub fn exited(session: OsSession) -> i32 {
    match ended(session) {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

pub fn kill(home: &Home, signal: &str) {
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    let kill = format!("kill -{signal} {}", pid.trim());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &kill]);
    assert!(
        spawning(|| command.spawn().unwrap())
            .wait()
            .unwrap()
            .success()
    );
}
