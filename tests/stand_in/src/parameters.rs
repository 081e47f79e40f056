//! PURE. The parameters of a request in AWS's Query protocol, and the constraints on them.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::errors::AwsError;

/// The parameters of a request, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(form: &str) -> Self {
        let pairs = form.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (form_decode(name), form_decode(value))
                })
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// An integer as AWS reads it: `+900` and `0900` pass; `900.0`, `9e2` and ` 900 ` don't.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i32>, AwsError> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| AwsError::malformed_input()))
            .transpose()
    }
}

/// What `\w` is in a pattern.
pub(crate) fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn form_decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Collects what is wrong with the parameters, because AWS reports all of it in one answer.
#[derive(Default)]
pub(crate) struct Constraints(Vec<String>);

/// What a text must look like: its length, and the characters it may have beside `\w`.
pub(crate) struct TextRule {
    pub(crate) length: std::ops::RangeInclusive<usize>,
    pub(crate) pattern: &'static str,
    pub(crate) allowed: fn(char) -> bool,
}

impl Constraints {
    /// The value must be there.
    pub(crate) fn required<'a>(&mut self, member: &str, value: Option<&'a str>) -> Option<&'a str> {
        if value.is_none() {
            self.0.push(format!(
                "Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ));
        }
        value
    }

    /// The value, if there, must follow the rule.
    pub(crate) fn text(&mut self, member: &str, value: Option<&str>, rule: &TextRule) {
        let Some(value) = value else { return };
        let length = value.chars().count();
        if length > *rule.length.end() {
            let limit = format!("length less than or equal to {}", rule.length.end());
            self.fail(member, value, &format!("have {limit}"));
        }
        if length < *rule.length.start() {
            let limit = format!("length greater than or equal to {}", rule.length.start());
            self.fail(member, value, &format!("have {limit}"));
        }
        if !value.chars().all(rule.allowed) {
            let pattern = rule.pattern;
            self.fail(
                member,
                value,
                &format!("satisfy regular expression pattern: {pattern}"),
            );
        }
    }

    /// The value must lie in the range.
    pub(crate) fn range(
        &mut self,
        member: &str,
        value: i32,
        range: &std::ops::RangeInclusive<i32>,
    ) {
        let text = value.to_string();
        if value < *range.start() {
            let limit = format!("value greater than or equal to {}", range.start());
            self.fail(member, &text, &format!("have {limit}"));
        }
        if value > *range.end() {
            let limit = format!("value less than or equal to {}", range.end());
            self.fail(member, &text, &format!("have {limit}"));
        }
    }

    /// The value must be one of these.
    pub(crate) fn one_of(&mut self, member: &str, value: &str, values: &[&str]) {
        if !values.contains(&value) {
            let values = values.join(", ");
            self.fail(
                member,
                value,
                &format!("satisfy enum value set: [{values}]"),
            );
        }
    }

    fn fail(&mut self, member: &str, value: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// Ok if nothing is wrong.
    pub(crate) fn check(self) -> Result<(), AwsError> {
        let errors = match self.0.len() {
            0 => return Ok(()),
            1 => "1 validation error".to_owned(),
            count => format!("{count} validation errors"),
        };
        Err(AwsError::validation(format!(
            "{errors} detected: {}",
            self.0.join("; ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_aws_reads_them() {
        // radkawar/stackd captured these from AWS (testdata/aws/sts/query_inputs.json).
        for (text, expected) in [("900", 900), ("0900", 900), ("%2B900", 900), ("0", 0)] {
            let parameters = Parameters::parse(&format!("DurationSeconds={text}"));
            assert_eq!(
                parameters.integer("DurationSeconds").unwrap(),
                Some(expected)
            );
        }
        for text in ["+900+", "%09900%0A", "900.0", "9e2", "2147483648", ""] {
            let parameters = Parameters::parse(&format!("DurationSeconds={text}"));
            let error = parameters.integer("DurationSeconds").unwrap_err();
            assert_eq!(
                (error.status, error.code),
                (400, "MalformedInput"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_form_is_decoded() {
        let parameters = Parameters::parse("A=b%2Fc+d&E=&F&&G=h=i");
        let pairs: Vec<_> = parameters
            .0
            .iter()
            .map(|(a, b)| format!("{a}={b}"))
            .collect();
        assert_eq!(pairs, ["A=b/c d", "E=", "F=", "G=h=i"]);
    }

    #[test]
    fn several_violations_are_reported_together() {
        let mut constraints = Constraints::default();
        constraints.required("roleArn", None);
        constraints.range("durationSeconds", 60, &(900..=43200));
        assert_eq!(
            constraints.check().unwrap_err().message,
            "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: \
             Member must not be null; Value '60' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value greater than or equal to 900"
        );
    }
}
