//! Decides how a profile signs in to the AWS console.

use anyhow::{Result, bail};

use crate::core::error::Failure;
use crate::plan::connection::Connection;
use crate::plan::role_chain;
use crate::plan::route::{console_hosts, partition};
use crate::plan::section_names::ProfileSections;
use crate::plan::setting::{Setting, default};
use crate::plan::{Call, Inputs, KeySource, profile_flag};

/// How a profile signs in to the console.
#[derive(Debug)]
pub struct ConsoleSignIn {
    /// The service that signs in.
    pub connection: Connection,
    /// The host that leads to the pages of every region.
    pub host: &'static str,
    /// The role that signs in.
    pub role_arn: String,
    /// How long the console session lasts, in seconds; none if it lasts as long as the credentials. AWS lets only a role choose that
    /// long-term keys have assumed, see
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>.
    pub session_seconds: Option<u32>,
    /// The region of the page, if one is set.
    pub region: Option<String>,
    /// The keys that the role depends on.
    pub key_source: KeySource,
}

impl Inputs<'_> {
    /// How the profile signs in, without asking AWS.
    pub fn console_sign_in(&self, sections: &ProfileSections) -> Result<ConsoleSignIn> {
        let chain = self.role_chain(sections)?;
        if chain.roles.is_empty() {
            bail!(self.needs_a_role(sections));
        }
        let connection = self.resolver(&chain).sign_in_connection()?;
        let region = &connection.region;
        let Some(hosts) = partition(&region.value).and_then(console_hosts) else {
            bail!(
                Failure::new(format!(
                    "mfa-creds does not know the address of the console for {} ({})",
                    region.value, region.origin
                ))
                .hint("sign in on the web page of that console")
            );
        };
        let plan = self.plan(sections)?;
        let Some(role) = plan.role() else {
            bail!(self.needs_a_role(sections));
        };
        let is_direct =
            matches!(&plan.steps[..], [only] if matches!(only.call, Call::AssumeRole(_)));
        Ok(ConsoleSignIn {
            connection,
            host: hosts.pages,
            role_arn: role.arn.value.clone(),
            session_seconds: is_direct.then_some(plan.decision.seconds),
            region: self.output_region(sections).map(|region| region.value),
            key_source: plan.key_source,
        })
    }

    /// AWS signs in with the credentials of `AssumeRole` and `GetFederationToken`, not with those of `GetSessionToken`. A federation
    /// token is no way out: it is issued for keys without a code, so whatever a policy allows only with MFA, it does not allow. See
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>.
    fn needs_a_role(&self, sections: &ProfileSections) -> Failure {
        let failure = Failure::new(
            "`console` needs a role: AWS does not sign in to the console with the MFA session of a user",
        );
        let roles = self.roles_over(&sections.profile.value);
        match &roles[..] {
            [] => failure.hint(
                "use --assume-role ARN, or the profile of a role; or sign in on the web page of the console",
            ),
            [role, others @ ..] => {
                let also = others.iter().map(|other| format!(", or `mfa-creds console{}`", profile_flag(other)));
                let also: String = also.collect();
                failure.hint(format!("run `mfa-creds console{}`{also}", profile_flag(role)))
            }
        }
    }

    /// The profiles of the config file whose roles are assumed with the keys of a profile.
    fn roles_over(&self, profile: &str) -> Vec<String> {
        let is_over = |name: &String| {
            let named: Setting<String> = default(name.clone());
            let Ok(sections) = self.names.sections_of(named, self.files) else {
                return false;
            };
            let role = self.wanted_role(&sections);
            let chain = role_chain::follow(role, &sections, self.names, self.files);
            chain.is_ok_and(|chain| {
                !chain.roles.is_empty() && chain.profiles.iter().any(|of| of.name == profile)
            })
        };
        let mut names = self.candidates();
        names.retain(is_over);
        names
    }
}
