//! Renews the credentials of a session of `aws login`.
//!
//! The request is not signed with credentials. A JSON Web Token instead proves that its sender has the private key that the session was
//! created with: <https://www.rfc-editor.org/rfc/rfc9449>. For a time that AWS does not document, it answers the same renewal again, so a
//! lost response usually costs nothing: <https://docs.aws.amazon.com/signin/latest/APIReference/API_CreateOAuth2Token.html>. The SDK has a provider for
//! this (feature `credentials-login` of `aws-config`); it neither locks nor replaces the file atomically, so it could lose the session.

use anyhow::{Context as _, Error, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls_pki_types::PrivateSec1KeyDer;
use rustls_pki_types::pem::PemObject as _;
use sec1::EcPrivateKey;
use sec1::der::Decode as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::network::{Network, Post, PostAnswer, RUN_AGAIN, RequestContext};
use crate::core::clock;
use crate::core::credentials::{Credentials, Secret};
use crate::core::error::Failure;
use crate::core::form::Form;
use crate::core::text;
use crate::files::login_cache::{LONGEST, RenewedLogin, StoredLogin, fit};

/// The action.
const ACTION: &str = "CreateOAuth2Token";
/// Its path.
const PATH: &str = "/v1/token";
/// The header with the proof.
const PROOF: &str = "DPoP";
/// The status of a request that is rejected as it is.
const INVALID: u16 = 400;
/// How many random bytes make a proof unique.
const ID_BYTES: usize = 16;

/// Why a session was not renewed.
#[derive(Debug)]
pub enum NotRenewed {
    /// It has ended, or another process has renewed it.
    Ended,
    /// AWS does not accept it. The text completes "the session …".
    Rejected(String),
    /// The private key in the file cannot sign.
    UnusableKey,
    /// Anything else.
    Failed(Error),
}

impl From<Error> for NotRenewed {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The body of the request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest<'a> {
    client_id: &'a str,
    grant_type: &'static str,
    refresh_token: &'a str,
}

/// The body of a response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenResponse {
    access_token: AccessToken,
    expires_in: i64,
    refresh_token: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Zeroizing<String>,
}

/// The body of an error.
#[derive(Deserialize)]
struct ErrorResponse {
    /// Such as `TOKEN_EXPIRED`.
    error: Option<String>,
    message: Option<String>,
}

/// Renews the credentials of a session.
pub fn renew(
    network: &Network,
    request: &RequestContext<'_>,
    stored: &StoredLogin,
) -> Result<RenewedLogin, NotRenewed> {
    let key = ProofKey::of(stored.dpop_key.expose()).ok_or(NotRenewed::UnusableKey)?;
    let body = serde_json::to_string(&TokenRequest {
        client_id: &stored.client_id,
        grant_type: "refresh_token",
        refresh_token: stored.refresh_token.expose(),
    });
    let body = Zeroizing::new(body.context("the request cannot be written as JSON")?);
    let post = Post {
        name: ACTION,
        path: PATH,
        kind: "application/json",
        body: &body,
        proof: Some((PROOF, &|url| key.proof(url))),
    };
    let mut answer = network.post(request, &post)?;
    // The time in a proof may be the reason.
    if answer.status == INVALID && network.correct_clock() {
        answer = network.post(request, &post)?;
    }
    read(request, &answer)
}

fn read(request: &RequestContext<'_>, answer: &PostAnswer) -> Result<RenewedLogin, NotRenewed> {
    if answer.status == 200 {
        return Ok(granted(request, answer)?);
    }
    let error: Option<ErrorResponse> = serde_json::from_slice(&answer.body).ok();
    let code = error.as_ref().and_then(|error| error.error.as_deref());
    match (answer.status, code) {
        (_, Some("TOKEN_EXPIRED")) => Err(NotRenewed::Ended),
        (_, Some("USER_CREDENTIALS_CHANGED")) => {
            let why = "was ended by AWS, because the user's password has changed";
            Err(NotRenewed::Rejected(why.to_owned()))
        }
        (_, Some("INSUFFICIENT_PERMISSIONS")) => Err(NotRenewed::Failed(
            Failure::new(format!(
                "AWS denied signin:{ACTION} to {}",
                request.key_source
            ))
            .hint("ask an administrator for the managed policy SignInLocalDevelopmentAccess")
            .into(),
        )),
        (429 | 500.., _) => Err(NotRenewed::Failed(
            Failure::new(format!(
                "{} at {} cannot renew the session now: status {}",
                request.connection.service.name(),
                request.host(),
                answer.status
            ))
            .hint(RUN_AGAIN)
            .into(),
        )),
        (400.., Some(code)) => {
            let message = error.as_ref().and_then(|error| error.message.as_deref());
            Err(NotRenewed::Rejected(format!(
                "is rejected by {}: {}: {}",
                request.connection.service.name(),
                text::message(code),
                text::message(message.unwrap_or("no reason"))
            )))
        }
        (status, _) => Err(NotRenewed::Failed(
            request
                .foreign(&format!(
                    "its status is {status}, and its type is {}",
                    answer.kind
                ))
                .into(),
        )),
    }
}

