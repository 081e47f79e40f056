//! The same test on every system: what is typed differently on Windows, and said differently by it.

use std::path::Path;

/// Where the system's programs are.
pub const PATH: &str = here("/usr/bin:/bin", r"C:\Windows\System32");

/// What is written in one way for a POSIX shell, and in another for `cmd.exe`.
pub const fn here<'t>(on_unix: &'t str, on_windows: &'t str) -> &'t str {
    if cfg!(windows) { on_windows } else { on_unix }
}

/// A line for a shell with words in single quotes, as it is written for the shells of this system.
pub fn typed(line: &str) -> String {
    if !cfg!(windows) {
        return line.to_owned();
    }
    let mut typed = String::new();
    let mut rest = line;
    while let Some((before, from)) = rest.split_once('\'') {
        let mut word = String::new();
        let mut quoted = from;
        loop {
            let (part, behind) = quoted.split_once('\'').unwrap();
            word.push_str(part);
            let Some(more) = behind.strip_prefix(r"\''") else {
                rest = behind;
                break;
            };
            quoted = more;
            word.push('\'');
        }
        typed.push_str(before);
        typed.push_str(&quoted_on_windows(&word));
    }
    typed + rest
}

/// A word that PowerShell takes for what it is, and cmd.exe, too, where there is a way for both.
fn quoted_on_windows(word: &str) -> String {
    if word.contains(['"', '$', '`', '%']) {
        format!("'{}'", word.replace('\'', "''"))
    } else {
        format!("\"{word}\"")
    }
}

/// The words of a command that does on this system what one of these does on Unix: nothing; print its words, or its environment.
pub fn command(words: &[&str]) -> Vec<String> {
    let on_windows = |word: &str| match word {
        "true" => &["cmd", "/c", "exit"][..],
        "echo" => &["cmd", "/c", "echo"],
        "env" | "/usr/bin/env" => &["cmd", "/c", "set"],
        _ => &[],
    };
    let is_run = words.contains(&"exec") && cfg!(windows);
    words
        .iter()
        .flat_map(|word| match on_windows(word) {
            other if is_run && !other.is_empty() => other.to_vec(),
            _ => vec![*word],
        })
        .map(str::to_owned)
        .collect()
}

/// A command for `credential_process` or `mfa_process` that prints this text, in which there is no apostrophe.
pub fn printing(text: &str) -> String {
    if cfg!(windows) {
        format!("echo {text}")
    } else {
        format!("echo '{text}'")
    }
}

/// A command for `credential_process` or `mfa_process` that prints a file.
pub fn printing_file(path: &Path) -> String {
    let program = if cfg!(windows) { "type" } else { "cat" };
    typed(&format!("{program} '{}'", path.display()))
}

/// Messages of the system in the words of Unix, and lines that end as on Unix.
pub fn as_on_unix(text: &str) -> String {
    #[cfg(windows)]
    {
        let text = text.replace("\r\n", "\n");
        // Where a program takes long to start, the wait is shown, and a machine may be slow.
        let is_wait = |line: &&str| {
            line.starts_with("waiting for the command from ") || *line == "waiting for AWS STS\n"
        };
        let text: String = text
            .split_inclusive('\n')
            .filter(|line| !is_wait(line))
            .collect();
        // No test may open a window by chance.
        let text = text.replace(
            "prompt: at the terminal (MFA_CREDS_PROMPT)",
            "prompt: at the terminal, or in a window (default)",
        );
        // The home directory in a fix of `doctor`, which only PowerShell can be given.
        let text = text.replace("$Env:USERPROFILE", "~");
        // The standard library's own words.
        let text = text.replace("program not found", "no such file or directory");
        // <https://learn.microsoft.com/windows/win32/debug/system-error-codes>
        let errors = [
            (2, "no such file or directory"),
            (3, "no such file or directory"),
            (5, "permission denied"),
        ];
        let text = errors.into_iter().fold(text, |text, (number, words)| {
            let error = std::io::Error::from_raw_os_error(number).to_string();
            let said = error.split(" (os error").next().unwrap_or_default();
            text.replace(said.to_lowercase().trim_end_matches('.'), words)
        });
        commands_as_on_unix(text)
    }
    #[cfg(not(windows))]
    text.to_owned()
}

/// The commands that hints name, as they are named on Unix. What they are on Windows, `windows_hints` shows.
#[cfg(windows)]
fn commands_as_on_unix(mut text: String) -> String {
    // `unset A and B (cmd.exe: …, PowerShell: …)`
    while let Some((before, rest)) = text.split_once(" (cmd.exe: `") {
        let (_, after) = rest.split_once("`)").unwrap();
        let (start, names) = before.rsplit_once("unset ").unwrap();
        text = format!("{start}unset {}{after}", names.replace(" and ", " "));
    }
    for (on_windows, on_unix) in [
        ("remove it: cmd /c rmdir /s /q ", "remove it: rm -r "),
        ("remove it: del ", "remove it: rm -r "),
        (": del ", ": rm "),
        ("attrib -R ", "chmod u+w "),
        (": mkdir ", ": mkdir -p "),
        ("`dir`", "`ls -l`"),
        ("`dir ", "`ls -la "),
        ("`icacls`", "`ls -ld`"),
        ("`taskkill /f /pid ", "`kill "),
        (
            "check this machine's clock and time zone",
            "check this machine's clock with `date -u`",
        ),
        (
            "`w32tm /resync` as administrator",
            "`sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL",
        ),
    ] {
        text = text.replace(on_windows, on_unix);
    }
    text
}
