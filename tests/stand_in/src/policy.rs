//! PURE. IAM's identity policies, as far as the tests attach any, by
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>: what is denied is denied; else
//! something must allow it.

use serde_json::Value;

/// What is to be decided.
pub(crate) struct Question<'q> {
    /// Such as `iam:GetUser`.
    pub(crate) action: &'q str,
    /// The ARN.
    pub(crate) resource: &'q str,
    pub(crate) user_name: &'q str,
    /// None for long-term keys: their requests do not have the key at all.
    pub(crate) mfa_present: Option<bool>,
}

/// The decision.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// By the policy with this number.
    Denied(usize),
    /// Nothing says so.
    NotAllowed,
}

/// Decides by all policies of the user.
///
/// # Panics
/// If a policy has something that this does not know.
pub(crate) fn decide(policies: &[&Value], question: &Question<'_>) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    for (number, policy) in policies.iter().enumerate() {
        for statement in list(&policy["Statement"]) {
            if !question.is_meant_by(statement) {
                continue;
            }
            match statement["Effect"].as_str() {
                Some("Deny") => return Verdict::Denied(number),
                Some("Allow") => verdict = Verdict::Allowed,
                _ => panic!("an effect is Allow or Deny: {statement}"),
            }
        }
    }
    verdict
}

impl Question<'_> {
    fn is_meant_by(&self, statement: &Value) -> bool {
        let action = self.action.to_lowercase();
        let has_action = |key: &str| {
            texts(&statement[key]).any(|pattern| matches(&pattern.to_lowercase(), &action))
        };
        let has_resource = |key: &str| {
            let variable = "${aws:username}";
            texts(&statement[key])
                .any(|pattern| matches(&pattern.replace(variable, self.user_name), self.resource))
        };
        let of_action = if statement["NotAction"].is_null() {
            has_action("Action")
        } else {
            !has_action("NotAction")
        };
        let of_resource = if statement["NotResource"].is_null() {
            has_resource("Resource")
        } else {
            !has_resource("NotResource")
        };
        of_action && of_resource && self.meets(&statement["Condition"])
    }

    /// All operators and all keys have to be met.
    fn meets(&self, condition: &Value) -> bool {
        let operators = condition.as_object().into_iter().flatten();
        operators.into_iter().all(|(operator, keys)| {
            let keys = keys.as_object().expect("keys with values");
            keys.iter().all(|(key, wanted)| {
                assert_eq!(key, "aws:MultiFactorAuthPresent", "no other key is known");
                let is_wanted =
                    |present: bool| texts(wanted).any(|text| text == present.to_string());
                match &**operator {
                    "Bool" => self.mfa_present.is_some_and(is_wanted),
                    "BoolIfExists" => self.mfa_present.is_none_or(is_wanted),
                    _ => panic!("no operator {operator} is known"),
                }
            })
        })
    }
}

/// One, or several in a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null => [].iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).map(|item| item.as_str().expect("a text"))
}

/// Whether a text is as a pattern says, in which `*` is any text and `?` one letter.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            let ends = text.char_indices().map(|(place, _)| place);
            ends.chain([text.len()])
                .any(|place| matches(rest, &text[place..]))
        }
        Some(letter) => text
            .strip_prefix(|c| letter == '?' || letter == c)
            .is_some_and(|text| matches(&pattern[letter.len_utf8()..], text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(
        statement: &str,
        action: &str,
        resource: &str,
        mfa_present: Option<bool>,
    ) -> Verdict {
        let policy = format!(r#"{{"Statement": [{statement}]}}"#);
        let policy = serde_json::from_str(&policy).unwrap();
        decide(
            &[&policy],
            &Question {
                action,
                resource,
                user_name: "alice",
                mfa_present,
            },
        )
    }

    #[test]
    fn a_key_that_is_not_there_is_met_by_if_exists_only() {
        let denying = |operator: &str| {
            format!(
                r#"{{"Effect": "Deny", "NotAction": "iam:GetUser", "Resource": "*",
                    "Condition": {{"{operator}": {{"aws:MultiFactorAuthPresent": "false"}}}}}}"#
            )
        };
        for (operator, present, wanted) in [
            ("BoolIfExists", None, Verdict::Denied(0)),
            ("BoolIfExists", Some(false), Verdict::Denied(0)),
            ("BoolIfExists", Some(true), Verdict::NotAllowed),
            ("Bool", None, Verdict::NotAllowed),
            ("Bool", Some(false), Verdict::Denied(0)),
            ("Bool", Some(true), Verdict::NotAllowed),
        ] {
            let statement = denying(operator);
            assert_eq!(
                verdict(&statement, "iam:ListUsers", "*", present),
                wanted,
                "{operator} {present:?}"
            );
            let open = verdict(&statement, "iam:GetUser", "*", present);
            assert_eq!(open, Verdict::NotAllowed);
        }
    }

    #[test]
    fn resources_are_patterns_with_the_name_of_the_user() {
        let allowing = r#"{"Effect": "Allow", "Action": ["iam:get*", "iam:List?sers"],
            "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]}"#;
        for (action, resource, wanted) in [
            ("iam:GetUser", "user/alice", Verdict::Allowed),
            ("iam:GetUser", "user/team/alice", Verdict::Allowed),
            ("iam:GetUser", "user/malice", Verdict::NotAllowed),
            ("iam:GetUser", "mfa/alice", Verdict::NotAllowed),
            ("iam:ListUsers", "user/alice", Verdict::Allowed),
            ("iam:ListMFADevices", "user/alice", Verdict::NotAllowed),
        ] {
            let resource = format!("arn:aws:iam::123456789012:{resource}");
            assert_eq!(
                verdict(allowing, action, &resource, None),
                wanted,
                "{action} {resource}"
            );
        }
    }

    #[test]
    fn what_is_denied_is_denied_whatever_else_allows_it() {
        let both = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
                      {"Effect": "Deny", "Action": "iam:*", "NotResource": "arn:aws:iam::1:user/alice"}"#;
        assert_eq!(
            verdict(both, "iam:GetUser", "arn:aws:iam::1:user/bob", None),
            Verdict::Denied(0)
        );
        assert_eq!(
            verdict(both, "iam:GetUser", "arn:aws:iam::1:user/alice", None),
            Verdict::Allowed
        );
    }
}
