//! Where the services are: the endpoints of every partition, and what cannot be is said before anything is asked.

use stand_in::ALICE_DEVICE;

use crate::support::accounts::account_in;
use crate::support::corporate_network::CorporateNetwork;
use crate::support::home::Home;
use crate::support::sections::long_term;

/// Partition, region, environment, config file, the host that is called, and the region that the request is signed for.
const STS: &str = "
aws         us-east-1        -                               -                               sts.us-east-1.amazonaws.com          us-east-1
aws         eu-west-1        -                               -                               sts.eu-west-1.amazonaws.com          eu-west-1
aws         af-south-1       -                               -                               sts.af-south-1.amazonaws.com         af-south-1
aws         us-east-2        AWS_USE_FIPS_ENDPOINT=true      -                               sts-fips.us-east-2.amazonaws.com     us-east-2
aws         us-east-2        -                               use_fips_endpoint=true          sts-fips.us-east-2.amazonaws.com     us-east-2
aws         us-east-2        AWS_USE_FIPS_ENDPOINT=false     use_fips_endpoint=true          sts.us-east-2.amazonaws.com          us-east-2
aws         eu-west-1        AWS_USE_DUALSTACK_ENDPOINT=TRUE -                               sts.eu-west-1.api.aws                eu-west-1
aws         eu-west-1        -                               use_dualstack_endpoint=true     sts.eu-west-1.api.aws                eu-west-1
aws         us-east-1        AWS_USE_FIPS_ENDPOINT=true      use_dualstack_endpoint=true     sts-fips.us-east-1.api.aws           us-east-1
aws         eu-west-1        AWS_STS_REGIONAL_ENDPOINTS=legacy -                             sts.amazonaws.com                    us-east-1
aws         eu-west-1        -                               sts_regional_endpoints=legacy   sts.amazonaws.com                    us-east-1
aws         eu-west-1        AWS_STS_REGIONAL_ENDPOINTS=regional sts_regional_endpoints=legacy sts.eu-west-1.amazonaws.com         eu-west-1
aws         af-south-1       AWS_STS_REGIONAL_ENDPOINTS=legacy -                             sts.af-south-1.amazonaws.com         af-south-1
aws-us-gov  us-gov-east-1    -                               -                               sts.us-gov-east-1.amazonaws.com      us-gov-east-1
aws-us-gov  us-gov-west-1    AWS_USE_FIPS_ENDPOINT=true      -                               sts.us-gov-west-1.amazonaws.com      us-gov-west-1
aws-cn      cn-northwest-1   -                               -                               sts.cn-northwest-1.amazonaws.com.cn  cn-northwest-1
aws-iso     us-iso-west-1    -                               -                               sts.us-iso-west-1.c2s.ic.gov         us-iso-west-1
aws-iso-b   us-isob-east-1   -                               -                               sts.us-isob-east-1.sc2s.sgov.gov     us-isob-east-1
aws-iso-e   eu-isoe-west-1   -                               -                               sts.eu-isoe-west-1.cloud.adc-e.uk    eu-isoe-west-1
aws-iso-f   us-isof-south-1  -                               -                               sts.us-isof-south-1.csp.hci.ic.gov   us-isof-south-1
aws-eusc    eusc-de-east-1   -                               -                               sts.eusc-de-east-1.amazonaws.eu      eusc-de-east-1
";

/// The same for IAM, which is in one region of a partition, with the host of STS that is called before.
const IAM: &str = "
aws         eu-west-1        -                               sts.eu-west-1.amazonaws.com         iam.amazonaws.com                   us-east-1
aws         us-east-2        AWS_USE_FIPS_ENDPOINT=true      sts-fips.us-east-2.amazonaws.com    iam-fips.amazonaws.com              us-east-1
aws         eu-west-1        AWS_USE_DUALSTACK_ENDPOINT=true sts.eu-west-1.api.aws               iam.global.api.aws                  us-east-1
aws-us-gov  us-gov-east-1    -                               sts.us-gov-east-1.amazonaws.com     iam.us-gov.amazonaws.com            us-gov-west-1
aws-cn      cn-northwest-1   -                               sts.cn-northwest-1.amazonaws.com.cn iam.cn-north-1.amazonaws.com.cn     cn-north-1
aws-iso     us-iso-west-1    -                               sts.us-iso-west-1.c2s.ic.gov        iam.us-iso-east-1.c2s.ic.gov        us-iso-east-1
aws-iso-b   us-isob-east-1   -                               sts.us-isob-east-1.sc2s.sgov.gov    iam.us-isob-east-1.sc2s.sgov.gov    us-isob-east-1
aws-iso-e   eu-isoe-west-1   -                               sts.eu-isoe-west-1.cloud.adc-e.uk   iam.eu-isoe-west-1.cloud.adc-e.uk   eu-isoe-west-1
aws-iso-f   us-isof-south-1  -                               sts.us-isof-south-1.csp.hci.ic.gov  iam.us-isof-south-1.csp.hci.ic.gov  us-isof-south-1
aws-eusc    eusc-de-east-1   -                               sts.eusc-de-east-1.amazonaws.eu     iam.eusc-de-east-1.amazonaws.eu     eusc-de-east-1
";

