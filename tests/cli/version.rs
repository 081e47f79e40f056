//! What `--version` says. `tests/shipping` builds it where there is no git, or another one.

use std::path::Path;
use std::process::Command;

use crate::support::home::Home;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that the tests are run in, as git tells it, if it does.
fn commit() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .current_dir(root)
        .args(["show", "--no-patch", "--abbrev=40", "--date=short"])
        .arg("--format=%h %cd")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let (hash, date) = text.trim().split_once(' ')?;
    Some(format!("{} {date}", &hash[..9]))
}

#[test]
fn the_version_names_the_commit_and_its_date() {
    let home = Home::new();
    let expected = match commit() {
        Some(commit) => format!("mfa-creds {VERSION} ({commit})\n"),
        None => format!("mfa-creds {VERSION}\n"),
    };
    for flag in ["--version", "-V"] {
        let outcome = home.run(&[flag]).outcome();
        assert_eq!(
            (outcome.status, &*outcome.stdout, &*outcome.stderr),
            (Some(0), &*expected, "")
        );
    }
}

#[test]
fn the_manual_page_and_the_completions_are_the_same_for_all_commits() {
    let home = Home::new();
    let page = home.run(&["man"]).outcome().stdout;
    let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
    assert_eq!(title, format!(".TH mfa-creds 1  \"mfa-creds {VERSION}\" "));
    let hash = commit().map(|commit| commit[..9].to_owned());
    for arguments in [
        &["man"][..],
        &["man", "exec"],
        &["completions", "bash"],
        &["completions", "zsh"],
    ] {
        let stdout = home.run(arguments).outcome().stdout;
        assert!(!stdout.is_empty(), "{arguments:?}");
        if let Some(hash) = &hash {
            assert!(!stdout.contains(hash), "{arguments:?} names a commit");
        }
    }
}
