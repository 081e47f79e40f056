//! What `mfa-creds doctor` says of the way to AWS, and what it learns from there without a code.

use chrono::TimeDelta;
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Authority, Device, Fault,
    Route, StandIn, User,
};

use crate::support::corporate_network::{CorporateNetwork, HOST, nobody};
use crate::support::doctor::{healthy, home, says};
use crate::support::home::{Home, Run};
use crate::support::sections::long_term;

const DOCTOR: [&str; 3] = ["doctor", "-p", "work"];
const SET_THE_CLOCK: &str =
    "set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL";
const ENROLL: &str = "run `mfa-creds device enroll -p work` to enroll an authenticator app";

fn alice() -> User {
    User::new("alice").access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
}

fn stand_in(user: User) -> StandIn {
    StandIn::start(Account::new().user(user))
}

fn keys_only() -> String {
    let lines = long_term("work");
    lines
        .lines()
        .filter(|line| !line.contains("mfa_device"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_healthy_way_to_aws() {
    let company =
        CorporateNetwork::with(Account::example(), &[HOST, "iam.amazonaws.com"], |route| {
            route.login("alice", "FakeProxyPassword")
        });
    let home = home(&healthy(), "");
    let url = company.proxy.url();
    let outcome = company
        .run(&home, &DOCTOR)
        .env(
            "HTTPS_PROXY",
            &url.replace("http://", "http://alice:FakeProxyPassword@"),
        )
        .outcome();
    let told = outcome.stdout.split_once("ok       endpoint ").unwrap().1;
    assert_eq!(
        told,
        format!(
            "         AWS STS: https://sts.us-east-1.amazonaws.com, for the region us-east-1 (default)\n\
             ok       proxy             {url} for sts.us-east-1.amazonaws.com (HTTPS_PROXY)\n\
             ok       certificates      1 trusted, from ~/.aws/company.pem (AWS_CA_BUNDLE)\n\
             ok       endpoint          AWS IAM: https://iam.amazonaws.com, for the region us-east-1 (default)\n\
             ok       proxy             {url} for iam.amazonaws.com (HTTPS_PROXY)\n\
             ok       network           AWS STS at sts.us-east-1.amazonaws.com responds\n\
             ok       clock             within a minute of AWS's clock\n\
             ok       keys              AKIA…ALIC is active, and belongs to alice in account 123456789012\n\
             ok       device            arn:aws:iam::123456789012:mfa/alice is a device of alice\n\
             24 ok, 0 warnings, 0 problems\n"
        )
    );
    assert_eq!(outcome.status, Some(0));
    let actions: Vec<_> = company
        .sts
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect();
    assert_eq!(actions, ["GetCallerIdentity", "ListMFADevices"]);
    // Nothing is asked with this flag.
    let outcome = company
        .run(&home, &["doctor", "--offline", "-p", "work"])
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(company.sts.calls(), 2);
}

fn ask<'h>(home: &'h Home, sts: &StandIn) -> Run<'h> {
    home.run_with(sts, &DOCTOR)
}

#[test]
fn a_clock_that_is_off() {
    let home = home(&healthy(), "");
    for (offset, level, told) in [
        (
            TimeDelta::minutes(2),
            "warning",
            "this machine's clock is 2 min behind AWS's",
        ),
        (
            TimeDelta::minutes(-7),
            "problem",
            "this machine's clock is 7 min ahead of AWS's",
        ),
        (
            TimeDelta::hours(9),
            "problem",
            "this machine's clock is 9 h behind AWS's",
        ),
    ] {
        let sts = StandIn::start(Account::example());
        sts.set_clock_offset(offset);
        says(ask(&home, &sts), level, "clock", told, Some(SET_THE_CLOCK));
        // The rest is asked by AWS's clock.
        says(
            ask(&home, &sts),
            "ok",
            "device",
            &format!("{ALICE_DEVICE} is a device of alice"),
            None,
        );
    }
}

#[test]
fn what_keeps_aws_from_answering() {
    let home = home(&healthy(), "");
    // Not every machine has certificates of its own.
    home.write("ca.pem", &Authority::new("Fake Company CA").pem());
    let bundle = home.file("ca.pem");
    let bundle = bundle.to_str().unwrap();
    let nobody = nobody();
    let address = nobody.address;
    says(
        home.run(&DOCTOR)
            .env("AWS_ENDPOINT_URL_STS", &format!("http://{address}")),
        "problem",
        "network",
        &format!("AWS STS at {address} cannot be reached: connection refused"),
        Some("check the endpoint (AWS_ENDPOINT_URL_STS)"),
    );
    says(
        home.run(&DOCTOR).env("AWS_CA_BUNDLE", bundle).env(
            "HTTPS_PROXY",
            &format!("http://alice:FakeProxyPassword@{address}"),
        ),
        "problem",
        "network",
        &format!("the proxy http://{address} (HTTPS_PROXY) cannot be reached: connection refused"),
        Some("check its address, or unset HTTPS_PROXY if there is no proxy"),
    );
    let company = CorporateNetwork::new(Account::example(), &[HOST]);
    home.write("other.pem", &Authority::new("Fake Other CA").pem());
    says(
        company
            .run(&home, &DOCTOR)
            .env("AWS_CA_BUNDLE", home.file("other.pem").to_str().unwrap()),
        "problem",
        "network",
        "AWS STS at sts.us-east-1.amazonaws.com is not trusted: its certificate (sts.us-east-1.amazonaws.com) \
         has an unknown issuer (Fake Company CA)",
        Some(
            "if that is your company's proxy, add its CA certificate to ~/.aws/other.pem (AWS_CA_BUNDLE)",
        ),
    );
    let sts = StandIn::start(Account::example());
    sts.fault(Fault::HtmlLoginPage);
    says(
        ask(&home, &sts),
        "problem",
        "network",
        &format!(
            "the response from {} is not from AWS STS: its status is 200, and its type is text/html",
            sts.address()
        ),
        Some(
            "the network or a proxy may redirect to a login page: open a web page, then run the command again",
        ),
    );
    let refusing = stand_in::Proxy::start(Route::refused(403));
    says(
        home.run(&DOCTOR)
            .env("AWS_CA_BUNDLE", bundle)
            .env("HTTPS_PROXY", &refusing.url()),
        "problem",
        "network",
        &format!(
            "the proxy {} (HTTPS_PROXY) does not allow connections to AWS STS at {HOST}: it returned 403",
            refusing.url()
        ),
        Some("ask the proxy's administrator to allow that host, or add it to NO_PROXY"),
    );
}

#[test]
fn the_way_is_looked_at_before_it_is_gone() {
    let home = home(&healthy(), "");
    says(
        home.run(&["doctor", "--offline", "-p", "work"])
            .env("AWS_ENDPOINT_URL_STS", "http://sts.internal.example"),
        "warning",
        "endpoint",
        "AWS STS: http://sts.internal.example (AWS_ENDPOINT_URL_STS)",
        Some("use https: anybody on the network can read the responses from AWS"),
    );
    says(
        home.run(&DOCTOR).env("HTTPS_PROXY", "socks5://127.0.0.1:9"),
        "problem",
        "endpoint",
        "the proxy in HTTPS_PROXY cannot be used: it is a SOCKS proxy, and mfa-creds supports only HTTP proxies",
        Some("write it like http://proxy.example:3128, or unset it"),
    );
    says(
        home.run(&["doctor", "--offline", "-p", "work"])
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", ".amazonaws.com"),
        "ok",
        "proxy",
        "none for sts.us-east-1.amazonaws.com (NO_PROXY)",
        None,
    );
    home.write("ca.pem", "none\n");
    let bundle = home.file("ca.pem");
    let bundle = bundle.to_str().unwrap();
    says(
        home.run(&DOCTOR).env("AWS_CA_BUNDLE", bundle),
        "problem",
        "certificates",
        "the CA bundle ~/.aws/ca.pem (AWS_CA_BUNDLE) contains no certificate",
        Some("use a file of PEM certificates, each with a BEGIN CERTIFICATE line"),
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    home.write(
        "ca.pem",
        &format!("{}{broken}", Authority::new("Fake Company CA").pem()),
    );
    says(
        home.run(&["doctor", "--offline", "-p", "work"])
            .env("AWS_CA_BUNDLE", bundle),
        "warning",
        "certificates",
        "1 in ~/.aws/ca.pem cannot be read",
        Some("remove them, or replace them with valid PEM"),
    );
    std::fs::create_dir(home.file("none")).unwrap();
    says(
        home.run(&DOCTOR)
            .env("SSL_CERT_DIR", home.file("none").to_str().unwrap()),
        "problem",
        "certificates",
        "this machine has no trusted CA certificates",
        Some("install ca-certificates, or set AWS_CA_BUNDLE to a PEM file"),
    );
}

#[test]
fn keys_that_aws_does_not_take() {
    let home = home(&healthy(), "");
    let inactive = User::new("alice")
        .inactive_access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .device(Device::new(ALICE_DEVICE));
    says(
        ask(&home, &stand_in(inactive)),
        "problem",
        "keys",
        "AWS does not recognize access key AKIA…ALIC of [work-long-term] in ~/.aws/credentials, or the key is inactive",
        Some(
            "look up the user's access keys in the IAM console; in China and GovCloud, also set the region",
        ),
    );
    let sts = StandIn::start(Account::example());
    let failing = "[work-long-term]\ncredential_process = exit 3\n";
    says(
        crate::support::doctor::home(failing, "").run_with(&sts, &DOCTOR),
        "problem",
        "keys",
        "the command from credential_process of [work-long-term] in ~/.aws/credentials failed: it printed no error",
        Some(
            "run it by itself: it must exit with status 0 and print {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}",
        ),
    );
    assert_eq!(sts.calls(), 0);
}

#[test]
fn the_devices_of_the_user() {
    let other = "arn:aws:iam::123456789012:mfa/telephone";
    let key = "arn:aws:iam::123456789012:u2f/user/alice/key-FAKEFAKEFAKE";
    let set = home(&healthy(), "");
    let unset = home(&keys_only(), "");
    let told = |home: &Home, user: User, level: &str, message: &str, fix: Option<&str>| {
        says(ask(home, &stand_in(user)), level, "device", message, fix);
    };
    told(
        &set,
        alice().device(Device::new(other)).device(Device::fido(key)),
        "problem",
        &format!("{ALICE_DEVICE} is not a device of alice"),
        Some(&format!(
            "set aws_mfa_device in [work-long-term] to {other}"
        )),
    );
    told(
        &set,
        alice(),
        "problem",
        &format!("{ALICE_DEVICE} is not a device of alice, and alice has no MFA device"),
        Some(ENROLL),
    );
    told(
        &unset,
        alice(),
        "problem",
        "alice has no MFA device",
        Some(ENROLL),
    );
    told(
        &unset,
        alice().device(Device::fido(key)),
        "problem",
        &format!("alice has no MFA device that STS can use: {key} is a FIDO key"),
        Some(
            "sign in with `aws login`, which accepts it; or add an authenticator app in the IAM console",
        ),
    );
    told(
        &unset,
        alice().device(Device::new(other)),
        "ok",
        &format!("{other} is the only device of alice"),
        None,
    );
    told(
        &unset,
        alice()
            .device(Device::new(other))
            .device(Device::new(ALICE_DEVICE)),
        "warning",
        &format!("alice has several devices: {other}, {ALICE_DEVICE}"),
        Some("set aws_mfa_device to one of them, so that you are not asked to pick one"),
    );
    let denied = || {
        alice()
            .device(Device::new(ALICE_DEVICE))
            .denies("iam:ListMFADevices")
    };
    let sts = stand_in(denied());
    let outcome = ask(&set, &sts).outcome();
    assert!(
        outcome
            .stdout
            .contains("\nok       device            cannot list the user's devices: AWS denied"),
        "{outcome:?}"
    );
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let outcome = ask(&unset, &sts).outcome();
    assert!(
        outcome.stdout.contains(&format!(
            "\n         fix: it is often {ALICE_DEVICE}: add `aws_mfa_device = {ALICE_DEVICE}` to [work-long-term] in \
             ~/.aws/credentials, or use --device; the IAM console shows the ARN\n"
        )),
        "{outcome:?}"
    );
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
}
