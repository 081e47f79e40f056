//! Obtains the credentials of one profile, renewed if necessary, for `export`, `exec`, `console`, `audit`, and `rotate`.

use anyhow::{Result, bail};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::loaded_files::LoadedFiles;
use super::pick_profile::pick_profile;
use crate::cli::SingleProfile;
use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::environment::{CODE, Environment, REGION_OF_PROFILE, REGIONS};
use crate::core::error::Failure;
use crate::core::text::{self, is_plain};
use crate::files::profiles::File;
use crate::plan::{self, Account, Inputs, Origin, ProfileSections, Storage};
use crate::renewal::account::account_of;
use crate::renewal::codes::StandardInput;
use crate::renewal::request::{Checked, RenewalRequest};
use crate::renewal::summary::Summary;
use crate::renewal::verbose::warn_of_irregularities;
use crate::report::Report;

/// Environment variables of the AWS tools.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html#EVarSettings>.
pub mod name {
    pub use crate::core::environment::credentials::{
        ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN,
    };

    pub const CREDENTIAL_EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
    pub const ACCOUNT_ID: &str = "AWS_ACCOUNT_ID";
}

/// Variables that some AWS tools use instead of the credentials in the environment, or together with them: botocore the older name
/// of the session token, and the SDK for JavaScript the profile.
const SHADOWING: [&str; 3] = ["AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Other variables that select credentials. A command that gets its own credentials must not have them.
const CONTRADICTING: [&str; 14] = [
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_EXPIRATION",
    "AWS_CREDENTIALS_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    // A code, which is a secret and may be used up.
    CODE,
];

/// The credentials for a shell, a program, or another command.
#[derive(Clone)]
pub(super) struct ObtainedCredentials {
    pub credentials: Credentials,
    /// The ID of their account, if known.
    pub account_id: Option<String>,
    /// The region to use them in, if known.
    pub region: Option<Region>,
    /// The profile that they are of.
    pub profile: String,
    /// The command that renews them.
    pub renewal: RenewalCommand,
}

/// A command that renews credentials where they are stored.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct RenewalCommand {
    /// It, with the profile.
    start: String,
    /// Whether it is `exec`, which needs a command of its own.
    is_exec: bool,
}

/// A region for other tools. All of them read `AWS_REGION`, but boto3 and version 1 of the AWS CLI read `AWS_DEFAULT_REGION`.
#[derive(Clone)]
pub(super) enum Region {
    /// It is the region of the profile.
    OfProfile(String),
    /// It is from the environment, whatever the profile.
    OfEnvironment(String),
}

impl Region {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::OfProfile(name) | Self::OfEnvironment(name) => name,
        }
    }
}

impl ObtainedCredentials {
    /// The environment variables that a tool finds the credentials in.
    pub fn variables(&self) -> Vec<(&'static str, Zeroizing<String>)> {
        let credentials = &self.credentials;
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let mut variables = vec![
            (name::ACCESS_KEY_ID, text(&credentials.access_key_id)),
            (
                name::SECRET_ACCESS_KEY,
                text(credentials.secret_access_key.expose()),
            ),
            (
                name::SESSION_TOKEN,
                text(credentials.session_token.expose()),
            ),
            (
                name::CREDENTIAL_EXPIRATION,
                text(&clock::timestamp(credentials.expiration)),
            ),
        ];
        if let Some(account_id) = &self.account_id {
            variables.push((name::ACCOUNT_ID, text(account_id)));
        }
        if let Some(region) = &self.region {
            variables.extend(REGIONS.map(|name| (name, text(region.name()))));
        }
        if let Some(Region::OfProfile(region)) = &self.region {
            variables.push((REGION_OF_PROFILE, text(region)));
        }
        variables
    }

    /// The variables that must not be set with them: some AWS tools would use them instead of the credentials, or they were set for
    /// another profile.
    pub(super) fn shadowing(&self) -> Vec<&'static str> {
        let mut names = SHADOWING.to_vec();
        if self.account_id.is_none() {
            // That of other credentials.
            names.push(name::ACCOUNT_ID);
        }
        match &self.region {
            None => names.extend(REGIONS.iter().chain([&REGION_OF_PROFILE])),
            Some(Region::OfEnvironment(_)) => names.push(REGION_OF_PROFILE),
            Some(Region::OfProfile(_)) => {}
        }
        names
    }

    /// The variables that a command must not have with them: those, and every other that selects credentials.
    pub(super) fn contradicting(&self) -> impl Iterator<Item = &'static str> {
        self.shadowing().into_iter().chain(CONTRADICTING)
    }
}

/// What credentials are obtained for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    /// The owner of standard input.
    pub input: StandardInput,
    /// How long before their end they are renewed, if they are for a server.
    pub renew_before: Option<TimeDelta>,
}

