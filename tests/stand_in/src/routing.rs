//! Which service a request is for, and whether it has the action.

use chrono::{DateTime, Utc};

use crate::answers::Answer;
use crate::authentication::authenticate;
use crate::cloud::Cloud;
use crate::errors::AwsError;
use crate::http::HttpRequest;
use crate::parameters::Parameters;
use crate::service::Service;
use crate::signature::Authorization;

impl Cloud {
    /// Carries a request out.
    pub(crate) fn answer(
        &mut self,
        request: &HttpRequest,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<Answer, AwsError> {
        let version = parameters.get("Version");
        let service = Service::of(version);
        let caller = authenticate(request, service, &self.account, &self.sessions, now)?;
        let signer = request
            .header("authorization")
            .and_then(Authorization::parse);
        if let Some(Authorization {
            access_key_id,
            scope,
            ..
        }) = signer
        {
            self.account
                .note_use(&access_key_id, now, service.name(), &scope.region);
        }
        let action = parameters.get("Action").ok_or_else(|| {
            let message = "The request is missing an action or a required parameter.";
            AwsError::new(400, "MissingAction", message)
        })?;
        let answer = match service {
            _ if version != Some(service.version()) => None,
            Service::Sts => self.sts(action, &caller, parameters, now),
            Service::Iam => self.iam(action, &caller, parameters, now),
        };
        answer.unwrap_or_else(|| {
            let version = version.unwrap_or("NO_VERSION_SPECIFIED");
            let message = format!("Could not find operation {action} for version {version}");
            Err(AwsError::new(400, "InvalidAction", message))
        })
    }
}
