//! Gets long-term keys from a command, such as one of a password manager, so that the file contains no secret.

use std::io::{self, IsTerminal as _};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::error::Failure;
use crate::core::form::{Form, misfit};
use crate::files::section_format::TEMPORARY_PREFIX;
use crate::plan::{KeySource, Keys, Setting};
use crate::prompt::child::{self, Ended};
use crate::report::Report;

/// How long the command may take: it may ask a person for a touch or a password.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(2);
/// The variable that lists the sections whose commands are running, separated by tabs.
const RUNNING: &str = "_MFA_CREDS_RUNNING";
/// What to do about a command that does not print keys.
const KEYS: &str = r#"run it by itself: it must exit with status 0 and print {"Version": 1, "AccessKeyId": "AKIA…", "SecretAccessKey": "…"}"#;

/// The error if a command is about long-term keys, and a profile is signed in with `aws login` instead.
pub fn no_long_term_keys(key_source: &KeySource) -> Failure {
    Failure::new(format!(
        "{} gets its credentials from `aws login`, and has no long-term keys",
        key_source.id
    ))
    .hint("use a profile with an IAM user's long-term keys")
}

/// The keys of a source. If they come from a command, runs it as the AWS SDKs do.
pub fn keys(key_source: &KeySource, environment: &Environment) -> Result<LongTermKeys> {
    let command = match &key_source.keys {
        Keys::Stored(keys) => return Ok(keys.clone()),
        Keys::Process(command) => command,
        Keys::Login(_) => bail!(no_long_term_keys(key_source)),
    };
    let id = format!(
        "{}\u{1f}{}",
        key_source.id.path.display(),
        key_source.id.section
    );
    let mut running = environment.text(RUNNING).unwrap_or_default();
    if running.split('\t').any(|other| other == id) {
        bail!(
            Failure::new(format!(
                "the command from {} calls mfa-creds for the keys that it must print itself",
                command.origin
            ))
            .hint("make it print the IAM user's own keys; `mfa-creds export` belongs in [profile …] of the config file")
        );
    }
    running = format!("{running}\t{id}");
    let output = output(command, &running)?;
    let Some(keys) = printed(&output) else {
        bail!(does_not_print_keys(command));
    };
    if keys.has_session_token || keys.access_key_id.starts_with(TEMPORARY_PREFIX) {
        bail!(
            Failure::new(format!(
                "the command from {} prints temporary credentials, which cannot get a session",
                command.origin
            ))
            .hint("make it print the IAM user's own keys, without SessionToken")
        );
    }
    if let Some(form) = misfit(&[
        (Form::AccessKeyId, &keys.access_key_id),
        (Form::SecretAccessKey, keys.secret_access_key.expose()),
    ]) {
        bail!(
            Failure::new(format!(
                "the command from {} prints a malformed {}",
                command.origin,
                form.name()
            ))
            .hint(KEYS)
        );
    }
    Ok(LongTermKeys {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
    })
}

/// The output of the command, if it succeeds.
fn output(command: &Setting<String>, running: &str) -> Result<Zeroizing<Vec<u8>>> {
    let origin = &command.origin;
    let mut shell = child::shell(&command.value);
    shell.env(RUNNING, running).stderr(Stdio::piped());
    // Piped input may be a code.
    if !io::stdin().is_terminal() {
        shell.stdin(Stdio::null());
    }
    let waiting = || Report::notice(format_args!("waiting for the command from {origin}"));
    match child::run(shell, COMMAND_TIMEOUT, waiting)? {
        Err(error) => bail!(child::cannot_run(origin, &error).hint(KEYS)),
        Ok(Ended::ByUs) => bail!(
            child::did_not_end(origin, COMMAND_TIMEOUT)
                .hint("run it by itself: it may be waiting for input")
        ),
        Ok(Ended::ByItself { output, .. }) if output.len() >= child::MOST_OUTPUT => {
            bail!(does_not_print_keys(command))
        }
        Ok(Ended::ByItself { status, errors, .. }) if !status.success() => {
            bail!(failed(command, &String::from_utf8_lossy(&errors)))
        }
        Ok(Ended::ByItself { output, .. }) => Ok(output),
    }
}

/// The parsed output of a command.
struct Printed {
    access_key_id: String,
    secret_access_key: Secret,
    has_session_token: bool,
}

/// Reads the output of a command as the AWS SDKs do: names are case-insensitive, and unknown ones are ignored.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
fn printed(output: &[u8]) -> Option<Printed> {
    let mut object: Map<String, Value> = serde_json::from_slice(output).ok()?;
    let mut take = |name: &str| {
        let found = object
            .iter_mut()
            .rfind(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.take())
    };
    let version = take("Version")?.as_i64();
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let printed = Printed {
        access_key_id: text(take("AccessKeyId"))?,
        secret_access_key: Secret::new(text(take("SecretAccessKey"))?),
        has_session_token: text(take("SessionToken")).map(Zeroizing::new).is_some(),
    };
    let is_right = version == Some(1)
        && !printed.access_key_id.is_empty()
        && !printed.secret_access_key.expose().is_empty();
    is_right.then_some(printed)
}

/// The command failed and printed why.
fn failed(command: &Setting<String>, said: &str) -> Failure {
    let (mut said, mut hint) = (said.trim(), KEYS);
    // The command may be this tool.
    if let Some((before, theirs)) = said.rsplit_once("\nhint: ") {
        (said, hint) = (before, theirs);
    }
    let last = said.lines().last().unwrap_or("it printed no error");
    let why = last.trim_start_matches("error: ");
    Failure::new(format!("the command from {} failed: {why}", command.origin)).hint(hint)
}

/// Does not quote the output, which may contain a secret.
fn does_not_print_keys(command: &Setting<String>) -> Failure {
    Failure::new(format!(
        "the command from {} does not print keys",
        command.origin
    ))
    .hint(KEYS)
}
