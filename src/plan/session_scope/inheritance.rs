//! What the roles of a chain inherit from those before them.

use anyhow::{Result, bail};

use super::{SessionScope, Tag};
use crate::core::error::Failure;
use crate::plan::setting::{Origin, Setting};

/// What the session of a role passes on to the roles that are assumed from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Inherited {
    pub tags: Vec<Setting<Tag>>,
    pub source_identity: Option<Setting<String>>,
}

/// Adds to each role of a chain what it inherits from those before it, and refuses what AWS refuses: a tag that is inherited, and a
/// second source identity.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
pub(in crate::plan) fn inherit<'s>(
    chain: impl IntoIterator<Item = &'s mut SessionScope>,
) -> Result<()> {
    let mut inherited = Inherited::default();
    for scope in chain {
        inherited.check(scope)?;
        scope.inherited = inherited.clone();
        inherited.add(scope);
    }
    Ok(())
}

impl Inherited {
    fn check(&self, scope: &SessionScope) -> Result<()> {
        for tag in scope.tags() {
            let key = tag.key.to_lowercase();
            let mut earlier = self.tags.iter();
            if let Some(earlier) = earlier.find(|earlier| earlier.value.key.to_lowercase() == key) {
                let origin = scope.tags.as_ref().map(|tags| &tags.origin);
                bail!(
                    Failure::new(format!(
                        "the session tag `{}` ({}) is inherited from a role before it in the chain ({})",
                        tag.key,
                        origin.unwrap_or(&Origin::Default),
                        earlier.origin
                    ))
                    .hint("remove one of them; AWS does not let a role change a tag that it inherits")
                );
            }
        }
        match (&scope.source_identity, &self.source_identity) {
            (Some(name), Some(earlier)) if name.value != earlier.value => bail!(
                Failure::new(format!(
                    "the source identity {} ({}) differs from that of a role before it in the chain, {} ({})",
                    name.value, name.origin, earlier.value, earlier.origin
                ))
                .hint("remove one of them; AWS does not let a role change a source identity that it inherits")
            ),
            _ => Ok(()),
        }
    }

    fn add(&mut self, scope: &SessionScope) {
        let keys = scope.transitive_tags.iter();
        for (key, origin) in keys.flat_map(|keys| keys.value.iter().map(|key| (key, &keys.origin)))
        {
            let key = key.to_lowercase();
            let mut tags = scope.tags().iter();
            if let Some(tag) = tags.find(|tag| tag.key.to_lowercase() == key) {
                self.tags.push(Setting {
                    value: tag.clone(),
                    origin: origin.clone(),
                });
            }
        }
        if let Some(name) = &scope.source_identity {
            self.source_identity = Some(name.clone());
        }
    }
}
