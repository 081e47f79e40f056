//! Finds settings that AWS tools use instead of the keys in a section.

use crate::files::profiles::{File, key};
use crate::plan::setting::INHERITED;

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
        [header, INHERITED].into_iter().find_map(|section| {
            let key = [
                key::ROLE_ARN,
                key::SSO_ACCOUNT_ID,
                key::SSO_ROLE_NAME,
                key::WEB_IDENTITY_TOKEN_FILE,
            ]
            .into_iter()
            .find(|key| file.get(section, key).is_some())?;
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

    /// Which tools do not read the section, and because of which key. The order is that of botocore 1.44; in other SDKs, only a
    /// role overrides keys in the section.
    /// See <https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html#cli-chap-authentication-precedence>.
    pub fn fact(&self, section: &str) -> String {
        let Self { place, key, .. } = self;
        let tools = if self.is_role() {
            "AWS tools"
        } else {
            "the AWS CLI and boto3"
        };
        format!("{tools} do not read [{section}]: {place} has {key}")
    }

    /// The same, with what they do.
    pub fn sentence(&self, section: &str) -> String {
        let instead = match self.key {
            key::ROLE_ARN => "assume the role instead",
            key::WEB_IDENTITY_TOKEN_FILE => "use that token instead",
            _ => "sign in to IAM Identity Center instead",
        };
        format!("{}, and they {instead}", self.fact(section))
    }
}
