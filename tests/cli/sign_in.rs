//! `mfa-creds console`: who signs in, at which address, and what a browser and other programs are given.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
#[cfg(unix)]
use std::net::TcpStream;
#[cfg(unix)]
use std::process::Command;
use std::thread;

use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Device, Fault, Role,
    StandIn,
};

use crate::support::accounts::{account_in, alice};
use crate::support::corporate_network::CorporateNetwork;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::set_mode;
use crate::support::roles::{ADMIN, LONG, account, home, role};
use crate::support::sections::long_term;
use crate::support::servers::{Answer, Endpoint, Running, eventually};
#[cfg(unix)]
use crate::support::spawning::spawning;
use crate::support::systems::printing;

/// A home with the role `admin`, whose credentials are valid.
fn valid(sts: &StandIn) -> Home {
    let home = home(&role("admin", ADMIN, "region = eu-west-1"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(sts, &["-q", "-p", "admin", "--token", &code])
        .ends(0, "");
    home
}

/// What `console --url` prints.
fn address(home: &Home, sts: &StandIn, more: &[&str]) -> String {
    let arguments = [&["console", "--url", "-p", "admin"], more].concat();
    let outcome = home.run_with(sts, &arguments).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    let address = outcome.stdout.strip_suffix('\n').unwrap();
    assert!(!address.contains(['\n', ' ']), "{address}");
    address.to_owned()
}

/// A parameter of an address.
fn parameter(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(other, _)| *other == name);
    let value = values.next().unwrap().1;
    percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

fn fetched(address: &str) -> Answer {
    let endpoint = Endpoint {
        uri: address.to_owned(),
        token: String::new(),
    };
    endpoint.request("GET", &[("Connection", "close")])
}

/// The `SessionDuration` of each request for a token.
fn durations(sts: &StandIn) -> Vec<Option<String>> {
    let requests = sts.requests();
    let requests = requests
        .iter()
        .filter(|request| request.action == "getSigninToken");
    requests
        .map(|request| request.parameter("SessionDuration").map(str::to_owned))
        .collect()
}

#[test]
fn the_address_signs_in_and_leads_to_the_page() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let address = address(&home, &sts, &[]);
    let before = format!("{}/federation?Action=login&Issuer=mfa-creds&", sts.url());
    assert!(address.starts_with(&before), "{address}");
    let page = "https://console.aws.amazon.com/console/home?region=eu-west-1";
    assert_eq!(parameter(&address, "Destination"), page);
    let answer = fetched(&address);
    assert_eq!(answer.status, 302);
    assert!(answer.headers.contains(&format!("Location: {page}\r\n")));
    // The credentials were in no address.
    let request = sts.requests().pop().unwrap();
    assert_eq!(request.action, "login");
    assert_eq!(durations(&sts), [None]);
}

#[test]
fn each_partition_has_its_own_hosts() {
    for (partition, region, sign_in, console) in [
        (
            "aws",
            "eu-west-1",
            "signin.aws.amazon.com",
            "console.aws.amazon.com",
        ),
        (
            "aws-us-gov",
            "us-gov-east-1",
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com",
        ),
        (
            "aws-cn",
            "cn-northwest-1",
            "signin.amazonaws.cn",
            "console.amazonaws.cn",
        ),
    ] {
        let (account, device) = account_in(partition);
        let arn = format!("arn:{partition}:iam::123456789012:role/admin");
        let account = account.role(Role::new(&arn).requires_mfa());
        let dns = if partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let sts = format!("sts.{region}.{dns}");
        let company = CorporateNetwork::new(account, &[&sts, sign_in]);
        let home = Home::with(&long_term("personal").replace(ALICE_DEVICE, &device));
        home.write("config", &role("admin", &arn, ""));
        let code = company.sts.fresh_code(&device);
        let arguments = [
            "console",
            "--url",
            "-qp",
            "admin",
            "--service",
            "s3",
            "--region",
            region,
            "--token",
            &code,
        ];
        let outcome = company.run(&home, &arguments).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let before = format!("https://{sign_in}/federation?Action=login&");
        assert!(outcome.stdout.starts_with(&before), "{outcome:?}");
        assert_eq!(
            parameter(&outcome.stdout, "Destination"),
            format!("https://{console}/s3/home?region={region}")
        );
        let targets = company.targets();
        assert_eq!(targets.last().unwrap(), &format!("{sign_in}:443"));
        // The user without a role.
        let arguments = ["console", "--url", "-p", "personal", "--region", region];
        let outcome = company.run(&home, &arguments).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(outcome.stdout.starts_with(&before), "{outcome:?}");
        assert_eq!(
            parameter(&outcome.stdout, "Destination"),
            format!("https://{console}/console/home?region={region}")
        );
    }
}

#[test]
fn other_partitions_are_refused_before_a_code_is_asked_for() {
    let arn = "arn:aws-iso:iam::123456789012:role/admin";
    let home = home(&role("admin", arn, ""));
    home.run(&[
        "console",
        "--url",
        "-p",
        "admin",
        "--region",
        "us-iso-east-1",
    ])
    .ends(
        1,
        "error: mfa-creds does not know the address of the console for us-iso-east-1 (--region)\n\
             hint: sign in on the web page of that console\n",
    );
}

#[test]
fn the_page_is_that_of_the_service_and_of_the_region() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    for (more, page) in [
        (&["--service", "ec2"][..], "ec2/home?region=eu-west-1"),
        (
            &["--service", "vpcconsole/home", "--region", "us-east-2"],
            "vpcconsole/home?region=us-east-2",
        ),
        (&["--region", "us-west-1"], "console/home?region=us-west-1"),
    ] {
        assert_eq!(
            parameter(&address(&home, &sts, more), "Destination"),
            format!("https://console.aws.amazon.com/{page}")
        );
    }
    // Without a region, the console chooses one.
    home.write("config", &role("admin", ADMIN, ""));
    assert_eq!(
        parameter(&address(&home, &sts, &[]), "Destination"),
        "https://console.aws.amazon.com/console/home"
    );
    for name in ["", "S3", "/s3", "s3/", "a//b", "..", "s3?x", "s3#x", "a b"] {
        let outcome = home
            .run(&["console", "--url", "-p", "admin", "--service", name])
            .outcome();
        assert_eq!(outcome.status, Some(2), "{name}: {outcome:?}");
        let sentence = "use small letters, digits, hyphens, and slashes, as in `s3` or `ec2`";
        assert!(outcome.stderr.contains(sentence), "{name}: {outcome:?}");
    }
}

