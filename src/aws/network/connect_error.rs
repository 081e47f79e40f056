//! Explains why a request did not reach the service.

use chrono::{DateTime, Utc};

use super::request_context::RequestContext;
use crate::core::error::Failure;
use crate::plan::{Proxy, Route, Setting};

/// What stands between this machine and the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConnectError {
    /// Nobody knows the name.
    UnknownName,
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    NoNetwork,
    /// The connection did not come about in time.
    NoConnection,
    /// The connection did not come about, whatever the reason.
    Failed,
    /// The certificate is not trusted.
    Distrust(CertificateProblem, Option<Box<Presented>>),
    /// What answers speaks something else than TLS, or cannot agree on how.
    NoTls,
    /// The proxy does not let it through.
    Proxy(ProxyAnswer),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateProblem {
    UnknownIssuer,
    Expired,
    NotYetValid,
    WrongName,
    /// As the TLS library calls it.
    Other(String),
}

/// What a server says of itself, be it true or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presented {
    pub subject: String,
    pub issuer: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// The hosts that the certificate is for.
    pub names: Vec<String>,
}

/// What a proxy answers that does not let a request through.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProxyAnswer {
    /// The status, where it is known.
    pub status: Option<u16>,
    /// How it wants to be told who asks.
    pub schemes: Vec<String>,
}

/// A proxy wants to know who asks.
pub(super) const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

impl ConnectError {
    /// Whether it may be gone in a moment.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::UnknownName
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
                "{service} at {host} cannot be reached: what answers there speaks no TLS that is known here"
            ))
            .hint("is there a proxy or a login page in between? open a web page, and look at the endpoint with -v"),
            (Self::NoConnection | Self::Failed, Some(proxy)) => Failure::new(format!(
                "{service} at {host} cannot be reached through the proxy {} ({}): {}",
                proxy.value,
                proxy.origin,
                self.words()
            ))
            .hint(format!(
                "check the network and the proxy's address, or unset {} where there is no proxy",
                proxy.origin
            )),
            (_, Some(proxy)) => Failure::new(format!(
                "the proxy {} ({}) cannot be reached: {}",
                proxy.value,
                proxy.origin,
                self.words()
            ))
            .hint(if request.connection.is_local() {
                format!("for {host}, none is needed: add {} to NO_PROXY", route.url.host().unwrap_or_default())
            } else {
                format!("check its address, or unset {} where there is no proxy", proxy.origin)
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
            Self::UnknownName => "its name is not known to the DNS",
            Self::Refused => "connection refused",
            Self::NoNetwork => "there is no network",
            Self::NoConnection => "no connection in time",
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
            Self::UnknownName => format!("check the network, and {place}"),
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
                Self::UnknownIssuer => "nobody knows who issued its certificate".to_owned(),
                Self::Expired => "its certificate has expired".to_owned(),
                Self::NotYetValid => "its certificate is not valid yet".to_owned(),
                Self::WrongName => "its certificate is for another host".to_owned(),
                Self::Other(why) => format!("its certificate has a flaw ({why})"),
            };
        };
        let Presented {
            subject, issuer, ..
        } = presented;
        match self {
            Self::UnknownIssuer if subject == issuer => {
                format!("its certificate ({subject}) is issued by nobody but itself")
            }
            Self::UnknownIssuer => {
                format!(
                    "its certificate ({subject}) is issued by {issuer}, which is not known here"
                )
            }
            Self::Expired => format!(
                "its certificate ({subject}, issued by {issuer}) ended on {}",
                presented.not_after.format("%F")
            ),
            Self::NotYetValid => format!(
                "its certificate ({subject}, issued by {issuer}) begins on {}",
                presented.not_before.format("%F")
            ),
            Self::WrongName => format!(
                "its certificate (issued by {issuer}) is for {}, not for {}",
                some(&presented.names, subject),
                route.url.host().unwrap_or_default()
            ),
            Self::Other(why) => {
                format!("its certificate ({subject}, issued by {issuer}) has a flaw ({why})")
            }
        }
    }

    fn hint(&self, request: &RequestContext<'_>) -> String {
        match (self, &request.connection.ca_bundle) {
            (Self::UnknownIssuer, Some(bundle)) => format!(
                "if that is your company's proxy, its CA certificate belongs into {} ({})",
                bundle.value, bundle.origin
            ),
            (Self::UnknownIssuer, None) if rustls_native_certs::load_native_certs().certs.is_empty() => {
                "no CA certificates are installed here: install ca-certificates, or set AWS_CA_BUNDLE to a file of them".to_owned()
            }
            (Self::UnknownIssuer, None) => {
                "if that is your company's proxy, set AWS_CA_BUNDLE, or ca_bundle in ~/.aws/config, to a file with its CA certificate".to_owned()
            }
            (Self::Expired | Self::NotYetValid, _) => {
                "is the clock of this machine right? see `date -u`; if it is, whoever runs that server has to renew it".to_owned()
            }
            (Self::WrongName, _) => {
                "is there a login page of a network in between? open a web page, and look at the endpoint with -v".to_owned()
            }
            (Self::Other(_), _) => "whoever runs that server, or the proxy in between, has to make another".to_owned(),
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
                        "{name} wants {}, which is not spoken here",
                        self.schemes.join(" or ")
                    ))
                    .hint("a local proxy such as px or cntlm speaks it for you");
                }
                if value.authorization().is_some() {
                    Failure::new(format!("{name} does not take its user and password")).hint(
                        format!("check them in {origin}; special characters are written like %40"),
                    )
                } else {
                    Failure::new(format!("{name} wants a user and a password")).hint(format!(
                        "write them into {origin}, like http://USER:PASSWORD@proxy.example:3128"
                    ))
                }
            }
            Some(status @ 500..) => Failure::new(format!(
                "{name} cannot reach {what}: it answers {status}"
            ))
            .hint("ask whoever runs the proxy, or check the region and the endpoint with -v"),
            status => {
                let status =
                    status.map_or_else(String::new, |status| format!(": it answers {status}"));
                Failure::new(format!("{name} does not let through to {what}{status}"))
                    .hint("ask whoever runs the proxy to allow that host, or name it in NO_PROXY")
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
