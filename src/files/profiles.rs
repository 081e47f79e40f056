//! Finds the two AWS files, names their keys, and reads a section.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Result;
use zeroize::Zeroizing;

use crate::core::busy_file;
use crate::core::environment::Environment;
use crate::core::error::{Failure, reason};
use crate::core::regular_file::{self, Unfit};
use crate::core::shell_words::{self, SHOW_LINKS};
use crate::files::document::{Document, Property, Section};

/// Key names. The AWS ones: <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>; the others are aws-mfa's.
pub mod key {
    /// Whether the section contains a role's credentials: `True` or `False`.
    pub const ASSUMED_ROLE: &str = "assumed_role";
    /// The ARN of the role that the section's credentials are for.
    pub const ASSUMED_ROLE_ARN: &str = "assumed_role_arn";
    pub const AWS_ACCESS_KEY_ID: &str = "aws_access_key_id";
    pub const AWS_SECRET_ACCESS_KEY: &str = "aws_secret_access_key";
    pub const AWS_SESSION_TOKEN: &str = "aws_session_token";
    /// The older name of the session token. botocore prefers it to the newer one.
    pub const AWS_SECURITY_TOKEN: &str = "aws_security_token";
    /// The account of the section's credentials, which AWS tools use for endpoints.
    pub const AWS_ACCOUNT_ID: &str = "aws_account_id";
    /// When the section's credentials expire: `YYYY-MM-DD HH:MM:SS`, UTC.
    pub const EXPIRATION: &str = "expiration";

    /// The form in which `expiration` is written.
    pub const EXPIRATION_STYLE: &str = "expiration_style";

    /// The access key ID of a session that we wrote, if it looks like one of long-term keys.
    pub const WRITTEN_ACCESS_KEY_ID: &str = "mfa_creds_access_key_id";
    /// The access key ID of a role's session that we wrote, and a digest of its session policies, session tags and source identity.
    pub const WRITTEN_SESSION_SCOPE: &str = "mfa_creds_session_scope";

    /// aws-mfa's key for the device.
    pub const AWS_MFA_DEVICE: &str = "aws_mfa_device";
    pub const MFA_SERIAL: &str = "mfa_serial";
    /// A command that prints a code, as in aws-vault.
    pub const MFA_PROCESS: &str = "mfa_process";
    /// aws-mfa's key for a role in the long-term section.
    pub const ASSUME_ROLE: &str = "assume_role";
    pub const ROLE_SESSION_NAME: &str = "role_session_name";
    pub const EXTERNAL_ID: &str = "external_id";
    /// A file with an IAM policy that limits the session of a role.
    pub const SESSION_POLICY: &str = "session_policy";
    /// Managed policies that limit it, separated by commas.
    pub const SESSION_POLICY_ARNS: &str = "session_policy_arns";
    /// Whether it is limited to AWS's policy `ReadOnlyAccess`: `true` or `false`.
    pub const READ_ONLY: &str = "read_only";
    /// Its tags, as `key1=value1,key2=value2`. The names of these three keys are those of aws-vault.
    pub const SESSION_TAGS: &str = "session_tags";
    /// The keys of the tags that later roles of a chain inherit, separated by commas.
    pub const TRANSITIVE_SESSION_TAGS: &str = "transitive_session_tags";
    pub const SOURCE_IDENTITY: &str = "source_identity";
    pub const AWS_MFA_DURATION: &str = "aws_mfa_duration";
    pub const DURATION_SECONDS: &str = "duration_seconds";
    pub const REGION: &str = "region";
    pub const ENDPOINT_URL: &str = "endpoint_url";
    pub const CA_BUNDLE: &str = "ca_bundle";
    pub const USE_FIPS_ENDPOINT: &str = "use_fips_endpoint";
    pub const USE_DUALSTACK_ENDPOINT: &str = "use_dualstack_endpoint";
    pub const STS_REGIONAL_ENDPOINTS: &str = "sts_regional_endpoints";
    pub const SERVICES: &str = "services";
    pub const STS: &str = "sts";
    pub const IAM: &str = "iam";
    pub const SIGNIN: &str = "signin";
    pub const IGNORE_CONFIGURED_ENDPOINT_URLS: &str = "ignore_configured_endpoint_urls";

    /// A command that prints keys, instead of stored keys.
    pub const CREDENTIAL_PROCESS: &str = "credential_process";
    /// The role of a profile in the config file.
    pub const ROLE_ARN: &str = "role_arn";
    /// The profile whose credentials assume the role.
    pub const SOURCE_PROFILE: &str = "source_profile";
    /// Another profile of the config file, whose settings apply where the profile has none, as in aws-vault.
    pub const INCLUDE_PROFILE: &str = "include_profile";
    /// Something other than a profile that assumes the role: the machine, or the environment.
    pub const CREDENTIAL_SOURCE: &str = "credential_source";
    /// A file with a token that assumes the role.
    pub const WEB_IDENTITY_TOKEN_FILE: &str = "web_identity_token_file";

