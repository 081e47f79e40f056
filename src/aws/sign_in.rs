//! Signs in to the AWS console with the credentials of a role.
//!
//! The protocol is described in
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>. The credentials are in the body
//! of a POST, and in no URL, as AWS's own toolkit for `JetBrains` sends them.

use anyhow::{Context as _, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::network::{Network, Post, PostAnswer, RUN_AGAIN, RequestContext};
use crate::core::credentials::{Credentials, Secret};
use crate::core::error::Failure;
use crate::core::form::Form;

/// The path of the service.
const PATH: &str = "/federation";
/// The action that issues a token.
const ACTION: &str = "getSigninToken";
/// Who has issued the address, which AWS wants to know.
const ISSUER: &str = "mfa-creds";

/// The credentials, as the service reads them.
#[derive(Serialize)]
struct Session<'a> {
    #[serde(rename = "sessionId")]
    id: &'a str,
    #[serde(rename = "sessionKey")]
    key: &'a str,
    #[serde(rename = "sessionToken")]
    token: &'a str,
}

/// The response.
#[derive(Deserialize)]
struct Issued {
    #[serde(rename = "SigninToken")]
    token: String,
}

/// The address that signs in and leads to a page of the console. Who opens it within 15 minutes is signed in.
pub fn address(
    network: &Network,
    request: &RequestContext<'_>,
    credentials: &Credentials,
    session_seconds: Option<u32>,
    page: &str,
) -> Result<Secret> {
    let token = token(network, request, credentials, session_seconds)?;
    let route = request.connection.route()?;
    let url = route.url.to_string();
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    Ok(Secret::new(format!(
        "{}{PATH}?Action=login&Issuer={ISSUER}&Destination={}&SigninToken={}",
        url.trim_end_matches('/'),
        encoded(page),
        *Zeroizing::new(encoded(token.expose())),
    )))
}

/// A token to sign in with.
fn token(
    network: &Network,
    request: &RequestContext<'_>,
    credentials: &Credentials,
    session_seconds: Option<u32>,
) -> Result<Secret> {
    let session = Zeroizing::new(
        serde_json::to_string(&Session {
            id: &credentials.access_key_id,
            key: credentials.secret_access_key.expose(),
            token: credentials.session_token.expose(),
        })
        .context("the credentials cannot be written as JSON")?,
    );
    let post = |seconds: Option<u32>| {
        let duration =
            seconds.map_or_else(String::new, |seconds| format!("&SessionDuration={seconds}"));
        let session = Zeroizing::new(utf8_percent_encode(&session, NON_ALPHANUMERIC).to_string());
        let form = Zeroizing::new(format!(
            "Action={ACTION}&SessionType=json{duration}&Session={}",
            *session
        ));
        network.post(
            request,
            &Post {
                name: ACTION,
                path: PATH,
                kind: "application/x-www-form-urlencoded",
                body: &form,
                proof: None,
            },
        )
    };
    let mut answer = post(session_seconds)?;
    // The credentials may be older than the decision that the role is assumed directly.
    if answer.status == 400 && session_seconds.is_some() {
        network
            .detail("AWS Sign-In refused the duration of the console session; asking without it");
        answer = post(None)?;
    }
    read(request, &answer)
}

/// The token in a response.
fn read(request: &RequestContext<'_>, answer: &PostAnswer) -> Result<Secret> {
    match answer.status {
        200 => {
            let Ok(Issued { token }) = serde_json::from_slice(&answer.body) else {
                let kind = &answer.kind;
                bail!(request.foreign(&format!("it is {kind} without a sign-in token")));
            };
            if !Form::SessionToken.fits(&token) {
                bail!(request.foreign("its sign-in token is malformed"));
            }
            Ok(Secret::new(token))
        }
        status @ (400 | 401 | 403) => bail!(
            Failure::new(format!(
                "{} at {} refused the credentials of {}: status {status}",
                request.connection.service.name(),
                request.host(),
                request.signer_name()
            ))
            .hint("run the command again with --force to get new credentials")
        ),
        status @ 500.. => bail!(
            Failure::new(format!(
                "{} at {} returned an internal error: {status}",
                request.connection.service.name(),
                request.host()
            ))
            .hint(RUN_AGAIN)
        ),
        status => bail!(request.foreign(&format!(
            "its status is {status}, and its type is {}",
            answer.kind
        ))),
    }
}
