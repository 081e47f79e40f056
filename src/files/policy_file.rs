//! Reads an IAM policy from a file, in the form in which AWS gets it.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::core::busy_file;
use crate::core::error::{Failure, reason};
use crate::core::regular_file;
use crate::core::shell_words;
use crate::files::profiles::CLOSE_IT;

/// What must be in the file.
const MUST_BE_A_POLICY: &str = "the file must contain one IAM policy in JSON, with a Statement";

/// The policy in a file, without the white space between its parts: AWS counts every character.
pub fn read(path: &Path, origin: &impl Display) -> Result<String> {
    let name = format!("{} ({origin})", path.display());
    let bytes = match regular_file::read(path) {
        Ok(bytes) => bytes,
        Err(error) => bail!(unreadable(path, &name, &error)),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        bail!(Failure::new(format!("{name} is not UTF-8 text")).hint(MUST_BE_A_POLICY));
    };
    // Editors on Windows write it, and AWS rejects it.
    let text = text.trim_start_matches('\u{feff}');
    let problem = match serde_json::from_str::<Value>(text) {
        Err(error) => format!("is not valid JSON: {error}"),
        Ok(policy) => match policy.as_object() {
            None => "is not an IAM policy: it is not a JSON object".to_owned(),
            Some(policy) if !policy.contains_key("Statement") => {
                "is not an IAM policy: it has no Statement".to_owned()
            }
            Some(_) => return Ok(compact(text)),
        },
    };
    bail!(Failure::new(format!("{name} {problem}")).hint(MUST_BE_A_POLICY))
}

fn unreadable(path: &Path, name: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("{name} cannot be read: {}", reason(error)));
    match error.kind() {
        _ if busy_file::is_busy(error) => failure.hint(CLOSE_IT),
        ErrorKind::PermissionDenied => failure.hint(format!(
            "make it readable: {}",
            shell_words::make_readable(path)
        )),
        _ if regular_file::unfit(error).is_some() => {
            failure.hint("use a regular file with an IAM policy in JSON")
        }
        _ => failure.hint("write an IAM policy to that file, or fix its path"),
    }
}

/// Valid JSON without the white space outside of strings.
fn compact(json: &str) -> String {
    let mut is_in_string = false;
    let mut is_escaped = false;
    let keep = |c: &char| {
        if is_in_string {
            is_in_string = is_escaped || *c != '"';
            is_escaped = !is_escaped && *c == '\\';
            return true;
        }
        is_in_string = *c == '"';
        !c.is_ascii_whitespace()
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_white_space_outside_of_strings_is_removed() {
        for (json, compacted) in [
            ("{\r\n\t\"a b\" : [ 1 , 2 ]\n}\n", r#"{"a b":[1,2]}"#),
            (
                r#"{ "a\" : " : "\\" , "b" : " c " }"#,
                r#"{"a\" : ":"\\","b":" c "}"#,
            ),
        ] {
            assert_eq!(compact(json), compacted);
        }
    }
}
