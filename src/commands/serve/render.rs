//! Prints where a server is, and the tokens that it accepts.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Format;
use crate::commands::server::{AUTHORIZATION_TOKEN, FULL_URI};
use crate::core::credentials::Secret;
use crate::core::text::{self, plain};

/// What the server has of a profile, or of a role.
pub(super) struct Offer {
    pub profile: String,
    pub role_arn: Option<String>,
    pub url: String,
    pub token: Secret,
}

/// For scripts.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    profile: &'a str,
    role_arn: Option<&'a str>,
    #[serde(rename = "AWS_CONTAINER_CREDENTIALS_FULL_URI")]
    url: &'a str,
    #[serde(rename = "AWS_CONTAINER_AUTHORIZATION_TOKEN")]
    token: &'a str,
}

/// All of it.
pub(super) fn render(offers: &[Offer], format: Format) -> Result<Zeroizing<String>> {
    let prefix = match format {
        Format::Env => "export ",
        Format::Dotenv => "",
        Format::Json => return json(offers),
    };
    // Large enough that it is never reallocated, which would leave a copy of a token behind.
    let mut lines = Zeroizing::new(String::with_capacity(4096 * offers.len()));
    for entry in offers {
        if offers.len() > 1 {
            let name = plain(entry.role_arn.as_ref().unwrap_or(&entry.profile));
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "# {name}");
        }
        // Neither a URL nor a token needs quotes.
        let _ = writeln!(lines, "{prefix}{FULL_URI}={}", entry.url);
        let _ = writeln!(
            lines,
            "{prefix}{AUTHORIZATION_TOKEN}={}",
            entry.token.expose()
        );
    }
    Ok(lines)
}

fn json(offers: &[Offer]) -> Result<Zeroizing<String>> {
    let entries: Vec<Entry<'_>> = offers
        .iter()
        .map(|entry| Entry {
            profile: &entry.profile,
            role_arn: entry.role_arn.as_deref(),
            url: &entry.url,
            token: entry.token.expose(),
        })
        .collect();
    text::json(&entries)
}
