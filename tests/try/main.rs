//! Shows `mfa-creds` at work without an AWS account: a stand-in for STS on loopback, a throwaway home, a made-up phone.
//!
//! `cargo test --locked --test try` plays it all; with `-- type` you type the code yourself. As a part of the tests, it
//! fails where a run does not end as it should.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a show on standard output, which has to stop where something is broken"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Role, StandIn,
};

const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";

fn main() {
    let type_it = std::env::args().any(|argument| argument == "type");
    let sts = StandIn::start(Account::example().role(Role::new(ADMIN).requires_mfa()));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".aws/credentials");
    fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!(
        "# my keys\n[work-long-term]\naws_access_key_id = {ALICE_ACCESS_KEY_ID}\n\
         aws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\naws_mfa_device = {ALICE_DEVICE}\n"
    );
    fs::write(&file, keys).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let config = home.path().join(".aws/config");
    let role = format!("[profile admin]\nrole_arn = {ADMIN}\nsource_profile = work\n");
    fs::write(&config, role).unwrap();
    println!("A stand-in for AWS STS listens on {}.", sts.url());
    show("~/.aws/config", &config);
    show("~/.aws/credentials before", &file);

    let code = sts.fresh_code(ALICE_DEVICE);
    println!("The phone shows the code {code}.\n");
    if type_it {
        println!("$ mfa-creds --profile work");
        run(home.path(), &sts, &["--profile", "work"], None);
    } else {
        println!("$ echo {code} | mfa-creds --profile work");
        run(home.path(), &sts, &["--profile", "work"], Some(&code));
    }
    show("\n~/.aws/credentials after", &file);
    let after = fs::read_to_string(&file).unwrap();

    println!("$ mfa-creds --profile work        # again");
    run(home.path(), &sts, &["--profile", "work"], None);
    assert_eq!(fs::read_to_string(&file).unwrap(), after, "unchanged");
    assert_eq!(sts.calls(), 1, "the second run calls nobody");
    println!("\nThe second run asked for nothing, called nobody, and changed nothing.");

    println!("\n$ mfa-creds --profile admin       # a role of ~/.aws/config, from the same code");
    run(home.path(), &sts, &["--profile", "admin"], None);
    let end = fs::read_to_string(&file).unwrap();
    assert!(end.starts_with(&after) && end.contains("\n[admin-mfa]\n"));
    assert_eq!(sts.calls(), 2, "one call, without a code");

    println!("\n$ mfa-creds status");
    run(home.path(), &sts, &["status"], None);
    let (shown, command) = if cfg!(windows) {
        let echo = "echo I am %AWS_ACCESS_KEY_ID%";
        (format!("cmd /c \"{echo}\""), ["cmd", "/c", echo])
    } else {
        let echo = "echo \"I am $AWS_ACCESS_KEY_ID\"";
        (format!("sh -c '{echo}'"), ["sh", "-c", echo])
    };
    println!("\n$ mfa-creds exec -p admin -- {shown}");
    let exec = [&["exec", "-p", "admin", "--"], &command[..]].concat();
    run(home.path(), &sts, &exec, None);
}

/// Runs the real binary in the home, with a line on standard input or with ours.
fn run(home: &Path, sts: &StandIn, arguments: &[&str], stdin: Option<&str>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mfa-creds"))
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(std::env::var_os("TERM").map(|term| ("TERM", term)))
        .envs(std::env::var_os("TZ").map(|zone| ("TZ", zone)))
        .env(if cfg!(windows) { "USERPROFILE" } else { "HOME" }, home)
        // Without it, Windows finds no library.
        .envs(std::env::var_os("SystemRoot").map(|place| ("SystemRoot", place)))
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::inherit()
        })
        .spawn()
        .unwrap();
    if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
        writeln!(pipe, "{text}").unwrap();
    }
    assert!(child.wait().unwrap().success());
}

fn show(title: &str, file: &Path) {
    println!("{title}:");
    for line in fs::read_to_string(file).unwrap().lines() {
        // The session token is some hundred characters long.
        let shown: String = line.chars().take(72).collect();
        let more = if shown == line { "" } else { "…" };
        println!("    {shown}{more}");
    }
    println!();
}
