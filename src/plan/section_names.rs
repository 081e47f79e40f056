//! Decides the names of a profile's sections from the profile and the suffixes.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cli::Suffixes;
use crate::core::environment::{
    AWS_LOGIN_CACHE_DIRECTORY, Environment, MFA_LONG_TERM_SUFFIX, MFA_SHORT_TERM_SUFFIX,
};
use crate::core::error::Failure;
use crate::core::text;
use crate::files::profiles::{File, Files, config_header, key};
use crate::files::section_format;
use crate::plan::includes::of_profile;
use crate::plan::login::login_session;
use crate::plan::precedence::Precedence;
use crate::plan::setting::{INHERITED, Origin, Setting, default, first, flag, variable};
use crate::plan::{DEFAULT_PROFILE, LoginSession};

/// The suffix of a role's section: AWS tools would not read keys in a section with the role profile's own name.
const BESIDE_ROLE: &str = "mfa";

/// The suffixes that name the sections of a profile.
#[derive(Debug)]
pub struct SectionNames {
    long_term: Setting<String>,
    short_term: Setting<String>,
    /// Where AWS tools store the sessions of `aws login`, if the environment says so.
    login_cache: Option<PathBuf>,
}

/// The sections of a profile.
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
    /// The flags that make a command find the same sections, to append to it.
    pub flags: String,
    /// What AWS tools use instead of the section to write.
    pub precedence: Option<Precedence>,
    /// The section with a `credential_process` that keys in the section to write would override.
    pub credential_process_at: Option<String>,
    /// The section with a session of `aws login` that keys in the section to write would override.
    pub login_session_at: Option<String>,
    /// The role of the profile in one of the files.
    pub(super) role: Option<Setting<String>>,
    /// The session of `aws login` that its credentials come from, if it has no role and no long-term keys.
    pub login: Option<Box<LoginSession>>,
    /// Keys in the section with the profile's own name, which hide that session from AWS tools.
    pub(super) before_login: Option<KeysBeforeLogin>,
    /// Where the credentials are stored.
    pub storage: Storage,
}

/// Keys that hide a session of `aws login`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeysBeforeLogin {
    /// Those of a session that was written by us, or by aws-mfa.
    Ours,
    /// Somebody else's.
    Foreign,
}

/// Where the temporary credentials of a profile are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Storage {
    /// In its section of the credentials file, for every tool.
    Section,
    /// In the session file, because AWS tools would use keys in the section and not run the `credential_process`.
    ForProcess,
    /// In the session file, because the section must be neither read nor written.
    NoStore,
    /// In the session file, apart from the other credentials of the profile, because this flag requests another session scope.
    ForScope(&'static str),
    /// In the cache of AWS tools: they are those of `aws login`.
    LoginCache,
}

impl Storage {
    /// Whether the section is neither read nor written.
    pub fn is_private(self) -> bool {
        self != Self::Section
    }
}

impl Default for SectionNames {
    /// The default suffixes.
    fn default() -> Self {
        Self {
            long_term: default("long-term".to_owned()),
            short_term: default("none".to_owned()),
            login_cache: None,
        }
    }
}

