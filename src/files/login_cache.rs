//! Reads and writes the file in which AWS tools store a session of `aws login`.
//!
//! The file has temporary credentials, a token that renews them, and the private key that a renewal is signed with. The AWS CLI and the
//! SDKs read and write it as well, and lock nothing, so it is replaced whole. What this module does not know stays in it. See
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>.

use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::core::arn::Arn;
use crate::core::busy_file;
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret, is_printed};
use crate::core::digest;
use crate::core::error::{Failure, reason};
use crate::core::form::{Form, misfit};
use crate::core::regular_file;
use crate::core::shell_words;
use crate::files::profiles::{CLOSE_IT, home, in_home};
use crate::files::store;

/// The names in the file.
mod name {
    pub const ACCESS_TOKEN: &str = "accessToken";
    pub const ACCESS_KEY_ID: &str = "accessKeyId";
    pub const SECRET_ACCESS_KEY: &str = "secretAccessKey";
    pub const SESSION_TOKEN: &str = "sessionToken";
    pub const ACCOUNT_ID: &str = "accountId";
    pub const EXPIRES_AT: &str = "expiresAt";
    pub const CLIENT_ID: &str = "clientId";
    pub const REFRESH_TOKEN: &str = "refreshToken";
    pub const ID_TOKEN: &str = "idToken";
    pub const DPOP_KEY: &str = "dpopKey";
    pub const SIGN_IN_REGION: &str = "signInRegion";
}

/// No session of `aws login` lasts longer, and its credentials last a part of that.
pub const LONGEST: TimeDelta = TimeDelta::hours(12);

/// A session of `aws login`, as it is stored.
pub struct StoredLogin {
    /// The credentials. They may have expired.
    pub credentials: Credentials,
    /// The program that has signed in, as AWS Sign-In names it.
    pub client_id: String,
    /// Renews the credentials. AWS returns a new one with each renewal.
    pub refresh_token: Secret,
    /// The private key that signs a renewal, as PEM.
    pub dpop_key: Secret,
    /// The whole file.
    content: Map<String, Value>,
}

/// What a renewal returns.
pub struct RenewedLogin {
    pub credentials: Credentials,
    pub refresh_token: Secret,
}

