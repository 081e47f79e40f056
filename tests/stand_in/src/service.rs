//! PURE. The two services: what they are called, and which regions their signatures may name.

/// An AWS service that the stand-in stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Iam,
}

impl Service {
    /// The service that a request with this `Version` is for.
    pub(crate) fn of(version: Option<&str>) -> Self {
        if version == Some(Self::Iam.version()) {
            Self::Iam
        } else {
            Self::Sts
        }
    }

    /// Its name in credential scopes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
        }
    }

    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Sts => "2011-06-15",
            Self::Iam => "2010-05-08",
        }
    }

    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }

    /// Whether a signature may name this region: STS is in every one, IAM in one of a partition.
    pub(crate) fn is_in(self, region: &str, partition: &str) -> bool {
        let in_a_region = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        match (self, partition) {
            (Self::Sts, _) => !region.is_empty() && region.chars().all(in_a_region),
            (Self::Iam, "aws-cn") => region == "cn-north-1",
            (Self::Iam, "aws-us-gov") => region == "us-gov-west-1",
            (Self::Iam, "aws-iso") => region == "us-iso-east-1",
            (Self::Iam, "aws-iso-b") => region == "us-isob-east-1",
            (Self::Iam, "aws-iso-e") => region == "eu-isoe-west-1",
            (Self::Iam, "aws-iso-f") => region == "us-isof-south-1",
            (Self::Iam, "aws-eusc") => region == "eusc-de-east-1",
            (Self::Iam, _) => region == "us-east-1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_is_in_one_region_of_a_partition_and_sts_in_all() {
        for (partition, region) in [
            ("aws", "us-east-1"),
            ("aws-cn", "cn-north-1"),
            ("aws-us-gov", "us-gov-west-1"),
        ] {
            assert!(Service::Iam.is_in(region, partition));
            assert!(!Service::Iam.is_in("us-east-2", partition));
            assert!(Service::Sts.is_in("us-east-2", partition));
        }
        assert!(!Service::Iam.is_in("us-east-1", "aws-cn"));
        assert!(!Service::Sts.is_in("", "aws"));
    }
}
