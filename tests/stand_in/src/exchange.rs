//! From an HTTP request to its response: which service answers, which fault strikes, and what is
//! kept for the test to look at.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::Account;
use crate::answers::{Answer, Wording};
use crate::cloud::Cloud;
use crate::errors::AwsError;
use crate::faults::{Fault, Faults};
use crate::http::{HttpRequest, HttpResponse};
use crate::parameters::Parameters;
use crate::service::Service;
use crate::signature::Authorization;
use crate::{logins, sign_in};

/// A request that the stand-in got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The action, such as `GetSessionToken`; empty if the request could not be read.
    pub action: String,
    /// All parameters, `Action` and `Version` too.
    pub parameters: BTreeMap<String, String>,
    /// The access key ID that signed the request, if any did.
    pub access_key_id: Option<String>,
    /// The region in the credential scope.
    pub region: Option<String>,
    /// The service in the credential scope.
    pub service: Option<String>,
    /// The `User-Agent` header, or an empty text.
    pub user_agent: String,
    /// The HTTP status that was answered; None if nothing was, or not yet.
    pub status: Option<u16>,
    /// AWS's code of the error, such as `AccessDenied`, even if it was not delivered; of AWS Sign-In,
    /// its `error`, such as `TOKEN_EXPIRED`.
    pub error_code: Option<String>,
}

impl Request {
    /// The value of a parameter, if it was given.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    fn unread() -> Self {
        Self {
            action: String::new(),
            parameters: BTreeMap::new(),
            access_key_id: None,
            region: None,
            service: None,
            user_agent: String::new(),
            status: None,
            error_code: None,
        }
    }

    fn read(request: &HttpRequest, parameters: &Parameters) -> Self {
        let header = request.header("authorization");
        let authorization = header.and_then(Authorization::parse);
        let scope = authorization.as_ref().map(|it| &it.scope);
        Self {
            action: parameters.get("Action").unwrap_or_default().to_owned(),
            parameters: parameters.0.clone(),
            region: scope.map(|scope| scope.region.clone()),
            service: scope.map(|scope| scope.service.clone()),
            access_key_id: authorization.map(|it| it.access_key_id),
            user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
            ..Self::unread()
        }
    }
}

/// How a response goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// At once and whole.
    Whole,
    /// Whole, after some time.
    After(Duration),
    /// Half of the body.
    Half,
    /// Not at all.
    Never,
}

/// A response, and the number of the request that it belongs to.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) number: usize,
    pub(crate) response: HttpResponse,
    pub(crate) delivery: Delivery,
}

/// Everything that the connections share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cloud: Cloud,
    /// What the addresses begin with.
    scheme: &'static str,
    pub(crate) clock_offset: TimeDelta,
    pub(crate) faults: Faults,
    pub(crate) requests: Vec<Request>,
    /// Whether connections are closed after each answer, though nothing says so.
    pub(crate) hangs_up: bool,
    /// How many connections ended before they came to speak TLS.
    pub(crate) handshakes_failed: usize,
}

impl State {
    pub(crate) fn new(account: Account, scheme: &'static str) -> Self {
        Self {
            cloud: Cloud::new(account),
            scheme,
            clock_offset: TimeDelta::zero(),
            faults: Faults::default(),
            requests: Vec::new(),
            hangs_up: false,
            handshakes_failed: 0,
        }
    }

