//! Gets long-term keys from a command, such as one of a password manager, so that no secret has to stand in the file.

use std::io::{self, IsTerminal as _};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::core::credentials::{LongTermKeys, Secret};
use crate::core::environment::Environment;
use crate::core::error::{Failure, reason};
use crate::core::form::{Form, misfit};
use crate::files::section_format::TEMPORARY_PREFIX;
use crate::plan::{KeySource, Keys, Setting};
use crate::prompt::child::{self, Ended};
use crate::report::Report;

/// How long the command may take: it may have to ask a person for a touch or a password.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(2);
/// Which sections' commands are running, in the environment of the innermost, separated by tabs.
const RUNNING: &str = "_MFA_CREDS_RUNNING";
/// What a command has to do.
const KEYS: &str = r#"it must end with status 0 and print {"Version": 1, "AccessKeyId": "AKIA…", "SecretAccessKey": "…"}; run it by itself"#;

/// The keys of a base. Runs the command as the AWS SDKs do, where there is one.
pub fn keys(key_source: &KeySource, environment: &Environment) -> Result<LongTermKeys> {
    let command = match &key_source.keys {
        Keys::Stored(keys) => return Ok(keys.clone()),
        Keys::Process(command) => command,
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
                "the command of {} asks mfa-creds for the keys that it is to print itself",
                command.origin
            ))
            .hint("it must print the IAM user's own keys; `mfa-creds export` belongs into [profile …] of the config file")
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
                "the command of {} prints temporary credentials, which cannot get a session",
                command.origin
            ))
            .hint("it must print the IAM user's own keys, without SessionToken")
        );
    }
    if let Some(form) = misfit(&[
        (Form::AccessKeyId, &keys.access_key_id),
        (Form::SecretAccessKey, keys.secret_access_key.expose()),
    ]) {
        bail!(
            Failure::new(format!(
                "the command of {} prints something else than keys: its {} is malformed",
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

/// What the command prints, if it ends well.
fn output(command: &Setting<String>, running: &str) -> Result<Zeroizing<Vec<u8>>> {
    let origin = &command.origin;
    let mut shell = child::shell(&command.value);
    shell.env(RUNNING, running).stderr(Stdio::piped());
    // What is piped in may be a code.
    if !io::stdin().is_terminal() {
        shell.stdin(Stdio::null());
    }
    let waiting = || Report::notice(format_args!("waiting for the command of {origin}"));
    match child::run(shell, COMMAND_TIMEOUT, waiting)? {
        Err(error) => bail!(
            Failure::new(format!(
                "the command of {origin} cannot be run: {}",
                reason(&error)
            ))
            .hint(KEYS)
        ),
        Ok(Ended::ByUs) => bail!(
            Failure::new(format!(
                "the command of {origin} did not end within {} s",
                COMMAND_TIMEOUT.as_secs()
            ))
            .hint("does it wait for somebody? run it by itself")
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

/// What a command has printed.
struct Printed {
    access_key_id: String,
    secret_access_key: Secret,
    has_session_token: bool,
}

/// Reads what a command has printed as the AWS SDKs do: the case of the names does not count, and unknown ones are passed over.
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

/// The command failed, and said why.
fn failed(command: &Setting<String>, said: &str) -> Failure {
    let (mut said, mut hint) = (said.trim(), KEYS);
    // It may be this tool.
    if let Some((before, theirs)) = said.rsplit_once("\nhint: ") {
        (said, hint) = (before, theirs);
    }
    let last = said.lines().last().unwrap_or("it says nothing");
    let why = last.trim_start_matches("error: ");
    Failure::new(format!("the command of {} failed: {why}", command.origin)).hint(hint)
}

/// What it printed cannot be read, and may be a secret.
fn does_not_print_keys(command: &Setting<String>) -> Failure {
    Failure::new(format!(
        "the command of {} does not print keys",
        command.origin
    ))
    .hint(KEYS)
}
