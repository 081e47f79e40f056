//! Decides the URL and the signing region of a connection, by the AWS SDK's own endpoint rules.

use anyhow::{Result, bail};
use aws_sdk_iam::config::endpoint as iam;
use aws_sdk_sts::config::endpoint as sts;
use aws_sdk_sts::error::BoxError;
use futures_util::FutureExt as _;
use http::Uri;
use iam::ResolveEndpoint as _;
use sts::ResolveEndpoint as _;

use crate::core::arn::Arn;
use crate::core::error::Failure;
use crate::plan::connection::{Connection, Service};
use crate::plan::proxy::Proxy;
use crate::plan::setting::{Origin, Setting};

/// The partitions of AWS, each with the region of its IAM.
/// See <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>.
const PARTITIONS: [(&str, &str); 8] = [
    ("us-east-1", "aws"),
    ("cn-north-1", "aws-cn"),
    ("us-gov-west-1", "aws-us-gov"),
    ("us-iso-east-1", "aws-iso"),
    ("us-isob-east-1", "aws-iso-b"),
    ("eu-isoe-west-1", "aws-iso-e"),
    ("us-isof-south-1", "aws-iso-f"),
    ("eusc-de-east-1", "aws-eusc"),
];

/// Where the requests of a connection go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    pub url: Uri,
    /// The region that they are signed for.
    pub signing_region: Setting<String>,
    pub proxy: Option<Setting<Proxy>>,
}

/// What the SDK resolves an endpoint to.
struct Endpoint {
    url: String,
    /// If it differs from the requested region.
    signing_region: Option<String>,
}

impl Connection {
    /// Where its requests go.
    pub fn route(&self) -> Result<Route> {
        let endpoint = match self.resolved() {
            Ok(endpoint) => endpoint,
            Err(why) => bail!(
                Failure::new(format!(
                    "{} has no such endpoint in {} ({}): {why}",
                    self.service.name(),
                    self.region.value,
                    self.region.origin
                ))
                .hint("add `-v` to see which setting requests a FIPS or dual-stack endpoint")
            ),
        };
        let url = match &self.endpoint_url {
            Some(given) => &given.value,
            None => &endpoint.url,
        };
        let Ok(url) = url.parse::<Uri>() else {
            bail!("`{url}` is not an endpoint URL");
        };
        // A custom STS endpoint is in the requested region.
        let of_another = endpoint
            .signing_region
            .filter(|region| *region != self.region.value)
            .filter(|_| self.endpoint_url.is_none() || self.service == Service::Iam);
        let signing_region = of_another.map(|value| Setting {
            value,
            origin: Origin::Partition,
        });
        Ok(Route {
            signing_region: signing_region.unwrap_or_else(|| self.region.clone()),
            proxy: self.proxies.of(&url)?,
            url,
        })
    }

    fn resolved(&self) -> Result<Endpoint, String> {
        let region = &self.region.value;
        // An explicit endpoint URL overrides FIPS and dual stack.
        let asked = |kind: &Setting<bool>| kind.value && self.endpoint_url.is_none();
        let (fips, dual_stack) = (asked(&self.fips), asked(&self.dual_stack));
        match self.service {
            Service::Sts => {
                let parameters = sts::Params::builder()
                    .region(region.clone())
                    .use_fips(fips)
                    .use_dual_stack(dual_stack)
                    .use_global_endpoint(self.global.value);
                let parameters = parameters.build().map_err(|error| error.to_string())?;
                let found = sts::DefaultResolver::new()
                    .resolve_endpoint(&parameters)
                    .now_or_never();
                endpoint(found)
            }
            Service::Iam => of_iam(region, fips, dual_stack),
            Service::SignIn => of_sign_in(region),
            Service::Login => of_login(region, fips, dual_stack),
        }
    }
}

impl Route {
    /// Whether TLS proves who answers.
    pub fn is_over_tls(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// The host that is called, with its port unless that is the default.
    pub fn host(&self) -> String {
        let host = self.url.host().unwrap_or_default();
        let port = self.url.port();
        format!(
            "{host}{}",
            port.map_or_else(String::new, |port| format!(":{port}"))
        )
    }
}

fn of_iam(region: &str, fips: bool, dual_stack: bool) -> Result<Endpoint, String> {
    let parameters = iam::Params::builder()
        .region(region.to_owned())
        .use_fips(fips)
        .use_dual_stack(dual_stack);
    let parameters = parameters.build().map_err(|error| error.to_string())?;
    let found = iam::DefaultResolver::new()
        .resolve_endpoint(&parameters)
        .now_or_never();
    endpoint(found)
}

/// The host that signs in to the console, which has no variants with FIPS or dual stack.
fn of_sign_in(region: &str) -> Result<Endpoint, String> {
    let hosts = partition(region).and_then(console_hosts);
    let hosts = hosts.ok_or("mfa-creds does not know the console of that partition")?;
    Ok(Endpoint {
        url: format!("https://{}", hosts.sign_in),
        signing_region: None,
    })
}

/// The host of `aws login` in a region, by the rules of the AWS CLI:
/// <https://github.com/aws/aws-cli/blob/v2/awscli/botocore/data/signin/2023-01-01/endpoint-rule-set-1.json>.
fn of_login(region: &str, fips: bool, dual_stack: bool) -> Result<Endpoint, String> {
    let (domain, dns_suffix, dual_stack_suffix) = match partition(region) {
        Some("aws") => ("aws.amazon.com", "amazonaws.com", "api.aws"),
        Some("aws-cn") => (
            "amazonaws.cn",
            "amazonaws.com.cn",
            "api.amazonwebservices.com.cn",
        ),
        Some("aws-us-gov") => ("amazonaws-us-gov.com", "amazonaws.com", "api.aws"),
        Some("aws-eusc") => (
            "amazonaws-eusc.eu",
            "amazonaws.eu",
            "api.amazonwebservices.eu",
        ),
        _ => return Err("mfa-creds does not know AWS Sign-In in that partition".to_owned()),
    };
    let host = match (fips, dual_stack) {
        (false, false) => format!("{region}.signin.{domain}"),
        (true, false) if region == "us-gov-west-1" => format!("signin-fips.{domain}"),
        (true, false) if region.starts_with("us-gov-") => format!("{region}.signin-fips.{domain}"),
        (true, false) => format!("signin-fips.{region}.{dns_suffix}"),
        (false, true) => format!("signin.{region}.{dual_stack_suffix}"),
        (true, true) => format!("signin-fips.{region}.{dual_stack_suffix}"),
    };
    Ok(Endpoint {
        url: format!("https://{host}"),
        signing_region: None,
    })
}

/// Where the console of a partition is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConsoleHosts {
    /// The host that signs in.
    pub sign_in: &'static str,
    /// The host that leads to the pages of every region.
    pub pages: &'static str,
}