#[test]
fn only_a_role_that_is_assumed_directly_chooses_how_long_it_is_signed_in() {
    let sts = StandIn::start(account());
    let home = home(&role("long", LONG, "duration_seconds = 14400"));
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = ["console", "--url", "-qp", "long", "--token", &code];
    let outcome = home.run_with(&sts, &run).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(durations(&sts), [Some("14400".to_owned())]);
    // A role over the session: none.
    let code = sts.fresh_code(ALICE_DEVICE);
    let run = [
        "console", "--url", "-qp", "long", "--chain", "--force", "--token", &code,
    ];
    let outcome = home.run_with(&sts, &run).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(durations(&sts)[1..], [None]);
    // Those credentials are still valid, and would be assumed directly now. AWS refuses a duration for them.
    let run = ["console", "--url", "-qp", "long"];
    let outcome = home.run_with(&sts, &run).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(durations(&sts)[2..], [Some("14400".to_owned()), None]);
}

#[test]
fn a_role_over_a_role_does_not_choose_either() {
    let far = "arn:aws:iam::123456789012:role/far";
    let sts = StandIn::start(account().role(Role::new(far).trusts(ADMIN)));
    let over = format!("[profile far]\nrole_arn = {far}\nsource_profile = admin\n");
    let home = home(&format!("{}{over}", role("admin", ADMIN, "")));
    for way in ["--direct", "--chain"] {
        let code = sts.fresh_code(ALICE_DEVICE);
        let run = [
            "console", "--url", "-qp", "far", way, "--force", "--token", &code,
        ];
        let outcome = home.run_with(&sts, &run).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
    assert_eq!(durations(&sts), [None, None]);
}

#[test]
fn a_user_without_a_role_signs_in_without_a_code() {
    let sts = StandIn::start(account());
    let home = home("[profile personal]\nregion = eu-west-1\n");
    let before = home.credentials();
    let run = ["console", "--url", "-p", "personal", "--service", "s3"];
    let outcome = home
        .run_with(&sts, &run)
        .env("MFA_TOKEN", "123456")
        .outcome();
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), ""),
        "{outcome:?}"
    );
    let page = "https://console.aws.amazon.com/s3/home?region=eu-west-1";
    assert_eq!(parameter(&outcome.stdout, "Destination"), page);
    assert_eq!(home.credentials(), before);
    assert_eq!(durations(&sts), [None]);
    let [caller, token, _sign_in] = &sts.requests()[..] else {
        panic!("{:?}", sts.requests());
    };
    assert_eq!(caller.action, "GetCallerIdentity");
    assert_eq!(token.access_key_id.as_deref(), Some(ALICE_ACCESS_KEY_ID));
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let sent = [
        ("Action", "GetFederationToken"),
        ("DurationSeconds", "43200"),
        ("Name", "alice"),
        ("Policy", everything),
        ("Version", "2011-06-15"),
    ];
    let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(token.parameters, sent.into());
    // For as long as the user says.
    let run = ["console", "--url", "-p", "personal", "--duration", "15m"];
    assert_eq!(home.run_with(&sts, &run).outcome().status, Some(0));
    let requests = sts.requests();
    assert_eq!(requests[4].parameter("DurationSeconds"), Some("900"));
    assert_eq!(durations(&sts), [None, None]);
}

