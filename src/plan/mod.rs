//! Decides everything that can be decided without network, clock or terminal, and says where each decision came from.

mod chosen;
mod decision;
mod target;
mod sections;
mod shadows;
mod walk;
mod several;
mod asking;
mod settings;
mod proxy;
mod connection;
mod route;
mod base;
mod steps;

use std::path::PathBuf;

use anyhow::{Result, bail};

pub use self::asking::{Asking, Given, Prompting, process_of_environment};
pub use self::chosen::{Chosen, Origin};
use self::chosen::{default, first, flag, in_file, inherited, variable};
pub use self::connection::{Connection, Service, check_region};
use self::decision::{Circumstances, Wish, decide};
pub use self::decision::{Decision, Way};
pub use self::proxy::Proxy;
pub use self::route::Route;
pub use self::sections::{
    SpoiledValue, check_sections, check_unique, first_repeat, long_term_keys_in_the_way, notes,
    secret_in_the_way, spoiled_values,
};
use self::settings::View;
pub use self::several::{Selection, candidates, profile_of_environment, profiles};
pub use self::shadows::{Precedence, Shadow, keys_before_process};
pub use self::target::{Keep, Naming, Target, is_name_part};
use self::walk::walk;
use crate::cli::Request;
use crate::core::credentials::LongTermKeys;
use crate::core::device::SerialNumber;
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::form::Form;
pub use crate::core::text::{quoted, quoted_path};
use crate::files::profiles::{File, Files, config_header, key};
use crate::files::section_format;

/// How credentials are got: who calls what, with what, and where.
#[derive(Debug)]
pub struct Plan {
    /// Who makes the first call.
    pub base: Base,
    /// The profiles on the way to the keys, from the one that is asked for.
    pub profiles: Vec<String>,
    /// The flags that name the profile with the keys.
    pub base_flags: String,
    /// Which device the code comes from, where somebody says so.
    pub device: Option<Chosen<SerialNumber>>,
    /// A command that prints the code.
    pub process: Option<Chosen<String>>,
    /// How to ask about the user who has the keys.
    pub access: Access,
    /// What the code is spent on, and why.
    pub decision: Decision,
    /// How long the credentials were wanted; see [`Decision::seconds`] for how long they are asked for.
    pub wanted: Chosen<u32>,
    /// The calls, each with the credentials of the one before. The first is made with the keys and the code.
    pub steps: Vec<Step>,
    /// The section that keeps the session, where it is not what is asked for and a profile owns it.
    pub owner: Option<String>,
    /// How the AWS tools could do it by themselves, where they could.
    pub native: Option<Native>,
    /// The region of the profile, where its section is of another name and has none.
    pub region: Option<String>,
}

/// The keys that everything hangs on.
#[derive(Debug)]
pub struct Base {
    pub keys: Keys,
    pub section: String,
    pub path: PathBuf,
    /// What names the device there: the config file has no key of aws-mfa's.
    pub device_key: &'static str,
}

/// The services that know the user who has the keys.
#[derive(Clone, Debug)]
pub struct Access {
    pub sts: Connection,
    pub iam: Connection,
}

/// Where long-term keys come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They stand in the file.
    Stored(LongTermKeys),
    /// A command prints them.
    Process(Chosen<String>),
}

/// One call of STS.
#[derive(Debug)]
pub struct Step {
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

/// A role that the AWS tools assume by themselves, from the section with the session.
#[derive(Debug)]
pub struct Native {
    /// The section, which is a profile, too.
    pub source: String,
    /// The header in the config file whose `mfa_serial` keeps them from it: for that they would ask for a code.
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

