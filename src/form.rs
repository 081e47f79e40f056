//! The forms of AWS's values. Whatever comes from a server, a command or a file and goes into a file or onto a command line is held
//! against them: no answer can write a line of its own, or a command.

/// What a value is, and whether a text has its form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>.
    AccessKeyId,
    /// Printed ASCII. AWS documents no more: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>.
    SecretAccessKey,
    /// Printed ASCII. AWS documents no more: <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>.
    SessionToken,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html>.
    UserName,
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html>.
    DeviceName,
    /// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
    AccountId,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    Partition,
    /// Base32: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html>.
    Seed,
}

/// So much of a secret is more than AWS gives out, and less than could fill a file.
const LONGEST_SECRET: usize = 512;
const LONGEST_TOKEN: usize = 16 * 1024;

impl Form {
    /// Whether a text has this form.
    pub fn fits(self, text: &str) -> bool {
        let (lengths, takes): (_, fn(u8) -> bool) = match self {
            Self::AccessKeyId => (16..=128, |b| b.is_ascii_alphanumeric() || b == b'_'),
            Self::SecretAccessKey => (1..=LONGEST_SECRET, |b| b.is_ascii_graphic()),
            Self::SessionToken => (1..=LONGEST_TOKEN, |b| b.is_ascii_graphic()),
            Self::UserName => (1..=64, is_of_name),
            Self::DeviceName => (1..=226, is_of_name),
            Self::AccountId => (12..=12, |b| b.is_ascii_digit()),
            Self::Partition => (3..=32, |b| b.is_ascii_lowercase() || b == b'-'),
            Self::Seed => (16..=256, |b| {
                b.is_ascii_uppercase() || b"234567=".contains(&b)
            }),
        };
        lengths.contains(&text.len()) && text.bytes().all(takes)
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access key id",
            Self::SecretAccessKey => "secret access key",
            Self::SessionToken => "session token",
            Self::UserName => "user name",
            Self::DeviceName => "device name",
            Self::AccountId => "account id",
            Self::Partition => "partition",
            Self::Seed => "device seed",
        }
    }
}

/// The first value that has not its form.
pub fn misfit(values: &[(Form, &str)]) -> Option<Form> {
    let found = values.iter().find(|(form, text)| !form.fits(text));
    found.map(|(form, _)| *form)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn each_value_has_its_form() {
        use Form::{
            AccessKeyId, AccountId, Partition, SecretAccessKey, Seed, SessionToken, UserName,
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
            (Seed, "JBSWY3DPEHPK3PXPABCDEFGH", "abc"),
        ] {
            assert!(form.fits(good), "{good}");
            assert!(!form.fits(bad) && !form.fits(""), "{bad}");
            assert!(!form.fits(&format!("{good}\u{1b}")), "{good}");
        }
    }
}
