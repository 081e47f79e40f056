//! Decides what the session of a role may do at most, and what is known about it: session policies, session tags, and source
//! identity. AWS's limits are checked here, before a code is asked for.

mod inheritance;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use self::inheritance::Inherited;
pub(super) use self::inheritance::inherit;
use crate::cli;
use crate::core::arn::Arn;
use crate::core::digest;
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::files::freshness::WantedScope;
use crate::files::policy_file;
use crate::files::profiles::{File, in_home, key};
use crate::plan::includes::Includes;
use crate::plan::setting::{Origin, Setting, flag, in_file, inherited};

/// How long the session policies may be together, in characters.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const MOST_CHARACTERS: usize = 2048;
/// How many managed policies there may be.
const MOST_POLICY_ARNS: usize = 10;
/// How many tags there may be, and how long their keys and values.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html>.
const MOST_TAGS: usize = 50;
const MOST_OF_KEY: usize = 128;
const MOST_OF_VALUE: usize = 256;
/// The prefix that AWS reserves for its own tags, in any case.
const RESERVED: &str = "aws:";
/// The resource of AWS's policy for reading.
/// See <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html>.
const READ_ONLY_ACCESS: &str = "policy/ReadOnlyAccess";
/// The account in the ARN of a policy that AWS manages.
const AWS_ACCOUNT: &str = "aws";

/// The keys of a section that set it.
pub(super) const KEYS: [&str; 6] = [
    key::SESSION_POLICY,
    key::SESSION_POLICY_ARNS,
    key::READ_ONLY,
    key::SESSION_TAGS,
    key::TRANSITIVE_SESSION_TAGS,
    key::SOURCE_IDENTITY,
];

/// The session policies, the session tags, and the source identity of a role's session.
#[derive(Clone, Debug, Default)]
pub struct SessionScope {
    /// The session can do what the role and one of these policies allow. Without any, it can do what the role allows.
    pub policies: Vec<Setting<SessionPolicy>>,
    pub tags: Option<Setting<Vec<Tag>>>,
    /// The keys of the tags that the roles assumed from this session inherit.
    pub transitive_tags: Option<Setting<Vec<String>>>,
    pub source_identity: Option<Setting<String>>,
    /// What earlier roles of the chain add to it.
    inherited: Inherited,
}

/// A session policy. <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SessionPolicy {
    /// The policy itself, and the file that it is from.
    Inline { path: PathBuf, document: String },
    /// The ARN of a managed policy.
    Managed(String),
}

