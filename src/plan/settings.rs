//! The single settings of a plan, each by its own precedence: flag, environment, long-term section, config profile, default.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};

use super::{
    Call, Chosen, Connection, Origin, Role, default, first, flag, in_file, inherited, variable,
};
use crate::cli::Refresh;
use crate::device::{ACCOUNT_DIGITS, SerialNumber};
use crate::environment::Environment;
use crate::error::Failure;
use crate::profiles::{File, key};
use crate::seconds as duration;

/// How long a user's session may last, in seconds, and how long it does by default.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
const SESSION_SECONDS: (RangeInclusive<u32>, u32) = (900..=129_600, 43_200);
/// The same for a role; its own maximum may be lower.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const ROLE_SECONDS: (RangeInclusive<u32>, u32) = (900..=43_200, 3_600);
/// Where STS is called when nobody says where.
const DEFAULT_REGION: &str = "us-east-1";

/// Everything that a setting may come from.
pub(super) struct View<'a> {
    pub refresh: &'a Refresh,
    pub environment: &'a Environment,
    pub credentials: &'a File<'a>,
    pub long_term: &'a str,
    pub config: &'a File<'a>,
    /// The header of the profile in the config file.
    pub config_profile: Option<String>,
}

impl View<'_> {
    fn variable(&self, name: &'static str) -> Option<Chosen<String>> {
        variable(self.environment, name)
    }

    fn long_term(&self, key: &'static str) -> Option<Chosen<String>> {
        inherited(self.credentials, self.long_term, key)
    }

    fn config(&self, key: &'static str) -> Option<Chosen<String>> {
        in_file(self.config, self.config_profile.as_ref()?, key)
    }

    pub(super) fn device(&self) -> Result<Chosen<SerialNumber>> {
        let Some(Chosen { value, origin }) = first([
            flag("--device", self.refresh.device.as_ref()),
            self.variable("MFA_DEVICE"),
            self.long_term(key::AWS_MFA_DEVICE),
            self.long_term(key::MFA_SERIAL),
            self.config(key::MFA_SERIAL),
        ]) else {
            bail!(Failure::new(format!(
                "the MFA device of [{}] is not known",
                self.long_term
            ))
            .hint(format!(
                "write `aws_mfa_device = arn:aws:iam::123456789012:mfa/NAME` into [{}] of {}, or use --device; the IAM console shows the ARN",
                self.long_term,
                self.credentials.path.display()
            )));
        };
        match SerialNumber::parse(&value) {
            Ok(value) => Ok(Chosen { value, origin }),
            Err(wrong) => bail!(
                Failure::new(format!("the device {value} ({origin}) {}", wrong.problem))
                    .hint(wrong.hint)
            ),
        }
    }

    pub(super) fn role(&self, arn: Chosen<String>) -> Result<Role> {
        if !is_role_arn(&arn.value) {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not the ARN of a role",
                    arn.value, arn.origin
                ))
                .hint("write it like arn:aws:iam::123456789012:role/NAME")
            );
        }
        let session_name = first([
            flag(
                "--role-session-name",
                self.refresh.role_session_name.as_ref(),
            ),
            self.long_term(key::ROLE_SESSION_NAME),
        ]);
        if let Some(name) = &session_name
            && !is_session_name(&name.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) cannot be the name of a role session",
                    name.value, name.origin
                ))
                .hint("use 2 to 64 letters, digits, and any of _+=,.@-")
            );
        }
        let external_id = first([
            flag("--external-id", self.refresh.external_id.as_ref()),
            self.long_term(key::EXTERNAL_ID),
        ]);
        if let Some(id) = &external_id
            && !is_external_id(&id.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) cannot be an external id",
                    id.value, id.origin
                ))
                .hint("use 2 to 1224 letters, digits, and any of _+=,.@:/-")
            );
        }
        Ok(Role {
            arn,
            session_name: session_name.unwrap_or_else(|| self.user_name()),
            external_id,
        })
    }

    /// The local user as the name of a role session, with what AWS does not take replaced.
    fn user_name(&self) -> Chosen<String> {
        let name = ["LOGNAME", "USER", "LNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| self.variable(name));
        let Some(Chosen { value, origin }) = name else {
            return default("mfa-creds".to_owned());
        };
        let mut value: String = value
            .chars()
            .map(|c| if is_name_character(c) { c } else { '-' })
            .take(64)
            .collect();
        if value.len() < 2 {
            value.push_str("-mfa-creds");
        }
        Chosen { value, origin }
    }

    pub(super) fn duration(&self, call: &Call) -> Result<Chosen<u32>> {
        let ((range, usual), what) = match call {
            Call::GetSessionToken => (SESSION_SECONDS, "a session"),
            Call::AssumeRole(_) => (ROLE_SECONDS, "a role"),
        };
        let Some(Chosen { value, origin }) = self.seconds()? else {
            return Ok(default(usual));
        };
        match u32::try_from(value) {
            Ok(value) if range.contains(&value) => Ok(Chosen { value, origin }),
            _ => bail!(
                Failure::new(format!(
                    "a duration of {value} s ({origin}) is outside AWS's limits for {what}"
                ))
                .hint(format!(
                    "use {} to {} seconds, 15m to {}h",
                    range.start(),
                    range.end(),
                    range.end() / 3600
                ))
            ),
        }
    }

    fn seconds(&self) -> Result<Option<Chosen<u64>>> {
        let given = seconds(
            "--duration",
            self.refresh.duration,
            self.environment,
            "MFA_STS_DURATION",
        )?;
        if given.is_some() {
            return Ok(given);
        }
        first([
            self.long_term(key::AWS_MFA_DURATION),
            self.long_term(key::DURATION_SECONDS),
        ])
        .map(parse_seconds)
        .transpose()
    }

    pub(super) fn connection(&self) -> Result<Connection> {
        let region = first([
            flag("--region", self.refresh.region.as_ref()),
            self.variable("AWS_REGION"),
            self.variable("AWS_DEFAULT_REGION"),
            self.long_term(key::REGION),
            self.config(key::REGION),
            super::config_profile(&self.config.document, "default")
                .and_then(|section| in_file(self.config, &section, key::REGION)),
        ])
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
        let endpoint_url = self.endpoint_url();
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
            ca_bundle: first([
                self.variable("AWS_CA_BUNDLE"),
                self.long_term(key::CA_BUNDLE),
                self.config(key::CA_BUNDLE),
            ]),
        })
    }

    /// The endpoint, by the rules of <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
    fn endpoint_url(&self) -> Option<Chosen<String>> {
        let ignored = first([
            self.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
            self.config(key::IGNORE_CONFIGURED_ENDPOINT_URLS),
        ])
        .is_some_and(|chosen| chosen.value.eq_ignore_ascii_case("true"));
        if ignored {
            return None;
        }
        first([
            self.variable("AWS_ENDPOINT_URL_STS"),
            self.variable("AWS_ENDPOINT_URL"),
            self.long_term(key::ENDPOINT_URL),
            self.services_endpoint_url(),
            self.config(key::ENDPOINT_URL),
        ])
    }

    /// `endpoint_url` below `sts =` in the `[services NAME]` that the profile names.
    fn services_endpoint_url(&self) -> Option<Chosen<String>> {
        let section = format!("services {}", self.config(key::SERVICES)?.value);
        let nested = self.config.get(&section, key::STS)?;
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
                path: self.config.path.to_path_buf(),
            },
        })
    }
}

/// Seconds from a flag that clap has read, or else from the environment.
pub(super) fn seconds(
    name: &'static str,
    flag: Option<u64>,
    environment: &Environment,
    variable_name: &'static str,
) -> Result<Option<Chosen<u64>>> {
    match flag {
        Some(value) => Ok(Some(Chosen {
            value,
            origin: Origin::Flag(name),
        })),
        None => variable(environment, variable_name)
            .map(parse_seconds)
            .transpose(),
    }
}

fn parse_seconds(Chosen { value, origin }: Chosen<String>) -> Result<Chosen<u64>> {
    match duration::parse(&value) {
        Ok(value) => Ok(Chosen { value, origin }),
        Err(hint) => {
            bail!(Failure::new(format!("`{value}` ({origin}) is not a duration")).hint(hint))
        }
    }
}

fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, "iam", "", account, role]
        if !partition.is_empty()
            && account.len() == ACCOUNT_DIGITS
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && role.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace)))
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.chars().all(is_name_character)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn is_external_id(id: &str) -> bool {
    (2..=1224).contains(&id.len()) && id.chars().all(|c| is_name_character(c) || ":/".contains(c))
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
