//! The federation endpoint of AWS Sign-In: it gives the credentials of a role or a federated user a
//! token, and who brings the token is signed in to the console.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::http::{HttpRequest, HttpResponse};
use crate::parameters::Parameters;
use crate::sessions::{Caller, Session};

pub(crate) const PATH: &str = "/federation";

/// How long an address signs in.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(15);
/// How long a console session may last, in seconds.
const SESSION_DURATION: std::ops::RangeInclusive<i64> = 900..=43_200;

/// What AWS says of everything that it doesn't like, in HTML.
const REFUSAL: &str = "<html><head><title>400</title></head><body><h1>HTTP Status 400 - Invalid \
    credentials parameter</h1><p>The request sent by the client was syntactically incorrect.</p>\
    </body></html>\n";

impl Cloud {
    pub(crate) fn sign_in(
        &mut self,
        request: &HttpRequest,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> HttpResponse {
        let answer = match parameters.get("Action") {
            Some("getSigninToken") => self.get_sign_in_token(request, parameters, now),
            Some("login") => self.log_in(request, parameters, now),
            _ => None,
        };
        answer.unwrap_or_else(|| HttpResponse::new(400, "text/html;charset=utf-8", REFUSAL))
    }

    fn get_sign_in_token(
        &mut self,
        request: &HttpRequest,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Option<HttpResponse> {
        // Secrets in an address end up in logs. AWS accepts them, and mfa-creds must not send them.
        if request.method != "POST" || !request.query().is_empty() {
            return None;
        }
        let session: Value = serde_json::from_str(parameters.get("Session")?).ok()?;
        let part = |name: &str| session.get(name)?.as_str();
        let Session {
            caller,
            credentials,
        } = self.sessions.get(part("sessionId")?)?;
        let may_choose = match caller {
            Caller::RoleSession { chained, .. } => !chained,
            Caller::FederatedUser { .. } => false,
            Caller::User { .. } | Caller::UserSession { .. } | Caller::Login { .. } => return None,
        };
        let is_it = part("sessionKey")? == credentials.secret_access_key
            && part("sessionToken")? == credentials.session_token
            && credentials.expiration > now;
        let may_last = match parameters.get("SessionDuration") {
            None => true,
            Some(text) => may_choose && SESSION_DURATION.contains(&text.parse().ok()?),
        };
        if !is_it || !may_last {
            return None;
        }
        let token = self.fakes.sign_in_token();
        self.secrets.note(&token);
        self.sign_in_tokens.insert(token.clone(), now + GOOD_FOR);
        let body = format!("{{\"SigninToken\":\"{token}\"}}");
        Some(HttpResponse::new(200, "application/json", body))
    }

    fn log_in(
        &self,
        request: &HttpRequest,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Option<HttpResponse> {
        let until = self.sign_in_tokens.get(parameters.get("SigninToken")?)?;
        let page = parameters.get("Destination")?;
        parameters.get("Issuer")?;
        if request.method != "GET" || *until < now {
            return None;
        }
        Some(HttpResponse::new(302, "text/html", "").header("Location", page))
    }
}
