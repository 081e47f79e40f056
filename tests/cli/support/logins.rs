//! People who have signed in with `aws login`: their profile, their cache file, and the program `aws`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stand_in::{Login, SignedIn, StandIn};

use crate::support::home::{Home, Outcome, set_mode};

/// The user that [`Home::signed_in`] signs in.
pub const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

/// What a run says, and how it ends, if `dev` has to sign in.
pub fn sign_in_again(problem: &str) -> String {
    format!("error: {problem}\nhint: sign in with `aws login --profile dev`\n")
}

/// The name of the session of `dev` in messages.
pub const SESSION: &str = "the session of `aws login` for [profile dev] in ~/.aws/config";

/// The actions that the stand-in was asked for, in their order.
pub fn actions(sts: &StandIn) -> Vec<String> {
    let requests = sts.requests().into_iter();
    requests.map(|request| request.action).collect()
}

/// How often a session was refreshed.
pub fn refreshes(sts: &StandIn) -> usize {
    let requests = sts.requests().into_iter();
    let refreshed = requests
        .filter(|request| request.action == "CreateOAuth2Token" && request.error_code.is_none());
    refreshed.count()
}

/// The access key ID that `export --format process` has printed.
#[track_caller]
pub fn key_in(outcome: &Outcome) -> String {
    let printed: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|_| panic!("no credentials were printed: {outcome:?}"));
    printed["AccessKeyId"].as_str().unwrap().to_owned()
}

/// A cache file of `aws login`.
pub struct Cache {
    pub path: PathBuf,
}

impl Home {
    /// Signs alice in with `aws login --profile NAME`.
    pub fn signed_in(&self, profile: &str, sts: &StandIn) -> Cache {
        self.signed_in_as(profile, &sts.sign_in(&Login::of_user("alice")))
    }

    /// Leaves what `aws login --profile NAME` leaves: the profile in the config file, and the cache file.
    pub fn signed_in_as(&self, profile: &str, login: &SignedIn) -> Cache {
        let config = fs::read_to_string(self.file("config")).unwrap_or_default();
        let session = &login.session;
        self.write(
            "config",
            &format!("{config}[profile {profile}]\nlogin_session = {session}\n"),
        );
        let directory = self.file("login/cache");
        fs::create_dir_all(&directory).unwrap();
        for directory in [&directory, &self.file("login")] {
            set_mode(directory, 0o700);
        }
        let cache = Cache {
            path: directory.join(login.file_name()),
        };
        cache.write(&login.cache);
        cache
    }

    /// A program `aws` that signs alice in when it is run as `aws login --profile NAME`, and a `PATH` where it is found.
    #[cfg(unix)]
    pub fn with_aws(&self, profile: &str, sts: &StandIn) -> String {
        let login = sts.sign_in(&Login::of_user("alice"));
        self.write("login.next", &login.cache);
        let (next, file, session) = (
            self.file("login.next").display().to_string(),
            login.file_name(),
            login.session,
        );
        let script = format!(
            r#"echo "$*" >>"$HOME/aws.calls"
if [ "$*" != "login --profile {profile}" ]; then
    echo "aws: [ERROR]: this one can only sign {profile} in" >&2
    exit 252
fi
umask 077
directory=${{AWS_LOGIN_CACHE_DIRECTORY:-$HOME/.aws/login/cache}}
/bin/mkdir -p "$directory"
/bin/cat '{next}' >"$directory/{file}"
echo
echo "Updated profile {profile} to use {session} credentials.""#
        );
        self.aws_runs(&script)
    }

    /// A program `aws` that is this script, and a `PATH` where it is found.
    #[cfg(unix)]
    pub fn aws_runs(&self, script: &str) -> String {
        let bin = self.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("aws"), format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&bin.join("aws"), 0o700);
        format!("{}:/usr/bin:/bin", bin.display())
    }

    /// The arguments of each run of `aws`, one line each.
    #[cfg(unix)]
    pub fn aws_calls(&self) -> String {
        fs::read_to_string(self.path().join("aws.calls")).unwrap_or_default()
    }
}

impl Cache {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// A text in it, such as `refreshToken` or `accessToken/accessKeyId`.
    #[track_caller]
    pub fn value(&self, key: &str) -> String {
        let json = self.json();
        let value = json.pointer(&format!("/{key}")).and_then(Value::as_str);
        value.unwrap().to_owned()
    }

    pub fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
        set_mode(&self.path, 0o600);
    }

    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut json = self.json();
        change(&mut json);
        self.write(&json.to_string());
    }

    /// Lets the credentials end in so many seconds, or so many seconds ago if negative.
    pub fn ends_in(&self, seconds: i64) {
        let end = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
        let end = end.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.change(|json| json["accessToken"]["expiresAt"] = end.into());
    }
}
