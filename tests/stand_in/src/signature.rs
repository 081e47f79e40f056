//! PURE. AWS Signature Version 4.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::http::HttpRequest;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(crate) const TERMINATOR: &str = "aws4_request";

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// What a signature is good for: `DATE/REGION/SERVICE/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) terminator: String,
}

impl Scope {
    fn text(&self) -> String {
        let (date, region) = (&self.date, &self.region);
        let (service, terminator) = (&self.service, &self.terminator);
        format!("{date}/{region}/{service}/{terminator}")
    }
}

/// The `Authorization` header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    pub(crate) scope: Scope,
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
}

impl Authorization {
    /// None if a part is missing.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let parts = header.trim().strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            let mut parts = parts.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        // A key ID has no slash, a scope has four parts.
        let mut credential = part("Credential")?.split('/').map(str::to_owned);
        let access_key_id = credential.next()?;
        let scope = Scope {
            date: credential.next()?,
            region: credential.next()?,
            service: credential.next()?,
            terminator: credential.next()?,
        };
        if credential.next().is_some() {
            return None;
        }
        let signed_headers = part("SignedHeaders")?.split(';').map(str::to_owned);
        Some(Self {
            access_key_id,
            scope,
            signed_headers: signed_headers.collect(),
            signature: part("Signature")?.to_owned(),
        })
    }

    pub(crate) fn signs(&self, header: &str) -> bool {
        self.signed_headers.iter().any(|name| name == header)
    }
}

/// The signature that a request must have.
///
/// `timestamp` is the `X-Amz-Date` of the request, such as `20261122T190000Z`.
pub(crate) fn signature(
    request: &HttpRequest,
    signed_headers: &[String],
    scope: &Scope,
    timestamp: &str,
    secret: &str,
) -> String {
    let canonical_request = canonical_request(request, signed_headers);
    let string_to_sign = format!(
        "{ALGORITHM}\n{timestamp}\n{}\n{}",
        scope.text(),
        hex(&Sha256::digest(canonical_request))
    );
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), &scope.date);
    for part in [&scope.region, &scope.service, &scope.terminator] {
        key = hmac(&key, part);
    }
    hex(&hmac(&key, &string_to_sign))
}

fn canonical_request(request: &HttpRequest, signed_headers: &[String]) -> String {
    let method = &request.method;
    // Every service but S3 has its path encoded once more than it is on the wire.
    let path = utf8_percent_encode(request.path(), RESERVED_IN_PATH);
    let query = canonical_query(request.query());
    let mut canonical = format!("{method}\n{path}\n{query}\n");
    for name in signed_headers {
        let values: Vec<_> = request.header_values(name).map(single_spaced).collect();
        canonical.push_str(name);
        canonical.push(':');
        canonical.push_str(&values.join(","));
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(&signed_headers.join(";"));
    canonical.push('\n');
    canonical.push_str(&hex(&Sha256::digest(&request.body)));
    canonical
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&text, RESERVED).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(name), encode(value))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
    pairs.join("&")
}

fn single_spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documentation of Signature Version 4.
    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date, \
        Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

    fn list_users() -> HttpRequest {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        HttpRequest {
            method: "GET".to_owned(),
            target: "/?Action=ListUsers&Version=2010-05-08".to_owned(),
            headers: vec![
                header("Host", "iam.amazonaws.com"),
                header(
                    "Content-Type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                header("X-Amz-Date", "20150830T123600Z"),
            ],
            ..HttpRequest::default()
        }
    }

    fn signature_of(request: &HttpRequest, authorization: &Authorization) -> String {
        signature(
            request,
            &authorization.signed_headers,
            &authorization.scope,
            "20150830T123600Z",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        )
    }

    #[test]
    fn agrees_with_the_example_that_aws_published() {
        let authorization = Authorization::parse(AUTHORIZATION).unwrap();
        assert_eq!(
            signature_of(&list_users(), &authorization),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        assert_eq!(
            hex(&Sha256::digest(canonical_request(
                &list_users(),
                &authorization.signed_headers
            ))),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
        );
    }

    #[test]
    fn the_order_of_the_query_and_spaces_in_headers_do_not_matter() {
        let authorization = Authorization::parse(AUTHORIZATION).unwrap();
        let mut request = list_users();
        request.target = "/?Version=2010%2D05-08&Action=ListUsers".to_owned();
        request.headers[1].1 = " application/x-www-form-urlencoded;   charset=utf-8 ".to_owned();
        assert_eq!(
            signature_of(&request, &authorization),
            authorization.signature
        );
    }

    #[test]
    fn whatever_is_signed_matters() {
        let authorization = Authorization::parse(AUTHORIZATION).unwrap();
        let changes: [fn(&mut HttpRequest); 5] = [
            |request| request.method = "POST".to_owned(),
            |request| request.target = "/x?Action=ListUsers&Version=2010-05-08".to_owned(),
            |request| request.target = "/?Action=ListRoles&Version=2010-05-08".to_owned(),
            |request| request.headers[0].1 = "sts.amazonaws.com".to_owned(),
            |request| request.body = b"x".to_vec(),
        ];
        for change in changes {
            let mut request = list_users();
            change(&mut request);
            assert_ne!(
                signature_of(&request, &authorization),
                authorization.signature
            );
        }
    }

    #[test]
    fn an_authorization_must_have_all_its_parts() {
        let authorization = Authorization::parse(AUTHORIZATION).unwrap();
        assert_eq!(authorization.access_key_id, "AKIDEXAMPLE");
        assert_eq!(
            authorization.scope.text(),
            "20150830/us-east-1/iam/aws4_request"
        );
        assert!(authorization.signs("host") && !authorization.signs("user-agent"));
        for missing in ["AWS4-HMAC-SHA256", "/iam", "SignedHeaders=", "Signature="] {
            let broken = AUTHORIZATION.replace(missing, "");
            assert_eq!(Authorization::parse(&broken), None, "without {missing}");
        }
    }
}
