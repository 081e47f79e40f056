//! Explains to a person why STS refused a call.

use super::refusal::{Refusal, RefusalKind};
use crate::aws::network::{RequestContext, RequestError, Signer};
use crate::core::aws_errors::{
    ACCESS_DENIED, MALFORMED_POLICY_DOCUMENT, MAXIMUM_DURATION_PHRASE, PACKED_POLICY_TOO_LARGE,
    SCOPE_ACTIONS, SIGNATURE_DOES_NOT_MATCH, TEMPORARY_KEYS_PHRASE, UNUSABLE_DEVICE_PHRASE,
    VALIDATION_ERROR, WRONG_CODE_PHRASE, WRONG_REGION_PHRASE, is_of_clock, is_of_credentials,
    is_of_device_form,
};
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::MfaCode;
use crate::core::mfa_device::SerialNumber;
use crate::core::text::masked;
use crate::plan::{Call, KeySource, Plan, Role, Setting, Strategy, StsCall};

/// A call, with everything that a message about it may name.
pub(super) struct Attempt<'a> {
    pub plan: &'a Plan,
    /// Of the long-term keys, or of the session of `aws login`.
    pub access_key_id: &'a str,
    pub step: &'a StsCall,
    /// The code that is sent with it, and its device.
    pub proof: Option<Proof<'a>>,
    pub signer: Signer<'a>,
}

/// A code and its device.
pub(super) struct Proof<'a> {
    pub device: &'a Setting<SerialNumber>,
    pub code: &'a MfaCode,
}

