//! The cache of `aws login`, which the AWS CLI and the SDKs read and write without a lock: bad content, answers that are lost,
//! many processes, and kills.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
#[cfg(unix)]
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
#[cfg(unix)]
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use stand_in::{Fault, Login, Role, StandIn};

use crate::support::home::{Home, assert_mode};
#[cfg(unix)]
use crate::support::home::{binary, set_mode};
use crate::support::logins::{Cache, SESSION, key_in, refreshes, sign_in_again};
use crate::support::roles::account;
#[cfg(unix)]
use crate::support::spawning::spawning;

const EXPORT: [&str; 5] = ["export", "-p", "dev", "--format", "process"];
const OPEN: &str = "arn:aws:iam::123456789012:role/open";
const NETWORK: &str = "hint: the network or a proxy may redirect to a login page: open a web page, then run the command again\n";

/// Somebody has signed in, and the credentials have just ended.
struct Scene {
    sts: StandIn,
    home: Home,
    cache: Cache,
}

impl Scene {
    fn new() -> Self {
        let sts = StandIn::start(account().role(Role::new(OPEN)));
        let home = Home::new();
        let cache = home.signed_in("dev", &sts);
        cache.ends_in(-1);
        Self { sts, home, cache }
    }

    /// The key that is exported, which is the one in the cache then.
    #[track_caller]
    fn exported(&self) -> String {
        let outcome = self.home.run_with(&self.sts, &EXPORT).outcome();
        let key = key_in(&outcome);
        assert_eq!(outcome.stderr, "");
        assert_eq!(key, self.cache.value("accessToken/accessKeyId"));
        key
    }

    /// Nothing is exported, and the cache stays as it is.
    #[track_caller]
    fn fails(&self, status: i32, stderr: &str) {
        let before = fs::read(self.cache.path()).ok();
        self.home.run_with(&self.sts, &EXPORT).ends(status, stderr);
        assert_eq!(fs::read(self.cache.path()).ok(), before);
    }

    /// The same because the file cannot be used.
    #[track_caller]
    fn is_unusable(&self, why: &str) {
        let file = self.cache.path().file_name().unwrap().to_str().unwrap();
        let problem = format!("~/.aws/login/cache/{file} cannot be used for {SESSION}: {why}");
        self.fails(3, &sign_in_again(&problem));
    }

