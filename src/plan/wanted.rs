//! Decides what the credentials of a profile must satisfy: for which role, with which session scope, and how long. It precedes every
//! command, so it looks only at what the files mention.

use anyhow::{Result, bail};
use chrono::TimeDelta;

use crate::core::environment::MFA_ASSUME_ROLE;
use crate::core::error::Failure;
use crate::files::freshness::Wanted;
use crate::files::profiles::{Files, Values, config_header, key};
use crate::plan::Inputs;
use crate::plan::includes::of_profile;
use crate::plan::role_chain::{self, ChainProfile, ChainRole, RoleChain};
use crate::plan::section_names::ProfileSections;
use crate::plan::session_scope::{self, ScopeSource, SessionScope};
use crate::plan::setting::{INHERITED, Origin, Setting, first, flag, variable};

/// Where the settings of a profile itself are.
struct OwnSettings<'a> {
    /// Its long-term section, and the section that this inherits from.
    long_term: [(&'a str, Values<'a>); 2],
    /// Its header in the config file.
    header: Option<&'a str>,
    /// Its role in one of the files.
    role: Option<&'a Setting<String>>,
}

/// Where the settings of a role are.
pub(super) struct RolePlace<'a> {
    profile: &'a str,
    /// Its section with long-term keys in the credentials file.
    long_term: Option<&'a str>,
    /// Its section in the credentials file with the profile's own name.
    own: Option<&'a str>,
    /// Its header in the config file.
    header: Option<&'a str>,
    /// Whether the flags are about it.
    is_requested: bool,
}

impl<'a> RolePlace<'a> {
    pub(super) fn of(profile: &'a ChainProfile, role: &ChainRole) -> Self {
        Self {
            profile: &profile.name,
            long_term: profile.long_term.as_deref(),
            own: profile.own.as_deref(),
            header: profile.config.as_deref(),
            is_requested: role.profile == 0,
        }
    }
}

/// How to name a role.
pub(super) const NAME_A_ROLE: &str = "use --assume-role ARN, or the profile of a role";
/// Longer chains of profiles are followed in any case.
const MOST_SOURCES: usize = 8;

