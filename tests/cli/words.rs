//! Words of files, servers and the command line that would steer a terminal or a shell.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{ALICE_SECRET_ACCESS_KEY, Account, Device, Fault, StandIn};

use crate::support::accounts::{alice, stand_in};
use crate::support::home::Home;
use crate::support::hostile_text::{assert_clean, is_nasty};
use crate::support::sections::{FAR, keys_only, long_term, short_term};
#[cfg(unix)]
use crate::support::terminal::on_terminal;

/// What no file of AWS's can hold is left out: line breaks.
const NASTY: &str =
    "a\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2066}\u{200f}\u{200b}\u{2028}z";
/// A message of a server, which XML can hold.
const MESSAGE: &str = "no\u{85}\u{202e}\u{2028}\nhint: run evil\nerror: evil\u{feff}";

#[test]
fn nothing_of_a_file_or_of_an_argument_reaches_the_screen_raw() {
    let sts = StandIn::start(Account::example());
    let nasty_keys = long_term("work")
        .replace(stand_in::ALICE_DEVICE, NASTY)
        .replace("AKIA", &format!("AKIA{NASTY}"));
    let files = [
        long_term(NASTY),
        nasty_keys,
        short_term(NASTY, FAR) + &long_term(NASTY),
        short_term("work", NASTY) + &long_term("work"),
        long_term("work") + &short_term("work", FAR).replace("False", NASTY),
        format!("[{NASTY}\n{NASTY}\n{NASTY} = {NASTY}\n") + &long_term("work"),
        long_term("a") + &long_term(NASTY),
        format!("[work-long-term]\ncredential_process = echo '{NASTY}' >&2; false\n"),
        long_term("work") + &format!("mfa_process = echo '{NASTY}'\n"),
    ];
    let config = format!(
        "[profile work]\nregion = {NASTY}\n[profile r]\nrole_arn = {NASTY}\nsource_profile = {NASTY}\n[profile {NASTY}]\nregion = x\n"
    );
    let commands: [&[&str]; 15] = [
        &[],
        &["-v", "-p"],
        &["--all"],
        &["plan", "-p"],
        &["plan", "--all"],
        &["status"],
        &["status", "--json"],
        &["doctor", "--offline", "-p"],
        &["doctor", "--offline", "--json", "-p"],
        &["export", "-p"],
        &["clear", "-p"],
        &["device", "list", "-p"],
        &["rotate", "--yes", "-p"],
        &["keychain", "move", "--yes", "-p"],
        &["audit", "-p"],
    ];
    for file in &files {
        for command in commands {
            let asks = command.last() == Some(&"-p");
            let profiles: &[&str] = if asks { &["work", "r", NASTY] } else { &[""] };
            for profile in profiles {
                let home = Home::with(file);
                home.write("config", &config);
                let mut arguments = command.to_vec();
                arguments.extend(asks.then_some(profile));
                let run = home.run_with(&sts, &arguments).env("MFA_TOKEN", "000000");
                assert_clean(&format!("{arguments:?} of {file:?}"), &run.outcome());
                let trace = fs::read_to_string(home.trace()).unwrap();
                assert!(!trace.contains(is_nasty), "{trace:?}");
            }
        }
    }
    for arguments in [
        &["--nasty\u{1b}[2J\nhint: run evil"][..],
        &["-p", "x\nhint: run evil\u{1b}"],
        &["\u{202e}evil"],
        &["--min-ttl", "\u{1b}[2J\nerror: evil"],
    ] {
        let home = Home::of_alice();
        assert_clean(&format!("{arguments:?}"), &home.run(arguments).outcome());
    }
}

#[test]
fn nothing_of_a_server_reaches_the_screen_raw() {
    let refusals = [
        "AccessDenied",
        "ValidationError",
        "LimitExceeded",
        "ExpiredToken",
        "Evil\nhint: run evil",
    ];
    let commands: [&[&str]; 7] = [
        &["-p", "work"],
        &["export", "-p", "work"],
        &["device", "list", "-p", "work"],
        &["rotate", "--yes", "-p", "work"],
        &["doctor", "-p", "work"],
        &["audit", "-p", "work"],
        &[
            "-v",
            "-p",
            "work",
            "--role-arn",
            "arn:aws:iam::123456789012:role/x",
        ],
    ];
    for code in refusals {
        for command in commands {
            let sts = StandIn::start(Account::example());
            sts.fault_always(Fault::Refused {
                status: 403,
                code,
                message: MESSAGE,
            });
            let home = Home::of_alice();
            let run = home.run_with(&sts, command).env("MFA_TOKEN", "123456");
            assert_clean(&format!("{command:?}, {code}"), &run.outcome());
        }
    }
    let nasty = "arn:aws:iam::123456789012:mfa/x\u{202e}\u{85}\nhint: run evil";
    let sts = stand_in(alice().device(Device::new(nasty)));
    let home = Home::with(&keys_only());
    for command in [
        &["device", "list", "-p", "work"][..],
        &["-p", "work"],
        &["device", "list", "--json", "-p", "work"],
    ] {
        assert_clean(
            &format!("{command:?}"),
            &home.run_with(&sts, command).outcome(),
        );
    }
}

