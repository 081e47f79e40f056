//! Sessions of `aws login`: what a refresh needs, and what it brings.

use std::io::Write as _;
use std::net::TcpStream;
use std::{fs, io};

use chrono::{TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use super::client::{Answer, Client, read_answer};
use crate::encoding::{base64_url, from_base64};
use crate::{Account, Fault, Login, Role, SignedIn, StandIn, User};

const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
const USER: &str = "arn:aws:iam::123456789012:user/alice";

fn stand_in() -> StandIn {
    StandIn::start(Account::example().role(Role::new(ADMIN)))
}

fn alice(stand_in: &StandIn) -> SignedIn {
    stand_in.sign_in(&Login::of_user("alice"))
}

/// What a test does to a client.
type Change = fn(&mut Tool);

/// A client of a session, as it knows it from the cache file.
#[derive(Clone)]
struct Tool {
    url: String,
    host: String,
    key: Vec<u8>,
    head: Value,
    payload: Value,
    body: Value,
    headers: Vec<String>,
    method: &'static str,
}

impl Tool {
    fn new(stand_in: &StandIn, cache: &str) -> Self {
        let cache: Value = serde_json::from_str(cache).unwrap();
        let pem = cache["dpopKey"].as_str().unwrap();
        let lines: Vec<_> = pem.lines().collect();
        assert_eq!(lines[0], "-----BEGIN EC PRIVATE KEY-----");
        assert_eq!(lines[lines.len() - 1], "-----END EC PRIVATE KEY-----");
        let key = from_base64(&lines[1..lines.len() - 1].concat()).unwrap();
        let (x, y) = (base64_url(&key[57..89]), base64_url(&key[89..]));
        let url = stand_in.url();
        Self {
            head: json!({
                "typ": "dpop+jwt", "alg": "ES256",
                "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
            }),
            payload: json!({
                "htm": "POST", "htu": format!("{url}/v1/token"),
                "iat": stand_in.now().timestamp(), "jti": new_id(),
            }),
            body: json!({
                "clientId": cache["clientId"],
                "grantType": "refresh_token", "refreshToken": cache["refreshToken"],
            }),
            headers: vec!["Content-Type: application/json".to_owned()],
            method: "POST",
            host: url.replace("http://", ""),
            url,
            key,
        }
    }

    fn proof(&self) -> String {
        let part = |value: &Value| base64_url(value.to_string().as_bytes());
        let signed = [part(&self.head), part(&self.payload)].join(".");
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &self.key[7..39],
            &self.key[56..],
            &random,
        );
        let signature = pair.unwrap().sign(&random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64_url(signature.as_ref()))
    }

    fn try_call(&self) -> io::Result<Answer> {
        self.send(&[format!("DPoP: {}", self.proof())])
    }

    fn send(&self, proofs: &[String]) -> io::Result<Answer> {
        let host = self.url.split_once("://").unwrap().1;
        let (method, body) = (self.method, self.body.to_string());
        let length = format!("Content-Length: {}", body.len());
        let host_line = [format!("Host: {}", self.host), length];
        let headers: Vec<_> = host_line
            .iter()
            .chain(&self.headers)
            .chain(proofs)
            .collect();
        let headers: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
        let mut stream = TcpStream::connect(host)?;
        stream
            .write_all(format!("{method} /v1/token HTTP/1.1\r\n{headers}\r\n{body}").as_bytes())?;
        read_answer(&mut stream)
    }

    fn call(&self) -> Answer {
        self.try_call().unwrap()
    }
}

fn new_id() -> String {
    let time = Utc::now().timestamp_nanos_opt().unwrap();
    let place = std::ptr::from_ref(&time).addr();
    format!("{time}-{place}-{:?}", std::thread::current().id())
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Status, exception, `error` and message.
    fn refused(&self) -> (u16, &str, String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let exception = self.header("x-amzn-ErrorType").unwrap();
        (self.status, exception, text("error"), text("message"))
    }
}

