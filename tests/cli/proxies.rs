//! Proxies: every way to name one, whom it does not hold for, and what it may answer.

use std::fs;
use std::time::{Duration, Instant};

use stand_in::{ALICE_DEVICE, Account, Proxy, ProxyRequest, Route, StandIn};

use crate::support::corporate_network::{CorporateNetwork, HOST, RENEWING, nobody};
use crate::support::home::{Home, Run};

#[test]
fn every_way_to_name_a_proxy() {
    for (name, scheme) in [
        ("HTTPS_PROXY", "http://"),
        ("https_proxy", "http://"),
        ("ALL_PROXY", "http://"),
        ("all_proxy", "http://"),
        ("https_proxy", ""),
    ] {
        let company = CorporateNetwork::new(Account::example(), &[HOST]);
        let home = Home::of_alice();
        let url = company.proxy.url();
        let value = url.replace("http://", scheme);
        let outcome = company
            .renew(&home, ALICE_DEVICE)
            .without_env("HTTPS_PROXY")
            .env(name, &value)
            .succeeds();
        assert_eq!(company.targets(), [format!("{HOST}:443")], "{name}={value}");
        let trace = fs::read_to_string(home.trace()).unwrap();
        let told = format!(" proxy: {url} ({})\n", said(name));
        assert!(trace.contains(&told), "{told}: {outcome:?}");
    }
    // Of several, upper case, and the one for the scheme.
    let company = CorporateNetwork::new(Account::example(), &[HOST]);
    let nobody_there = nobody();
    let nobody = format!("http://{}", nobody_there.address);
    let home = Home::of_alice();
    let run = company.renew(&home, ALICE_DEVICE);
    // On Windows, this is the same variable.
    let run = if cfg!(windows) {
        run
    } else {
        run.env("https_proxy", &nobody)
    };
    run.env("ALL_PROXY", &nobody)
        .env("HTTP_PROXY", &nobody)
        .succeeds();
}

/// The name of a variable in a message. On Windows, lower case means the same variable.
fn said(name: &str) -> String {
    if cfg!(windows) {
        name.to_uppercase()
    } else {
        name.to_owned()
    }
}

#[test]
fn a_proxy_that_cannot_be_used() {
    let home = Home::of_alice();
    let socks = "it is a SOCKS proxy, and mfa-creds supports only HTTP proxies";
    for (name, proxy, problem) in [
        ("HTTPS_PROXY", "http://", "it is not a valid URL"),
        (
            "HTTPS_PROXY",
            "proxy.example:99999",
            "it is not a valid URL",
        ),
        (
            "HTTPS_PROXY",
            "http://proxy example",
            "it is not a valid URL",
        ),
        (
            "HTTPS_PROXY",
            "ftp://proxy.example",
            "its scheme is neither http nor https",
        ),
        (
            "https_proxy",
            "socks5h://alice:FakePassword@127.0.0.1:9",
            socks,
        ),
        ("all_proxy", "socks4://127.0.0.1:9", socks),
    ] {
        home.run(&["-p", "work", "--no-input"])
            .env(name, proxy)
            .ends(
                1,
                &format!(
                    "error: the proxy in {} cannot be used: {problem}\n\
                 hint: write it like http://proxy.example:3128, or unset it\n",
                    said(name)
                ),
            );
    }
}

#[test]
fn a_plain_endpoint_goes_through_the_plain_proxy() {
    let sts = StandIn::start(Account::example());
    let proxy = Proxy::start(Route::to(sts.address()).login("alice", "p@ss word"));
    let home = Home::of_alice();
    let code = sts.fresh_code(ALICE_DEVICE);
    let with_login = proxy
        .url()
        .replace("http://", "http://alice:p%40ss%20word@");
    let outcome = home
        .run(&["-p", "work", "--token", &code, "-v"])
        .env("AWS_ENDPOINT_URL_STS", "http://sts.internal.example:8080")
        .env("HTTP_PROXY", &with_login)
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .succeeds();
    assert!(
        outcome
            .stderr
            .contains(&format!("proxy: {} (HTTP_PROXY)\n", proxy.url()))
    );
    assert!(!outcome.stderr.contains("p%40ss") && !outcome.stderr.contains("p@ss"));
    assert_eq!(
        proxy.requests(),
        [ProxyRequest {
            method: "POST".to_owned(),
            target: "http://sts.internal.example:8080/".to_owned(),
            authorization: Some("alice:p@ss word".to_owned()),
        }]
    );
    // Without the password it is the proxy that refuses, and AWS gets nothing.
    let before = sts.calls();
    home.run(&["-p", "work", "--force", "--token", &sts.fresh_code(ALICE_DEVICE)])
        .env("AWS_ENDPOINT_URL_STS", "http://sts.internal.example:8080")
        .env("HTTP_PROXY", &proxy.url())
        .ends(
            1,
            &format!(
                "renewing [work]: --force\nerror: the proxy {} (HTTP_PROXY) requires a user and password\n\
                 hint: add them to HTTP_PROXY, like http://USER:PASSWORD@proxy.example:3128\n",
                proxy.url()
            ),
        );
    assert_eq!(sts.calls(), before);
}