    /// What is in the directory of the cache.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache.path().parent().unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

// --- What a renewal leaves ---

#[test]
fn a_renewal_changes_the_credentials_and_the_token_and_nothing_else() {
    let scene = Scene::new();
    scene.cache.change(|json| {
        json["signInRegion"] = "us-east-1".into();
        json["later"] = json!({"a": [1, null, "ä"], "b": false});
        json["accessToken"]["later"] = json!(17.5);
    });
    let mut before = scene.cache.json();
    scene.exported();
    let mut after = scene.cache.json();
    for changed in [
        "/refreshToken",
        "/accessToken/accessKeyId",
        "/accessToken/secretAccessKey",
        "/accessToken/sessionToken",
        "/accessToken/expiresAt",
    ] {
        let now = after.pointer_mut(changed).unwrap().take();
        let old = before.pointer_mut(changed).unwrap().take();
        assert!(now.is_string());
        assert_ne!(now, old, "{changed}");
    }
    assert_eq!(after, before);
    assert_mode(scene.cache.path(), 0o600);
    assert_eq!(scene.files().len(), 1);
    // The next one works with what was written, and so does another tool.
    scene.cache.ends_in(-1);
    scene.exported();
    scene.cache.write(&scene.sts.refreshed(&scene.cache.text()));
    scene.exported();
    assert_eq!(refreshes(&scene.sts), 2);
}

#[cfg(unix)]
#[test]
fn the_file_is_replaced_whole() {
    let scene = Scene::new();
    let number = || fs::metadata(scene.cache.path()).unwrap().ino();
    let before = number();
    // Whoever reads it meanwhile has the old one.
    let open = fs::File::open(scene.cache.path()).unwrap();
    let old = scene.cache.text();
    scene.exported();
    assert_ne!(number(), before);
    assert_eq!(std::io::read_to_string(open).unwrap(), old);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays() {
    let scene = Scene::new();
    let vault = scene.home.path().join("vault");
    fs::rename(scene.cache.path(), &vault).unwrap();
    std::os::unix::fs::symlink(&vault, scene.cache.path()).unwrap();
    scene.exported();
    assert!(scene.cache.path().is_symlink());
    assert_mode(&vault, 0o600);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_keeps_its_mode() {
    let scene = Scene::new();
    // The SDK for JavaScript creates it like this. Who has made it so may depend on it.
    set_mode(scene.cache.path(), 0o640);
    scene.exported();
    assert_mode(scene.cache.path(), 0o640);
}

// --- Bad content ---

#[test]
fn a_file_that_is_cut_anywhere_is_not_used_and_not_overwritten() {
    let scene = Scene::new();
    let whole = scene.cache.text();
    let cuts = (0..whole.len()).step_by(whole.len() / 24);
    for cut in cuts.chain([1, whole.len() - 1]) {
        scene.cache.write(&whole[..cut]);
        scene.is_unusable("it is not valid JSON");
    }
    assert_eq!(scene.sts.calls(), 0);
    scene.cache.write(&whole);
    scene.exported();
}

#[test]
fn a_file_that_lacks_something_is_not_used() {
    let scene = Scene::new();
    let whole = scene.cache.json();
    for (path, why) in [
        ("accessToken", "it has no accessToken"),
        ("clientId", "it has no clientId"),
        ("refreshToken", "it has no refreshToken"),
        ("dpopKey", "it has no dpopKey"),
        ("accessToken/accessKeyId", "its accessToken is incomplete"),
        (
            "accessToken/secretAccessKey",
            "its accessToken is incomplete",
        ),
        ("accessToken/sessionToken", "its accessToken is incomplete"),
        ("accessToken/accountId", "its accessToken is incomplete"),
        ("accessToken/expiresAt", "its accessToken is incomplete"),
    ] {
        for other in [None, Some(Value::Null), Some(json!(7)), Some(json!(""))] {
            let mut json = whole.clone();
            let (object, key) = match path.split_once('/') {
                Some((outer, key)) => (&mut json[outer], key),
                None => (&mut json, path),
            };
            let object = object.as_object_mut().unwrap();
            match other {
                None => object.remove(key),
                Some(other) => object.insert(key.to_owned(), other),
            };
            scene.cache.write(&json.to_string());
            scene.is_unusable(why);
        }
    }
    for text in ["[]", "null", "7", "\"text\""] {
        scene.cache.write(text);
        scene.is_unusable("it is not valid JSON");
    }
    assert_eq!(scene.sts.calls(), 0);
}

#[test]
fn a_file_with_other_values_than_aws_writes_is_not_used() {
    let scene = Scene::new();
    let whole = scene.cache.json();
    for (pointer, value, why) in [
        (
            "/accessToken/expiresAt",
            "tomorrow",
            "its expiresAt is not a date",
        ),
        (
            "/accessToken/expiresAt",
            "2026-11-28 10:00:00",
            "its expiresAt is not a date",
        ),
        (
            "/accessToken/accessKeyId",
            "ASIA FAKE",
            "its accessToken is malformed",
        ),
        (
            "/accessToken/sessionToken",
            "Fake\r\nX-Other: 1",
            "its accessToken is malformed",
        ),
        (
            "/accessToken/secretAccessKey",
            "Fake\u{1b}[2J",
            "its accessToken is malformed",
        ),
        (
            "/refreshToken",
            "Fake\nToken",
            "its refreshToken or its clientId is malformed",
        ),
        (
            "/clientId",
            "arn:\u{1b}[2J",
            "its refreshToken or its clientId is malformed",
        ),
    ] {
        let mut json = whole.clone();
        *json.pointer_mut(pointer).unwrap() = value.into();
        scene.cache.write(&json.to_string());
        scene.is_unusable(why);
    }
    assert_eq!(scene.sts.calls(), 0);
}

#[test]
fn a_file_of_another_session_is_not_used() {
    let scene = Scene::new();
    let own = scene.cache.text();
    let other = scene
        .sts
        .sign_in(&Login::of_role(OPEN, "somebody@example.com"));
    scene.cache.write(&other.cache);
    scene.is_unusable("it is the session of another identity");
    // Without an ID token only the account tells.
    scene.cache.change(|json| {
        json.as_object_mut().unwrap().remove("idToken");
        json["accessToken"]["accountId"] = "210987654321".into();
    });
    scene.is_unusable("it is the session of another identity");
    // An ID token that cannot be read tells nothing.
    for token in [json!("x.y.z"), json!(""), json!(7)] {
        scene.cache.write(&own);
        scene.cache.ends_in(-1);
        scene.cache.change(|json| json["idToken"] = token);
        assert_eq!(scene.sts.calls(), refreshes(&scene.sts));
    }
    scene.exported();
}

#[test]
fn a_key_that_cannot_sign_is_told() {
    let scene = Scene::new();
    let whole = scene.cache.json();
    let pem = whole["dpopKey"].as_str().unwrap();
    let other = scene.sts.sign_in(&Login::of_user("alice"));
    let other: Value = serde_json::from_str(&other.cache).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let half = lines[1];
    for key in [
        "nonsense".to_owned(),
        pem.replace("EC PRIVATE KEY", "RSA PRIVATE KEY"),
        pem.replace("-----END EC PRIVATE KEY-----\n", ""),
        pem.replace(half, ""),
        pem.replace(half, &half.to_lowercase()),
        format!(
            "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
            "A".repeat(160)
        ),
    ] {
        scene.cache.change(|json| json["dpopKey"] = key.into());
        scene.is_unusable("its dpopKey cannot sign");
    }
    assert_eq!(scene.sts.calls(), 0);
    // That of another session is AWS's to refuse.
    scene
        .cache
        .change(|json| json["dpopKey"] = other["dpopKey"].clone());
    scene.fails(
        3,
        &sign_in_again(&format!(
            "{SESSION} is rejected by AWS Sign-In: INVALID_REQUEST: the proof is of another key than that of the refresh token"
        )),
    );
    // As it was, and without the newline at the end, or with those of Windows.
    let ends = [
        pem.to_owned(),
        pem.trim_end().to_owned(),
        pem.replace('\n', "\r\n"),
    ];
    for key in ends {
        scene.cache.change(|json| json["dpopKey"] = key.into());
        scene.cache.ends_in(-1);
        scene.exported();
    }
}

#[test]
fn an_end_far_in_the_future_is_not_believed() {
    let scene = Scene::new();
    for end in ["2099-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00"] {
        scene
            .cache
            .change(|json| json["accessToken"]["expiresAt"] = end.into());
        let before = refreshes(&scene.sts);
        scene.exported();
        assert_eq!(refreshes(&scene.sts) - before, 1);
    }
    // With an offset, as the date may be written.
    let end = chrono::Utc::now() + TimeDelta::minutes(14);
    let end = end.with_timezone(&chrono::FixedOffset::east_opt(7200).unwrap());
    let end = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, false);
    scene
        .cache
        .change(|json| json["accessToken"]["expiresAt"] = end.into());
    scene.exported();
    assert_eq!(refreshes(&scene.sts), 2);
}

#[test]
fn something_else_in_the_place_of_the_file_is_told() {
    let scene = Scene::new();
    let path = scene.cache.path().to_owned();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let outcome = scene.home.run_with(&scene.sts, &EXPORT).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains(".json") && outcome.stderr.contains("is a directory"),
        "{outcome:?}"
    );
    assert_eq!(scene.sts.calls(), 0);
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_costs_no_token() {
    let scene = Scene::new();
    // To root, no mode matters.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let directory = scene.cache.path().parent().unwrap().to_owned();
    set_mode(&directory, 0o500);
    let outcome = scene.home.run_with(&scene.sts, &EXPORT).outcome();
    set_mode(&directory, 0o700);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("permission denied"), "{outcome:?}");
    assert_eq!(scene.sts.calls(), 0);
}

// --- Answers ---

#[test]
fn an_answer_that_is_not_from_aws_changes_nothing() {
    let scene = Scene::new();
    let host = scene.sts.address();
    let foreign = |what: &str| {
        format!("error: the response from {host} is not from AWS Sign-In: {what}\n{NETWORK}")
    };
    let without = "it is application/json without credentials";
    let malformed = "its credentials are malformed";
    let end = "its expiration is not valid";
    for (answer, what) in [
        ("", without),
        ("nonsense", without),
        ("[]", without),
        ("{}", without),
        (
            r#"{"accessToken":null,"tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"x"}"#,
            without,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE"},"expiresIn":900,"refreshToken":"x"}"#,
            without,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":900}"#,
            without,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":"900","refreshToken":"x"}"#,
            without,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":0,"refreshToken":"x"}"#,
            end,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":-1,"refreshToken":"x"}"#,
            end,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":9223372036854775807,"refreshToken":"x"}"#,
            end,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":43201,"refreshToken":"x"}"#,
            end,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIA\u001b[2J","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":900,"refreshToken":"x"}"#,
            malformed,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"Fake\nSecret","sessionToken":"FakeToken"},"expiresIn":900,"refreshToken":"x"}"#,
            malformed,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":""},"expiresIn":900,"refreshToken":"x"}"#,
            malformed,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":900,"refreshToken":""}"#,
            malformed,
        ),
        (
            r#"{"accessToken":{"accessKeyId":"ASIAFAKEFAKEFAKEFAKE","secretAccessKey":"FakeSecretFakeSecretFakeSecretFakeSecret","sessionToken":"FakeToken"},"expiresIn":900,"refreshToken":"a\r\nb"}"#,
            malformed,
        ),
    ] {
        scene.sts.fault(Fault::Json(answer));
        scene.fails(1, &foreign(what));
    }
    for (fault, what) in [
        (Fault::HtmlLoginPage, "it is text/html without credentials"),
        (
            Fault::Redirect,
            "its status is 302, and its type is text/html",
        ),
        (Fault::Empty200, "it is text/xml without credentials"),
    ] {
        scene.sts.fault(fault);
        scene.fails(1, &foreign(what));
    }
    // The token was not used up.
    scene.exported();
}

