//! Decides each setting of a plan by its own precedence: flag, environment, long-term section, config profile, default.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};

use crate::core::environment::{
    Environment, MFA_CREDS_EXPIRATION_STYLE, MFA_DEVICE, MFA_STS_DURATION,
};
use crate::core::error::Failure;
use crate::core::form::{Form, WRITE_ROLE, is_of_name};
use crate::core::mfa_device::SerialNumber;
use crate::core::seconds;
use crate::files::profiles::{Files, key};
use crate::files::section_format::ExpirationStyle;
use crate::plan::role_chain::{ChainProfile, ChainRole, RoleChain};
use crate::plan::setting::{Origin, Setting, default, first, flag, in_file, inherited, variable};
use crate::plan::wanted::RolePlace;
use crate::plan::{Inputs, Role};

/// The limits of a user's session in seconds, and its default.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
const SESSION_SECONDS: (RangeInclusive<u32>, u32) = (900..=129_600, 43_200);
/// The same for a role; its own maximum may be lower.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const ROLE_SECONDS: (RangeInclusive<u32>, u32) = (900..=43_200, 3_600);
/// The duration of a role that only assumes the next role, in seconds: the shortest that AWS grants.
const PASSING_SECONDS: u32 = 900;

/// The keys of a role that AWS tools also read in the credentials file.
const OF_ROLES: [&str; 5] = [
    key::ROLE_ARN,
    key::MFA_SERIAL,
    key::EXTERNAL_ID,
    key::ROLE_SESSION_NAME,
    key::DURATION_SECONDS,
];

/// What a duration is for.
#[derive(Clone, Copy, Debug)]
enum DurationKind {
    /// A user session.
    Session,
    /// A role.
    Role,
}

/// Everything that a setting can come from.
pub(super) struct Resolver<'a> {
    pub inputs: Inputs<'a>,
    /// The chain to the keys.
    pub chain: &'a RoleChain,
}

