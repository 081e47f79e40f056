//! Which sections are meant: the names that follow from profile and suffixes.

use anyhow::{Result, bail};

use super::{Chosen, INHERITED, Origin, default, first, flag, variable};
use crate::cli::Sections;
use crate::environment::Environment;
use crate::error::Failure;

/// Which sections are meant.
#[derive(Debug)]
pub struct Target {
    /// The profile as the user names it.
    pub profile: Chosen<String>,
    /// The section with the long-term keys.
    pub long_term: String,
    /// The section for the temporary credentials.
    pub short_term: String,
    /// Who chose the two sections' suffixes.
    pub suffixes: [Origin; 2],
    /// The command that writes the long-term section.
    pub setup_command: String,
}

/// Names the sections.
///
/// # Errors
/// When the names could not stand in a file, or both are the same.
pub fn target(sections: &Sections, environment: &Environment) -> Result<Target> {
    let profile = first([
        flag("--profile", sections.profile.as_ref()),
        variable(environment, "AWS_PROFILE"),
    ])
    .unwrap_or_else(|| default("default".to_owned()));
    let long_term_suffix = first([
        flag("--long-term-suffix", sections.long_term_suffix.as_ref()),
        variable(environment, "MFA_LONG_TERM_SUFFIX"),
    ])
    .unwrap_or_else(|| default("long-term".to_owned()));
    let short_term_suffix = first([
        flag("--short-term-suffix", sections.short_term_suffix.as_ref()),
        variable(environment, "MFA_SHORT_TERM_SUFFIX"),
    ])
    .unwrap_or_else(|| default("none".to_owned()));
    for name in [&profile, &long_term_suffix, &short_term_suffix] {
        if !is_name_part(&name.value) {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) cannot be part of a section's name",
                    name.value.escape_debug(),
                    name.origin
                ))
                .hint("leave out brackets, `#`, `;` and blanks at the ends")
            );
        }
    }
    let section = |suffix: &str| {
        if suffix.eq_ignore_ascii_case("none") {
            profile.value.clone()
        } else {
            format!("{}-{suffix}", profile.value)
        }
    };
    let (long_term, short_term) = (
        section(&long_term_suffix.value),
        section(&short_term_suffix.value),
    );
    if long_term == short_term {
        bail!(Failure::new(format!(
            "long-term and temporary credentials would share the section [{long_term}]: the suffixes are the same"
        ))
        .hint("with `--long-term-suffix none` give a `--short-term-suffix`, for example `mfa`"));
    }
    if short_term == INHERITED {
        bail!(Failure::new(format!(
            "[{INHERITED}] cannot hold temporary credentials: some tools let every section inherit from it"
        ))
        .hint("use another profile; the default profile is `default`, in small letters"));
    }
    let setup_command = [
        ("profile", &profile.value, &Origin::Flag("--profile")),
        (
            "long-term-suffix",
            &long_term_suffix.value,
            &long_term_suffix.origin,
        ),
        (
            "short-term-suffix",
            &short_term_suffix.value,
            &short_term_suffix.origin,
        ),
    ]
    .into_iter()
    .filter(|(_, _, origin)| matches!(origin, Origin::Flag(_)))
    .fold("mfa-creds setup".to_owned(), |command, (flag, value, _)| {
        format!("{command} --{flag} {}", quoted(value))
    });
    Ok(Target {
        profile,
        long_term,
        short_term,
        suffixes: [long_term_suffix.origin, short_term_suffix.origin],
        setup_command,
    })
}

/// Whether a text can be a section's name, or a part of it.
pub fn is_name_part(text: &str) -> bool {
    text.trim() == text && !text.contains(|c: char| c.is_control() || "[]#;".contains(c))
}

/// A word for a shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./+@:,=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
