//! Decides how a service is reached: region, endpoint, certificates, timeout.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::core::environment::MFA_CREDS_TIMEOUT;
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::shell_words;
use crate::files::profiles::{config_header, key};
use crate::plan::proxy::Proxies;
use crate::plan::role_chain::{ChainProfile, ChainRole};
use crate::plan::setting::{Origin, Setting, default, first, flag, in_file};
use crate::plan::settings::{Resolver, given_seconds};
use crate::plan::{Access, LoginSession};

/// The region of STS by default.
const DEFAULT_REGION: &str = "us-east-1";
/// How long to wait for AWS, including retries. It usually answers within a second.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The limits of that wait.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(10);

/// The services that are called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    Sts,
    Iam,
    /// What signs in to the console.
    SignIn,
    /// What renews the credentials of `aws login`.
    Login,
}

/// Where a service is, and how it is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    pub service: Service,
    pub region: Setting<String>,
    /// Replaces the region's own endpoint.
    pub endpoint_url: Option<Setting<String>>,
    /// Whether to use an endpoint with cryptography that FIPS 140 approves.
    pub fips: Setting<bool>,
    /// Whether to use an endpoint that also supports IPv6.
    pub dual_stack: Setting<bool>,
    /// Whether to call the global endpoint of STS, which is older than the regional ones.
    pub global: Setting<bool>,
    /// A file of certificates that replaces the system's.
    pub ca_bundle: Option<Setting<String>>,
    pub proxies: Proxies,
    /// How long to wait, including retries.
    pub timeout: Setting<Duration>,
    /// The name of the caller for the user agent, as written.
    /// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html>.
    pub app_id: Option<String>,
}

impl Service {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "AWS STS",
            Self::Iam => "AWS IAM",
            Self::SignIn | Self::Login => "AWS Sign-In",
        }
    }

    /// The names of its settings.
    fn names(self) -> &'static Names {
        match self {
            Self::Sts => &STS,
            Self::Iam => &IAM,
            Self::SignIn | Self::Login => &SIGN_IN,
        }
    }
}

/// The start of the header of a section with an endpoint for each service.
const SERVICES: &str = "services ";
/// The values of a setting that is on or off.
const TRUE_OR_FALSE: [&str; 2] = ["true", "false"];

/// The names of the settings of a service.
struct Names {
    /// In the environment.
    variable: &'static str,
    /// In a section of services.
    nested: &'static str,
}

const STS: Names = Names {
    variable: "AWS_ENDPOINT_URL_STS",
    nested: key::STS,
};
const IAM: Names = Names {
    variable: "AWS_ENDPOINT_URL_IAM",
    nested: key::IAM,
};
const SIGN_IN: Names = Names {
    variable: "AWS_ENDPOINT_URL_SIGNIN",
    nested: key::SIGNIN,
};

impl Connection {
    /// Whether a server on this machine answers directly, without a proxy.
    pub fn is_answered_locally(&self) -> bool {
        self.is_local() && self.route().is_ok_and(|route| route.proxy.is_none())
    }

    /// Whether its endpoint is set for this service in particular.
    pub(super) fn has_own_endpoint(&self) -> bool {
        match self.endpoint_url.as_ref().map(|url| &url.origin) {
            Some(Origin::Environment(name)) => *name == self.service.names().variable,
            Some(Origin::File { section, .. }) => section.starts_with(SERVICES),
            _ => false,
        }
    }

    /// Whether it leads to this machine, so to a test server and not to AWS.
    pub fn is_local(&self) -> bool {
        let uri = self.endpoint_url.as_ref();
        let uri = uri.and_then(|url| url.value.parse::<http::Uri>().ok());
        let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }
}

