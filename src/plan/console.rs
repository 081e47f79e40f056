//! Decides how a profile signs in to the AWS console.

use anyhow::{Context as _, Result, bail};

use crate::core::error::Failure;
use crate::plan::connection::{Connection, check_region};
use crate::plan::key_source::key_source;
use crate::plan::role_chain::{self, ChainEnd};
use crate::plan::route::{ConsoleHosts, console_hosts, partition};
use crate::plan::section_names::ProfileSections;
use crate::plan::setting::{Setting, default};
use crate::plan::wanted::NAME_A_ROLE;
use crate::plan::{Access, Call, Inputs, KeySource, profile_flag};

/// How a profile signs in to the console.
#[derive(Debug)]
pub struct ConsoleSignIn {
    /// The service that signs in.
    pub connection: Connection,
    /// The host that leads to the pages of every region.
    pub host: &'static str,
    /// The region of the page, if one is set.
    pub region: Option<String>,
    /// The keys that everything depends on.
    pub key_source: KeySource,
    pub who: WhoSignsIn,
}

/// Who is signed in to the console. AWS accepts the credentials of `AssumeRole` and `GetFederationToken`, not those of `GetSessionToken`, see
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>.
#[derive(Debug)]
pub enum WhoSignsIn {
    /// The role with this ARN.
    Role {
        arn: String,
        /// How long the console session lasts, in seconds; none if it lasts as long as the credentials. AWS lets only a role choose that
        /// long-term keys have assumed.
        session_seconds: Option<u32>,
    },
    /// The user who owns the keys, without a code.
    User(Box<FederatedUser>),
}

/// A user with a federation token. AWS issues it for long-term keys alone, and whatever a policy allows only with MFA, it does not allow.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>.
#[derive(Debug)]
pub struct FederatedUser {
    /// How to ask who the user is, and for the token.
    pub access: Access,
    /// How long the token lasts, in seconds.
    pub duration: Setting<u32>,
    /// What to do if AWS does not issue it.
    pub with_a_role: String,
}

impl Inputs<'_> {
    /// How the profile signs in, without asking AWS.
    pub fn console_sign_in(&self, sections: &ProfileSections) -> Result<ConsoleSignIn> {
        let chain = self.role_chain(sections)?;
        let resolver = self.resolver(&chain);
        let connection = resolver.sign_in_connection()?;
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
        check_endpoint(&connection, hosts)?;
        if chain.roles.is_empty() && matches!(chain.end, ChainEnd::Login(_)) {
            bail!(
                Failure::new(format!(
                    "{} gets its credentials from `aws login`, which has signed your browser in to the console",
                    chain.key_source
                ))
                .hint(format!(
                    "open the web page of the console; or {}",
                    self.with_a_role(sections)
                        .unwrap_or_else(|| NAME_A_ROLE.to_owned())
                ))
            );
        }
        let (who, key_source) = if chain.roles.is_empty() {
            // A session scope without a role is refused.
            self.wanted(sections, &self.min_ttl()?)?;
            self.check_no_flag_of_roles()?;
            let who = WhoSignsIn::User(Box::new(FederatedUser {
                access: resolver.access()?,
                duration: resolver.duration()?,
                with_a_role: self.with_a_role(sections).unwrap_or_else(|| {
                    format!("{NAME_A_ROLE}, or sign in on the web page of the console")
                }),
            }));
            (
                who,
                key_source(&chain, self.names, self.files, self.environment)?,
            )
        } else {
            let plan = self.plan(sections)?;
            let role = plan.role().context("the profile has no role")?;
            let is_direct =
                matches!(&plan.steps[..], [only] if matches!(only.call, Call::AssumeRole(_)));
            let who = WhoSignsIn::Role {
                arn: role.arn.value.clone(),
                session_seconds: is_direct.then_some(plan.decision.seconds),
            };
            (who, plan.key_source)
        };
        let region = self.output_region(sections);
        if let Some(region) = &region {
            check_region(region)?;
        }
        Ok(ConsoleSignIn {
            host: hosts.pages,
            region: region.map(|region| region.value),
            connection,
            key_source,
            who,
        })
    }

    /// Refuses flags that would have no effect without a role.
    fn check_no_flag_of_roles(&self) -> Result<()> {
        let request = self.request;
        let given = [
            ("--role-session-name", request.role_session_name.is_some()),
            ("--external-id", request.external_id.is_some()),
            ("--direct", request.direct),
            ("--chain", request.chain),
        ];
        let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) else {
            return Ok(());
        };
        bail!(needs_a_role(flag))
    }

    /// The commands that sign in as a role over a user, if there are any.
    fn with_a_role(&self, sections: &ProfileSections) -> Option<String> {
        let roles = self.roles_over(&sections.profile.value);
        let commands = roles
            .iter()
            .map(|role| format!("`mfa-creds console{}`", profile_flag(role)));
        let commands: Vec<String> = commands.collect();
        (!commands.is_empty()).then(|| format!("run {}", commands.join(", or ")))
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

/// The failure if a flag has no effect without a role.
pub fn needs_a_role(flag: &str) -> Failure {
    Failure::new(format!(
        "{flag} needs a role: without one, `console` signs in the user, without a code"
    ))
    .hint(format!("{NAME_A_ROLE}, or leave out {flag}"))
}

/// Refuses an endpoint that must not see the credentials. Every other service gets only signatures, so an endpoint for all services may be
/// one that nobody trusts with more.
fn check_endpoint(connection: &Connection, hosts: ConsoleHosts) -> Result<()> {
    let Some(Setting { value: url, origin }) = &connection.endpoint_url else {
        return Ok(());
    };
    let what = if connection.is_answered_locally() {
        return Ok(());
    } else if !connection.has_own_endpoint() {
        "is the endpoint of every service"
    } else if !connection.route()?.is_over_tls() {
        "is not encrypted"
    } else {
        return Ok(());
    };
    bail!(
        Failure::new(format!(
            "{url} ({origin}) {what}, and `console` sends credentials to it"
        ))
        .hint(format!(
            "set AWS_ENDPOINT_URL_SIGNIN to https://{}, or to another https URL",
            hosts.sign_in
        ))
    )
}
