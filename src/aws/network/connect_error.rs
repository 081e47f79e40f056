//! Explains why a request did not reach the service.

use chrono::{DateTime, Utc};

use super::lookup::LookupError;
use super::request_context::RequestContext;
use crate::core::error::Failure;
use crate::core::shell_words::{self, CHECK_THE_CLOCK};
use crate::plan::{Proxy, Route, Setting};

/// What keeps this machine from reaching the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConnectError {
    /// The name has no address.
    Lookup(LookupError),
    /// Nothing listens there.
    Refused,
    /// There is no route.
    NoNetwork,
    /// The connection timed out.
    NoConnection,
    /// The connection failed for another reason.
    Failed,
    /// The certificate is not trusted.
    Distrust(CertificateProblem, Option<Box<Presented>>),
    /// The server does not use TLS, or shares no version or cipher with mfa-creds.
    NoTls,
    /// The proxy does not allow it.
    Proxy(ProxyAnswer),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateProblem {
    UnknownIssuer,
    Expired,
    NotYetValid,
    WrongName,
    /// In the words of the TLS library.
    Other(String),
}

/// What a certificate claims, true or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presented {
    pub subject: String,
    pub issuer: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// The hosts that the certificate is for.
    pub names: Vec<String>,
}

/// The response of a proxy that does not allow a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProxyAnswer {
    /// The status, if known.
    pub status: Option<u16>,
    /// The authentication schemes that it accepts.
    pub schemes: Vec<String>,
}

/// The status of a proxy that requires authentication.
pub(super) const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

const LOGIN_PAGE: &str =
    "the network may redirect to a login page: open a web page, and check the endpoint with -v";

impl ConnectError {
    /// Whether a retry may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Lookup(_)
            | Self::Refused
            | Self::NoNetwork
            | Self::NoConnection
            | Self::Failed => true,
            Self::Distrust(..) | Self::NoTls | Self::Proxy(_) => false,
        }
    }

    pub(super) fn explain(&self, request: &RequestContext<'_>, route: &Route) -> Failure {
        let (service, host) = (request.connection.service.name(), route.host());
        match (self, &route.proxy) {
            (Self::Proxy(answer), Some(proxy)) => answer.explain(proxy, &format!("{service} at {host}")),
            (Self::Distrust(problem, presented), _) => {
                let why = problem.sentence(presented.as_deref(), route);
                Failure::new(format!("{service} at {host} is not trusted: {why}"))
                    .hint(problem.hint(request))
            }
            (Self::NoTls, _) => Failure::new(format!(
                "{service} at {host} cannot be reached: the server does not offer a TLS connection that mfa-creds supports"
            ))
            .hint(LOGIN_PAGE),
            (Self::NoConnection | Self::Failed, Some(proxy)) => Failure::new(format!(
                "{service} at {host} cannot be reached through the proxy {} ({}): {}",
                proxy.value,
                proxy.origin,
                self.words()
            ))
            .hint(format!(
                "check the network and the proxy's address, or {} if there is no proxy",
                shell_words::unset(&proxy.origin.to_string())
            )),
            (_, Some(proxy)) => Failure::new(format!(
                "the proxy {} ({}) cannot be reached: {}",
                proxy.value,
                proxy.origin,
                self.words()
            ))
            .hint(if request.connection.is_local() {
                format!("add {} to NO_PROXY: {host} needs no proxy", route.url.host().unwrap_or_default())
            } else {
                format!("check its address, or {} if there is no proxy", shell_words::unset(&proxy.origin.to_string()))
            }),
            (_, None) => Failure::new(format!(
                "{service} at {host} cannot be reached: {}",
                self.words()
            ))
            .hint(self.hint(request)),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Lookup(error) => error.words(),
            Self::Refused => "connection refused",
            Self::NoNetwork => "the network is unreachable",
            Self::NoConnection => "the connection timed out",
            Self::Failed | Self::Distrust(..) | Self::NoTls | Self::Proxy(_) => {
                "the connection failed"
            }
        }
    }

    fn hint(&self, request: &RequestContext<'_>) -> String {
        let region = &request.connection.region;
        let given = request.connection.endpoint_url.as_ref();
        let place = match given {
            Some(url) => format!("the endpoint ({})", url.origin),
            None => format!("the region {} ({})", region.value, region.origin),
        };
        match self {
            Self::Lookup(LookupError::UnknownName) => format!("check the network, and {place}"),
            Self::Lookup(LookupError::NoDns) => "check the network, and its DNS servers".to_owned(),
            Self::Refused => format!("check {place}"),
            Self::NoNetwork => "check the network".to_owned(),
            _ => {
                format!("check the network, and {place}; behind a company's proxy, set HTTPS_PROXY")
            }
        }
    }
}

