//! Credentials, and what is known of them, as other programs read them. Pure: each output is a rendering of values that are
//! handed in, and none can get any by itself.

pub mod exec;
mod json;
mod shell;

use anyhow::Result;
use zeroize::Zeroizing;

use self::shell::Language;
use crate::cli::Format;
use crate::core::clock;
use crate::core::credentials::Credentials;
use crate::core::environment::{CODE, REGION_OF_PROFILE, REGIONS};

/// Environment variables of the AWS tools.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html#EVarSettings>.
pub mod name {
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
    pub const CREDENTIAL_EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
}

/// Variables that some AWS tools take in place of the credentials in the environment, or together with them: botocore the
/// older name of the session token, the SDK for JavaScript the profile, and many the account
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-account-endpoints.html>).
const SHADOWING: [&str; 4] = [
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCOUNT_ID",
];

/// Other variables that say where credentials come from. A command that gets credentials of its own shall not have them.
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
    // A code, which is a secret and may be spent.
    CODE,
];

/// What goes out.
pub struct Outgoing {
    pub credentials: Credentials,
    /// The region to use them in, where one is known.
    pub region: Option<Region>,
}

/// A region for other tools. All of them read `AWS_REGION`, but boto3 and version 1 of the AWS CLI read `AWS_DEFAULT_REGION`.
pub enum Region {
    /// It goes with the profile.
    OfProfile(String),
    /// The environment says so, whatever the profile.
    OfEnvironment(String),
}

impl Region {
    fn name(&self) -> &str {
        match self {
            Self::OfProfile(name) | Self::OfEnvironment(name) => name,
        }
    }
}

impl Outgoing {
    /// In a form for shells or programs.
    ///
    /// # Errors
    /// When a value cannot be written in that form.
    pub fn render(&self, format: Format) -> Result<Zeroizing<String>> {
        match format {
            Format::Env => self.for_shell(&shell::POSIX),
            Format::EnvNoExport => self.for_shell(&shell::POSIX_WITHOUT_EXPORT),
            Format::Fish => self.for_shell(&shell::FISH),
            Format::PowerShell => self.for_shell(&shell::POWERSHELL),
            Format::WindowsCmd => self.for_shell(&shell::WINDOWS_CMD),
            Format::Dotenv => self.for_shell(&shell::DOTENV),
            Format::Process => json::process(self),
            Format::Json => json::json(self),
        }
    }

    fn for_shell(&self, language: &Language) -> Result<Zeroizing<String>> {
        let mut variables = self.variables();
        // It is for whoever takes one output after the other, not for files.
        variables.retain(|(name, _)| language.unset.is_some() || *name != REGION_OF_PROFILE);
        shell::render(language, &self.shadowing(), &variables)
    }

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
        if let Some(region) = &self.region {
            variables.extend(REGIONS.map(|name| (name, text(region.name()))));
        }
        if let Some(Region::OfProfile(region)) = &self.region {
            variables.push((REGION_OF_PROFILE, text(region)));
        }
        variables
    }

    /// The variables that must not stand beside them: some AWS tools would take them in place of the credentials, or they are
    /// what was set for another profile.
    fn shadowing(&self) -> Vec<&'static str> {
        let mut names = SHADOWING.to_vec();
        match &self.region {
            None => names.extend(REGIONS.iter().chain([&REGION_OF_PROFILE])),
            Some(Region::OfEnvironment(_)) => names.push(REGION_OF_PROFILE),
            Some(Region::OfProfile(_)) => {}
        }
        names
    }

    /// The variables that a command must not have beside them: those, and every other that says where credentials come from.
    fn contradicting(&self) -> impl Iterator<Item = &'static str> {
        self.shadowing().into_iter().chain(CONTRADICTING)
    }
}
