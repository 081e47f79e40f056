//! Words of files and servers at prompts, in questions and in windows: what arrives at a terminal is text and our own movements.

use std::fs;

use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _};
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Device};

use crate::support::accounts::{alice, stand_in};
use crate::support::dialogs::{DIALOG, Desk, PINENTRY};
use crate::support::enrollment::{FIRST, begin};
use crate::support::home::Home;
use crate::support::hostile_text::is_nasty;
use crate::support::sections::{keys_only, long_term};
use crate::support::terminal::on_terminal;

/// A name that is allowed in a file and on a command line, and that a terminal or a window would show as another one.
const HIDDEN: &str = "wo\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}rk";
const SHOWN: &str = "wo\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}rk";

/// A session of which all that comes is looked at, but for what was typed.
struct Screen(OsSession);

impl Screen {
    /// Waits for a text, and looks at all that came before it.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let found = self.0.expect(text).unwrap();
        assert_text(found.as_bytes());
    }

    #[track_caller]
    fn types(&mut self, line: &str) {
        self.0.send_line(line).unwrap();
    }

    /// Types a line that is shown as it is typed, and passes over that.
    #[track_caller]
    fn types_raw(&mut self, line: &str, end_of_echo: &str) {
        self.types(line);
        self.0.expect(end_of_echo).unwrap();
    }

    #[track_caller]
    fn ends(mut self) {
        let rest = self.0.expect(Eof).unwrap();
        assert_text(rest.as_bytes());
    }
}

/// Nothing of it steers a terminal but what our own prompts do: the cursor, its line, and the colors of a QR code.
#[track_caller]
fn assert_text(bytes: &[u8]) {
    let text = str::from_utf8(bytes).unwrap();
    let mut rest = String::new();
    for (number, part) in text.split("\u{1b}[").enumerate() {
        let is_parameter = |c: char| c.is_ascii_digit() || c == ';' || c == '?';
        let behind = part.trim_start_matches(is_parameter);
        match behind.chars().next() {
            Some('A' | 'B' | 'G' | 'K' | 'h' | 'l' | 'm') if number > 0 => rest += &behind[1..],
            _ if number > 0 => panic!("{text:?}"),
            _ => rest += part,
        }
    }
    let rest = rest.replace('\r', "");
    assert!(
        !rest.contains(|c| is_nasty(c) || c == '\u{e0041}'),
        "{text:?}"
    );
}

fn typed(command: &str) -> String {
    format!("exec \"$0\" {command} -p '{HIDDEN}'")
}

#[test]
fn nothing_of_a_name_reaches_the_questions_of_setup() {
    let sts = stand_in(alice());
    let home = Home::new();
    let mut screen = Screen(on_terminal(&home, &sts, &typed("setup")));
    // A default that cannot be shown is none.
    screen.shows("Profile name to: ");
    screen.types("");
    screen.shows("error: type a profile name");
    screen.shows("Profile name to: ");
    screen.types("work");
    screen.shows("aws_access_key_id: ");
    screen.types(ALICE_ACCESS_KEY_ID);
    screen.shows("aws_secret_access_key (not shown): ");
    screen.types(ALICE_SECRET_ACCESS_KEY);
    screen.shows("Check the keys with AWS? [Y/n]: ");
    screen.types("n");
    screen.shows("MFA device (optional): ");
    // What is wrong with it is said in its own words.
    screen.types_raw(
        "arn:a\u{202e}ws:iam::123456789012:user/a\u{9b}31m\u{2066}b",
        "error: ",
    );
    screen.shows("often arn:a\u{fffd}ws:iam::123456789012:mfa/");
    screen.shows("MFA device (optional): ");
    screen.types(ALICE_DEVICE);
    screen.shows("next: mfa-creds --profile work");
    screen.ends();
    assert_eq!(home.credentials(), long_term("work"));

    let plain = long_term(HIDDEN).replace("-long-term", "");
    let home = Home::with(&plain);
    let mut screen = Screen(on_terminal(&home, &sts, "exec \"$0\" setup"));
    screen.shows("Profile name to [default]: ");
    screen.types(HIDDEN);
    screen.shows(&format!(
        "[{SHOWN}] contains long-term keys. Move them to [{SHOWN}-long-term]? [Y/n]: "
    ));
    screen.types("y");
    screen.shows(&format!("next: mfa-creds --profile '{SHOWN}'"));
    screen.ends();
    assert!(home.credentials().contains(&long_term(HIDDEN)));
}

#[test]
fn nothing_of_a_name_reaches_the_questions_of_rotate() {
    let sts = stand_in(alice());
    let home = Home::with(&long_term(HIDDEN));
    let mut screen = Screen(on_terminal(&home, &sts, &typed("rotate")));
    screen.shows(&format!("[{SHOWN}-long-term] now has it"));
    screen.shows(&format!("Delete access key {ALICE_ACCESS_KEY_ID}"));
    screen.types("n");
    screen.shows(&format!("`mfa-creds rotate -p '{SHOWN}' --yes` deletes it"));
    screen.ends();
}

