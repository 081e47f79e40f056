//! Long-term keys from a command, such as one of a password manager, so that no secret has to stand in the file.

use std::error::Error as _;
#[cfg(unix)]
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Result, bail};
use aws_config::credential_process::CredentialProcessProvider;
use aws_sdk_sts::config::ProvideCredentials as _;
use tokio::time::timeout;

use crate::child;
use crate::credentials::{LongTermKeys, Secret};
use crate::environment::{CODE, Environment};
use crate::error::Failure;
use crate::form::{Form, misfit};
use crate::plan::{Base, Chosen, Keys, quoted};
use crate::report::Report;
use crate::short_term::TEMPORARY_PREFIX;

/// How long the command may take: it may have to ask a person for a touch or a password.
const PATIENCE: Duration = Duration::from_mins(2);
/// After so long, whoever waits is told for what.
const SILENCE: Duration = Duration::from_secs(2);
/// Which sections' commands are running, in the environment of the innermost, separated by tabs.
const RUNNING: &str = "_MFA_CREDS_RUNNING";
/// What a command has to do.
const KEYS: &str = r#"it must end with status 0 and print {"Version": 1, "AccessKeyId": "AKIA…", "SecretAccessKey": "…"}; run it by itself"#;
/// What the SDK says before it repeats what the command said.
const BEFORE_STDERR: &str = "Stderr: ";

/// The keys of a base. Runs the command as the AWS SDKs do, where there is one.
///
/// # Errors
/// When the command fails, or prints something else than long-term keys, or is running already: then it asks for its own
/// answer.
pub fn keys(base: &Base, environment: &Environment) -> Result<LongTermKeys> {
    let command = match &base.keys {
        Keys::Stored(keys) => return Ok(keys.clone()),
        Keys::Process(command) => command,
    };
    let place = base.place();
    let mut running = environment.text(RUNNING).unwrap_or_default();
    if running.split('\t').any(|other| other == place) {
        bail!(
            Failure::new(format!(
                "the command of {} asks mfa-creds for the keys that it is to print itself",
                command.origin
            ))
            .hint("it must print the IAM user's own keys; `mfa-creds export` belongs into [profile …] of the config file")
        );
    }
    running = format!("{running}\t{place}");
    let provider = CredentialProcessProvider::new(prepared(&command.value, &running));
    let runtime = child::runtime()?;
    let answer = runtime.block_on(async {
        let keys = provider.provide_credentials();
        tokio::pin!(keys);
        if let Ok(answer) = timeout(SILENCE, &mut keys).await {
            return Ok(answer);
        }
        Report::notice(format_args!(
            "waiting for the command of {}",
            command.origin
        ));
        timeout(PATIENCE.saturating_sub(SILENCE), keys).await
    });
    runtime.shutdown_background();
    let keys = match answer {
        Ok(Ok(keys)) => keys,
        Ok(Err(error)) => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            bail!(wrong(command, &why));
        }
        Err(_elapsed) => bail!(
            Failure::new(format!(
                "the command of {} did not end within {} s",
                command.origin,
                PATIENCE.as_secs()
            ))
            .hint("does it wait for somebody? run it by itself")
        ),
    };
    if keys.access_key_id().is_empty() || keys.secret_access_key().is_empty() {
        bail!(wrong(command, ""));
    }
    if keys.session_token().is_some() || keys.access_key_id().starts_with(TEMPORARY_PREFIX) {
        bail!(
            Failure::new(format!(
                "the command of {} prints temporary credentials, which cannot get a session",
                command.origin
            ))
            .hint("it must print the IAM user's own keys, without SessionToken")
        );
    }
    if let Some(form) = misfit(&[
        (Form::AccessKeyId, keys.access_key_id()),
        (Form::SecretAccessKey, keys.secret_access_key()),
    ]) {
        bail!(
            Failure::new(format!(
                "the command of {} prints something else than keys: its {} is none",
                command.origin,
                form.name()
            ))
            .hint(KEYS)
        );
    }
    Ok(LongTermKeys {
        access_key_id: keys.access_key_id().to_owned(),
        secret_access_key: Secret::new(keys.secret_access_key()),
    })
}

/// The SDK hands our environment on, and our standard input, which may both hold the code.
#[cfg(unix)]
fn prepared(command: &str, running: &str) -> String {
    let input = if std::io::stdin().is_terminal() {
        ""
    } else {
        "exec </dev/null\n"
    };
    format!(
        "unset {CODE}; export {RUNNING}={}\n{input}{command}",
        quoted(running)
    )
}

#[cfg(not(unix))]
fn prepared(command: &str, running: &str) -> String {
    format!("set \"{CODE}=\" & set \"{RUNNING}={running}\" & {command}")
}

/// The command failed, and said why; or what it printed cannot be read, and may be a secret.
fn wrong(command: &Chosen<String>, why: &str) -> Failure {
    let mut hint = KEYS;
    let problem = match why.split_once(BEFORE_STDERR) {
        Some((_, said)) => {
            let mut said = said.trim();
            // It may be this tool.
            if let Some((before, theirs)) = said.rsplit_once("\nhint: ") {
                (said, hint) = (before, theirs);
            }
            let last = said.lines().last().unwrap_or("it says nothing");
            format!("failed: {}", last.trim_start_matches("error: "))
        }
        None => "does not print keys".to_owned(),
    };
    Failure::new(format!("the command of {} {problem}", command.origin)).hint(hint)
}
