//! The Security Token Service: what its actions check, in which order, and what they grant.
//!
//! The order is: signature, parameters, MFA, policy. So a request that fails by its policy has
//! spent its code.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use crate::answers::{Answer, Credentials};
use crate::cloud::Cloud;
use crate::errors::AwsError;
use crate::parameters::{Constraints, Parameters, TextRule, is_word};
use crate::role::Role;
use crate::scope::Scope;
use crate::sessions::Caller;

const SESSION_DURATION: RangeInclusive<i32> = 900..=129_600;
const ROLE_DURATION: RangeInclusive<i32> = 900..=43_200;
const DEFAULT_SESSION_DURATION: i32 = 43_200;
const DEFAULT_ROLE_DURATION: i32 = 3_600;
/// The longest that a role lasts that is assumed with temporary credentials.
const CHAINED_DURATION: i32 = 3_600;

const SERIAL_NUMBER: TextRule = TextRule {
    length: 9..=256,
    pattern: r"[\w+=/:,.@-]*",
    allowed: |letter| is_word(letter) || "+=/:,.@-".contains(letter),
};
const TOKEN_CODE: TextRule = TextRule {
    length: 6..=6,
    pattern: r"[\d]*",
    allowed: |letter| letter.is_ascii_digit(),
};
const FEDERATED_USER_NAME: TextRule = TextRule {
    length: 2..=32,
    pattern: r"[\w+=,.@-]*",
    allowed: |letter| is_word(letter) || "+=,.@-".contains(letter),
};
const ROLE_ARN: TextRule = TextRule {
    length: 20..=2048,
    pattern: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    allowed: |letter| !letter.is_control() || "\t\n\r\u{85}".contains(letter),
};
const ROLE_SESSION_NAME: TextRule = TextRule {
    length: 2..=64,
    pattern: r"[\w+=,.@-]*",
    allowed: |letter| is_word(letter) || "+=,.@-".contains(letter),
};
const EXTERNAL_ID: TextRule = TextRule {
    length: 2..=1224,
    pattern: r"[\w+=,.@:\/-]*",
    allowed: |letter| is_word(letter) || "+=,.@:/-".contains(letter),
};

