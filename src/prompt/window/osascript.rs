//! The window of macOS: `osascript` shows a dialog of `AppleScript`.

use std::process::Command;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Answer, TITLE};

#[cfg(target_os = "macos")]
pub(super) const PROGRAM: &str = "/usr/bin/osascript";

/// Texts are arguments of the script, and never part of it.
const SCRIPT: &str = r#"on run argv
set dialogTitle to item 1 of argv
set dialogText to item 2 of argv
set timeLimit to (item 3 of argv) as integer
activate
with timeout of (timeLimit + 60) seconds
set reply to display dialog dialogText with title dialogTitle default answer "" buttons {"Cancel", "OK"} default button "OK" cancel button "Cancel" giving up after timeLimit
end timeout
if gave up of reply then return "gave up"
return "typed:" & text returned of reply
end run"#;
/// What the script prints before what was typed.
const TYPED: &str = "typed:";
/// What it prints after the time limit.
const GAVE_UP: &str = "gave up";
/// `AppleScript`'s number for "User canceled."
const CANCELLED: &str = "(-128)";

/// The command that asks.
pub(super) fn command(program: &str, text: &str, limit: Duration) -> Command {
    let mut command = Command::new(program);
    let seconds = limit.as_secs().to_string();
    // After the first one, none of them is an option.
    command.args(["-e", SCRIPT, TITLE, text, &seconds]);
    command
}

/// What it answers.
pub(super) fn answer(status: Option<i32>, output: &[u8], errors: &[u8]) -> Answer {
    let output = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
    match (status, output.strip_prefix(TYPED)) {
        (Some(0), Some(typed)) => Answer::Text(Zeroizing::new(typed.trim().to_owned())),
        (Some(0), None) if output.trim() == GAVE_UP => Answer::TimedOut,
        (Some(1), None) if String::from_utf8_lossy(errors).contains(CANCELLED) => Answer::Cancelled,
        // For example over SSH, where there is no desktop.
        _ => Answer::NoWindow,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[cfg(unix)]
    use super::Command;
    use super::{Answer, SCRIPT, answer, command};

    #[test]
    fn texts_are_arguments_and_not_part_of_the_script() {
        let text = "\" & (do shell script \"id\") & \"";
        let command = command("/usr/bin/osascript", text, Duration::from_secs(7));
        assert_eq!(command.get_program(), "/usr/bin/osascript");
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["-e", SCRIPT, "mfa-creds", text, "7"]);
    }

    #[test]
    fn each_outcome_is_known() {
        let cancelled = "53:184: execution error: User canceled. (-128)\n";
        let no_desktop = "0:0: execution error: No user interaction allowed. (-1713)\n";
        for (status, output, errors, expected) in [
            (
                Some(0),
                "typed:123456\n",
                "",
                Answer::Text("123456".to_owned().into()),
            ),
            (Some(0), "typed:\n", "", Answer::Text(String::new().into())),
            (
                Some(0),
                "typed:gave up\n",
                "",
                Answer::Text("gave up".to_owned().into()),
            ),
            (Some(0), "gave up\n", "", Answer::TimedOut),
            (Some(1), "", cancelled, Answer::Cancelled),
            (Some(1), "", no_desktop, Answer::NoWindow),
            (Some(0), "", "", Answer::NoWindow),
            (None, "", "", Answer::NoWindow),
        ] {
            assert_eq!(
                answer(status, output.as_bytes(), errors.as_bytes()),
                expected
            );
        }
    }

    /// Whether `AppleScript` understands the script, only macOS knows. This shows what it gets, and that no code is among it.
    #[cfg(unix)]
    #[test]
    fn a_program_gets_the_texts_as_they_are_and_no_code() {
        let fake = "shift; printf '%s\\n' \"$@\" >&2; echo typed:123456";
        let asked = command(
            "osascript",
            "it's <b>\n\"two\" lines",
            Duration::from_mins(2),
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", fake, "osascript"]).args(asked.get_args());
        let output = shell.output().unwrap();
        let told = String::from_utf8(output.stderr.clone()).unwrap();
        let told = told.strip_prefix(SCRIPT).unwrap();
        assert_eq!(told, "\nmfa-creds\nit's <b>\n\"two\" lines\n120\n");
        assert_eq!(
            answer(output.status.code(), &output.stdout, &output.stderr),
            Answer::Text("123456".to_owned().into())
        );
    }
}
