//! What is left of a write in place that was interrupted, in every state that it can be in: the file torn, whole, changed, emptied or
//! gone; the backup whole, cut off or gone. Nothing of a person's is lost or filled again, and no command is kept from working.

use std::fs;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};

#[cfg(target_os = "linux")]
use crate::support::doctor::says;
use crate::support::home::Home;
use crate::support::sections::long_term;

const OLD: &str = ".mfa-creds/credentials.in-place-old";
const NEW: &str = ".mfa-creds/credentials.in-place-new";
const KEPT: &str = ".mfa-creds/credentials.kept";
const DOCTOR: [&str; 4] = ["doctor", "--offline", "-p", "work"];

const BEFORE: &str = "[a]\nx = 1\n";
const AFTER: &str = "[a]\nx = 22\n[b]\ny = 3\n";
const TORN: &str = "[a]\nx = 22\n[b";

fn home(now: Option<&str>) -> Home {
    let home = Home::new();
    if let Some(now) = now {
        home.write("credentials", now);
    }
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home
}

fn read(home: &Home, name: &str) -> Option<String> {
    fs::read_to_string(home.file(name)).ok()
}

/// Writes with `setup`, which recovers before.
fn set_up(home: &Home, profile: &str) -> String {
    let answers =
        format!("{profile}\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{ALICE_DEVICE}\n");
    home.run(&["setup", "-q"]).stdin(&answers).succeeds().stderr
}

const KEPT_WARNING: &str = "warning: a write of ~/.aws/credentials was interrupted, and the file has changed since; \
     its old content is in ~/.aws/.mfa-creds/credentials.kept\n";

#[test]
fn each_state_of_the_file_with_both_backups() {
    for (now, then, is_kept) in [
        // It was interrupted on the way, or before, or after.
        (Some(TORN), AFTER, false),
        (Some(BEFORE), BEFORE, false),
        (Some(AFTER), AFTER, false),
        // A person has changed, emptied or removed it since.
        (Some("[c]\nz = 1\n"), "[c]\nz = 1\n", true),
        (Some(""), "", true),
        (None, "", true),
    ] {
        let home = home(now);
        home.write(OLD, BEFORE);
        home.write(NEW, AFTER);
        let said = set_up(&home, "work");
        assert_eq!(said, if is_kept { KEPT_WARNING } else { "" }, "{now:?}");
        let gap = if then.is_empty() { "" } else { "\n" };
        assert_eq!(
            home.credentials(),
            format!("{then}{gap}{}", long_term("work")),
            "{now:?}"
        );
        assert_eq!(read(&home, KEPT).as_deref(), is_kept.then_some(BEFORE));
        for name in [OLD, NEW] {
            assert_eq!(read(&home, name), None, "{now:?}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_by_hand_stays_so() {
    let (old, new) = ("# old\n".repeat(300), "# new\n".repeat(300));
    for now in [&old[..600], &new[..600]] {
        let home = home(Some(now));
        home.write(OLD, &old);
        home.write(NEW, &new);
        assert_eq!(home.run(&["-p", "nobody"]).outcome().status, Some(1));
        assert_eq!(home.credentials(), now);
        assert_eq!(read(&home, KEPT), Some(old.clone()));
    }
}

#[test]
fn a_file_that_was_removed_keeps_no_command_from_its_work() {
    for arguments in [
        &["-p", "work", "--token", "123456"][..],
        &["status"],
        &["plan", "-p", "work"],
        &["clear", "-p", "work"],
        &["doctor", "--offline"],
    ] {
        let home = home(None);
        home.write(OLD, BEFORE);
        home.write(NEW, AFTER);
        let outcome = home.run(arguments).outcome();
        assert!(
            !outcome.stderr.contains("cannot be written"),
            "{arguments:?}: {outcome:?}"
        );
        assert!(!home.file("credentials").exists(), "{arguments:?}");
        // What the hint of the others names.
        set_up(&home, "work");
        assert_eq!(home.credentials(), long_term("work"));
    }
}

#[test]
fn a_backup_that_was_cut_off_is_none() {
    // The copy of the new content was whole, that of the old one was being written; the file itself was not touched.
    for (name, part) in [(OLD, ""), (OLD, "[a"), (NEW, ""), (NEW, "[a]\nx = 22")] {
        let home = home(Some(BEFORE));
        if name == OLD {
            home.write(NEW, AFTER);
        }
        home.write(&format!("{name}.part"), part);
        home.write(KEPT, "[precious]\n");
        assert_eq!(set_up(&home, "work"), "");
        assert_eq!(
            home.credentials(),
            format!("{BEFORE}\n{}", long_term("work"))
        );
        assert_eq!(read(&home, KEPT).as_deref(), Some("[precious]\n"));
        assert_eq!(read(&home, &format!("{name}.part")), None);
        assert_eq!(read(&home, NEW), None);
    }
}

#[test]
fn what_is_kept_already_is_not_written_over() {
    let home = home(Some("[c]\nz = 1\n"));
    home.write(KEPT, "[precious]\n");
    for (old, kept) in [(BEFORE, "kept-1"), ("[d]\n", "kept-2"), (BEFORE, "kept-1")] {
        home.write(OLD, old);
        home.write(NEW, AFTER);
        let outcome = home.run(&["-p", "nobody"]).outcome();
        let told = format!("its old content is in ~/.aws/.mfa-creds/credentials.{kept}\n");
        assert!(outcome.stderr.contains(&told), "{outcome:?}");
        let place = format!(".mfa-creds/credentials.{kept}");
        assert_eq!(read(&home, &place).as_deref(), Some(old));
        assert_eq!(read(&home, KEPT).as_deref(), Some("[precious]\n"));
    }
    let outcome = home.run(&DOCTOR).outcome();
    for kept in ["kept", "kept-1", "kept-2"] {
        let told = format!("its old content is in ~/.aws/.mfa-creds/credentials.{kept}\n");
        assert!(outcome.stdout.contains(&told), "{outcome:?}");
    }
}

#[test]
fn status_tells_of_a_file_that_may_be_half_written() {
    let home = home(Some(TORN));
    home.write(OLD, BEFORE);
    home.write(NEW, AFTER);
    let outcome = home.run(&["status"]).outcome();
    assert_eq!(
        outcome.stderr,
        "warning: a write of ~/.aws/credentials was interrupted or is under way: the file may be half written\n"
    );
    assert_eq!(home.credentials(), TORN);
}

#[test]
#[cfg(target_os = "linux")]
fn a_torn_file_whose_backup_is_gone_is_told() {
    use rustix::fs::{XattrFlags, setxattr};

    let home = home(Some("[a]\nx = 22\n"));
    fs::hard_link(home.file("credentials"), home.path().join("other")).unwrap();
    let mark = setxattr(
        home.file("credentials"),
        "user.mfa_creds.writing",
        b"1",
        XattrFlags::empty(),
    );
    if mark.is_err() {
        // The file system takes no marks.
        return;
    }
    let told = "a write of ~/.aws/credentials was interrupted, and its backup is missing: the file may be half written";
    assert_eq!(
        home.run(&["status"]).outcome().stderr,
        format!("warning: {told}\n")
    );
    says(
        home.run(&DOCTOR),
        "problem",
        "writes",
        told,
        Some(
            "repair the file in an editor; the next `mfa-creds` that writes it assumes that it is complete",
        ),
    );
    // The write that comes next says so a last time.
    assert_eq!(set_up(&home, "work"), format!("warning: {told}\n"));
    assert_eq!(set_up(&home, "other"), "");
    assert_eq!(home.run(&["status"]).outcome().stderr, "");
}
