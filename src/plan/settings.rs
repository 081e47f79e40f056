//! The single settings of a plan, each by its own precedence: flag, environment, long-term section, config profile, default.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};

use crate::cli::Request;
use crate::core::device::SerialNumber;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::form::{Form, is_of_name};
use crate::core::seconds;
use crate::files::profiles::{Files, key};
use crate::plan::Role;
use crate::plan::chosen::{Chosen, Origin, default, first, flag, in_file, inherited, variable};
use crate::plan::walk::{Hop, Link, Walk};

/// How long a user's session may last, in seconds, and how long it does by default.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
const SESSION_SECONDS: (RangeInclusive<u32>, u32) = (900..=129_600, 43_200);
/// The same for a role; its own maximum may be lower.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const ROLE_SECONDS: (RangeInclusive<u32>, u32) = (900..=43_200, 3_600);
/// How long a role lasts that only assumes the next one, in seconds: the shortest that there is.
const PASSING_SECONDS: u32 = 900;

/// Whose length of time it is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Of a user.
    Session,
    /// Of a role.
    Role,
}

/// Everything that a setting may come from.
pub(super) struct View<'a> {
    pub request: &'a Request,
    pub environment: &'a Environment,
    pub files: &'a Files<'a>,
    /// The way to the keys.
    pub walk: &'a Walk,
}

impl View<'_> {
    pub(super) fn variable(&self, name: &'static str) -> Option<Chosen<String>> {
        variable(self.environment, name)
    }

    pub(super) fn long_term(&self, link: &Link, key: &'static str) -> Option<Chosen<String>> {
        inherited(&self.files.credentials, link.long_term.as_ref()?, key)
    }

    pub(super) fn config(&self, link: &Link, key: &'static str) -> Option<Chosen<String>> {
        in_file(&self.files.config, link.config.as_ref()?, key)
    }

    /// A key of the profile itself.
    pub(super) fn own(&self, link: &Link, key: &'static str) -> Option<Chosen<String>> {
        self.long_term(link, key).or_else(|| self.config(link, key))
    }

    /// A key of a role. What the config file says is about the role that it names.
    fn of_role(&self, hop: &Hop, key: &'static str) -> Option<Chosen<String>> {
        let link = &self.walk.links[hop.link];
        let named = self.config(link, key::ROLE_ARN);
        let is_named = named.is_some_and(|named| named.value == hop.arn.value);
        self.long_term(link, key)
            .or_else(|| self.config(link, key).filter(|_| is_named))
    }

    /// The profile that is asked for.
    fn asked_for(&self) -> &Link {
        &self.walk.links[0]
    }

    /// The profile that has the keys.
    fn base(&self) -> &Link {
        &self.walk.links[self.walk.links.len() - 1]
    }

    /// The device; none where nobody names one.
    pub(super) fn device(&self) -> Result<Option<Chosen<SerialNumber>>> {
        let given = first([
            flag("--device", self.request.device.as_ref()),
            self.variable("MFA_DEVICE"),
        ]);
        let along_the_way = || {
            self.walk.links.iter().find_map(|link| {
                first([
                    self.long_term(link, key::AWS_MFA_DEVICE),
                    self.long_term(link, key::MFA_SERIAL),
                    self.config(link, key::MFA_SERIAL),
                ])
            })
        };
        let Some(Chosen { value, origin }) = given.or_else(along_the_way) else {
            return Ok(None);
        };
        match SerialNumber::parse(&value) {
            Ok(value) => Ok(Some(Chosen { value, origin })),
            Err(wrong) => bail!(
                Failure::new(format!("the device {value} ({origin}) {}", wrong.problem))
                    .hint(wrong.hint)
            ),
        }
    }

    /// The command that prints a code of the device.
    pub(super) fn process(&self) -> Option<Chosen<String>> {
        let mut links = self.walk.links.iter();
        links.find_map(|link| self.own(link, key::MFA_PROCESS))
    }

    pub(super) fn role(&self, hop: &Hop) -> Result<Role> {
        let arn = hop.arn.clone();
        let flags = (hop.link == 0).then_some(self.request);
        if !Form::RoleArn.fits(&arn.value) {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not the ARN of a role",
                    arn.value, arn.origin
                ))
                .hint("write it like arn:aws:iam::123456789012:role/NAME")
            );
        }
        let session_name = first([
            flags.and_then(|flags| flag("--role-session-name", flags.role_session_name.as_ref())),
            self.of_role(hop, key::ROLE_SESSION_NAME),
        ]);
        if let Some(name) = &session_name
            && !Form::RoleSessionName.fits(&name.value)
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
            flags.and_then(|flags| flag("--external-id", flags.external_id.as_ref())),
            self.of_role(hop, key::EXTERNAL_ID),
        ]);
        if let Some(id) = &external_id
            && !Form::ExternalId.fits(&id.value)
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
            .map(|c| match u8::try_from(c) {
                Ok(byte) if is_of_name(byte) => c,
                _ => '-',
            })
            .take(64)
            .collect();
        if value.len() < 2 {
            value.push_str("-mfa-creds");
        }
        Chosen { value, origin }
    }

    /// How long the credentials shall last that are asked for. The environment's duration is that of what a code buys: not
    /// of a role of the config file, which comes from the session.
    pub(super) fn duration(&self) -> Result<Chosen<u32>> {
        let role = self.walk.roles.first().filter(|hop| hop.link == 0);
        let environment = match role {
            Some(hop) if hop.arn.is_of_config() => None,
            _ => Some(self.environment),
        };
        let given = seconds(self.request.duration, environment)?;
        let link = self.asked_for();
        let chosen = match given {
            Some(given) => Some(given),
            None => first([
                self.long_term(link, key::AWS_MFA_DURATION),
                self.long_term(link, key::DURATION_SECONDS),
                role.and_then(|hop| self.of_role(hop, key::DURATION_SECONDS)),
            ])
            .map(parse_seconds)
            .transpose()?,
        };
        let kind = if role.is_some() {
            Kind::Role
        } else {
            Kind::Session
        };
        within_limits(chosen, kind)
    }

    /// How long a session shall last from which roles are assumed: as that of the profile with the keys, where its
    /// duration is not a role's.
    pub(super) fn session_duration(&self) -> Result<Chosen<u32>> {
        let (base, last) = (self.base(), self.walk.links.len() - 1);
        let roles = &self.walk.roles;
        let of_a_role = last == 0 || roles.iter().any(|hop| hop.link == last);
        let environment = roles[0].arn.is_of_config().then_some(self.environment);
        let chosen = match seconds(None, environment)? {
            Some(given) => Some(given),
            None => first([
                self.long_term(base, key::AWS_MFA_DURATION),
                self.long_term(base, key::DURATION_SECONDS),
            ])
            .filter(|_| !of_a_role)
            .map(parse_seconds)
            .transpose()?,
        };
        within_limits(chosen, Kind::Session)
    }

    /// How long a role lasts from which the next one is assumed.
    pub(super) fn passing_duration() -> Chosen<u32> {
        default(PASSING_SECONDS)
    }
}

