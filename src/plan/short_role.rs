//! Reads a role that is written as `ACCOUNT:ROLE`, as in awsume:
//! <https://github.com/trek10inc/awsume/blob/master/awsume/awsumepy/default_plugins.py>.

use crate::core::arn::Arn;
use crate::core::environment::MFA_DEVICE;
use crate::core::form::Form;
use crate::files::profiles::key;
use crate::plan::includes::of_profile;
use crate::plan::route;
use crate::plan::setting::{Setting, first, flag, in_file, inherited, variable};
use crate::plan::{Inputs, ProfileSections};

/// The partition of most accounts.
const USUAL_PARTITION: &str = "aws";

impl Inputs<'_> {
    /// The role with its ARN, in the partition of the device or else of the region. What is not of this form stays as it is, and so does
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
        let Some((account, name)) = role.value.split_once(':') else {
            return role;
        };
        let arn =
            |partition: &str| Arn::of_iam(partition, account, &format!("role/{name}")).to_string();
        if !Form::RoleArn.fits(&arn(USUAL_PARTITION)) {
            return role;
        }
        Setting {
            value: arn(&self.partition(sections, header)),
            origin: role.origin,
        }
    }

    fn partition(&self, sections: &ProfileSections, header: Option<&str>) -> String {
        let files = self.files;
        let long_term = |key| inherited(&files.credentials, &sections.long_term, key);
        let own = |key| of_profile(files, &sections.profile.value, header, key);
        let device = first([
            flag("--device", self.request.device.serial_number.as_ref()),
            variable(self.environment, MFA_DEVICE),
            long_term(key::AWS_MFA_DEVICE),
            long_term(key::MFA_SERIAL),
            own(key::MFA_SERIAL),
        ]);
        if let Some(arn) = device.as_ref().and_then(|device| Arn::parse(&device.value)) {
            return arn.partition.to_owned();
        }
        let region = first([
            flag("--region", self.request.network.region.as_ref()),
            variable(self.environment, "AWS_REGION"),
            variable(self.environment, "AWS_DEFAULT_REGION"),
            long_term(key::REGION),
            own(key::REGION),
            in_file(&files.config, "default", key::REGION),
        ]);
        region
            .and_then(|region| route::partition(&region.value))
            .unwrap_or(USUAL_PARTITION)
            .to_owned()
    }
}
