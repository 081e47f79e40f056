//! Says what AWS tools do where a role would be assumed with other credentials than those of a user's long-term keys.

use crate::core::error::Failure;
use crate::core::text::flag;
use crate::files::profiles::{Files, key};
use crate::plan::setting::{Origin, Setting};

/// What a source profile may have instead of keys, in the order of botocore 1.44.
const KEYS: [&str; 7] = [
    key::WEB_IDENTITY_TOKEN_FILE,
    key::SSO_ACCOUNT_ID,
    key::SSO_ROLE_NAME,
    key::SSO_SESSION,
    key::SSO_START_URL,
    key::LOGIN_SESSION,
    key::CREDENTIAL_SOURCE,
];

/// The values of `credential_source` that mean a machine.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>.
const MACHINES: [&str; 2] = ["Ec2InstanceMetadata", "EcsContainer"];

/// Where a profile with SSO settings gets its credentials from.
pub(super) const OF_SSO: &str = "IAM Identity Center (SSO)";

/// What to do to use such a profile. Without an account and a role, the AWS CLI gets no credentials from there.
pub(super) fn sign_in_to_sso(profile: &str, has: impl Fn(&str) -> bool) -> String {
    let profile = flag("--profile", profile);
    if has(key::SSO_ACCOUNT_ID) && has(key::SSO_ROLE_NAME) {
        format!("run `aws sso login {profile}`")
    } else {
        format!("run `aws configure sso {profile}` to choose an account and a role")
    }
}

/// The error for a source profile that has no long-term keys, because AWS tools get its credentials in another way. The SDK for PHP
/// supports only keys and roles in a source: <https://github.com/aws/aws-sdk-php/issues/3300>.
pub(super) fn of_source(
    name: &str,
    header: Option<&str>,
    named_by: &Origin,
    mfa_serial: Option<&Setting<String>>,
    files: &Files<'_>,
) -> Option<Failure> {
    let Files {
        credentials,
        config,
    } = files;
    let has = |key: &str| {
        header.is_some_and(|header| config.get(header, key).is_some())
            || credentials.get(name, key).is_some()
    };
    let source = KEYS.into_iter().find(|key| has(key))?;
    let assume = "AWS tools other than the SDK for PHP then assume roles with its credentials, without mfa-creds";
    let (from, hint) = match source {
        key::WEB_IDENTITY_TOKEN_FILE | key::CREDENTIAL_SOURCE => (
            source,
            format!(
                "add role_arn to it, which AWS tools require next to {source}: they assume both roles without mfa-creds"
            ),
        ),
        // Where the config file has it, it serves as a source.
        key::LOGIN_SESSION => (
            source,
            format!(
                "move the line to [profile {name}] in {}, where `aws login` writes it",
                config.path.display()
            ),
        ),
        _ => (OF_SSO, format!("{}: {assume}", sign_in_to_sso(name, has))),
    };
    let useless = mfa_serial.filter(|_| from == OF_SSO);
    let useless =
        useless.map(|serial| format!("; remove {}, which needs a user's keys", serial.origin));
    let failure = Failure::new(format!(
        "the profile {name} ({named_by}) gets its credentials from {from}, not from a user's long-term keys"
    ));
    Some(failure.hint(hint + &useless.unwrap_or_default()))
}

/// The error for a role in this place that a token assumes, or a machine.
pub(super) fn of_role(place: &str, other: &Setting<String>) -> Failure {
    let Setting { value, origin } = other;
    let key = match origin {
        Origin::File { key, .. } => key,
        _ => key::CREDENTIAL_SOURCE,
    };
    if key != key::CREDENTIAL_SOURCE {
        return otherwise(place, key, key);
    }
    if MACHINES.contains(&value.as_str()) {
        return otherwise(place, key, &format!("{key} = {value}"));
    }
    let [ec2, ecs] = MACHINES;
    Failure::new(format!("`{value}` ({origin}) is not a source of credentials")).hint(format!(
        "replace the line with `source_profile = NAME`, naming the profile whose keys assume the role, or write Environment; \
         AWS tools also know {ec2} and {ecs}"
    ))
}

fn otherwise(place: &str, key: &str, with: &str) -> Failure {
    Failure::new(format!(
        "{place} assumes its role with {with}, not with a user's long-term keys"
    ))
    .hint(format!(
        "to use MFA, replace {key} with source_profile; AWS tools get such credentials without mfa-creds"
    ))
}
