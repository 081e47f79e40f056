//! Requests the credential report of the account and downloads it.

use aws_sdk_iam::types::ReportStateType;
use chrono::{DateTime, Utc};

use super::iam_client::Iam;
use super::iam_error::{IamError, Result};
use crate::aws::network::Tries;
use crate::core::aws_errors;
use crate::core::clock;
use crate::core::error::Failure;

/// A report as AWS returns it.
pub struct CredentialReport {
    /// CSV.
    pub text: String,
    pub made: Option<DateTime<Utc>>,
}

impl Iam<'_> {
    /// Requests the report, which AWS generates unless there is one from the last four hours. Returns whether it is ready.
    pub fn generate_credential_report(&self) -> Result<bool> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.generate_credential_report();
        let answer = self.call("GenerateCredentialReport", &[], || call.clone().send())?;
        Ok(answer.state() == Some(&ReportStateType::Complete))
    }

    /// The report; none if it is not ready yet.
    pub fn credential_report(&self) -> Result<Option<CredentialReport>> {
        let iam = self.iam(Tries::Several)?;
        let call = iam.get_credential_report();
        let answer = match self.call("GetCredentialReport", &[], || call.clone().send()) {
            Err(error)
                if error
                    .code()
                    .is_some_and(|code| aws_errors::REPORT_NOT_READY.contains(&code)) =>
            {
                return Ok(None);
            }
            answer => answer?,
        };
        let text = answer
            .content
            .map(aws_sdk_iam::primitives::Blob::into_inner);
        let text = text.and_then(|text| String::from_utf8(text).ok());
        let Some(text) = text else {
            return Err(IamError {
                request_error: None,
                failure: Failure::new("the response from AWS IAM contains no credential report")
                    .hint("run the command again"),
            });
        };
        let made = answer.generated_time;
        Ok(Some(CredentialReport {
            text,
            made: made.and_then(|time| clock::from_timestamp(time.secs())),
        }))
    }
}
