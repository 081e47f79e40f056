//! HTTP/1.1 over any byte stream. It knows nothing of AWS, so that TLS can come below it and other
//! services above it.

use std::io::{self, Read, Write};

const HEADER_LIMIT: usize = 16 * 1024;
const BODY_LIMIT: usize = 64 * 1024;
const HEADER_COUNT_LIMIT: usize = 64;

/// A request that was read whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

impl HttpRequest {
    pub(crate) fn path(&self) -> &str {
        let (path, _) = self.target.split_once('?').unwrap_or((&self.target, ""));
        path
    }

    pub(crate) fn query(&self) -> &str {
        let (_, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        query
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let same_name = move |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        let headers = self.headers.iter().filter(same_name);
        headers.map(|(_, value)| value.as_str())
    }
}

/// A response before it goes out. The length and the connection headers are added then.
#[derive(Clone, Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl HttpResponse {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type", content_type.to_owned())];
        let body = body.into();
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Everything up to the body.
    fn head(&self, keep_alive: bool) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        let connection = if keep_alive { "keep-alive" } else { "close" };
        head.push_str("Connection: ");
        head.push_str(connection);
        head.push_str("\r\nContent-Length: ");
        head.push_str(&self.body.len().to_string());
        head.push_str("\r\n\r\n");
        head
    }
}

/// What a status is called.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The other side sent something that is answered with this status.
    Refused(u16),
    /// The other side went away, or was silent for too long.
    Broken,
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// One connection, with what was read of the next request.
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    /// Waits until a request begins. False if none comes.
    ///
    /// It takes a single byte, so that the request is still unread.
    pub(crate) fn wait_for_request(&mut self) -> bool {
        !self.buffer.is_empty() || self.fill(1).is_ok()
    }

    /// Reads one request.
    pub(crate) fn read_request(&mut self) -> Result<HttpRequest, ReadError> {
        let (mut request, body_start) = loop {
            if let Some(parsed) = parse_head(&self.buffer)? {
                break parsed;
            }
            if self.buffer.len() >= HEADER_LIMIT {
                return Err(ReadError::Refused(431));
            }
            self.fill(HEADER_LIMIT - self.buffer.len())?;
        };
        let body_end = body_start + body_length(&request)?;
        let waits_for_us = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if waits_for_us && self.buffer.len() < body_end {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        while self.buffer.len() < body_end {
            self.fill(body_end - self.buffer.len())?;
        }
        request.body = self.buffer[body_start..body_end].to_vec();
        self.buffer.drain(..body_end);
        Ok(request)
    }

    /// Sends the whole response.
    pub(crate) fn write(&mut self, response: &HttpResponse, keep_alive: bool) -> io::Result<()> {
        let message = response.head(keep_alive) + &response.body;
        self.stream.write_all(message.as_bytes())?;
        self.stream.flush()
    }

    /// Promises the whole response, and sends half of the body.
    pub(crate) fn write_half(&mut self, response: &HttpResponse) -> io::Result<()> {
        let mut message = response.head(false).into_bytes();
        message.extend_from_slice(&response.body.as_bytes()[..response.body.len() / 2]);
        self.stream.write_all(&message)?;
        self.stream.flush()
    }

    /// The stream, and what was read of it and not used.
    pub(crate) fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.buffer)
    }

    fn fill(&mut self, limit: usize) -> io::Result<()> {
        let mut chunk = [0; 4096];
        let limit = limit.min(chunk.len());
        match self.stream.read(&mut chunk[..limit])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }
}

/// The request line and the headers, and where the body begins; None if there is more to read.
fn parse_head(bytes: &[u8]) -> Result<Option<(HttpRequest, usize)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_COUNT_LIMIT];
    let mut parsed = httparse::Request::new(&mut headers);
    let body_start = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(body_start)) => body_start,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(ReadError::Refused(431)),
        Err(_) => return Err(ReadError::Refused(400)),
    };
    if body_start > HEADER_LIMIT {
        return Err(ReadError::Refused(431));
    }
    let headers = parsed.headers.iter();
    let mut request = HttpRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: headers
            .map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_owned(), value)
            })
            .collect(),
        body: Vec::new(),
        keep_alive: parsed.version == Some(1),
    };
    if request
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    {
        request.keep_alive = false;
    }
    Ok(Some((request, body_start)))
}

fn body_length(request: &HttpRequest) -> Result<usize, ReadError> {
    if request.header("transfer-encoding").is_some() {
        return Err(ReadError::Refused(411));
    }
    let Some(length) = request.header("content-length") else {
        return Ok(0);
    };
    match length.parse::<usize>() {
        Ok(length) if length <= BODY_LIMIT => Ok(length),
        Ok(_) => Err(ReadError::Refused(413)),
        Err(_) => Err(ReadError::Refused(400)),
    }
}

#[cfg(test)]
mod tests;
