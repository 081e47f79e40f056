//! Policies that demand MFA, ready to be attached. Pure: what is said comes from [`catalogue`], what it looks like from here.

mod catalogue;
mod json;
mod terraform;

pub use catalogue::{assume_role, require_mfa, role_trust, self_service};

/// What is put into a policy.
pub struct Filling<'f> {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: &'f str,
    /// Twelve digits; none where it is of no account in particular.
    pub account: Option<&'f str>,
    /// The name of a role, with its path if it has one.
    pub role: Option<&'f str>,
    /// How long ago the code may have been given, in seconds.
    pub max_mfa_age: Option<u64>,
}

/// A value in a policy, in the order in which it is read best.
enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(&'static str, Node)>),
}

/// A policy, and what it is.
pub struct Document {
    name: &'static str,
    /// In a line.
    description: &'static str,
    kind: Kind,
    policy: Node,
}

/// What a policy hangs on.
enum Kind {
    /// A group of users.
    Identity,
    /// It is the trust policy of the role of this name.
    Trust { role: String },
}

impl Document {
    /// As IAM takes it.
    pub fn json(&self) -> String {
        json::render(&self.policy)
    }

    /// With what it is attached to, for Terraform.
    pub fn terraform(&self) -> String {
        terraform::render(self)
    }
}

/// Each policy with what it is for, as a table.
pub fn list() -> String {
    let filling = Filling {
        partition: "aws",
        account: None,
        role: None,
        max_mfa_age: None,
    };
    let all = [
        require_mfa(),
        self_service(&filling),
        role_trust(&filling),
        assume_role(&filling),
    ];
    let width = all.iter().map(|document| document.name.len()).max();
    let width = width.unwrap_or_default();
    let lines = all.map(|document| format!("{:width$}  {}\n", document.name, document.description));
    lines.concat()
}
