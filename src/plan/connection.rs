//! Where STS is: region, endpoint and certificates.

use anyhow::{Result, bail};

use super::Connection;
use super::chosen::{Chosen, Origin, default, first, flag, in_file};
use super::settings::View;
use super::walk::{Hop, Link};
use crate::error::Failure;
use crate::profiles::{config_header, key};

/// Where STS is called when nobody says where.
const DEFAULT_REGION: &str = "us-east-1";

impl View<'_> {
    /// Whose STS gives the session: that of the profile with the keys.
    pub(super) fn session_connection(&self) -> Result<Connection> {
        self.connection(&self.walk.links.iter().rev().collect::<Vec<_>>())
    }

    /// Whose STS gives a role: that of its profile.
    pub(super) fn role_connection(&self, hop: &Hop) -> Result<Connection> {
        self.connection(&self.walk.links[hop.link..].iter().collect::<Vec<_>>())
    }

    /// Where STS is, as the first of these profiles says that says something.
    fn connection(&self, links: &[&Link]) -> Result<Connection> {
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
        let endpoint_url = self.endpoint_url(links);
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
    fn endpoint_url(&self, links: &[&Link]) -> Option<Chosen<String>> {
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
            self.variable("AWS_ENDPOINT_URL_STS"),
            self.variable("AWS_ENDPOINT_URL"),
        ])
        .or_else(|| {
            links.iter().find_map(|link| {
                first([
                    self.long_term(link, key::ENDPOINT_URL),
                    self.services_endpoint_url(link),
                    self.config(link, key::ENDPOINT_URL),
                ])
            })
        })
    }

    /// `endpoint_url` below `sts =` in the `[services NAME]` that the profile names.
    fn services_endpoint_url(&self, link: &Link) -> Option<Chosen<String>> {
        let config = &self.files.config;
        let section = format!("services {}", self.config(link, key::SERVICES)?.value);
        let nested = config.get(&section, key::STS)?;
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