impl Resolver<'_> {
    pub(super) fn variable(&self, name: &'static str) -> Option<Setting<String>> {
        variable(self.inputs.environment, name)
    }

    pub(super) fn long_term(
        &self,
        profile: &ChainProfile,
        key: &'static str,
    ) -> Option<Setting<String>> {
        inherited(
            &self.inputs.files.credentials,
            profile.long_term.as_ref()?,
            key,
        )
    }

    /// A key of the profile in the config file. Those of a role may also be in the credentials file.
    pub(super) fn config(
        &self,
        profile: &ChainProfile,
        key: &'static str,
    ) -> Option<Setting<String>> {
        let Files {
            credentials,
            config,
        } = self.inputs.files;
        let own = profile.own.as_ref().filter(|_| OF_ROLES.contains(&key));
        own.and_then(|own| in_file(credentials, own, key))
            .or_else(|| in_file(config, profile.config.as_ref()?, key))
            .or_else(|| {
                let mut includes = profile.includes.iter();
                includes.find_map(|header| in_file(config, header, key))
            })
    }

    /// A key of the profile itself.
    pub(super) fn own(&self, profile: &ChainProfile, key: &'static str) -> Option<Setting<String>> {
        self.long_term(profile, key)
            .or_else(|| self.config(profile, key))
    }

    /// A key of a role. The values of its profile apply only to the role that it names.
    fn of_role(&self, role: &ChainRole, key: &'static str) -> Option<Setting<String>> {
        let profile = &self.chain.profiles[role.profile];
        let named = self.config(profile, key::ROLE_ARN);
        let is_named = named.is_some_and(|named| named.value == role.arn.value);
        self.long_term(profile, key)
            .or_else(|| self.config(profile, key).filter(|_| is_named))
    }

    /// The requested profile.
    fn asked_for(&self) -> &ChainProfile {
        &self.chain.profiles[0]
    }

    /// The profile with the keys.
    fn base(&self) -> &ChainProfile {
        &self.chain.profiles[self.chain.profiles.len() - 1]
    }

    /// The device, if one is set.
    pub(super) fn device(&self) -> Result<Option<Setting<SerialNumber>>> {
        let given = first([
            flag(
                "--device",
                self.inputs.request.device.serial_number.as_ref(),
            ),
            self.variable(MFA_DEVICE),
        ]);
        let along_the_way = || {
            self.chain.profiles.iter().find_map(|profile| {
                first([
                    self.long_term(profile, key::AWS_MFA_DEVICE),
                    self.long_term(profile, key::MFA_SERIAL),
                    self.config(profile, key::MFA_SERIAL),
                ])
            })
        };
        let Some(Setting { value, origin }) = given.or_else(along_the_way) else {
            return Ok(None);
        };
        match SerialNumber::parse(&value) {
            Ok(value) => Ok(Some(Setting { value, origin })),
            Err(wrong) => bail!(
                Failure::new(format!("the device {value} ({origin}) {}", wrong.problem))
                    .hint(wrong.hint)
            ),
        }
    }

    /// The command that prints a code of the device.
    pub(super) fn mfa_process(&self) -> Option<Setting<String>> {
        let mut profiles = self.chain.profiles.iter();
        profiles.find_map(|profile| self.own(profile, key::MFA_PROCESS))
    }

    /// The form in which the expiration is written to the credentials file.
    pub(super) fn expiration_style(&self) -> Result<Setting<ExpirationStyle>> {
        let along_the_way = || {
            let mut profiles = self.chain.profiles.iter();
            profiles.find_map(|profile| self.own(profile, key::EXPIRATION_STYLE))
        };
        let set = self.variable(MFA_CREDS_EXPIRATION_STYLE);
        let Some(Setting { value, origin }) = set.or_else(along_the_way) else {
            return Ok(default(ExpirationStyle::AwsMfa));
        };
        let value = match value.as_str() {
            "aws-mfa" => ExpirationStyle::AwsMfa,
            "rfc3339" => ExpirationStyle::Rfc3339,
            _ => bail!(
                Failure::new(format!(
                    "`{value}` ({origin}) is not a style of expirations"
                ))
                .hint("use rfc3339 or aws-mfa")
            ),
        };
        Ok(Setting { value, origin })
    }

    pub(super) fn role(&self, role: &ChainRole) -> Result<Role> {
        let arn = role.arn.clone();
        let flags = (role.profile == 0).then_some(self.inputs.request);
        if !Form::RoleArn.fits(&arn.value) {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not a role ARN",
                    arn.value, arn.origin
                ))
                .hint(if arn.is_of_profile() {
                    "write it like arn:aws:iam::123456789012:role/NAME"
                } else {
                    WRITE_ROLE
                })
            );
        }
        let session_name = first([
            flags.and_then(|flags| flag("--role-session-name", flags.role_session_name.as_ref())),
            self.of_role(role, key::ROLE_SESSION_NAME),
        ]);
        if let Some(name) = &session_name
            && !Form::RoleSessionName.fits(&name.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not a valid role session name",
                    name.value, name.origin
                ))
                .hint("use 2 to 64 letters, digits, and any of _+=,.@-")
            );
        }
        let external_id = first([
            flags.and_then(|flags| flag("--external-id", flags.external_id.as_ref())),
            self.of_role(role, key::EXTERNAL_ID),
        ]);
        if let Some(id) = &external_id
            && !Form::ExternalId.fits(&id.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not a valid external ID",
                    id.value, id.origin
                ))
                .hint("use 2 to 1224 letters, digits, and any of _+=,.@:/-")
            );
        }
        let place = RolePlace::of(&self.chain.profiles[role.profile], role);
        let scope = self.inputs.scope_of(&arn, &place)?;
        Ok(Role {
            arn,
            session_name: session_name.unwrap_or_else(|| self.user_name()),
            external_id,
            scope,
        })
    }

    /// The local user as the name of a role session, with characters that AWS rejects replaced.
    fn user_name(&self) -> Setting<String> {
        let name = ["LOGNAME", "USER", "LNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| self.variable(name));
        let Some(Setting { value, origin }) = name else {
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
        Setting { value, origin }
    }

    /// The duration of the requested credentials. The duration in the environment applies to what the code is used for, so not to a
    /// role of the config file, which is assumed from a session.
    pub(super) fn duration(&self) -> Result<Setting<u32>> {
        let role = self.chain.roles.first().filter(|role| role.profile == 0);
        let environment = match role {
            Some(role) if role.arn.is_of_profile() => None,
            _ => Some(self.inputs.environment),
        };
        let given = seconds(self.inputs.request.duration, environment)?;
        let profile = self.asked_for();
        let chosen = match given {
            Some(given) => Some(given),
            None => first([
                self.long_term(profile, key::AWS_MFA_DURATION),
                self.long_term(profile, key::DURATION_SECONDS),
                role.and_then(|role| self.of_role(role, key::DURATION_SECONDS)),
            ])
            .map(parse_seconds)
            .transpose()?,
        };
        let kind = if role.is_some() {
            DurationKind::Role
        } else {
            DurationKind::Session
        };
        within_limits(chosen, kind)
    }

    /// The duration of a session that assumes roles: that of the profile with the keys, unless it is the duration of a role.
    pub(super) fn session_duration(&self) -> Result<Setting<u32>> {
        let (base, last) = (self.base(), self.chain.profiles.len() - 1);
        let roles = &self.chain.roles;
        let of_a_role = last == 0 || roles.iter().any(|role| role.profile == last);
        let environment = roles[0]
            .arn
            .is_of_profile()
            .then_some(self.inputs.environment);
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
        within_limits(chosen, DurationKind::Session)
    }

    /// The duration of a role that only assumes the next role.
    pub(super) fn passing_duration() -> Setting<u32> {
        default(PASSING_SECONDS)
    }
}

fn within_limits(chosen: Option<Setting<u64>>, kind: DurationKind) -> Result<Setting<u32>> {
    let ((range, usual), what) = match kind {
        DurationKind::Session => (SESSION_SECONDS, "a session"),
        DurationKind::Role => (ROLE_SECONDS, "a role"),
    };
    let Some(Setting { value, origin }) = chosen else {
        return Ok(default(usual));
    };
    match u32::try_from(value) {
        Ok(value) if range.contains(&value) => Ok(Setting { value, origin }),
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

/// A duration from the flag or, without it, from the environment.
fn seconds(flag: Option<u64>, environment: Option<&Environment>) -> Result<Option<Setting<u64>>> {
    let environment = environment.map(|environment| (environment, MFA_STS_DURATION));
    given_seconds("--duration", flag, environment)
}

/// Seconds from a flag that clap has parsed or, without it, from the environment.
pub(super) fn given_seconds(
    name: &'static str,
    flag: Option<u64>,
    environment: Option<(&Environment, &'static str)>,
) -> Result<Option<Setting<u64>>> {
    match (flag, environment) {
        (Some(value), _) => Ok(Some(Setting {
            value,
            origin: Origin::Flag(name),
        })),
        (None, Some((environment, name))) => {
            variable(environment, name).map(parse_seconds).transpose()
        }
        (None, None) => Ok(None),
    }
}

fn parse_seconds(Setting { value, origin }: Setting<String>) -> Result<Setting<u64>> {
    match seconds::parse(&value) {
        Ok(value) => Ok(Setting { value, origin }),
        Err(hint) => {
            bail!(Failure::new(format!("`{value}` ({origin}) is not a duration")).hint(hint))
        }
    }
}
