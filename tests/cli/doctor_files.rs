//! What `mfa-creds doctor` says of the files: whether they are there, whole and safe, and how they are written.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;

use crate::support::doctor::{healthy, home, says};
use crate::support::home::Home;
use crate::support::home::set_mode;
use crate::support::sections::{FAR, long_term, short_term};

const DOCTOR: [&str; 4] = ["doctor", "--offline", "-p", "work"];

#[test]
fn files_that_are_not_where_a_variable_says() {
    let home = home(&healthy(), "");
    says(
        home.run(&DOCTOR)
            .env("AWS_SHARED_CREDENTIALS_FILE", "~/nowhere"),
        "problem",
        "credentials file",
        "AWS_SHARED_CREDENTIALS_FILE names ~/nowhere, which does not exist",
        Some(
            "unset AWS_SHARED_CREDENTIALS_FILE, or run `mfa-creds setup --profile work` to create the file",
        ),
    );
    says(
        home.run(&DOCTOR).env("AWS_CONFIG_FILE", "~/nowhere"),
        "warning",
        "config file",
        "AWS_CONFIG_FILE names ~/nowhere, which does not exist",
        Some("unset AWS_CONFIG_FILE"),
    );
    says(
        home.run(&DOCTOR)
            .env("AWS_CONFIG_FILE", "~/.aws/credentials"),
        "ok",
        "config file",
        "~/.aws/credentials (AWS_CONFIG_FILE), 2 sections",
        None,
    );
}

#[test]
fn files_that_cannot_be_read() {
    let home = home("", "");
    fs::write(home.file("credentials"), b"[work]\nx = \xff\n").unwrap();
    says(
        home.run(&DOCTOR),
        "problem",
        "credentials file",
        "~/.aws/credentials:2 is not UTF-8 text",
        Some("save the file as UTF-8; the AWS tools cannot read it either"),
    );
    fs::remove_file(home.file("config")).unwrap();
    fs::create_dir(home.file("config")).unwrap();
    says(
        home.run(&DOCTOR),
        "problem",
        "config file",
        "~/.aws/config cannot be read: it is a directory",
        Some(
            "replace it with a regular file, or set AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE to one",
        ),
    );
}

#[cfg(unix)]
#[test]
fn symbolic_links() {
    let home = home(&healthy(), "");
    let file = home.file("credentials");
    fs::rename(&file, home.path().join("real")).unwrap();
    symlink("../real", &file).unwrap();
    let link =
        |level, message, fix| says(home.run(&DOCTOR), level, "credentials file", message, fix);
    link(
        "ok",
        "~/.aws/credentials, which resolves to ~/real, 2 sections",
        None,
    );
    fs::remove_file(home.path().join("real")).unwrap();
    link(
        "problem",
        "~/.aws/credentials is a symbolic link to ~/real, which does not exist",
        Some("create that file, or remove the link: rm ~/.aws/credentials"),
    );
    fs::remove_file(&file).unwrap();
    symlink("credentials", &file).unwrap();
    link(
        "problem",
        "~/.aws/credentials is a loop of symbolic links",
        Some("run `ls -l` to see where each link leads"),
    );
}

#[test]
fn lines_and_sections_that_aws_tools_refuse() {
    let refused = "AWS tools reject the file because of it";
    let write = format!("write it as `key = value`, or put `#` before it; {refused}");
    let some = "some AWS SDKs reject the file because of it";
    let twice = "the AWS SDKs use the last one, and the AWS CLI rejects the file";
    for (text, level, message, fix) in [
        ("x = y\n[a]\n", "problem", "1 is before the first section", format!("move it below a header like `[default]`; {refused}")),
        ("[a]\nnonsense\n", "problem", "2 has no `=`", write.clone()),
        ("[a]\n= x\n", "problem", "2 has no key before the `=`", write),
        ("[a\n", "problem", "1 is not a complete section header like `[name]`", format!("write it as `[name]`; {refused}")),
        ("[a]\ns3 =\n  x\n", "problem", "3 is not `key = value`, which must follow an empty value", format!("write it as `  key = value`; {refused}")),
        ("[a]\nx : y\n", "warning", "2 has `:` instead of `=`", format!("replace `:` with `=`; {some}")),
        ("[a]\n  x = y\n", "warning", "2 is indented", format!("move it to the left margin; {some}")),
        ("[a] x\n", "warning", "1 has text after the section header", format!("move what follows `]` to a line of its own; {some}")),
        ("[a]\n[b]\n[a]\n", "problem", "3 starts [a] again, after line 1", "merge the sections; the AWS SDKs use the last value of each key, and the AWS CLI rejects the file".to_owned()),
        ("[a]\nx = 1\nX = 2\n", "problem", "3 sets X in [a] again, after line 2", format!("remove one of the lines; {twice}")),
    ] {
        for (file, other) in [("credentials", "config"), ("config", "credentials")] {
            let home = Home::new();
            home.write(file, text);
            home.write(other, "");
            let message = format!("~/.aws/{file}:{message}");
            says(home.run(&DOCTOR), level, &format!("{file} file"), &message, Some(&fix));
        }
    }
    let many = format!("[a]\n{}", "x : y\n".repeat(12));
    says(
        home(&many, "").run(&DOCTOR),
        "warning",
        "credentials file",
        "~/.aws/credentials has 2 more lines like these",
        Some("fix those above, then run the command again"),
    );
}