impl Resolver<'_> {
    /// The services to ask about the user who owns the keys.
    pub(super) fn access(&self) -> Result<Access> {
        Ok(Access {
            sts: self.session_connection()?,
            iam: self.iam_connection()?,
        })
    }

    /// The STS that issues the session: that of the profile with the keys.
    pub(super) fn session_connection(&self) -> Result<Connection> {
        self.connection(&self.base_first(), Service::Sts)
    }

    /// The IAM of the profile with the keys.
    fn iam_connection(&self) -> Result<Connection> {
        self.connection(&self.base_first(), Service::Iam)
    }

    /// The service that renews a session of `aws login`, in the region of the session.
    pub(super) fn login_connection(&self, login: Option<&LoginSession>) -> Result<Connection> {
        let mut connection = self.connection(&self.base_first(), Service::Login)?;
        if let Some(region) = login.and_then(LoginSession::region) {
            connection.region = region;
        }
        Ok(connection)
    }

    /// The sign-in of the requested profile.
    pub(super) fn sign_in_connection(&self) -> Result<Connection> {
        let profiles: Vec<&ChainProfile> = self.chain.profiles.iter().collect();
        self.connection(&profiles, Service::SignIn)
    }

    fn base_first(&self) -> Vec<&ChainProfile> {
        self.chain.profiles.iter().rev().collect()
    }

    /// The STS that issues a role's credentials: that of the role's profile.
    pub(super) fn role_connection(&self, role: &ChainRole) -> Result<Connection> {
        self.connection(
            &self.chain.profiles[role.profile..]
                .iter()
                .collect::<Vec<_>>(),
            Service::Sts,
        )
    }

    /// Where a service is. The first of these profiles that has a setting decides it.
    fn connection(&self, profiles: &[&ChainProfile], service: Service) -> Result<Connection> {
        Ok(Connection {
            service,
            region: self.region(profiles)?,
            endpoint_url: self.endpoint_url(profiles, service.names())?,
            timeout: self.timeout()?,
            fips: self.choice(
                profiles,
                "AWS_USE_FIPS_ENDPOINT",
                key::USE_FIPS_ENDPOINT,
                &TRUE_OR_FALSE,
            )?,
            dual_stack: self.choice(
                profiles,
                "AWS_USE_DUALSTACK_ENDPOINT",
                key::USE_DUALSTACK_ENDPOINT,
                &TRUE_OR_FALSE,
            )?,
            global: self.choice(
                profiles,
                "AWS_STS_REGIONAL_ENDPOINTS",
                key::STS_REGIONAL_ENDPOINTS,
                &["legacy", "regional"],
            )?,
            ca_bundle: self.ca_bundle(profiles),
            proxies: Proxies::of_environment(self.inputs.environment),
            app_id: self.inputs.environment.text("AWS_SDK_UA_APP_ID"),
        })
    }

    fn region(&self, profiles: &[&ChainProfile]) -> Result<Setting<String>> {
        let of_default = || {
            let header = config_header(&self.inputs.files.config.document, "default")?;
            in_file(&self.inputs.files.config, header, key::REGION)
        };
        let region = first([
            flag("--region", self.inputs.request.network.region.as_ref()),
            self.variable("AWS_REGION"),
            self.variable("AWS_DEFAULT_REGION"),
        ])
        .or_else(|| self.own_of_first(profiles, key::REGION))
        .or_else(of_default)
        .unwrap_or_else(|| default(DEFAULT_REGION.to_owned()));
        check_region(&region)?;
        Ok(region)
    }

    fn timeout(&self) -> Result<Setting<Duration>> {
        let timeout = given_seconds(
            "--timeout",
            self.inputs.request.network.timeout,
            Some((self.inputs.environment, MFA_CREDS_TIMEOUT)),
        )?;
        Ok(match timeout {
            Some(Setting { value, origin }) => Setting {
                value: Duration::from_secs(value).clamp(SHORTEST, LONGEST),
                origin,
            },
            None => default(TIMEOUT),
        })
    }

    fn ca_bundle(&self, profiles: &[&ChainProfile]) -> Option<Setting<String>> {
        self.variable("AWS_CA_BUNDLE")
            .or_else(|| self.own_of_first(profiles, key::CA_BUNDLE))
            .or_else(|| self.openssl_bundle())
    }

    /// The value of a key in the first profile that has the key.
    fn own_of_first(
        &self,
        profiles: &[&ChainProfile],
        key: &'static str,
    ) -> Option<Setting<String>> {
        profiles.iter().find_map(|profile| self.own(profile, key))
    }

    /// A setting with two values; whether it is the first one. See
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html> and
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html>.
    fn choice(
        &self,
        profiles: &[&ChainProfile],
        variable: &'static str,
        key: &'static str,
        values: &[&str; 2],
    ) -> Result<Setting<bool>> {
        let chosen = self.variable(variable).or_else(|| {
            profiles
                .iter()
                .find_map(|profile| self.config(profile, key))
        });
        let Some(Setting { value, origin }) = chosen else {
            return Ok(default(false));
        };
        match values
            .iter()
            .position(|known| value.eq_ignore_ascii_case(known))
        {
            Some(place) => Ok(Setting {
                value: place == 0,
                origin,
            }),
            None => bail!(
                Failure::new(format!(
                    "`{value}` ({origin}) is neither {} nor {}",
                    values[0], values[1]
                ))
                .hint(match origin {
                    // It overrides the files.
                    Origin::Environment(name) =>
                        format!("set one of them, or {}", shell_words::unset(name)),
                    _ => format!("write one of them, or remove {key}"),
                })
            ),
        }
    }

    /// The file that OpenSSL reads instead of the system's certificates. If a directory is also set, OpenSSL reads both; the
    /// library that reads the system's certificates handles that case.
    fn openssl_bundle(&self) -> Option<Setting<String>> {
        let file = self.variable("SSL_CERT_FILE")?;
        self.variable("SSL_CERT_DIR").is_none().then_some(file)
    }

    /// The endpoint, by the rules of <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
    fn endpoint_url(
        &self,
        profiles: &[&ChainProfile],
        service: &Names,
    ) -> Result<Option<Setting<String>>> {
        let ignored = self.choice(
            profiles,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            key::IGNORE_CONFIGURED_ENDPOINT_URLS,
            &TRUE_OR_FALSE,
        )?;
        if ignored.value {
            return Ok(None);
        }
        let url = first([
            self.variable(service.variable),
            self.variable("AWS_ENDPOINT_URL"),
        ]);
        let url = url.or_else(|| {
            profiles.iter().find_map(|profile| {
                first([
                    self.long_term(profile, key::ENDPOINT_URL),
                    self.services_endpoint_url(profile, service),
                    self.config(profile, key::ENDPOINT_URL),
                ])
            })
        });
        url.map(checked_endpoint_url).transpose()
    }

    /// `endpoint_url` below `sts =` or `iam =` in the `[services NAME]` that the profile names.
    fn services_endpoint_url(
        &self,
        profile: &ChainProfile,
        service: &Names,
    ) -> Option<Setting<String>> {
        let config = &self.inputs.files.config;
        let section = format!("{SERVICES}{}", self.config(profile, key::SERVICES)?.value);
        let nested = config.get(&section, service.nested)?;
        let value = nested
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == key::ENDPOINT_URL)?
            .1
            .trim()
            .to_owned();
        Some(Setting {
            value,
            origin: Origin::File {
                key: key::ENDPOINT_URL,
                section,
                path: config.path.to_path_buf(),
            },
        })
    }
}

/// Refuses a malformed region before it becomes part of a host name or reaches other programs.
pub fn check_region(region: &Setting<String>) -> Result<()> {
    if Form::Region.fits(&region.value) {
        return Ok(());
    }
    bail!(
        Failure::new(format!(
            "`{}` ({}) is not a region",
            region.value, region.origin
        ))
        .hint("write it like eu-west-1")
    )
}

/// Refuses what is not an endpoint URL.
fn checked_endpoint_url(url: Setting<String>) -> Result<Setting<String>> {
    if is_http_url(&url.value) {
        return Ok(url);
    }
    bail!(
        Failure::new(format!(
            "`{}` ({}) is not an endpoint URL",
            url.value, url.origin
        ))
        .hint("write it like https://sts.eu-west-1.amazonaws.com")
    )
}

/// Rejects a user or a password, because messages show the URL, and a malformed port.
fn is_http_url(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| {
                let port = authority.as_str().strip_prefix(authority.host());
                port == Some("")
                    || authority.port_u16().is_some() && !authority.as_str().contains('@')
            })
            && uri.query().is_none()
            && !url.contains('#')
    })
}
