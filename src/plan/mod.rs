//! Decides everything that can be decided without network or terminal, and records the origin of each decision.

mod setting;
mod includes;
mod account;
mod code_settings;
mod decision;
mod section_names;
mod section_checks;
mod precedence;
mod overridden;
mod other_sources;
mod role_chain;
mod selection;
mod short_role;
mod session_scope;
mod wanted;
mod settings;
mod proxy;
mod connection;
mod route;
mod key_source;
mod login;
mod sts_calls;
mod console;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

pub use self::account::Account;
pub use self::code_settings::{CodeSettings, Given, PromptSettings, process_of_environment};
pub use self::connection::{Connection, Service, check_region};
pub use self::console::{ConsoleSignIn, FederatedUser, WhoSignsIn, needs_a_role};
use self::decision::{Circumstances, Wish, decide};
pub use self::decision::{Decision, Strategy};
use self::includes::of_profile;
pub use self::key_source::ADD_THE_KEY;
pub use self::login::LoginSession;
pub use self::overridden::{
    Overridden, keys_before_login, keys_before_process, overridden_by_keys,
};
pub use self::precedence::{PREFER_TOKEN, Precedence, TOKEN_FILE, token_of_environment};
pub use self::proxy::Proxy;
use self::role_chain::{NoWay, RoleChain};
pub use self::route::Route;
pub use self::section_checks::{
    MOST_NAMES, SpoiledValue, check_sections, check_unique, first_repeat,
    long_term_keys_in_the_way, not_set_up, notes, secret_in_the_way, spoiled_values,
};
pub use self::section_names::{NAME_RULE, ProfileSections, SectionNames, Storage, is_name_part};
pub use self::selection::{Selection, profile_of_environment};
pub use self::session_scope::{SessionPolicy, SessionScope};
pub use self::setting::{Origin, Setting};
use self::setting::{default, first, flag, inherited, variable};
use self::settings::Resolver;
pub use self::short_role::is_role;
use crate::cli::Request;
use crate::core::credentials::LongTermKeys;
use crate::core::environment::{Environment, MFA_CREDS_MIN_TTL};
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::mfa_device::SerialNumber;
use crate::core::text;
use crate::files::profiles::{File, Files, config_header, key};
use crate::files::section_format::{self, ExpirationStyle};

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
    /// The form in which the expiration is written.
    pub expiration_style: Setting<ExpirationStyle>,
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
    /// If the keys are in the environment, the section that says so.
    pub id: KeySourceId,
    pub is_of_environment: bool,
    /// The key that names the device there: in the config file, `mfa_serial`.
    pub device_key: &'static str,
}

/// The services to ask about the user who owns the keys.
#[derive(Clone, Debug)]
pub struct Access {
    pub sts: Connection,
    pub iam: Connection,
}

/// Where long-term keys come from, or what takes their place.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They are in the file.
    Stored(LongTermKeys),
    /// A command prints them.
    Process(Setting<String>),
    /// There are none: a session of `aws login` has credentials instead.
    Login(LoginSession),
}

/// One call of STS, or of AWS Sign-In.
#[derive(Debug)]
pub struct StsCall {
    pub call: Call,
    /// The requested duration, in seconds.
    pub duration: Setting<u32>,
    /// The service to call.
    pub connection: Connection,
}

/// The calls that return credentials: the two of STS that accept a code, and the one for a session of `aws login`.
#[derive(Debug)]
pub enum Call {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
    GetSessionToken,
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    AssumeRole(Box<Role>),
    /// Not called while the credentials in the cache are valid: <https://docs.aws.amazon.com/signin/latest/APIReference/API_CreateOAuth2Token.html>
    RefreshLogin,
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
    /// The section whose `mfa_serial` prevents this, because it makes AWS tools ask for a code.
    pub but_for: Option<String>,
}

impl Plan {
    /// The role that the credentials will be for.
    pub fn role(&self) -> Option<&Role> {
        match &self.steps.last()?.call {
            Call::GetSessionToken | Call::RefreshLogin => None,
            Call::AssumeRole(role) => Some(role),
        }
    }

    /// Whether the code is used for a session.
    pub fn has_session(&self) -> bool {
        matches!(self.decision.way, Strategy::Session | Strategy::Chain)
    }
}

impl StsCall {
    /// The session scope of a role that has one.
    pub fn scope(&self) -> Option<&SessionScope> {
        match &self.call {
            Call::AssumeRole(role) => Some(&role.scope).filter(|scope| !scope.is_empty()),
            Call::GetSessionToken | Call::RefreshLogin => None,
        }
    }

