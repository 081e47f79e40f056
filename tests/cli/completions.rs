//! What shells complete: commands, flags, values, and the names of the profiles. The real-server script presses the key in
//! the real shells.

use crate::support::home::Home;
use crate::support::roles::{ADMIN, role};
use crate::support::sections::long_term;

const COMMANDS: [&str; 15] = [
    "setup",
    "plan",
    "export",
    "exec",
    "serve",
    "console",
    "status",
    "doctor",
    "clear",
    "rotate",
    "audit",
    "policy",
    "completions",
    "man",
    "help",
];

fn home() -> Home {
    let home = Home::with(&format!("{}{}", long_term("work"), long_term("two words")));
    home.write(
        "config",
        &role("admin", ADMIN, "").replace("personal", "work"),
    );
    home
}

/// What fish is answered for a command line.
fn answers(home: &Home, words: &[&str]) -> Vec<String> {
    let arguments = [&["--", "mfa-creds"], words].concat();
    let outcome = home
        .run(&arguments)
        .env("_MFA_CREDS_COMPLETE", "fish")
        .outcome();
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (Some(0), ""),
        "{outcome:?}"
    );
    let lines = outcome.stdout.lines();
    lines
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[test]
fn profiles_are_completed_from_the_files() {
    let home = home();
    for words in [
        &["-p", ""][..],
        &["--profile", ""],
        &["-p", "work", "-p", ""],
        &["plan", "-p", ""],
        &["export", "-p", ""],
        &["exec", "--profile", ""],
        &["status", "-p", ""],
        &["doctor", "-p", ""],
        &["clear", "-p", ""],
        &["setup", "-p", ""],
        &["device", "list", "-p", ""],
        &["keychain", "move", "-p", ""],
    ] {
        assert_eq!(
            answers(&home, words),
            ["work", "two words", "admin"],
            "{words:?}"
        );
    }
    assert_eq!(answers(&home, &["export", "-p", "w"]), ["work"]);
    assert_eq!(answers(&Home::new(), &["-p", ""]), [""; 0]);
}

/// It puts what it is given on the command line as it is.
#[test]
fn names_are_quoted_for_bash() {
    let arguments = ["--", "mfa-creds", "-p", "tw"];
    let outcome = home()
        .run(&arguments)
        .env("_MFA_CREDS_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2")
        .env("_CLAP_IFS", "\n")
        .outcome();
    assert_eq!(outcome.stdout, "two\\ words", "{outcome:?}");
}

#[test]
fn commands_flags_and_values_are_completed() {
    let home = home();
    assert_eq!(answers(&home, &["ex"]), ["export", "exec"]);
    assert_eq!(
        answers(&home, &["export", "--format", "p"]),
        ["powershell", "process"]
    );
    assert_eq!(answers(&home, &["status", "--ch"]), ["--check"]);
    assert_eq!(
        answers(&home, &["completions", ""]),
        ["bash", "zsh", "fish", "powershell", "elvish", "--help"]
    );
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = home().run(&["completions", shell]).outcome();
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (Some(0), ""),
            "{outcome:?}"
        );
        assert!(
            outcome.stdout.contains("_MFA_CREDS_COMPLETE"),
            "{outcome:?}"
        );
    }
    assert_eq!(
        home().run(&["completions", "csh"]).outcome().status,
        Some(2)
    );
}

#[test]
fn each_command_says_what_it_does_in_both_places() {
    let home = home();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = words(&home.run(&["--help"]).outcome().stdout);
    for command in COMMANDS {
        let help = home.run(&[command, "--help"]).outcome().stdout;
        let what = words(help.split("\n\n").next().unwrap());
        assert!(all.contains(&format!(" {command} {what} ")), "{what}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let home = home();
    let outcome = home.run(&["man"]).outcome();
    assert!(outcome.stdout.contains(".TH mfa-creds 1"), "{outcome:?}");
    let nested = [
        "device",
        "device-list",
        "device-enroll",
        "device-resync",
        "keychain",
        "keychain-move",
        "keychain-restore",
        "keychain-get",
    ];
    let known = [&COMMANDS[..], &nested].concat();
    let mut named = Vec::new();
    for command in &known {
        let page = home.run(&["man", command]).outcome().stdout;
        assert!(
            page.contains(&format!(".TH mfa-creds-{command} 1")),
            "{page}"
        );
        named.extend(referred(&page));
    }
    named.extend(referred(&outcome.stdout));
    named.retain(|name| !known.contains(&&**name));
    assert_eq!(named, [""; 0], "these are referred to");
    assert_eq!(home.run(&["man", "nosuch"]).outcome().status, Some(2));
}

#[test]
fn each_flag_in_a_manual_page_is_described() {
    let home = home();
    for arguments in [&["man"][..], &["man", "exec"], &["man", "device-enroll"]] {
        let page = home.run(arguments).outcome().stdout;
        let lines: Vec<&str> = page.lines().collect();
        let flags = || lines.windows(3).filter(|lines| lines[0] == ".TP");
        assert!(flags().count() > 4, "{page}");
        let bare = flags().find(|lines| lines[2].is_empty());
        assert_eq!(bare, None, "{arguments:?}");
    }
}

/// The commands whose pages a manual page refers to.
fn referred(page: &str) -> Vec<String> {
    let lines = page.lines().filter_map(|line| {
        let name = line.strip_prefix("mfa\\-creds\\-")?.strip_suffix("(1)")?;
        Some(name.replace('\\', ""))
    });
    lines.collect()
}

#[test]
fn help_completes_commands_and_guides() {
    let found = answers(&home(), &["help", ""]);
    for name in ["exec", "device", "roles", "from-aws-mfa"] {
        assert!(found.iter().any(|found| found == name), "{found:?}");
    }
    let found = answers(&home(), &["help", "dev"]);
    assert_eq!(found, ["device", "devices"]);
    let found = answers(&home(), &["help", "device", ""]);
    assert_eq!(found, ["list", "enroll", "resync"]);
}
