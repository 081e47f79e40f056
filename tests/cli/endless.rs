//! Answers that have no end, and what a process leaves behind that is ended while it contains secrets.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use signal_hook::consts::SIGILL;

use crate::support::home::{Home, binary};
use crate::support::sections::{FAR, long_term, short_term};
use crate::support::spawning::spawning;

/// Far more than any answer, and than what waits in the buffers of sockets.
const MOST: usize = 32 * 1024 * 1024;

/// A server that answers each request with a beginning, and then with the same again and again. The address, and how much was taken
/// of it in the end, all connections together, of which there are so many.
fn endless(begin: &str, again: &str, connections: usize) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (begin, again) = (begin.to_owned(), again.repeat(1 + 65_536 / again.len()));
    let server = thread::spawn(move || {
        let serve = |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let _ = stream.write_all(begin.as_bytes());
            let mut sent = 0;
            while sent < MOST && stream.write_all(again.as_bytes()).is_ok() {
                sent += again.len();
            }
            sent
        };
        let accepted = listener.incoming().take(connections);
        accepted.map(|stream| serve(stream.unwrap())).sum()
    });
    (address, server)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n";

#[test]
fn no_answer_of_aws_is_read_to_its_end() {
    for (begin, again, said) in [
        (
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n"),
            format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)),
            "it is too long\nhint: ",
        ),
        (
            format!("{HEAD}Content-Length: 999999999999\r\n\r\n"),
            "x".to_owned(),
            "it is too long\nhint: ",
        ),
        (
            format!("{HEAD}\r\n"),
            "x".to_owned(),
            "it is too long\nhint: ",
        ),
        (format!("{HEAD}X-Long: "), "x".to_owned(), "\nhint: "),
        (HEAD.to_owned(), "X-Many: x\r\n".to_owned(), "\nhint: "),
        ("HTTP/1.1 200 ".to_owned(), "O".to_owned(), "\nhint: "),
    ] {
        let (address, server) = endless(&begin, &again, 1);
        let home = Home::of_alice();
        let outcome = home
            .run(&["-p", "work", "--timeout", "5"])
            .env("AWS_ENDPOINT_URL_STS", &format!("http://{address}"))
            .env("MFA_TOKEN", "123456")
            .outcome();
        assert_eq!(outcome.status, Some(1), "{begin}: {outcome:?}");
        assert!(outcome.stderr.contains(said), "{begin}: {outcome:?}");
        let taken = server.join().unwrap();
        assert!(taken < MOST, "{begin}: {taken}");
        assert_eq!(home.credentials(), long_term("work"));
    }
}

#[test]
fn interim_answers_without_end_are_given_up_in_time() {
    let (address, server) = endless("", "HTTP/1.1 100 Continue\r\n\r\n", 1);
    let home = Home::of_alice();
    let outcome = home
        .run(&["-p", "work", "--timeout", "1"])
        .env("AWS_ENDPOINT_URL_STS", &format!("http://{address}"))
        .env("MFA_TOKEN", "123456")
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    // A fast program has read all that the server has to say before its time is over.
    let said = [
        "did not respond within 1 s (--timeout)\n",
        " was interrupted\n",
    ];
    assert!(
        said.iter().any(|said| outcome.stderr.contains(said)),
        "{outcome:?}"
    );
    server.join().unwrap();
}

#[test]
fn no_answer_of_a_proxy_is_read_to_its_end() {
    for (begin, again) in [
        ("HTTP/1.1 200 Connection established\r\nX-Long: ", "x"),
        ("HTTP/1.1 200 Connection established\r\n", "X-Many: x\r\n"),
        ("HTTP/1.1 407 ", "x"),
        ("", "x"),
    ] {
        // The second look is a connection of its own.
        let (address, _server) = endless(begin, again, 9);
        let home = Home::of_alice();
        let outcome = home
            .run(&["-p", "work", "--timeout", "5"])
            .env("HTTPS_PROXY", &format!("http://{address}"))
            .without_env("AWS_ENDPOINT_URL_IAM")
            .env("AWS_REGION", "us-east-1")
            .env("MFA_TOKEN", "123456")
            .outcome();
        assert_eq!(outcome.status, Some(1), "{begin}: {outcome:?}");
        assert!(outcome.stderr.contains("\nhint: "), "{outcome:?}");
    }
}

#[test]
fn a_command_has_the_core_limit_of_whoever_called() {
    let home = Home::with(&short_term("work", FAR));
    let script = "ulimit -Sc";
    let here = Command::new("sh").args(["-c", script]).output().unwrap();
    let here = String::from_utf8(here.stdout).unwrap();
    home.run(&["exec", "-q", "-p", "work", "--", "sh", "-c", script])
        .prints(&here, "");
}

#[test]
fn a_process_that_holds_secrets_leaves_no_core_dump() {
    let home = Home::of_alice();
    let (waits, begun) = (home.path().join("waits"), home.path().join("begun"));
    for file in [&waits, &begun] {
        assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    }
    // It has the keys, and waits for a code.
    let process = format!(
        "echo >{}; read -r code <{}",
        begun.display(),
        waits.display()
    );
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            "ulimit -c unlimited 2>&-; exec \"$0\" -q -p work",
            binary(),
        ])
        .env_clear()
        .env("HOME", home.path())
        .env("MFA_PROCESS", &process)
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = spawning(|| command.spawn().unwrap());
    fs::read(&begun).unwrap();
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-ILL", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(SIGILL), "{status:?}");
    assert!(!status.core_dumped(), "{status:?}");
    // So that the command ends, too.
    fs::write(&waits, "\n").unwrap();
}