/// Why a file does not contain the session that it should.
#[derive(Debug)]
pub struct Unusable(pub &'static str);

/// The file for the session of an identity. `directory` replaces `~/.aws/login/cache`.
pub fn path(identity: &str, directory: Option<&Path>) -> Result<PathBuf> {
    let directory = match directory {
        Some(directory) => in_home(directory.to_path_buf())?,
        None => home()?.join(".aws").join("login").join("cache"),
    };
    Ok(directory.join(format!("{}.json", digest::sha256(identity.as_bytes()))))
}

/// The session in a file; none if there is no file. The inner error says what is wrong with the content.
pub fn read(path: &Path, identity: &str) -> Result<Option<Result<StoredLogin, Unusable>>> {
    match regular_file::read(path).map(Zeroizing::new) {
        Ok(bytes) => Ok(Some(StoredLogin::parse(&bytes, identity))),
        Err(error) if [NotFound, NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => {
            let problem = format!("{} cannot be read: {}", path.display(), reason(&error));
            let failure = Failure::new(problem);
            bail!(if busy_file::is_busy(&error) {
                failure.hint(CLOSE_IT)
            } else if error.kind() == PermissionDenied {
                let make_readable = shell_words::make_readable(path);
                failure.hint(format!("make it readable: {make_readable}"))
            } else {
                failure.hint("remove it; `aws login` writes a new one")
            })
        }
    }
}

/// The region that has signed in, if a file names one: older AWS tools do not store it. AWS knows the session in no other region. See
/// <https://github.com/aws/aws-cli/issues/10613>.
pub fn region(path: &Path) -> Option<String> {
    let bytes = regular_file::read(path).map(Zeroizing::new).ok()?;
    let content: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    let region = content.get(name::SIGN_IN_REGION)?.as_str()?;
    Form::Region.fits(region).then(|| region.to_owned())
}

/// Checks whether the file can be replaced, before a renewal makes that necessary.
pub fn check_writable(path: &Path) -> Result<()> {
    store::check_replaceable(path)
}

impl StoredLogin {
    fn parse(text: &[u8], identity: &str) -> Result<Self, Unusable> {
        let content: Map<String, Value> =
            serde_json::from_slice(text).map_err(|_not_shown| Unusable("it is not valid JSON"))?;
        let text_of = |object: &Map<String, Value>, name: &str, missing| match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            _ => Err(Unusable(missing)),
        };
        let Some(Value::Object(token)) = content.get(name::ACCESS_TOKEN) else {
            return Err(Unusable("it has no accessToken"));
        };
        let of_token = |name| text_of(token, name, "its accessToken is incomplete");
        let expires_at = of_token(name::EXPIRES_AT)?;
        let expiration = DateTime::parse_from_rfc3339(&expires_at)
            .map_err(|_not_shown| Unusable("its expiresAt is not a date"))?;
        let credentials = Credentials {
            access_key_id: of_token(name::ACCESS_KEY_ID)?,
            secret_access_key: Secret::new(of_token(name::SECRET_ACCESS_KEY)?),
            session_token: Secret::new(of_token(name::SESSION_TOKEN)?),
            expiration: expiration.to_utc(),
            role_arn: None,
            session_scope: None,
        };
        if !fit(&credentials) {
            return Err(Unusable("its accessToken is malformed"));
        }
        let client_id = text_of(&content, name::CLIENT_ID, "it has no clientId")?;
        let refresh_token = text_of(&content, name::REFRESH_TOKEN, "it has no refreshToken")?;
        let dpop_key = text_of(&content, name::DPOP_KEY, "it has no dpopKey")?;
        if !is_printed(&client_id) || !Form::SessionToken.fits(&refresh_token) {
            return Err(Unusable("its refreshToken or its clientId is malformed"));
        }
        let account_id = of_token(name::ACCOUNT_ID)?;
        let id_token = content.get(name::ID_TOKEN).and_then(Value::as_str);
        let is_of_another = Arn::parse(identity).is_some_and(|arn| arn.account != account_id)
            || id_token
                .and_then(subject)
                .is_some_and(|subject| subject != identity);
        if is_of_another {
            return Err(Unusable("it is the session of another identity"));
        }
        Ok(Self {
            credentials,
            client_id,
            refresh_token: Secret::new(refresh_token),
            dpop_key: Secret::new(dpop_key),
            content,
        })
    }

    /// How long the credentials last; none if AWS cannot have set this expiration.
    pub fn left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        Some(self.credentials.expiration - now).filter(|left| *left <= LONGEST)
    }

    /// Replaces the file with one that has the renewed credentials.
    pub fn renew(&self, path: &Path, renewed: &RenewedLogin) -> Result<()> {
        let mut content = self.content.clone();
        let of_renewed = [
            (name::ACCESS_KEY_ID, &*renewed.credentials.access_key_id),
            (
                name::SECRET_ACCESS_KEY,
                renewed.credentials.secret_access_key.expose(),
            ),
            (
                name::SESSION_TOKEN,
                renewed.credentials.session_token.expose(),
            ),
            (
                name::EXPIRES_AT,
                &*clock::timestamp(renewed.credentials.expiration),
            ),
        ];
        if let Some(Value::Object(token)) = content.get_mut(name::ACCESS_TOKEN) {
            for (name, value) in of_renewed {
                token.insert(name.to_owned(), value.into());
            }
        }
        let refresh_token = renewed.refresh_token.expose();
        content.insert(name::REFRESH_TOKEN.to_owned(), refresh_token.into());
        let text = serde_json::to_vec(&content).map(Zeroizing::new);
        store::replace_whole(
            path,
            &text.context("the session cannot be written as JSON")?,
        )
    }
}

/// Whether credentials have the form that AWS documents.
pub fn fit(credentials: &Credentials) -> bool {
    misfit(&[
        (Form::AccessKeyId, &credentials.access_key_id),
        (
            Form::SecretAccessKey,
            credentials.secret_access_key.expose(),
        ),
        (Form::SessionToken, credentials.session_token.expose()),
    ])
    .is_none()
}

/// Who is signed in, as the identity token says, a JSON Web Token. Its signature is not checked: the file is the user's own.
fn subject(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = id_token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD
        .decode(claims.trim_end_matches('='))
        .ok()?;
    let Claims { sub } = serde_json::from_slice(&claims).ok()?;
    Some(sub)
}