impl SectionNames {
    /// From the flags and the environment.
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
            login_cache: environment.path(AWS_LOGIN_CACHE_DIRECTORY),
        })
    }

    /// The directory where AWS tools store the sessions of `aws login`, if the environment names one.
    pub(super) fn login_cache(&self) -> Option<&Path> {
        self.login_cache.as_deref()
    }

    /// The files with the sessions of `aws login` that the config file names, as far as they exist.
    pub fn login_files(&self, files: &Files<'_>) -> Vec<PathBuf> {
        let headers = files.config.document.names();
        let identities = headers.filter_map(|header| login_session(&files.config, header));
        let sessions = identities.map(|identity| LoginSession::of(identity, self.login_cache()));
        let mut found: Vec<PathBuf> = Vec::new();
        for LoginSession { cache, .. } in sessions.filter_map(Result::ok) {
            if cache.exists() && !found.contains(&cache) {
                found.push(cache);
            }
        }
        found
    }

    /// The section with the long-term keys of a profile.
    pub(super) fn long_term(&self, profile: &str) -> String {
        section(profile, &self.long_term.value)
    }

    /// The section for the temporary credentials of a profile that is not a role in the config file.
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

    /// The role whose credentials are in this section, if the section is not a profile itself.
    pub(super) fn written_for(&self, section: &str, files: &Files<'_>) -> Option<String> {
        let config = &files.config.document;
        if files.credentials.document.has(&self.long_term(section))
            || of_profile(
                files,
                section,
                config_header(config, section),
                key::ROLE_ARN,
            )
            .is_some()
        {
            return None;
        }
        let suffix = match self.short_term.origin {
            Origin::Default => BESIDE_ROLE,
            _ if is_none(&self.short_term.value) => return None,
            _ => &self.short_term.value,
        };
        let profile = section.strip_suffix(suffix)?.strip_suffix('-')?;
        of_profile(
            files,
            profile,
            config_header(config, profile),
            key::ROLE_ARN,
        )?;
        Some(profile.to_owned())
    }

    /// Names the sections of a profile.
    pub fn sections_by_name(&self, profile: Setting<String>) -> Result<ProfileSections> {
        self.named(profile, &self.short_term)
    }

    /// The same for a profile that may be a role. AWS tools assume such a role and ignore a section with its
    /// name, so the section gets a suffix, unless one is set.
    pub fn sections_of(
        &self,
        profile: Setting<String>,
        files: &Files<'_>,
    ) -> Result<ProfileSections> {
        let config = &files.config;
        let header = config_header(&config.document, &profile.value);
        let role = of_profile(files, &profile.value, header, key::ROLE_ARN);
        let login = match &role {
            Some(_) => None,
            None => self.login_of(&profile.value, files)?,
        };
        // Keys in a section with the profile's own name would hide its session of `aws login`.
        let beside = role.as_ref().map(|role| &role.origin);
        let beside = beside.or(login.as_ref().map(|login| &login.identity.origin));
        let suffix = match beside {
            Some(origin) if self.short_term.origin == Origin::Default => &Setting {
                value: BESIDE_ROLE.to_owned(),
                origin: origin.clone(),
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
        let before_login = login
            .as_ref()
            .and_then(|_| KeysBeforeLogin::of(&sections.profile.value, &files.credentials));
        Ok(ProfileSections {
            precedence,
            role,
            login,
            before_login,
            ..sections
        }
        .beside_other_sources(files))
    }

    /// The session of `aws login` that a profile without a role gets its credentials from. Its own long-term keys come first.
    fn login_of(&self, profile: &str, files: &Files<'_>) -> Result<Option<Box<LoginSession>>> {
        let Files {
            credentials,
            config,
        } = files;
        let header = config_header(&config.document, profile);
        let identity = header.and_then(|header| login_session(config, header));
        let has_keys = || {
            credentials.document.has(&self.long_term(profile))
                || section_format::holds_long_term_keys(credentials, profile)
        };
        let identity = identity.filter(|_| !has_keys());
        identity
            .map(|identity| LoginSession::of(identity, self.login_cache()).map(Box::new))
            .transpose()
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
            .hint("with `--long-term-suffix none`, also set `--short-term-suffix`, for example to `mfa`"));
        }
        if short_term == INHERITED {
            bail!(Failure::new(format!(
                "[{INHERITED}] cannot contain temporary credentials: in some tools, every section inherits from it"
            ))
            .hint("use another profile; the default profile is `default`, in lower case"));
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
            login_session_at: None,
            role: None,
            login: None,
            before_login: None,
            storage: Storage::Section,
        })
    }

    /// The command that writes the long-term section of a profile, whatever profile the environment names.
    pub(super) fn setup_command(&self, profile: &str) -> String {
        self.setup_command_of(&format!(" {}", text::flag("--profile", profile)))
    }

    /// The same for the requested profile.
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

    /// The flags that make a command find the same sections, to append to it.
    pub fn flags(&self, profile: &Setting<String>) -> String {
        if names_default(profile) {
            self.suffix_flags()
        } else {
            self.flags_of(&profile.value)
        }
    }

    /// The same for a profile at the end of a chain.
    pub(super) fn flags_of(&self, profile: &str) -> String {
        format!(" {}{}", text::flag("-p", profile), self.suffix_flags())
    }

    /// The flags for the suffixes, if flags set them.
    pub fn suffix_flags(&self) -> String {
        let mut flags = String::new();
        for (flag, suffix) in [
            ("--long-term-suffix", &self.long_term),
            ("--short-term-suffix", &self.short_term),
        ] {
            if matches!(suffix.origin, Origin::Flag(_)) {
                flags = format!("{flags} {}", text::flag(flag, &suffix.value));
            }
        }
        flags
    }
}