    /// The time by the stand-in's clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.clock_offset
    }

    /// Notes a request that nobody read, and says its number.
    pub(crate) fn note_unread(&mut self) -> usize {
        self.note(Request::unread())
    }

    /// Notes that a request is being answered.
    pub(crate) fn note_answer(&mut self, number: usize, status: u16) {
        self.requests[number].status = Some(status);
    }

    /// Answers what could not be read as a request.
    pub(crate) fn refuse(&mut self, status: u16) -> HttpResponse {
        let number = self.note_unread();
        self.note_answer(number, status);
        self.respond(number, status, "")
    }

    /// Carries a request out, as far as its fault lets it.
    pub(crate) fn reply(&mut self, request: &HttpRequest, fault: Option<&Fault>) -> Reply {
        let mut parameters = if request.path() == logins::PATH {
            logins::parameters(&request.body)
        } else {
            Parameters::parse(&String::from_utf8_lossy(&request.body))
        };
        parameters.0.extend(Parameters::parse(request.query()).0);
        let number = self.note(Request::read(request, &parameters));
        let response = match (fault.and_then(Fault::page), fault) {
            (Some(page), _) => page,
            (None, Some(Fault::Empty200)) => self.respond(number, 200, ""),
            (None, _) => self.answer(number, request, &parameters, fault),
        };
        let delivery = match fault {
            Some(Fault::Hang(time) | Fault::Stalled(time)) => Delivery::After(*time),
            Some(Fault::Truncated) => Delivery::Half,
            Some(Fault::ResetAfterSpending) => Delivery::Never,
            _ => Delivery::Whole,
        };
        Reply {
            number,
            response,
            delivery,
        }
    }

    fn answer(
        &mut self,
        number: usize,
        request: &HttpRequest,
        parameters: &Parameters,
        fault: Option<&Fault>,
    ) -> HttpResponse {
        if request.path() == sign_in::PATH {
            let now = self.now();
            return self.cloud.sign_in(request, parameters, now);
        }
        if request.path() == logins::PATH {
            return self.refresh_login(number, request, parameters, fault);
        }
        if request.path() != "/" {
            return self.respond(number, 404, "<UnknownOperationException/>\n");
        }
        let request_id = request_id(number);
        let service = Service::of(parameters.get("Version"));
        match self.result(request, parameters, fault) {
            Ok(answer) => self.respond(number, 200, answer.render(&request_id, wording(fault))),
            Err(error) => {
                self.requests[number].error_code = Some(error.code.to_owned());
                self.respond(number, error.status, error.render(service, &request_id))
            }
        }
    }

    /// Refreshes a session of `aws login`.
    fn refresh_login(
        &mut self,
        number: usize,
        request: &HttpRequest,
        parameters: &Parameters,
        fault: Option<&Fault>,
    ) -> HttpResponse {
        let now = self.now();
        if let Some(Fault::Overtaken(file)) = fault {
            let cache = fs::read_to_string(file).expect("a cache file");
            fs::write(file, self.cloud.refreshed(&cache, now)).expect("a cache file");
        }
        let error = fault.and_then(|fault| fault.error(&self.cloud.account.id));
        let result = error.map_or_else(
            || {
                self.cloud
                    .create_token(request, self.scheme, parameters, now)
            },
            Err,
        );
        let response = match result {
            Ok(tokens) => tokens.response(fault != Some(&Fault::NoCredentials)),
            Err(error) => {
                self.requests[number].error_code = Some(error.code.to_owned());
                logins::refusal(&error)
            }
        };
        response
            .header("x-amzn-RequestId", request_id(number))
            .header("Date", date(now))
    }

    /// A response of the service, with the headers that all of them have.
    fn respond(&self, number: usize, status: u16, body: impl Into<String>) -> HttpResponse {
        HttpResponse::new(status, "text/xml", body)
            .header("x-amzn-RequestId", request_id(number))
            .header("Date", date(self.now()))
    }

    fn result(
        &mut self,
        request: &HttpRequest,
        parameters: &Parameters,
        fault: Option<&Fault>,
    ) -> Result<Answer, AwsError> {
        let works_in_every_region = parameters.get("Action") == Some("GetCallerIdentity");
        match fault.and_then(|fault| fault.error(&self.cloud.account.id)) {
            Some(_) if fault == Some(&Fault::RegionDisabled) && works_in_every_region => {}
            Some(error) => return Err(error),
            None => {}
        }
        let now = self.now();
        self.cloud.answer(request, parameters, now)
    }

    fn note(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.requests.len() - 1
    }
}

fn date(moment: DateTime<Utc>) -> String {
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn request_id(number: usize) -> String {
    format!("fa4efa4e-0000-4000-8000-{number:012x}")
}

fn wording(fault: Option<&Fault>) -> Wording {
    match fault {
        Some(Fault::Fractional) => Wording::FractionalExpiration,
        Some(Fault::NoCredentials) => Wording::NoCredentials,
        _ => Wording::Aws,
    }
}