fn rows(table: &str) -> impl Iterator<Item = [&str; 6]> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.try_into().unwrap()
    })
}

#[test]
fn each_region_has_its_endpoint() {
    for [partition, region, environment, config, host, signed_for] in rows(STS) {
        let (account, device) = account_in(partition);
        let company = CorporateNetwork::new(account, &[host]);
        let home = Home::with(&long_term("work").replace(ALICE_DEVICE, &device));
        let config = config.trim_start_matches('-');
        home.write("config", &format!("[profile work]\n{config}\n"));
        let run = company.renew(&home, &device).env("AWS_REGION", region);
        let run = match environment.split_once('=') {
            Some((name, value)) => run.env(name, value),
            None => run,
        };
        run.succeeds();
        assert_eq!(company.targets(), [format!("{host}:443")]);
        let requests = company.sts.requests();
        assert_eq!(requests[0].region.as_deref(), Some(signed_for), "{host}");
    }
}

#[test]
fn iam_is_where_its_partition_has_it() {
    for [partition, region, environment, sts, host, signed_for] in rows(IAM) {
        let (account, device) = account_in(partition);
        let company = CorporateNetwork::new(account, &[sts, host]);
        let home = Home::with(&long_term("work"));
        let run = company.run(&home, &["device", "list", "-p", "work", "--region", region]);
        let run = match environment.split_once('=') {
            Some((name, value)) => run.env(name, value),
            None => run,
        };
        let outcome = run.outcome();
        assert!(outcome.stdout.contains(&device), "{host}: {outcome:?}");
        assert_eq!(
            company.targets(),
            [format!("{sts}:443"), format!("{host}:443")]
        );
        let requests = company.sts.requests();
        assert_eq!(requests[1].action, "ListMFADevices");
        assert_eq!(requests[1].region.as_deref(), Some(signed_for), "{host}");
    }
}

/// A run that would have to ask. Whatever goes wrong with it stays on this machine.
fn refused(arguments: &[&str], environment: (&str, &str), message: &str) {
    let home = Home::of_alice();
    home.run(&[&["-p", "work", "--no-input"], arguments].concat())
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env(environment.0, environment.1)
        .ends(1, &format!("error: {message}\n"));
}

const NOTHING: (&str, &str) = ("TZ", "UTC");

#[test]
fn an_arn_of_another_partition_than_the_region() {
    refused(
        &["--region", "us-gov-west-1"],
        NOTHING,
        "the device arn:aws:iam::123456789012:mfa/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials) \
         is in the partition aws, but the region us-gov-west-1 (--region) is in aws-us-gov\n\
         hint: set a region in aws, for example with `--region us-east-1`",
    );
    refused(
        &["--device", "arn:aws-us-gov:iam::123456789012:mfa/alice"],
        NOTHING,
        "the device arn:aws-us-gov:iam::123456789012:mfa/alice (--device) is in the partition aws-us-gov, but the region us-east-1 (default) is in aws\n\
         hint: set a region in aws-us-gov, for example with `--region us-gov-west-1`, or `region = us-gov-west-1` in ~/.aws/config",
    );
    refused(
        &["--assume-role", "arn:aws-cn:iam::123456789012:role/admin"],
        NOTHING,
        "the role arn:aws-cn:iam::123456789012:role/admin (--assume-role) is in the partition aws-cn, but the region us-east-1 (default) is in aws\n\
         hint: set a region in aws-cn, for example with `--region cn-north-1`, or `region = cn-north-1` in ~/.aws/config",
    );
    refused(
        &["--assume-role", "arn:aws-mars:iam::123456789012:role/admin"],
        NOTHING,
        "the role arn:aws-mars:iam::123456789012:role/admin (--assume-role) is in the partition aws-mars, but the region us-east-1 (default) is in aws\n\
         hint: check the ARN: it must start with arn:aws:, arn:aws-cn:, or arn:aws-us-gov:",
    );
}

#[test]
fn settings_that_cannot_be() {
    refused(
        &[],
        ("AWS_USE_FIPS_ENDPOINT", "yes"),
        "`yes` (AWS_USE_FIPS_ENDPOINT) is neither true nor false\n\
         hint: set one of them, or unset AWS_USE_FIPS_ENDPOINT",
    );
    refused(
        &[],
        ("AWS_STS_REGIONAL_ENDPOINTS", "global"),
        "`global` (AWS_STS_REGIONAL_ENDPOINTS) is neither legacy nor regional\n\
         hint: set one of them, or unset AWS_STS_REGIONAL_ENDPOINTS",
    );
    refused(
        &[],
        ("MFA_CREDS_TIMEOUT", "soon"),
        "`soon` (MFA_CREDS_TIMEOUT) is not a duration\n\
         hint: write seconds like `43200`, or a duration like `12h` or `1h30m`",
    );
}
