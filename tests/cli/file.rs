//! The credentials file under attack: kills, full disks, links, directories that are not writable. What is not ours stays.

use std::fmt::Write as _;
use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
#[cfg(unix)]
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

use crate::support::home::{Home, binary};
use crate::support::sections::long_term;
#[cfg(unix)]
use crate::support::spawning::spawning;

/// How many runs are killed. A process of Windows takes longer to start.
const RUNS: u32 = if cfg!(windows) { 40 } else { 1000 };

/// What `setup` is told to write `[new-long-term]`.
fn answers() -> String {
    format!("new\n{ALICE_ACCESS_KEY_ID}\n{ALICE_SECRET_ACCESS_KEY}\n{ALICE_DEVICE}\n")
}

/// Kills so many runs that add a section, each at another moment of its life, and returns how many had written it.
/// After each kill the file is the whole old or the whole new one.
fn kill(home: &Home, old: &str, new: &str, runs: u32, check: impl Fn(&str)) -> u32 {
    let path = home.file("credentials");
    let input = home.path().join("answers");
    fs::write(&input, answers()).unwrap();
    let start = || {
        home.command(&mut Command::new(binary()))
            .args(["setup", "-q"])
            .stdin(fs::File::open(&input).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    // The shortest of some: a single one that the machine held up would make all that follow wait as long.
    let whole_runs = (0..5).map(|_| {
        fs::write(&path, old).unwrap();
        let begin = Instant::now();
        assert!(start().wait().unwrap().success());
        let whole_run = begin.elapsed();
        assert_eq!(home.credentials(), new);
        whole_run
    });
    let whole_run = whole_runs.min().unwrap();

    let steps = runs.min(101);
    let mut written = 0;
    for run in 0..runs {
        // Written over, not replaced: the file may have another name.
        fs::write(&path, old).unwrap();
        let mut child = start();
        // The later half of a run, where it writes, and a little more; on Windows, where runs differ more, a run more.
        let more = if cfg!(windows) { 2.0 } else { 1.0 };
        let moment =
            whole_run / 2 + whole_run.mul_f64(more * f64::from(run % steps) / f64::from(steps));
        let begin = Instant::now();
        while begin.elapsed() < moment {
            std::hint::spin_loop();
        }
        // It may have ended by then.
        let _ = child.kill();
        child.wait().unwrap();
        let now = home.credentials();
        check(&now);
        written += u32::from(now == new);
    }
    // The next run ends what was begun, and leaves nothing behind.
    fs::write(&path, old).unwrap();
    assert!(start().wait().unwrap().success());
    assert_eq!(home.credentials(), new);
    let left: Vec<_> = [home.file("."), home.file(".mfa-creds")]
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("-new") || name.contains("-old"))
        .collect();
    assert_eq!(left, [""; 0]);
    written
}

#[test]
fn a_run_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let old = long_term("work");
    let new = format!("{old}\n{}", long_term("new"));
    let home = Home::with(&old);
    let written = kill(&home, &old, &new, RUNS, |now| {
        assert!(now == old || now == new, "torn: {now:?}");
    });
    // Otherwise the kills came too early or too late to prove anything.
    assert!(
        (1..RUNS).contains(&written),
        "{written} of {RUNS} had written"
    );
}

#[cfg(unix)]
#[test]
fn a_run_killed_while_it_writes_in_place_is_ended_by_the_next_one() {
    let old = long_term("work");
    let new = format!("{old}\n{}", long_term("new"));
    let home = Home::with(&old);
    fs::hard_link(home.file("credentials"), home.path().join("other-name")).unwrap();
    kill(&home, &old, &new, 200, |_now| {
        // Whatever there is now, the next run that reads it makes it whole first.
        let outcome = home.run(&["-p", "nobody"]).outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        let now = home.credentials();
        assert!(now == old || now == new, "torn: {now:?}");
    });
    assert_eq!(
        fs::read_to_string(home.path().join("other-name")).unwrap(),
        new
    );
}

