//! A shell in which the command of a hint is typed as it is printed.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, StandIn};

use crate::support::home::{Home, binary};
use crate::support::roles::account;
use crate::support::sections::long_term;
use crate::support::spawning::spawning;

/// A home, an AWS, and a shell that finds `mfa-creds`.
pub struct Scene {
    pub home: Home,
    pub sts: StandIn,
    environment: Vec<(String, String)>,
}

/// What a command in the shell came to.
#[derive(Debug)]
pub struct Typed {
    pub status: Option<i32>,
    pub said: String,
}

/// What is typed into standard input, where a command in a hint asks for something.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Nothing,
    /// The next code of the device.
    Code,
    /// What `setup` asks for; the profile is the one of the command.
    Keys,
}

impl Scene {
    pub fn new(credentials: Option<&str>, config: &str) -> Self {
        let home = Home::new();
        if let Some(credentials) = credentials {
            home.write("credentials", credentials);
        }
        home.write("config", config);
        fs::create_dir(home.path().join("bin")).unwrap();
        symlink(binary(), home.path().join("bin/mfa-creds")).unwrap();
        Self {
            home,
            sts: StandIn::start(account()),
            environment: Vec::new(),
        }
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Types a line into a shell. `$CODE` is the next code.
    pub fn types(&self, line: &str, input: Input) -> Typed {
        let mut command = Command::new("/bin/sh");
        let bin = self.home.path().join("bin");
        command
            .args(["-c", line])
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("TZ", "UTC")
            .env("MFA_CREDS_TRACE", self.home.trace())
            .env("AWS_ENDPOINT_URL", self.sts.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        if line.contains("$CODE") {
            command.env("CODE", self.sts.fresh_code(ALICE_DEVICE));
        }
        let answers = match input {
            Input::Nothing => String::new(),
            Input::Code => self.sts.fresh_code(ALICE_DEVICE),
            Input::Keys if line.contains("setup") && self.home.credentials_hold_keys() => {
                format!("\n{ALICE_DEVICE}\n")
            }
            Input::Keys => {
                format!("\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{ALICE_DEVICE}\n")
            }
        };
        let mut child = spawning(|| command.spawn().unwrap());
        let mut stdin = child.stdin.take().unwrap();
        // A run that fails early does not read it.
        let _ = std::io::Write::write_all(&mut stdin, answers.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Typed {
            status: output.status.code(),
            said: String::from_utf8(said).unwrap(),
        }
    }

    /// Types a line, takes the command from the hint that it ends with, as it is printed, types that, and then the first line
    /// again. Returns the command, and what the last line came to.
    #[track_caller]
    pub fn follows(&self, line: &str, input: Input) -> (String, Typed) {
        let first = self.types(line, Input::Nothing);
        let hints: Vec<String> = first.said.lines().filter_map(command_in).collect();
        assert!(!hints.is_empty(), "no hint: {first:?}");
        let command = hints[0].clone();
        let followed = self.types(&command, input);
        assert_eq!(followed.status, Some(0), "`{command}`: {followed:?}");
        (command, self.types(line, Input::Nothing))
    }

    /// The same, where the first line works then.
    #[track_caller]
    pub fn helps(&self, line: &str, input: Input, command: &str) {
        let (typed, again) = self.follows(line, input);
        assert_eq!(
            typed.replace(self.home.path().to_str().unwrap(), "~"),
            command
        );
        assert_eq!(again.status, Some(0), "`{typed}` did not help: {again:?}");
    }
}

impl Home {
    /// Whether there are keys that `setup` would move.
    fn credentials_hold_keys(&self) -> bool {
        let text = fs::read_to_string(self.file("credentials")).unwrap_or_default();
        text.starts_with("[work]\naws_access_key_id = AKIA")
    }
}

/// Commands that are not ours and that hints begin with.
const OTHERS: [&str; 9] = [
    "chmod ", "mkdir ", "rm ", "unset ", "kill ", "sudo ", "aws ", "date ", "ln ",
];

/// The first command in a hint, a fix or a warning: in backticks, or to the end of the line.
pub fn command_in(line: &str) -> Option<String> {
    let is_command = |text: &&str| {
        text.starts_with("mfa-creds") || OTHERS.iter().any(|other| text.starts_with(other))
    };
    if let Some(quoted) = line.split('`').skip(1).step_by(2).find(is_command) {
        return Some(quoted.to_owned());
    }
    if let Some(command) = line.strip_prefix("next: ") {
        return Some(command.to_owned());
    }
    let (_, fix) = line
        .split_once("hint: ")
        .or_else(|| line.split_once("fix: "))
        .or_else(|| line.split_once("warning: "))?;
    let begin = OTHERS.iter().filter_map(|other| fix.find(other)).min()?;
    let command = &fix[begin..];
    // What is said behind it.
    let end = command.find(", ").unwrap_or(command.len());
    Some(command[..end].to_owned())
}

pub const WORK: &str = "mfa-creds -q -p work --token $CODE";
pub const ADMIN_LINE: &str = "mfa-creds -q -p admin --token $CODE";

pub fn plain(profile: &str) -> String {
    long_term(profile).replace("-long-term", "")
}
