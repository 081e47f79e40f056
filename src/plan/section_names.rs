//! Decides the names of a profile's sections from the profile and the suffixes.

use anyhow::{Result, bail};

use crate::cli::Suffixes;
use crate::core::environment::{Environment, MFA_LONG_TERM_SUFFIX, MFA_SHORT_TERM_SUFFIX};
use crate::core::error::Failure;
use crate::core::text::{self, quoted};
use crate::files::profiles::{File, Files, config_header, key};
use crate::files::section_format;
use crate::plan::DEFAULT_PROFILE;
use crate::plan::precedence::Precedence;
use crate::plan::setting::{INHERITED, Origin, Setting, default, first, flag, in_file, variable};

/// What is written behind a role's profile, where the section of the profile's own name would not be read.
const BESIDE_ROLE: &str = "mfa";

/// How the sections of a profile are called.
#[derive(Debug)]
pub struct SectionNames {
    long_term: Setting<String>,
    short_term: Setting<String>,
}

/// Which sections are meant.
#[derive(Debug)]
pub struct ProfileSections {
    /// The profile as the user names it.
    pub profile: Setting<String>,
    /// The section with the long-term keys.
    pub long_term: String,
    /// The section for the temporary credentials.
    pub short_term: String,
    /// Who chose the two sections' suffixes.
    pub suffixes: [Origin; 2],
    /// The command that writes the long-term section.
    pub setup_command: String,
    /// The flags by which a command finds the same sections, as they are typed behind it.
    pub flags: String,
    /// What the AWS tools take in place of the section to write.
    pub precedence: Option<Precedence>,
    /// The section with a `credential_process`, where keys in the section to write would come before that.
    pub credential_process_at: Option<String>,
    /// Where the credentials are kept.
    pub storage: Storage,
}

/// Where the temporary credentials of a profile are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Storage {
    /// In its section of the credentials file, for every tool.
    Section,
    /// In the file of sessions, as AWS tools would take keys in the section and not run the `credential_process`.
    ForProcess,
    /// In the file of sessions, as the section shall neither be read nor written.
    NoStore,
}

impl Storage {
    /// Whether the section is left alone.
    pub fn is_private(self) -> bool {
        self != Self::Section
    }
}

impl Default for SectionNames {
    /// As when nobody says otherwise.
    fn default() -> Self {
        Self {
            long_term: default("long-term".to_owned()),
            short_term: default("none".to_owned()),
        }
    }
}

impl SectionNames {
    /// As asked for.
    pub fn new(suffixes: &Suffixes, environment: &Environment) -> Result<Self> {
        let usual = Self::default();
        let long_term = first([
            flag("--long-term-suffix", suffixes.long_term_suffix.as_ref()),
            variable(environment, MFA_LONG_TERM_SUFFIX),
        ])
        .unwrap_or(usual.long_term);
        let short_term = first([
            flag("--short-term-suffix", suffixes.short_term_suffix.as_ref()),
            variable(environment, MFA_SHORT_TERM_SUFFIX),
        ])
        .unwrap_or(usual.short_term);
        check_name_part(&long_term)?;
        check_name_part(&short_term)?;
        Ok(Self {
            long_term,
            short_term,
        })
    }

    /// The section with the long-term keys of a profile.
    pub(super) fn long_term(&self, profile: &str) -> String {
        section(profile, &self.long_term.value)
    }

    /// The section for the temporary credentials of a profile, where no role of the config file is in the way.
    pub(super) fn short_term(&self, profile: &str) -> String {
        section(profile, &self.short_term.value)
    }

