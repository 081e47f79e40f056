//! A throwaway home, and runs of the binary in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use stand_in::StandIn;
use tempfile::{NamedTempFile, TempDir, TempPath};

use crate::support::sections::long_term;
use crate::support::spawning::spawning;
use crate::support::{next_code, systems};

/// The program under test: the one that cargo has built or, with `MFA_CREDS`, another one, such as that of a release.
pub fn binary() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let Ok(other) = std::env::var("MFA_CREDS") else {
            return env!("CARGO_BIN_EXE_mfa-creds").to_owned();
        };
        // Most tests run it in another directory.
        let other = std::path::absolute(other).unwrap();
        other.into_os_string().into_string().unwrap()
    });
    &PROGRAM
}

/// The variable that names the home directory.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A home directory with `.aws` in it, gone when dropped. Every run in it is traced at the highest verbosity, and nothing secret
/// may be in the trace in the end.
pub struct Home {
    _directory: TempDir,
    path: PathBuf,
    trace: TempPath,
}

impl Home {
    /// One without any file.
    pub fn new() -> Self {
        next_code::begin();
        Self::in_directory(Path::to_owned)
    }

    /// One in a directory with this name, without any file.
    pub fn named(name: &str) -> Self {
        next_code::begin();
        Self::in_directory(|directory| directory.join(name))
    }

    fn in_directory(place: impl FnOnce(&Path) -> PathBuf) -> Self {
        let directory = TempDir::new().unwrap();
        let path = place(&without_short_names(directory.path()));
        fs::create_dir_all(path.join(".aws")).unwrap();
        Self {
            _directory: directory,
            path,
            trace: NamedTempFile::new().unwrap().into_temp_path(),
        }
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
        &self.path
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
        set_mode(&self.file(name), 0o600);
    }

    pub fn credentials(&self) -> String {
        fs::read_to_string(self.file("credentials")).unwrap()
    }

    /// Leaves a program no environment but this home.
    pub fn command<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        clear(command).env(HOME, self.path())
    }

    /// A run of the binary, without a terminal and with nothing on standard input.
    pub fn run(&self, arguments: &[&str]) -> Run<'_> {
        let mut command = Command::new(binary());
        self.command(&mut command)
            .args(systems::command(arguments))
            .env("TZ", "UTC")
            .env("MFA_CREDS_TRACE", self.trace())
            // Whatever a test forgets, no request leaves the machine, and the keychain of whoever runs the tests is not touched.
            .env("AWS_ENDPOINT_URL_IAM", NOWHERE)
            .env("AWS_ENDPOINT_URL_SIGNIN", NOWHERE)
            .env("XDG_RUNTIME_DIR", self.path());
        // Where nobody is at the desktop, a window would wait for somebody. `tests/platforms` opens it.
        if cfg!(windows) && !arguments.contains(&"doctor") {
            command.env("MFA_CREDS_PROMPT", "terminal");
        }
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
            .env("AWS_ENDPOINT_URL_SIGNIN", &sts.url())
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

/// Leaves a program no environment but what no program can do without.
pub fn clear(command: &mut Command) -> &mut Command {
    command.env_clear();
    #[cfg(windows)]
    for name in ["SystemRoot", "ComSpec", "TEMP"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Sets the mode of a file, where files have modes.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Of modes, Windows has one bit.
#[cfg(not(unix))]
pub fn set_mode(path: &Path, mode: u32) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(mode & 0o200 == 0 && path.is_file());
    fs::set_permissions(path, permissions).unwrap();
}

/// The mode of a file is this, where files have modes.
#[track_caller]
pub fn assert_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let now = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(now, mode, "{}: {now:o} is not {mode:o}", path.display());
    }
    #[cfg(not(unix))]
    assert!(path.exists(), "{}, {mode:o}", path.display());
}

#[cfg(not(windows))]
fn without_short_names(path: &Path) -> PathBuf {
    path.to_owned()
}

/// Where Windows has names like `RUNNER~1` for programs from before 1995, the home would have two names.
#[cfg(windows)]
fn without_short_names(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).unwrap();
    PathBuf::from(whole.to_str().unwrap().trim_start_matches(r"\\?\"))
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
    /// Standard output and standard error, with the commands of hints as they are on Windows.
    pub printed: String,
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

    /// The command, to be started in another way.
    pub fn into_command(self) -> Command {
        self.command
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
        let output = without_terminal(self.command, |stdin| {
            // A run that fails early does not read it.
            let _ = stdin.write_all(self.stdin.as_bytes());
        });
        let text = |bytes: Vec<u8>| {
            let text = systems::as_on_unix(&String::from_utf8(bytes).unwrap());
            without_spans(&with_home_short(&text, self.home.path()))
        };
        let outcome = Outcome {
            printed: {
                let all = [&output.stdout[..], &output.stderr[..]].concat();
                let text = String::from_utf8(all).unwrap().replace("\r\n", "\n");
                with_home_short(&text, self.home.path())
            },
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

/// Runs a program that has no terminal, whoever runs the tests: it has a session of its own.
#[cfg(unix)]
fn without_terminal(command: Command, types: impl FnOnce(&mut dyn Write)) -> Output {
    use process_wrap::std::{CommandWrap, ProcessSession};

    let mut command = CommandWrap::from(command);
    command.wrap(ProcessSession);
    let mut child = spawning(|| command.spawn().unwrap());
    types(&mut child.stdin().take().unwrap());
    child.wait_with_output().unwrap()
}

/// Runs a program that has no console, whoever runs the tests.
#[cfg(windows)]
fn without_terminal(mut command: Command, types: impl FnOnce(&mut dyn Write)) -> Output {
    use std::os::windows::process::CommandExt as _;

    // <https://learn.microsoft.com/windows/win32/procthread/process-creation-flags>
    const DETACHED_PROCESS: u32 = 8;
    command.creation_flags(DETACHED_PROCESS);
    let mut child = spawning(|| command.spawn().unwrap());
    types(&mut child.stdin.take().unwrap());
    child.wait_with_output().unwrap()
}

/// Replaces the path of the home by `~`, and writes the paths in it as on Unix.
pub fn with_home_short(text: &str, home: &Path) -> String {
    let home = home.to_str().unwrap();
    if !cfg!(windows) {
        return text.replace(home, "~");
    }
    // As in JSON, and as it is.
    let text = text.replace(&home.replace('\\', r"\\"), "~");
    let text = text.replace(home, "~");
    let mut parts = text.split('~');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || "'\"`:,;()".contains(c));
        let (path, rest) = part.split_at(end.unwrap_or(part.len()));
        short.push('~');
        short.push_str(&path.replace(r"\\", "/").replace('\\', "/"));
        short.push_str(rest);
    }
    short
}

/// Replaces what depends on the time of the test: `until 09:03 +00:00, 12 h` becomes `until …`.
pub fn without_spans(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.split_once(" until ") {
            Some((before, _)) => format!("{before} until …\n"),
            None => line.to_owned(),
        })
        .collect()
}
