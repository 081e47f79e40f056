//! From a profile to the long-term keys that it hangs on: the walk along `source_profile`, as the AWS tools walk it.

use anyhow::{Error, Result};

use crate::core::error::Failure;
use crate::files::profiles::{Files, NAME_A_FILE, config_header, key, profile_of};
use crate::files::section_format;
use crate::plan::chosen::{Chosen, in_file, inherited};
use crate::plan::sections::{check_sections, is_no_file, missing_long_term, nearest};
use crate::plan::target::{Naming, Target};

/// A profile on the way.
#[derive(Debug)]
pub(super) struct Link {
    pub profile: String,
    /// Its section in the credentials file, where that holds its settings.
    pub long_term: Option<String>,
    /// Its header in the config file.
    pub config: Option<String>,
}

/// A role on the way.
#[derive(Debug)]
pub(super) struct Hop {
    /// Whose it is, by its place among the links.
    pub link: usize,
    pub arn: Chosen<String>,
}

/// Where the keys are.
#[derive(Debug)]
pub(super) struct BaseSection {
    pub section: String,
    /// In the config file, where the AWS tools take keys from, too.
    pub in_config: bool,
}

/// The whole way. The base belongs to the last link.
#[derive(Debug)]
pub(super) struct Walk {
    /// From the profile that is asked for to the base.
    pub links: Vec<Link>,
    /// In the same order: the last one is assumed first.
    pub roles: Vec<Hop>,
    pub base: BaseSection,
}

/// Why there is no way.
#[derive(Debug)]
pub(super) enum NoWay {
    /// The credentials come from something else than the keys of a user, which is nobody's mistake.
    Elsewhere(Failure),
    /// Somebody has to mend something.
    Broken(Error),
}

impl From<NoWay> for Error {
    fn from(no_way: NoWay) -> Self {
        match no_way {
            NoWay::Elsewhere(failure) => failure.into(),
            NoWay::Broken(error) => error,
        }
    }
}

impl From<Error> for NoWay {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Failure> for NoWay {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure.into())
    }
}

/// Finds the way. The role is the one that the profile itself shall have.
///
/// # Errors
/// Loops and dead ends, and sections that cannot be read in one way only.
pub(super) fn walk(
    role: Option<Chosen<String>>,
    target: &Target,
    naming: &Naming,
    files: &Files<'_>,
) -> Result<Walk, NoWay> {
    let walker = Walker {
        target,
        naming,
        files,
    };
    let walk = walker.walk(role)?;
    for link in &walk.links {
        if let Some(section) = &link.long_term {
            check_sections(&files.credentials, &[section])?;
        }
        if let Some(header) = &link.config {
            check_sections(&files.config, &[header])?;
        }
    }
    Ok(walk)
}

struct Walker<'a> {
    target: &'a Target,
    naming: &'a Naming,
    files: &'a Files<'a>,
}

/// What a profile is when its credentials are looked for.
enum Found {
    Base(BaseSection),
    Role(Chosen<String>),
}

