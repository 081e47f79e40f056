//! `help`: the list, the guides, the help of a command, the pager, and the manual pages.

#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;

#[cfg(unix)]
use expectrl::{Eof, Expect as _};
#[cfg(unix)]
use stand_in::{Account, StandIn};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::terminal::on_terminal;

fn help(arguments: &[&str]) -> String {
    let outcome = Home::new().run(&[&["help"], arguments].concat()).outcome();
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), ""),
        "{arguments:?}"
    );
    outcome.stdout
}

#[test]
fn a_guide_is_shown_as_plain_text_in_a_pipe() {
    let guide = help(&["roles"]);
    assert!(
        guide.starts_with("Assume roles with one code\n==========================\n\n"),
        "{guide}"
    );
    // Links name the command that shows the guide, and code is as it can be pasted.
    let first_steps = help(&["first-steps"])
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        first_steps.contains("a password manager: see `mfa-creds help keys`."),
        "{first_steps}"
    );
    let long = "`mfa-creds export -p work --format powershell | Out-String | Invoke-Expression`\n";
    assert!(help(&["shells"]).contains(long), "it is on one line");
    assert!(
        guide.contains("\n    [profile admin]\n    role_arn = "),
        "{guide}"
    );
    assert!(!guide.contains('\u{1b}'));
    let is_text = |line: &&str| !line.starts_with("    ");
    let widest = guide
        .lines()
        .filter(is_text)
        .map(|line| line.chars().count())
        .max();
    assert!(widest.unwrap() <= 80, "{widest:?}");
}

#[test]
fn the_help_of_a_command_is_that_of_the_command() {
    let home = Home::new();
    for command in [&["exec"][..], &["device", "list"], &["policy"]] {
        let own = home.run(&[command, &["--help"]].concat()).outcome().stdout;
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&help(command)), words(&own));
    }
}

#[test]
fn an_unknown_topic_names_the_nearest() {
    let home = Home::new();
    for (typed, hint) in [
        (&["rols"][..], "did you mean `mfa-creds help roles`?"),
        (&["exce"], "did you mean `mfa-creds help exec`?"),
        (
            &["device", "lst"],
            "did you mean `mfa-creds help device list`?",
        ),
        (
            &["elephants"],
            "run `mfa-creds help` to list the guides and commands",
        ),
        (
            &["roles", "more"],
            "run `mfa-creds help` to list the guides and commands",
        ),
    ] {
        let typed_name = typed.join(" ");
        home.run(&[&["help"], typed].concat()).ends(
            2,
            &format!("error: there is no guide or command `{typed_name}`\nhint: {hint}\n"),
        );
    }
}

/// What a terminal shows, with this in the environment.
#[cfg(unix)]
fn on_screen(environment: &str, arguments: &str) -> String {
    let home = Home::new();
    let pager = home.path().join("pager");
    fs::write(&pager, "#!/bin/sh\necho PAGER $LESS; cat\n").unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o700)).unwrap();
    let sts = StandIn::start(Account::example());
    let script = format!(
        "stty rows 24 cols 80; unset NO_COLOR; export {environment}; exec \"$0\" {arguments}"
    );
    let mut session = on_terminal(&home, &sts, &script);
    let screen = session.expect(Eof).unwrap();
    String::from_utf8_lossy(screen.as_bytes()).replace("\r\n", "\n")
}

#[cfg(unix)]
#[test]
fn the_list_fits_a_terminal_of_80_columns() {
    let shown = on_screen("PAGER=cat", "help");
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 80, "{shown}");
}

#[cfg(unix)]
#[test]
fn a_pager_shows_what_does_not_fit_the_screen() {
    let title = "\u{1b}[1mAssume roles with one code\u{1b}[0m\n";
    let paged = on_screen("PAGER=./pager", "help roles");
    assert!(
        paged.contains("PAGER FRX\n") && paged.contains(title),
        "{paged}"
    );
    // less shows colors whatever else it is told.
    let paged = on_screen("PAGER=./pager LESS=-X", "help roles");
    assert!(paged.contains("PAGER -R -X\n"), "{paged}");
    for environment in ["PAGER=cat", "PAGER=", "PAGER=./no-such-program"] {
        let shown = on_screen(environment, "help roles");
        assert!(
            !shown.contains("PAGER") && shown.contains(title),
            "{environment}: {shown}"
        );
    }
    // A program that reads gets no pager.
    let piped = on_screen("PAGER=./pager", "help roles | cat");
    assert!(
        !piped.contains("PAGER") && !piped.contains('\u{1b}'),
        "{piped}"
    );
    let plain = on_screen("PAGER=./pager NO_COLOR=1", "help roles");
    assert!(
        plain.contains("PAGER FRX\n") && !plain.contains('\u{1b}'),
        "{plain}"
    );
    let dumb = on_screen("PAGER=./pager TERM=dumb", "help roles");
    assert!(
        !dumb.contains("PAGER") && !dumb.contains('\u{1b}'),
        "{dumb}"
    );
}

#[test]
fn each_guide_is_a_manual_page() {
    let home = Home::new();
    let list = help(&[]);
    let (_, guides) = list.split_once("Guides, as in").unwrap();
    let names: Vec<&str> = guides
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        // A long title goes on in the next line.
        .filter(|name| !name.is_empty())
        .collect();
    assert!(names.len() > 15, "{names:?}");
    let main = home.run(&["man"]).outcome().stdout;
    for name in names {
        let page = home.run(&["man", name]).outcome().stdout;
        assert!(
            page.contains(&format!("\n.TH mfa-creds-{name} 7 \" \" \"mfa-creds ")),
            "{page}"
        );
        assert!(page.contains("\n.nh\n.ad l\n"), "words stay whole: {page}");
        assert!(
            main.contains(&format!("mfa\\-creds\\-{}(7)", name.replace('-', "\\-"))),
            "{name}"
        );
    }
    for section in [
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ] {
        let count = main.lines().filter(|line| {
            line.trim_matches('"') == format!(".SH {section}")
                || *line == format!(".SH \"{section}\"")
        });
        assert_eq!(count.count(), 1, "{section}: {main}");
    }
    let exec = home.run(&["man", "exec"]).outcome().stdout;
    assert!(exec.contains(".SH \"EXIT STATUS\"\n"), "{exec}");
}