    fn scope_mut(&mut self) -> Option<&mut SessionScope> {
        match &mut self.call {
            Call::AssumeRole(role) => Some(&mut role.scope),
            Call::GetSessionToken | Call::RefreshLogin => None,
        }
    }
}

/// For messages: where the keys are.
impl KeySource {
    /// The session of `aws login`, if that takes the place of keys.
    pub fn login(&self) -> Option<&LoginSession> {
        match &self.keys {
            Keys::Login(login) => Some(login),
            Keys::Stored(_) | Keys::Process(_) => None,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, .. } = self;
        if self.is_of_environment {
            write!(f, "the environment ({} of {id})", key::CREDENTIAL_SOURCE)
        } else if let Keys::Login(_) = self.keys {
            write!(f, "the session of `aws login` for {id}")
        } else {
            id.fmt(f)
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

    /// Decides everything about a renewal.
    pub fn plan(&self, sections: &ProfileSections) -> Result<Plan> {
        let files = self.files;
        let chain = self.role_chain(sections)?;
        let key_source = key_source::key_source(&chain, self.names, files, self.environment)?;
        if !sections.storage.is_private() {
            if section_format::holds_long_term_keys(&files.credentials, &sections.short_term) {
                bail!(long_term_keys_in_the_way(sections, &files.credentials));
            }
            section_checks::check_not_of_another(sections, self.names, files)?;
        }
        let resolver = self.resolver(&chain);
        let device = resolver.device()?;
        let is_login = matches!(key_source.keys, Keys::Login(_));
        let wanted = if is_login && chain.roles.is_empty() {
            self.duration_of_login()?
        } else {
            resolver.duration()?
        };
        let decision = decide(Circumstances {
            roles: chain.roles.len(),
            seconds: wanted.value,
            is_login,
            wish: if self.request.direct {
                Some(Wish::Direct)
            } else {
                self.request.chain.then_some(Wish::Chain)
            },
        });
        check_min_ttl(&self.min_ttl()?, &wanted, &decision)?;
        let mut steps = sts_calls::sts_calls(&resolver, key_source.login(), &wanted, &decision)?;
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
            device: device.filter(|_| !is_login),
            mfa_process: resolver.mfa_process(),
            access: resolver.access()?,
            native: key_source::native(&chain, &decision, session_section.as_deref(), files)
                .filter(|_| steps.iter().all(|step| step.scope().is_none())),
            decision,
            wanted,
            steps,
            session_section,
            expiration_style: resolver.expiration_style()?,
            region: region_elsewhere(sections, &files.config),
        })
    }

    /// How long the credentials of `aws login` last, which nobody can change.
    fn duration_of_login(&self) -> Result<Setting<u32>> {
        if self.request.duration.is_some() {
            bail!(
                Failure::new(
                    "--duration needs a role: the credentials of `aws login` always last 15 min"
                )
                .hint("leave it out; they are renewed as long as you are signed in, up to 12 h")
            );
        }
        Ok(Setting {
            value: decision::LOGIN_SECONDS,
            origin: Origin::Limit,
        })
    }

    /// The same sections, stored where the credentials of the profile are: those of `aws login` stay in the cache of AWS tools, unless
    /// they only assume a role.
    pub fn in_login_cache(&self, sections: ProfileSections) -> ProfileSections {
        if sections.login.is_some() && self.wanted_role(&sections).is_none() {
            sections.kept(Storage::LoginCache)
        } else {
            sections
        }
    }

    /// The keys that a profile depends on, whatever else is wrong with it.
    pub fn key_source(&self, sections: &ProfileSections) -> Option<KeySource> {
        let chain = self.role_chain(sections).ok()?;
        key_source::key_source(&chain, self.names, self.files, self.environment).ok()
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
        let key_source = key_source::key_source(&chain, self.names, self.files, self.environment)?;
        let login = key_source.login();
        let login = login.map(|login| resolver.login_connection(Some(login)));
        Ok(User {
            login: login.transpose()?,
            key_source,
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
            of_profile(self.files, profile, header, key::REGION)
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
        let mut chain = role_chain::follow(role, sections, self.names, self.files)?;
        let header = chain.profiles[0].config.as_deref();
        for role in &mut chain.roles {
            role.arn = self.with_arn(role.arn.clone(), sections, header);
        }
        Ok(chain)
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
        None if decision.way == Strategy::Login && wanted.origin == Origin::Limit => {
            Failure::new(format!(
                "the credentials of `aws login` last 15 min, and cannot have {} s left ({})",
                min_ttl.value, min_ttl.origin
            ))
            .hint("set a shorter --min-ttl")
        }
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
    /// What renews the session of `aws login`, if that takes the place of keys.
    pub login: Option<Connection>,
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