#[test]
fn an_interrupted_write_in_place_is_completed_wherever_it_stopped() {
    let (old, new) = ("[a]\nx = 1\n", "[a]\nx = 22\n[b]\ny = 3\n");
    let torn = (1..new.len()).map(|end| format!("{}{}", &new[..end], old.get(end..).unwrap_or("")));
    for now in torn.chain(["\0\0\0\0".to_owned()]) {
        let home = Home::with(&now);
        fs::create_dir(home.file(".mfa-creds")).unwrap();
        home.write(".mfa-creds/credentials.in-place-old", old);
        home.write(".mfa-creds/credentials.in-place-new", new);
        assert_eq!(home.run(&["-p", "nobody"]).outcome().status, Some(1));
        let whole = home.credentials();
        assert!(whole == new || whole == old, "{now:?} became {whole:?}");
        assert!(!home.file(".mfa-creds/credentials.in-place-old").exists());
    }
    // What somebody wrote since then is theirs, and what it was before is kept.
    let home = Home::with("[c]\nz = 1\n");
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home.write(".mfa-creds/credentials.in-place-old", old);
    home.write(".mfa-creds/credentials.in-place-new", new);
    assert_eq!(home.run(&["-p", "nobody"]).outcome().status, Some(1));
    assert_eq!(home.credentials(), "[c]\nz = 1\n");
    let kept = fs::read_to_string(home.file(".mfa-creds/credentials.kept")).unwrap();
    assert_eq!(kept, old);

    // After a power cut, blocks of both may be there.
    let (old, new) = ("# old\n".repeat(300), "# new\n".repeat(300));
    let home = Home::with(&format!("{}{}", &old[..512], &new[512..]));
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    home.write(".mfa-creds/credentials.in-place-old", &old);
    home.write(".mfa-creds/credentials.in-place-new", &new);
    assert_eq!(home.run(&["-p", "nobody"]).outcome().status, Some(1));
    assert_eq!(home.credentials(), new);
}

#[cfg(unix)]
#[test]
fn a_hard_link_stays_one_and_verbose_says_so() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let other = home.path().join("other-name");
    fs::hard_link(home.file("credentials"), &other).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "-v", "--token", &code])
        .succeeds();
    assert!(
        outcome.stderr.contains(
            "wrote ~/.aws/credentials in place, with a temporary backup: it has hard links\n"
        ),
        "{outcome:?}"
    );
    assert_eq!(fs::read_to_string(other).unwrap(), home.credentials());
    assert!(home.credentials().contains("\n[work]\n"));
}

#[cfg(unix)]
#[test]
fn a_program_that_only_reads_a_hard_linked_file_delays_no_write() {
    let home = Home::with("# first\n");
    fs::hard_link(home.file("credentials"), home.path().join("other-name")).unwrap();
    let reader = fs::File::open(home.file("credentials")).unwrap();
    reader.lock_shared().unwrap();
    home.run(&["setup", "-q"]).stdin(&answers()).ends(0, "");
    assert!(home.credentials().contains("[new-long-term]"));
}

#[cfg(unix)]
#[test]
fn two_names_in_two_directories_lose_nothing() {
    lose_nothing(None);
}

#[cfg(unix)]
#[test]
fn two_names_in_two_directories_lose_nothing_while_somebody_reads() {
    let directory = tempfile::tempdir().unwrap();
    lose_nothing(Some(&directory.path().join("reader")));
}