impl Walker<'_> {
    fn walk(&self, role: Option<Chosen<String>>) -> Result<Walk, NoWay> {
        let target = self.target;
        let has_own = self.files.credentials.document.has(&target.long_term);
        let own_base = BaseSection {
            section: target.long_term.clone(),
            in_config: false,
        };
        let mut links = vec![self.link(&target.profile.value)];
        let in_config = role.as_ref().is_some_and(Chosen::is_of_config);
        let mut roles: Vec<Hop> = role.map(|arn| Hop { link: 0, arn }).into_iter().collect();
        let mut source = self.source(&links[0]);
        // As everywhere, the long-term section comes before the config file.
        if has_own {
            return Ok(Walk {
                links,
                roles,
                base: own_base,
            });
        }
        if roles.is_empty() || source.is_none() && !in_config {
            if let Some(base) = self.keys_in_config(&links[0]) {
                return Ok(Walk { links, roles, base });
            }
            let credentials = &self.files.credentials;
            return Err(missing_long_term(target, self.naming, credentials).into());
        }
        loop {
            let from = &links[links.len() - 1];
            let Some(next) = source else {
                return Err(self.without_source(from));
            };
            let link = self.link(&next.value);
            match self.find(&link, &next, &links)? {
                Found::Base(base) => {
                    // aws-mfa's way: a role in the long-term section is what the profile's own section holds.
                    let arn = self.own_role(&base);
                    links.push(link);
                    if let Some(arn) = arn {
                        let link = links.len() - 1;
                        roles.push(Hop { link, arn });
                    }
                    return Ok(Walk { links, roles, base });
                }
                Found::Role(arn) => {
                    source = self.source(&link);
                    links.push(link);
                    let link = links.len() - 1;
                    roles.push(Hop { link, arn });
                }
            }
        }
    }

    fn link(&self, profile: &str) -> Link {
        let credentials = &self.files.credentials;
        let long_term = self.naming.long_term(profile);
        let own = section_format::holds_usable_long_term_keys(credentials, profile)
            .then(|| profile.to_owned());
        Link {
            profile: profile.to_owned(),
            long_term: if credentials.document.has(&long_term) {
                Some(long_term)
            } else {
                own
            },
            config: config_header(&self.files.config.document, profile).map(str::to_owned),
        }
    }

    /// As in the AWS tools, the keys of a source come before its role.
    fn find(
        &self,
        link: &Link,
        named_by: &Chosen<String>,
        before: &[Link],
    ) -> Result<Found, NoWay> {
        if let Some(section) = &link.long_term {
            return Ok(Found::Base(BaseSection {
                section: section.clone(),
                in_config: false,
            }));
        }
        if let Some(base) = self.keys_in_config(link) {
            return Ok(Found::Base(base));
        }
        if before.iter().any(|other| other.profile == link.profile) {
            return Err(self.looped(link, before).into());
        }
        let header = link.config.as_deref();
        match header.and_then(|header| in_file(&self.files.config, header, key::ROLE_ARN)) {
            Some(arn) => Ok(Found::Role(arn)),
            None => Err(self.dead_end(link, named_by)),
        }
    }

    /// Keys in the profile of the config file, where the AWS tools take them from, too.
    fn keys_in_config(&self, link: &Link) -> Option<BaseSection> {
        let header = link.config.as_ref()?;
        let usable = section_format::holds_usable_long_term_keys(&self.files.config, header);
        usable.then(|| BaseSection {
            section: header.clone(),
            in_config: true,
        })
    }

    fn own_role(&self, base: &BaseSection) -> Option<Chosen<String>> {
        if base.in_config {
            return None;
        }
        inherited(&self.files.credentials, &base.section, key::ASSUME_ROLE)
    }

    fn source(&self, link: &Link) -> Option<Chosen<String>> {
        in_file(
            &self.files.config,
            link.config.as_ref()?,
            key::SOURCE_PROFILE,
        )
    }

    fn without_source(&self, link: &Link) -> NoWay {
        let config = &self.files.config;
        let path = config.path.display();
        let header = link.config.as_deref().unwrap_or_default();
        let other = [key::CREDENTIAL_SOURCE, key::WEB_IDENTITY_TOKEN_FILE]
            .into_iter()
            .find(|key| config.get(header, key).is_some());
        NoWay::Elsewhere(match other {
            Some(other) => Failure::new(format!(
                "[{header}] in {path} has its role assumed by {other}, not by a user with long-term keys"
            ))
            .hint(format!(
                "the AWS tools get such credentials by themselves; for a user's MFA it needs source_profile in place of {other}"
            )),
            None => Failure::new(format!(
                "[{header}] in {path} has role_arn without source_profile"
            ))
            .hint(format!(
                "write `source_profile = NAME` there, with the profile whose keys assume the role; or write them into [{}]",
                self.naming.long_term(&link.profile)
            )),
        })
    }

    fn looped(&self, link: &Link, before: &[Link]) -> Failure {
        let start = before
            .iter()
            .position(|other| other.profile == link.profile)
            .unwrap_or_default();
        let round: Vec<&str> = before[start..]
            .iter()
            .chain([link])
            .map(|link| link.profile.as_str())
            .collect();
        Failure::new(format!(
            "source_profile in {} leads in a loop: {}",
            self.files.config.path.display(),
            round.join(" -> ")
        ))
        .hint("one of them must name a profile with long-term keys")
    }

    /// The error where the AWS tools get the credentials of a source by themselves: there are no long-term keys to be written.
    fn elsewhere(&self, link: &Link, named_by: &Chosen<String>) -> Option<Failure> {
        let Files {
            credentials,
            config,
        } = self.files;
        let profile = &link.profile;
        let places = [(config, link.config.as_ref()), (credentials, Some(profile))];
        let source = places.into_iter().find_map(|(file, section)| {
            let section = section?;
            let mut sources = key::OTHER_SOURCES.into_iter();
            sources.find(|source| {
                *source != key::CREDENTIAL_PROCESS && file.get(section, source).is_some()
            })
        })?;
        let failure = Failure::new(format!(
            "the profile {profile} ({}) gets its credentials by {source}, not from a user with long-term keys",
            named_by.origin
        ));
        Some(failure.hint(
            "the AWS tools get such credentials, and assume the role with them, by themselves: it needs no mfa-creds",
        ))
    }

    fn dead_end(&self, link: &Link, named_by: &Chosen<String>) -> NoWay {
        let Link {
            profile, config, ..
        } = link;
        let origin = &named_by.origin;
        let credentials = &self.files.credentials;
        let long_term = self.naming.long_term(profile);
        let setup = self.naming.setup_command(profile);
        let by_setup = || {
            if is_no_file(credentials) {
                NAME_A_FILE.to_owned()
            } else {
                format!("`{setup}` writes [{long_term}]")
            }
        };
        if let Some(failure) = self.elsewhere(link, named_by) {
            return NoWay::Elsewhere(failure);
        }
        if section_format::holds_long_term_keys(credentials, profile)
            && credentials.get(profile, key::AWS_ACCESS_KEY_ID).is_some()
        {
            let failure = Failure::new(format!(
                "the profile {profile} ({origin}) has long-term keys beside a session token, in [{profile}] of {}, which AWS refuses",
                credentials.path.display()
            ));
            return NoWay::Elsewhere(
                failure.hint(format!("`{setup}` moves them to [{long_term}]")),
            );
        }
        if credentials.get(profile, key::AWS_ACCESS_KEY_ID).is_some() {
            let failure = Failure::new(format!(
                "the profile {profile} ({origin}) has no long-term keys: [{profile}] in {} holds temporary credentials, or half of a key",
                credentials.path.display()
            ));
            return NoWay::Elsewhere(failure.hint(format!(
                "if an IAM user's own keys are at hand, `{setup}` writes them to [{long_term}]"
            )));
        }
        if credentials.document.has(profile) || config.is_some() {
            let failure = Failure::new(format!(
                "the profile {profile} ({origin}) has neither long-term keys nor a role"
            ));
            let in_config = config
                .as_ref()
                .and_then(|header| self.files.config.get(header, key::CREDENTIAL_PROCESS));
            let command = in_config.or_else(|| credentials.get(profile, key::CREDENTIAL_PROCESS));
            return NoWay::Elsewhere(match command {
                Some(_) => failure.hint(format!(
                    "a credential_process that prints long-term keys belongs into [{long_term}]"
                )),
                None => failure.hint(by_setup()),
            });
        }
        let failure = Failure::new(format!("there is no profile {profile} ({origin})"));
        let names = credentials.document.names();
        let bases = names.filter_map(|name| self.naming.profile_of(name));
        let others = self.files.config.document.names().filter_map(profile_of);
        match nearest(profile, bases.chain(others)) {
            Some(name) => failure.hint(format!("did you mean source_profile = {name}?")),
            None => failure.hint(by_setup()),
        }
        .into()
    }
}
