//! AWS Sign-In for developers' tools: the sessions that `aws login` makes, and `CreateOAuth2Token`, by
//! which a client refreshes their credentials.
//! <https://docs.aws.amazon.com/goto/WebAPI/signin-2023-01-01/CreateOAuth2Token>

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::answers::Credentials;
use crate::cloud::Cloud;
use crate::dpop::Proof;
use crate::encoding::{base64, base64_url};
use crate::errors::AwsError;
use crate::http::{HttpRequest, HttpResponse};
use crate::parameters::Parameters;
use crate::scope::Inherited;
use crate::sessions::Caller;

pub(crate) const PATH: &str = "/v1/token";
pub(crate) const ACTION: &str = "CreateOAuth2Token";

/// The client of a browser on the same machine, which `aws login` is by default.
const SAME_DEVICE: &str = "arn:aws:signin:::devtools/same-device";
/// The one of a browser elsewhere, which is `aws login --remote`.
const CROSS_DEVICE: &str = "arn:aws:signin:::devtools/cross-device";
/// How long credentials last, in seconds; AWS documents it as the most.
const CREDENTIALS_LAST: u32 = 900;
/// How long a session can be refreshed, in seconds.
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>
const SESSIONS_LAST: u32 = 43_200;
/// How long AWS lets a refresh token be.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 1..=2048;
/// The beginning and the middle of a private key of the curve P-256, as RFC 5915 writes it. The
/// private and the public part follow one each.
const SEC1: [&[u8]; 2] = [
    &[0x30, 0x77, 2, 1, 1, 4, 32],
    &[
        0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 0xa1, 68, 3, 66, 0,
    ],
];

/// Who signs in by `aws login`.
#[derive(Clone, Debug)]
pub struct Login {
    caller: Caller,
    client: &'static str,
    /// The region that the cache file names, which newer clients write.
    region: Option<&'static str>,
}

/// What `aws login` leaves on the machine of somebody who has signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The value of `login_session` in the profile.
    pub session: String,
    /// The text of the cache file.
    pub cache: String,
}

impl Login {
    /// A user, such as `alice`.
    #[must_use]
    pub fn of_user(name: &str) -> Self {
        let caller = Caller::Login {
            name: name.to_owned(),
            mfa: false,
        };
        Self {
            caller,
            client: SAME_DEVICE,
            region: None,
        }
    }

    /// A user whose credentials tell of MFA. Whether those of AWS do is documented nowhere.
    #[must_use]
    pub fn with_mfa(mut self) -> Self {
        if let Caller::Login { mfa, .. } = &mut self.caller {
            *mfa = true;
        }
        self
    }

    /// Somebody who came to the console by a role, as federated people do.
    #[must_use]
    pub fn of_role(arn: &str, session_name: &str) -> Self {
        let caller = Caller::RoleSession {
            role_arn: arn.to_owned(),
            session_name: session_name.to_owned(),
            inherited: Inherited::default(),
            chained: false,
        };
        Self {
            caller,
            client: SAME_DEVICE,
            region: None,
        }
    }

    /// By `aws login --remote`.
    #[must_use]
    pub fn remote(mut self) -> Self {
        self.client = CROSS_DEVICE;
        self
    }

    /// In another region than `us-east-1`, with a client that notes it in the cache file.
    #[must_use]
    pub fn in_region(mut self, region: &'static str) -> Self {
        self.region = Some(region);
        self
    }

    /// Whether this is the host of its region, or one that is no host of AWS. AWS knows a session only
    /// in its region: <https://github.com/aws/aws-cli/issues/10613>.
    fn is_known_at(&self, host: &str) -> bool {
        match host.split_once(".signin.") {
            Some((region, _)) => region == self.region.unwrap_or("us-east-1"),
            None => true,
        }
    }
}

impl SignedIn {
    /// The name of the cache file: it follows from the session.
    #[must_use]
    pub fn file_name(&self) -> String {
        let digest = Sha256::digest(&self.session);
        let hex = digest.iter().map(|byte| format!("{byte:02x}"));
        hex.chain([".json".to_owned()]).collect()
    }
}