#[test]
fn what_is_over_soon_is_tried_again_or_said() {
    let scene = Scene::new();
    let host = scene.sts.address();
    for fault in [
        Fault::InternalError,
        Fault::ServiceUnavailable,
        Fault::BadGateway,
        Fault::ResetBeforeReading,
    ] {
        scene.sts.fault(fault);
        scene.exported();
        scene.cache.ends_in(-1);
    }
    for (fault, problem) in [
        (
            Fault::Throttling,
            format!("AWS Sign-In at {host} cannot renew the session now: status 429"),
        ),
        (
            Fault::InternalError,
            format!("AWS Sign-In at {host} cannot renew the session now: status 500"),
        ),
        (
            Fault::ResetBeforeReading,
            format!("the connection to AWS Sign-In at {host} was interrupted"),
        ),
    ] {
        scene.sts.fault_always(fault);
        scene.fails(
            1,
            &format!("error: {problem}\nhint: run the command again\n"),
        );
        // As long as the credentials last, that is no more than a warning.
        scene.cache.ends_in(120);
        let outcome = scene.home.run_with(&scene.sts, &EXPORT).outcome();
        assert_eq!(
            key_in(&outcome),
            scene.cache.value("accessToken/accessKeyId")
        );
        assert_eq!(
            outcome.stderr,
            format!(
                "warning: the session of `aws login` was not renewed: {problem}\nhint: run the command again\n"
            )
        );
        // Unless they are not what was asked for.
        let more = [&EXPORT[..], &["--min-ttl", "10m"]].concat();
        assert_eq!(
            scene.home.run_with(&scene.sts, &more).outcome().status,
            Some(1)
        );
        scene.sts.clear_faults();
        scene.cache.ends_in(-1);
    }
    scene.exported();
}

