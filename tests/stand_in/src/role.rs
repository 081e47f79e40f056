//! Roles, and whom they trust.

/// An IAM role with its trust policy.
///
/// Without more said it trusts the stand-in's account, asks neither for MFA nor for an external
/// id, and lasts up to an hour.
#[derive(Clone, Debug)]
pub struct Role {
    pub(crate) arn: String,
    pub(crate) requires_mfa: bool,
    pub(crate) external_id: Option<String>,
    pub(crate) max_session_duration: u32,
    pub(crate) trusted: Vec<String>,
}

impl Role {
    /// A role with this ARN, such as `arn:aws:iam::123456789012:role/admin`.
    #[must_use]
    pub fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            requires_mfa: false,
            external_id: None,
            max_session_duration: 3600,
            trusted: Vec::new(),
        }
    }

    /// The trust policy has the condition `aws:MultiFactorAuthPresent`.
    #[must_use]
    pub fn requires_mfa(mut self) -> Self {
        self.requires_mfa = true;
        self
    }

    /// The trust policy has the condition `sts:ExternalId`.
    #[must_use]
    pub fn external_id(mut self, external_id: &str) -> Self {
        self.external_id = Some(external_id.to_owned());
        self
    }

    /// The role's `MaxSessionDuration`, in seconds: 3600 to 43200.
    #[must_use]
    pub fn max_session_duration(mut self, seconds: u32) -> Self {
        self.max_session_duration = seconds;
        self
    }

    /// The trust policy names this principal: an account ID, or the ARN of an account's root, a
    /// user or a role. May be called more than once; the default goes away with the first call.
    #[must_use]
    pub fn trusts(mut self, principal: &str) -> Self {
        self.trusted.push(principal.to_owned());
        self
    }
}