    /// The profile whose long-term keys are in this section.
    pub fn profile_of<'s>(&self, long_term: &'s str) -> Option<&'s str> {
        let suffix = &self.long_term.value;
        if is_none(suffix) {
            return Some(long_term);
        }
        let profile = long_term.strip_suffix(suffix.as_str())?.strip_suffix('-')?;
        (!profile.is_empty()).then_some(profile)
    }

    /// The role whose credentials are in the section of this name, if that is no profile of its own.
    pub(super) fn written_for(&self, section: &str, files: &Files<'_>) -> Option<String> {
        let config = &files.config.document;
        if files.credentials.document.has(&self.long_term(section))
            || config_header(config, section)
                .is_some_and(|header| files.config.get(header, key::ROLE_ARN).is_some())
        {
            return None;
        }
        let suffix = match self.short_term.origin {
            Origin::Default => BESIDE_ROLE,
            _ if is_none(&self.short_term.value) => return None,
            _ => &self.short_term.value,
        };
        let profile = section.strip_suffix(suffix)?.strip_suffix('-')?;
        let header = config_header(config, profile)?;
        files.config.get(header, key::ROLE_ARN)?;
        Some(profile.to_owned())
    }

    /// Names the sections of a profile.
    pub fn sections_by_name(&self, profile: Setting<String>) -> Result<ProfileSections> {
        self.named(profile, &self.short_term)
    }

    /// The same for a profile that may be a role in the config file: a section of its name would be written in vain, as
    /// the AWS tools assume the role in its place. So another one is, unless a suffix says otherwise.
    pub fn sections_of(
        &self,
        profile: Setting<String>,
        files: &Files<'_>,
    ) -> Result<ProfileSections> {
        let config = &files.config;
        let header = config_header(&config.document, &profile.value);
        let role = header.and_then(|header| in_file(config, header, key::ROLE_ARN));
        let suffix = match role {
            Some(role) if self.short_term.origin == Origin::Default => &Setting {
                value: BESIDE_ROLE.to_owned(),
                origin: role.origin,
            },
            _ => &self.short_term,
        };
        let sections = self.named(profile, suffix)?;
        let header = if sections.short_term == sections.profile.value {
            header
        } else {
            config_header(&config.document, &sections.short_term)
        };
        let precedence = header.and_then(|header| Precedence::of(header, config));
        Ok(ProfileSections {
            precedence,
            ..sections
        }
        .beside_process(files))
    }

    fn named(
        &self,
        profile: Setting<String>,
        short_term_suffix: &Setting<String>,
    ) -> Result<ProfileSections> {
        check_name_part(&profile)?;
        let long_term = self.long_term(&profile.value);
        let short_term = section(&profile.value, &short_term_suffix.value);
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
        let flags = self.flags(&profile);
        let setup_command = self.setup_command_for(&profile);
        Ok(ProfileSections {
            profile,
            long_term,
            short_term,
            suffixes: [
                self.long_term.origin.clone(),
                short_term_suffix.origin.clone(),
            ],
            setup_command,
            flags,
            precedence: None,
            credential_process_at: None,
            storage: Storage::Section,
        })
    }

    /// The command that writes the long-term section of a profile, whatever profile the environment names.
    pub(super) fn setup_command(&self, profile: &str) -> String {
        self.setup_command_of(&format!(" {}", text::flag("--profile", profile)))
    }

    /// The same for the profile that is asked for.
    pub fn setup_command_for(&self, profile: &Setting<String>) -> String {
        if names_default(profile) {
            self.setup_command_of("")
        } else {
            self.setup_command(&profile.value)
        }
    }

    fn setup_command_of(&self, profile_flag: &str) -> String {
        format!("mfa-creds setup{profile_flag}{}", self.suffix_flags())
    }

    /// The flags by which a command finds the same sections, as they are typed behind it.
    pub fn flags(&self, profile: &Setting<String>) -> String {
        if names_default(profile) {
            self.suffix_flags()
        } else {
            self.flags_of(&profile.value)
        }
    }

    /// The same for a profile that another one has led to.
    pub(super) fn flags_of(&self, profile: &str) -> String {
        format!(" {}{}", text::flag("-p", profile), self.suffix_flags())
    }

    /// The flags that name the suffixes, where flags did.
    pub fn suffix_flags(&self) -> String {
        let mut flags = String::new();
        for (flag, suffix) in [
            ("long-term-suffix", &self.long_term),
            ("short-term-suffix", &self.short_term),
        ] {
            if matches!(suffix.origin, Origin::Flag(_)) {
                flags = format!("{flags} --{flag} {}", quoted(&suffix.value));
            }
        }
        flags
    }
}