impl CertificateProblem {
    fn sentence(&self, presented: Option<&Presented>, route: &Route) -> String {
        let Some(presented) = presented else {
            return match self {
                Self::UnknownIssuer => "the issuer of its certificate is unknown".to_owned(),
                Self::Expired => "its certificate has expired".to_owned(),
                Self::NotYetValid => "its certificate is not valid yet".to_owned(),
                Self::WrongName => "its certificate is for another host".to_owned(),
                Self::Other(why) => format!("its certificate is invalid ({why})"),
            };
        };
        let Presented {
            subject, issuer, ..
        } = presented;
        match self {
            Self::UnknownIssuer if subject == issuer => {
                format!("its certificate ({subject}) is self-signed")
            }
            Self::UnknownIssuer => {
                format!("its certificate ({subject}) has an unknown issuer ({issuer})")
            }
            Self::Expired => format!(
                "its certificate ({subject}, issued by {issuer}) expired on {}",
                presented.not_after.format("%F")
            ),
            Self::NotYetValid => format!(
                "its certificate ({subject}, issued by {issuer}) is not valid before {}",
                presented.not_before.format("%F")
            ),
            Self::WrongName => format!(
                "its certificate (issued by {issuer}) is for {}, not for {}",
                some(&presented.names, subject),
                route.url.host().unwrap_or_default()
            ),
            Self::Other(why) => {
                format!("its certificate ({subject}, issued by {issuer}) is invalid ({why})")
            }
        }
    }

    fn hint(&self, request: &RequestContext<'_>) -> String {
        match (self, &request.connection.ca_bundle) {
            (Self::UnknownIssuer, Some(bundle)) => format!(
                "if that is your company's proxy, add its CA certificate to {} ({})",
                bundle.value, bundle.origin
            ),
            (Self::UnknownIssuer, None) if rustls_native_certs::load_native_certs().certs.is_empty() => {
                "no CA certificates are installed: install ca-certificates, or set AWS_CA_BUNDLE to a PEM file".to_owned()
            }
            (Self::UnknownIssuer, None) => {
                "if that is your company's proxy, set AWS_CA_BUNDLE, or ca_bundle in ~/.aws/config, to a file with its CA certificate".to_owned()
            }
            (Self::Expired | Self::NotYetValid, _) => {
                format!("{CHECK_THE_CLOCK}; if it is right, the server needs a new certificate")
            }
            (Self::WrongName, _) => {
                LOGIN_PAGE.to_owned()
            }
            (Self::Other(_), _) => "ask the administrator of that server, or of a proxy in between, to replace it".to_owned(),
        }
    }
}

impl ProxyAnswer {
    pub(super) fn explain(&self, proxy: &Setting<Proxy>, what: &str) -> Failure {
        let Setting { value, origin } = proxy;
        let name = format!("the proxy {value} ({origin})");
        match self.status {
            Some(PROXY_AUTHENTICATION_REQUIRED) => {
                let basic = self.schemes.is_empty()
                    || self
                        .schemes
                        .iter()
                        .any(|scheme| scheme.eq_ignore_ascii_case("basic"));
                if !basic {
                    return Failure::new(format!(
                        "{name} requires {}, which mfa-creds does not support",
                        self.schemes.join(" or ")
                    ))
                    .hint("use a local proxy that supports it, such as px or cntlm");
                }
                if value.authorization().is_some() {
                    Failure::new(format!("{name} rejected the user and password")).hint(format!(
                        "check them in {origin}; write special characters like %40"
                    ))
                } else {
                    Failure::new(format!("{name} requires a user and password")).hint(format!(
                        "add them to {origin}, like http://USER:PASSWORD@proxy.example:3128"
                    ))
                }
            }
            Some(status @ 500..) => Failure::new(format!(
                "{name} cannot reach {what}: it returned {status}"
            ))
            .hint("ask the proxy's administrator, or check the region and the endpoint with -v"),
            status => {
                let status =
                    status.map_or_else(String::new, |status| format!(": it returned {status}"));
                Failure::new(format!(
                    "{name} does not allow connections to {what}{status}"
                ))
                .hint("ask the proxy's administrator to allow that host, or add it to NO_PROXY")
            }
        }
    }
}

/// The first of some names.
fn some(names: &[String], otherwise: &str) -> String {
    const SHOWN: usize = 3;
    match names.len() {
        0 => otherwise.to_owned(),
        count if count > SHOWN => format!("{} and others", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