/// A session tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// Where the settings of a role can come from.
pub(super) struct ScopeSource<'a> {
    pub flags: Option<&'a cli::Scope>,
    /// The section with the long-term keys, or with the settings beside them.
    pub long_term: Option<(&'a File<'a>, &'a str)>,
    /// The section of a role in the credentials file, unless it is about another role.
    pub own: Option<(&'a File<'a>, &'a str)>,
    /// The profile in the config file, unless it is about another role.
    pub config: Option<(&'a File<'a>, &'a str)>,
}

impl fmt::Display for SessionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { path, .. } => write!(f, "{}", path.display()),
            Self::Managed(arn) => f.write_str(arn),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl SessionScope {
    /// By what its credentials are recognized later; none if nothing is set. The order of policies and tags has no meaning for AWS.
    pub fn wanted(&self) -> Option<WantedScope> {
        let mut parts: Vec<(&str, &str)> = Vec::new();
        for policy in &self.policies {
            parts.push(match &policy.value {
                SessionPolicy::Inline { document, .. } => ("policy", document),
                SessionPolicy::Managed(arn) => ("policy ARN", arn),
            });
        }
        let tags: Vec<String> = self.tags().iter().map(Tag::to_string).collect();
        parts.extend(tags.iter().map(|tag| ("tag", tag.as_str())));
        let transitive = self.transitive_tags().iter();
        let transitive: Vec<String> = transitive.map(|key| key.to_lowercase()).collect();
        parts.extend(
            transitive
                .iter()
                .map(|key| ("transitive tag", key.as_str())),
        );
        let Inherited {
            tags: earlier,
            source_identity,
        } = &self.inherited;
        let earlier: Vec<String> = earlier.iter().map(|tag| tag.value.to_string()).collect();
        parts.extend(earlier.iter().map(|tag| ("inherited tag", tag.as_str())));
        let identity = self.source_identity.as_ref().or(source_identity.as_ref());
        parts.extend(identity.map(|identity| ("source identity", identity.value.as_str())));
        if parts.is_empty() {
            return None;
        }
        parts.sort_unstable();
        let lines = parts
            .iter()
            .map(|(kind, value)| format!("{kind} {} {value}\n", value.len()));
        Some(WantedScope {
            digest: digest::sha256(lines.collect::<String>().as_bytes()),
            has_policies: !self.policies.is_empty(),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.tags().is_empty() && self.source_identity.is_none()
    }

    pub fn tags(&self) -> &[Tag] {
        self.tags.as_ref().map_or(&[], |tags| &tags.value)
    }

    pub fn transitive_tags(&self) -> &[String] {
        self.transitive_tags
            .as_ref()
            .map_or(&[], |keys| &keys.value)
    }

    /// A key in a file that sets a part of it. AWS tools do not know these keys.
    pub fn key_in_file(&self) -> Option<&'static str> {
        let policies = self.policies.iter().map(|policy| &policy.origin);
        let tags = self.tags.iter().map(|tags| &tags.origin);
        let identity = self.source_identity.iter().map(|name| &name.origin);
        policies
            .chain(tags)
            .chain(identity)
            .find_map(|origin| match origin {
                Origin::File { key, .. } => Some(*key),
                _ => None,
            })
    }
}

impl ScopeSource<'_> {
    /// The origin of the first setting.
    pub fn first_origin(&self) -> Option<Origin> {
        let flag = self.flags.and_then(cli::Scope::first_flag);
        flag.map(Origin::Flag).or_else(|| {
            let mut keys = KEYS.into_iter();
            keys.find_map(|key| self.in_files(key))
                .map(|setting| setting.origin)
        })
    }

    /// Decides it for a role.
    pub fn scope(&self, role: &Setting<String>) -> Result<SessionScope> {
        let mut policies: Vec<Setting<SessionPolicy>> = Vec::new();
        for policy in self.policies(&role.value)? {
            if policies.iter().all(|other| other.value != policy.value) {
                policies.push(policy);
            }
        }
        check_policies(&policies, role)?;
        let tags = self.tags()?;
        let transitive_tags = self.transitive_tags(tags.as_ref())?;
        let flags = self.flags;
        let source_identity = flags
            .and_then(|flags| flag("--source-identity", flags.source_identity.as_ref()))
            .or_else(|| self.in_files(key::SOURCE_IDENTITY));
        if let Some(identity) = &source_identity
            && !Form::SourceIdentity.fits(&identity.value)
        {
            bail!(
                Failure::new(format!(
                    "`{}` ({}) is not a valid source identity",
                    identity.value, identity.origin
                ))
                .hint("use 2 to 64 letters, digits, and any of _+=,.@-")
            );
        }
        Ok(SessionScope {
            policies,
            tags,
            transitive_tags,
            source_identity,
            inherited: Inherited::default(),
        })
    }

    fn in_long_term(&self, key: &'static str) -> Option<Setting<String>> {
        let (file, section) = self.long_term?;
        inherited(file, section, key)
    }

    fn in_own(&self, key: &'static str) -> Option<Setting<String>> {
        let (file, section) = self.own?;
        in_file(file, section, key)
    }

    fn in_config(&self, key: &'static str) -> Option<Setting<String>> {
        let (file, section) = self.config?;
        in_file(file, section, key).or_else(|| Includes::of(section, file).get(file, key))
    }

    /// Several keys of the profile in the config file or, if it has none of them, of the first included profile that has one.
    fn together<const N: usize>(&self, keys: [&'static str; N]) -> [Option<Setting<String>>; N] {
        let Some((file, section)) = self.config else {
            return [const { None }; N];
        };
        let mut headers = vec![section.to_owned()];
        headers.extend(Includes::of(section, file).headers);
        let mut found = headers
            .iter()
            .map(|header| keys.map(|key| in_file(file, header, key)));
        found
            .find(|values| values.iter().any(Option::is_some))
            .unwrap_or([const { None }; N])
    }

    fn in_files(&self, key: &'static str) -> Option<Setting<String>> {
        self.in_long_term(key)
            .or_else(|| self.in_own(key))
            .or_else(|| self.in_config(key))
    }

    /// The session policies. All of them are from one place: AWS unites them, so one more would give more power.
    fn policies(&self, role_arn: &str) -> Result<Vec<Setting<SessionPolicy>>> {
        let managed = |arn: &str, origin: &Origin| Setting {
            value: SessionPolicy::Managed(arn.to_owned()),
            origin: origin.clone(),
        };
        let mut policies = Vec::new();
        if let Some(flags) = self.flags {
            if flags.read_only {
                let arn = read_only_access(role_arn);
                policies.push(managed(&arn, &Origin::Flag("--read-only")));
            }
            if let Some(path) = flag("--session-policy", flags.session_policy.as_ref()) {
                policies.push(inline(in_home(PathBuf::from(&path.value))?, path.origin)?);
            }
            let origin = Origin::Flag("--policy-arn");
            policies.extend(flags.policy_arns.iter().map(|arn| managed(arn, &origin)));
        }
        if !policies.is_empty() {
            return Ok(policies);
        }
        let of = [
            key::READ_ONLY,
            key::SESSION_POLICY,
            key::SESSION_POLICY_ARNS,
        ];
        let mut places = [
            of.map(|key| self.in_long_term(key)),
            of.map(|key| self.in_own(key)),
        ]
        .into_iter();
        let [read_only, path, arns] = places
            .find(|values| values.iter().any(Option::is_some))
            .unwrap_or_else(|| self.together(of));
        if let Some(read_only) = read_only
            && is_true(&read_only)?
        {
            if let Some(other) = path.as_ref().or(arns.as_ref()) {
                bail!(
                    Failure::new(format!(
                        "{} and {} contradict each other: AWS allows what any of several session policies allows",
                        read_only.origin, other.origin
                    ))
                    .hint("remove one of them")
                );
            }
            policies.push(managed(&read_only_access(role_arn), &read_only.origin));
        }
        if let Some(Setting { value, origin }) = path {
            let path = in_home(PathBuf::from(value))?;
            policies.push(inline(beside(&origin, path), origin)?);
        }
        if let Some(Setting { value, origin }) = arns {
            policies.extend(list(&value).map(|arn| managed(arn, &origin)));
        }
        Ok(policies)
    }

    fn tags(&self) -> Result<Option<Setting<Vec<Tag>>>> {
        let flags = self.flags.map_or(&[][..], |flags| &flags.tags);
        let (written, origin): (Vec<String>, Origin) = if !flags.is_empty() {
            (flags.to_vec(), Origin::Flag("--tag"))
        } else if let Some(Setting { value, origin }) = self.in_files(key::SESSION_TAGS) {
            (value.split(',').map(str::to_owned).collect(), origin)
        } else {
            return Ok(None);
        };
        let mut tags: Vec<Tag> = Vec::new();
        for written in written {
            let tag = tag(&written, &origin)?;
            let key = tag.key.to_lowercase();
            if tags.iter().any(|other| other.key.to_lowercase() == key) {
                bail!(
                    Failure::new(format!(
                        "the session tag `{}` ({origin}) is set twice: AWS ignores case in the keys of tags",
                        tag.key
                    ))
                    .hint("remove one of them")
                );
            }
            tags.push(tag);
        }
        if tags.len() > MOST_TAGS {
            bail!(
                Failure::new(format!(
                    "{} session tags ({origin}) are more than AWS accepts",
                    tags.len()
                ))
                .hint(format!("use at most {MOST_TAGS}"))
            );
        }
        Ok(Some(Setting {
            value: tags,
            origin,
        }))
    }

    /// The keys of the tags to pass on. If a flag replaces the tags of the files, their keys do not count either.
    fn transitive_tags(
        &self,
        tags: Option<&Setting<Vec<Tag>>>,
    ) -> Result<Option<Setting<Vec<String>>>> {
        let flags = self.flags.map_or(&[][..], |flags| &flags.transitive_tags);
        let are_of_flags = tags.is_some_and(|tags| matches!(tags.origin, Origin::Flag(_)));
        let mut keys = if !flags.is_empty() {
            Setting {
                value: flags.to_vec(),
                origin: Origin::Flag("--transitive-tag"),
            }
        } else if let Some(Setting { value, origin }) = self
            .in_files(key::TRANSITIVE_SESSION_TAGS)
            .filter(|_| !are_of_flags)
        {
            Setting {
                value: list(&value).map(str::to_owned).collect(),
                origin,
            }
        } else {
            return Ok(None);
        };
        let is_key = |key: &String| {
            let mut tags = tags.iter().flat_map(|tags| &tags.value);
            tags.any(|tag| tag.key.to_lowercase() == key.to_lowercase())
        };
        if let Some(key) = keys.value.iter().find(|key| !is_key(key)) {
            bail!(
                Failure::new(format!(
                    "`{key}` ({}) is not the key of a session tag",
                    keys.origin
                ))
                .hint("set the tag, too, with --tag or session_tags")
            );
        }
        let mut seen = HashSet::new();
        keys.value.retain(|key| seen.insert(key.to_lowercase()));
        Ok(Some(keys))
    }
}

fn is_true(setting: &Setting<String>) -> Result<bool> {
    let Setting { value, origin } = setting;
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => bail!(
            Failure::new(format!("`{value}` ({origin}) is neither true nor false"))
                .hint("set it to `true` or `false`")
        ),
    }
}

/// The items of a list with commas.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// AWS's own policy for reading, in the partition of the role.
fn read_only_access(role_arn: &str) -> String {
    let partition = Arn::parse(role_arn).map_or("aws", |arn| arn.partition);
    Arn::of_iam(partition, AWS_ACCOUNT, READ_ONLY_ACCESS).to_string()
}

/// A path in a file: it starts at the directory of that file.
fn beside(origin: &Origin, path: PathBuf) -> PathBuf {
    match origin {
        Origin::File { path: file, .. } => match file.parent() {
            Some(directory) => directory.join(path),
            None => path,
        },
        _ => path,
    }
}

fn inline(path: PathBuf, origin: Origin) -> Result<Setting<SessionPolicy>> {
    let document = policy_file::read(&path, &origin)?;
    if let Some(odd) = document.chars().find(|c| !is_of_policy(*c)) {
        bail!(
            Failure::new(format!(
                "{} ({origin}) contains the character U+{:04X}, which AWS does not accept in a session policy",
                path.display(),
                u32::from(odd)
            ))
            .hint(format!("write it as \\u{:04x} in a string, or leave it out", u32::from(odd)))
        );
    }
    Ok(Setting {
        value: SessionPolicy::Inline { path, document },
        origin,
    })
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>: `[\u0009\u000A\u000D\u0020-\u00FF]+`.
fn is_of_policy(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

fn check_policies(policies: &[Setting<SessionPolicy>], role: &Setting<String>) -> Result<()> {
    let of_role = Arn::parse(&role.value);
    let mut arns = 0;
    for Setting { value, origin } in policies {
        let SessionPolicy::Managed(arn) = value else {
            continue;
        };
        arns += 1;
        let Some(policy) = Arn::parse(arn).filter(|_| Form::PolicyArn.fits(arn)) else {
            bail!(
                Failure::new(format!("`{arn}` ({origin}) is not the ARN of a managed policy"))
                    .hint("write it like arn:aws:iam::123456789012:policy/NAME, or arn:aws:iam::aws:policy/NAME for a policy of AWS")
            );
        };
        let Some(of_role) = of_role else { continue };
        let is_of_role = policy.account == AWS_ACCOUNT || policy.account == of_role.account;
        if policy.partition != of_role.partition || !is_of_role {
            bail!(
                Failure::new(format!(
                    "the policy {arn} ({origin}) is not in the account of the role {} ({})",
                    role.value, role.origin
                ))
                .hint("use a policy of that account, or one of AWS in the same partition")
            );
        }
    }
    if arns > MOST_POLICY_ARNS {
        bail!(
            Failure::new(format!(
                "{arns} managed policies are more than AWS accepts as session policies"
            ))
            .hint(format!("use at most {MOST_POLICY_ARNS}"))
        );
    }
    let length = |policy: &Setting<SessionPolicy>| match &policy.value {
        SessionPolicy::Inline { document, .. } => document.chars().count(),
        SessionPolicy::Managed(arn) => arn.len(),
    };
    let characters: usize = policies.iter().map(length).sum();
    if characters > MOST_CHARACTERS {
        let names: Vec<String> = policies
            .iter()
            .map(|policy| format!("{} ({})", policy.value, policy.origin))
            .collect();
        bail!(
            Failure::new(format!(
                "the session policies have {characters} characters without white space, more than AWS accepts: {}",
                names.join(", ")
            ))
            .hint(format!("use at most {MOST_CHARACTERS}, or a managed policy with --policy-arn or session_policy_arns"))
        );
    }
    Ok(())
}

fn tag(text: &str, origin: &Origin) -> Result<Tag> {
    let Some((key, value)) = text.split_once('=') else {
        bail!(
            Failure::new(format!("`{text}` ({origin}) is not a session tag")).hint(match origin {
                Origin::Flag(_) => "write it as KEY=VALUE",
                _ => "write the tags as KEY1=VALUE1,KEY2=VALUE2",
            })
        );
    };
    let (key, value) = (key.trim(), value.trim());
    if key.to_lowercase().starts_with(RESERVED) {
        bail!(
            Failure::new(format!(
                "the session tag `{key}` ({origin}) starts with {RESERVED}"
            ))
            .hint("use another key; AWS reserves these keys")
        );
    }
    let fits = |text: &str, most| text.chars().count() <= most && text.chars().all(is_of_tag);
    if key.is_empty() || !fits(key, MOST_OF_KEY) {
        bail!(
            Failure::new(format!(
                "`{key}` ({origin}) is not a valid key of a session tag"
            ))
            .hint(format!(
                "use 1 to {MOST_OF_KEY} letters, digits, spaces, and any of _.:/=+-@"
            ))
        );
    }
    if !fits(value, MOST_OF_VALUE) {
        bail!(
            Failure::new(format!(
                "`{value}` ({origin}) is not a valid value of the session tag `{key}`"
            ))
            .hint(format!(
                "use up to {MOST_OF_VALUE} letters, digits, spaces, and any of _.:/=+-@"
            ))
        );
    }
    Ok(Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    })
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html>: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
fn is_of_tag(c: char) -> bool {
    let is_separator = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
}
