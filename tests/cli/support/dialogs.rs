//! A desktop whose graphical prompts are scripts that speak as pinentry, zenity and kdialog do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use stand_in::{Account, StandIn};

use crate::support::home::{Home, Run};

/// Answers GETPIN with the first line of the file `codes`, and takes that away. Keeps what it is told in the file `told`.
pub const PINENTRY: &str = r#"#!/bin/sh
echo "OK Pleased to meet you"
while read -r line; do
    echo "$line" >>"$HOME/told"
    case $line in
    GETPIN)
        read -r answer <"$HOME/codes"
        sed -i 1d "$HOME/codes"
        case $answer in
        ERR*) echo "$answer" ;;
        *) printf 'D %s\nOK\n' "$answer" ;;
        esac
        ;;
    BYE) echo OK; exit ;;
    *) echo OK ;;
    esac
done
"#;

/// Answers with the file `codes`, and ends with the status in the file `status`.
pub const DIALOG: &str = r#"#!/bin/sh
printf '%s\n' "$0" "$@" >>"$HOME/told"
cat "$HOME/codes"
exit "$(cat "$HOME/status")"
"#;

pub struct Desk {
    pub home: Home,
    pub sts: StandIn,
}

impl Desk {
    /// A desk where these programs are.
    pub fn new(programs: &[(&str, &str)]) -> Self {
        let desk = Self {
            home: Home::of_alice(),
            sts: StandIn::start(Account::example()),
        };
        fs::create_dir(desk.path("bin")).unwrap();
        for (name, script) in programs {
            let path = desk.path("bin").join(name);
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // What the scripts need, and no program that is by chance on this machine.
        for tool in ["sh", "sed", "cat"] {
            let real = ["/bin", "/usr/bin"].map(|place| PathBuf::from(place).join(tool));
            let real = real.iter().find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(real, desk.path("bin").join(tool)).unwrap();
        }
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn answers(&self, codes: &[&str]) {
        fs::write(self.path("codes"), codes.join("\n") + "\n").unwrap();
    }

    pub fn told(&self) -> String {
        fs::read_to_string(self.path("told")).unwrap_or_default()
    }

    pub fn run(&self, arguments: &[&str]) -> Run<'_> {
        self.home
            .run_with(&self.sts, &[&["-q", "-p", "work"], arguments].concat())
            .env("PATH", self.path("bin").to_str().unwrap())
            .env("DISPLAY", ":77")
    }
}
