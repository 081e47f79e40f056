//! PURE. What the services answer, as XML; IAM's own part is in `iam_answers`.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::iam_answers::IamAnswer;
use crate::service::Service;
use crate::xml::{envelope, escape};

/// Temporary credentials, as they are handed out.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) expiration: DateTime<Utc>,
}

/// The result of an action.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// `GetSessionToken`.
    SessionToken(Credentials),
    /// `GetFederationToken`.
    FederationToken {
        arn: String,
        id: String,
        credentials: Credentials,
        /// In percent.
        packed_policy_size: usize,
    },
    /// `AssumeRole`.
    AssumedRole {
        arn: String,
        id: String,
        credentials: Credentials,
        /// In percent, where there are session policies or tags.
        packed_policy_size: Option<usize>,
        source_identity: Option<String>,
    },
    /// `GetCallerIdentity`.
    CallerIdentity {
        arn: String,
        user_id: String,
        account: String,
    },
    /// An action of IAM.
    Iam(IamAnswer),
}

/// How the credentials in an answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// As AWS does.
    Aws,
    /// As moto and `LocalStack` do: the expiration has microseconds.
    FractionalExpiration,
    /// The element is not there.
    NoCredentials,
}

impl Answer {
    pub(crate) fn render(&self, request_id: &str, wording: Wording) -> String {
        let (action, result) = match self {
            Self::SessionToken(credentials) => {
                ("GetSessionToken", credentials_element(credentials, wording))
            }
            Self::FederationToken {
                arn,
                id,
                credentials,
                packed_policy_size: size,
            } => {
                let (arn, id) = (escape(arn), escape(id));
                let credentials = credentials_element(credentials, wording);
                let result = format!(
                    "    <FederatedUser>\n      <FederatedUserId>{id}</FederatedUserId>\n      \
                     <Arn>{arn}</Arn>\n    </FederatedUser>\n{credentials}    \
                     <PackedPolicySize>{size}</PackedPolicySize>\n"
                );
                ("GetFederationToken", result)
            }
            Self::AssumedRole {
                arn,
                id,
                credentials,
                packed_policy_size,
                source_identity,
            } => {
                let (arn, id) = (escape(arn), escape(id));
                let credentials = credentials_element(credentials, wording);
                let size = packed_policy_size.map_or_else(String::new, |size| {
                    format!(
                        "    <PackedPolicySize>{size}</PackedPolicySize>\n    \
                         <SessionTokenUtilization>{size}</SessionTokenUtilization>\n"
                    )
                });
                let identity = source_identity.as_ref().map_or_else(String::new, |name| {
                    format!("    <SourceIdentity>{}</SourceIdentity>\n", escape(name))
                });
                let result = format!(
                    "    <AssumedRoleUser>\n      <AssumedRoleId>{id}</AssumedRoleId>\n      \
                     <Arn>{arn}</Arn>\n    </AssumedRoleUser>\n{credentials}{size}{identity}"
                );
                ("AssumeRole", result)
            }
            Self::CallerIdentity {
                arn,
                user_id,
                account,
            } => {
                let (arn, user_id) = (escape(arn), escape(user_id));
                let result = format!(
                    "    <Arn>{arn}</Arn>\n    <UserId>{user_id}</UserId>\n    \
                     <Account>{account}</Account>\n"
                );
                ("GetCallerIdentity", result)
            }
            Self::Iam(answer) => return answer.render(request_id),
        };
        envelope(Service::Sts, action, Some(&result), request_id)
    }
}

fn credentials_element(credentials: &Credentials, wording: Wording) -> String {
    let format = match wording {
        Wording::Aws => SecondsFormat::Secs,
        Wording::FractionalExpiration => SecondsFormat::Micros,
        Wording::NoCredentials => return String::new(),
    };
    let expiration = credentials.expiration.to_rfc3339_opts(format, true);
    let (id, secret) = (&credentials.access_key_id, &credentials.secret_access_key);
    let token = &credentials.session_token;
    format!(
        "    <Credentials>\n      <AccessKeyId>{id}</AccessKeyId>\n      \
         <SecretAccessKey>{secret}</SecretAccessKey>\n      \
         <SessionToken>{token}</SessionToken>\n      \
         <Expiration>{expiration}</Expiration>\n    </Credentials>\n"
    )
}
