//! PURE. The session policies, the session tags and the source identity of a role's session.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::errors::AwsError;
use crate::parameters::{Constraints, Parameters, TextRule, is_word};

const POLICY: TextRule = TextRule {
    length: 1..=2048,
    pattern: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    allowed: |letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}'),
};
const POLICY_ARN: TextRule = TextRule {
    length: 20..=2048,
    pattern: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    allowed: |letter| !letter.is_control() || "\t\n\r\u{85}".contains(letter),
};
const TAG_KEY: TextRule = TextRule {
    length: 1..=128,
    pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
    allowed: is_of_tag,
};
const TAG_VALUE: TextRule = TextRule {
    length: 0..=256,
    pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    allowed: is_of_tag,
};
const SOURCE_IDENTITY: TextRule = TextRule {
    length: 2..=64,
    pattern: r"[\w+=,.@-]*",
    allowed: |letter| is_word(letter) || "+=,.@-".contains(letter),
};
const MOST_POLICY_ARNS: usize = 10;
const MOST_TAGS: usize = 50;
const MOST_CHARACTERS: usize = 2048;

fn is_of_tag(letter: char) -> bool {
    letter.is_alphanumeric()
        || letter.is_whitespace() && !letter.is_control()
        || "_.:/=+-@".contains(letter)
}

/// What a role's session is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) policy: Option<String>,
    pub(crate) policy_arns: Vec<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) transitive_tag_keys: Vec<String>,
    pub(crate) source_identity: Option<String>,
}

/// What a session hands on to the sessions of roles that are assumed with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// In lower case.
    pub(crate) tag_keys: BTreeSet<String>,
    pub(crate) source_identity: Option<String>,
}

impl Scope {
    /// Reads it, and checks each value by itself.
    pub(crate) fn read(constraints: &mut Constraints, parameters: &Parameters) -> Self {
        let members = |list: &str, of: &str| -> Vec<String> {
            let name = |number: usize| format!("{list}.member.{number}{of}");
            let values = (1..).map_while(|number| parameters.get(&name(number)));
            values.map(str::to_owned).collect()
        };
        let scope = Self {
            policy: parameters.get("Policy").map(str::to_owned),
            policy_arns: members("PolicyArns", ".arn"),
            tags: members("Tags", ".Key")
                .into_iter()
                .zip(members("Tags", ".Value"))
                .collect(),
            transitive_tag_keys: members("TransitiveTagKeys", ""),
            source_identity: parameters.get("SourceIdentity").map(str::to_owned),
        };
        constraints.text("policy", scope.policy.as_deref(), &POLICY);
        for arn in &scope.policy_arns {
            constraints.text("policyArns.member.arn", Some(arn), &POLICY_ARN);
        }
        for (key, value) in &scope.tags {
            constraints.text("tags.member.key", Some(key), &TAG_KEY);
            constraints.text("tags.member.value", Some(value), &TAG_VALUE);
        }
        for key in &scope.transitive_tag_keys {
            constraints.text("transitiveTagKeys.member", Some(key), &TAG_KEY);
        }
        let identity = scope.source_identity.as_deref();
        constraints.text("sourceIdentity", identity, &SOURCE_IDENTITY);
        scope
    }

    /// Whether anything is given that counts towards the packed size.
    pub(crate) fn is_packed(&self) -> bool {
        self.policy.is_some() || !self.policy_arns.is_empty() || !self.tags.is_empty()
    }

    /// Checks what depends on each other, and on the session that signed.
    pub(crate) fn check(&self, inherited: &Inherited) -> Result<(), AwsError> {
        let invalid = |message: &str| Err(AwsError::new(400, "InvalidParameterValue", message));
        if self.policy_arns.len() > MOST_POLICY_ARNS || self.tags.len() > MOST_TAGS {
            return Err(AwsError::validation("too many policies or tags"));
        }
        let characters = self.policy_arns.iter().map(String::len).sum::<usize>()
            + self.policy.as_ref().map_or(0, |text| text.chars().count());
        if characters > MOST_CHARACTERS {
            return Err(AwsError::validation(
                "the plain text of the policies is too long",
            ));
        }
        // LocalStack has these three texts from AWS.
        let keys: Vec<String> = self
            .tags
            .iter()
            .map(|(key, _)| key.to_lowercase())
            .collect();
        let set: BTreeSet<&String> = keys.iter().collect();
        if set.len() < keys.len() {
            return invalid(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            );
        }
        if keys.iter().any(|key| inherited.tag_keys.contains(key)) {
            return invalid(
                "One of the specified transitive tag keys can't be set because it conflicts with \
                 a transitive tag key from the calling session.",
            );
        }
        if !self
            .transitive_tag_keys
            .iter()
            .all(|key| keys.contains(&key.to_lowercase()))
        {
            return invalid(
                "The specified transitive tag key must be included in the requested tags.",
            );
        }
        if keys.iter().any(|key| key.starts_with("aws:")) {
            return invalid("Tag keys that start with aws: are reserved.");
        }
        if self
            .policy
            .as_deref()
            .is_some_and(|policy| !is_policy(policy))
        {
            let message = "Syntax errors in policy.";
            return Err(AwsError::new(400, "MalformedPolicyDocument", message));
        }
        let size = self.packed_size();
        if size > 100 {
            let message = if self.tags.is_empty() {
                format!(
                    "Packed policy consumes {size}% of allotted space, please use smaller policy."
                )
            } else {
                format!("Packed size of session tags consumes {size}% of allotted space.")
            };
            return Err(AwsError::new(400, "PackedPolicyTooLarge", message));
        }
        Ok(())
    }

    /// The percentage of the space that it takes. AWS does not say how it packs; nine tags of 252 characters took 498 %:
    /// <https://github.com/aws-actions/configure-aws-credentials/issues/1898>.
    pub(crate) fn packed_size(&self) -> usize {
        let of_tag = |(key, value): &(String, String)| key.chars().count() + value.chars().count();
        let tags: usize = self.tags.iter().map(of_tag).sum();
        let policy = self.policy.as_ref().map_or(0, |text| text.chars().count());
        tags * 498 / (9 * 252) + (policy + 40 * self.policy_arns.len()).div_ceil(40)
    }

    /// What a session with it hands on.
    pub(crate) fn handed_on(&self, inherited: &Inherited) -> Inherited {
        let own = self
            .transitive_tag_keys
            .iter()
            .map(|key| key.to_lowercase());
        let identity = self.source_identity.as_ref();
        Inherited {
            tag_keys: inherited.tag_keys.iter().cloned().chain(own).collect(),
            source_identity: identity.or(inherited.source_identity.as_ref()).cloned(),
        }
    }
}

fn is_policy(text: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => return false,
    };
    let has_effect = |statement: &Value| {
        let effect = statement.get("Effect").and_then(Value::as_str);
        matches!(effect, Some("Allow" | "Deny"))
    };
    statements.iter().all(has_effect)
}
