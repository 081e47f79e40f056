//! Requests in small pieces, two on a connection, too large, and broken ones.

use super::*;

/// A stream that hands out its input in small pieces, and keeps what is written.
struct Pieces<'a> {
    input: &'a [u8],
    output: Vec<u8>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(7).min(self.input.len());
        buffer[..count].copy_from_slice(&self.input[..count]);
        self.input = &self.input[count..];
        Ok(count)
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn connection(input: &[u8]) -> Connection<Pieces<'_>> {
    let output = Vec::new();
    Connection::new(Pieces { input, output })
}

#[test]
fn requests_follow_each_other_on_one_connection() {
    let mut connection = connection(
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=bPOST /x?y=z HTTP/1.1\r\nConnection: \
          close\r\n\r\n",
    );
    let first = connection.read_request().unwrap();
    assert_eq!(
        (first.body.as_slice(), first.keep_alive),
        (&b"a=b"[..], true)
    );
    assert!(connection.wait_for_request());
    let second = connection.read_request().unwrap();
    assert_eq!((second.path(), second.query()), ("/x", "y=z"));
    assert!(!second.keep_alive);
    assert!(!connection.wait_for_request());
}

#[test]
fn a_client_that_asks_is_told_to_continue() {
    let head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n";
    let message = format!("{head}{}", "a".repeat(20));
    let mut connection = connection(message.as_bytes());
    assert_eq!(connection.read_request().unwrap().body, [b'a'; 20]);
    assert_eq!(connection.stream.output, b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn sizes_are_bounded() {
    let refused = |input: &[u8]| match connection(input).read_request() {
        Err(ReadError::Refused(status)) => status,
        other => panic!("{other:?}"),
    };
    let long = format!("POST / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(HEADER_LIMIT));
    assert_eq!(refused(long.as_bytes()), 431);
    let many = format!("POST / HTTP/1.1\r\n{}\r\n", "A: a\r\n".repeat(65));
    assert_eq!(refused(many.as_bytes()), 431);
    assert_eq!(
        refused(b"POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"),
        413
    );
    assert_eq!(
        refused(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        411
    );
    assert_eq!(
        refused(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        400
    );
    assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), 400);
}

#[test]
fn a_request_that_stops_midway_is_broken() {
    for input in [
        &b"POST / HT"[..],
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\na",
    ] {
        let result = connection(input).read_request();
        assert!(matches!(result, Err(ReadError::Broken)));
    }
}
