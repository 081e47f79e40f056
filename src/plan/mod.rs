//! Decides everything that can be decided without network or terminal, and records the origin of each decision.

mod setting;
mod code_settings;
mod decision;
mod section_names;
mod section_checks;
mod precedence;
mod overridden;
mod role_chain;
mod selection;
mod session_scope;
mod settings;
mod proxy;
mod connection;
mod route;
mod key_source;
mod sts_calls;
mod console;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use chrono::TimeDelta;

pub use self::code_settings::{CodeSettings, Given, PromptSettings, process_of_environment};
pub use self::connection::{Connection, Service, check_region};
pub use self::console::ConsoleSignIn;
use self::decision::{Circumstances, Wish, decide};
pub use self::decision::{Decision, Strategy};
pub use self::key_source::ADD_THE_KEY;
pub use self::overridden::{Overridden, keys_before_process};
pub use self::precedence::Precedence;
pub use self::proxy::Proxy;
use self::role_chain::{ChainProfile, ChainRole, NoWay, RoleChain};
pub use self::route::Route;
pub use self::section_checks::{
    MOST_NAMES, SpoiledValue, check_sections, check_unique, first_repeat,
    long_term_keys_in_the_way, not_set_up, notes, secret_in_the_way, spoiled_values,
};
pub use self::section_names::{NAME_RULE, ProfileSections, SectionNames, Storage, is_name_part};
pub use self::selection::{Selection, profile_of_environment};
use self::session_scope::ScopeSource;
pub use self::session_scope::{SessionPolicy, SessionScope};
use self::setting::{INHERITED, default, first, flag, in_file, inherited, variable};
pub use self::setting::{Origin, Setting};
use self::settings::Resolver;
use crate::cli::Request;
use crate::core::credentials::LongTermKeys;
use crate::core::environment::{Environment, MFA_ASSUME_ROLE, MFA_CREDS_MIN_TTL};
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::mfa_device::SerialNumber;
use crate::core::text;
use crate::files::freshness::Wanted;
use crate::files::profiles::{File, Files, Values, config_header, key};
use crate::files::section_format;

/// How to get credentials: which calls, with which credentials and settings, and where.
#[derive(Debug)]
pub struct Plan {
    /// The keys that sign the first call.
    pub key_source: KeySource,
    /// The profiles from the requested one to the one with the keys.
    pub profiles: Vec<String>,
    /// The flags that name the profile with the keys.
    pub key_source_flags: String,
    /// The device of the code, if it is set.
    pub device: Option<Setting<SerialNumber>>,
    /// A command that prints the code.
    pub mfa_process: Option<Setting<String>>,
    /// How to ask about the user who owns the keys.
    pub access: Access,
    /// What the code is used for, and why.
    pub decision: Decision,
    /// The requested duration; [`Decision::seconds`] is what AWS is asked for.
    pub wanted: Setting<u32>,
    /// The calls, each with the credentials of the one before. The first is made with the keys and the code.
    pub steps: Vec<StsCall>,
    /// The section for the session, if the session is not the goal and a profile has a section for it.
    pub session_section: Option<String>,
    /// How AWS tools could assume the role by themselves, if they can.
    pub native: Option<Native>,
    /// The region of the profile, if its section has another name and no region.
    pub region: Option<String>,
}

/// Where long-term keys are: the section of a file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KeySourceId {
    pub path: PathBuf,
    pub section: String,
    /// Whether it is the config file, which AWS tools also read keys from.
    pub in_config: bool,
}

/// The long-term keys of a plan.
#[derive(Debug)]
pub struct KeySource {
    pub keys: Keys,
    pub id: KeySourceId,
    /// The key that names the device there: in the config file, `mfa_serial`.
    pub device_key: &'static str,
}

/// The services to ask about the user who owns the keys.
#[derive(Clone, Debug)]
pub struct Access {
    pub sts: Connection,
    pub iam: Connection,
}

/// Where long-term keys come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They are in the file.
    Stored(LongTermKeys),
    /// A command prints them.
    Process(Setting<String>),
}

