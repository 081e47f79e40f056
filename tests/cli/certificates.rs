//! Whom the tool trusts, and what it says of a certificate that it does not.

use std::fs;

use stand_in::{ALICE_DEVICE, Account, Authority, Proxy, Route, StandIn};

use crate::support::corporate_network::{HOST, RENEWING};
use crate::support::home::Home;

#[test]
fn where_the_authority_may_be_named() {
    let authority = Authority::new("Fake Company CA");
    let pem = authority.pem();
    let renew = |home: &Home, name: &str, environment: &[(&str, &str)]| {
        home.write(name, &pem);
        let sts = StandIn::start_tls(Account::example(), &authority.identity(&[HOST]));
        let proxy = Proxy::start(Route::to(sts.address()));
        let code = sts.fresh_code(ALICE_DEVICE);
        let run = home
            .run(&["-p", "work", "--force", "--token", &code])
            .env("HTTPS_PROXY", &proxy.url());
        let run = environment.iter().fold(run, |run, (name, value)| {
            run.env(name, &value.replace('~', home.path().to_str().unwrap()))
        });
        run.succeeds();
    };
    let home = Home::of_alice();
    renew(&home, "ca.pem", &[("AWS_CA_BUNDLE", "~/.aws/ca.pem")]);
    renew(&home, "ca.pem", &[("SSL_CERT_FILE", "~/.aws/ca.pem")]);
    home.write("other.pem", &Authority::new("Fake Other CA").pem());
    renew(
        &home,
        "ca.pem",
        &[
            ("AWS_CA_BUNDLE", "~/.aws/ca.pem"),
            ("SSL_CERT_FILE", "~/.aws/other.pem"),
        ],
    );
    let bundle = home.file("ca.pem");
    home.write(
        "config",
        &format!("[profile work]\nca_bundle = {}\n", bundle.display()),
    );
    renew(&home, "ca.pem", &[("SSL_CERT_FILE", "~/.aws/other.pem")]);
    // A bundle may hold others, and what is broken.
    home.write(
        "config",
        &format!(
            "[profile work]\nca_bundle = {}\n",
            home.file("all.pem").display()
        ),
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let all = format!(
        "# The company's\n{broken}{}{pem}",
        Authority::new("Fake Other CA").pem()
    );
    home.write("all.pem", &all);
    renew(&home, "ca.pem", &[]);
    // And a directory of them.
    let home = Home::of_alice();
    let directory = home.file("certificates");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("01234567.0"), &pem).unwrap();
    renew(&home, "ca.pem", &[("SSL_CERT_DIR", "~/.aws/certificates")]);
}

#[test]
fn a_certificate_that_is_not_trusted() {
    let authority = Authority::new("Fake Company CA");
    let other = Authority::new("Fake Other CA");
    let bundle_hint =
        "if that is your company's proxy, add its CA certificate to ~/.aws/ca.pem (AWS_CA_BUNDLE)";
    let clock = "check this machine's clock with `date -u`; if it is right, the server needs a new certificate";
    for (identity, why, hint) in [
        (
            other.identity(&[HOST]),
            format!("its certificate ({HOST}) has an unknown issuer (Fake Other CA)"),
            bundle_hint,
        ),
        (
            authority.expired_identity(&[HOST]),
            format!("its certificate ({HOST}, issued by Fake Company CA) expired on DATE"),
            clock,
        ),
        (
            authority.future_identity(&[HOST]),
            format!("its certificate ({HOST}, issued by Fake Company CA) is not valid before DATE"),
            clock,
        ),
        (
            authority.identity(&["wifi.example", "login.example"]),
            format!(
                "its certificate (issued by Fake Company CA) is for wifi.example, login.example, not for {HOST}"
            ),
            "the network may redirect to a login page: open a web page, and check the endpoint with -v",
        ),
    ] {
        let sts = StandIn::start_tls(Account::example(), &identity);
        let proxy = Proxy::start(Route::to(sts.address()));
        let home = Home::of_alice();
        home.write("ca.pem", &authority.pem());
        let outcome = home
            .run(&["-p", "work", "--token", "123456"])
            .env("HTTPS_PROXY", &proxy.url())
            .env("AWS_CA_BUNDLE", home.file("ca.pem").to_str().unwrap())
            .outcome();
        assert_eq!(outcome.status, Some(1));
        let expected =
            format!("{RENEWING}error: AWS STS at {HOST} is not trusted: {why}\nhint: {hint}\n");
        assert_eq!(without_dates(&outcome.stderr), expected);
        assert_eq!(sts.calls(), 0);
    }
    // Without a proxy, and without a bundle.
    let sts = StandIn::start_tls(Account::example(), &authority.identity(&["localhost"]));
    let url = sts.url().replace("127.0.0.1", "localhost");
    let home = Home::of_alice();
    home.write("other.pem", &other.pem());
    fs::create_dir(home.file("certificates")).unwrap();
    fs::write(home.file("certificates/01234567.0"), other.pem()).unwrap();
    home.run(&["-p", "work", "--token", "123456"])
        .env("AWS_ENDPOINT_URL_STS", &url)
        .env("SSL_CERT_DIR", home.file("certificates").to_str().unwrap())
        .ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at {} is not trusted: its certificate (localhost) has an unknown issuer (Fake Company CA)\n\
                 hint: if that is your company's proxy, set AWS_CA_BUNDLE, or ca_bundle in ~/.aws/config, to a file with its CA certificate\n",
                url.trim_start_matches("https://")
            ),
        );
    // What speaks no TLS at all.
    let plain = StandIn::start(Account::example());
    home.run(&["-p", "work", "--token", "123456"])
        .env("AWS_ENDPOINT_URL_STS", &plain.url().replace("http:", "https:"))
        .env("SSL_CERT_FILE", home.file("other.pem").to_str().unwrap())
        .ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at {} cannot be reached: the server does not offer a TLS connection that mfa-creds supports\n\
                 hint: the network may redirect to a login page: open a web page, and check the endpoint with -v\n",
                plain.address()
            ),
        );
}

/// Replaces dates like 2026-11-25.
fn without_dates(text: &str) -> String {
    let is_date = |word: &str| {
        word.len() == 10
            && word.chars().all(|c| c.is_ascii_digit() || c == '-')
            && word.contains('-')
    };
    text.split('\n')
        .map(|line| {
            let words = line
                .split(' ')
                .map(|word| if is_date(word) { "DATE" } else { word });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect::<Vec<_>>()
        .join("\n")
}