impl Attempt<'_> {
    /// The same as any request to AWS.
    pub(super) fn request(&self) -> RequestContext<'_> {
        RequestContext {
            connection: &self.step.connection,
            key_source: &self.plan.key_source,
            access_key_id: self.access_key_id,
            signer: self.signer,
            flags: &self.plan.key_source_flags,
            codes: match &self.proof {
                Some(proof) => std::slice::from_ref(proof.code),
                None => &[],
            },
        }
    }

    /// A failed call as a user reads it.
    pub(super) fn explain(&self, error: &RequestError) -> Refusal {
        Refusal {
            kind: self.kind(error),
            error: self.failure(error).into(),
        }
    }

    fn kind(&self, error: &RequestError) -> RefusalKind {
        match error.refusal() {
            Some((code, message))
                if matches!(self.signer, Signer::Session | Signer::Login)
                    && is_of_the_session(code, message) =>
            {
                RefusalKind::Session
            }
            Some((code, message)) if is_of_the_code(code, message) => RefusalKind::Code,
            _ if !error.is_of_service() && error.may_have_worked() => RefusalKind::Lost,
            _ if error.may_have_worked() => RefusalKind::Failing,
            _ if error.is_of_service() => RefusalKind::Busy,
            _ => RefusalKind::Other,
        }
    }

    fn failure(&self, error: &RequestError) -> Failure {
        let Some((code, message)) = error.refusal() else {
            return self.request().explain(error);
        };
        match code {
            ACCESS_DENIED => self.denied(message),
            _ if is_of_credentials(code) && !matches!(self.signer, Signer::Keys) => Failure::new(format!(
                "AWS rejected {} for {}: {message}",
                self.request().signer_name(),
                self.role_name()
            ))
            .hint("in an opt-in region, only sessions from that region work: set one region for both, or use --direct"),
            _ if is_of_device_form(code, message) => Failure::new(format!(
                "AWS cannot use device {}, or its code: {message}",
                self.device()
            ))
            .hint("look up the device's ARN in the IAM console")
            .exit(Exit::Refused),
            PACKED_POLICY_TOO_LARGE => Failure::new(format!(
                "the session policies and session tags for {} are too large together: {message}",
                self.role_name()
            ))
            .hint("shorten them, or use a managed policy with --policy-arn or session_policy_arns; AWS compresses them, and limits the result"),
            MALFORMED_POLICY_DOCUMENT => Failure::new(format!(
                "AWS rejects a session policy for {}: {message}",
                self.role_name()
            ))
            .hint("fix the policy; the policy editor in the IAM console shows the mistake"),
            VALIDATION_ERROR if message.contains(MAXIMUM_DURATION_PHRASE) => {
                let duration = &self.step.duration;
                Failure::new(format!(
                    "{} cannot last {} s ({}): its maximum is lower",
                    self.role_name(),
                    duration.value,
                    duration.origin
                ))
                .hint("use a shorter --duration; 3600 always works")
            }
            _ => self.request().explain(error),
        }
    }

    /// AWS uses one error code both for denied actions and for problems with a code or its device.
    fn denied(&self, message: &str) -> Failure {
        let key = masked(self.access_key_id);
        if is_of_the_code(ACCESS_DENIED, message) {
            return Failure::new(format!(
                "AWS refused the code for device {}: it is wrong, or was already used",
                self.device()
            ))
            .hint("wait for the next code, then run the command again; AWS accepts each code only once")
            .exit(Exit::Refused);
        }
        if message.contains(UNUSABLE_DEVICE_PHRASE) {
            return Failure::new(format!(
                "AWS cannot check codes of device {} for access key {key}: the device does not belong to this user, or had too many wrong codes",
                self.device()
            ))
            .hint(format!("run `mfa-creds device list{}` to see the user's devices; after nine attempts, AWS rejects all codes of a device for up to 3 minutes", self.plan.key_source_flags))
            .exit(Exit::Refused);
        }
        if message.contains(TEMPORARY_KEYS_PHRASE) {
            return keys_are_temporary(&self.plan.key_source);
        }
        match &self.step.call {
            Call::AssumeRole(role) => self.role_denied(role, message),
            Call::GetSessionToken => Failure::new(format!(
                "AWS denied the session to access key {key}: {message}"
            ))
            .hint(if self.plan.role().is_some() {
                "use --direct to assume the role without a session: a policy forbids sts:GetSessionToken"
            } else {
                "ask an administrator: an IAM policy or a service control policy forbids sts:GetSessionToken"
            }),
            Call::RefreshLogin => self.request().foreign(message),
        }
    }

    fn role_denied(&self, role: &Role, message: &str) -> Failure {
        let failure = Failure::new(format!(
            "AWS denied the role {} ({}) to {}: {message}",
            role.arn.value,
            role.arn.origin,
            self.request().signer_name()
        ));
        let mut actions = SCOPE_ACTIONS.into_iter();
        if let Some(action) = actions.find(|action| message.contains(action)) {
            return failure.hint(format!(
                "allow {action} in the role's trust policy; if the role is in another account, also in a policy of the user"
            ));
        }
        let trust = if role.external_id.is_some() {
            "check that the role's trust policy allows this user, with this external ID"
        } else {
            "check that the role's trust policy allows this user; if it requires an external ID, set external_id"
        };
        let other_way = match (self.signer, self.plan.decision.way) {
            (Signer::Keys, _) => "; use --chain to assume it from a session",
            (Signer::Session, _) => "; use --direct to assume it with its own code",
            (Signer::Login, _) => "; if it requires MFA, AWS may not count the sign-in as such",
            (Signer::Role(_), Strategy::Chain) => {
                "; a role that another role assumes cannot require MFA"
            }
            (Signer::Role(_) | Signer::FederatedUser(_), _) => "",
        };
        failure.hint(format!("{trust}{other_way}"))
    }

    fn device(&self) -> String {
        self.proof.as_ref().map_or_else(String::new, |proof| {
            format!("{} ({})", proof.device.value, proof.device.origin)
        })
    }

    fn role_name(&self) -> String {
        match &self.step.call {
            Call::AssumeRole(role) => format!("the role {}", role.arn.value),
            Call::GetSessionToken | Call::RefreshLogin => "the session".to_owned(),
        }
    }
}

/// The failure if temporary keys are to get a session.
pub fn keys_are_temporary(key_source: &KeySource) -> Failure {
    Failure::new(format!(
        "the keys of {} are temporary, and cannot get a session",
        key_source.id
    ))
    .hint("put the IAM user's own keys (AKIA…) there")
}

/// Whether STS rejects the code itself. It does not distinguish wrong codes from used ones.
fn is_of_the_code(code: &str, message: &str) -> bool {
    code == ACCESS_DENIED && message.contains(WRONG_CODE_PHRASE)
}

/// Whether STS rejects the credentials that signed.
fn is_of_the_session(code: &str, message: &str) -> bool {
    is_of_credentials(code)
        || code == SIGNATURE_DOES_NOT_MATCH
            && !is_of_clock(code, message)
            && !message.contains(WRONG_REGION_PHRASE)
}