/// One call of STS.
#[derive(Debug)]
pub struct StsCall {
    pub call: Call,
    /// The requested duration, in seconds.
    pub duration: Setting<u32>,
    /// The STS to call.
    pub connection: Connection,
}

/// The two calls of STS that accept a code.
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
    pub arn: Setting<String>,
    pub session_name: Setting<String>,
    pub external_id: Option<Setting<String>>,
    pub scope: SessionScope,
}

/// A role that the AWS tools assume by themselves, from the section with the session.
#[derive(Debug)]
pub struct Native {
    /// The section, which is also a profile.
    pub source: String,
    /// The header in the config file whose `mfa_serial` prevents this, because it makes AWS tools ask for a code.
    pub but_for: Option<String>,
}

impl Plan {
    /// The role that the credentials will be for.
    pub fn role(&self) -> Option<&Role> {
        match &self.steps.last()?.call {
            Call::GetSessionToken => None,
            Call::AssumeRole(role) => Some(role),
        }
    }

    /// Whether the code is used for a session.
    pub fn has_session(&self) -> bool {
        self.decision.way != Strategy::Direct
    }
}

impl StsCall {
    /// The session scope of a role that has one.
    pub fn scope(&self) -> Option<&SessionScope> {
        match &self.call {
            Call::AssumeRole(role) => Some(&role.scope).filter(|scope| !scope.is_empty()),
            Call::GetSessionToken => None,
        }
    }

    fn scope_mut(&mut self) -> Option<&mut SessionScope> {
        match &mut self.call {
            Call::AssumeRole(role) => Some(&mut role.scope),
            Call::GetSessionToken => None,
        }
    }
}

/// For messages: `[work-long-term] in PATH`.
impl fmt::Display for KeySourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] in {}", self.section, self.path.display())
    }
}

/// The default profile.
pub const DEFAULT_PROFILE: &str = "default";

/// The flag that names a profile, to append to a command. The default profile needs it, too: `AWS_PROFILE` may name another one.
pub fn profile_flag(profile: &str) -> String {
    format!(" {}", text::flag("-p", profile))
}

/// Everything that a plan depends on: the command line, the environment, and the files.
#[derive(Clone, Copy)]
pub struct Inputs<'i> {
    pub request: &'i Request,
    pub environment: &'i Environment,
    pub names: &'i SectionNames,
    pub files: &'i Files<'i>,
}

impl<'i> Inputs<'i> {
    /// How long stored credentials must still last, in seconds: from the flag, the environment, or the default of 60.
    pub fn min_ttl(&self) -> Result<Setting<u32>> {
        min_ttl(self.request.min_ttl, self.environment)
    }

    /// The requested role, if any, as written.
    pub fn wanted_role(&self, sections: &ProfileSections) -> Option<Setting<String>> {
        self.role_in(&self.own_settings(sections))
    }

    fn own_settings<'s>(&'s self, sections: &'s ProfileSections) -> OwnSettings<'s> {
        let Files {
            credentials,
            config,
        } = self.files;
        let section = sections.long_term.as_str();
        OwnSettings {
            long_term: [section, INHERITED].map(|section| (section, credentials.values(section))),
            header: config_header(&config.document, &sections.profile.value),
        }
    }

    fn role_in(&self, own: &OwnSettings<'_>) -> Option<Setting<String>> {
        let Files {
            credentials,
            config,
        } = self.files;
        let in_long_term = || {
            let mut places = own.long_term.iter();
            places.find_map(|(section, values)| {
                let value = values.get(key::ASSUME_ROLE)?;
                let origin = Origin::of_file(credentials, section, key::ASSUME_ROLE);
                Some(Setting { value, origin })
            })
        };
        first([
            flag("--assume-role", self.request.assume_role.as_ref()),
            variable(self.environment, MFA_ASSUME_ROLE),
        ])
        .or_else(in_long_term)
        .or_else(|| in_file(config, own.header?, key::ROLE_ARN))
    }

