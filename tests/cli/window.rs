//! The graphical prompt, by scripts that speak as pinentry, zenity and kdialog do. The real ones are tried by tests/real.

use std::fs;

use expectrl::Expect as _;
use stand_in::ALICE_DEVICE;

use crate::support::dialogs::{DIALOG, Desk, PINENTRY};
use crate::support::spawning::spawning;
use crate::support::terminal::{PROMPT, exited, kill, on_terminal, type_code};

#[test]
fn asks_by_pinentry_where_there_is_no_terminal() {
    let desk = Desk::new(&[("pinentry", PINENTRY)]);
    desk.answers(&[&desk.sts.fresh_code(ALICE_DEVICE)]);
    desk.run(&[]).ends(0, "");
    let told = desk.told();
    assert!(
        told.contains(&format!("SETDESC {}\n", PROMPT.trim_end_matches(':'))),
        "{told}"
    );
    assert!(told.contains("SETTIMEOUT 120\n"), "{told}");
    assert!(!told.contains("SETERROR"), "{told}");
    // A pinentry for terminals must not take one that is not ours.
    assert!(told.contains("OPTION ttyname=/dev/null/none\n"), "{told}");
}

#[test]
fn says_in_the_window_what_was_wrong() {
    let desk = Desk::new(&[("pinentry", PINENTRY)]);
    let wrong = desk.sts.code_at_step(ALICE_DEVICE, 500);
    let right = desk.sts.fresh_code(ALICE_DEVICE);
    desk.answers(&["12345", &wrong, &wrong, &right]);
    desk.run(&[]).ends(0, "");
    let told = desk.told();
    let errors: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("SETERROR "))
        .collect();
    assert_eq!(errors.len(), 3, "{told}");
    assert_eq!(errors[0], "a code is six digits");
    assert!(
        errors[1].starts_with("AWS refused the code for device"),
        "{told}"
    );
    assert!(
        errors[2].starts_with("this code was already refused"),
        "{told}"
    );
    assert_eq!(desk.sts.calls(), 2);
}

#[test]
fn a_window_that_is_closed_or_left_alone_is_a_person_who_is_not_there() {
    let desk = Desk::new(&[("pinentry", PINENTRY)]);
    desk.answers(&["ERR 83886179 Operation cancelled <Pinentry>"]);
    desk.run(&[]).ends(
        3,
        "error: nothing was typed\nhint: run the command again, and answer the prompt\n",
    );
    desk.answers(&["ERR 83886142 Timeout <Pinentry>"]);
    desk.run(&["--prompt-timeout", "7"]).ends(
        3,
        "error: nobody answered within 7 s\n\
         hint: run the command again; --prompt-timeout 10m gives more time\n",
    );
    assert!(desk.told().contains("SETTIMEOUT 7\n"));
    assert_eq!(desk.sts.calls(), 0);
}

#[test]
fn a_pinentry_that_cannot_open_a_window_is_passed_over() {
    let broken = "#!/bin/sh\nexit 1\n";
    let desk = Desk::new(&[("pinentry", broken), ("pinentry-qt", PINENTRY)]);
    desk.answers(&[&desk.sts.fresh_code(ALICE_DEVICE)]);
    desk.run(&[]).ends(0, "");
}

#[test]
fn asks_by_zenity_or_kdialog_where_there_is_no_pinentry() {
    for program in ["zenity", "kdialog"] {
        let desk = Desk::new(&[(program, DIALOG)]);
        let code = desk.sts.fresh_code(ALICE_DEVICE);
        for (status, codes, end, message) in [
            (
                "1",
                "",
                3,
                "error: nothing was typed\nhint: run the command again, and answer the prompt\n",
            ),
            ("0", &*code, 0, ""),
        ] {
            desk.answers(&[codes]);
            fs::write(desk.path("status"), status).unwrap();
            desk.run(&[]).ends(end, message);
        }
        let told = desk.told();
        assert!(told.contains("Enter AWS MFA code for device"), "{told}");
        assert!(!told.contains(&code), "{told}");
    }
}

#[test]
fn a_program_that_hangs_does_not_hang_us() {
    // It may be ended by nobody but itself: that is after the test.
    let desk = Desk::new(&[("kdialog", "#!/bin/sh\nread -r line </dev/zero\n")]);
    desk.run(&["--prompt-timeout", "1"]).ends(
        3,
        "error: nobody answered within 1 s\n\
         hint: run the command again; --prompt-timeout 10m gives more time\n",
    );
}

