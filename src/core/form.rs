//! Checks values against the forms that AWS documents. Every value from a server, a command or a file is checked here before it goes
//! into a file or onto a command line, so that none can inject a line or a command.

use crate::core::arn::Arn;

/// What a value is, and whether a text has its form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>.
    AccessKeyId,
    /// Printable ASCII. AWS documents nothing more specific: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>.
    SecretAccessKey,
    /// The form that AWS issues today. What a person types is checked against it, to catch typos.
    TypedAccessKeyId,
    /// Likewise.
    TypedSecretAccessKey,
    /// Printable ASCII. AWS documents nothing more specific: <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>.
    SessionToken,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html>.
    UserName,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html>.
    DeviceName,
    /// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
    AccountId,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    Partition,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>, and the characters of a path and a name.
    RoleArn,
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
    RoleSessionName,
    /// Likewise.
    ExternalId,
    /// Likewise.
    SourceIdentity,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html>; the account of AWS's own policies is `aws`.
    PolicyArn,
    /// A label of a host name, in small letters: it becomes one in the name of an endpoint, so nothing in it may lead to another host.
    /// AWS's own names have a narrower form; `LocalStack` and others take any name.
    /// See <https://www.rfc-editor.org/rfc/rfc1123#section-2.1>.
    Region,
    /// Base32 on AWS, hexadecimal on `MiniStack`: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html>.
    Seed,
}

/// Longer than any secret that AWS issues, and too short to fill a file.
const LONGEST_SECRET: usize = 512;
const LONGEST_TOKEN: usize = 16 * 1024;
/// Of a user or a role: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>.
const LONGEST_PATH: usize = 512;
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>.
const LONGEST_POLICY_NAME: usize = 128;
/// The length of every secret access key that AWS has made.
pub const SECRET_LENGTH: usize = 40;

impl Form {
    /// Whether a text has this form.
    pub fn fits(self, text: &str) -> bool {
        let (lengths, takes): (_, fn(u8) -> bool) = match self {
            Self::AccessKeyId => (16..=128, |b| b.is_ascii_alphanumeric() || b == b'_'),
            Self::SecretAccessKey => (1..=LONGEST_SECRET, |b| b.is_ascii_graphic()),
            Self::TypedAccessKeyId => (16..=128, |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            Self::TypedSecretAccessKey => (SECRET_LENGTH..=SECRET_LENGTH, |b| {
                b.is_ascii_alphanumeric() || b"/+=".contains(&b)
            }),
            Self::SessionToken => (1..=LONGEST_TOKEN, |b| b.is_ascii_graphic()),
            Self::UserName => (1..=64, is_of_name),
            Self::DeviceName => (1..=226, is_of_name),
            Self::AccountId => (12..=12, |b| b.is_ascii_digit()),
            Self::Partition => (3..=32, |b| b.is_ascii_lowercase() || b == b'-'),
            Self::RoleArn => return is_role_arn(text),
            Self::RoleSessionName | Self::SourceIdentity => (2..=64, is_of_name),
            Self::PolicyArn => return is_policy_arn(text),
            Self::ExternalId => (2..=1224, |b| is_of_name(b) || b":/".contains(&b)),
            Self::Region => return is_host_label(text),
            Self::Seed => (16..=256, |b| b.is_ascii_alphanumeric() || b == b'='),
        };
        lengths.contains(&text.len()) && text.bytes().all(takes)
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessKeyId | Self::TypedAccessKeyId => "access key ID",
            Self::SecretAccessKey | Self::TypedSecretAccessKey => "secret access key",
            Self::SessionToken => "session token",
            Self::UserName => "user name",
            Self::DeviceName => "device name",
            Self::AccountId => "account ID",
            Self::Partition => "partition",
            Self::RoleArn => "role ARN",
            Self::RoleSessionName => "role session name",
            Self::ExternalId => "external ID",
            Self::SourceIdentity => "source identity",
            Self::PolicyArn => "policy ARN",
            Self::Region => "region",
            Self::Seed => "device seed",
        }
    }
}

/// How to write a role that does not have to be an ARN, for a hint.
pub const WRITE_ROLE: &str =
    "write it like arn:aws:iam::123456789012:role/NAME or 123456789012:NAME";