#[test]
fn keys_from_a_command_sign_in_a_user_too() {
    let sts = StandIn::start(account());
    let keys = format!(
        r#"{{"Version": 1, "AccessKeyId": "{ALICE_ACCESS_KEY_ID}", "SecretAccessKey": "{ALICE_SECRET_ACCESS_KEY}"}}"#
    );
    let home = Home::with(&format!(
        "[personal-long-term]\ncredential_process = {}\n",
        printing(&keys)
    ));
    let run = ["console", "--url", "-p", "personal"];
    let outcome = home.run_with(&sts, &run).outcome();
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), ""),
        "{outcome:?}"
    );
}

#[test]
fn a_user_without_a_federation_token_needs_a_role() {
    let user = alice()
        .device(Device::new(ALICE_DEVICE))
        .denies("sts:GetFederationToken");
    let account = Account::new()
        .user(user)
        .role(Role::new(ADMIN).requires_mfa());
    let sts = StandIn::start(account);
    let key = "AKIA…ALIC";
    let sentence = format!(
        "error: AWS denied sts:GetFederationToken, which `console` needs without a role, to access key {key}: User: \
         arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:GetFederationToken on resource: \
         arn:aws:sts::123456789012:federated-user/alice with an explicit deny in an identity-based policy: \
         arn:aws:iam::123456789012:policy/fake-deny\n\
         hint: a policy may require MFA, which this call does not support: "
    );
    let run = ["console", "--url", "-p", "personal"];
    let home = home("");
    let hint = "use --assume-role ARN, or the profile of a role, or sign in on the web page of the console\n";
    home.run_with(&sts, &run)
        .ends(1, &format!("{sentence}{hint}"));
    home.write(
        "config",
        &format!("{}{}", role("admin", ADMIN, ""), role("long", LONG, "")),
    );
    let hint = "run `mfa-creds console -p admin`, or `mfa-creds console -p long`\n";
    home.run_with(&sts, &run)
        .ends(1, &format!("{sentence}{hint}"));
    // What the hint says, and the flag that it names.
    let code = sts.fresh_code(ALICE_DEVICE);
    for run in [
        ["console", "--url", "-qp", "admin", "--token", &code].as_slice(),
        &[
            "console",
            "--url",
            "-qp",
            "personal",
            "--assume-role",
            ADMIN,
        ],
    ] {
        let outcome = home.run_with(&sts, run).outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
}

#[test]
fn a_flag_that_needs_a_role_is_refused_without_one() {
    let sts = StandIn::start(account());
    let home = home("");
    for flag in [
        &["--token", "123456"][..],
        &["--role-session-name", "work"],
        &["--external-id", "outside"],
        &["--direct"],
        &["--chain"],
    ] {
        let run = [&["console", "--url", "-p", "personal"], flag].concat();
        let flag = flag[0];
        home.run_with(&sts, &run).ends(
            1,
            &format!(
                "error: {flag} needs a role: without one, `console` signs in the user, without a code\n\
                 hint: use --assume-role ARN, or the profile of a role, or leave out {flag}\n"
            ),
        );
    }
    home.run_with(&sts, &["console", "--url", "-p", "personal", "--read-only"])
        .ends(
            1,
            "error: --read-only needs a role: AWS supports session policies, session tags, and a source identity only for roles\n\
             hint: use --assume-role ARN, or the profile of a role\n",
        );
    home.run_with(
        &sts,
        &["console", "--url", "-p", "personal", "--duration", "37h"],
    )
    .ends(
        1,
        "error: a duration of 133200 s (--duration) is outside AWS's limits for a session\n\
         hint: use 900 to 129600 seconds, 15m to 36h\n",
    );
    assert_eq!(sts.calls(), 0);
}

#[test]
fn only_an_encrypted_endpoint_that_is_set_for_it_gets_credentials() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let calls = sts.calls();
    let run = |profile| {
        home.run(&["console", "--url", "-p", profile])
            .without_env("AWS_ENDPOINT_URL_SIGNIN")
    };
    let hint = "hint: set AWS_ENDPOINT_URL_SIGNIN to https://signin.aws.amazon.com, or to another https URL\n";
    for profile in ["admin", "personal"] {
        home.run_with(&sts, &["console", "--url", "-p", profile])
            .env("AWS_ENDPOINT_URL_SIGNIN", "http://signin.example")
            .ends(
                1,
                &format!(
                    "error: http://signin.example (AWS_ENDPOINT_URL_SIGNIN) is not encrypted, and `console` sends credentials to it\n{hint}"
                ),
            );
        // That of a storage service, for example.
        for url in ["https://storage.example", "http://storage.example"] {
            run(profile)
                .env("AWS_ENDPOINT_URL", url)
                .ends(
                    1,
                    &format!(
                        "error: {url} (AWS_ENDPOINT_URL) is the endpoint of every service, and `console` sends credentials to it\n{hint}"
                    ),
                );
        }
    }
    let config = role("admin", ADMIN, "region = eu-west-1");
    home.write(
        "config",
        &config.replace("region", "endpoint_url = https://storage.example\nregion"),
    );
    run("admin").ends(
        1,
        &format!(
            "error: https://storage.example (endpoint_url of [profile admin] in ~/.aws/config) is the endpoint of every service, and \
             `console` sends credentials to it\n{hint}"
        ),
    );
    assert_eq!(sts.calls(), calls);
    // A server that stands in for all of AWS on this machine, and an endpoint of its own in the config file.
    home.write("config", &config);
    let outcome = run("admin").env("AWS_ENDPOINT_URL", &sts.url()).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let services = "[services mine]\nsignin =\n  endpoint_url = https://127.0.0.1:9\n";
    let config = config.replace("region", "services = mine\nregion");
    home.write("config", &format!("{config}{services}"));
    run("admin").ends(
        1,
        "error: AWS Sign-In at 127.0.0.1:9 cannot be reached: connection refused\n\
         hint: check the endpoint (endpoint_url of [services mine] in ~/.aws/config)\n",
    );
}