#[test]
fn where_nothing_can_ask_it_says_what_to_install() {
    let desk = Desk::new(&[]);
    desk.run(&[]).ends(
        3,
        "error: an MFA code is needed, and no program can ask for it in a window\n\
         hint: install pinentry-gnome3, pinentry-qt, zenity, or kdialog, or run the command once in a terminal\n",
    );
    let hint = "hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n";
    for (run, why) in [
        (
            desk.run(&["--prompt", "gui"]).without_env("DISPLAY"),
            "there is no display for a window",
        ),
        (
            desk.run(&["--prompt", "terminal"]),
            "there is no terminal to ask for it",
        ),
        (
            desk.run(&["--prompt", "none"]),
            "--prompt none forbids asking",
        ),
        (
            desk.run(&[]).env("MFA_CREDS_PROMPT", "none"),
            "MFA_CREDS_PROMPT forbids asking",
        ),
    ] {
        run.ends(
            3,
            &format!("error: an MFA code is needed, and {why}\n{hint}"),
        );
    }
    desk.run(&[]).env("MFA_CREDS_PROMPT", "loud").ends(
        1,
        "error: `loud` (MFA_CREDS_PROMPT) is not a kind of prompt\n\
         hint: use auto, terminal, gui, or none\n",
    );
}

#[test]
fn the_terminal_comes_first_and_a_window_where_it_is_wanted() {
    let desk = Desk::new(&[("pinentry", PINENTRY)]);
    let path = desk.path("bin");
    let script = |flags: &str| {
        format!(
            "export DISPLAY=:77 PATH={}; exec \"$0\" -p work --force {flags}",
            path.display()
        )
    };
    let mut run = on_terminal(&desk.home, &desk.sts, &script(""));
    type_code(&mut run, desk.sts.fresh_code(ALICE_DEVICE));
    assert_eq!(exited(run), 0);
    assert_eq!(desk.told(), "");

    desk.answers(&[&desk.sts.fresh_code(ALICE_DEVICE)]);
    let mut run = on_terminal(&desk.home, &desk.sts, &script("--prompt gui"));
    run.expect("[work] is valid until").unwrap();
    assert_eq!(exited(run), 0);
    assert!(desk.told().contains("GETPIN"));
}

#[test]
fn a_program_that_answers_by_itself_does_not_do_so_for_ever() {
    let desk = Desk::new(&[("zenity", DIALOG)]);
    desk.answers(&["no code"]);
    fs::write(desk.path("status"), "0").unwrap();
    desk.run(&[]).ends(
        3,
        "error: none of 20 answers was a new six-digit code\n\
         hint: run the command again, and type the code that the device shows now\n",
    );
}

#[test]
fn a_display_that_is_not_there_is_no_person_who_said_no() {
    let broken =
        "#!/bin/sh\necho '(zenity:1): Gtk-WARNING **: cannot open display: :77' >&2\nexit 1\n";
    let desk = Desk::new(&[("zenity", broken), ("kdialog", DIALOG)]);
    desk.answers(&[&desk.sts.fresh_code(ALICE_DEVICE)]);
    fs::write(desk.path("status"), "0").unwrap();
    desk.run(&[]).ends(0, "");
}

#[test]
fn a_window_does_not_outlive_the_process() {
    let waiting = "#!/bin/sh\necho $$ >\"$HOME/window\"\nexec sleep 60\n";
    let desk = Desk::new(&[("kdialog", waiting)]);
    let path = desk.path("bin");
    // Of a shell that lives on: what a leader of a session leaves behind, the system would end.
    let script = format!(
        "trap : HUP TERM; export DISPLAY=:77 PATH={}:/usr/bin:/bin; \
         sh -c 'sleep 62 & echo $! >inherited; echo $$ >pid; exec \"$0\" -p work --prompt gui' \"$0\"; \
         echo \"status $?\"; read -r line",
        path.display()
    );
    let mut run = on_terminal(&desk.home, &desk.sts, &script);
    let read = |name| fs::read_to_string(desk.path(name)).unwrap_or_default();
    while read("window").is_empty() {
        std::thread::yield_now();
    }
    kill(&desk.home, "TERM");
    run.expect("status 143").unwrap();
    let lives = |name| {
        let stat = format!("/proc/{}/stat", read(name).trim());
        fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "))
    };
    assert!(!lives("window"));
    // It was there before.
    assert!(lives("inherited"));
    kill_process(read("inherited").trim());
}

fn kill_process(process: &str) {
    let mut command = std::process::Command::new("/bin/kill");
    command.arg(process);
    assert!(
        spawning(|| command.spawn().unwrap())
            .wait()
            .unwrap()
            .success()
    );
}
