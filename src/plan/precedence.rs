//! Finds settings that AWS tools use instead of the keys in a section.

use crate::core::environment::Environment;
use crate::core::environment::credentials::ACCESS_KEY_ID;
use crate::files::profiles::{File, key};
use crate::plan::setting::INHERITED;

/// The keys that the AWS CLI prefers to the keys of the section, and so do some SDKs; all of them prefer a role.
const PREFERRED: [&str; 4] = [
    // With it, the role is the one that the token assumes.
    key::WEB_IDENTITY_TOKEN_FILE,
    key::ROLE_ARN,
    key::SSO_ACCOUNT_ID,
    key::SSO_ROLE_NAME,
];

/// The keys that only those SDKs prefer that need an account with them.
const OF_SSO: [&str; 3] = [key::SSO_SESSION, key::SSO_START_URL, key::SSO_REGION];

/// What AWS tools use instead of the keys in a section of the credentials file.
#[derive(Debug)]
pub struct Precedence {
    /// The header and its file: `[profile work] in PATH`.
    place: String,
    key: &'static str,
    /// Whether it is in `[DEFAULT]`, which only in botocore every section inherits from.
    is_inherited: bool,
}

impl Precedence {
    /// The setting in a section of either file that overrides the keys of the profile.
    pub fn of(header: &str, file: &File<'_>) -> Option<Self> {
        let places = [
            (header, &PREFERRED[..]),
            (INHERITED, &PREFERRED[..]),
            (header, &OF_SSO[..]),
        ];
        places.into_iter().find_map(|(section, keys)| {
            if !file.document.may_have(section, keys) {
                return None;
            }
            let mut keys = keys.iter();
            let key = keys.find(|key| file.get(section, key).is_some())?;
            Some(Self {
                place: format!("[{section}] in {}", file.path.display()),
                key,
                is_inherited: section != header,
            })
        })
    }

    /// Whether it is the role of the profile.
    pub fn is_role(&self) -> bool {
        self.key == key::ROLE_ARN && !self.is_inherited
    }

    /// Whether it is in `[DEFAULT]`, and so overrides the keys of every section.
    pub fn is_inherited(&self) -> bool {
        self.is_inherited
    }

    /// Which tools do not read the section, and because of which key. The order is that of botocore 1.44:
    /// <https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html#cli-chap-authentication-precedence>.
    /// The SDKs for Java (`ProfileCredentialsUtils`), Rust (`base_provider`), and PHP have the same, and the first two reject SSO
    /// settings without an account; those for Go and JavaScript prefer the keys.
    pub fn fact(&self, section: &str) -> String {
        let Self { place, key, .. } = self;
        let tools = match *key {
            key::ROLE_ARN if !self.is_inherited => "AWS tools",
            // Only botocore knows such a section.
            _ if self.is_inherited => "the AWS CLI and boto3",
            key if OF_SSO.contains(&key) => "the AWS SDKs for Java and Rust",
            _ => "the AWS CLI, boto3, and other SDKs",
        };
        format!("{tools} do not read [{section}]: {place} has {key}")
    }

    /// The same, with what they do.
    pub fn sentence(&self, section: &str) -> String {
        let instead = match self.key {
            key::ROLE_ARN => "assume the role instead",
            key::WEB_IDENTITY_TOKEN_FILE => "use that token instead",
            key if OF_SSO.contains(&key) => "require sso_account_id with it",
            _ => "sign in to IAM Identity Center instead",
        };
        format!("{}, and they {instead}", self.fact(section))
    }
}

/// The variable with a file whose token some AWS tools prefer to every profile that no flag or argument names: botocore 1.44, and the
/// SDKs for Go, Java, and PHP. Those for JavaScript and Rust use it if there is no profile.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
pub const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
/// What those tools do.
pub const PREFER_TOKEN: &str =
    "the AWS CLI and some SDKs prefer its token to AWS_PROFILE and [default]";

/// The same, if the variable is set and no keys in the environment precede it.
pub fn token_of_environment(environment: &Environment) -> Option<String> {
    let is_set = |name| environment.text(name).is_some();
    (is_set(TOKEN_FILE) && !is_set(ACCESS_KEY_ID))
        .then(|| format!("{TOKEN_FILE} is set: {PREFER_TOKEN}"))
}