#[test]
fn nobody_there_is_no_reason_to_give_up_credentials_that_are_valid() {
    let scene = Scene::new();
    let nobody = crate::support::corporate_network::nobody();
    let url = format!("http://{}", nobody.address);
    let run = || {
        scene
            .home
            .run_with(&scene.sts, &EXPORT)
            .env("AWS_ENDPOINT_URL_SIGNIN", &url)
            .outcome()
    };
    let outcome = run();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let said = format!(
        "error: AWS Sign-In at {} cannot be reached: connection refused\nhint: check the endpoint (AWS_ENDPOINT_URL_SIGNIN)\n",
        nobody.address
    );
    assert_eq!(outcome.stderr, said);
    scene.cache.ends_in(100);
    let outcome = run();
    assert_eq!(
        key_in(&outcome),
        scene.cache.value("accessToken/accessKeyId")
    );
    assert!(
        outcome
            .stderr
            .starts_with("warning: the session of `aws login` was not renewed: ")
    );
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    for fault in [Fault::ResetAfterSpending, Fault::Truncated] {
        // AWS documents that it answers the same token again for a time.
        let scene = Scene::new();
        scene.sts.used_refresh_tokens_work();
        scene.sts.fault(fault.clone());
        scene.exported();
        scene.cache.ends_in(-1);
        scene.exported();
        // Where that time is over, there is nothing but to sign in.
        let scene = Scene::new();
        scene.sts.fault(fault);
        scene.fails(3, &sign_in_again(&format!("{SESSION} has ended")));
    }
}