/// A server that answers every request with JSON.
fn answering_json(body: &str) -> String {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    answering(format!("{head}Content-Length: {length}\r\n\r\n{body}"))
}

/// A server that answers every request with this.
fn answering(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            // The form is the end of it, and the session token the end of the form.
            while !request.ends_with(b"%22%7D") {
                let count = stream.read(&mut part).unwrap();
                assert_ne!(count, 0);
                request.extend_from_slice(&part[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn an_answer_that_is_not_from_aws_is_no_token() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    for (answer, problem) in [
        ("", "it is application/json without a sign-in token"),
        ("nonsense", "it is application/json without a sign-in token"),
        (
            "{\"Token\":\"x\"}",
            "it is application/json without a sign-in token",
        ),
        (
            "{\"SigninToken\":7}",
            "it is application/json without a sign-in token",
        ),
        ("{\"SigninToken\":\"\"}", "its sign-in token is malformed"),
        (
            "{\"SigninToken\":\"a b\"}",
            "its sign-in token is malformed",
        ),
        (
            "{\"SigninToken\":\"a\\r\\nSet-Cookie: x\"}",
            "its sign-in token is malformed",
        ),
        (
            "{\"SigninToken\":\"a\\u001b[2J\"}",
            "its sign-in token is malformed",
        ),
    ] {
        let url = answering_json(answer);
        let host = url.strip_prefix("http://").unwrap();
        home.run_with(&sts, &["console", "--url", "-p", "admin"])
            .env("AWS_ENDPOINT_URL_SIGNIN", &url)
            .ends(
                1,
                &format!(
                    "error: the response from {host} is not from AWS Sign-In: {problem}\n\
                     hint: the network or a proxy may redirect to a login page: open a web page, then run the command again\n"
                ),
            );
    }
    // What is odd in an address is encoded.
    let outcome = home
        .run_with(&sts, &["console", "--url", "-p", "admin"])
        .env(
            "AWS_ENDPOINT_URL_SIGNIN",
            &answering_json("{\"SigninToken\":\"a&b=c#d%e/+\"}"),
        )
        .outcome();
    assert!(
        outcome
            .stdout
            .ends_with("&SigninToken=a%26b%3Dc%23d%25e%2F%2B\n"),
        "{outcome:?}"
    );
}

#[test]
fn odd_answers_are_told_apart() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let again = "hint: the network or a proxy may redirect to a login page: open a web page, then run the command again\n";
    for (answer, expected) in [
        (
            "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "AWS Sign-In throttled the request\nhint: wait a moment, then run the command again\n"
                .to_owned(),
        ),
        (
            format!(
                "HTTP/1.1 418 Odd\r\nContent-Type: {}\r\nContent-Length: 0\r\n\r\n",
                "a".repeat(2000)
            ),
            format!(
                "the response from HOST is not from AWS Sign-In: its status is 418, and its type is {}…\n{again}",
                "a".repeat(1000)
            ),
        ),
    ] {
        let url = answering(answer);
        let host = url.strip_prefix("http://").unwrap();
        home.run_with(&sts, &["console", "--url", "-p", "admin"])
            .env("AWS_ENDPOINT_URL_SIGNIN", &url)
            .ends(1, &format!("error: {}", expected.replace("HOST", host)));
    }
    // Every token is a new one.
    let url = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned());
    let host = url.strip_prefix("http://").unwrap();
    home.run_with(&sts, &["console", "--url", "-p", "personal"])
        .env("AWS_ENDPOINT_URL_SIGNIN", &url)
        .ends(
            1,
            &format!(
                "error: AWS Sign-In at {host} refused the credentials of the federated user alice: status 400\n\
                 hint: run the command again\n"
            ),
        );
}

#[test]
fn what_goes_wrong_is_said() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let host = sts.address();
    let again = "hint: the network or a proxy may redirect to a login page: open a web page, then run the command again\n";
    for (fault, expected) in [
        (
            Fault::HtmlLoginPage,
            format!(
                "error: the response from {host} is not from AWS Sign-In: it is text/html without a sign-in token\n{again}"
            ),
        ),
        (
            Fault::Redirect,
            format!(
                "error: the response from {host} is not from AWS Sign-In: its status is 302, and its type is text/html\n{again}"
            ),
        ),
        (
            Fault::BadGateway,
            format!(
                "error: AWS Sign-In at {host} returned an internal error: 502\nhint: run the command again\n"
            ),
        ),
        (
            Fault::Truncated,
            format!(
                "error: the connection to AWS Sign-In at {host} was interrupted\nhint: run the command again\n"
            ),
        ),
        (
            Fault::ResetBeforeReading,
            format!(
                "error: the connection to AWS Sign-In at {host} was interrupted\nhint: run the command again\n"
            ),
        ),
    ] {
        sts.fault_always(fault);
        home.run_with(&sts, &["console", "--url", "-p", "admin"])
            .ends(1, &expected);
    }
    sts.clear_faults();
    // Another try works.
    sts.fault(Fault::BadGateway);
    address(&home, &sts, &[]);
    // Credentials that AWS has never issued.
    let wrong = home.credentials().replace(
        "aws_secret_access_key = FakeSecret",
        "aws_secret_access_key = FakeOther",
    );
    home.write("credentials", &wrong);
    home.run_with(&sts, &["console", "--url", "-p", "admin"]).ends(
        1,
        &format!(
            "error: AWS Sign-In at {host} refused the credentials of the role {ADMIN}: status 400\n\
             hint: run the command again with --force to get new credentials\n"
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.write("credentials", &long_term("personal"));
    let run = [
        "console", "--url", "-qp", "admin", "--force", "--token", &code,
    ];
    assert_eq!(home.run_with(&sts, &run).outcome().status, Some(0));
    // Nobody is there, or nobody answers.
    home.run_with(&sts, &["console", "--url", "-p", "admin"])
        .env("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:9")
        .ends(
            1,
            "error: AWS Sign-In at 127.0.0.1:9 cannot be reached: connection refused\n\
             hint: check the endpoint (AWS_ENDPOINT_URL_SIGNIN)\n",
        );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap();
    home.run_with(&sts, &["console", "--url", "-p", "admin", "--timeout", "1"])
        .env("AWS_ENDPOINT_URL_SIGNIN", &format!("http://{host}"))
        .ends(
            1,
            &format!(
                "error: AWS Sign-In at {host} did not respond within 1 s (--timeout)\n\
                 hint: run the command again\n"
            ),
        );
}

#[test]
fn a_wrong_endpoint_is_refused_before_a_code_is_asked_for() {
    let home = home(&role("admin", ADMIN, ""));
    home.run(&["console", "--url", "-p", "admin"])
        .env("AWS_ENDPOINT_URL_SIGNIN", "signin")
        .ends(
            1,
            "error: `signin` (AWS_ENDPOINT_URL_SIGNIN) is not an endpoint URL\n\
             hint: write it like https://sts.eu-west-1.amazonaws.com\n",
        );
}

/// A program that notes its arguments and its environment.
#[cfg(unix)]
fn noting(home: &Home, name: &str, end: &str) -> String {
    let path = home.path().join(name);
    let notes = home.path().join(format!("{name}.notes"));
    let notes = notes.to_str().unwrap();
    let script = format!(
        "#!/bin/sh\n/usr/bin/env > '{notes}.env'\nprintf '%s\\n' \"$@\" end > '{notes}.new'\nmv '{notes}.new' '{notes}'\n{end}\n"
    );
    fs::write(&path, script).unwrap();
    set_mode(&path, 0o700);
    path.to_str().unwrap().to_owned()
}

#[cfg(unix)]
fn notes(home: &Home, name: &str) -> Vec<String> {
    let path = home.path().join(format!("{name}.notes"));
    let text = eventually(
        || fs::read_to_string(&path).ok(),
        || format!("{} is missing", path.display()),
    );
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[..lines.len() - 1].to_vec()
}

#[cfg(unix)]
#[test]
fn a_browser_gets_an_address_of_this_machine_that_signs_in_once() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let browser = noting(&home, "browser", "exit 0");
    let run = home
        .run_with(&sts, &["console", "-p", "admin"])
        .env("BROWSER", &browser)
        .env("PATH", "/usr/bin:/bin")
        .env("MFA_TOKEN", "123456");
    let running = Running::begin(&home, run);
    let arguments = notes(&home, "browser");
    assert_eq!(arguments.len(), 1);
    let local = &arguments[0];
    assert!(local.starts_with("http://127.0.0.1:"), "{local}");
    let environment = fs::read_to_string(home.path().join("browser.notes.env")).unwrap();
    assert!(!environment.contains("MFA_TOKEN"), "{environment}");
    for secret in stand_in::all_secrets() {
        assert!(!local.contains(&secret) && !environment.contains(&secret) || secret.len() < 8);
    }
    // Nobody else's address.
    let (server, _path) = local.rsplit_once('/').unwrap();
    for other in ["/", "/favicon.ico", "/0000"] {
        assert_eq!(fetched(&format!("{server}{other}")).status, 404);
    }
    let answer = fetched(local);
    assert_eq!(answer.status, 302);
    let to = answer
        .headers
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    let to = to.unwrap();
    for header in ["cache-control: no-store", "referrer-policy: no-referrer"] {
        assert!(answer.headers.contains(header), "{answer:?}");
    }
    assert_eq!(fetched(to).status, 302);
    running.says(&format!("the browser opens the AWS console as {ADMIN}\n"));
    assert_eq!(running.end(), Some(0));
    // A user without a role.
    fs::remove_file(home.path().join("browser.notes")).unwrap();
    let run = home
        .run_with(&sts, &["console", "-p", "personal"])
        .env("BROWSER", &browser)
        .env("PATH", "/usr/bin:/bin");
    let running = Running::begin(&home, run);
    assert_eq!(fetched(&notes(&home, "browser")[0]).status, 302);
    running.says("the browser opens the AWS console as alice, without MFA\n");
    assert_eq!(running.end(), Some(0));
}

#[cfg(windows)]
#[test]
fn a_browser_gets_the_address_on_windows_too() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let notes = home.path().join("notes");
    let script = home.path().join("browser.cmd");
    let noted = notes.display();
    fs::write(
        &script,
        format!("@echo %1>\"{noted}.new\"\r\n@move \"{noted}.new\" \"{noted}\"\r\n"),
    )
    .unwrap();
    let run = home
        .run_with(&sts, &["console", "-p", "admin"])
        .env("BROWSER", script.to_str().unwrap());
    let running = Running::begin(&home, run);
    let local = eventually(
        || fs::read_to_string(&notes).ok(),
        || format!("{noted} is missing: {}", running.errors()),
    );
    let local = local.trim().trim_matches('"');
    assert_eq!(fetched(local).status, 302);
    running.says(&format!("the browser opens the AWS console as {ADMIN}\n"));
}

