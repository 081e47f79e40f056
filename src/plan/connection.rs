//! Where the services are: region, endpoint and certificates.

use std::net::IpAddr;

use anyhow::{Result, bail};

use super::chosen::{Chosen, Origin, default, first, flag, in_file};
use super::settings::View;
use super::walk::{Hop, Link};
use super::{Access, Connection};
use crate::error::Failure;
use crate::profiles::{config_header, key};

/// Where STS is called when nobody says where.
const DEFAULT_REGION: &str = "us-east-1";
/// Where IAM is, for regions that begin so: each partition has one place. From the rules that the AWS SDKs are made of, see
/// <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>.
const IAM_REGIONS: [(&str, &str); 7] = [
    ("cn-", "cn-north-1"),
    ("us-gov-", "us-gov-west-1"),
    ("us-iso-", "us-iso-east-1"),
    ("us-isob-", "us-isob-east-1"),
    ("us-isof-", "us-isof-south-1"),
    ("eu-isoe-", "eu-isoe-west-1"),
    ("eusc-", "eusc-de-east-1"),
];
/// And for all others.
const IAM_REGION: &str = "us-east-1";

/// What the settings of a service are called.
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

impl Connection {
    /// Whether it leads to this machine, where no AWS is but a server for tests.
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

impl View<'_> {
    /// The services that know the user who has the keys.
    pub(super) fn access(&self) -> Result<Access> {
        Ok(Access {
            sts: self.session_connection()?,
            iam: self.iam_connection()?,
        })
    }

    /// Whose STS gives the session: that of the profile with the keys.
    pub(super) fn session_connection(&self) -> Result<Connection> {
        self.connection(&self.base_first(), &STS)
    }

    /// The IAM of the profile with the keys. It is signed for the one region that its partition's IAM has.
    fn iam_connection(&self) -> Result<Connection> {
        let mut connection = self.connection(&self.base_first(), &IAM)?;
        let region = &connection.region.value;
        let of_partition = IAM_REGIONS
            .iter()
            .find(|(begin, _)| region.starts_with(begin));
        let of_iam = of_partition.map_or(IAM_REGION, |(_, iam)| iam);
        if region != of_iam {
            connection.region = Chosen {
                value: of_iam.to_owned(),
                origin: Origin::Partition,
            };
        }
        Ok(connection)
    }

    fn base_first(&self) -> Vec<&Link> {
        self.walk.links.iter().rev().collect()
    }

    /// Whose STS gives a role: that of its profile.
    pub(super) fn role_connection(&self, hop: &Hop) -> Result<Connection> {
        self.connection(
            &self.walk.links[hop.link..].iter().collect::<Vec<_>>(),
            &STS,
        )
    }

    /// Where a service is, as the first of these profiles says that says something.
    fn connection(&self, links: &[&Link], service: &Names) -> Result<Connection> {
        let own = |key| links.iter().find_map(|link| self.own(link, key));
        let of_default = || {
            let header = config_header(&self.files.config.document, "default")?;
            in_file(&self.files.config, header, key::REGION)
        };
        let region = first([
            flag("--region", self.request.region.as_ref()),
            self.variable("AWS_REGION"),
            self.variable("AWS_DEFAULT_REGION"),
        ])
        .or_else(|| own(key::REGION))
        .or_else(of_default)
        .unwrap_or_else(|| default(DEFAULT_REGION.to_owned()));
        if !is_host_label(&region.value) {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not a region",
                    region.value, region.origin
                ))
                .hint("write it like eu-west-1")
            );
        }
        let endpoint_url = self.endpoint_url(links, service);
        if let Some(url) = &endpoint_url
            && !is_http_url(&url.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not the URL of an endpoint",
                    url.value, url.origin
                ))
                .hint("write it like https://sts.eu-west-1.amazonaws.com")
            );
        }
        Ok(Connection {
            region,
            endpoint_url,
            ca_bundle: self
                .variable("AWS_CA_BUNDLE")
                .or_else(|| own(key::CA_BUNDLE)),
        })
    }

    /// The endpoint, by the rules of <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
    fn endpoint_url(&self, links: &[&Link], service: &Names) -> Option<Chosen<String>> {
        let ignored = self
            .variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .or_else(|| {
                let key = key::IGNORE_CONFIGURED_ENDPOINT_URLS;
                links.iter().find_map(|link| self.config(link, key))
            })
            .is_some_and(|chosen| chosen.value.eq_ignore_ascii_case("true"));
        if ignored {
            return None;
        }
        first([
            self.variable(service.variable),
            self.variable("AWS_ENDPOINT_URL"),
        ])
        .or_else(|| {
            links.iter().find_map(|link| {
                first([
                    self.long_term(link, key::ENDPOINT_URL),
                    self.services_endpoint_url(link, service),
                    self.config(link, key::ENDPOINT_URL),
                ])
            })
        })
    }

    /// `endpoint_url` below `sts =` or `iam =` in the `[services NAME]` that the profile names.
    fn services_endpoint_url(&self, link: &Link, service: &Names) -> Option<Chosen<String>> {
        let config = &self.files.config;
        let section = format!("services {}", self.config(link, key::SERVICES)?.value);
        let nested = config.get(&section, service.nested)?;
        let value = nested
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == key::ENDPOINT_URL)?
            .1
            .trim()
            .to_owned();
        Some(Chosen {
            value,
            origin: Origin::File {
                key: key::ENDPOINT_URL,
                section,
                path: config.path.to_path_buf(),
            },
        })
    }
}

fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Not with a user or a password, which would be shown, nor with a port that is none.
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