#[test]
fn a_clock_that_is_off_is_corrected_and_told() {
    let scene = Scene::new();
    for (minutes, direction) in [(20, "behind"), (-20, "ahead of")] {
        scene.cache.ends_in(-3600);
        scene.sts.set_clock_offset(TimeDelta::minutes(minutes));
        let before = refreshes(&scene.sts);
        let outcome = scene.home.run_with(&scene.sts, &EXPORT).outcome();
        assert_eq!(
            key_in(&outcome),
            scene.cache.value("accessToken/accessKeyId")
        );
        let said = format!("warning: this machine's clock is 20 min {direction} AWS's: set it");
        assert!(outcome.stderr.starts_with(&said), "{outcome:?}");
        assert_eq!(refreshes(&scene.sts) - before, 1);
    }
}

// --- Several at once ---

#[test]
fn of_eight_processes_one_renews_and_all_have_the_same() {
    for profile in ["dev", "open"] {
        let scene = Scene::new();
        let config = fs::read_to_string(scene.home.file("config")).unwrap();
        let open = format!("[profile open]\nrole_arn = {OPEN}\nsource_profile = dev\n");
        scene.home.write("config", &format!("{config}{open}"));
        let run = ["export", "-p", profile, "--format", "process"];
        let keys: Vec<String> = thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let outcome = scene.home.run_with(&scene.sts, &run).outcome();
                        let mut lines = outcome.stderr.lines();
                        assert!(
                            lines.all(|line| line.starts_with("waiting for ")),
                            "{outcome:?}"
                        );
                        key_in(&outcome)
                    })
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(refreshes(&scene.sts), 1, "{profile}");
        let roles = usize::from(profile == "open");
        assert_eq!(scene.sts.calls(), 1 + roles, "{profile}");
        let stored = scene.cache.value("accessToken/accessKeyId");
        let key = if profile == "dev" { &stored } else { &keys[0] };
        assert!(keys.iter().all(|other| other == key), "{keys:?}");
        assert_eq!(scene.files().len(), 1);
    }
}

#[test]
fn profiles_with_the_same_session_share_one_renewal() {
    let scene = Scene::new();
    let config = fs::read_to_string(scene.home.file("config")).unwrap();
    let other = config.replace("[profile dev]", "[profile other]");
    scene.home.write("config", &format!("{config}{other}"));
    let run = ["-p", "dev", "-p", "other"];
    let outcome = scene.home.run_with(&scene.sts, &run).succeeds();
    assert!(
        outcome
            .stderr
            .ends_with("dev is valid until …\nother is valid until …\n"),
        "{outcome:?}"
    );
    assert_eq!(refreshes(&scene.sts), 1);
}

#[test]
fn eight_processes_that_insist_lose_no_token() {
    let scene = Scene::new();
    let force = [&EXPORT[..], &["--force"]].concat();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let outcome = scene.home.run_with(&scene.sts, &force).outcome();
                assert_eq!(outcome.status, Some(0), "{outcome:?}");
            });
        }
    });
    assert!((1..=8).contains(&refreshes(&scene.sts)));
    scene.cache.ends_in(-1);
    scene.exported();
}

#[test]
fn a_tool_that_was_faster_has_left_the_newer_session() {
    let scene = Scene::new();
    let overtaken = Fault::Overtaken(scene.cache.path().to_owned());
    scene.sts.fault(overtaken);
    // Our token is refused, and the file has another one by then, with credentials that last.
    scene.exported();
    let codes: Vec<_> = scene
        .sts
        .requests()
        .into_iter()
        .map(|request| request.error_code)
        .collect();
    assert_eq!(codes, [Some("TOKEN_EXPIRED".to_owned())]);
    scene.cache.ends_in(-1);
    scene.exported();
}

#[test]
fn a_tool_that_is_faster_each_time_is_not_waited_for_without_end() {
    let scene = Scene::new();
    scene.sts.login_credentials_last(60);
    let overtaken = Fault::Overtaken(scene.cache.path().to_owned());
    scene.sts.fault_always(overtaken);
    let outcome = scene.home.run_with(&scene.sts, &EXPORT).outcome();
    // What the other tool has got is valid, if not for five minutes.
    assert!(scene.sts.calls() <= 4, "{}", scene.sts.calls());
    assert_ne!(outcome.status, None);
    scene.sts.clear_faults();
    scene.sts.login_credentials_last(900);
    scene.cache.ends_in(-1);
    scene.exported();
}

