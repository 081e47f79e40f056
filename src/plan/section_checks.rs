//! Refuses sections that cannot be used: ambiguous sections, sections with keys that must not be overwritten, and missing sections.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, bail};

use crate::core::error::Failure;
use crate::core::text::{flag, nearest};
use crate::files::document::{Irregularity, Note, Property, Section};
use crate::files::profiles::{File, Files, config_header, key, name_a_file, profile_of};
use crate::files::section_format;
use crate::plan::other_sources::{OF_SSO, sign_in_to_sso};
use crate::plan::section_names::{ProfileSections, SectionNames};
use crate::plan::setting::Origin;

/// How many names a hint lists.
pub const MOST_NAMES: usize = 10;

/// The prefix of the access key ID of an IAM user.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>.
const LONG_TERM_PREFIX: &str = "AKIA";

/// The keys that AWS tools sign with.
const CREDENTIAL_KEYS: [&str; 4] = [
    key::AWS_ACCESS_KEY_ID,
    key::AWS_SECRET_ACCESS_KEY,
    key::AWS_SESSION_TOKEN,
    key::AWS_SECURITY_TOKEN,
];

/// Whether the credentials file is a device, as in scripts that set it to `/dev/null` to have none.
pub(super) fn is_no_file(credentials: &File<'_>) -> bool {
    credentials.path.starts_with("/dev")
}

/// Refuses ambiguous sections.
pub fn check_sections(file: &File<'_>, sections: &[&str]) -> Result<()> {
    let path = file.path.display();
    for section in sections {
        let malformed = file
            .document
            .notes()
            .iter()
            .find(|note| note.what.is_malformed() && file.document.is_in(note, section));
        if let Some(note) = malformed {
            bail!(Failure::new(format!("{path}:{} {}", note.line, note.what)).hint(format!(
                "fix the line, which is in [{section}]; AWS tools reject the whole file because of it"
            )));
        }
        check_unique(file, section)?;
    }
    Ok(())
}

/// Refuses a repeated section, a repeated key, and a value of several lines where only one is valid.
pub fn check_unique(file: &File<'_>, section: &str) -> Result<()> {
    let path = file.path.display();
    let lines: Vec<usize> = file.document.sections(section).map(Section::line).collect();
    if let [first, .., last] = lines[..] {
        bail!(Failure::new(format!(
            "{path}:{last} starts [{section}] again, after line {first}"
        ))
        .hint("merge the sections; the AWS SDKs use the last value of each key, and the AWS CLI rejects the file"));
    }
    for part in file.document.sections(section) {
        let properties = part.properties();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for property in &properties {
            let of_one_line = key::OF_ONE_LINE.iter().any(|key| property.is(key));
            if of_one_line && property.lines() > 1 {
                bail!(Failure::new(format!(
                    "{path}:{} sets {} in [{section}], and the indented lines below it would become part of the value",
                    property.line, property.key
                ))
                .hint("indent the next key or section no more than that line"));
            }
            let key = property.key.to_ascii_lowercase();
            if let Some(earlier) = seen.insert(key, property.line) {
                bail!(Failure::new(format!(
                    "{path}:{} sets {} in [{section}] again, after line {}",
                    property.line, property.key, earlier
                ))
                .hint("remove one of the lines; the AWS SDKs use the last one, and the AWS CLI rejects the file"));
            }
        }
    }
    Ok(())
}

/// A value that some AWS tools misread.
pub struct SpoiledValue {
    /// Which value it is, and how they read it.
    pub problem: String,
    pub fix: &'static str,
}

/// The credentials in a section that some AWS tools misread.
pub fn spoiled_values(file: &File<'_>, section: &str) -> Vec<SpoiledValue> {
    let mut spoiled = Vec::new();
    let properties = file
        .document
        .sections(section)
        .flat_map(Section::properties);
    for property in properties {
        let is_quoted = property.value().trim().starts_with(['"', '\'']);
        if !is_quoted && !property.has_comment() {
            continue;
        }
        let Some(key) = CREDENTIAL_KEYS.iter().find(|key| property.is(key)) else {
            continue;
        };
        let name = format!("{key} of [{section}] in {}", file.path.display());
        if is_quoted {
            spoiled.push(SpoiledValue {
                problem: format!(
                    "{name} is in quotation marks, which AWS tools treat as part of the value"
                ),
                fix: "remove the quotation marks",
            });
        }
        if property.has_comment() {
            spoiled.push(SpoiledValue {
                problem: format!(
                    "{name} is followed by a comment, which the AWS CLI treats as part of the value"
                ),
                fix: "move the comment to a line of its own",
            });
        }
    }
    spoiled
}

/// The lines of a file that some AWS tool misreads. All tools ignore blanks after the name in `[profile name ]`.
pub fn notes<'f>(file: &'f File<'_>) -> impl Iterator<Item = &'f Note> {
    let is_profile = |note: &Note| {
        let mut names = file.document.names();
        names.any(|name| {
            profile_of(name).is_some_and(|of| of != name) && file.document.is_in(note, name)
        })
    };
    let notes = file.document.notes().iter();
    notes.filter(move |note| note.what != Irregularity::BlanksBehindName || !is_profile(note))
}

