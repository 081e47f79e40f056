//! PURE. Proofs of possession (DPoP): what a client signs to show that it has the key of its tokens.
//! <https://www.rfc-editor.org/rfc/rfc9449#section-4>

use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::encoding::from_base64_url;

/// How far the clocks of client and server may be apart. AWS names no number.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// What a proof has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The public key, as a point that is not compressed.
    pub(crate) key: Vec<u8>,
    /// The identifier that no other proof has.
    pub(crate) id: String,
}

impl Proof {
    /// Checks the proof of a POST request to this address, or says what is wrong with it.
    pub(crate) fn of(header: &str, address: &str, now: DateTime<Utc>) -> Result<Self, String> {
        let parts: Vec<_> = header.split('.').collect();
        let [head, payload, signature] = parts[..] else {
            return Err(format!("a proof has three parts, not {}", parts.len()));
        };
        let (head_fields, fields) = (object(head)?, object(payload)?);
        expect(&head_fields, "typ", "dpop+jwt")?;
        expect(&head_fields, "alg", "ES256")?;
        let key = public_key(&head_fields["jwk"])?;
        let signature = from_base64_url(signature).ok_or("the signature is not Base64")?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
            .verify(format!("{head}.{payload}").as_bytes(), &signature)
            .map_err(|_| "the signature is not that of the key")?;

        expect(&fields, "htm", "POST")?;
        expect(&fields, "htu", address)?;
        let made = fields["iat"].as_i64().ok_or("iat is not a number")?;
        if (made - now.timestamp()).abs() > TOLERANCE.num_seconds() {
            return Err(format!("iat is {made}, and now is {}", now.timestamp()));
        }
        match fields["jti"].as_str() {
            Some(id) if !id.is_empty() => Ok(Self {
                key,
                id: id.to_owned(),
            }),
            _ => Err("jti is missing".to_owned()),
        }
    }
}

/// The JSON object in a part of a token.
fn object(part: &str) -> Result<Value, String> {
    let text = from_base64_url(part).ok_or("a part is not Base64")?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if value.is_object() {
        Ok(value)
    } else {
        Err("a part is not an object".to_owned())
    }
}

fn expect(fields: &Value, name: &str, expected: &str) -> Result<(), String> {
    match &fields[name] {
        Value::String(value) if value == expected => Ok(()),
        other => Err(format!("{name} is {other}, not {expected}")),
    }
}

fn public_key(jwk: &Value) -> Result<Vec<u8>, String> {
    expect(jwk, "kty", "EC")?;
    expect(jwk, "crv", "P-256")?;
    if jwk.get("d").is_some() {
        return Err("the private key was sent".to_owned());
    }
    let mut key = vec![4];
    for name in ["x", "y"] {
        let coordinate = jwk[name].as_str().and_then(from_base64_url);
        match coordinate {
            Some(bytes) if bytes.len() == 32 => key.extend(bytes),
            _ => return Err(format!("{name} is not a coordinate")),
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 9449, section 4.1.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const ADDRESS: &str = "https://server.example.com/token";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_562_262_616 + seconds, 0).unwrap()
    }

    #[test]
    fn agrees_with_the_example_of_the_rfc() {
        for seconds in [-300, 0, 300] {
            let proof = Proof::of(EXAMPLE, ADDRESS, at(seconds)).unwrap();
            assert_eq!(
                (proof.id.as_str(), proof.key.len()),
                ("-BwC3ESc6acc2lTc", 65)
            );
        }
    }

    #[test]
    fn a_proof_is_for_one_address_and_time_and_whole() {
        let (signed, signature) = EXAMPLE.rsplit_once('.').unwrap();
        let (head, payload) = signed.split_once('.').unwrap();
        let other = payload.replace("E2fQ", "E3fQ");
        for (proof, address, seconds, problem) in [
            (EXAMPLE, "https://server.example.com/other", 0, "htu is"),
            (
                EXAMPLE,
                ADDRESS,
                301,
                "iat is 1562262616, and now is 1562262917",
            ),
            (
                EXAMPLE,
                ADDRESS,
                -301,
                "iat is 1562262616, and now is 1562262315",
            ),
            (signed, ADDRESS, 0, "a proof has three parts, not 2"),
            (
                &format!("{head}.{other}.{signature}"),
                ADDRESS,
                0,
                "the signature is not that of the key",
            ),
            (
                &format!("{head}.{payload}.AAAA"),
                ADDRESS,
                0,
                "the signature is not that of the key",
            ),
            (
                &format!("e30.{payload}.{signature}"),
                ADDRESS,
                0,
                "typ is null",
            ),
            (
                &format!("!.{payload}.{signature}"),
                ADDRESS,
                0,
                "a part is not Base64",
            ),
        ] {
            let said = Proof::of(proof, address, at(seconds)).unwrap_err();
            assert!(said.starts_with(problem), "{said}");
        }
    }
}