fn within_limits(chosen: Option<Chosen<u64>>, kind: Kind) -> Result<Chosen<u32>> {
    let ((range, usual), what) = match kind {
        Kind::Session => (SESSION_SECONDS, "a session"),
        Kind::Role => (ROLE_SECONDS, "a role"),
    };
    let Some(Chosen { value, origin }) = chosen else {
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

/// A duration from the flag, or else from the environment.
fn seconds(flag: Option<u64>, environment: Option<&Environment>) -> Result<Option<Chosen<u64>>> {
    let environment = environment.map(|environment| (environment, "MFA_STS_DURATION"));
    given_seconds("--duration", flag, environment)
}

/// Seconds from a flag that clap has read, or else from the environment.
pub(super) fn given_seconds(
    name: &'static str,
    flag: Option<u64>,
    environment: Option<(&Environment, &'static str)>,
) -> Result<Option<Chosen<u64>>> {
    match (flag, environment) {
        (Some(value), _) => Ok(Some(Chosen {
            value,
            origin: Origin::Flag(name),
        })),
        (None, Some((environment, name))) => {
            variable(environment, name).map(parse_seconds).transpose()
        }
        (None, None) => Ok(None),
    }
}

fn parse_seconds(Chosen { value, origin }: Chosen<String>) -> Result<Chosen<u64>> {
    match seconds::parse(&value) {
        Ok(value) => Ok(Chosen { value, origin }),
        Err(hint) => {
            bail!(Failure::new(format!("`{value}` ({origin}) is not a duration")).hint(hint))
        }
    }
}