#[test]
fn nothing_of_a_name_reaches_the_prompt_or_the_list_of_devices() {
    let second = format!("{ALICE_DEVICE}-tablet");
    let nasty = format!("{ALICE_DEVICE}\u{202e}\u{85}\u{9b}31m");
    let devices = alice()
        .device(Device::new(&nasty))
        .device(Device::new(ALICE_DEVICE))
        .device(Device::new(&second));
    let sts = stand_in(devices);
    let home = Home::with(&keys_only().replace("work", HIDDEN));
    let mut screen = Screen(on_terminal(&home, &sts, &typed("")));
    screen.shows("ignoring arn:");
    screen.shows("Which MFA device?");
    screen.shows(&format!("> {ALICE_DEVICE}"));
    screen.shows(&second);
    screen.types("");
    screen.shows(&format!("Write it to [{SHOWN}-long-term], so that"));
    screen.types("n");
    screen.shows(&format!("code for device [{ALICE_DEVICE}]"));
    let wrong = sts.code_at_step(ALICE_DEVICE, 500);
    screen.types(&wrong);
    screen.shows("AWS refused the code for device");
    screen.shows("Enter AWS MFA code for device");
    screen.0.send("\u{4}").unwrap();
    screen.ends();

    let mut screen = Screen(begin(&home, &sts, &typed("device resync")));
    screen.shows("Which MFA device?");
    screen.types("");
    screen.shows(FIRST);
    screen.types_raw("x\u{202e}", "error: ");
    screen.shows("a code is six digits");
    screen.shows(FIRST);
    screen.0.send("\u{4}").unwrap();
    screen.ends();
}

#[test]
fn nothing_of_a_name_reaches_the_terminal_of_an_enrollment() {
    let sts = stand_in(alice());
    let home = Home::with(&keys_only().replace("work", HIDDEN));
    let mut screen = Screen(begin(&home, &sts, &typed("device enroll")));
    screen.shows(FIRST);
    screen.0.send("\u{4}").unwrap();
    screen.ends();
    assert_eq!(sts.unassigned(), [""; 0]);

    let mut screen = Screen(begin(
        &home,
        &sts,
        &typed(&format!("device enroll --name '{HIDDEN}'")),
    ));
    screen.shows(&format!("`{SHOWN}` is not a valid device name"));
    screen.ends();
}

/// A name that would be a command of pinentry, markup, and an escape of zenity's, at once.
const EVIL: &str = "w%0ASETTITLE evil<b>&amp\\nx\u{202e}";

/// What the programs of a desk are told when a code is asked for again that was wrong.
fn asked_twice(desk: &Desk, answers: impl Fn(&str) -> Vec<&str>) -> String {
    let name = format!("{HIDDEN}{EVIL}");
    desk.home.write("credentials", &long_term(&name));
    let wrong = desk.sts.code_at_step(ALICE_DEVICE, 500);
    desk.answers(&answers(&wrong));
    fs::write(desk.path("status"), "0").unwrap();
    let outcome = desk
        .home
        .run_with(&desk.sts, &["-q", "-p", &name])
        .env("PATH", desk.path("bin").to_str().unwrap())
        .env("DISPLAY", ":77")
        .outcome();
    assert_ne!(outcome.status, Some(0), "{outcome:?}");
    let told = desk.told();
    assert!(told.contains("AWS refused the code"), "{told}");
    assert!(
        !told.contains(|c| is_nasty(c) || "<>&\\".contains(c)),
        "{told}"
    );
    told
}

#[test]
fn nothing_of_a_name_is_a_command_or_markup_of_a_window() {
    let told = asked_twice(&Desk::new(&[("pinentry", PINENTRY)]), |wrong| {
        vec![wrong, "ERR 83886179 Operation cancelled <Pinentry>"]
    });
    assert!(told.contains("%250ASETTITLE evil"), "{told}");
    let commands = [
        "OPTION",
        "SETTITLE",
        "SETDESC",
        "SETPROMPT",
        "SETTIMEOUT",
        "SETERROR",
        "GETPIN",
        "BYE",
    ];
    for line in told.lines() {
        assert!(
            commands.contains(&line.split(' ').next().unwrap()),
            "{line}"
        );
        assert!(!line.starts_with("SETTITLE evil"), "{told}");
    }
    for program in ["zenity", "kdialog"] {
        let told = asked_twice(&Desk::new(&[(program, DIALOG)]), |wrong| vec![wrong]);
        assert!(
            told.contains("SETTITLE evil\u{fffd}b\u{fffd}\u{fffd}amp\u{fffd}nx\u{fffd}"),
            "{told}"
        );
    }
}