/// The credentials in a response, if they are complete and valid.
fn granted(request: &RequestContext<'_>, answer: &PostAnswer) -> Result<RenewedLogin> {
    let Ok(response) = serde_json::from_slice::<TokenResponse>(&answer.body) else {
        let kind = &answer.kind;
        bail!(request.foreign(&format!("it is {kind} without credentials")));
    };
    let token = response.access_token;
    let lifetime = TimeDelta::try_seconds(response.expires_in);
    let expiration =
        lifetime.filter(|lifetime| *lifetime > TimeDelta::zero() && *lifetime <= LONGEST);
    let Some(expiration) = expiration.and_then(|lifetime| {
        clock::from_timestamp(clock::now().checked_add_signed(lifetime)?.timestamp())
    }) else {
        bail!(request.foreign("its expiration is not valid"));
    };
    let credentials = Credentials {
        access_key_id: token.access_key_id,
        secret_access_key: Secret::new(&*token.secret_access_key),
        session_token: Secret::new(&*token.session_token),
        expiration,
        role_arn: None,
        session_scope: None,
    };
    if !fit(&credentials) || !Form::SessionToken.fits(&response.refresh_token) {
        bail!(request.foreign("its credentials are malformed"));
    }
    Ok(RenewedLogin {
        credentials,
        refresh_token: Secret::new(&*response.refresh_token),
    })
}

/// The key that proves who asks.
struct ProofKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

/// The header of a proof. The names are those of <https://www.rfc-editor.org/rfc/rfc7517> and <https://www.rfc-editor.org/rfc/rfc9449>.
#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    jwk: PublicKey<'a>,
}

#[derive(Serialize)]
struct PublicKey<'a> {
    kty: &'static str,
    crv: &'static str,
    x: &'a str,
    y: &'a str,
}

/// What a proof says.
#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'static str,
    htu: &'a str,
    iat: i64,
}

impl ProofKey {
    /// From a private key for P-256 in the form of SEC 1, as PEM, which AWS tools write.
    fn of(pem: &str) -> Option<Self> {
        let der = PrivateSec1KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        let key = EcPrivateKey::from_der(der.secret_sec1_der()).ok()?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.private_key,
            key.public_key?,
            &random,
        );
        Some(Self {
            pair: pair.ok()?,
            random,
        })
    }

    /// A proof for one request to this address.
    fn proof(&self, url: &str) -> Result<Secret> {
        // An uncompressed point is a byte, x, and y.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let header = Header {
            typ: "dpop+jwt",
            alg: "ES256",
            jwk: PublicKey {
                kty: "EC",
                crv: "P-256",
                x: &BASE64_URL_SAFE_NO_PAD.encode(x),
                y: &BASE64_URL_SAFE_NO_PAD.encode(y),
            },
        };
        let mut id = [0; ID_BYTES];
        let filled = self.random.fill(&mut id);
        filled.map_err(|_unspecified| Failure::new("the system gives no random numbers"))?;
        let claims = Claims {
            jti: &BASE64_URL_SAFE_NO_PAD.encode(id),
            htm: "POST",
            htu: url,
            iat: clock::now().timestamp(),
        };
        let signed = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
        let signature = self.pair.sign(&self.random, signed.as_bytes());
        let signature =
            signature.map_err(|_unspecified| Failure::new("the session's key cannot sign"))?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::new(format!("{signed}.{signature}")))
    }
}

fn encoded(part: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(part).context("a proof cannot be written as JSON")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}
