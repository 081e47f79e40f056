//! Checks for environment variables that take precedence over the files.

use super::checklist::Checklist;
use crate::cli::{Profile, PromptFlags};
use crate::commands::obtain::name::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN};
use crate::core::environment::credentials::SECURITY_TOKEN;
use crate::core::environment::{CODE, Environment, SETTINGS};
use crate::core::shell_words;
use crate::core::text::masked;
use crate::files::profiles::config_header;
use crate::plan::{self, Inputs, Setting};
use crate::prompt::terminal::DEFAULT_PROMPT_TIMEOUT;

const SUBJECT: &str = "environment";
const KEYS: [&str; 4] = [
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    SECURITY_TOKEN,
];
const CONTAINER: &str = "AWS tools use the container's credentials if a profile has none";
/// Other places that AWS tools get credentials from, and when.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
const OTHER_SOURCES: [(&str, &str); 3] = [
    (plan::TOKEN_FILE, plan::PREFER_TOKEN),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", CONTAINER),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", CONTAINER),
];
/// Checks the variables, and the profiles that they name.
pub fn check(list: &mut Checklist, inputs: &Inputs<'_>, profile: &Setting<String>) {
    let environment = inputs.environment;
    let before = list.len();
    keys(list, inputs, profile);
    for (name, what) in OTHER_SOURCES {
        if environment.text(name).is_some() {
            list.warning(
                SUBJECT,
                format!("{name} is set: {what}"),
                shell_words::unset(name),
            );
        }
    }
    profiles(list, inputs);
    if list.len() == before {
        list.ok(SUBJECT, "no variable takes precedence over the profiles");
    }
    ours(list, environment);
}

fn keys(list: &mut Checklist, inputs: &Inputs<'_>, profile: &Setting<String>) {
    let environment = inputs.environment;
    let is_set = |name: &&str| environment.text(name).is_some();
    let set: Vec<&str> = KEYS.into_iter().filter(is_set).collect();
    if set.is_empty() {
        return;
    }
    let names = set.iter().map(|name| match environment.text(name) {
        Some(id) if *name == ACCESS_KEY_ID => format!("{name} ({})", masked(&id)),
        _ => (*name).to_owned(),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let sections = inputs.names.sections_of(profile.clone(), inputs.files).ok();
    let sections = sections.filter(|sections| {
        let key_source = inputs.key_source(sections);
        key_source.is_some_and(|key_source| key_source.is_of_environment)
    });
    let fix = match sections {
        // The profile needs them.
        Some(sections) => format!(
            "run AWS tools with `{} -- COMMAND`, or name the profile with --profile",
            sections.command("exec")
        ),
        None => shell_words::unset_all(&set),
    };
    let (verb, they) = match set.len() {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    list.warning(
        SUBJECT,
        format!("{names} {verb} set: AWS tools prefer {they} to AWS_PROFILE and [default]"),
        fix,
    );
    let token = environment.text(SECURITY_TOKEN);
    if token.is_some() && token != environment.text(SESSION_TOKEN) {
        list.warning(
            SUBJECT,
            format!("{SECURITY_TOKEN} differs from {SESSION_TOKEN}, and the AWS CLI prefers it"),
            shell_words::unset(SECURITY_TOKEN),
        );
    }
}

fn profiles(list: &mut Checklist, inputs: &Inputs<'_>) {
    let environment = inputs.environment;
    let [profile, other] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    for variable in [profile, other] {
        if let Some(name) = environment.text(variable)
            && !is_known(&name, inputs)
        {
            list.warning(
                SUBJECT,
                format!("{variable} names the profile {name}, which is in neither file"),
                format!("{}, or name another profile", shell_words::unset(variable)),
            );
        }
    }
    if let Some(name) = environment.text(other)
        && environment.text(profile).as_ref() != Some(&name)
    {
        list.warning(
            SUBJECT,
            format!(
                "{other} is set: the AWS CLI uses the profile {name}, but mfa-creds and other tools do not"
            ),
            format!("{}, and set {profile}", shell_words::unset(other)),
        );
    }
}

/// Whether a profile exists, or can be created.
fn is_known(name: &str, inputs: &Inputs<'_>) -> bool {
    let files = inputs.files;
    let asked = Profile {
        name: Some(name.to_owned()),
    };
    let meant = inputs.single_profile(&asked);
    files.credentials.document.has(name)
        || config_header(&files.config.document, name).is_some()
        || inputs.candidates().contains(&meant.value)
}

fn ours(list: &mut Checklist, environment: &Environment) {
    let set = SETTINGS
        .iter()
        .copied()
        .filter(|name| environment.text(name).is_some());
    let set: Vec<&str> = set.collect();
    if !set.is_empty() {
        list.ok(SUBJECT, format!("set for mfa-creds: {}", set.join(", ")));
    }
    if environment.text(CODE).is_some_and(|code| code != "-") {
        list.warning(
            SUBJECT,
            format!("{CODE} is set: AWS accepts each code only once, and only for a minute or two"),
            shell_words::unset(CODE),
        );
    }
    list.attempt(
        SUBJECT,
        plan::PromptSettings::new(&PromptFlags::default(), environment, DEFAULT_PROMPT_TIMEOUT),
    );
    list.attempt(SUBJECT, plan::min_ttl(None, environment));
}
