//! The binary on a console of its own: what is typed there, and how it ends.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use conpty::Process;
use conpty::io::PipeWriter;
use stand_in::StandIn;

use crate::support::home::{HOME, Home, binary};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Console {
    process: Process,
    keyboard: PipeWriter,
    output: Receiver<String>,
    /// What has been shown and was not expected yet.
    shown: String,
}

impl Console {
    /// Runs the binary. Where its standard streams go depends on where those of the tests go.
    pub fn begin(home: &Home, sts: &StandIn, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(home.path())
            .env(HOME, home.path())
            .env("MFA_CREDS_TRACE", home.trace())
            .env("AWS_ENDPOINT_URL_STS", sts.url())
            .env("AWS_ENDPOINT_URL_IAM", sts.url());
        for name in ["SystemRoot", "SystemDrive", "WINEPREFIX", "WINEDEBUG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let mut process = Process::spawn(command).unwrap();
        let (sender, output) = mpsc::channel();
        let mut screen = process.output().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard: process.input().unwrap(),
            process,
            output,
            shown: String::new(),
        }
    }

    /// Waits until a text is shown, with any blanks and ends of lines: a console moves the cursor, and wraps lines.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let plain = |shown: &str| console::strip_ansi_codes(shown).replace([' ', '\r', '\n'], "");
        let text = plain(text);
        loop {
            let shown = plain(&self.shown);
            if let Some((_, rest)) = shown.split_once(&text) {
                self.shown = rest.to_owned();
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => self.shown += &more,
                Err(error) => panic!("{text:?} is not in {shown:?}: {error}"),
            }
        }
    }

    pub fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn exit_code(&self) -> u32 {
        let limit = u32::try_from(PATIENCE.as_millis()).unwrap();
        self.process.wait(Some(limit)).unwrap()
    }
}