/// A server that answers so many requests with this.
fn answering(head: &'static [u8], body: Vec<u8>, requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 8192]);
            let length = format!("Content-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&[head, length.as_bytes(), &body].concat());
        }
    });
    url
}

#[test]
fn nothing_that_xml_forbids_or_hides_reaches_the_screen_or_the_trace() {
    let error = |code: &[u8], message: &[u8]| {
        [
            &b"<ErrorResponse><Error><Type>Sender</Type><Code>"[..],
            code,
            b"</Code><Message>",
            message,
            b"</Message></Error><RequestId>",
            message,
            b"</RequestId></ErrorResponse>",
        ]
        .concat()
    };
    for nasty in [
        &b"x\x1b]52;c;eA==\x07y"[..],
        b"x&#27;[2Jy",
        b"x&#x9b;31my",
        b"x&#x202e;y",
        b"x&#10;hint: run evil",
        b"x\0y",
        b"x\xff\xfe\x9by",
        b"x\xc2\x9b31my",
    ] {
        for code in [&b"AccessDenied"[..], nasty] {
            for head in [
                &b"HTTP/1.1 403 Forbidden\r\nx-amzn-requestid: a\xc2\x9bb\xe2\x80\xaec\r\n"[..],
                b"HTTP/1.1 400 \x9b31m\r\nConnection: close\r\n",
            ] {
                let url = answering(head, error(code, nasty), 3);
                let home = Home::of_alice();
                let outcome = home
                    .run(&["-vv", "-p", "work"])
                    .env("AWS_ENDPOINT_URL_STS", &url)
                    .env("MFA_TOKEN", "123456")
                    .outcome();
                let what = String::from_utf8_lossy(nasty);
                assert_ne!(outcome.status, Some(0), "{what}: {outcome:?}");
                assert_clean(&what, &outcome);
                let trace = fs::read_to_string(home.trace()).unwrap();
                assert!(!trace.contains(is_nasty), "{what}: {trace:?}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn nothing_of_a_file_reaches_the_list_to_pick_from() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&(long_term("a") + &long_term(NASTY)));
    let mut session = on_terminal(&home, &sts, "exec \"$0\"");
    let found = session.expect("52;c;eA==").unwrap();
    let before = String::from_utf8_lossy(found.before()).into_owned();
    assert!(
        before.ends_with('\u{fffd}') || before.ends_with("\u{fffd}]"),
        "{before:?}"
    );
    let found = session.expect("z").unwrap();
    let name = String::from_utf8_lossy(found.before()).into_owned();
    assert!(!name.contains(is_nasty), "{name:?}");
}

#[test]
fn an_access_key_id_that_is_a_command_is_neither_written_nor_run() {
    let evil = "AKIAXXXXXXXXXXXX;touch${IFS}evil";
    let sts = stand_in(alice());
    sts.call_next_key(evil);
    let home = Home::of_alice();
    let outcome = home
        .run_with(&sts, &["rotate", "--yes", "-p", "work"])
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains("is not from AWS IAM: its access key ID is malformed"),
        "{outcome:?}"
    );
    let text = home.credentials();
    assert!(
        text.contains(ALICE_SECRET_ACCESS_KEY) && !text.contains("touch"),
        "{text}"
    );
    // Nor is it passed over by the next run, as if the user had one key only.
    let outcome = home
        .run_with(&sts, &["rotate", "--yes", "-p", "work"])
        .outcome();
    assert!(
        outcome
            .stderr
            .contains("is not from AWS IAM: one of its access keys is malformed"),
        "{outcome:?}"
    );
    assert_eq!(home.credentials(), text);

    let own = long_term("work").replace(stand_in::ALICE_ACCESS_KEY_ID, evil);
    let home = Home::with(&own);
    home.run(&["keychain", "move", "--yes", "-p", "work"]).ends(
        1,
        &format!(
            "error: `{evil}` is not an access key ID\n\
             hint: use the ID that AWS showed when the key was created, like AKIA…; nothing was changed\n"
        ),
    );
    assert_eq!(home.credentials(), own);
}
