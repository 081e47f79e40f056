//! Checks for traces of other tools that write the same sections.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::checklist::Checklist;
use crate::core::environment::Environment;
use crate::core::shell_words;
use crate::files::profiles::{File, Files, config_header, key};
use crate::plan::ProfileSections;

const SUBJECT: &str = "other tools";

/// Keys that only one tool writes to a section of the credentials file; those of aws-mfa are ours, too.
const MARKS: [(&str, &str); 5] = [
    ("x_principal_arn", "saml2aws"),
    ("x_security_token_expires", "saml2aws or okta-aws-cli"),
    ("autoawsume", "awsume"),
    ("awsumepy_command", "awsume"),
    ("aws_expiration", "aws-azure-login"),
];
/// awsume writes this key with its own name, and does not touch sections without such a line.
const MANAGER: (&str, &str) = ("manager", "awsume");
/// Programs that print credentials as a `credential_process`.
const PRINTERS: [(&str, &str); 8] = [
    ("aws-vault", "aws-vault"),
    ("granted", "Granted"),
    ("dgranted", "Granted"),
    ("leapp", "Leapp"),
    ("vegas-credentials", "vegas-credentials"),
    ("saml2aws", "saml2aws"),
    ("aws-sso-util", "aws-sso-util"),
    ("aws-runas", "aws-runas"),
];
/// The tool that this one replaces.
const AWS_MFA: &str = "aws-mfa";

/// Looks for traces of other tools in the files, and for aws-mfa.
pub fn check(
    list: &mut Checklist,
    environment: &Environment,
    files: &Files<'_>,
    sections: Option<&ProfileSections>,
) {
    let before = list.len();
    let credentials = &files.credentials;
    let mut elsewhere = BTreeSet::new();
    for section in credentials.document.names() {
        let Some(tool) = writer(credentials, section) else {
            continue;
        };
        match sections.filter(|sections| sections.short_term == section) {
            Some(sections) => list.warning(
                SUBJECT,
                format!(
                    "{tool} also writes [{section}] in {}: the tools overwrite each other's credentials",
                    credentials.path.display()
                ),
                format!(
                    "use another section for one of them, for example with: {} --short-term-suffix mfa",
                    sections.command("")
                ),
            ),
            None => {
                elsewhere.insert(format!("{tool} writes [{section}]"));
            }
        }
    }
    if let Some(sections) = sections {
        printer(list, files, sections);
    }
    if let Some(other) = aws_mfa(environment) {
        list.warning(
            SUBJECT,
            format!(
                "{} is another program; aws-mfa from PyPI truncates and rewrites the file, and drops its comments",
                other.display()
            ),
            shell_words::replace_aws_mfa(&other),
        );
    }
    if !elsewhere.is_empty() {
        let elsewhere: Vec<String> = elsewhere.into_iter().collect();
        list.ok(SUBJECT, elsewhere.join(", "));
    }
    if list.len() == before {
        list.ok(SUBJECT, "no traces in the files");
    }
}

/// The other tool that wrote a section.
fn writer(credentials: &File<'_>, section: &str) -> Option<&'static str> {
    let (key, name) = MANAGER;
    if credentials.get(section, key).as_deref() == Some(name) {
        return Some(name);
    }
    let values = credentials.values(section);
    let mut marks = MARKS.iter();
    marks
        .find(|(key, _)| values.get(key).is_some())
        .map(|(_, tool)| *tool)
}

/// The other tool that prints the credentials of the profile.
fn printer(list: &mut Checklist, files: &Files<'_>, sections: &ProfileSections) {
    let config = &files.config;
    let Some(header) = config_header(&config.document, &sections.profile.value) else {
        return;
    };
    let command = config.get(header, key::CREDENTIAL_PROCESS);
    let program = command.as_deref().and_then(program);
    let tool = PRINTERS.iter().find(|(name, _)| Some(*name) == program);
    if let Some((_, tool)) = tool {
        list.warning(
            SUBJECT,
            format!(
                "AWS tools get the credentials of [{header}] in {} from {tool}, not from mfa-creds",
                config.path.display()
            ),
            format!(
                "change it to: credential_process = {} --format process",
                sections.command("export")
            ),
        );
    }
}

/// The name of the program in a command.
fn program(command: &str) -> Option<&str> {
    let word = match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => command.split_whitespace().next(),
    };
    let name = word?.rsplit(['/', '\\']).next()?;
    Some(name.strip_suffix(".exe").unwrap_or(name))
}

/// The `aws-mfa` in `PATH`, unless it is this program.
fn aws_mfa(environment: &Environment) -> Option<PathBuf> {
    let path = environment.path("PATH")?;
    let name = format!("{AWS_MFA}{}", std::env::consts::EXE_SUFFIX);
    let mut places = std::env::split_paths(&path).map(|directory| directory.join(&name));
    let found = places.find(|place| place.is_file())?;
    let us = std::env::current_exe()
        .and_then(|us| us.canonicalize())
        .ok();
    let is_us = us.is_some() && found.canonicalize().ok() == us;
    (!is_us).then_some(found)
}