impl Purpose {
    /// They are used once.
    pub(super) fn once(input: StandardInput) -> Self {
        Self {
            input,
            renew_before: None,
        }
    }
}

/// The credentials of the profile, renewed if necessary. `before` is called before a code is asked for.
pub(super) fn obtain(
    args: &SingleProfile,
    environment: &Environment,
    report: Report,
    purpose: Purpose,
    before: impl FnOnce(&Inputs<'_>, &ProfileSections) -> Result<()>,
) -> Result<ObtainedCredentials> {
    let profiles = (&args.profile).into();
    let loaded = LoadedFiles::recover(&args.request.suffixes, &profiles, environment)?;
    let files = loaded.files(&profiles);
    let inputs = loaded.inputs(&args.request, environment, &files);
    let mut request = RenewalRequest::new(inputs, &args.code_flags, purpose.input)?;
    request.renew_before = purpose.renew_before;
    let profile = pick_profile(inputs.single_profile(&args.profile), &request)?;
    request.tell_inputs(report);
    let sections = loaded.names.sections_of(profile, &files)?;
    let sections = match args.request.scope.first_flag() {
        // Whoever uses the section next must get the credentials of the profile.
        Some(flag) => sections.kept(Storage::ForScope(flag)),
        None if args.no_store => sections.kept(Storage::NoStore),
        None => sections.in_its_place(&files.credentials),
    };
    warn_of_irregularities(report, &files, &[&sections]);
    before(&inputs, &sections)?;
    // This comes before a code is asked for.
    let region = region(&inputs, &sections)?;
    let sections = inputs.in_login_cache(sections);
    let profile = sections.profile.value.clone();
    let renewal = RenewalCommand::of(&sections);
    let login = sections.login.clone();
    let login = login.filter(|_| sections.storage == Storage::LoginCache);
    let credentials = match request.check(report, 0, sections)? {
        Checked::Fresh(_, credentials) => credentials,
        Checked::Stale(job) => {
            let mut summary = Summary::new(report, 1);
            request.renew(vec![*job], &mut summary)?;
            summary.end_of_one()?
        }
    };
    let account_id = match &login {
        Some(login) => login.account_id().map(str::to_owned),
        None => account_id(report, &credentials, &files.credentials),
    };
    let obtained = ObtainedCredentials {
        credentials,
        account_id,
        region,
        profile,
        renewal,
    };
    let scope = args.request.scope.given().into_iter();
    let scope = scope.map(|(flag, value)| match value {
        Some(value) => format!(" {}", text::flag(flag, value)),
        None => format!(" {flag}"),
    });
    let flags = scope.chain([" --force".to_owned()]).collect::<String>();
    let forced = obtained.renewal.with(&flags);
    for (name, value) in obtained.variables() {
        check(name, &value, &forced)?;
    }
    Ok(obtained)
}

impl RenewalCommand {
    fn of(sections: &ProfileSections) -> Self {
        let exec = || sections.command("exec");
        let (start, is_exec) = match sections.storage {
            Storage::Section | Storage::LoginCache => (sections.command(""), false),
            Storage::ForProcess | Storage::ForScope(_) => (exec(), true),
            Storage::NoStore => (format!("{} --no-store", exec()), true),
        };
        Self { start, is_exec }
    }

    /// With more flags, each after a blank.
    pub(super) fn with(&self, flags: &str) -> String {
        let end = if self.is_exec { " -- true" } else { "" };
        format!("{}{flags}{end}", self.start)
    }
}

/// Refuses a value that is not safe to show: shells read it, and often a person sees it first.
fn check(name: &str, value: &str, renewal: &str) -> Result<()> {
    if is_plain(value) {
        return Ok(());
    }
    bail!(
        Failure::new(format!(
            "the value for {name} contains unprintable characters, which AWS never uses"
        ))
        .hint(format!("run `{renewal}` to get new credentials"))
    )
}

/// The ID of the account, if known. If what is set contradicts itself, a wrong account would be worse than none.
fn account_id(report: Report, credentials: &Credentials, file: &File<'_>) -> Option<String> {
    let account = account_of(credentials, file);
    if let Account::Unclear { problem, way_out } = &account {
        report.warning(format_args!(
            "the account ID is not passed on: {problem}: {way_out}"
        ));
    }
    account.id()
}

fn region(inputs: &Inputs<'_>, sections: &ProfileSections) -> Result<Option<Region>> {
    let Some(region) = inputs.output_region(sections) else {
        return Ok(None);
    };
    plan::check_region(&region)?;
    Ok(Some(match region.origin {
        Origin::Environment(_) => Region::OfEnvironment(region.value),
        _ => Region::OfProfile(region.value),
    }))
}