/// Writes to two names of a file at once, while the file has a third name that somebody who reads has locked, where one is given.
#[cfg(unix)]
fn lose_nothing(reader: Option<&Path>) {
    let home = Home::with("# first\n");
    let other = home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::hard_link(home.file("credentials"), other.join("name")).unwrap();
    let reader = reader.map(|name| {
        fs::hard_link(home.file("credentials"), name).unwrap();
        let file = fs::File::open(name).unwrap();
        file.lock_shared().unwrap();
        file
    });
    std::thread::scope(|scope| {
        for number in 0..16 {
            let (home, other) = (&home, &other);
            scope.spawn(move || {
                let run = home
                    .run(&["setup", "-q"])
                    .stdin(&answers().replace("new", &format!("p{number}")));
                let run = match number % 2 {
                    0 => run,
                    _ => run.env(
                        "AWS_SHARED_CREDENTIALS_FILE",
                        other.join("name").to_str().unwrap(),
                    ),
                };
                run.ends(0, "");
            });
        }
    });
    drop(reader);
    let text = home.credentials();
    for number in 0..16 {
        assert!(text.contains(&format!("[p{number}-long-term]\n")), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_even_to_nothing() {
    let home = Home::new();
    fs::create_dir(home.path().join("vault")).unwrap();
    symlink("../hop", home.file("credentials")).unwrap();
    symlink("vault/real", home.path().join("hop")).unwrap();
    home.run(&["setup"]).stdin(&answers()).succeeds();
    assert!(home.file("credentials").is_symlink());
    let real = home.path().join("vault/real");
    assert_eq!(fs::read_to_string(&real).unwrap(), long_term("new"));
    assert_eq!(
        fs::metadata(real).unwrap().permissions().mode() & 0o7777,
        0o600
    );

    let home = Home::new();
    symlink("credentials", home.file("credentials")).unwrap();
    let outcome = home.run(&["setup"]).stdin(&answers()).outcome();
    assert_eq!(outcome.status, Some(1));
    // As glibc and macOS, Windows, and musl say it.
    let said = [
        "too many levels of symbolic links",
        "loop of symbolic links",
        "symbolic link loop",
    ];
    assert!(said.iter().any(|words| outcome.stderr.contains(words)));
}

#[cfg(unix)]
#[test]
fn a_file_that_would_grow_over_a_limit_stays_as_it_was() {
    let padding = "# a long comment to fill the file\n".repeat(60);
    let old = format!("{padding}{}", long_term("work"));
    let home = Home::with(&old);
    // In blocks of 512 or 1024 bytes: the file as it is does not fit into one, nor does a new one.
    let output = Command::new("/bin/sh")
        .args([
            "-c",
            "ulimit -f 1; exec \"$0\" -p work --token 123456",
            binary(),
        ])
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("cannot be written: file too large\nhint: "),
        "{stderr}"
    );
    assert!(
        !stderr.contains("cannot be reached"),
        "the code was not sent: {stderr}"
    );
    assert_eq!(home.credentials(), old);
    let names: Vec<_> = fs::read_dir(home.file("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_not_writable_is_written_in_place() {
    // Root may write everywhere, so root has nothing to see here but that it works.
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let directory = home.path().join(".aws");
    fs::set_permissions(&directory, Permissions::from_mode(0o500)).unwrap();
    let inode = fs::metadata(home.file("credentials")).unwrap().ino();
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "-v", "--token", &code])
        .succeeds();
    let in_place = outcome.stderr.contains("in place, with a backup meanwhile");
    assert_eq!(
        in_place,
        fs::metadata(home.file("credentials")).unwrap().ino() == inode
    );
    assert!(home.credentials().contains("\n[work]\n"));
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn our_own_directory_is_nobody_elses_business() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    fs::set_permissions(home.file(".mfa-creds"), Permissions::from_mode(0o777)).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(home.file(".mfa-creds")), 0o700);
    for entry in fs::read_dir(home.file(".mfa-creds")).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
}

#[cfg(unix)]
#[test]
fn a_lock_is_never_opened_through_a_link() {
    let home = Home::of_alice();
    let victim = home.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir(home.file(".mfa-creds")).unwrap();
    symlink(&victim, home.file(".mfa-creds/credentials.lock")).unwrap();
    let outcome = home.run(&["-p", "work", "--token", "123456"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    fs::remove_file(home.file(".mfa-creds/credentials.lock")).unwrap();
    fs::hard_link(&victim, home.file(".mfa-creds/credentials.lock")).unwrap();
    let outcome = home.run(&["-p", "work", "--token", "123456"]).outcome();
    assert!(
        outcome
            .stderr
            .contains("is not a regular file of this user"),
        "{outcome:?}"
    );
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_whole_file_may_be_indented() {
    let sts = StandIn::start(Account::example());
    let indent = |text: &str| format!("  {}\n", text.trim_end().replace('\n', "\n  "));
    let rest = indent(&format!(
        "\n{}\n[personal]\naws_access_key_id = AKIAFAKEFAKEFAKEFAKE ; mine\n",
        long_term("work")
    ));
    let home = Home::with(&format!("  [work]\n{rest}"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let new = home.credentials();
    assert!(
        new.starts_with("  [work]\n  assumed_role = False\n"),
        "{new}"
    );
    assert!(new.ends_with(&rest), "{new}");
    home.run(&["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
}

#[cfg(unix)]
#[test]
fn a_umask_takes_nothing_from_the_owner() {
    for umask in ["377", "777", "000"] {
        let sts = StandIn::start(Account::example());
        let home = Home::new();
        fs::remove_dir(home.file("")).unwrap();
        let shell = |arguments: &str, input: &str| {
            let mut command = Command::new("/bin/sh");
            command
                .args([
                    "-c",
                    &format!("umask {umask}; printf '{input}' | \"$0\" {arguments}"),
                    binary(),
                ])
                .env_clear()
                .env("HOME", home.path())
                .env("AWS_ENDPOINT_URL", sts.url())
                .env("MFA_CREDS_TRACE", home.path().join("trace"))
                .current_dir(home.path());
            let output = spawning(|| command.output().unwrap());
            assert!(output.status.success(), "{umask}: {output:?}");
        };
        let device = ALICE_DEVICE;
        let keys = format!("{ALICE_ACCESS_KEY_ID}\\n{ALICE_SECRET_ACCESS_KEY}");
        shell("setup", &format!("work\\n{keys}\\n{device}\\n"));
        let code = sts.fresh_code(device);
        shell("-p work --token -", &format!("{code}\\n"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let own = home.file(".mfa-creds");
        for directory in [&home.file(""), &own] {
            assert_eq!(mode(directory), 0o700, "{umask}: {}", directory.display());
        }
        for file in [home.file("credentials"), home.path().join("trace")] {
            assert_eq!(mode(&file), 0o600, "{umask}: {}", file.display());
        }
        for file in fs::read_dir(&own).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{umask}: {}", path.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_told_once_and_left_so() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let path = home.file("credentials");
    for (mode, who) in [(0o644, "everybody"), (0o640, "its group")] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["-p", "work", "--force", "--token", &code])
            .succeeds();
        let warning = format!(
            "warning: ~/.aws/credentials can be read by {who}: chmod 600 ~/.aws/credentials\n"
        );
        assert_eq!(outcome.stderr.matches(&warning).count(), 1, "{outcome:?}");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            mode
        );
    }
    // Not before every command: the cached run says nothing of it.
    home.run(&["-p", "work"])
        .ends(0, "[work] is still valid until …\n");
}

#[test]
fn large_and_strange_files_are_fine() {
    let sts = StandIn::start(Account::example());
    let mut old = String::from("\u{feff}");
    for number in 0..20_000 {
        write!(old, "[ключ {number}]\r\n\tregion = eu-west-1 ; été\r\n\r\n").unwrap();
    }
    old.push_str(long_term("work").trim_end());
    let home = Home::with(&old);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "-q", "--token", &code])
        .succeeds();
    let new = home.credentials();
    assert!(new.starts_with(&format!("{old}\r\n\r\n[work]\r\nassumed_role = False\r\n")));
}
