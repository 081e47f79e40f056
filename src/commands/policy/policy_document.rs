//! Defines the parts of a policy.

use serde::{Serialize, Serializer};

/// The values that are put into a policy.
pub(super) struct Filling<'f> {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub(super) partition: &'f str,
    /// Twelve digits; none for any account.
    pub(super) account: Option<&'f str>,
    /// The name of a role, with its path if it has one.
    pub(super) role: Option<&'f str>,
    /// How long ago the code may have been entered, in seconds.
    pub(super) max_mfa_age: Option<u64>,
}

/// A value in a policy; maps keep the order in which they read best.
pub(super) enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(&'static str, Node)>),
}

/// A policy with its name and description.
pub(super) struct PolicyDocument {
    pub(super) name: &'static str,
    /// One line.
    pub(super) description: &'static str,
    pub(super) kind: Attachment,
    pub(super) policy: Node,
}

/// What a policy is attached to.
pub(super) enum Attachment {
    /// A group of users.
    Identity,
    /// It is the trust policy of the role of this name.
    Trust { role: String },
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(items) => serializer.collect_map(items.iter().map(|(key, item)| (key, item))),
        }
    }
}
