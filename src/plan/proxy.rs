//! Decides which proxy a request goes through. The HTTP library decides which hosts `NO_PROXY` matches.

use std::fmt;

use anyhow::{Result, bail};
use http::Uri;
use http::header::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::core::credentials::Secret;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::plan::setting::{Setting, first, variable};

/// The port of a proxy whose URL names none: that of plain HTTP.
const DEFAULT_PORT: u16 = 80;
/// The same for a proxy that is reached over TLS.
const DEFAULT_PORT_OVER_TLS: u16 = 443;

const NOT_A_URL: &str = "it is not a valid URL";

/// The proxies that the environment names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proxies {
    https: Option<Setting<Secret>>,
    http: Option<Setting<Secret>>,
    /// Hosts that are reached without a proxy.
    exceptions: Option<Setting<String>>,
}

/// A proxy, with its user and password, if any. Messages never show those.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    url: Secret,
    /// Scheme, host and port.
    shown: String,
}

impl Proxies {
    /// Upper case comes before lower case, as in the AWS SDK for Rust.
    pub(super) fn of_environment(environment: &Environment) -> Self {
        let secret = |names: [&'static str; 4]| {
            let chosen = first(names.map(|name| variable(environment, name)));
            chosen.map(|Setting { value, origin }| Setting {
                value: Secret::new(value),
                origin,
            })
        };
        // In a CGI script, HTTP_PROXY comes from a header of the request: <https://httpoxy.org>.
        let is_cgi = environment.text("REQUEST_METHOD").is_some();
        Self {
            https: secret(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            http: secret(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
                .filter(|_| !is_cgi),
            exceptions: first(["NO_PROXY", "no_proxy"].map(|name| variable(environment, name))),
        }
    }

    /// The proxy for a URL; none if it is reached without one.
    pub(super) fn of(&self, url: &Uri) -> Result<Option<Setting<Proxy>>> {
        let of_scheme = match url.scheme_str() {
            Some("http") => &self.http,
            _ => &self.https,
        };
        let Some(Setting { value, origin }) = of_scheme else {
            return Ok(None);
        };
        if self.exception(url).is_some() {
            return Ok(None);
        }
        match Proxy::parse(value.expose()) {
            Ok(value) => Ok(Some(Setting {
                value,
                origin: origin.clone(),
            })),
            Err(problem) => bail!(
                Failure::new(format!("the proxy in {origin} cannot be used: {problem}"))
                    .hint("write it like http://proxy.example:3128, or unset it")
            ),
        }
    }

    /// The setting that exempts a URL from the proxy.
    pub fn exception(&self, url: &Uri) -> Option<&Setting<String>> {
        let exceptions = self.exceptions.as_ref()?;
        // Other tools also accept `*.`.
        let list = exceptions.value.replace("*.", ".");
        // In the library, `*` matches all names, but no address.
        if list.split(',').any(|entry| entry.trim() == "*") {
            return Some(exceptions);
        }
        let any = Matcher::builder()
            .all("http://proxy.invalid")
            .no(list)
            .build();
        any.intercept(url).is_none().then_some(exceptions)
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let uri: Uri = url.parse().map_err(|_invalid| NOT_A_URL)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(scheme) if scheme.starts_with("socks") => {
                return Err("it is a SOCKS proxy, and mfa-creds supports only HTTP proxies");
            }
            _ => return Err("its scheme is neither http nor https"),
        }
        let proxy = Self {
            url: Secret::new(url),
            shown: String::new(),
        };
        let to = proxy.intercept().ok_or(NOT_A_URL)?.uri().clone();
        let (Some(host), true) = (to.host().filter(|host| !host.is_empty()), has_port(&to)) else {
            return Err(NOT_A_URL);
        };
        let scheme = to.scheme_str().unwrap_or("http");
        let port = to.port_u16();
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let shown = format!("{scheme}://{host}{port}");
        Ok(Self { shown, ..proxy })
    }

    /// The whole URL, with user and password.
    pub fn url(&self) -> &Secret {
        &self.url
    }

    /// Host and port.
    pub fn address(&self) -> Option<(String, u16)> {
        let to = self.intercept()?.uri().clone();
        let usual = if self.is_over_tls() {
            DEFAULT_PORT_OVER_TLS
        } else {
            DEFAULT_PORT
        };
        let host = to.host()?.trim_matches(['[', ']']);
        Some((host.to_owned(), to.port_u16().unwrap_or(usual)))
    }

    /// The header with user and password, if there are any.
    pub fn authorization(&self) -> Option<HeaderValue> {
        self.intercept()?.basic_auth().cloned()
    }

    /// Whether the proxy itself is reached over TLS.
    pub fn is_over_tls(&self) -> bool {
        self.shown.starts_with("https:")
    }

    fn intercept(&self) -> Option<Intercept> {
        let all = Matcher::builder().all(self.url.expose()).build();
        all.intercept(&Uri::from_static("https://any.invalid"))
    }
}

/// Whether the port, if any, is a valid number.
fn has_port(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| {
        let behind = authority.as_str().strip_prefix(authority.host());
        behind == Some("") || authority.port_u16().is_some()
    })
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}
