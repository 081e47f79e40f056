//! A client that signs, and no more: it neither retries nor waits.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::http::HttpRequest;
use crate::service::Service;
use crate::signature::{ALGORITHM, Scope, TERMINATOR, signature};
use crate::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, StandIn};

/// Credentials, and what else a signature is made of.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) url: String,
    pub(super) access_key_id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) service: Service,
    pub(super) region: &'static str,
}

/// An answer, taken apart as far as the tests need it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    /// The text of the first element with this name.
    pub(super) fn text(&self, element: &str) -> &str {
        let (start, end) = (format!("<{element}>"), format!("</{element}>"));
        let inner = self.body.split_once(&start).map(|(_, rest)| rest);
        let inner = inner.and_then(|rest| rest.split_once(&end));
        inner.map_or("", |(text, _)| text)
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find_map(|(other, value)| other.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(super) fn expiration(&self) -> DateTime<Utc> {
        self.text("Expiration").parse().unwrap()
    }

    /// Status, code and message of an error.
    pub(super) fn error(&self) -> (u16, &str, &str) {
        (self.status, self.text("Code"), self.text("Message"))
    }
}

impl Client {
    pub(super) fn alice(stand_in: &StandIn) -> Self {
        Self::new(stand_in, ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
    }

    pub(super) fn new(stand_in: &StandIn, access_key_id: &str, secret: &str) -> Self {
        Self {
            url: stand_in.url(),
            access_key_id: access_key_id.to_owned(),
            secret: secret.to_owned(),
            token: None,
            date: None,
            service: Service::Sts,
            region: "eu-west-1",
        }
    }

    /// The same client with the credentials that an answer brought.
    pub(super) fn with(&self, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self {
            access_key_id: answer.text("AccessKeyId").to_owned(),
            secret: answer.text("SecretAccessKey").to_owned(),
            token: Some(answer.text("SessionToken").to_owned()),
            ..self.clone()
        }
    }

    /// The same client for IAM.
    pub(super) fn iam(&self) -> Self {
        Self {
            service: Service::Iam,
            region: "us-east-1",
            ..self.clone()
        }
    }

    pub(super) fn at(mut self, date: DateTime<Utc>) -> Self {
        self.date = Some(date);
        self
    }

    pub(super) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.try_call(action, parameters).unwrap()
    }

    pub(super) fn try_call(&self, action: &str, parameters: &[(&str, &str)]) -> io::Result<Answer> {
        let mut stream = self.connect()?;
        stream.write_all(&self.message(action, parameters))?;
        read_answer(&mut stream)
    }

    pub(super) fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.host())?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(stream)
    }

    /// The host and the port of the endpoint.
    pub(super) fn host(&self) -> &str {
        let (_, host) = self.url.split_once("://").unwrap();
        host
    }

    /// The signed request, as it goes over the wire.
    pub(super) fn message(&self, action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
        let mut body = format!("Action={action}&Version={}", self.service.version());
        for (name, value) in parameters {
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            write!(body, "&{name}={value}").unwrap();
        }
        let date = self.date.unwrap_or_else(Utc::now);
        let timestamp = date.format("%Y%m%dT%H%M%SZ").to_string();
        let host = self.host();
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", host),
            ("x-amz-date", &timestamp),
        ];
        if let Some(token) = &self.token {
            headers.push(("x-amz-security-token", token));
        }
        let signed_headers: Vec<_> = headers.iter().map(|(name, _)| (*name).to_owned()).collect();
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: headers.collect(),
            body: body.clone().into_bytes(),
            keep_alive: true,
        };
        let scope = Scope {
            date: date.format("%Y%m%d").to_string(),
            region: self.region.to_owned(),
            service: self.service.name().to_owned(),
            terminator: TERMINATOR.to_owned(),
        };
        let signature = signature(&request, &signed_headers, &scope, &timestamp, &self.secret);
        let mut message = "POST / HTTP/1.1\r\n".to_owned();
        for (name, value) in &request.headers {
            write!(message, "{name}: {value}\r\n").unwrap();
        }
        write!(
            message,
            "user-agent: test\r\nauthorization: {ALGORITHM} Credential={}/{}/{}/{}/\
             aws4_request, SignedHeaders={}, Signature={signature}\r\ncontent-length: {}\r\n\r\n\
             {body}",
            self.access_key_id,
            scope.date,
            scope.region,
            scope.service,
            signed_headers.join(";"),
            body.len(),
        )
        .unwrap();
        message.into_bytes()
    }
}

/// Reads one answer. An early end of the body is an error.
pub(super) fn read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.split_once("Content-Length: ").unwrap().1;
    let length = length.split_once('\r').unwrap().0.parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Answer {
        status: head[9..12].parse().unwrap(),
        head,
        body: String::from_utf8(body).unwrap(),
    })
}

/// Sets the stand-in's clock to the begin of a three-minute window, so that no step and no window
/// ends during a test, and returns a client of alice with the same clock.
pub(super) fn alice_at_a_quiet_time(stand_in: &StandIn) -> Client {
    let since = stand_in.now().timestamp().rem_euclid(180);
    stand_in.set_clock_offset(TimeDelta::seconds(181 - since));
    Client::alice(stand_in).at(stand_in.now())
}