    /// Whether the code buys a session.
    pub fn has_session(&self) -> bool {
        self.decision.way != Way::Direct
    }
}

impl Base {
    /// Where the keys stand, for messages: `[work-long-term] in PATH`.
    pub fn place(&self) -> String {
        format!("[{}] in {}", self.section, self.path.display())
    }
}

/// The profile that is meant where nobody names one.
const DEFAULT_PROFILE: &str = "default";

/// The flag that names a profile, as it is typed behind a command; nothing for the default one.
pub fn profile_flag(profile: &str) -> String {
    if profile == DEFAULT_PROFILE {
        String::new()
    } else {
        format!(" -p {}", quoted(profile))
    }
}

/// How long credentials must still last to be used again, in seconds, when nobody says otherwise.
const DEFAULT_MIN_TTL: u32 = 60;

/// How long stored credentials must still last, in seconds: the flag, else the environment, else 60.
///
/// # Errors
/// When the environment's value is no duration.
pub fn min_ttl(flag: Option<u64>, environment: &Environment) -> Result<Chosen<u32>> {
    let environment = Some((environment, "MFA_CREDS_MIN_TTL"));
    let chosen = settings::given_seconds("--min-ttl", flag, environment)?;
    Ok(match chosen {
        Some(Chosen { value, origin }) => Chosen {
            value: u32::try_from(value).unwrap_or(u32::MAX),
            origin,
        },
        None => default(DEFAULT_MIN_TTL),
    })
}

/// The role that is asked for, if any, as written.
pub fn wanted_role(
    request: &Request,
    environment: &Environment,
    target: &Target,
    files: &Files<'_>,
) -> Option<Chosen<String>> {
    first([
        flag("--assume-role", request.assume_role.as_ref()),
        variable(environment, "MFA_ASSUME_ROLE"),
        inherited(&files.credentials, &target.long_term, key::ASSUME_ROLE),
    ])
    .or_else(|| {
        let header = config_header(&files.config.document, &target.profile.value)?;
        in_file(&files.config, header, key::ROLE_ARN)
    })
}

/// Decides the rest.
///
/// # Errors
/// Everything that is wrong and can be known before the code is asked for.
pub fn plan(
    request: &Request,
    environment: &Environment,
    naming: &Naming,
    target: &Target,
    files: &Files<'_>,
) -> Result<Plan> {
    let role = wanted_role(request, environment, target, files);
    let walk = walk(role, target, naming, files)?;
    let base = base::base(&walk.base, files)?;
    if !target.keep.is_private() {
        if section_format::holds_long_term_keys(&files.credentials, &target.short_term) {
            bail!(long_term_keys_in_the_way(target, &files.credentials));
        }
        sections::check_not_of_another(target, naming, files)?;
    }
    let view = View {
        request,
        environment,
        files,
        walk: &walk,
    };
    let device = view.device()?;
    let wanted = view.duration()?;
    let decision = decide(Circumstances {
        roles: walk.roles.len(),
        seconds: wanted.value,
        wish: if request.direct {
            Some(Wish::Direct)
        } else {
            request.chain.then_some(Wish::Chain)
        },
    });
    let min_ttl = min_ttl(request.min_ttl, environment)?;
    if min_ttl.value > decision.seconds {
        bail!(match decision.capped {
            None => Failure::new(format!(
                "credentials that last {} s ({}) cannot have {} s left ({})",
                wanted.value, wanted.origin, min_ttl.value, min_ttl.origin
            ))
            .hint("ask for a longer --duration, or a shorter --min-ttl"),
            Some(cap) => Failure::new(format!(
                "credentials that last 1 h cannot have {} s left ({}): {cap}",
                min_ttl.value, min_ttl.origin
            ))
            .hint("ask for a shorter --min-ttl"),
        });
    }
    let steps = steps::steps(&view, &wanted, &decision)?;
    if let (Some(device), Some(first)) = (&device, steps.first()) {
        check_device(device, &first.connection)?;
    }
    for step in &steps {
        if let Call::AssumeRole(role) = &step.call {
            let (arn, region) = (&role.arn, &step.connection.region);
            route::check_partition("role", &arn.value, arn, region)?;
        }
    }
    let owner = base::owner(&walk, naming, target, files);
    Ok(Plan {
        base,
        profiles: walk.links.iter().map(|link| link.profile.clone()).collect(),
        base_flags: match &walk.links[..] {
            [.., _, base] => naming.flags_of(&base.profile),
            _ => target.flags.clone(),
        },
        device,
        process: view.process(),
        access: view.access()?,
        native: base::native(&walk, &decision, owner.as_deref(), files),
        decision,
        wanted,
        steps,
        owner,
        region: region_elsewhere(target, &files.config),
    })
}

/// The keys that a profile hangs on, whatever else is wrong with it.
pub fn base_of(
    request: &Request,
    environment: &Environment,
    naming: &Naming,
    target: &Target,
    files: &Files<'_>,
) -> Option<Base> {
    let role = wanted_role(request, environment, target, files);
    let walk = walk(role, target, naming, files).ok()?;
    base::base(&walk.base, files).ok()
}

/// The user who has the keys that a profile hangs on, as far as that is known without asking.
pub struct User {
    pub base: Base,
    pub access: Access,
    /// The device that is set, be it right or not.
    pub device: Option<Result<Chosen<SerialNumber>>>,
}

/// The user who has the keys that a profile hangs on.
///
/// # Errors
/// When there is no way to the keys.
pub fn user(
    request: &Request,
    environment: &Environment,
    naming: &Naming,
    target: &Target,
    files: &Files<'_>,
) -> Result<User> {
    let role = wanted_role(request, environment, target, files);
    let walk = walk(role, target, naming, files)?;
    let view = View {
        request,
        environment,
        files,
        walk: &walk,
    };
    let access = view.access()?;
    let device = view.device().and_then(|device| {
        if let Some(device) = &device {
            check_device(device, &access.sts)?;
        }
        Ok(device)
    });
    Ok(User {
        base: base::base(&walk.base, files)?,
        access,
        device: device.transpose(),
    })
}

/// Refuses a device of another partition than the STS that is to check its codes.
fn check_device(device: &Chosen<SerialNumber>, sts: &Connection) -> Result<()> {
    route::check_partition("device", device.value.as_str(), device, &sts.region)
}

/// The region that other tools shall use with the credentials of a profile, where somebody said which.
pub fn region(
    request: &Request,
    environment: &Environment,
    target: &Target,
    files: &Files<'_>,
) -> Option<Chosen<String>> {
    let Files {
        credentials,
        config,
    } = files;
    let of = |profile: &str| {
        let header = config_header(&config.document, profile);
        in_file(credentials, profile, key::REGION).or_else(|| in_file(config, header?, key::REGION))
    };
    first([
        flag("--region", request.region.as_ref()),
        variable(environment, "AWS_REGION"),
        variable(environment, "AWS_DEFAULT_REGION"),
        inherited(credentials, &target.long_term, key::REGION),
        of(&target.short_term),
        of(&target.profile.value),
    ])
}

/// The region of a profile for which a section of another name is written, unless that has a region of its own.
fn region_elsewhere(target: &Target, config: &File<'_>) -> Option<String> {
    let region = |profile| config.get(config_header(&config.document, profile)?, key::REGION);
    let is_beside = target.short_term != target.profile.value;
    let missing = is_beside && region(&target.short_term).is_none();
    // It is shown as something to type.
    region(&target.profile.value).filter(|region| missing && Form::Region.fits(region))
}