fn section(profile: &str, suffix: &str) -> String {
    if is_none(suffix) {
        profile.to_owned()
    } else {
        format!("{profile}-{suffix}")
    }
}

/// Whether it is the profile that is meant where neither a flag nor the environment names one. A flag may have been there
/// because the environment does.
fn names_default(profile: &Setting<String>) -> bool {
    profile.value == DEFAULT_PROFILE && !matches!(profile.origin, Origin::Flag(_))
}

/// The section that has the AWS tools run a command for the credentials of a profile.
fn credential_process_at(profile: &str, files: &Files<'_>) -> Option<String> {
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, profile);
    let places = [(config, header), (credentials, Some(profile))];
    places.into_iter().find_map(|(file, section)| {
        file.get(section?, key::CREDENTIAL_PROCESS)?;
        Some(format!("[{}] in {}", section?, file.path.display()))
    })
}

fn is_none(suffix: &str) -> bool {
    suffix.eq_ignore_ascii_case("none")
}

fn check_name_part(name: &Setting<String>) -> Result<()> {
    if is_name_part(&name.value) {
        return Ok(());
    }
    bail!(
        Failure::new(format!(
            "`{}` ({}) cannot be part of a section's name",
            name.value.escape_debug(),
            name.origin
        ))
        .hint("leave out brackets, `#`, `;` and blanks at the ends")
    )
}

impl ProfileSections {
    fn beside_process(self, files: &Files<'_>) -> Self {
        Self {
            credential_process_at: credential_process_at(&self.short_term, files),
            ..self
        }
    }

    /// The same, kept elsewhere.
    pub fn kept(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// The same, kept where the credentials belong when nobody says otherwise: in the section, unless that would keep AWS
    /// tools from running a `credential_process`. Where it does so already, it goes on to be renewed.
    pub fn in_its_place(self, credentials: &File<'_>) -> Self {
        let has_ours = || {
            let has = |key| credentials.get(&self.short_term, key).is_some();
            has(key::ASSUMED_ROLE)
                && has(key::AWS_ACCESS_KEY_ID)
                && !section_format::holds_long_term_keys(credentials, &self.short_term)
        };
        if self.credential_process_at.is_some() && !has_ours() {
            self.kept(Storage::ForProcess)
        } else {
            self
        }
    }

    /// The same, with what stands in the section to write itself and comes before its keys, where the config file has nothing like
    /// it: botocore takes both files together.
    pub fn overridden_by_itself(self, credentials: &File<'_>) -> Self {
        let precedence = self
            .precedence
            .or_else(|| Precedence::of(&self.short_term, credentials));
        Self { precedence, ..self }
    }

    /// How a command of ours is typed for the profile; an empty name for the renewal.
    pub fn command(&self, name: &str) -> String {
        let command = format!("mfa-creds {name}");
        format!("{}{}", command.trim_end(), self.flags)
    }

    /// The command that writes the credentials of the profile where the AWS tools read them, when they do not read the section
    /// of the profile's own name; none where somebody chose the suffix.
    pub fn command_beside(&self) -> Option<String> {
        let is_chosen = self.suffixes[1] != Origin::Default;
        (!is_chosen).then(|| format!("{} --short-term-suffix {BESIDE_ROLE}", self.command("")))
    }

    /// What messages call the credentials: by their section, or by the profile where they have none.
    pub fn label(&self) -> String {
        match self.storage {
            Storage::Section => format!("[{}]", self.short_term),
            Storage::ForProcess | Storage::NoStore => self.profile.value.clone(),
        }
    }

    /// Whether the section to write has a name that nobody chose, beside a role of the config file.
    pub(super) fn is_beside_role(&self) -> bool {
        matches!(&self.suffixes[1], Origin::File { key, .. } if *key == key::ROLE_ARN)
    }
}

/// Whether a text can be a section's name, or a part of it.
pub fn is_name_part(text: &str) -> bool {
    text.trim() == text && !text.contains(|c: char| c.is_control() || "[]#;".contains(c))
}