    /// What the credentials of a profile must satisfy.
    pub fn wanted(&self, sections: &ProfileSections, min_ttl: &Setting<u32>) -> Result<Wanted> {
        let own = self.own_settings(sections);
        let role = self.role_in(&own);
        let session_scope = if self.may_have_scope(sections, &own) {
            self.wanted_scope(sections, role.as_ref())?.wanted()
        } else {
            None
        };
        Ok(Wanted {
            role_arn: role.map(|role| role.value),
            session_scope,
            min_ttl: TimeDelta::seconds(min_ttl.value.into()),
            force: self.request.force,
        })
    }

    /// Whether something may set the session scope. Quickly answered, because this precedes every command.
    fn may_have_scope(&self, sections: &ProfileSections, own: &OwnSettings<'_>) -> bool {
        let Files {
            credentials,
            config,
        } = self.files;
        let keys = &session_scope::KEYS;
        let [(_, long_term), _] = &own.long_term;
        self.request.scope.first_flag().is_some()
            || own.long_term.iter().any(|(_, values)| values.has_any(keys))
            || own
                .header
                .is_some_and(|header| config.values(header).has_any(keys))
            || long_term.is_empty()
                && (credentials.values(&sections.profile.value).has_any(keys)
                    || self.sources_may_have_scope(own.header))
    }

    /// The same for the profiles that a profile of the config file leads to.
    fn sources_may_have_scope(&self, header: Option<&str>) -> bool {
        let Files {
            credentials,
            config,
        } = self.files;
        let source = |header: &&str| config.get(header, key::SOURCE_PROFILE);
        let mut next = header.as_ref().and_then(source);
        // A loop is an error elsewhere.
        for _ in 0..MOST_SOURCES {
            let Some(profile) = next else { return false };
            let header = config_header(&config.document, &profile);
            let long_term = self.names.long_term(&profile);
            if header.is_some_and(|header| config.values(header).has_any(&session_scope::KEYS))
                || credentials.values(&long_term).has_any(&session_scope::KEYS)
            {
                return true;
            }
            next = header.as_ref().and_then(source);
        }
        true
    }

    /// The session scope of the requested role, with what it inherits from the roles before it.
    fn scope_in_chain(&self, chain: &RoleChain) -> Result<SessionScope> {
        let scopes = chain.roles.iter().rev().map(|role| {
            let place = RolePlace::of(&chain.profiles[role.profile], role);
            self.scope_of(&role.arn, &place)
        });
        let mut scopes: Vec<SessionScope> = scopes.collect::<Result<_>>()?;
        session_scope::inherit(&mut scopes)?;
        Ok(scopes.pop().unwrap_or_default())
    }

    /// The session scope of the requested role. AWS supports none without a role, so it is refused.
    fn wanted_scope(
        &self,
        sections: &ProfileSections,
        role: Option<&Setting<String>>,
    ) -> Result<SessionScope> {
        let profile = &sections.profile.value;
        let long_term = role_chain::settings_section(profile, self.names, &self.files.credentials);
        let header = config_header(&self.files.config.document, profile);
        let place = RolePlace {
            long_term: long_term.as_deref(),
            header,
            is_requested: true,
        };
        if let Some(role) = role {
            return if self.sources_may_have_scope(header) {
                self.scope_in_chain(&self.role_chain(sections)?)
            } else {
                self.scope_of(role, &place)
            };
        }
        let source = self.scope_source(None, &place);
        let Some(origin) = source.first_origin() else {
            return Ok(SessionScope::default());
        };
        // Another mistake is the more likely one.
        self.role_chain(sections)?;
        bail!(
            Failure::new(format!(
                "{origin} needs a role: AWS supports session policies, session tags, and a source identity only for roles"
            ))
            .hint("use --assume-role ARN, or the profile of a role")
        )
    }

    /// The session scope of a role.
    fn scope_of(&self, role: &Setting<String>, place: &RolePlace<'_>) -> Result<SessionScope> {
        self.scope_source(Some(role), place).scope(role)
    }

