//! `serve`: a server for programs that mfa-creds does not start, and what every server refuses.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use stand_in::{ALICE_DEVICE, StandIn};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::binary;
use crate::support::roles::{ADMIN, LONG, account};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::servers::{Endpoint, Running};

fn valid() -> Home {
    Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)))
}

fn serving(home: &Home, flags: &[&str]) -> (Running, Endpoint) {
    let words = [&["serve"], flags].concat();
    let mut running = Running::begin(home, home.run(&words));
    let endpoint = running.endpoint();
    (running, endpoint)
}

#[test]
fn it_prints_what_a_program_needs_to_find_it() {
    let home = valid();
    for (format, prefix) in [("env", "export "), ("dotenv", "")] {
        let words = ["serve", "-p", "work", "--format", format];
        let mut running = Running::begin(&home, home.run(&words));
        let lines = [running.line(), running.line()];
        let uri = format!("{prefix}AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:");
        assert!(
            lines[0].starts_with(&uri) && lines[0].ends_with("/work"),
            "{lines:?}"
        );
        let token = format!("{prefix}AWS_CONTAINER_AUTHORIZATION_TOKEN=");
        assert_eq!(
            lines[1].strip_prefix(&token).unwrap().len(),
            64,
            "{lines:?}"
        );
        running.says("serving credentials on 127.0.0.1:");
    }
    let (_running, endpoint) = serving(&home, &["-p", "work", "-q"]);
    let answer = endpoint.get();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        "{\n  \"AccessKeyId\": \"ASIAFAKEFAKEFAKEFAKE\",\n  \"SecretAccessKey\": \"FakeSecret\",\n  \
         \"Token\": \"FakeToken\",\n  \"Expiration\": \"2099-01-01T00:00:00Z\"\n}\n"
    );
    assert!(
        answer.headers.contains("content-type: application/json"),
        "{answer:?}"
    );
    assert!(
        answer.headers.contains("cache-control: no-store"),
        "{answer:?}"
    );
}