impl KeysBeforeLogin {
    fn of(section: &str, credentials: &File<'_>) -> Option<Self> {
        let has = |key| credentials.get(section, key).is_some();
        has(key::AWS_ACCESS_KEY_ID).then(|| {
            if has(key::ASSUMED_ROLE) {
                Self::Ours
            } else {
                Self::Foreign
            }
        })
    }
}

fn section(profile: &str, suffix: &str) -> String {
    if is_none(suffix) {
        profile.to_owned()
    } else {
        format!("{profile}-{suffix}")
    }
}

/// Whether a command without a flag means this profile. After a flag it does not: the flag may have overridden the environment.
fn names_default(profile: &Setting<String>) -> bool {
    profile.value == DEFAULT_PROFILE && !matches!(profile.origin, Origin::Flag(_))
}

/// The sections that make AWS tools get the credentials of a profile in another way, with each of these keys.
fn places_of<const N: usize>(
    keys: [&str; N],
    profile: &str,
    files: &Files<'_>,
) -> [Option<String>; N] {
    let Files {
        credentials,
        config,
    } = files;
    let header = config_header(&config.document, profile);
    let places = [(config, header), (credentials, Some(profile))].map(|(file, section)| {
        let section = section.filter(|section| file.document.may_have(section, &keys))?;
        Some((file, section))
    });
    keys.map(|key| {
        places.iter().flatten().find_map(|(file, section)| {
            file.get(section, key)?;
            Some(format!("[{section}] in {}", file.path.display()))
        })
    })
}

fn is_none(suffix: &str) -> bool {
    suffix.eq_ignore_ascii_case("none")
}

/// What a name must be like to be part of a section name, for people.
pub const NAME_RULE: &str = "use a name without brackets, `#`, `;`, or spaces at its ends";

fn check_name_part(name: &Setting<String>) -> Result<()> {
    if is_name_part(&name.value) {
        return Ok(());
    }
    bail!(
        Failure::new(format!(
            "`{}` ({}) cannot be part of a section name",
            name.value.escape_debug(),
            name.origin
        ))
        .hint(NAME_RULE)
    )
}

impl ProfileSections {
    fn beside_other_sources(self, files: &Files<'_>) -> Self {
        let keys = [key::CREDENTIAL_PROCESS, key::LOGIN_SESSION];
        let [credential_process_at, login_session_at] = places_of(keys, &self.short_term, files);
        Self {
            credential_process_at,
            login_session_at,
            ..self
        }
    }

    /// The same, stored elsewhere.
    pub fn kept(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// The same, stored in the default place: in the section, unless keys there would override a `credential_process`. If the
    /// section already has our credentials, they are still renewed there.
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

    /// The same, with a setting in the section to write itself that overrides its keys, if the config file has none: botocore
    /// merges both files.
    pub fn overridden_by_itself(self, credentials: &File<'_>) -> Self {
        let precedence = self
            .precedence
            .or_else(|| Precedence::of(&self.short_term, credentials));
        Self { precedence, ..self }
    }

    /// The command line for the profile; an empty name means the renewal.
    pub fn command(&self, name: &str) -> String {
        let command = format!("mfa-creds {name}");
        format!("{}{}", command.trim_end(), self.flags)
    }

    /// How to write the credentials of the profile where AWS tools read them, if they do not read the section with the profile's
    /// own name; none if the suffix is set.
    pub fn way_out_beside(&self) -> Option<String> {
        let is_chosen = self.suffixes[1] != Origin::Default;
        let command = format!("{} --short-term-suffix {BESIDE_ROLE}", self.command(""));
        (!is_chosen).then(|| format!("run `{command}` to write a section that they read"))
    }

    /// The name of the credentials in messages: their section, or the profile if they have none.
    pub fn label(&self) -> String {
        match self.storage {
            Storage::Section => format!("[{}]", self.short_term),
            Storage::ForProcess | Storage::NoStore | Storage::ForScope(_) | Storage::LoginCache => {
                self.profile.value.clone()
            }
        }
    }

    /// Whether the section to write has a derived name, next to a role or a session of `aws login`.
    pub(super) fn is_beside_role(&self) -> bool {
        matches!(&self.suffixes[1], Origin::File { key, .. } if [key::ROLE_ARN, key::LOGIN_SESSION].contains(key))
    }
}

/// Whether a text can be a section name, or part of one.
pub fn is_name_part(text: &str) -> bool {
    text.trim() == text && !text.contains(|c: char| c.is_control() || "[]#;".contains(c))
}