    /// Where the session scope of a role can come from. The settings of a profile in the config file do not apply to another role than
    /// its own.
    fn scope_source<'s>(
        &'s self,
        role: Option<&Setting<String>>,
        place: &RolePlace<'s>,
    ) -> ScopeSource<'s> {
        let Files {
            credentials,
            config,
        } = self.files;
        let is_of_another = |header: &&str| {
            let own = config.get(header, key::ROLE_ARN);
            own.is_some() && own.as_ref() != role.map(|role| &role.value)
        };
        ScopeSource {
            flags: place.is_requested.then_some(&self.request.scope),
            long_term: place.long_term.map(|section| (credentials, section)),
            config: place
                .header
                .filter(|header| !is_of_another(header))
                .map(|header| (config, header)),
        }
    }

    /// Decides the rest.
    pub fn plan(&self, sections: &ProfileSections) -> Result<Plan> {
        let files = self.files;
        let chain = self.role_chain(sections)?;
        let key_source = key_source::key_source(&chain, files)?;
        if !sections.storage.is_private() {
            if section_format::holds_long_term_keys(&files.credentials, &sections.short_term) {
                bail!(long_term_keys_in_the_way(sections, &files.credentials));
            }
            section_checks::check_not_of_another(sections, self.names, files)?;
        }
        let resolver = self.resolver(&chain);
        let device = resolver.device()?;
        let wanted = resolver.duration()?;
        let decision = decide(Circumstances {
            roles: chain.roles.len(),
            seconds: wanted.value,
            wish: if self.request.direct {
                Some(Wish::Direct)
            } else {
                self.request.chain.then_some(Wish::Chain)
            },
        });
        check_min_ttl(&self.min_ttl()?, &wanted, &decision)?;
        let mut steps = sts_calls::sts_calls(&resolver, &wanted, &decision)?;
        session_scope::inherit(steps.iter_mut().filter_map(StsCall::scope_mut))?;
        if let (Some(device), Some(first)) = (&device, steps.first()) {
            check_device(device, &first.connection)?;
        }
        for step in &steps {
            if let Call::AssumeRole(role) = &step.call {
                let (arn, region) = (&role.arn, &step.connection.region);
                route::check_partition("role", &arn.value, arn, region)?;
            }
        }
        let session_section = key_source::session_section(&chain, self.names, sections, files);
        Ok(Plan {
            key_source,
            profiles: chain
                .profiles
                .iter()
                .map(|profile| profile.name.clone())
                .collect(),
            key_source_flags: match &chain.profiles[..] {
                [.., _, last] => self.names.flags_of(&last.name),
                _ => sections.flags.clone(),
            },
            device,
            mfa_process: resolver.mfa_process(),
            access: resolver.access()?,
            native: key_source::native(&chain, &decision, session_section.as_deref(), files)
                .filter(|_| steps.iter().all(|step| step.scope().is_none())),
            decision,
            wanted,
            steps,
            session_section,
            region: region_elsewhere(sections, &files.config),
        })
    }

    /// The keys that a profile depends on, whatever else is wrong with it.
    pub fn key_source(&self, sections: &ProfileSections) -> Option<KeySource> {
        let chain = self.role_chain(sections).ok()?;
        key_source::key_source(&chain, self.files).ok()
    }

    /// The user who owns the keys that a profile depends on.
    pub fn user(&self, sections: &ProfileSections) -> Result<User> {
        let chain = self.role_chain(sections)?;
        let resolver = self.resolver(&chain);
        let access = resolver.access()?;
        let device = resolver.device().and_then(|device| {
            if let Some(device) = &device {
                check_device(device, &access.sts)?;
            }
            Ok(device)
        });
        Ok(User {
            key_source: key_source::key_source(&chain, self.files)?,
            access,
            device: device.transpose(),
        })
    }

    /// The region that other tools use with the credentials of a profile, if one is set. It does not decide which region mfa-creds
    /// calls.
    pub fn output_region(&self, sections: &ProfileSections) -> Option<Setting<String>> {
        let Files {
            credentials,
            config,
        } = self.files;
        let of = |profile: &str| {
            let header = config_header(&config.document, profile);
            in_file(credentials, profile, key::REGION)
                .or_else(|| in_file(config, header?, key::REGION))
        };
        first([
            flag("--region", self.request.network.region.as_ref()),
            variable(self.environment, "AWS_REGION"),
            variable(self.environment, "AWS_DEFAULT_REGION"),
            inherited(credentials, &sections.long_term, key::REGION),
            of(&sections.short_term),
            of(&sections.profile.value),
        ])
    }

    /// The chain from a profile to its keys.
    fn role_chain(&self, sections: &ProfileSections) -> Result<RoleChain, NoWay> {
        let role = self.wanted_role(sections);
        role_chain::follow(role, sections, self.names, self.files)
    }

    fn resolver<'r>(&self, chain: &'r RoleChain) -> Resolver<'r>
    where
        'i: 'r,
    {
        Resolver {
            inputs: *self,
            chain,
        }
    }
}