/// The first repeated section or key of a file.
pub fn first_repeat(file: &File<'_>) -> Option<String> {
    let path = file.path.display();
    let mut sections: HashMap<&str, usize> = HashMap::new();
    for section in file
        .document
        .all()
        .filter(|section| !section.name().is_empty())
    {
        let (name, line) = (section.name(), section.line());
        // With blanks in one of the headers, the AWS CLI reads two different names.
        let has_blanks = file
            .document
            .notes()
            .iter()
            .any(|note| note.what.is_blank_in_header() && file.document.is_in(note, name));
        if let Some(first) = sections.insert(name, line)
            && !has_blanks
        {
            return Some(format!(
                "{path}:{line} starts [{name}] again, after line {first}"
            ));
        }
        let mut keys: HashMap<String, usize> = HashMap::new();
        for Property { key, line, .. } in section.properties() {
            if let Some(first) = keys.insert(key.to_ascii_lowercase(), line) {
                return Some(format!(
                    "{path}:{line} sets {key} in [{name}] again, after line {first}"
                ));
            }
        }
    }
    None
}

/// Refuses to write a section with a derived name if that section belongs to something else.
pub(super) fn check_not_of_another(
    sections: &ProfileSections,
    names: &SectionNames,
    files: &Files<'_>,
) -> Result<()> {
    let (section, profile) = (&sections.short_term, &sections.profile.value);
    let credentials = &files.credentials;
    let hint = "use --short-term-suffix, or rename one of them";
    let other = names.long_term(section);
    if section != profile && other != *section && credentials.document.has(&other) {
        bail!(
            Failure::new(format!(
                "[{section}] would be written for two profiles: for {profile}, and for {section}, which has [{other}]"
            ))
            .hint(hint)
        );
    }
    let is_foreign = section_format::is_foreign(credentials, section)
        || section_format::has_other_source(&files.config, section);
    if sections.is_beside_role() && is_foreign {
        bail!(
            Failure::new(format!(
                "[{section}] would be written for {profile}, but it has credentials from another source"
            ))
            .hint(format!("{hint}, or remove [{section}]"))
        );
    }
    Ok(())
}

/// The error for missing long-term keys, with the most likely fix.
pub(super) fn missing_long_term(
    sections: &ProfileSections,
    names: &SectionNames,
    files: &Files<'_>,
) -> Failure {
    let Files {
        credentials,
        config,
    } = files;
    let ProfileSections {
        profile,
        long_term,
        short_term,
        setup_command,
        ..
    } = sections;
    let problem = format!(
        "there is no section [{long_term}] in {}",
        credentials.path.display()
    );
    let failure = Failure::new(&problem);
    if credentials.document.has(&profile.value)
        && let Some(base) = names
            .profile_of(&profile.value)
            .filter(|base| *base != profile.value)
    {
        return failure.hint(format!(
            "name the profile without the suffix: {}",
            flag("--profile", base)
        ));
    }
    if section_format::holds_long_term_keys(credentials, short_term) && !sections.is_beside_role() {
        return failure.hint(format!(
            "[{short_term}] contains long-term keys; move them with `{setup_command}`"
        ));
    }
    let others = with_long_term_sections(names, credentials);
    let with = |key| {
        config.document.names().filter_map(move |header| {
            config.get(header, key)?;
            profile_of(header)
        })
    };
    let logins: Vec<&str> = with(key::LOGIN_SESSION).collect();
    let known = others.iter().chain(&logins).copied();
    match nearest(&profile.value, known.chain(with(key::ROLE_ARN))) {
        Some(name) => failure.hint(match profile.origin {
            Origin::Environment(variable) => format!(
                "{variable} is {}; did you mean {}?",
                profile.value,
                flag("--profile", name)
            ),
            _ => format!("did you mean {}?", flag("--profile", name)),
        }),
        None if is_no_file(credentials) => failure.hint(name_a_file()),
        None if !logins.is_empty() && !has_keys(files) => failure.hint(format!(
            "name a profile that is signed in with `aws login`: {}",
            flag("--profile", logins[0])
        )),
        None if !has_keys(files) => not_set_up(&problem, setup_command, files),
        None if others.is_empty() => failure.hint(format!("run `{setup_command}` to write it")),
        // Nobody named this one.
        None if profile.origin == Origin::Default && others.len() == 1 => failure.hint(format!(
            "use {}, or run `{setup_command}` to write it",
            flag("--profile", others[0])
        )),
        None => failure.hint(format!(
            "run `{setup_command}` to write it; {}",
            keys_for(&others)
        )),
    }
}

