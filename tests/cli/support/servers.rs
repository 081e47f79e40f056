//! `exec --server` and `serve` while they run, and clients of their servers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::support::home::{Home, Run, with_home_short, without_spans};
use crate::support::spawning::spawning;

/// How long something may take that a test waits for.
const LONG: Duration = Duration::from_secs(30);

pub const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
pub const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/// A run that goes on.
pub struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    errors: NamedTempFile,
    home: std::path::PathBuf,
}

/// A server, as its clients know it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub uri: String,
    pub token: String,
}

/// What a server has answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Running {
    /// Begins a run without a terminal.
    pub fn begin(home: &Home, run: Run<'_>) -> Self {
        let mut command = run.into_command();
        let errors = NamedTempFile::new().unwrap();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.reopen().unwrap());
        let mut child = begin_without_terminal(command);
        Self {
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            errors,
            home: home.path().to_owned(),
        }
    }

    /// The next line that it prints; empty at its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The server that it names in its next two lines.
    pub fn endpoint(&mut self) -> Endpoint {
        let mut value = |name: &str| {
            let line = self.line();
            let (_, value) = line.split_once(&format!("{name}=")).unwrap_or_else(|| {
                panic!(
                    "{line:?} does not name {name}; standard error: {}",
                    self.errors()
                )
            });
            value.to_owned()
        };
        Endpoint {
            uri: value(URI),
            token: value(TOKEN),
        }
    }

    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error until now.
    pub fn errors(&self) -> String {
        let text = std::fs::read_to_string(self.errors.path()).unwrap();
        without_spans(&with_home_short(&text.replace("\r\n", "\n"), &self.home))
    }

    /// Waits until standard error says something.
    pub fn says(&self, text: &str) {
        eventually(
            || self.errors().contains(text).then_some(()),
            || format!("{text:?} is not in {:?}", self.errors()),
        );
    }

    /// Closes its standard input, and waits for its end. Its exit code, or none if a signal has ended it.
    #[cfg(unix)]
    pub fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        status.code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
fn begin_without_terminal(mut command: Command) -> Child {
    // Its group is its own, so that what a test sends to it reaches nobody else.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    spawning(|| command.spawn().unwrap())
}

#[cfg(windows)]
fn begin_without_terminal(mut command: Command) -> Child {
    use std::os::windows::process::CommandExt as _;

    // <https://learn.microsoft.com/windows/win32/procthread/process-creation-flags>
    const DETACHED_PROCESS: u32 = 8;
    command.creation_flags(DETACHED_PROCESS);
    spawning(|| command.spawn().unwrap())
}

/// Tries until there is something.
#[track_caller]
pub fn eventually<T>(mut attempt: impl FnMut() -> Option<T>, otherwise: impl Fn() -> String) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(begin.elapsed() < LONG, "{}", otherwise());
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Endpoint {
    /// Asks as the SDKs do.
    pub fn get(&self) -> Answer {
        self.request("GET", &[("Authorization", &self.token)])
    }

    /// The access key ID of the credentials that it has now.
    #[cfg(unix)]
    pub fn access_key_id(&self) -> String {
        let answer = self.get();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.value("AccessKeyId")
    }

    /// Asks with these headers.
    pub fn request(&self, method: &str, headers: &[(&str, &str)]) -> Answer {
        let (authority, path) = self.parts();
        let has_host = headers.iter().any(|(name, _)| *name == "Host");
        let host = [("Host", authority)];
        let host = host.iter().filter(|_| !has_host);
        let lines = host
            .chain(headers)
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines: String = lines.collect();
        let request = format!("{method} {path} HTTP/1.1\r\n{lines}");
        self.send(&format!("{request}\r\n"))
    }

    /// Sends a text, and reads the answer.
    pub fn send(&self, text: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server that refuses a request closes the connection while there is still something to read.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = headers
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            headers: headers.to_owned(),
            body: body.to_owned(),
        }
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.parts().0).unwrap()
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.uri.strip_prefix("http://").unwrap();
        rest.split_at(rest.find('/').unwrap())
    }
}

impl Answer {
    /// A text in the JSON of the body.
    pub fn value(&self, key: &str) -> String {
        let line = self.body.lines().find_map(|line| {
            let value = line.trim().strip_prefix(&format!("\"{key}\": \""))?;
            Some(value.trim_end_matches(',').trim_end_matches('"').to_owned())
        });
        line.unwrap_or_else(|| panic!("no {key} in {self:?}"))
    }
}