/// The sessions, and what is remembered of the proofs for them.
#[derive(Debug)]
pub(crate) struct Logins {
    sessions: Vec<LoginSession>,
    /// The identifiers of all proofs.
    proofs: HashSet<String>,
    pub(crate) credentials_last: u32,
    pub(crate) sessions_last: u32,
    /// Whether the last refresh token before the newest gets the same answer again.
    pub(crate) used_tokens_work: bool,
}

#[derive(Debug)]
struct LoginSession {
    login: Login,
    key: Vec<u8>,
    until: DateTime<Utc>,
    /// The refresh tokens, the newest last.
    tokens: Vec<String>,
    /// What the newest token came with.
    newest: Tokens,
    /// Why it has ended before its time.
    ended: Option<&'static str>,
}

/// What a refresh brings.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    credentials: Credentials,
    seconds: i64,
    refresh_token: String,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            sessions: Vec::new(),
            proofs: HashSet::new(),
            credentials_last: CREDENTIALS_LAST,
            sessions_last: SESSIONS_LAST,
            used_tokens_work: false,
        }
    }
}

impl Logins {
    /// Ends the sessions that there are. AWS tells their refreshes this.
    pub(crate) fn end(&mut self, error: &'static str) {
        for session in &mut self.sessions {
            session.ended = Some(error);
        }
    }

    /// The session that a refresh token is or was of.
    fn find(&self, token: &str) -> Option<usize> {
        let mut sessions = self.sessions.iter();
        sessions.position(|session| session.tokens.iter().any(|other| other == token))
    }
}