    /// The account and the role in IAM Identity Center: with either, the AWS CLI signs in there.
    pub const SSO_ACCOUNT_ID: &str = "sso_account_id";
    pub const SSO_ROLE_NAME: &str = "sso_role_name";
    pub const SSO_SESSION: &str = "sso_session";
    pub const SSO_START_URL: &str = "sso_start_url";
    pub const SSO_REGION: &str = "sso_region";

    /// The identity that `aws login` has signed in.
    pub const LOGIN_SESSION: &str = "login_session";
    /// Where the AWS CLI signs in to IAM Identity Center.
    pub const SSO: [&str; 3] = [SSO_SESSION, SSO_START_URL, SSO_ACCOUNT_ID];

    /// Other sources from which AWS tools get the credentials of a profile.
    pub const OTHER_SOURCES: [&str; 6] = [
        CREDENTIAL_PROCESS,
        CREDENTIAL_SOURCE,
        WEB_IDENTITY_TOKEN_FILE,
        LOGIN_SESSION,
        SSO_SESSION,
        SSO_START_URL,
    ];

    /// During a rotation: when the new access key was requested, as in RFC 3339.
    pub const ROTATION_BEGUN: &str = "mfa_creds_rotation_begun";
    /// The access key ID that the section had then, or that the rotation has since written. Any other ID was written by somebody else.
    pub const ROTATION_OF: &str = "mfa_creds_rotation_of";
    /// The new key, until STS accepts it.
    pub const NEW_ACCESS_KEY_ID: &str = "mfa_creds_new_access_key_id";
    pub const NEW_SECRET_ACCESS_KEY: &str = "mfa_creds_new_secret_access_key";
    /// The old key, from then until it is deleted.
    pub const OLD_ACCESS_KEY_ID: &str = "mfa_creds_old_access_key_id";
    pub const OLD_SECRET_ACCESS_KEY: &str = "mfa_creds_old_secret_access_key";

    /// In the session file: the section of the credentials file that a session is in.
    pub const SECTION: &str = "section";
    /// In the session file: the section with the keys that the session was made with.
    pub const LONG_TERM_SECTION: &str = "long_term_section";

    /// In the session file: the pairs that we wrote into a section, each as its access key ID and a digest.
    pub const PAIRS: &str = "pairs";

    /// The keys that we use whose values have one line. Further lines are a mistake, and may contain another section's secrets.
    pub const OF_ONE_LINE: [&str; 37] = [
        ASSUMED_ROLE,
        ASSUMED_ROLE_ARN,
        AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY,
        AWS_SESSION_TOKEN,
        AWS_SECURITY_TOKEN,
        AWS_ACCOUNT_ID,
        EXPIRATION,
        EXPIRATION_STYLE,
        WRITTEN_ACCESS_KEY_ID,
        WRITTEN_SESSION_SCOPE,
        AWS_MFA_DEVICE,
        MFA_SERIAL,
        MFA_PROCESS,
        ASSUME_ROLE,
        ROLE_SESSION_NAME,
        EXTERNAL_ID,
        SESSION_POLICY,
        SESSION_POLICY_ARNS,
        READ_ONLY,
        SESSION_TAGS,
        TRANSITIVE_SESSION_TAGS,
        SOURCE_IDENTITY,
        AWS_MFA_DURATION,
        DURATION_SECONDS,
        REGION,
        ENDPOINT_URL,
        CA_BUNDLE,
        USE_FIPS_ENDPOINT,
        USE_DUALSTACK_ENDPOINT,
        STS_REGIONAL_ENDPOINTS,
        SERVICES,
        IGNORE_CONFIGURED_ENDPOINT_URLS,
        CREDENTIAL_PROCESS,
        ROLE_ARN,
        SOURCE_PROFILE,
        INCLUDE_PROFILE,
    ];
}

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: PathBuf,
    /// `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: PathBuf,
}