#[cfg(unix)]
#[test]
fn one_browser_after_the_other_is_tried() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let fails = noting(&home, "fails", "exit 3");
    let stays = noting(&home, "stays", "exec sleep 60");
    let run = home
        .run_with(&sts, &["console", "-p", "admin"])
        .env(
            "BROWSER",
            &format!("/none:{fails} --new:{stays} --to=%s --new"),
        )
        .env("PATH", "/usr/bin:/bin");
    let running = Running::begin(&home, run);
    let arguments = notes(&home, "stays");
    assert_eq!(notes(&home, "fails").len(), 2);
    assert_eq!(arguments.len(), 2);
    assert_eq!(arguments[1], "--new");
    let local = arguments[0].strip_prefix("--to=").unwrap();
    assert_eq!(fetched(local).status, 302);
    // It does not wait for the end of a browser.
    assert_eq!(running.end(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait_and_not_the_browser() {
    let sts = StandIn::start(account());
    let home = valid(&sts);
    let pid = home.path().join("browser.pid");
    let browser = noting(
        &home,
        "browser",
        &format!("echo $$ > '{}'; exec sleep 60", pid.display()),
    );
    let run = home
        .run_with(&sts, &["console", "-p", "admin"])
        .env("BROWSER", &browser)
        .env("PATH", "/usr/bin:/bin");
    let running = Running::begin(&home, run);
    running.says("waiting for the browser\n");
    let pid = fs::read_to_string(pid).unwrap();
    let kill = |arguments: &str| {
        let kill = format!("kill {arguments}");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &kill]);
        let mut kill = spawning(|| command.spawn().unwrap());
        kill.wait().unwrap().success()
    };
    // As Ctrl-C does, to all of the group.
    assert!(kill(&format!("-INT -{}", running.id())));
    assert_eq!(running.end(), None);
    assert!(kill(&format!("-TERM {pid}")));
    // Nobody can sign in any more.
    let local = &notes(&home, "browser")[0];
    let address = local.strip_prefix("http://").unwrap();
    let (address, _path) = address.split_once('/').unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[cfg(unix)]
#[test]
fn without_a_browser_the_hint_prints_the_address() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, ""));
    let hint = "hint: run the command again with --url, and open the address that it prints\n";
    if !cfg!(target_os = "macos") {
        home.run_with(&sts, &["console", "-p", "admin"]).ends(
            1,
            &format!("error: no browser can be opened: neither DISPLAY nor WAYLAND_DISPLAY is set\n{hint}"),
        );
    }
    assert_eq!(sts.calls(), 0);
    let home = valid(&sts);
    let fails = noting(&home, "fails", "exit 3");
    let run = home
        .run_with(&sts, &["console", "-p", "admin"])
        .env("BROWSER", &format!("/none:{fails}"))
        .env("PATH", "/none");
    if !cfg!(target_os = "macos") {
        run.ends(
            1,
            &format!("error: no browser can be opened: /none and ~/fails failed\n{hint}"),
        );
    }
    address(&home, &sts, &[]);
}
