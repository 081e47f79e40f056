//! What STS answers, said so that a person knows what to do.

use super::{Reading, Refusal};
use crate::aws::network::{Request, Signer, Trouble, is_of_clock, masked};
use crate::core::credentials::LongTermKeys;
use crate::core::device::SerialNumber;
use crate::core::error::{Exit, Failure};
use crate::core::mfa_code::MfaCode;
use crate::plan::{Call, Plan, Role, Setting, Step, Way};

/// A call that is made, with all that a message about it may name.
pub(super) struct Attempt<'a> {
    pub plan: &'a Plan,
    pub keys: &'a LongTermKeys,
    pub step: &'a Step,
    /// What is sent with it to prove that the person is there.
    pub proof: Option<Proof<'a>>,
    pub signer: Signer<'a>,
}

/// A code, and the device that it is of.
pub(super) struct Proof<'a> {
    pub device: &'a Setting<SerialNumber>,
    pub code: &'a MfaCode,
}

impl Attempt<'_> {
    /// The same as any request to AWS.
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            connection: &self.step.connection,
            key_source: &self.plan.key_source,
            access_key_id: &self.keys.access_key_id,
            signer: self.signer,
            flags: &self.plan.key_source_flags,
            codes: match &self.proof {
                Some(proof) => std::slice::from_ref(proof.code),
                None => &[],
            },
        }
    }

    /// A failed call as a user reads it.
    pub(super) fn explain(&self, trouble: &Trouble) -> Refusal {
        Refusal {
            reading: self.reading(trouble),
            error: self.failure(trouble).into(),
        }
    }

    fn reading(&self, trouble: &Trouble) -> Reading {
        match trouble.refusal() {
            Some((code, message))
                if matches!(self.signer, Signer::Session) && is_of_the_session(code, message) =>
            {
                Reading::Session
            }
            Some((code, message)) if is_of_the_code(code, message) => Reading::Code,
            _ if !trouble.is_of_service() && trouble.may_have_worked() => Reading::Lost,
            _ if trouble.may_have_worked() => Reading::Failing,
            _ if trouble.is_of_service() => Reading::Busy,
            _ => Reading::Other,
        }
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        let Some((code, message)) = trouble.refusal() else {
            return self.request().explain(trouble);
        };
        let key = masked(&self.keys.access_key_id);
        let duration = &self.step.duration;
        let device = || {
            self.proof.as_ref().map_or_else(String::new, |proof| {
                format!("{} ({})", proof.device.value, proof.device.origin)
            })
        };
        match code {
            _ if is_of_the_code(code, message) => Failure::new(format!(
                "AWS refused the code for device {}: it is wrong, or was used already",
                device()
            ))
            .hint("wait for the next code and run it again; each code works once")
            .exit(Exit::Refused),
            "AccessDenied" if message.contains("unable to validate MFA code") => {
                Failure::new(format!(
                    "AWS cannot check codes of device {} for access key {key}: it is not a device of this user, or it was tried too often",
                    device()
                ))
                .hint(format!("`mfa-creds device list{}` shows the user's devices; after nine tries, AWS takes no code of a device for up to 3 minutes", self.plan.key_source_flags))
                .exit(Exit::Refused)
            }
            "AccessDenied" if message.contains("with session credentials") => Failure::new(format!(
                "the keys of {} are temporary ones, which cannot get a session",
                self.plan.key_source.id
            ))
            .hint("put the IAM user's own keys (AKIA…) there"),
            "AccessDenied" => match &self.step.call {
                Call::AssumeRole(role) => self.role_denied(role, message),
                Call::GetSessionToken => {
                    let failure =
                        Failure::new(format!("AWS denied the session to access key {key}: {message}"));
                    if self.plan.role().is_some() {
                        return failure.hint("a policy forbids sts:GetSessionToken; `--direct` assumes the role without a session");
                    }
                    failure.hint("ask an administrator: a policy or an organization's rule forbids sts:GetSessionToken")
                }
            },
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"
                if !matches!(self.signer, Signer::Keys) => Failure::new(format!(
                "AWS does not take {} for {}: {message}",
                self.request().signer_name(),
                self.role_name()
            ))
            .hint("in a region that has to be activated, a session works only where it was made: give both one region, or use --direct"),
            "ValidationError" if message.contains("serialNumber") || message.contains("tokenCode") => {
                Failure::new(format!("AWS cannot use device {}, or its code: {message}", device()))
                    .hint("the IAM console shows the device's ARN")
                    .exit(Exit::Refused)
            }
            "ValidationError" if message.contains("MaxSessionDuration") => Failure::new(format!(
                "{} does not last {} s ({}): its maximum is lower",
                self.role_name(),
                duration.value,
                duration.origin
            ))
            .hint("ask for less with --duration; 3600 always works"),
            _ => self.request().explain(trouble),
        }
    }

    fn role_denied(&self, role: &Role, message: &str) -> Failure {
        let trust = if role.external_id.is_some() {
            "the role's trust policy must allow this user, with this external id"
        } else {
            "the role's trust policy must allow this user, and its external id if it asks for one must be in external_id"
        };
        let other_way = match (self.signer, self.plan.decision.way) {
            (Signer::Keys, _) => "; `--chain` assumes it from a session",
            (Signer::Session, _) => "; `--direct` assumes it with a code of its own",
            (Signer::Role(_), Way::Chain) => "; a role that another role assumes cannot demand MFA",
            (Signer::Role(_), _) => "",
        };
        Failure::new(format!(
            "AWS denied the role {} ({}) to {}: {message}",
            role.arn.value,
            role.arn.origin,
            self.request().signer_name()
        ))
        .hint(format!("{trust}{other_way}"))
    }

    fn role_name(&self) -> String {
        match &self.step.call {
            Call::AssumeRole(role) => format!("the role {}", role.arn.value),
            Call::GetSessionToken => "the session".to_owned(),
        }
    }
}

/// Whether STS complains of the code itself. It says the same of a wrong one and of one that was used.
fn is_of_the_code(code: &str, message: &str) -> bool {
    code == "AccessDenied" && message.contains("invalid MFA one time pass code")
}

/// Whether STS complains of the credentials that signed.
fn is_of_the_session(code: &str, message: &str) -> bool {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" => true,
        "SignatureDoesNotMatch" => {
            !is_of_clock(code, message) && !message.contains("scoped to a valid region")
        }
        _ => false,
    }
}