#[test]
fn each_profile_and_role_has_a_path_and_a_token_of_its_own() {
    let home = Home::with(&format!(
        "{}{}{}",
        long_term("work"),
        short_term("work", FAR),
        short_term("a b", FAR)
    ));
    let words = ["serve", "-p", "work", "-p", "a b"];
    let mut running = Running::begin(&home, home.run(&words));
    assert_eq!(running.line(), "# work");
    let work = running.endpoint();
    assert_eq!(running.line(), "# a b");
    let other = running.endpoint();
    assert!(other.uri.ends_with("/a%20b"), "{other:?}");
    assert_eq!((work.get().status, other.get().status), (200, 200));
    let wrong = Endpoint {
        token: work.token.clone(),
        ..other
    };
    assert_eq!(wrong.get().status, 401);

    let sts = StandIn::start(account());
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let words = [
        "serve",
        "-p",
        "work",
        "--with-role",
        ADMIN,
        "--with-role",
        "123456789012:long",
        "--with-role",
        LONG,
        "--format",
        "json",
    ];
    let run = home.run_with(&sts, &words).env("MFA_TOKEN", &code);
    let mut running = Running::begin(&home, run);
    let lines: Vec<String> = (0..20).map(|_| running.line()).collect();
    let values = |key: &str| -> Vec<String> {
        let start = format!("\"{key}\": ");
        let lines = lines
            .iter()
            .filter_map(|line| line.trim().strip_prefix(&start));
        lines
            .map(|value| value.trim_matches([',', '"']).to_owned())
            .collect()
    };
    assert_eq!(values("Profile"), ["work"; 3]);
    assert_eq!(values("RoleArn"), ["null", ADMIN, LONG]);
    let uris = values("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let tokens = values("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    assert!(uris[1].ends_with(&format!("/role/{ADMIN}")), "{uris:?}");
    let mut endpoints = uris.into_iter().zip(tokens);
    let (uri, token) = endpoints.nth(2).unwrap();
    assert_eq!(Endpoint { uri, token }.get().value("RoleArn"), LONG);
    // One code, one session, both roles from it; and nothing but the session is in the file.
    assert_eq!(sts.calls(), 3);
    assert!(!home.credentials().contains("assumed_role_arn"));
}

#[test]
fn what_has_not_the_token_or_comes_from_a_page_is_refused() {
    let home = valid();
    let (_running, endpoint) = serving(&home, &["-p", "work"]);
    let token = endpoint.token.clone();
    let authorization = ("Authorization", token.as_str());
    let refused = |status, method: &str, headers: &[(&str, &str)]| {
        let answer = endpoint.request(method, headers);
        assert_eq!(answer.status, status, "{method} {headers:?}: {answer:?}");
        assert!(!answer.body.contains("Fake"), "{answer:?}");
        assert!(
            !answer.headers.to_lowercase().contains("access-control"),
            "{answer:?}"
        );
    };
    refused(401, "GET", &[]);
    refused(401, "GET", &[("Authorization", "")]);
    refused(401, "GET", &[("Authorization", &token[1..])]);
    refused(401, "GET", &[("Authorization", &format!("{token}x"))]);
    refused(401, "GET", &[("Authorization", &format!("Bearer {token}"))]);
    refused(403, "GET", &[authorization, ("Host", "evil.example")]);
    refused(
        403,
        "GET",
        &[authorization, ("Host", "127.0.0.1.evil.example:80")],
    );
    let two = [("Host", "127.0.0.1"), ("Host", "evil.example")];
    refused(403, "GET", &[authorization, two[0], two[1]]);
    refused(403, "GET", &[authorization, ("Origin", "http://127.0.0.1")]);
    refused(403, "GET", &[authorization, ("Sec-Fetch-Site", "none")]);
    refused(403, "OPTIONS", &[("Origin", "null")]);
    refused(405, "POST", &[authorization]);
    refused(405, "PUT", &[authorization, ("Content-Length", "99999999")]);
    for host in [
        "localhost:1",
        "[::1]:80",
        "host.docker.internal",
        "169.254.170.2",
    ] {
        let answer = endpoint.request("GET", &[authorization, ("Host", host)]);
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
    }
    let elsewhere = Endpoint {
        uri: format!("{}/x", endpoint.uri),
        token,
    };
    assert_eq!(elsewhere.get().status, 401);
    assert_eq!(endpoint.send("GET /work HTTP/1.0\r\n\r\n").status, 403);
    assert_eq!(endpoint.send("nonsense\r\n\r\n").status, 400);
    let headers = format!("Host: 127.0.0.1\r\nAuthorization: {}\r\n", endpoint.token);
    for (url, status) in [("http://127.0.0.1/work", 200), ("http://evil/work", 403)] {
        let answer = endpoint.send(&format!("GET {url} HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(answer.status, status, "{url}: {answer:?}");
    }
    let large = format!("GET /work HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!([0, 431].contains(&endpoint.send(&large).status));
    let many = format!("GET /work HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100));
    assert_eq!(endpoint.send(&many).status, 431);
    assert_eq!(endpoint.get().status, 200);
}

#[test]
fn slow_clients_keep_nobody_waiting() {
    let home = valid();
    let (_running, endpoint) = serving(&home, &["-p", "work"]);
    // Many more than there may be at the same time: for each new one, the oldest is closed.
    let mut slow: Vec<_> = (0..300).map(|_| endpoint.connect()).collect();
    let last = slow.last_mut().unwrap();
    last.write_all(b"GET /work HT").unwrap();
    let begin = Instant::now();
    assert_eq!(endpoint.get().status, 200);
    // The SDKs wait for one or two seconds.
    assert!(begin.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    let _ = slow.last_mut().unwrap().read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("Fake"));
    for _ in 0..200 {
        assert_eq!(endpoint.get().status, 200);
    }
}

#[test]
fn what_cannot_be_served_is_an_error_before_a_code_is_asked_for() {
    let home = Home::of_alice();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    home.run(&["serve", "-p", "work", "--listen", &address])
        .ends(
            1,
            &format!(
                "error: the server cannot listen on {address}: another program uses it\n\
             hint: name another port, or port 0 for any free one\n"
            ),
        );
    home.run(&["serve", "-p", "work", "--listen", "192.0.2.1:0"])
        .ends(
            1,
            "error: the server cannot listen on 192.0.2.1:0: this machine does not have the address\n\
         hint: name an address of this machine, such as 127.0.0.1:0\n",
        );
    home.run(&["serve", "-p", "work", "-p", "other", "--with-role", ADMIN])
        .ends(
            2,
            "error: --with-role needs one profile that assumes the roles, and several are named\n\
         hint: run a server for each profile\n",
        );
    home.run(&["serve", "-p", "work", "--with-role", "admin"])
        .ends(
            1,
            "error: `admin` (--with-role) is not a role ARN\n\
         hint: write it like arn:aws:iam::123456789012:role/NAME or 123456789012:NAME\n",
        );
    for flags in [
        &["--listen", "localhost"][..],
        &["--with-role", ADMIN, "--all"],
        &["--format", "process"],
    ] {
        let outcome = home
            .run(&[&["serve", "-p", "work"], flags].concat())
            .outcome();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    let home = valid();
    for signal in ["INT", "TERM", "HUP"] {
        let (running, _endpoint) = serving(&home, &["-p", "work"]);
        let kill = format!("kill -{signal} {}", running.id());
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", &kill])
            .status();
        assert!(status.unwrap().success());
        assert_eq!(running.end(), None, "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn it_goes_on_where_all_signals_are_ignored() {
    let home = valid();
    let script = "trap '' INT TERM HUP; exec \"$0\" serve -p work";
    let words = [
        "exec",
        "-p",
        "work",
        "--",
        "/bin/sh",
        "-c",
        script,
        binary(),
    ];
    let mut running = Running::begin(&home, home.run(&words));
    let endpoint = running.endpoint();
    assert_eq!(endpoint.get().status, 200, "{}", running.errors());
}