/// Where the settings of a profile itself are.
struct OwnSettings<'a> {
    /// Its long-term section, and the section that this inherits from.
    long_term: [(&'a str, Values<'a>); 2],
    /// Its header in the config file.
    header: Option<&'a str>,
}

/// Where the settings of a role are.
struct RolePlace<'a> {
    /// Its section in the credentials file.
    long_term: Option<&'a str>,
    /// Its header in the config file.
    header: Option<&'a str>,
    /// Whether the flags are about it.
    is_requested: bool,
}

impl<'a> RolePlace<'a> {
    fn of(profile: &'a ChainProfile, role: &ChainRole) -> Self {
        Self {
            long_term: profile.long_term.as_deref(),
            header: profile.config.as_deref(),
            is_requested: role.profile == 0,
        }
    }
}

/// Longer chains of profiles are followed in any case.
const MOST_SOURCES: usize = 8;

/// How long stored credentials must still last, in seconds, by default.
const DEFAULT_MIN_TTL: u32 = 60;

/// The same, without a profile.
pub fn min_ttl(given: Option<u64>, environment: &Environment) -> Result<Setting<u32>> {
    let environment = Some((environment, MFA_CREDS_MIN_TTL));
    let given = settings::given_seconds("--min-ttl", given, environment)?;
    Ok(match given {
        Some(Setting { value, origin }) => Setting {
            value: u32::try_from(value).unwrap_or(u32::MAX),
            origin,
        },
        None => default(DEFAULT_MIN_TTL),
    })
}

/// Refuses to ask for credentials that would be renewed at once.
fn check_min_ttl(min_ttl: &Setting<u32>, wanted: &Setting<u32>, decision: &Decision) -> Result<()> {
    if min_ttl.value <= decision.seconds {
        return Ok(());
    }
    bail!(match decision.capped {
        None => Failure::new(format!(
            "credentials that last {} s ({}) cannot have {} s left ({})",
            wanted.value, wanted.origin, min_ttl.value, min_ttl.origin
        ))
        .hint("set a longer --duration, or a shorter --min-ttl"),
        Some(cap) => Failure::new(format!(
            "credentials that last 1 h cannot have {} s left ({}): {cap}",
            min_ttl.value, min_ttl.origin
        ))
        .hint("set a shorter --min-ttl"),
    });
}

/// The user who owns the keys that a profile depends on, as far as that is known without calling AWS.
pub struct User {
    pub key_source: KeySource,
    pub access: Access,
    /// The device that is set, even if it is malformed.
    pub device: Option<Result<Setting<SerialNumber>>>,
}

/// Refuses a device in another partition than the STS that checks its codes.
fn check_device(device: &Setting<SerialNumber>, sts: &Connection) -> Result<()> {
    route::check_partition("device", device.value.as_str(), device, &sts.region)
}

/// The region of a profile whose section has another name, unless that section has its own region.
fn region_elsewhere(sections: &ProfileSections, config: &File<'_>) -> Option<String> {
    let region = |profile| config.get(config_header(&config.document, profile)?, key::REGION);
    let is_beside = sections.short_term != sections.profile.value;
    let missing = is_beside && region(&sections.short_term).is_none();
    // A hint shows it as something to type.
    region(&sections.profile.value).filter(|region| missing && Form::Region.fits(region))
}
