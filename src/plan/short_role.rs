//! Reads a role that is written as `ACCOUNT:ROLE`, as in awsume:
//! <https://github.com/trek10inc/awsume/blob/master/awsume/awsumepy/default_plugins.py>.

use crate::core::arn::Arn;
use crate::core::environment::MFA_DEVICE;
use crate::core::form::Form;
use crate::files::profiles::{Files, config_header, key};
use crate::plan::includes::of_profile;
use crate::plan::route;
use crate::plan::setting::{Setting, first, flag, in_file, inherited, variable};
use crate::plan::{Inputs, ProfileSections};

/// The partition of most accounts.
const USUAL_PARTITION: &str = "aws";

/// Where the settings of a profile on the way to the keys are.
struct Place {
    profile: String,
    long_term: String,
    header: Option<String>,
}

impl Place {
    fn get(&self, files: &Files<'_>, key: &'static str) -> Option<Setting<String>> {
        of_profile(files, &self.profile, self.header.as_deref(), key)
    }
}

/// Whether it is the ARN of a role, or an account and a role.
pub fn is_role(text: &str) -> bool {
    Form::RoleArn.fits(text) || in_partition(USUAL_PARTITION, text).is_some()
}

/// The ARN of `ACCOUNT:ROLE`. What looks like another part of an ARN is a mistake, even if the path of a role could have it.
fn in_partition(partition: &str, text: &str) -> Option<String> {
    let (account, name) = text.split_once(':')?;
    if name.contains(':') || name.starts_with('/') || name.starts_with("role/") {
        return None;
    }
    let arn = Arn::of_iam(partition, account, &format!("role/{name}")).to_string();
    Form::RoleArn.fits(&arn).then_some(arn)
}

impl Inputs<'_> {
    /// The role with its ARN, in the partition of the device, of whoever `aws login` signs in, or else of the region. What is not of this form stays as it is, and so does
    /// the role of a profile, which AWS tools read, too.
    pub(super) fn with_arn(
        &self,
        role: Setting<String>,
        sections: &ProfileSections,
        header: Option<&str>,
    ) -> Setting<String> {
        if role.is_of_profile() || role.value.starts_with("arn:") {
            return role;
        }
        if in_partition(USUAL_PARTITION, &role.value).is_none() {
            return role;
        }
        let partition = self.partition(sections, header);
        match in_partition(&partition, &role.value) {
            Some(arn) => Setting {
                value: arn,
                origin: role.origin,
            },
            None => role,
        }
    }

    fn partition(&self, sections: &ProfileSections, header: Option<&str>) -> String {
        let chain = self.way_to_keys(sections, header);
        let along_the_way = |in_long_term: &[&'static str], of_profile_itself| {
            chain.iter().find_map(|place| {
                let mut keys = in_long_term.iter();
                keys.find_map(|key| inherited(&self.files.credentials, &place.long_term, key))
                    .or_else(|| place.get(self.files, of_profile_itself))
            })
        };
        let device = first([
            flag("--device", self.request.device.serial_number.as_ref()),
            variable(self.environment, MFA_DEVICE),
            along_the_way(&[key::AWS_MFA_DEVICE, key::MFA_SERIAL], key::MFA_SERIAL),
        ]);
        let signed_in = || along_the_way(&[], key::LOGIN_SESSION);
        let partition = |of: &Setting<String>| Some(Arn::parse(&of.value)?.partition.to_owned());
        let of_user = device.as_ref().and_then(partition);
        if let Some(partition) = of_user.or_else(|| partition(&signed_in()?)) {
            return partition;
        }
        let region = first([
            flag("--region", self.request.network.region.as_ref()),
            variable(self.environment, "AWS_REGION"),
            variable(self.environment, "AWS_DEFAULT_REGION"),
            along_the_way(&[key::REGION], key::REGION),
            in_file(&self.files.config, "default", key::REGION),
        ]);
        region
            .and_then(|region| route::partition(&region.value))
            .unwrap_or(USUAL_PARTITION)
            .to_owned()
    }

    /// The profile and its sources.
    fn way_to_keys(&self, sections: &ProfileSections, header: Option<&str>) -> Vec<Place> {
        let files = self.files;
        let mut next = Place {
            profile: sections.profile.value.clone(),
            long_term: sections.long_term.clone(),
            header: header.map(str::to_owned),
        };
        let mut chain: Vec<Place> = Vec::new();
        // A loop is an error elsewhere.
        while chain.iter().all(|place| place.profile != next.profile) {
            let source = next.get(files, key::SOURCE_PROFILE);
            let has_keys = files.credentials.document.has(&next.long_term);
            chain.push(next);
            let Some(source) = source.filter(|_| !has_keys) else {
                break;
            };
            let profile = source.value;
            next = Place {
                long_term: self.names.long_term(&profile),
                header: config_header(&files.config.document, &profile).map(str::to_owned),
                profile,
            };
        }
        chain
    }
}