impl Cloud {
    /// Lets somebody sign in.
    pub(crate) fn log_in_by_tool(&mut self, login: &Login, now: DateTime<Utc>) -> SignedIn {
        let (key, pem) = new_key();
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            self.secrets.note(line);
        }
        let session = login.caller.arn(&self.account);
        let id_token = id_token(&session, login.client, &self.fakes.token("FakeSignature"));
        self.secrets.note(&id_token);
        let until = now + TimeDelta::seconds(self.logins.sessions_last.into());
        let tokens = self.new_tokens(&login.caller, until, now);
        let access_token = access_token(&tokens, login.caller.account_id(&self.account));
        let region = login.region.map_or_else(String::new, |region| {
            format!(", \"signInRegion\": {}", json!(region))
        });
        let cache = format!(
            "{{\"accessToken\": {access_token}, \"tokenType\": \"aws_sigv4\", \"clientId\": {}, \
             \"refreshToken\": {}, \"idToken\": {}, \"dpopKey\": {}{region}}}",
            json!(login.client),
            json!(tokens.refresh_token),
            json!(id_token),
            json!(pem),
        );
        self.logins.sessions.push(LoginSession {
            login: login.clone(),
            key,
            until,
            tokens: vec![tokens.refresh_token.clone()],
            newest: tokens,
            ended: None,
        });
        SignedIn { session, cache }
    }

    /// Refreshes the session of a cache file as another client does, and returns what that writes.
    ///
    /// # Panics
    /// If it is not the newest one of a session.
    pub(crate) fn refreshed(&mut self, cache: &str, now: DateTime<Utc>) -> String {
        let mut cache: Map<String, Value> = serde_json::from_str(cache).expect("a cache file");
        let token = cache["refreshToken"].as_str().expect("a refresh token");
        let number = self.logins.find(token).expect("a session of this token");
        let tokens = self.refresh(number, token, now).expect("a refresh");
        let account = cache["accessToken"]["accountId"].as_str();
        let access_token = access_token(&tokens, account.expect("an account ID"));
        let access_token = serde_json::from_str(&access_token).expect("an object");
        cache.insert("accessToken".to_owned(), access_token);
        cache.insert("refreshToken".to_owned(), tokens.refresh_token.into());
        Value::from(cache).to_string()
    }

    /// `CreateOAuth2Token`, with the parameters that [`parameters`] has found.
    pub(crate) fn create_token(
        &mut self,
        request: &HttpRequest,
        scheme: &str,
        parameters: &Parameters,
        now: DateTime<Utc>,
    ) -> Result<Tokens, AwsError> {
        let of_type = request.header("content-type").unwrap_or_default();
        if request.method != "POST" || !of_type.starts_with("application/json") {
            return Err(invalid("a refresh is a POST request with JSON"));
        }
        if request.header("authorization").is_some() {
            return Err(invalid("a public client does not sign"));
        }
        let token = refresh_token(parameters)?;
        let proof = self.proof(request, scheme, now)?;
        let number = self
            .logins
            .find(token)
            .ok_or_else(|| invalid("the refresh token is of no session"))?;
        let session = &self.logins.sessions[number];
        if parameters.get("clientId") != Some(session.login.client) {
            return Err(invalid("clientId is not that of the session"));
        }
        if !session
            .login
            .is_known_at(request.header("host").unwrap_or_default())
        {
            return Err(invalid("the session is of another region"));
        }
        if session.key != proof.key {
            return Err(invalid(
                "the proof is of another key than that of the refresh token",
            ));
        }
        self.refresh(number, token, now)
    }

    /// The proof that comes with a request, if it is good.
    fn proof(
        &mut self,
        request: &HttpRequest,
        scheme: &str,
        now: DateTime<Utc>,
    ) -> Result<Proof, AwsError> {
        let proofs: Vec<_> = request.header_values("dpop").collect();
        let [proof] = proofs[..] else {
            return Err(invalid("the request needs a proof of possession"));
        };
        let host = request.header("host").unwrap_or_default();
        let address = format!("{scheme}://{host}{}", request.path());
        let proof = Proof::of(proof, &address, now).map_err(|problem| invalid(&problem))?;
        if !self.logins.proofs.insert(proof.id.clone()) {
            return Err(invalid("jti was used before"));
        }
        Ok(proof)
    }

    /// Gives a session new credentials and a new refresh token, if the old one is the newest.
    fn refresh(
        &mut self,
        number: usize,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Tokens, AwsError> {
        let session = &self.logins.sessions[number];
        if let Some(error) = session.ended {
            return Err(denied(error));
        }
        if session.until <= now {
            return Err(denied("TOKEN_EXPIRED"));
        }
        let (caller, until) = (session.login.caller.clone(), session.until);
        let (partition, id) = (&self.account.partition, &self.account.id);
        let client =
            format!("arn:{partition}:signin:us-east-1:{id}:oauth2/public-client/localhost");
        let action = format!("signin:{ACTION}");
        self.check_denials(&caller, &action, &client)
            .map_err(|_| denied("INSUFFICIENT_PERMISSIONS"))?;
        let age = session.tokens.iter().rev().position(|it| it == token);
        match age {
            Some(0) => {}
            Some(1) if self.logins.used_tokens_work => return Ok(session.newest.clone()),
            _ => return Err(denied("TOKEN_EXPIRED")),
        }
        let tokens = self.new_tokens(&caller, until, now);
        let session = &mut self.logins.sessions[number];
        session.tokens.push(tokens.refresh_token.clone());
        session.newest = tokens.clone();
        Ok(tokens)
    }

    fn new_tokens(&mut self, caller: &Caller, until: DateTime<Utc>, now: DateTime<Utc>) -> Tokens {
        let seconds = i64::from(self.logins.credentials_last).min((until - now).num_seconds());
        let prefix = &self.account.session_prefix;
        let credentials = self.sessions.issue(caller.clone(), seconds, now, prefix);
        self.secrets.note_credentials(&credentials);
        let refresh_token = self.fakes.token("FakeRefreshToken");
        self.secrets.note(&refresh_token);
        Tokens {
            credentials,
            seconds,
            refresh_token,
        }
    }
}

