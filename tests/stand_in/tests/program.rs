//! The stand-in as a program: what it prints, and when it ends.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::{fs, io};

/// Runs the program with an empty stdin, which ends it.
fn run(arguments: &[&str]) -> io::Result<Output> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_stand-in"));
    program.args(arguments).stdin(Stdio::null());
    program.output()
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn without_tls_it_prints_five_lines() {
    let role = "arn:aws:iam::123456789012:role/admin";
    for arguments in [&[][..], &["127.0.0.1:0"], &["127.0.0.1:0", role]] {
        let lines = lines(&run(arguments).unwrap());
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert!(lines[0].starts_with("AWS_ENDPOINT_URL_STS=http://127.0.0.1:"));
    }
}

#[test]
fn with_tls_it_names_the_file_of_the_authority() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("authority.pem");
    let path = file.display().to_string();
    let names = "sts.amazonaws.com,iam.amazonaws.com";
    let lines = lines(&run(&["127.0.0.1:0", "--tls", names, "--ca", &path]).unwrap());
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[0].starts_with("AWS_ENDPOINT_URL_STS=https://127.0.0.1:"));
    assert_eq!(lines[5], format!("AWS_CA_BUNDLE={path}"));
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn numbered_users_have_a_device_each_as_many_as_were_asked_for() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_stand-in"))
        .args(["127.0.0.1:0", "--users", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // What comes after it ends the program.
    let mut stdin = program.stdin.take().unwrap();
    stdin.write_all(b"user-1\nuser-2\nuser-3\n").unwrap();
    drop(stdin);
    let mut said = String::new();
    let mut stdout = program.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    assert!(program.wait().unwrap().success());
    let answers: Vec<_> = said.lines().skip(5).collect();
    assert_eq!(answers.len(), 3, "{said}");
    for code in &answers[..2] {
        assert!(code.len() == 6 && code.parse::<u32>().is_ok(), "{code}");
    }
    assert_ne!(answers[0], answers[1]);
    assert_eq!(answers[2], "no such device");
}

#[test]
fn somebody_signs_in_by_a_line() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_stand-in"))
        .args(["127.0.0.1:0", "--login-credentials-last", "60"])
        .args(["--logins-last", "3600"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    let role = "arn:aws:iam::123456789012:role/admin";
    writeln!(stdin, "login alice mfa\nlogin {role} bob").unwrap();
    drop(stdin);
    let mut said = String::new();
    let mut stdout = program.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    let answers: Vec<_> = said.lines().skip(5).collect();
    for (answer, session) in [
        (answers[0], "arn:aws:iam::123456789012:user/alice"),
        (
            answers[1],
            "arn:aws:sts::123456789012:assumed-role/admin/bob",
        ),
    ] {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["session"], session);
        assert_eq!(answer["file"].as_str().unwrap().len(), 64 + ".json".len());
        assert!(answer["cache"]["refreshToken"].is_string());
    }
    assert!(program.wait().unwrap().success());
}

#[test]
fn what_it_does_not_understand_it_says() {
    for arguments in [
        &["--tls", "sts.amazonaws.com"][..],
        &["--ca"],
        &["--users"],
        &["--users", "many"],
        &["--other"],
        &["192.0.2.1:80"],
    ] {
        let output = run(arguments).unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty());
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}
