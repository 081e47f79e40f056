//! A throwaway home, and runs of the binary in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use process_wrap::std::{CommandWrap, ProcessSession};
use stand_in::StandIn;
use tempfile::{NamedTempFile, TempDir, TempPath};

use crate::support::next_code;
use crate::support::sections::long_term;
use crate::support::spawning::spawning;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_mfa-creds");

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A home directory with `.aws` in it, gone when dropped. Every run in it is traced at the highest verbosity, and nothing secret
/// may be in the trace in the end.
pub struct Home {
    directory: TempDir,
    trace: TempPath,
}

impl Home {
    /// One without any file.
    pub fn new() -> Self {
        next_code::begin();
        let home = Self {
            directory: TempDir::new().unwrap(),
            trace: NamedTempFile::new().unwrap().into_temp_path(),
        };
        fs::create_dir(home.path().join(".aws")).unwrap();
        home
    }

    /// One with this credentials file.
    pub fn with(credentials: &str) -> Self {
        let home = Self::new();
        home.write("credentials", credentials);
        home
    }

    /// One where `[work-long-term]` contains the keys and the device of the stand-in's user.
    pub fn of_alice() -> Self {
        Self::with(&long_term("work"))
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where all runs leave their trace.
    pub fn trace(&self) -> &Path {
        &self.trace
    }

    /// What must not be said: all that stand-ins know and have given out, and what is secret in these files.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = stand_in::all_secrets();
        let own = self.file(".mfa-creds");
        for directory in [self.file(""), own] {
            let Ok(entries) = fs::read_dir(directory) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                if !path.is_file() {
                    continue;
                }
                let text = fs::read(path).unwrap_or_default();
                secrets.extend(secret_values(&String::from_utf8_lossy(&text)));
            }
        }
        secrets
    }

    #[track_caller]
    fn assert_nothing_secret(&self, what: &str, text: &str) {
        for secret in self.secrets() {
            assert!(
                !says(text, &secret),
                "{what} says the secret {secret}: {text}"
            );
        }
    }

    /// The path of a file in `.aws`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(".aws").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn credentials(&self) -> String {
        fs::read_to_string(self.file("credentials")).unwrap()
    }

    /// A run of the binary, without a terminal and with nothing on standard input.
    pub fn run(&self, arguments: &[&str]) -> Run<'_> {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .env("MFA_CREDS_TRACE", self.trace())
            // Whatever a test forgets, no request leaves the machine, and the keychain of whoever runs the tests is not touched.
            .env("AWS_ENDPOINT_URL_IAM", NOWHERE)
            .env("XDG_RUNTIME_DIR", self.path());
        Run {
            home: self,
            command,
            stdin: String::new(),
        }
    }

    /// A run that calls the stand-in.
    pub fn run_with(&self, sts: &StandIn, arguments: &[&str]) -> Run<'_> {
        self.run(arguments)
            .env("AWS_ENDPOINT_URL_STS", &sts.url())
            .env("AWS_ENDPOINT_URL_IAM", &sts.url())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let trace = fs::read_to_string(&self.trace).unwrap();
            self.assert_nothing_secret("the trace", &trace);
        }
    }
}

/// The values in a file that nobody may see.
fn secret_values(text: &str) -> Vec<String> {
    let values = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let is_secret = ["secret", "token"].iter().any(|word| key.contains(word));
        is_secret.then(|| value.trim().to_owned())
    });
    // Some tests have values that are words.
    values.filter(|value| value.len() >= 8).collect()
}

/// Whether a text says a word. What is shorter than that can be a part of a longer one by chance.
pub fn says(text: &str, secret: &str) -> bool {
    const LONG: usize = 16;
    let is_part = |c: char| c.is_ascii_alphanumeric();
    // The number of a process is none.
    let is_process = |before: &str| before.ends_with("process ") || before.ends_with("kill ");
    text.match_indices(secret).any(|(place, _)| {
        secret.len() >= LONG
            || !is_process(&text[..place])
                && !text[..place].ends_with(is_part)
                && !text[place + secret.len()..].starts_with(is_part)
    })
}

/// A run that has not begun.
pub struct Run<'h> {
    home: &'h Home,
    command: Command,
    stdin: String,
}

/// How a run ended. The home's path reads `~` in the texts, and a span of time after a date reads `…`.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run<'_> {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    pub fn outcome(mut self) -> Outcome {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A session of its own has no terminal, whoever runs the tests.
        let mut command = CommandWrap::from(self.command);
        command.wrap(ProcessSession);
        let mut child = spawning(|| command.spawn().unwrap());
        let mut stdin = child.stdin().take().unwrap();
        // A run that fails early does not read it.
        let _ = stdin.write_all(self.stdin.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            without_spans(&text.replace(self.home.path().to_str().unwrap(), "~"))
        };
        let outcome = Outcome {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        self.home
            .assert_nothing_secret("standard error", &outcome.stderr);
        outcome
    }

    /// Ends with this status and exactly this on standard error. Standard output is for data: it must be empty.
    #[track_caller]
    pub fn ends(self, status: i32, stderr: &str) -> Outcome {
        let outcome = self.outcome();
        assert_eq!(outcome.stderr, stderr, "standard error, of {outcome:?}");
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{outcome:?}");
        outcome
    }

    /// Ends with status 0, and exactly this on standard output and standard error.
    #[track_caller]
    pub fn prints(self, stdout: &str, stderr: &str) {
        let outcome = self.outcome();
        assert_eq!(outcome.stdout, stdout, "standard output, of {outcome:?}");
        assert_eq!(outcome.stderr, stderr, "standard error, of {outcome:?}");
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }

    /// Ends with status 0.
    #[track_caller]
    pub fn succeeds(self) -> Outcome {
        let outcome = self.outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{outcome:?}");
        outcome
    }
}

/// Replaces what depends on the time of the test: `until 09:03 +00:00, 12 h` becomes `until …`.
fn without_spans(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.split_once(" until ") {
            Some((before, _)) => format!("{before} until …\n"),
            None => line.to_owned(),
        })
        .collect()
}