/// A client that signs with the credentials of a cache file or of a refresh.
fn signer(stand_in: &StandIn, text: &str) -> Client {
    let value: Value = serde_json::from_str(text).unwrap();
    let part = |name: &str| value["accessToken"][name].as_str().unwrap().to_owned();
    Client {
        token: Some(part("sessionToken")),
        ..Client::new(stand_in, &part("accessKeyId"), &part("secretAccessKey"))
    }
}

#[test]
fn a_cache_file_is_as_the_aws_cli_writes_it() {
    let stand_in = stand_in();
    let login = alice(&stand_in);
    assert_eq!(login.session, USER);
    assert_eq!(
        login.file_name(),
        "b7d71d383b9557a9bad4c3346c50365819226484c6824a0fdef66637be339db0.json"
    );
    let cache: Value = serde_json::from_str(&login.cache).unwrap();
    let keys = |value: &Value| {
        let keys = value.as_object().unwrap().keys();
        keys.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        keys(&cache),
        "accessToken clientId dpopKey idToken refreshToken tokenType"
    );
    assert_eq!(
        keys(&cache["accessToken"]),
        "accessKeyId accountId expiresAt secretAccessKey sessionToken"
    );
    assert_eq!(cache["accessToken"]["accountId"], "123456789012");
    let end: chrono::DateTime<Utc> = cache["accessToken"]["expiresAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = (end - stand_in.now()).num_seconds();
    assert!((898..=900).contains(&left), "{left}");
    // Everything in it that lets somebody in is secret.
    let secrets = stand_in.secrets();
    for secret in [
        &cache["refreshToken"],
        &cache["idToken"],
        &cache["accessToken"]["secretAccessKey"],
        &cache["accessToken"]["sessionToken"],
    ] {
        assert!(secrets.contains(&secret.as_str().unwrap().to_owned()));
    }
    let pem = cache["dpopKey"].as_str().unwrap();
    let key_lines = pem.lines().filter(|line| !line.starts_with('-'));
    assert_eq!(key_lines.clone().count(), 3);
    for line in key_lines {
        assert!(secrets.contains(&line.to_owned()));
    }
}

#[test]
fn a_refresh_brings_credentials_of_the_same_user_and_another_token() {
    let stand_in = stand_in();
    let login = alice(&stand_in);
    let signed_in = signer(&stand_in, &login.cache);
    let answer = Tool::new(&stand_in, &login.cache).call();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = answer.json();
    assert_eq!(tokens["expiresIn"], 900);
    assert_eq!(tokens["tokenType"], "aws_sigv4");
    assert_eq!(tokens.get("idToken"), None);
    let refreshed = signer(&stand_in, &answer.body);
    assert!(refreshed.access_key_id.starts_with("ASIA"));
    assert_ne!(refreshed.access_key_id, signed_in.access_key_id);
    // Both are good for what temporary credentials are good for.
    for client in [signed_in, refreshed] {
        let identity = client.call("GetCallerIdentity", &[]);
        assert_eq!(identity.text("Arn"), USER);
        let role = [("RoleArn", ADMIN), ("RoleSessionName", "work")];
        assert_eq!(client.call("AssumeRole", &role).status, 200);
        let too_long = [role[0], role[1], ("DurationSeconds", "3601")];
        let refused = client.call("AssumeRole", &too_long);
        assert!(refused.text("Message").contains("role chaining"));
        assert_eq!(client.call("GetSessionToken", &[]).status, 403);
        assert_eq!(client.iam().call("GetUser", &[]).status, 200);
    }
    let request = &stand_in.requests()[0];
    assert_eq!(request.action, "CreateOAuth2Token");
    assert_eq!(request.parameter("grantType"), Some("refresh_token"));
    assert_eq!(
        (request.status, request.access_key_id.as_ref()),
        (Some(200), None)
    );
}

#[test]
fn a_login_by_a_role_is_a_session_of_that_role() {
    let stand_in = stand_in();
    let login = stand_in.sign_in(&Login::of_role(ADMIN, "alice@example.com").remote());
    let tool = Tool::new(&stand_in, &login.cache);
    assert_eq!(
        tool.body["clientId"],
        "arn:aws:signin:::devtools/cross-device"
    );
    let mut other = tool.clone();
    other.body["clientId"] = "arn:aws:signin:::devtools/same-device".into();
    assert_eq!(other.call().status, 400);
    let arn = "arn:aws:sts::123456789012:assumed-role/admin/alice@example.com";
    assert_eq!(login.session, arn);
    let cache = stand_in.refreshed(&login.cache);
    let identity = signer(&stand_in, &cache).call("GetCallerIdentity", &[]);
    assert_eq!(identity.text("Arn"), arn);
}

#[test]
fn a_session_is_known_in_its_region() {
    let stand_in = stand_in();
    let elsewhere = Login::of_user("alice").in_region("us-east-2");
    for (login, noted, host, status) in [
        (&Login::of_user("alice"), None, "us-east-1", 200),
        (&Login::of_user("alice"), None, "us-east-2", 400),
        (&elsewhere, Some("us-east-2"), "us-east-1", 400),
        (&elsewhere, Some("us-east-2"), "us-east-2", 200),
    ] {
        let login = stand_in.sign_in(login);
        let mut tool = Tool::new(&stand_in, &login.cache);
        tool.host = format!("{host}.signin.aws.amazon.com");
        tool.payload["htu"] = format!("http://{}/v1/token", tool.host).into();
        assert_eq!(tool.call().status, status);
        let cache: Value = serde_json::from_str(&login.cache).unwrap();
        assert_eq!(cache["signInRegion"].as_str(), noted);
    }
}

#[test]
fn only_a_login_with_mfa_satisfies_roles_that_demand_it() {
    let role = Role::new(ADMIN).requires_mfa();
    let stand_in = StandIn::start(Account::example().role(role));
    let role = [("RoleArn", ADMIN), ("RoleSessionName", "work")];
    for (login, status) in [
        (Login::of_user("alice"), 403),
        (Login::of_user("alice").with_mfa(), 200),
    ] {
        let client = signer(&stand_in, &stand_in.sign_in(&login).cache);
        assert_eq!(client.call("AssumeRole", &role).status, status);
    }
}

#[test]
fn whatever_is_wrong_with_a_request_it_is_refused_and_the_token_stays_good() {
    let stand_in = stand_in();
    let login = alice(&stand_in);
    let other = alice(&stand_in);
    let good = Tool::new(&stand_in, &login.cache);
    let changes: [(Change, &str); 14] = [
        (
            |it| it.method = "PUT",
            "a refresh is a POST request with JSON",
        ),
        (
            |it| it.headers.clear(),
            "a refresh is a POST request with JSON",
        ),
        (
            |it| {
                let header = "Authorization: AWS4-HMAC-SHA256 x";
                it.headers.push(header.to_owned());
            },
            "a public client does not sign",
        ),
        (
            |it| it.body["clientId"] = "arn:aws:signin:::devtools/other".into(),
            "clientId is not that of the session",
        ),
        (
            |it| it.body["grantType"] = "authorization_code".into(),
            "grantType is not refresh_token",
        ),
        (
            |it| it.body["refreshToken"] = "".into(),
            "refreshToken has another length than 1 to 2048",
        ),
        (
            |it| it.body["refreshToken"] = "unknown".into(),
            "the refresh token is of no session",
        ),
        (
            |it| it.head["typ"] = "JWT".into(),
            "typ is \"JWT\", not dpop+jwt",
        ),
        (
            |it| it.head["alg"] = "none".into(),
            "alg is \"none\", not ES256",
        ),
        (
            |it| it.head["jwk"]["d"] = "AAAA".into(),
            "the private key was sent",
        ),
        (
            |it| it.head["jwk"]["x"] = "AAAA".into(),
            "x is not a coordinate",
        ),
        (
            |it| it.payload["htm"] = "GET".into(),
            "htm is \"GET\", not POST",
        ),
        (
            |it| it.payload["htu"] = "https://example.com/v1/token".into(),
            "htu is",
        ),
        (|it| it.payload["jti"] = Value::Null, "jti is missing"),
    ];
    for (number, (change, problem)) in changes.into_iter().enumerate() {
        let mut tool = good.clone();
        tool.payload["jti"] = format!("{number}").into();
        change(&mut tool);
        let answer = tool.call();
        let (status, exception, error, message) = answer.refused();
        assert!(message.starts_with(problem), "{message} is not {problem}");
        assert_eq!(
            (status, exception, &*error),
            (400, "ValidationException", "INVALID_REQUEST")
        );
    }
    // Of another session, whose key it is not.
    let mut stranger = Tool::new(&stand_in, &other.cache);
    stranger.body = good.body.clone();
    let message = "the proof is of another key than that of the refresh token";
    assert_eq!(stranger.call().refused().3, message);
    // None, or two.
    let message = "the request needs a proof of possession";
    assert_eq!(good.send(&[]).unwrap().refused().3, message);
    let twice = [0, 1].map(|_| format!("DPoP: {}", good.proof()));
    assert_eq!(good.send(&twice).unwrap().refused().3, message);
    // A clock that is off.
    stand_in.set_clock_offset(TimeDelta::seconds(302));
    assert!(good.call().refused().3.starts_with("iat is "));
    stand_in.set_clock_offset(TimeDelta::zero());

    assert_eq!(good.call().status, 200);
    // The same proof again, for the new token.
    let mut again = Tool::new(&stand_in, &login.cache);
    again.payload = good.payload;
    assert_eq!(again.call().refused().3, "jti was used before");
}

#[test]
fn a_token_is_good_once_unless_the_window_of_aws_is_played() {
    let stand_in = stand_in();
    let login = alice(&stand_in);
    let first = Tool::new(&stand_in, &login.cache).call();
    let again = Tool::new(&stand_in, &login.cache).call();
    let (status, exception, error, message) = again.refused();
    assert_eq!(
        (status, exception, &*error),
        (401, "AccessDeniedException", "TOKEN_EXPIRED")
    );
    assert_eq!(message, "The refresh token has expired.");
    let request = stand_in.requests().pop().unwrap();
    assert_eq!(request.error_code.as_deref(), Some("TOKEN_EXPIRED"));

    stand_in.used_refresh_tokens_work();
    let again = Tool::new(&stand_in, &login.cache).call();
    assert_eq!(again.json(), first.json());
    // But not for the one before that.
    let mut next = Tool::new(&stand_in, &login.cache);
    next.body["refreshToken"] = first.json()["refreshToken"].clone();
    assert_eq!(next.call().status, 200);
    let old = Tool::new(&stand_in, &login.cache).call();
    assert_eq!(old.status, 401);
}

#[test]
fn a_session_ends_and_its_last_credentials_with_it() {
    let stand_in = stand_in();
    stand_in.logins_last(1000);
    stand_in.login_credentials_last(600);
    let login = alice(&stand_in);
    stand_in.set_clock_offset(TimeDelta::seconds(500));
    let answer = Tool::new(&stand_in, &login.cache).call();
    let left = answer.json()["expiresIn"].as_i64().unwrap();
    assert!((498..=500).contains(&left), "{left}");
    let mut cache: Value = serde_json::from_str(&login.cache).unwrap();
    cache["refreshToken"] = answer.json()["refreshToken"].clone();
    stand_in.set_clock_offset(TimeDelta::seconds(1001));
    let ended = Tool::new(&stand_in, &cache.to_string()).call();
    assert_eq!(ended.refused().2, "TOKEN_EXPIRED");
    let ended = signer(&stand_in, &answer.body).at(stand_in.now());
    assert_eq!(
        ended.call("GetCallerIdentity", &[]).text("Code"),
        "ExpiredToken"
    );
}

#[test]
fn aws_says_why_a_session_has_ended() {
    for (error, status) in [("TOKEN_EXPIRED", 401), ("USER_CREDENTIALS_CHANGED", 403)] {
        let stand_in = stand_in();
        let login = alice(&stand_in);
        stand_in.end_logins(error);
        let answer = Tool::new(&stand_in, &login.cache).call();
        assert_eq!(answer.refused().0, status);
        assert_eq!(answer.refused().2, error);
        // Another one is good.
        let login = alice(&stand_in);
        assert_eq!(Tool::new(&stand_in, &login.cache).call().status, 200);
    }
    let user = User::new("bob").denies("signin:CreateOAuth2Token");
    let stand_in = StandIn::start(Account::new().user(user));
    let login = stand_in.sign_in(&Login::of_user("bob"));
    let answer = Tool::new(&stand_in, &login.cache).call();
    assert_eq!(
        (answer.refused().0, &*answer.refused().2),
        (403, "INSUFFICIENT_PERMISSIONS")
    );
}

#[test]
fn faults_strike_a_refresh_too() {
    let refused = Fault::Refused {
        status: 403,
        code: "INSUFFICIENT_PERMISSIONS",
        message: "",
    };
    for (fault, status, exception, error) in [
        (
            Fault::Throttling,
            429,
            "TooManyRequestsError",
            "INVALID_REQUEST",
        ),
        (
            Fault::InternalError,
            500,
            "InternalServerException",
            "server_error",
        ),
        (
            Fault::ServiceUnavailable,
            503,
            "InternalServerException",
            "server_error",
        ),
        (
            refused,
            403,
            "AccessDeniedException",
            "INSUFFICIENT_PERMISSIONS",
        ),
    ] {
        let stand_in = stand_in();
        let login = alice(&stand_in);
        stand_in.fault(fault);
        let answer = Tool::new(&stand_in, &login.cache).call();
        let said = answer.refused();
        assert_eq!((said.0, said.1, &*said.2), (status, exception, error));
        // The token is still good.
        assert_eq!(Tool::new(&stand_in, &login.cache).call().status, 200);
    }
    // Carried out or not, and what comes of it.
    for (fault, body, status) in [
        (
            Fault::Json("{\"expiresIn\": 900}"),
            Some("{\"expiresIn\": 900}"),
            200,
        ),
        (Fault::ResetAfterSpending, None, 401),
        (Fault::ResetBeforeReading, None, 200),
        (Fault::Truncated, None, 401),
    ] {
        let stand_in = stand_in();
        let login = alice(&stand_in);
        stand_in.fault(fault);
        let answer = Tool::new(&stand_in, &login.cache).try_call().ok();
        assert_eq!(answer.as_ref().map(|it| &*it.body), body);
        assert_eq!(Tool::new(&stand_in, &login.cache).call().status, status);
    }
    let stand_in = stand_in();
    let login = alice(&stand_in);
    stand_in.fault(Fault::NoCredentials);
    let answer = Tool::new(&stand_in, &login.cache).call();
    assert_eq!(answer.json().get("accessToken"), None);
    assert!(answer.json()["refreshToken"].is_string());
}

#[test]
fn another_client_can_be_faster() {
    let stand_in = stand_in();
    let login = alice(&stand_in);
    let file = std::env::temp_dir().join(format!("stand-in-{}", std::process::id()));
    let cache = login
        .cache
        .replace("{\"accessToken\"", "{\"kept\": 1, \"accessToken\"");
    fs::write(&file, cache).unwrap();
    stand_in.fault(Fault::Overtaken(file.clone()));
    assert_eq!(Tool::new(&stand_in, &login.cache).call().status, 401);
    let written = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(Tool::new(&stand_in, &written).call().status, 200);
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written["kept"], 1);
}
