//! Who is refused by AWS, and for what: a sentence each, one request each, the file untouched, and nothing secret said. The errors
//! and faults themselves are a table, in `faults`.

use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Role, StandIn, User,
};

use crate::support::home::Home;
use crate::support::sections::long_term;

const RENEWING: &str = "renewing [work]: there are no credentials yet\n";

/// One refresh with a good code ends with this status and message, and changes nothing.
#[track_caller]
fn refused(sts: &StandIn, credentials: &str, arguments: &[&str], status: i32, message: &str) {
    let home = Home::with(credentials);
    let code = sts.fresh_code(ALICE_DEVICE);
    let calls = sts.calls();
    let outcome = home
        .run_with(
            sts,
            &[&["-p", "work", "--token", &code], arguments].concat(),
        )
        .ends(
            status,
            &format!(
                "{RENEWING}{}",
                message.replace("HOST", sts.url().trim_start_matches("http://"))
            ),
        );
    assert_eq!(home.credentials(), credentials);
    assert!(sts.calls() <= calls + 1, "a code is sent once");
    assert!(!outcome.stderr.contains(&code));
    assert!(!outcome.stderr.contains(ALICE_SECRET_ACCESS_KEY));
}

#[test]
fn a_wrong_or_used_code() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let message = format!(
        "{RENEWING}error: AWS refused the code for device {ALICE_DEVICE} \
         (aws_mfa_device of [work-long-term] in ~/.aws/credentials): it is wrong, or was already used\n\
         hint: wait for the next code, then run the command again; AWS accepts each code only once\n"
    );
    let wrong = sts.code_at_step(ALICE_DEVICE, 500);
    home.run_with(&sts, &["-p", "work", "--token", &wrong])
        .ends(4, &message);
    assert_eq!(home.credentials(), long_term("work"));

    let code = sts.fresh_code(ALICE_DEVICE);
    Home::of_alice()
        .run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .ends(4, &message);
    assert_eq!(sts.calls(), 3);
}

#[test]
fn a_device_of_somebody_else() {
    let sts = StandIn::start(Account::example());
    refused(
        &sts,
        &long_term("work"),
        &["--device", "arn:aws:iam::123456789012:mfa/bob"],
        4,
        "error: AWS cannot check codes of device arn:aws:iam::123456789012:mfa/bob (--device) for access key AKIA…ALIC: \
         the device does not belong to this user, or had too many wrong codes\n\
         hint: run `mfa-creds device list -p work` to see the user's devices; after nine attempts, AWS rejects all codes of a device for up to 3 minutes\n",
    );
}

#[test]
fn keys_that_aws_does_not_know() {
    let message = "error: AWS does not recognize access key AKIA…ALIC of [work-long-term] in ~/.aws/credentials, or the key is inactive\n\
                   hint: look up the user's access keys in the IAM console; in China and GovCloud, also set the region\n";
    let inactive = User::new("alice")
        .inactive_access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .device(stand_in::Device::new(ALICE_DEVICE));
    let sts = StandIn::start(Account::new().user(inactive));
    refused(&sts, &long_term("work"), &[], 1, message);

    let sts = StandIn::start(Account::example());
    refused(
        &sts,
        &long_term("work").replace(ALICE_ACCESS_KEY_ID, "AKIAFAKEFAKEFAKEGONE"),
        &[],
        1,
        &message.replace("ALIC", "GONE"),
    );
    refused(
        &sts,
        &long_term("work").replace("NotReal", "NotTrue"),
        &[],
        1,
        "error: aws_secret_access_key of [work-long-term] in ~/.aws/credentials does not belong to access key AKIA…ALIC\n\
         hint: write the secret that was shown when the key was created; if it is lost, create a new key\n",
    );
}

#[test]
fn nobody_there() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let home = Home::of_alice();
    home.run(&["-p", "work", "--token", "123456"])
        .env("AWS_ENDPOINT_URL", &format!("http://{closed}"))
        .ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at {closed} cannot be reached: connection refused\n\
                 hint: check the endpoint (AWS_ENDPOINT_URL)\n"
            ),
        );
    home.run(&["-p", "work", "--token", "123456"])
        // Not a host name for any resolver, so that this does not depend on DNS.
        .env("AWS_ENDPOINT_URL", "http://-no-such-host.invalid")
        .ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at -no-such-host.invalid cannot be reached: its name was not found in DNS\n\
                 hint: check the network, and the endpoint (AWS_ENDPOINT_URL)\n"
            ),
        );
}

#[test]
fn a_role_that_is_not_given() {
    let arn = "arn:aws:iam::123456789012:role/admin";
    let role = || Role::new(arn).requires_mfa();
    let sts = StandIn::start(Account::example().role(role().external_id("right")));
    refused(
        &sts,
        &long_term("work"),
        &["--assume-role", arn, "--external-id", "wrong", "--direct"],
        1,
        "error: AWS denied the role arn:aws:iam::123456789012:role/admin (--assume-role) to access key AKIA…ALIC: \
         User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::123456789012:role/admin\n\
         hint: check that the role's trust policy allows this user, with this external ID; use --chain to assume it from a session\n",
    );
    let sts = StandIn::start(Account::example().role(role()));
    refused(
        &sts,
        &long_term("work"),
        &["--assume-role", arn, "--duration", "4h"],
        1,
        "error: the role arn:aws:iam::123456789012:role/admin cannot last 14400 s (--duration): its maximum is lower\n\
         hint: use a shorter --duration; 3600 always works\n",
    );
}

#[test]
fn a_ca_bundle_that_is_none() {
    let home = Home::of_alice();
    home.write("ca.pem", "no certificate\n");
    let hint = "hint: use a file of PEM certificates, each with a BEGIN CERTIFICATE line\n";
    let run = |name: &str| {
        home.run(&["-p", "work", "--token", "123456"])
            .env("AWS_CA_BUNDLE", home.file(name).to_str().unwrap())
    };
    run("ca.pem").ends(
        1,
        &format!(
            "error: the CA bundle ~/.aws/ca.pem (AWS_CA_BUNDLE) contains no certificate\n{hint}"
        ),
    );
    run("gone.pem").ends(
        1,
        &format!(
            "error: the CA bundle ~/.aws/gone.pem (AWS_CA_BUNDLE) cannot be read: no such file or directory\n{hint}"
        ),
    );
    home.write(
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    run("ca.pem").ends(
        1,
        &format!(
            "error: the CA bundle ~/.aws/ca.pem (AWS_CA_BUNDLE) cannot be used: its certificates are invalid\n{hint}"
        ),
    );
}
