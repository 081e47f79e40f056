//! Profiles with `login_session`: the session of `aws login` as a source beside long-term keys.

#[cfg(unix)]
use std::process::Command;

use stand_in::StandIn;

use crate::support::home::{Home, assert_mode};
use crate::support::logins::ALICE;
use crate::support::roles::account;
#[cfg(unix)]
use crate::support::spawning::spawning;

#[test]
fn a_home_where_somebody_has_signed_in_is_as_aws_login_leaves_it() {
    let sts = StandIn::start(account());
    let home = Home::new();
    home.write("config", "[default]\nregion = eu-west-1\n");
    let cache = home.signed_in("dev", &sts);
    let config = format!("[default]\nregion = eu-west-1\n[profile dev]\nlogin_session = {ALICE}\n");
    assert_eq!(
        std::fs::read_to_string(home.file("config")).unwrap(),
        config
    );
    assert_mode(cache.path(), 0o600);
    assert_eq!(cache.value("accessToken/accountId"), "123456789012");
    cache.ends_in(-1);
    assert!(cache.value("accessToken/expiresAt").ends_with('Z'));
    assert_ne!(sts.refreshed(&cache.text()), cache.text());
}

#[cfg(unix)]
#[test]
fn the_program_aws_of_these_tests_signs_in() {
    let sts = StandIn::start(account());
    let home = Home::new();
    let cache = home.signed_in("dev", &sts);
    let before = cache.text();
    let path = home.with_aws("dev", &sts);
    for (arguments, status) in [("login --profile other", 252), ("login --profile dev", 0)] {
        let mut aws = Command::new("/bin/sh");
        home.command(&mut aws)
            .args(["-c", &format!("aws {arguments} >/dev/null 2>&1")])
            .env("PATH", &path);
        let ended = spawning(|| aws.spawn().unwrap()).wait().unwrap();
        assert_eq!(ended.code(), Some(status));
    }
    assert_ne!(cache.text(), before);
    assert_ne!(sts.refreshed(&cache.text()), cache.text());
    assert_eq!(
        home.aws_calls(),
        "login --profile other\nlogin --profile dev\n"
    );
}