impl Cloud {
    /// Carries an action of STS out; None if it has no such action.
    pub(crate) fn sts(
        &mut self,
        action: &str,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Option<Result<Answer, AwsError>> {
        // <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
        if matches!(caller, Caller::FederatedUser { .. }) && action != "GetCallerIdentity" {
            let (caller, action) = (caller.arn(&self.account), format!("sts:{action}"));
            return Some(Err(AwsError::not_authorized(&caller, &action, "*")));
        }
        Some(match action {
            "GetSessionToken" => self.get_session_token(caller, parameters, now),
            "GetFederationToken" => self.get_federation_token(caller, parameters, now),
            "AssumeRole" => self.assume_role(caller, parameters, now),
            "GetCallerIdentity" => Ok(Answer::CallerIdentity {
                arn: caller.arn(&self.account),
                user_id: caller.unique_id(&self.account),
                account: caller.account_id(&self.account).to_owned(),
            }),
            _ => return None,
        })
    }

    fn get_session_token(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<Answer, AwsError> {
        let mut constraints = Constraints::default();
        let duration = parameters.integer("DurationSeconds")?;
        let duration = duration.unwrap_or(DEFAULT_SESSION_DURATION);
        constraints.range("durationSeconds", duration, &SESSION_DURATION);
        check_mfa_parameters(&mut constraints, parameters);
        constraints.check()?;

        let Caller::User { name } = caller else {
            let message = "Cannot call GetSessionToken with session credentials";
            return Err(AwsError::access_denied(message));
        };
        let mfa = self.verify_mfa(caller, parameters, now)?;
        self.check_denials(caller, "sts:GetSessionToken", &format!("user {name}"))?;
        let name = name.clone();
        let session = Caller::UserSession { name, mfa };
        Ok(Answer::SessionToken(self.issue(session, duration, now)))
    }

    /// Without a session policy, AWS grants a session that may do nothing. No test wants one, so it is refused.
    fn get_federation_token(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<Answer, AwsError> {
        let mut constraints = Constraints::default();
        let duration = parameters.integer("DurationSeconds")?;
        let duration = duration.unwrap_or(DEFAULT_SESSION_DURATION);
        constraints.range("durationSeconds", duration, &SESSION_DURATION);
        let name = constraints.required("name", parameters.get("Name"));
        constraints.text("name", name, &FEDERATED_USER_NAME);
        let scope = Scope::read(&mut constraints, parameters);
        constraints.check()?;
        scope.check(&caller.inherited())?;
        if scope.policy.is_none() && scope.policy_arns.is_empty() {
            return Err(AwsError::validation("a session that may do nothing"));
        }
        if !matches!(caller, Caller::User { .. }) {
            let message = "Cannot call GetFederationToken with session credentials";
            return Err(AwsError::access_denied(message));
        }
        let name = name.unwrap_or_default().to_owned();
        let arn = self.account.federated_user_arn(&name);
        self.check_denials(caller, "sts:GetFederationToken", &arn)?;
        let session = Caller::FederatedUser { name };
        Ok(Answer::FederationToken {
            arn,
            id: session.unique_id(&self.account),
            credentials: self.issue(session, duration, now),
            packed_policy_size: scope.packed_size(),
        })
    }

    fn assume_role(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<Answer, AwsError> {
        let mut constraints = Constraints::default();
        let duration = parameters.integer("DurationSeconds")?;
        let duration = duration.unwrap_or(DEFAULT_ROLE_DURATION);
        constraints.range("durationSeconds", duration, &ROLE_DURATION);
        let role_arn = constraints.required("roleArn", parameters.get("RoleArn"));
        constraints.text("roleArn", role_arn, &ROLE_ARN);
        let name = constraints.required("roleSessionName", parameters.get("RoleSessionName"));
        constraints.text("roleSessionName", name, &ROLE_SESSION_NAME);
        let external_id = parameters.get("ExternalId");
        constraints.text("externalId", external_id, &EXTERNAL_ID);
        let scope = Scope::read(&mut constraints, parameters);
        check_mfa_parameters(&mut constraints, parameters);
        constraints.check()?;
        let (role_arn, name) = (role_arn.unwrap_or_default(), name.unwrap_or_default());
        if !is_role_arn(role_arn) {
            return Err(AwsError::validation("Request ARN is invalid"));
        }
        let inherited = caller.inherited();
        scope.check(&inherited)?;
        if caller.has_session_credentials() && duration > CHAINED_DURATION {
            return Err(AwsError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles \
                 assumed by role chaining.",
            ));
        }

        let mfa_now = self.verify_mfa(caller, parameters, now)?;
        let mfa = mfa_now || caller.multi_factor_auth_present();

        self.check_denials(caller, "sts:AssumeRole", role_arn)?;
        if !scope.tags.is_empty() {
            self.check_denials(caller, "sts:TagSession", role_arn)?;
        }
        if let Some(identity) = &scope.source_identity {
            self.check_denials(caller, "sts:SetSourceIdentity", role_arn)?;
            if inherited
                .source_identity
                .as_ref()
                .is_some_and(|own| own != identity)
            {
                let caller = caller.arn(&self.account);
                let action = "sts:SetSourceIdentity";
                return Err(AwsError::not_authorized(&caller, action, role_arn));
            }
        }
        let allowed = self.account.roles.iter().find(|role| {
            let mfa = mfa || !role.requires_mfa;
            let external_id =
                role.external_id.is_none() || role.external_id.as_deref() == external_id;
            role.arn == role_arn && mfa && external_id && self.trusts(role, caller)
        });
        let role = allowed.ok_or_else(|| {
            let caller = caller.arn(&self.account);
            AwsError::not_authorized(&caller, "sts:AssumeRole", role_arn)
        })?;
        // Not before the policy: it would tell strangers that the role exists.
        if i64::from(duration) > i64::from(role.max_session_duration) {
            return Err(AwsError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let session = Caller::RoleSession {
            role_arn: role_arn.to_owned(),
            session_name: name.to_owned(),
            inherited: scope.handed_on(&inherited),
            chained: caller.has_session_credentials(),
        };
        Ok(Answer::AssumedRole {
            packed_policy_size: scope.is_packed().then(|| scope.packed_size()),
            source_identity: scope.handed_on(&inherited).source_identity,
            arn: session.arn(&self.account),
            id: session.unique_id(&self.account),
            credentials: self.issue(session, duration, now),
        })
    }

    /// Whether the trust policy of the role names the caller.
    fn trusts(&self, role: &Role, caller: &Caller) -> bool {
        let account_id = caller.account_id(&self.account);
        if role.trusted.is_empty() {
            return account_id == self.account.id;
        }
        let caller_arn = caller.arn(&self.account);
        let root = format!("arn:{}:iam::{account_id}:root", self.account.partition);
        role.trusted.iter().any(|principal| {
            let of_the_account = *principal == account_id || *principal == root;
            let of_the_role = matches!(
                caller,
                Caller::RoleSession { role_arn, .. } if role_arn == principal
            );
            of_the_account || of_the_role || *principal == caller_arn
        })
    }

    /// Whether the request proves MFA. A wrong proof is an error; so is half of one.
    fn verify_mfa(
        &mut self,
        caller: &Caller,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<bool, AwsError> {
        let (serial, code) = match mfa_parameters(parameters) {
            (None, None) => return Ok(false),
            (Some(serial), Some(code)) => (serial, code),
            _ => return Err(AwsError::serial_and_code_go_together()),
        };
        let user = caller.user_name();
        let user = user.and_then(|name| self.account.user_named(name));
        let mut devices = user.iter().flat_map(|user| &user.devices);
        let device = devices
            .find(|device| device.serial == serial)
            .ok_or_else(AwsError::unable_to_validate_code)?;
        self.verifications.verify(device, code, now)?;
        Ok(true)
    }

    fn issue(&mut self, session: Caller, duration: i32, now: DateTime<Utc>) -> Credentials {
        let of_role = self
            .roles_granted_at_most
            .filter(|_| session.user_name().is_none());
        let limits = [self.granted_at_most, of_role].into_iter().flatten();
        let limit = limits.map(i64::from).min().unwrap_or(i64::MAX);
        let seconds = i64::from(duration).min(limit);
        let prefix = &self.account.session_prefix;
        let credentials = self.sessions.issue(session, seconds, now, prefix);
        self.secrets.note_credentials(&credentials);
        credentials
    }
}

fn mfa_parameters(parameters: &Parameters) -> (Option<&str>, Option<&str>) {
    (parameters.get("SerialNumber"), parameters.get("TokenCode"))
}

fn check_mfa_parameters(constraints: &mut Constraints, parameters: &Parameters) {
    let (serial, code) = mfa_parameters(parameters);
    constraints.text("serialNumber", serial, &SERIAL_NUMBER);
    constraints.text("tokenCode", code, &TOKEN_CODE);
}

fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "iam", "", _, resource] if resource.starts_with("role/"))
}