impl Paths {
    /// Finds out where the files are.
    pub fn find(environment: &Environment) -> Result<Self> {
        let path = |variable, name| match environment.path(variable) {
            Some(path) => in_home(path),
            None => home().map(|home| home.join(".aws").join(name)),
        };
        Ok(Self {
            credentials: path("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
            config: path("AWS_CONFIG_FILE", "config")?,
        })
    }
}

/// A leading `~` stands for the home directory, as in the AWS CLI.
pub fn in_home(path: PathBuf) -> Result<PathBuf> {
    match path.strip_prefix("~") {
        Ok(rest) => Ok(home()?.join(rest)),
        Err(_not_in_home) => Ok(path),
    }
}

/// The variable with the user's home directory.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The user's home directory. On Windows the AWS CLI and the SDK for Go ignore `HOME`, and so do we.
pub fn home() -> Result<PathBuf> {
    std::env::home_dir()
        .filter(|home| !home.as_os_str().is_empty())
        .ok_or_else(|| {
            Failure::new("the home directory is unknown")
                .hint(format!(
                    "set {HOME}, or both AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE"
                ))
                .into()
        })
}

/// The text of a file, wiped when it is dropped. A `String` would be wiped byte by byte, which is slower.
pub type Text = Zeroizing<Box<str>>;

/// What to do about one of the two files that is not a regular file.
const MUST_BE_A_FILE: &str =
    "replace it with a regular file, or set AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE to one";
/// What to do about a loop of symbolic links.
pub fn find_loop() -> String {
    format!("run {SHOW_LINKS} to see where each link leads")
}
/// What to do about a file that another program has open.
pub const CLOSE_IT: &str = "close the file in that program, and run the command again";

/// What to do if the file cannot be written.
pub fn name_a_file() -> String {
    let unset = shell_words::unset("AWS_SHARED_CREDENTIALS_FILE");
    format!("{unset}, or set it to a writable file")
}

/// The text of a file; none if there is no file, or if it is the null device, which scripts use for "no file".
pub fn read(path: &Path) -> Result<Option<Text>> {
    match regular_file::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Zeroizing::new(text.into_boxed_str()))),
            Err(error) => Err(not_utf8(path, &error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(None),
        Err(error) if regular_file::unfit(&error) == Some(Unfit::NullDevice) => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> anyhow::Error {
    let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
    let line = good.matches('\n').count() + 1;
    Failure::new(format!("{}:{line} is not UTF-8 text", path.display()))
        .hint("save the file as UTF-8; the AWS tools cannot read it either")
        .into()
}

fn unreadable(path: &Path, error: &io::Error) -> anyhow::Error {
    let failure = Failure::new(format!(
        "{} cannot be read: {}",
        path.display(),
        reason(error)
    ));
    match error.kind() {
        _ if busy_file::is_busy(error) => failure.hint(CLOSE_IT),
        ErrorKind::PermissionDenied => {
            let make_readable = shell_words::make_readable(path);
            failure.hint(format!("make it readable: {make_readable}"))
        }
        _ if regular_file::unfit(error).is_some() => failure.hint(MUST_BE_A_FILE),
        _ if is_loop(error) => failure.hint(find_loop()),
        _ => failure,
    }
    .into()
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_error: &io::Error) -> bool {
    false
}

/// A file that was read: its path and what is in it.
pub struct File<'t> {
    /// Where it is.
    pub path: &'t Path,
    /// What is in it; empty where there is no file.
    pub document: Document<'t>,
}

/// The header of a profile in the config file: `[profile NAME]`, or `[default]`.
pub fn config_header<'t>(config: &Document<'t>, profile: &str) -> Option<&'t str> {
    let usual = format!("profile {profile}");
    if let Some(section) = config.sections(&usual).next() {
        return Some(section.name());
    }
    let mut odd = config.odd_names();
    odd.find(|header| is_prefixed(header) && profile_of(header) == Some(profile))
        .or_else(|| {
            let default = (profile == "default").then_some("default")?;
            config.sections(default).next().map(Section::name)
        })
}

/// The profile that a header of the config file names, if it names one.
pub fn profile_of(header: &str) -> Option<&str> {
    if is_prefixed(header) {
        let name = header["profile".len()..].trim();
        return Some(name.trim_matches(['"', '\'']));
    }
    (header == "default").then_some(header)
}

fn is_prefixed(header: &str) -> bool {
    header
        .strip_prefix("profile")
        .is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Both files.
pub struct Files<'t> {
    pub credentials: File<'t>,
    pub config: File<'t>,
}

/// The properties in the sections with a name, for several look-ups.
pub struct Values<'t>(Vec<Property<'t>>);

impl Values<'_> {
    /// A key's value, as [`File::get`] gives it.
    pub fn get(&self, key: &str) -> Option<String> {
        let property = self.0.iter().rfind(|property| property.is(key))?;
        Some(property.value().trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Whether one of these keys is there, even if its value is empty.
    pub fn has_any(&self, keys: &[&str]) -> bool {
        let mut properties = self.0.iter();
        properties.any(|property| keys.iter().any(|key| property.is(key)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'t> File<'t> {
    /// The properties in the sections with this name.
    pub fn values(&self, section: &str) -> Values<'t> {
        let sections = self.document.sections(section);
        Values(sections.flat_map(Section::properties).collect())
    }

    /// A key's value in a section of this name, trimmed; none where it is missing or empty.
    pub fn get(&self, section: &str, key: &str) -> Option<String> {
        self.document
            .get(section, key)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }
}