/// Where the console of a partition is, if AWS documents it. See
/// <https://docs.aws.amazon.com/general/latest/gr/signin-service.html>,
/// <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/using-govcloud-endpoints.html>, and
/// <https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html>.
pub(super) fn console_hosts(partition: &str) -> Option<ConsoleHosts> {
    let (sign_in, pages) = match partition {
        "aws" => ("signin.aws.amazon.com", "console.aws.amazon.com"),
        "aws-cn" => ("signin.amazonaws.cn", "console.amazonaws.cn"),
        "aws-us-gov" => (
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com",
        ),
        _ => return None,
    };
    Some(ConsoleHosts { sign_in, pages })
}

fn endpoint(found: Option<Result<sts::Endpoint, BoxError>>) -> Result<Endpoint, String> {
    let endpoint = match found {
        Some(Ok(endpoint)) => endpoint,
        Some(Err(error)) => return Err(innermost(error.as_ref())),
        None => return Err("the SDK does not say why".to_owned()),
    };
    let mut schemes = endpoint.auth_schemes().iter();
    let signing_region = schemes.find_map(|scheme| scheme.get("signingRegion")?.as_string());
    Ok(Endpoint {
        url: endpoint.url().to_owned(),
        signing_region: signing_region.map(str::to_owned),
    })
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// The partition of a region, found by the IAM endpoint that the SDK resolves for it.
pub(super) fn partition(region: &str) -> Option<&'static str> {
    let signing = of_iam(region, false, false).ok()?.signing_region;
    let signing = signing.as_deref().unwrap_or(region);
    let found = PARTITIONS.iter().find(|(of_iam, _)| *of_iam == signing);
    found.map(|(_, partition)| *partition)
}

/// Refuses an ARN in another partition than the region, before a code is asked for.
pub(super) fn check_partition<T>(
    what: &str,
    arn: &str,
    chosen: &Setting<T>,
    region: &Setting<String>,
) -> Result<()> {
    let Some(of_arn) = Arn::parse(arn).map(|arn| arn.partition) else {
        return Ok(());
    };
    match partition(&region.value) {
        Some(of_region) if of_region != of_arn => {
            let other = PARTITIONS
                .iter()
                .find(|(_, partition)| *partition == of_arn);
            let hint = match other {
                // A variable would override the file.
                Some((other, _))
                    if matches!(region.origin, Origin::Flag(_) | Origin::Environment(_)) =>
                {
                    format!("set a region in {of_arn}, for example with `--region {other}`")
                }
                Some((other, _)) => format!(
                    "set a region in {of_arn}, for example with `--region {other}`, or `region = {other}` in ~/.aws/config"
                ),
                None => {
                    "check the ARN: it must start with arn:aws:, arn:aws-cn:, or arn:aws-us-gov:"
                        .to_owned()
                }
            };
            bail!(
                Failure::new(format!(
                    "the {what} {arn} ({}) is in the partition {of_arn}, but the region {} ({}) is in {of_region}",
                    chosen.origin, region.value, region.origin
                ))
                .hint(hint)
            )
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::of_login;

    /// What the rules of the AWS CLI give.
    #[test]
    fn aws_login_has_a_host_in_each_region() {
        for (region, fips, dual_stack, host) in [
            ("eu-west-1", false, false, "eu-west-1.signin.aws.amazon.com"),
            (
                "eu-west-1",
                true,
                false,
                "signin-fips.eu-west-1.amazonaws.com",
            ),
            ("eu-west-1", false, true, "signin.eu-west-1.api.aws"),
            ("eu-west-1", true, true, "signin-fips.eu-west-1.api.aws"),
            ("cn-north-1", false, false, "cn-north-1.signin.amazonaws.cn"),
            (
                "us-gov-east-1",
                false,
                false,
                "us-gov-east-1.signin.amazonaws-us-gov.com",
            ),
            (
                "us-gov-east-1",
                true,
                false,
                "us-gov-east-1.signin-fips.amazonaws-us-gov.com",
            ),
            (
                "us-gov-west-1",
                true,
                false,
                "signin-fips.amazonaws-us-gov.com",
            ),
            (
                "eusc-de-east-1",
                false,
                false,
                "eusc-de-east-1.signin.amazonaws-eusc.eu",
            ),
        ] {
            let found = of_login(region, fips, dual_stack).unwrap();
            assert_eq!(found.url, format!("https://{host}"));
        }
        assert!(of_login("us-iso-east-1", false, false).is_err());
    }
}
