//! What the AWS tools take in place of something else that is written down.

use crate::files::profiles::{File, Files, config_header, key};
use crate::files::section_format;
use crate::plan::section_names::ProfileSections;
use crate::plan::setting::INHERITED;

/// Something that is written in vain.
pub struct Overridden {
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

/// The keys that the AWS tools take in place of a profile's `credential_process`, which may be us.
pub fn keys_before_process(sections: &ProfileSections, files: &Files<'_>) -> Option<Overridden> {
    let process = sections.credential_process_at.as_ref()?;
    let section = &sections.short_term;
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, section);
    let in_config = header.filter(|header| config.get(header, key::AWS_ACCESS_KEY_ID).is_some());
    let has = |section: &str, key| credentials.get(section, key).is_some();
    let is_long_term = section_format::has_long_term_id(credentials, section);
    let by_hand = || "take them out with an editor".to_owned();
    let (place, way_out) = if has(section, key::AWS_ACCESS_KEY_ID) {
        let way_out = if section_format::holds_long_term_keys(credentials, section)
            && !section_format::has_keys(credentials, &sections.long_term)
            && !sections.is_beside_role()
        {
            format!("move them with `{}`", sections.setup_command)
        } else if has(section, key::ASSUMED_ROLE) && !is_long_term {
            format!("remove them with `{}`", sections.command("clear"))
        } else {
            by_hand()
        };
        (
            format!("[{section}] in {}", credentials.path.display()),
            way_out,
        )
    } else if let Some(header) = in_config {
        (
            format!("[{header}] in {}", config.path.display()),
            by_hand(),
        )
    } else {
        return None;
    };
    Some(Overridden {
        problem: format!(
            "the AWS CLI and SDKs do not run the credential_process of {process}, because {place} has keys"
        ),
        way_out,
    })
}

/// What the AWS tools take in place of the keys in a section of the credentials file.
#[derive(Debug)]
pub struct Precedence {
    /// The header and its file: `[profile work] in PATH`.
    place: String,
    key: &'static str,
    /// Whether it is in `[DEFAULT]`, which every section inherits from in botocore alone.
    is_inherited: bool,
}

impl Precedence {
    /// What a section of either file says that comes before the keys of the profile.
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

    /// Whether it is in `[DEFAULT]`, and so comes before the keys of every section.
    pub fn is_inherited(&self) -> bool {
        self.is_inherited
    }

    /// Who does not read the section, and for which key. The order is that of botocore 1.44; other SDKs take keys in the section
    /// before all but a role.
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
            key::ROLE_ARN => "assume the role in its place",
            key::WEB_IDENTITY_TOKEN_FILE => "use that token in its place",
            _ => "sign in to IAM Identity Center in its place",
        };
        format!("{}, and they {instead}", self.fact(section))
    }
}