/// The first value that does not have its form.
pub fn misfit(values: &[(Form, &str)]) -> Option<Form> {
    let found = values.iter().find(|(form, text)| !form.fits(text));
    found.map(|(form, _)| *form)
}

/// Whether a byte can be in the name of a user, a role, a device or a session.
pub fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

fn is_role_arn(arn: &str) -> bool {
    named_in_iam(arn, "role/")
        .is_some_and(|(account, name)| Form::AccountId.fits(account) && Form::UserName.fits(name))
}

fn is_policy_arn(arn: &str) -> bool {
    named_in_iam(arn, "policy/").is_some_and(|(account, name)| {
        (account == "aws" || Form::AccountId.fits(account))
            && (1..=LONGEST_POLICY_NAME).contains(&name.len())
            && name.bytes().all(is_of_name)
    })
}

/// The account and the name, without its path, in the ARN of something of this kind in IAM.
fn named_in_iam<'a>(arn: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let Some(Arn {
        partition,
        service: "iam",
        region: "",
        account,
        resource,
    }) = Arn::parse(arn)
    else {
        return None;
    };
    let path_and_name = resource.strip_prefix(kind)?;
    let (path, name) = path_and_name
        .rsplit_once('/')
        .unwrap_or(("", path_and_name));
    let fits = Form::Partition.fits(partition)
        && path.len() <= LONGEST_PATH
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some((account, name))
}

fn is_host_label(label: &str) -> bool {
    let takes = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(takes)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn each_value_has_its_form() {
        use Form::{
            AccessKeyId, AccountId, ExternalId, Partition, PolicyArn, Region, RoleArn,
            RoleSessionName, SecretAccessKey, Seed, SessionToken, SourceIdentity, TypedAccessKeyId,
            TypedSecretAccessKey, UserName,
        };

        for (form, good, bad) in [
            // AWS's, moto's, LocalStack's.
            (
                AccessKeyId,
                "AKIAIOSFODNN7EXAMPLE",
                "AKIAX;touch${IFS}/tmp/x",
            ),
            (AccessKeyId, "LSIAQAAAAAAVNCBMPNSG", "AKIA"),
            (SecretAccessKey, "a/b+c", "a\nb"),
            (SessionToken, "FwoGZXIvYXdzE/+==", "a b"),
            (UserName, "alice+x=y,z.@-_", "v;touch x"),
            (AccountId, "000000000000", "12345678901"),
            (Partition, "aws-us-gov", "aws;x"),
            (
                TypedAccessKeyId,
                "AKIAIOSFODNN7EXAMPLE",
                "akiaiosfodnn7example",
            ),
            (
                TypedSecretAccessKey,
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMI;K7MDENG;bPxRfiCYEXAMPLEKEY",
            ),
            (
                RoleArn,
                "arn:aws:iam::123456789012:role/team/x+y=z",
                "arn:aws:iam::123456789012:role/x;touch${IFS}y",
            ),
            (
                RoleArn,
                "arn:aws-cn:iam::123456789012:role/x",
                "arn:aws-cn:iam::123456789012:role/a b/x",
            ),
            (RoleSessionName, "alice@example.com", "alice;x"),
            (SourceIdentity, "alice@example.com", "aws:alice"),
            (
                PolicyArn,
                "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
                "arn:aws:iam::aws:role/x",
            ),
            (
                PolicyArn,
                "arn:aws-cn:iam::123456789012:policy/x",
                "arn:aws-cn:iam::12345678901:policy/x",
            ),
            (ExternalId, "a:b/c-1", "a\u{202e}b"),
            // AWS's, and names for other servers.
            (Region, "eu-west-1", "eu-west-1.evil.example/"),
            (Region, "local", "EU;x"),
            (Region, "e-1", "-x"),
            (Seed, "JBSWY3DPEHPK3PXPABCDEFGH", "abc"),
        ] {
            assert!(form.fits(good), "{good}");
            assert!(!form.fits(bad) && !form.fits(""), "{bad}");
            assert!(!form.fits(&format!("{good}\u{1b}")), "{good}");
        }
    }
}
