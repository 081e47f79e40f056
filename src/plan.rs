//! Decides everything that can be decided without network, clock or terminal, and says where each decision came from.

mod sections;
mod settings;
mod target;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cli::Refresh;
use crate::credentials::{LongTermKeys, Secret};
use crate::device::SerialNumber;
use crate::document::Document;
use crate::environment::Environment;
use crate::error::Failure;
use crate::profiles::{File, key};
use crate::short_term;
pub use sections::{check_sections, long_term_keys_in_the_way};
pub use target::{Target, is_name_part, target};

/// A setting, and where it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chosen<T> {
    /// What was chosen.
    pub value: T,
    /// By whom.
    pub origin: Origin,
}

/// Where a setting came from, strongest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(&'static str),
    /// A key of a section.
    File {
        key: &'static str,
        section: String,
        path: PathBuf,
    },
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File { key, section, path } => {
                write!(f, "{key} of [{section}] in {}", path.display())
            }
            Self::Default => f.write_str("default"),
        }
    }
}

/// How credentials are got: what is called, with what, and where.
#[derive(Debug)]
pub struct Plan {
    /// Who calls.
    pub keys: LongTermKeys,
    /// Where the keys stand, for messages: `[work-long-term] in PATH`.
    pub keys_section: String,
    /// Which device the code comes from.
    pub device: Chosen<SerialNumber>,
    /// What is called.
    pub call: Call,
    /// How long the credentials shall last, in seconds.
    pub duration: Chosen<u32>,
    /// Whose STS is called.
    pub connection: Connection,
}

/// The two calls of STS that take a code.
#[derive(Debug)]
pub enum Call {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
    GetSessionToken,
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    AssumeRole(Box<Role>),
}

/// The role to assume.
#[derive(Debug)]
pub struct Role {
    pub arn: Chosen<String>,
    pub session_name: Chosen<String>,
    pub external_id: Option<Chosen<String>>,
}

/// Where STS is, and how it is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    pub region: Chosen<String>,
    /// In place of the region's own endpoint.
    pub endpoint_url: Option<Chosen<String>>,
    /// A file of certificates in place of the system's.
    pub ca_bundle: Option<Chosen<String>>,
}

/// The section whose values every other section inherits, in aws-mfa.
const INHERITED: &str = "DEFAULT";

/// How long credentials must still last to be used again, in seconds, when nobody says otherwise.
const DEFAULT_MIN_TTL: u32 = 60;

/// How long stored credentials must still last, in seconds. Default 60.
///
/// # Errors
/// When the environment's value is no duration.
pub fn min_ttl(refresh: &Refresh, environment: &Environment) -> Result<Chosen<u32>> {
    let chosen = settings::seconds(
        "--min-ttl",
        refresh.min_ttl,
        environment,
        "MFA_CREDS_MIN_TTL",
    )?;
    Ok(match chosen {
        Some(Chosen { value, origin }) => Chosen {
            value: u32::try_from(value).unwrap_or(u32::MAX),
            origin,
        },
        None => default(DEFAULT_MIN_TTL),
    })
}

/// The code that was given in advance, if any.
pub fn given_code(refresh: &Refresh, environment: &Environment) -> Option<Chosen<Secret>> {
    first([
        flag("--token", refresh.token.as_ref()),
        variable(environment, "MFA_TOKEN"),
    ])
    .map(|Chosen { value, origin }| Chosen {
        value: Secret::new(value),
        origin,
    })
}

/// The role that is asked for, if any, as written.
pub fn wanted_role(
    refresh: &Refresh,
    environment: &Environment,
    target: &Target,
    credentials: &File<'_>,
) -> Option<Chosen<String>> {
    first([
        flag("--assume-role", refresh.assume_role.as_ref()),
        variable(environment, "MFA_ASSUME_ROLE"),
        inherited(credentials, &target.long_term, key::ASSUME_ROLE),
    ])
}

