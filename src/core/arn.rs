//! Parses and formats Amazon Resource Names.

use std::fmt;

/// An Amazon Resource Name, `arn:partition:service:region:account:resource`.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    /// Empty if the service has none, like IAM.
    pub region: &'a str,
    pub account: &'a str,
    /// Everything after the account. It may contain colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits a text, whatever its parts are. None if a part is missing.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }

    /// The name of something in IAM.
    pub fn of_iam(partition: &'a str, account: &'a str, resource: &'a str) -> Self {
        Self {
            partition,
            service: "iam",
            region: "",
            account,
            resource,
        }
    }

    /// The kind of the resource, and its name with its path, where it has both: `user` and `team/alice`.
    pub fn kind_and_name(&self) -> Option<(&'a str, &'a str)> {
        self.resource.split_once('/')
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[test]
    fn what_has_all_parts_is_an_arn() {
        let text = "arn:aws-cn:iam::123456789012:role/team/a:b";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(arn, Arn::of_iam("aws-cn", "123456789012", "role/team/a:b"));
        assert_eq!(arn.kind_and_name(), Some(("role", "team/a:b")));
        assert_eq!(arn.to_string(), text);
        for text in [
            "",
            "arn:aws:iam::123456789012",
            "ARN:aws:iam:::x",
            "GAHT12345678",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
