//! A server that is none of AWS's: bytes that XML forbids, characters that it writes with numbers, and headers that hold them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::home::{Home, Outcome};
use crate::support::hostile_text::{assert_clean, is_nasty};
use crate::support::sections::long_term;

/// What it says in place of a word.
const NASTY: [&[u8]; 17] = [
    b"\x1b]52;c;eA==\x07\x1b[2J",
    b"&#27;[2J",
    b"&#x1b;[2J",
    b"&#x9b;31m",
    b"\xc2\x9b31m",
    b"&#x202e;x",
    b"\xe2\x80\xaex",
    b"\0x",
    b"&#0;",
    b"\xff\xfe\x80",
    b"&#xd800;",
    b"&#x110000;",
    b"\nhint: run evil",
    b"&#10;hint: run evil&#13;error: evil",
    b"<![CDATA[\x1b[2J\nhint: run evil]]>",
    b"&evil;",
    b"<x>",
];

/// Answers every request so, as long as the process lives.
fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if let Some(action) = action(&mut stream) {
                // Who has read enough may hang up.
                let _ = stream.write_all(&answer(&action));
            }
        }
    });
    url
}

/// Reads a request. None where nobody asks anything, as a probe of the connection does.
fn action(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lengths = head.lines().filter_map(|line| line.split_once(": "));
            let mut lengths =
                lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = lengths
                .next()
                .map_or(0, |(_, length)| length.parse().unwrap());
            if body.len() >= length {
                let action = body.strip_prefix("Action=").unwrap_or_default();
                return Some(action.split('&').next().unwrap_or_default().to_owned());
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
}

/// An answer with this status, with more headers and this body.
fn answer(status: &[u8], headers: &[u8], body: &[u8]) -> Vec<u8> {
    let end = format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [b"HTTP/1.1 ", status, b"\r\n", headers, end.as_bytes(), body].concat()
}

/// A body with the word in the place of each `@`.
fn with(body: &str, word: &[u8]) -> Vec<u8> {
    body.as_bytes()
        .split(|byte| *byte == b'@')
        .collect::<Vec<_>>()
        .join(word)
}

const COMMANDS: [&[&str]; 5] = [
    &["-vv", "-p", "work"],
    &["device", "list", "-p", "work"],
    &["rotate", "--yes", "-p", "work"],
    &["audit", "-p", "work"],
    &["doctor", "-p", "work"],
];

/// Runs a command against the server: it ends by itself, and neither the screen nor the trace has what it must not.
#[track_caller]
fn assert_withstands(url: &str, command: &[&str]) -> Outcome {
    let home = Home::of_alice();
    let outcome = home
        .run(command)
        .env("AWS_ENDPOINT_URL_STS", url)
        .env("AWS_ENDPOINT_URL_IAM", url)
        .env("MFA_TOKEN", "123456")
        .outcome();
    let what = format!("{command:?}");
    assert!(
        (0..=4).contains(&outcome.status.unwrap()),
        "{what}: {outcome:?}"
    );
    assert!(!outcome.stderr.contains("panicked"), "{what}: {outcome:?}");
    assert_clean(&what, &outcome);
    let trace = fs::read(home.trace()).unwrap();
    let trace = String::from_utf8(trace).unwrap();
    assert!(!trace.contains(is_nasty), "{what}: {trace:?}");
    for line in trace.lines().map(str::trim_start) {
        assert!(
            line != "hint: run evil" && !line.starts_with("error: evil"),
            "{what}: {trace:?}"
        );
    }
    assert_eq!(home.credentials(), long_term("work"), "{what}: {outcome:?}");
    outcome
}

#[test]
fn a_refusal_that_is_no_xml_or_holds_what_steers_a_terminal() {
    const REFUSAL: &str = "<ErrorResponse><Error><Type>Sender@</Type><Code>AccessDenied@</Code><Message>no@</Message></Error>\
                           <RequestId>0123456789abcdef0123@</RequestId></ErrorResponse>";
    for word in NASTY {
        let url = answering(move |_| {
            let headers = b"Content-Type: text/xml\r\n";
            answer(b"403 Forbidden", headers, &with(REFUSAL, word))
        });
        for command in COMMANDS {
            assert_withstands(&url, command);
        }
    }
}

/// An answer with everything that the action's answer contains.
fn granted(action: &str) -> String {
    let result = match action {
        "GetCallerIdentity" => {
            "<Arn>arn:aws:iam::123456789012:user/alice@</Arn><UserId>A@</UserId><Account>123456789012@</Account>"
        }
        "ListMFADevices" => {
            "<MFADevices><member><UserName>alice@</UserName><SerialNumber>arn:aws:iam::123456789012:mfa/alice@</SerialNumber>\
             <EnableDate>2020-01-01T00:00:00Z</EnableDate></member></MFADevices><IsTruncated>false</IsTruncated>"
        }
        "GetAccessKeyLastUsed" => {
            "<UserName>alice@</UserName><AccessKeyLastUsed><LastUsedDate>2020-01-01T00:00:00Z</LastUsedDate>\
             <ServiceName>s3@</ServiceName><Region>eu@</Region></AccessKeyLastUsed>"
        }
        "ListAccessKeys" => {
            "<AccessKeyMetadata><member><UserName>alice@</UserName><AccessKeyId>AKIAFAKEFAKEFAKEALIC@</AccessKeyId>\
             <Status>Active@</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>\
             <member><UserName>alice@</UserName><AccessKeyId>AKIAFAKEFAKEFAKEOTHR@</AccessKeyId>\
             <Status>Active@</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated>"
        }
        _ => {
            "<Credentials><AccessKeyId>ASIAFAKEFAKEFAKEFAKE@</AccessKeyId><SecretAccessKey>FakeSecret@</SecretAccessKey>\
             <SessionToken>FakeToken@</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        }
    };
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}

#[test]
fn an_answer_that_is_no_xml_or_holds_what_steers_a_terminal() {
    let mut quoted = 0;
    for word in NASTY {
        // Everywhere, or in all but the first answers.
        let first = ["GetCallerIdentity", "ListAccessKeys"];
        for good in 0..=first.len() {
            let url = answering(move |action| {
                let is_good = first[..good].contains(&action);
                let body = with(&granted(action), if is_good { b"" } else { word });
                answer(b"200 OK", b"Content-Type: text/xml\r\n", &body)
            });
            for command in COMMANDS {
                let outcome = assert_withstands(&url, command);
                quoted += usize::from(outcome.stderr.contains(" ago for s3"));
            }
        }
    }
    assert!(quoted > 0, "the last answer is not come to");
}

#[test]
fn headers_that_hold_what_steers_a_terminal() {
    for word in NASTY {
        for name in [
            "x-amzn-requestid",
            "Content-Type",
            "Date",
            "Proxy-Authenticate",
            "Location",
        ] {
            for status in ["407 No", "403 No", "200 OK"] {
                let url = answering(move |_| {
                    let header =
                        [name.as_bytes(), b": 0123456789abcdef0123", word, b"\r\n"].concat();
                    answer(status.as_bytes(), &header, b"no XML")
                });
                assert_withstands(&url, COMMANDS[0]);
            }
        }
        let url = answering(move |_| answer(&[b"403 ", word].concat(), b"", b""));
        assert_withstands(&url, COMMANDS[0]);
    }
}

#[test]
fn a_report_whose_names_steer_a_terminal() {
    const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,\
        access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,\
        access_key_2_last_used_date";
    let names = NASTY.iter().map(|word| String::from_utf8_lossy(word));
    let names = names.chain(["\"a\r\nhint: run evil\u{202e}\"".into(), "=cmd()".into()]);
    for name in names.filter(|name| !name.contains("\nh")) {
        for user in [name.to_string(), "bob".to_owned()] {
            let line = format!(
                "{user},arn:aws:iam::123456789012:user/{user},{name},true,{name},false,true,{name},{name},{name},N/A,N/A"
            );
            for format in ["--csv", "--json", "-v"] {
                let home = Home::new();
                let outcome = home
                    .run(&["audit", "--report", "-", format])
                    .stdin(&format!("{HEADER}\n{line}\n"))
                    .outcome();
                let what = format!("{format}, {user:?}, {name:?}");
                assert!(
                    (1..=2).contains(&outcome.status.unwrap()),
                    "{what}: {outcome:?}"
                );
                assert_clean(&what, &outcome);
            }
        }
    }
}

#[test]
fn an_access_key_that_is_there_already_is_none_that_was_made() {
    let url = answering(|action| {
        let one_key = "<AccessKeyMetadata><member><UserName>alice</UserName><AccessKeyId>AKIAFAKEFAKEFAKEALIC</AccessKeyId>\
             <Status>Active</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated>";
        let same_key = "<AccessKey><UserName>alice</UserName><AccessKeyId>AKIAFAKEFAKEFAKEALIC</AccessKeyId>\
             <Status>Active</Status><SecretAccessKey>OtherFakeSecret/NotReal</SecretAccessKey></AccessKey>";
        let result = match action {
            "ListAccessKeys" => format!(
                "<{action}Response><{action}Result>{one_key}</{action}Result></{action}Response>"
            ),
            "CreateAccessKey" => format!(
                "<{action}Response><{action}Result>{same_key}</{action}Result></{action}Response>"
            ),
            _ => granted(action).replace('@', ""),
        };
        answer(b"200 OK", b"Content-Type: text/xml\r\n", result.as_bytes())
    });
    let home = Home::with(&long_term("work"));
    let outcome = home
        .run(&["rotate", "--yes", "-p", "work"])
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_ENDPOINT_URL_STS", &url)
        .env("AWS_ENDPOINT_URL_IAM", &url)
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.ends_with(
            "error: AWS IAM created no new access key: it returned AKIA…ALIC, which already exists\n\
             hint: check the endpoint with -v: AWS itself does not do that\n"
        ),
        "{outcome:?}"
    );
    let text = home.credentials();
    assert!(!text.contains("OtherFakeSecret"), "{text}");
}