/// Decides the rest.
///
/// # Errors
/// Everything that is wrong and can be known before the code is asked for.
pub fn plan(
    refresh: &Refresh,
    environment: &Environment,
    target: &Target,
    credentials: &File<'_>,
    config: &File<'_>,
) -> Result<Plan> {
    if !credentials.document.has(&target.long_term) {
        bail!(sections::missing_long_term(target, credentials));
    }
    check_sections(credentials, &[&target.long_term])?;
    let config_profile = config_profile(&config.document, &target.profile.value);
    if let Some(section) = &config_profile {
        check_sections(config, &[section])?;
    }
    let keys = LongTermKeys {
        access_key_id: long_term_key(target, credentials, key::AWS_ACCESS_KEY_ID)?,
        secret_access_key: Secret::new(long_term_key(
            target,
            credentials,
            key::AWS_SECRET_ACCESS_KEY,
        )?),
    };
    if keys.access_key_id.starts_with(short_term::TEMPORARY_PREFIX) {
        bail!(
            Failure::new(format!(
                "[{}] in {} holds temporary credentials (ASIA…), which cannot get a session",
                target.long_term,
                credentials.path.display()
            ))
            .hint("put the IAM user's own keys (AKIA…) there")
        );
    }
    if short_term::holds_long_term_keys(credentials, &target.short_term) {
        bail!(long_term_keys_in_the_way(target, credentials));
    }
    let view = settings::View {
        refresh,
        environment,
        credentials,
        long_term: &target.long_term,
        config,
        config_profile,
    };
    let device = view.device()?;
    let role = wanted_role(refresh, environment, target, credentials);
    let call = match role {
        Some(arn) => Call::AssumeRole(Box::new(view.role(arn)?)),
        None => Call::GetSessionToken,
    };
    let duration = view.duration(&call)?;
    let min_ttl = min_ttl(refresh, environment)?;
    if min_ttl.value > duration.value {
        bail!(
            Failure::new(format!(
                "credentials that last {} s ({}) cannot have {} s left ({})",
                duration.value, duration.origin, min_ttl.value, min_ttl.origin
            ))
            .hint("ask for a longer --duration, or a shorter --min-ttl")
        );
    }
    Ok(Plan {
        keys,
        keys_section: format!("[{}] in {}", target.long_term, credentials.path.display()),
        device,
        duration,
        call,
        connection: view.connection()?,
    })
}

/// The header of a profile in the config file: `[profile NAME]`, or `[default]`.
fn config_profile(config: &Document<'_>, profile: &str) -> Option<String> {
    let prefixed = config.names().find(|header| {
        header
            .strip_prefix("profile")
            .filter(|rest| rest.starts_with([' ', '\t']))
            .map(|rest| rest.trim().trim_matches(['"', '\'']))
            == Some(profile)
    });
    prefixed
        .or_else(|| {
            config
                .names()
                .find(|header| *header == "default" && profile == "default")
        })
        .map(str::to_owned)
}

fn long_term_key(target: &Target, credentials: &File<'_>, key: &'static str) -> Result<String> {
    inherited(credentials, &target.long_term, key)
        .map(|chosen| chosen.value)
        .ok_or_else(|| {
            Failure::new(format!(
                "{key} of [{}] in {} is missing or empty",
                target.long_term,
                credentials.path.display()
            ))
            .hint("write it there; the IAM console shows or makes a user's access keys")
            .into()
        })
}

fn first<const N: usize>(candidates: [Option<Chosen<String>>; N]) -> Option<Chosen<String>> {
    candidates.into_iter().flatten().next()
}

fn default<T>(value: T) -> Chosen<T> {
    Chosen {
        value,
        origin: Origin::Default,
    }
}

/// A flag; empty counts as not given, as in aws-mfa.
fn flag(name: &'static str, value: Option<&String>) -> Option<Chosen<String>> {
    value.filter(|value| !value.is_empty()).map(|value| Chosen {
        value: value.clone(),
        origin: Origin::Flag(name),
    })
}

fn variable(environment: &Environment, name: &'static str) -> Option<Chosen<String>> {
    environment.text(name).map(|value| Chosen {
        value,
        origin: Origin::Environment(name),
    })
}

fn in_file(file: &File<'_>, section: &str, key: &'static str) -> Option<Chosen<String>> {
    file.get(section, key).map(|value| Chosen {
        value,
        origin: Origin::File {
            key,
            section: section.to_owned(),
            path: Path::to_path_buf(file.path),
        },
    })
}

/// A key of a section, or what the section inherits.
fn inherited(file: &File<'_>, section: &str, key: &'static str) -> Option<Chosen<String>> {
    in_file(file, section, key).or_else(|| in_file(file, INHERITED, key))
}