impl Tokens {
    /// The answer to a refresh.
    pub(crate) fn response(&self, has_credentials: bool) -> HttpResponse {
        let mut body = json!({
            "tokenType": "aws_sigv4",
            "expiresIn": self.seconds,
            "refreshToken": self.refresh_token,
        });
        if has_credentials {
            body["accessToken"] = json!({
                "accessKeyId": self.credentials.access_key_id,
                "secretAccessKey": self.credentials.secret_access_key,
                "sessionToken": self.credentials.session_token,
            });
        }
        HttpResponse::new(200, "application/json", body.to_string())
    }
}

/// The fields of a request. Its body is JSON, whose names AWS writes in this way only.
pub(crate) fn parameters(body: &[u8]) -> Parameters {
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let fields = fields.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    let action = [("Action".to_owned(), ACTION.to_owned())];
    Parameters(fields.chain(action).collect::<BTreeMap<_, _>>())
}

/// How AWS Sign-In answers an error, whose code is the `error` of OAuth.
pub(crate) fn refusal(error: &AwsError) -> HttpResponse {
    let (status, code) = match (error.status, error.code) {
        (_, "Throttling") => (429, "INVALID_REQUEST"),
        (status @ 500.., _) => (status, "server_error"),
        other => other,
    };
    let exception = match status {
        401 | 403 => "AccessDeniedException",
        429 => "TooManyRequestsError",
        500.. => "InternalServerException",
        _ => "ValidationException",
    };
    let body = json!({"error": code, "message": error.message});
    HttpResponse::new(status, "application/json", body.to_string())
        .header("x-amzn-ErrorType", exception)
}

/// The refresh token, if the other fields fit it.
fn refresh_token(parameters: &Parameters) -> Result<&str, AwsError> {
    if parameters.get("grantType") != Some("refresh_token") {
        return Err(invalid("grantType is not refresh_token"));
    }
    let token = parameters.get("refreshToken").unwrap_or_default();
    if !TOKEN_LENGTH.contains(&token.len()) {
        return Err(invalid("refreshToken has another length than 1 to 2048"));
    }
    Ok(token)
}

fn invalid(message: &str) -> AwsError {
    AwsError::new(400, "INVALID_REQUEST", message)
}

fn denied(error: &'static str) -> AwsError {
    let status = if error.ends_with("_EXPIRED") {
        401
    } else {
        403
    };
    let message = match error {
        "TOKEN_EXPIRED" => "The refresh token has expired.",
        _ => "Access denied",
    };
    AwsError::new(status, error, message)
}

/// The credentials as they are in a cache file.
fn access_token(tokens: &Tokens, account_id: &str) -> String {
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
        expiration,
    } = &tokens.credentials;
    let expiration = expiration.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "{{\"accessKeyId\": {}, \"secretAccessKey\": {}, \"sessionToken\": {}, \
         \"accountId\": {}, \"expiresAt\": {}}}",
        json!(access_key_id),
        json!(secret_access_key),
        json!(session_token),
        json!(account_id),
        json!(expiration),
    )
}

/// Who has signed in, as a token that nobody verifies.
fn id_token(session: &str, client: &str, signature: &str) -> String {
    let head = json!({"typ": "JWT", "alg": "ES384", "kid": "fake"});
    let payload = json!({"iss": "fake", "aud": client, "sub": session});
    let parts = [head.to_string(), payload.to_string(), signature.to_owned()];
    parts.map(|part| base64_url(part.as_bytes())).join(".")
}

/// The public part of a new key, and the private one as clients keep it.
fn new_key() -> (Vec<u8>, String) {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let whole = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
    let whole = whole.expect("random numbers");
    // It ends with the private part, five bytes, and the public part.
    let (rest, public) = whole.as_ref().split_at(whole.as_ref().len() - 65);
    let private = &rest[rest.len() - 37..rest.len() - 5];
    let text = base64(&[SEC1[0], private, SEC1[1], public].concat());
    let lines = text.as_bytes().chunks(64);
    let lines = lines.map(|line| String::from_utf8_lossy(line) + "\n");
    let pem = ["-----BEGIN EC PRIVATE KEY-----\n".into()]
        .into_iter()
        .chain(lines)
        .chain(["-----END EC PRIVATE KEY-----\n".into()])
        .collect();
    (public.to_owned(), pem)
}
