//! `exec --server`: runs a command beside a server that has credentials for it as long as it runs.

use std::io::{self, IsTerminal as _};
use std::process::{Command, ExitCode};

use anyhow::Result;

use super::own_profile;
use super::system;
use super::{Exec, ToRun};
use crate::commands::obtain::name;
use crate::commands::server::{self, Asking, FirstCredentials, LOOPBACK, Server};
use crate::core::core_dump;
use crate::core::environment::{Environment, PROFILE, PROFILE_OF_SERVER};
use crate::report::Report;

/// The variables with credentials. The command gets none, because the SDKs prefer them to a server.
const OF_CREDENTIALS: [&str; 4] = [
    name::ACCESS_KEY_ID,
    name::SECRET_ACCESS_KEY,
    name::SESSION_TOKEN,
    name::CREDENTIAL_EXPIRATION,
];
/// The variables with a proxy for plain HTTP.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
/// The variables with what is reached without a proxy; most tools prefer the first.
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Runs the command, and ends with its exit code.
///
/// # Errors
/// A message for the user; exit code 127 or 126 if the command cannot be run.
pub(super) fn run(args: &Exec, to_run: &ToRun<'_>, environment: &Environment) -> Result<ExitCode> {
    let asking = if io::stdin().is_terminal() {
        Asking::InWindow
    } else {
        Asking::Anywhere
    };
    let renew_before = args.renew_before.unwrap_or(server::RENEW_BEFORE);
    let mut server = Server::listen(LOOPBACK)?;
    let config_file = own_profile::empty_file()?;
    let first = match server::obtain_first(&args.of, renew_before, asking, environment)? {
        Ok(first) => first,
        Err(code) => return Ok(code),
    };
    let config_file = own_profile::fill_if_needed(config_file, environment)?;
    if let ToRun::Shell(shell) = to_run {
        Report::new(&args.of.verbosity).progress(shell.notice_of_server(&first.obtained));
    }
    let mut command = to_run.command(&first.obtained.profile);
    in_environment(&mut command, &first);
    if let Some(path) = &config_file {
        command.env("AWS_CONFIG_FILE", path);
        command.env(PROFILE, PROFILE_OF_SERVER);
    }
    beside_proxies(&mut command, environment);
    let route = server.add("/", first)?;
    command.env(server::FULL_URI, &route.url);
    command.env(server::AUTHORIZATION_TOKEN, route.token.expose());
    core_dump::allow_again();
    let ended = server.run(system::run_beside(command));
    // Nothing that follows drops it.
    drop(config_file);
    match ended {
        Ok(ended) => Ok(system::end_like(ended)),
        Err(error) => Err(to_run.not_run(&error).into()),
    }
}

/// Keeps requests to the server away from a proxy: some SDKs send even those for this machine to it.
fn beside_proxies(command: &mut Command, environment: &Environment) {
    if !PROXIES.iter().any(|name| environment.text(name).is_some()) {
        return;
    }
    let set = |name| environment.text(name);
    let list = set(NO_PROXY[0]).or_else(|| set(NO_PROXY[1]));
    let list = match list {
        // Everything.
        Some(list) if list.trim() == "*" => return,
        Some(list) => format!("{list},{}", LOOPBACK.ip()),
        None => LOOPBACK.ip().to_string(),
    };
    for name in NO_PROXY {
        command.env(name, &list);
    }
}

/// Leaves the command no other credentials, and gives it the region.
fn in_environment(command: &mut Command, first: &FirstCredentials) {
    let obtained = &first.obtained;
    for variable in obtained.contradicting().chain(OF_CREDENTIALS) {
        command.env_remove(variable);
    }
    for (variable, value) in obtained.variables() {
        if !OF_CREDENTIALS.contains(&variable) {
            command.env(variable, value.as_str());
        }
    }
}