impl Inputs<'_> {
    /// The requested role, if any, with its ARN.
    pub fn wanted_role(&self, sections: &ProfileSections) -> Option<Setting<String>> {
        self.role_in(sections, &self.own_settings(sections))
    }

    fn own_settings<'s>(&'s self, sections: &'s ProfileSections) -> OwnSettings<'s> {
        let Files {
            credentials,
            config,
        } = self.files;
        let section = sections.long_term.as_str();
        OwnSettings {
            long_term: [section, INHERITED].map(|section| (section, credentials.values(section))),
            header: config_header(&config.document, &sections.profile.value),
            role: sections.role.as_ref(),
        }
    }

    fn role_in(
        &self,
        sections: &ProfileSections,
        own: &OwnSettings<'_>,
    ) -> Option<Setting<String>> {
        let credentials = &self.files.credentials;
        let in_long_term = || {
            let mut places = own.long_term.iter();
            places.find_map(|(section, values)| {
                let value = values.get(key::ASSUME_ROLE)?;
                let origin = Origin::of_file(credentials, section, key::ASSUME_ROLE);
                Some(Setting { value, origin })
            })
        };
        first([
            flag("--assume-role", self.request.assume_role.as_ref()),
            variable(self.environment, MFA_ASSUME_ROLE),
        ])
        .or_else(in_long_term)
        .or_else(|| own.role.cloned())
        .map(|role| self.with_arn(role, sections, own.header))
    }

    /// What the credentials of a profile must satisfy.
    pub fn wanted(&self, sections: &ProfileSections, min_ttl: &Setting<u32>) -> Result<Wanted> {
        let own = self.own_settings(sections);
        let role = self.role_in(sections, &own);
        let session_scope = if self.may_have_scope(sections, &own) {
            self.wanted_scope(sections, role.as_ref())?.wanted()
        } else {
            None
        };
        Ok(Wanted {
            role_arn: role.map(|role| role.value),
            session_scope,
            min_ttl: TimeDelta::seconds(min_ttl.value.into()),
            force: self.request.force,
        })
    }

    /// Whether something may set the session scope. Quickly answered, because this precedes every command.
    fn may_have_scope(&self, sections: &ProfileSections, own: &OwnSettings<'_>) -> bool {
        let Files {
            credentials,
            config,
        } = self.files;
        let keys = &session_scope::KEYS;
        let [(_, long_term), _] = &own.long_term;
        self.request.scope.first_flag().is_some()
            || own.long_term.iter().any(|(_, values)| values.has_any(keys))
            || own.header.is_some_and(|header| {
                let values = config.values(header);
                values.has_any(keys) || values.has_any(&[key::INCLUDE_PROFILE])
            })
            || (long_term.is_empty() || own.role.is_some())
                && credentials.values(&sections.profile.value).has_any(keys)
            || long_term.is_empty()
                && self.sources_may_have_scope(&sections.profile.value, own.header)
    }

    /// The same for the profiles that a profile leads to.
    fn sources_may_have_scope(&self, profile: &str, header: Option<&str>) -> bool {
        let Files {
            credentials,
            config,
        } = self.files;
        let source = |profile: &str, header| {
            of_profile(self.files, profile, header, key::SOURCE_PROFILE).map(|source| source.value)
        };
        let mut next = source(profile, header);
        // A loop is an error elsewhere.
        for _ in 0..MOST_SOURCES {
            let Some(profile) = next else { return false };
            let header = config_header(&config.document, &profile);
            let long_term = self.names.long_term(&profile);
            if header.is_some_and(|header| {
                let values = config.values(header);
                values.has_any(&session_scope::KEYS) || values.has_any(&[key::INCLUDE_PROFILE])
            }) || credentials.values(&long_term).has_any(&session_scope::KEYS)
                || credentials.values(&profile).has_any(&session_scope::KEYS)
            {
                return true;
            }
            next = source(&profile, header);
        }
        true
    }

    /// The session scope of the requested role, with what it inherits from the roles before it.
    fn scope_in_chain(&self, chain: &RoleChain) -> Result<SessionScope> {
        let scopes = chain.roles.iter().rev().map(|role| {
            let place = RolePlace::of(&chain.profiles[role.profile], role);
            self.scope_of(&role.arn, &place)
        });
        let mut scopes: Vec<SessionScope> = scopes.collect::<Result<_>>()?;
        session_scope::inherit(&mut scopes)?;
        Ok(scopes.pop().unwrap_or_default())
    }

    /// The session scope of the requested role. AWS supports none without a role, so it is refused.
    fn wanted_scope(
        &self,
        sections: &ProfileSections,
        role: Option<&Setting<String>>,
    ) -> Result<SessionScope> {
        let profile = &sections.profile.value;
        let header = config_header(&self.files.config.document, profile);
        let long_term = role_chain::settings_section(profile, self.names, &self.files.credentials);
        let own = role_chain::own_section(profile, header, self.files);
        let place = RolePlace {
            profile,
            long_term: long_term.as_deref(),
            own: own.as_deref(),
            header,
            is_requested: true,
        };
        if let Some(role) = role {
            return if self.sources_may_have_scope(profile, header) {
                self.scope_in_chain(&self.role_chain(sections)?)
            } else {
                self.scope_of(role, &place)
            };
        }
        let source = self.scope_source(None, &place);
        let Some(origin) = source.first_origin() else {
            return Ok(SessionScope::default());
        };
        // Another mistake is the more likely one.
        self.role_chain(sections)?;
        bail!(
            Failure::new(format!(
                "{origin} needs a role: AWS supports session policies, session tags, and a source identity only for roles"
            ))
            .hint(NAME_A_ROLE)
        )
    }

    /// The session scope of a role.
    pub(super) fn scope_of(
        &self,
        role: &Setting<String>,
        place: &RolePlace<'_>,
    ) -> Result<SessionScope> {
        self.scope_source(Some(role), place).scope(role)
    }

    /// Where the session scope of a role can come from. The settings of a profile do not apply to another role than its own, unless they
    /// are next to long-term keys.
    fn scope_source<'s>(
        &'s self,
        role: Option<&Setting<String>>,
        place: &RolePlace<'s>,
    ) -> ScopeSource<'s> {
        let Files {
            credentials,
            config,
        } = self.files;
        let own = of_profile(self.files, place.profile, place.header, key::ROLE_ARN);
        let is_of_another = own.is_some_and(|own| role.is_none_or(|role| role.value != own.value));
        ScopeSource {
            flags: place.is_requested.then_some(&self.request.scope),
            long_term: place.long_term.map(|section| (credentials, section)),
            own: place
                .own
                .filter(|_| !is_of_another)
                .map(|section| (credentials, section)),
            config: place
                .header
                .filter(|_| !is_of_another)
                .map(|header| (config, header)),
        }
    }
}
