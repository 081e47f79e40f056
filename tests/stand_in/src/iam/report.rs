//! The credential report: made for a while, and kept for four hours.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::account::{AccessKey, User};
use crate::cloud::Cloud;
use crate::device::long_ago;
use crate::errors::AwsError;
use crate::iam_answers::IamAnswer;
use crate::sessions::Caller;

const KEPT: TimeDelta = TimeDelta::hours(4);
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

impl Cloud {
    pub(super) fn generate_credential_report(
        &mut self,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<IamAnswer, AwsError> {
        self.authorize(caller, "iam:GenerateCredentialReport", "*")?;
        Ok(IamAnswer::ReportState(match &mut self.report {
            Some((left, begun)) if now - *begun < KEPT => {
                if *left == 0 {
                    "COMPLETE"
                } else {
                    *left -= 1;
                    "INPROGRESS"
                }
            }
            report => {
                *report = Some((self.report_takes, now));
                "STARTED"
            }
        }))
    }

    pub(super) fn get_credential_report(
        &mut self,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<IamAnswer, AwsError> {
        self.authorize(caller, "iam:GetCredentialReport", "*")?;
        match &mut self.report {
            None => Err(AwsError::new(410, "ReportNotPresent", "Unknown")),
            Some((_, begun)) if now - *begun >= KEPT => {
                Err(AwsError::new(410, "ReportExpired", "Unknown"))
            }
            Some((left, _)) if *left > 0 => {
                *left -= 1;
                Err(AwsError::new(404, "ReportInProgress", "Unknown"))
            }
            Some((_, begun)) => {
                let begun = *begun;
                Ok(IamAnswer::Report {
                    text: self.credential_report(),
                    made: begun,
                })
            }
        }
    }

    fn credential_report(&self) -> String {
        let (partition, id) = (&self.account.partition, &self.account.id);
        let root = format!(
            "<root_account>,arn:{partition}:iam::{id}:root,{},not_supported,{},not_supported,not_supported,true,\
             false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A",
            time(long_ago()),
            time(long_ago())
        );
        let users = self.account.users.iter().map(|user| self.row(user));
        let rows: Vec<String> = [HEADER.to_owned(), root].into_iter().chain(users).collect();
        rows.join("\n")
    }

    fn row(&self, user: &User) -> String {
        let has_password = if user.password {
            format!("true,no_information,{},N/A", time(long_ago()))
        } else {
            "false,N/A,N/A,N/A".to_owned()
        };
        format!(
            "{},{},{},{has_password},{},{},{},false,N/A,false,N/A",
            user.name,
            self.account.user_arn(&user.name),
            time(long_ago()),
            !user.devices.is_empty(),
            key(user.access_keys.first()),
            key(user.access_keys.get(1)),
        )
    }
}

fn key(key: Option<&AccessKey>) -> String {
    let Some(key) = key else {
        return "false,N/A,N/A,N/A,N/A".to_owned();
    };
    let used = match &key.last_used {
        Some((when, service, region)) => format!("{},{region},{service}", time(*when)),
        None => "N/A,N/A,N/A".to_owned(),
    };
    format!("{},{},{used}", key.active, time(key.created))
}

fn time(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, false)
}