/// The error for a profile whose user signs in to IAM Identity Center, unless it has keys in the way. If no profile has keys, the user must be
/// told of `setup`.
pub(super) fn signed_in(
    sections: &ProfileSections,
    names: &SectionNames,
    files: &Files<'_>,
) -> Option<Failure> {
    let Files {
        credentials,
        config,
    } = files;
    let name = &sections.profile.value;
    let header = config_header(&config.document, name)?;
    let has = |key: &str| config.get(header, key).is_some();
    let has_sso = key::SSO.into_iter().any(has);
    if !has_sso || !has_keys(files) || section_format::holds_long_term_keys(credentials, name) {
        return None;
    }
    let others = with_long_term_sections(names, credentials);
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("; {}", keys_for(&others))
    };
    let failure = Failure::new(format!(
        "[{header}] in {} gets its credentials from {OF_SSO}, not from a user's long-term keys",
        config.path.display()
    ));
    Some(failure.hint(format!(
        "{}: AWS tools then use the profile without mfa-creds{others}",
        sign_in_to_sso(name, has)
    )))
}

/// The profiles that have a long-term section, each once.
fn with_long_term_sections<'f>(names: &SectionNames, credentials: &'f File<'_>) -> Vec<&'f str> {
    let mut seen = HashSet::new();
    let sections = credentials.document.names();
    sections
        .filter_map(|name| names.profile_of(name).filter(|profile| *profile != name))
        .filter(|profile| seen.insert(*profile))
        .collect()
}

fn keys_for(profiles: &[&str]) -> String {
    let shown = &profiles[..profiles.len().min(MOST_NAMES)];
    format!("there are keys for: {}", shown.join(", "))
}

/// Whether there are keys of any profile, or a command that prints them.
fn has_keys(files: &Files<'_>) -> bool {
    let Files {
        credentials,
        config,
    } = files;
    let mut sections = credentials.document.names();
    let mut headers = config.document.names();
    sections.any(|section| section_format::has_keys(credentials, section))
        || headers.any(|header| section_format::holds_usable_long_term_keys(config, header))
}

/// The error if no profile has keys, with the first command to type.
pub fn not_set_up(what: &str, setup_command: &str, files: &Files<'_>) -> Failure {
    let config = &files.config;
    let has_sso = config
        .document
        .names()
        .any(|header| config.get(header, key::SSO_ACCOUNT_ID).is_some());
    let sso = if has_sso {
        "; profiles of IAM Identity Center (SSO) work without mfa-creds"
    } else {
        ""
    };
    Failure::new(format!("mfa-creds is not set up: {what}")).hint(format!(
        "run `{setup_command}` to store your long-term keys{sso}"
    ))
}

/// The error for a secret without its access key ID.
pub fn secret_in_the_way(section: &str, credentials: &File<'_>) -> Failure {
    let path = credentials.path.display();
    let has_id = credentials.get(section, key::AWS_ACCESS_KEY_ID).is_some();
    Failure::new(if has_id {
        format!("[{section}] in {path} contains a secret access key that mfa-creds did not write, next to a session's access key ID")
    } else {
        format!("[{section}] in {path} contains a secret access key without its ID, which mfa-creds never overwrites")
    })
    .hint("remove the secret in an editor, or add its aws_access_key_id")
}

/// The error for an IAM user's own keys in the section for the temporary credentials.
pub fn long_term_keys_in_the_way(sections: &ProfileSections, credentials: &File<'_>) -> Failure {
    let ProfileSections {
        long_term,
        short_term,
        setup_command,
        ..
    } = sections;
    let path = credentials.path.display();
    if credentials
        .get(short_term, key::AWS_ACCESS_KEY_ID)
        .is_none()
    {
        return secret_in_the_way(short_term, credentials);
    }
    let is_of_aws = credentials
        .get(short_term, key::AWS_ACCESS_KEY_ID)
        .is_some_and(|id| id.starts_with(LONG_TERM_PREFIX));
    if !is_of_aws && credentials.get(short_term, key::ASSUMED_ROLE).is_some() {
        return Failure::new(format!(
            "[{short_term}] in {path} contains keys that mfa-creds did not write, and never overwrites"
        ))
        .hint(format!(
            "if they are from an old session, remove them in an editor; if they are an IAM user's own keys, rename [{short_term}]"
        ));
    }
    let failure = Failure::new(format!(
        "[{short_term}] in {path} contains long-term keys, which mfa-creds never overwrites"
    ));
    let has = |key| credentials.get(long_term, key).is_some();
    let is_same = |key: &&str| credentials.get(long_term, key) == credentials.get(short_term, key);
    let pair = [key::AWS_ACCESS_KEY_ID, key::AWS_SECRET_ACCESS_KEY];
    if sections.is_beside_role() {
        // `setup` moves only keys in the section that is named like the profile.
        failure.hint(format!(
            "[{short_term}] is for the credentials of the role: rename it in an editor, or use --short-term-suffix"
        ))
    } else if pair.iter().all(is_same) {
        failure.hint(format!(
            "[{long_term}] has the same keys: run `{setup_command}` to remove them from [{short_term}]"
        ))
    } else if has(key::AWS_ACCESS_KEY_ID) {
        failure.hint(format!(
            "[{long_term}] also has keys: run `{setup_command}`, which asks whether to replace them with those in [{short_term}]"
        ))
    } else if has(key::CREDENTIAL_PROCESS) {
        failure.hint(format!(
            "[{long_term}] gets its keys from a credential_process: rename [{short_term}] in an editor to keep its keys"
        ))
    } else {
        failure.hint(format!("move them to [{long_term}] with `{setup_command}`"))
    }
}