/// A line that is told already is not told again as what is in the way of the profile.
#[test]
fn a_malformed_line_is_one_problem() {
    let outcome = home(&format!("{}nonsense\n", long_term("work")), "")
        .run(&DOCTOR)
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.ends_with(" 1 problem\n"), "{outcome:?}");
}

// Of access control lists of Windows, `tests/platforms` has the tests.
#[cfg(unix)]
#[test]
fn permissions() {
    let home = home(&healthy(), "[profile work]\nregion = eu-west-1\n");
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home.write(".mfa-creds/credentials.sessions", "");
    let (file, config, sessions) = ("credentials", "config", ".mfa-creds/credentials.sessions");
    for (name, bits, usual, level, message) in [
        (
            file,
            0o644,
            0o600,
            "warning",
            "~/.aws/credentials can be read by everybody, and contains secrets",
        ),
        (
            file,
            0o640,
            0o600,
            "warning",
            "~/.aws/credentials can be read by its group, and contains secrets",
        ),
        (
            file,
            0o620,
            0o600,
            "warning",
            "~/.aws/credentials can be changed by its group",
        ),
        (
            file,
            0o666,
            0o600,
            "problem",
            "~/.aws/credentials can be changed by everybody",
        ),
        (
            config,
            0o666,
            0o600,
            "problem",
            "~/.aws/config can be changed by everybody",
        ),
        (
            sessions,
            0o604,
            0o600,
            "warning",
            "~/.aws/.mfa-creds/credentials.sessions can be read by everybody, and contains secrets",
        ),
        (
            "",
            0o777,
            0o700,
            "problem",
            "~/.aws can be changed by everybody",
        ),
        (
            "",
            0o770,
            0o700,
            "warning",
            "~/.aws can be changed by its group",
        ),
        (
            ".mfa-creds",
            0o777,
            0o700,
            "problem",
            "~/.aws/.mfa-creds can be changed by everybody",
        ),
    ] {
        set_mode(&home.file(".mfa-creds"), 0o700);
        set_mode(&home.file(name), bits);
        let path = message
            .split_whitespace()
            .find(|word| word.starts_with("~/"))
            .unwrap();
        let fix = format!("chmod {usual:o} {path}");
        says(home.run(&DOCTOR), level, "permissions", message, Some(&fix));
        set_mode(&home.file(name), usual);
    }
    // Without secrets in it, everybody may read it.
    set_mode(&home.file(config), 0o644);
    let right = "no other user can read secrets or change files";
    says(home.run(&DOCTOR), "ok", "permissions", right, None);
    home.write(
        config,
        "[profile work]\naws_secret_access_key = FakeSecret\n",
    );
    set_mode(&home.file(config), 0o644);
    says(
        home.run(&DOCTOR),
        "warning",
        "permissions",
        "~/.aws/config can be read by everybody, and contains secrets",
        Some("chmod 600 ~/.aws/config"),
    );
}

#[test]
fn writing() {
    let home = home(&healthy(), "");
    let file = home.file("credentials");
    set_mode(&file, 0o400);
    says(
        home.run(&DOCTOR),
        "problem",
        "writes",
        "~/.aws/credentials is read-only",
        Some("make it writable: chmod u+w ~/.aws/credentials"),
    );
    set_mode(&file, 0o600);
    fs::hard_link(&file, home.file("other")).unwrap();
    says(
        home.run(&DOCTOR),
        "ok",
        "writes",
        "in place, with a backup: it has hard links",
        None,
    );
    fs::remove_file(home.file("other")).unwrap();
    fs::write(home.path().join("no-directory"), "").unwrap();
    says(
        home.run(&DOCTOR)
            .env("AWS_SHARED_CREDENTIALS_FILE", "~/no-directory/credentials"),
        "problem",
        "writes",
        "~/no-directory/credentials cannot be written: not a directory",
        None,
    );
}

#[test]
fn writes_that_were_interrupted() {
    let home = home(&healthy(), "");
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home.write(".mfa-creds/credentials.kept", "");
    says(
        home.run(&DOCTOR),
        "warning",
        "writes",
        "~/.aws/credentials was changed after an interrupted write; its old content is in \
         ~/.aws/.mfa-creds/credentials.kept",
        Some("copy what is missing from it, then: rm ~/.aws/.mfa-creds/credentials.kept"),
    );
    home.write(".credentials.mfa-creds-new", "");
    says(
        home.run(&DOCTOR),
        "warning",
        "writes",
        "a write of ~/.aws/credentials was interrupted or is under way, and left temporary files",
        Some("run `mfa-creds`: its next write removes them"),
    );
    home.write(".mfa-creds/credentials.in-place-old", "");
    says(
        home.run(&DOCTOR),
        "problem",
        "writes",
        "a write of ~/.aws/credentials was interrupted or is under way: the file may be half written",
        Some("run `mfa-creds` with any profile to finish it"),
    );
}

#[test]
fn a_spoiled_file_of_sessions() {
    let home = home(&healthy(), "");
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    let twice = short_term("profile a", FAR).repeat(2);
    home.write(".mfa-creds/credentials.sessions", &twice);
    let fix = "rm ~/.aws/.mfa-creds/credentials.sessions, and type a new code for each device";
    let says = |message| {
        says(
            home.run(&DOCTOR),
            "warning",
            "MFA session",
            message,
            Some(fix),
        );
    };
    says("~/.aws/.mfa-creds/credentials.sessions is ambiguous, and is ignored");
    fs::write(home.file(".mfa-creds/credentials.sessions"), b"\xff").unwrap();
    says("~/.aws/.mfa-creds/credentials.sessions:1 is not UTF-8 text");
}