#[test]
fn whom_no_proxy_means_is_called_directly() {
    let home = Home::of_alice();
    let nobody_there = nobody();
    let nobody = format!("http://{}", nobody_there.address);
    for (exceptions, name, host) in [
        ("127.0.0.1", "NO_PROXY", "127.0.0.1"),
        ("10.0.0.0/8, 127.0.0.0/8", "no_proxy", "127.0.0.1"),
        ("localhost", "NO_PROXY", "localhost"),
        ("*", "NO_PROXY", "localhost"),
        ("other.example, *", "NO_PROXY", "127.0.0.1"),
        ("other.example,.localhost", "NO_PROXY", "sts.localhost"),
        ("*.localhost", "NO_PROXY", "sts.localhost"),
        ("localhost", "NO_PROXY", "sts.localhost"),
    ] {
        let sts = StandIn::start(Account::example());
        let url = sts.url().replace("127.0.0.1", host);
        let run = home
            .run(&[
                "-p",
                "work",
                "--force",
                "-v",
                "--token",
                &sts.fresh_code(ALICE_DEVICE),
            ])
            .env("AWS_ENDPOINT_URL_STS", &url)
            .env("HTTP_PROXY", &nobody)
            .env(name, exceptions);
        // Not every machine knows the names below localhost; whether the proxy is asked shows all the same.
        let outcome = run.outcome();
        assert!(
            outcome
                .stderr
                .contains(&format!("\nproxy: none ({})\n", said(name))),
            "{exceptions}: {outcome:?}"
        );
        assert!(
            host == "sts.localhost" || outcome.status == Some(0),
            "{exceptions}: {outcome:?}"
        );
    }
    for exceptions in ["128.0.0.1", "127.0.0.1.example", "ocalhost"] {
        let sts = StandIn::start(Account::example());
        home.run(&["-p", "work", "--force", "--token", &sts.fresh_code(ALICE_DEVICE)])
            .env("AWS_ENDPOINT_URL_STS", &sts.url())
            .env("HTTP_PROXY", &nobody)
            .env("NO_PROXY", exceptions)
            .ends(
                1,
                &format!(
                    "renewing [work]: --force\nerror: the proxy {nobody} (HTTP_PROXY) cannot be reached: connection refused\n\
                     hint: add 127.0.0.1 to NO_PROXY: {} needs no proxy\n",
                    sts.address()
                ),
            );
    }
}

#[test]
fn a_proxy_that_wants_to_know_who_asks() {
    let company = CorporateNetwork::with(Account::example(), &[HOST], |route| {
        route.login("alice", "FakeProxyPassword")
    });
    let home = Home::of_alice();
    let url = company.proxy.url();
    let refused = |run: Run<'_>, message: &str| {
        let outcome = run.ends(1, &format!("{RENEWING}{message}"));
        assert!(!outcome.stderr.contains("FakeProxyPassword"));
    };
    refused(
        company.renew(&home, ALICE_DEVICE),
        &format!(
            "error: the proxy {url} (HTTPS_PROXY) requires a user and password\n\
             hint: add them to HTTPS_PROXY, like http://USER:PASSWORD@proxy.example:3128\n"
        ),
    );
    refused(
        company.renew(&home, ALICE_DEVICE).env(
            "HTTPS_PROXY",
            &url.replace("http://", "http://bob:FakeProxyPassword@"),
        ),
        &format!(
            "error: the proxy {url} (HTTPS_PROXY) rejected the user and password\n\
             hint: check them in HTTPS_PROXY; write special characters like %40\n"
        ),
    );
    assert_eq!(company.sts.calls(), 0);
    company
        .renew(&home, ALICE_DEVICE)
        .env(
            "HTTPS_PROXY",
            &url.replace("http://", "http://alice:FakeProxyPassword@"),
        )
        .succeeds();
    let last = company.proxy.requests().pop().unwrap();
    assert_eq!(
        last.authorization.as_deref(),
        Some("alice:FakeProxyPassword")
    );
    let trace = fs::read_to_string(home.trace()).unwrap();
    assert!(!trace.contains("FakeProxyPassword"), "{trace}");
}

#[test]
fn a_proxy_that_does_not_let_through() {
    let home = Home::of_alice();
    for (route, message) in [
        (
            Route::refused(403),
            "the proxy PROXY (HTTPS_PROXY) does not allow connections to AWS STS at sts.us-east-1.amazonaws.com: it returned 403\n\
             hint: ask the proxy's administrator to allow that host, or add it to NO_PROXY\n",
        ),
        (
            Route::refused(502),
            "the proxy PROXY (HTTPS_PROXY) cannot reach AWS STS at sts.us-east-1.amazonaws.com: it returned 502\n\
             hint: ask the proxy's administrator, or check the region and the endpoint with -v\n",
        ),
    ] {
        let proxy = Proxy::start(route);
        home.run(&["-p", "work", "--token", "123456"])
            .env("HTTPS_PROXY", &proxy.url())
            .ends(
                1,
                &format!(
                    "{RENEWING}error: {}",
                    message.replace("PROXY (", &format!("{} (", proxy.url()))
                ),
            );
    }
    let nobody_there = nobody();
    let url = format!("http://{}", nobody_there.address);
    home.run(&["-p", "work", "--token", "123456"])
        .env("HTTPS_PROXY", &url)
        .ends(
            1,
            &format!(
                "{RENEWING}error: the proxy {url} (HTTPS_PROXY) cannot be reached: connection refused\n\
                 hint: check its address, or unset HTTPS_PROXY if there is no proxy\n"
            ),
        );
    let hanging = Proxy::start(Route::hanging());
    let begin = Instant::now();
    home.run(&["-p", "work", "--token", "123456", "--timeout", "2"])
        .env("HTTPS_PROXY", &hanging.url())
        .ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at {HOST} cannot be reached through the proxy {} (HTTPS_PROXY): the connection timed out\n\
                 hint: check the network and the proxy's address, or unset HTTPS_PROXY if there is no proxy\n",
                hanging.url()
            ),
        );
    assert!(begin.elapsed() < Duration::from_secs(15));
}
