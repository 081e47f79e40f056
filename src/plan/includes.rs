//! Finds the keys of a profile in both files, and in the profiles that it names with `include_profile`, as in aws-vault:
//! <https://github.com/99designs/aws-vault/blob/master/USAGE.md#include_profile>.

use crate::core::error::Failure;
use crate::core::text::nearest;
use crate::files::profiles::{File, Files, config_header, key, profile_of};
use crate::plan::setting::{Setting, in_file};

/// The profiles that a profile of the config file includes.
pub(super) struct Includes {
    /// Their headers. What the first one has overrides what the next one has.
    pub headers: Vec<String>,
    /// Why there are no more, if that is a mistake.
    pub mistake: Option<Failure>,
}

impl Includes {
    /// Those of the profile with this header.
    pub(super) fn of(header: &str, config: &File<'_>) -> Self {
        let mut headers = vec![header.to_owned()];
        let mistake = loop {
            let last = &headers[headers.len() - 1];
            let Some(next) = in_file(config, last, key::INCLUDE_PROFILE) else {
                break None;
            };
            let Some(found) = config_header(&config.document, &next.value) else {
                break Some(missing(&next, config));
            };
            if headers.iter().any(|header| header == found) {
                break Some(circle(&headers, &next, config));
            }
            headers.push(found.to_owned());
        };
        headers.remove(0);
        Self { headers, mistake }
    }

    /// A key in the first of them that has it.
    pub(super) fn get(&self, config: &File<'_>, key: &'static str) -> Option<Setting<String>> {
        let mut headers = self.headers.iter();
        headers.find_map(|header| in_file(config, header, key))
    }
}

/// A key of a profile, where AWS tools find it: they prefer its section of the credentials file to its header in the config file.
/// Without either, in a profile that it includes.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.
pub(super) fn of_profile(
    files: &Files<'_>,
    profile: &str,
    header: Option<&str>,
    key: &'static str,
) -> Option<Setting<String>> {
    let config = &files.config;
    in_file(&files.credentials, profile, key)
        .or_else(|| in_file(config, header?, key))
        .or_else(|| Includes::of(header?, config).get(config, key))
}

fn missing(named: &Setting<String>, config: &File<'_>) -> Failure {
    let Setting { value, origin } = named;
    let failure = Failure::new(format!("there is no profile {value} ({origin})"));
    let others = config.document.names().filter_map(profile_of);
    failure.hint(match nearest(value, others) {
        Some(name) => format!("did you mean include_profile = {name}?"),
        None => format!("add [profile {value}], or remove the line"),
    })
}

fn circle(headers: &[String], next: &Setting<String>, config: &File<'_>) -> Failure {
    let names = headers.iter().filter_map(|header| profile_of(header));
    let names: Vec<&str> = names.collect();
    let first = names.iter().position(|name| *name == next.value);
    let round = &names[first.unwrap_or_default()..];
    Failure::new(format!(
        "include_profile in {} forms a loop: {} -> {}",
        config.path.display(),
        round.join(" -> "),
        next.value
    ))
    .hint("remove one of these lines")
}