#[test]
fn no_reader_sees_a_torn_file() {
    let scene = Scene::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) {
                // Windows lets nobody in at the moment of the replacement.
                if let Ok(text) = fs::read(scene.cache.path()) {
                    let json: Value = serde_json::from_slice(&text).unwrap();
                    assert!(json["refreshToken"].is_string());
                    reads += 1;
                }
                // Whoever replaces it needs a moment when nobody reads it, on Windows.
                thread::sleep(std::time::Duration::from_millis(1));
            }
            reads
        });
        for _ in 0..8 {
            let force = ["-q", "-p", "dev", "--force"];
            scene.home.run_with(&scene.sts, &force).ends(0, "");
        }
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 8);
    });
}

#[test]
fn a_tool_that_writes_in_place_is_given_a_moment() {
    let scene = Scene::new();
    scene.cache.ends_in(800);
    let whole = scene.cache.text();
    for torn in ["", &whole[..whole.len() / 2]] {
        // As the AWS CLI does it: cut the file off, then write it.
        fs::write(scene.cache.path(), torn).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(std::time::Duration::from_millis(60));
                fs::write(scene.cache.path(), &whole).unwrap();
            });
            scene.exported();
        });
    }
    assert_eq!(scene.sts.calls(), 0);
}

#[test]
fn processes_with_other_credentials_files_share_the_cache() {
    for round in 0..6 {
        let scene = Scene::new();
        thread::scope(|scope| {
            let scene = &scene;
            for number in 0..8 {
                scope.spawn(move || {
                    let file = scene.home.path().join(format!("credentials-{number}"));
                    let outcome = scene
                        .home
                        .run_with(&scene.sts, &EXPORT)
                        .env("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
                        .outcome();
                    assert_eq!(outcome.status, Some(0), "{round} {outcome:?}");
                });
            }
        });
        assert_eq!(refreshes(&scene.sts), 1);
        assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
    }
}

#[test]
fn a_tool_that_was_faster_is_given_a_moment_to_write_what_it_got() {
    let scene = Scene::new();
    let newer = scene.sts.refreshed(&scene.cache.text());
    thread::scope(|scope| {
        scope.spawn(|| {
            while scene.sts.calls() == 0 {
                thread::yield_now();
            }
            // Our token is being refused, and the file is still the old one.
            thread::sleep(std::time::Duration::from_millis(60));
            fs::write(scene.cache.path(), &newer).unwrap();
        });
        scene.exported();
    });
    assert_eq!(scene.sts.calls(), 1);
}

// --- Kills ---

#[cfg(unix)]
#[test]
fn a_process_that_is_killed_after_the_renewal_loses_it_only_where_aws_forgets_it() {
    for works in [true, false] {
        let scene = Scene::new();
        if works {
            scene.sts.used_refresh_tokens_work();
        }
        let before = scene.cache.text();
        scene.sts.fault(Fault::Hang(Duration::from_secs(30)));
        let mut child = spawning(|| {
            let mut command = scene.home.run_with(&scene.sts, &EXPORT).into_command();
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::null()).spawn().unwrap()
        });
        while scene.sts.calls() == 0 {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(scene.cache.text(), before);
        if works {
            // The lock has ended with the process.
            scene.exported();
        } else {
            scene.fails(3, &sign_in_again(&format!("{SESSION} has ended")));
        }
        assert_eq!(scene.files().len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_is_killed_at_any_moment_leaves_a_whole_file() {
    const RUNS: u32 = 150;

    let scene = Scene::new();
    scene.sts.used_refresh_tokens_work();
    let start = || {
        scene
            .home
            .command(&mut Command::new(binary()))
            .args(["-q", "-p", "dev", "--force"])
            .env("AWS_ENDPOINT_URL", scene.sts.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let begin = std::time::Instant::now();
    assert!(start().wait().unwrap().success());
    let whole_run = begin.elapsed();
    let mut written = 0;
    for run in 0..RUNS {
        let before = scene.cache.text();
        let mut child = start();
        let moment = whole_run.mul_f64(1.3 * f64::from(run) / f64::from(RUNS));
        let begin = std::time::Instant::now();
        while begin.elapsed() < moment {
            std::hint::spin_loop();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let json: Value = serde_json::from_str(&scene.cache.text()).unwrap();
        assert!(json["refreshToken"].is_string());
        assert_mode(scene.cache.path(), 0o600);
        written += u32::from(scene.cache.text() != before);
    }
    assert!((1..RUNS).contains(&written), "{written} of {RUNS}");
    // The next run works, and leaves nothing beside the file.
    scene.cache.ends_in(-1);
    scene.exported();
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
}
