//! Reads a credential report in any of its forms: JSON of the AWS CLI, base64, or CSV.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>.

use aws_smithy_types::base64;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::csv::records;
use super::verdict::{Key, ReportedUser, UserKind};

/// The name of the root user.
const ROOT: &str = "<root_account>";
/// The start of a report, whatever columns AWS adds at its end.
const BEGIN: &str = "user,";

/// A report that was read.
#[derive(Debug)]
pub struct ParsedReport {
    pub users: Vec<ReportedUser>,
    /// When AWS created it, if that is known.
    pub made: Option<DateTime<Utc>>,
}

/// Why something is not a report.
#[derive(Debug, Eq, PartialEq)]
pub enum Unusable {
    /// It is something else.
    Foreign,
    /// Its base64 is truncated, or contains other characters.
    Damaged,
    /// A column is missing.
    NoColumn(&'static str),
    /// A line has a different number of fields than the first.
    Fields {
        line: usize,
        are: usize,
        should: usize,
    },
    /// A field is neither true nor false.
    Value { line: usize, column: &'static str },
}

/// The output of `aws iam get-credential-report`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CliOutput {
    content: String,
    generated_time: Option<String>,
}

/// Reads a report: the JSON of the AWS CLI, its base64 alone, or the CSV in it.
pub fn read(text: &str) -> Result<ParsedReport, Unusable> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        let answer: CliOutput = serde_json::from_str(text).map_err(|error| {
            if error.is_eof() {
                Unusable::Damaged
            } else {
                Unusable::Foreign
            }
        })?;
        let made = answer.generated_time.as_deref();
        let made = made.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        return Ok(ParsedReport {
            users: users(&decoded(&answer.content)?)?,
            made: made.map(|time| time.to_utc()),
        });
    }
    let users = if text.starts_with(BEGIN) {
        users(text)?
    } else if text.starts_with(&encoded_begin()) {
        users(&decoded(text)?)?
    } else {
        return Err(Unusable::Foreign);
    };
    Ok(ParsedReport { users, made: None })
}

/// The start of every report in base64.
fn encoded_begin() -> String {
    let whole = BEGIN.len() / 3 * 3;
    base64::encode(&BEGIN[..whole])
}

fn decoded(content: &str) -> Result<String, Unusable> {
    let letters: String = content.split_whitespace().collect();
    let bytes = base64::decode(letters).map_err(|_| Unusable::Damaged)?;
    let text = String::from_utf8(bytes).map_err(|_| Unusable::Damaged)?;
    if text.starts_with(BEGIN) {
        Ok(text)
    } else {
        Err(Unusable::Foreign)
    }
}

/// The positions of the columns that are used.
struct Columns {
    user: usize,
    arn: usize,
    password: usize,
    mfa: usize,
    keys: [KeyColumns; 2],
}

struct KeyColumns {
    active: usize,
    made: usize,
    used: usize,
}

impl Columns {
    fn find(header: &[String]) -> Result<Self, Unusable> {
        let find = |name: &'static str| {
            let place = header.iter().position(|column| column == name);
            place.ok_or(Unusable::NoColumn(name))
        };
        Ok(Self {
            user: find("user")?,
            arn: find("arn")?,
            password: find("password_enabled")?,
            mfa: find("mfa_active")?,
            keys: [
                KeyColumns {
                    active: find("access_key_1_active")?,
                    made: find("access_key_1_last_rotated")?,
                    used: find("access_key_1_last_used_date")?,
                },
                KeyColumns {
                    active: find("access_key_2_active")?,
                    made: find("access_key_2_last_rotated")?,
                    used: find("access_key_2_last_used_date")?,
                },
            ],
        })
    }
}

fn users(csv: &str) -> Result<Vec<ReportedUser>, Unusable> {
    let mut records = records(csv).into_iter();
    let Some((_, header)) = records.next() else {
        return Err(Unusable::Foreign);
    };
    let columns = Columns::find(&header)?;
    records
        .map(|(line, fields)| {
            if fields.len() != header.len() {
                return Err(Unusable::Fields {
                    line,
                    are: fields.len(),
                    should: header.len(),
                });
            }
            user(&columns, line, &fields)
        })
        .collect()
}

fn user(columns: &Columns, line: usize, fields: &[String]) -> Result<ReportedUser, Unusable> {
    let is = |place: usize, column| match fields[place].to_ascii_lowercase().as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "not_supported" | "n/a" | "no_information" | "" => Ok(None),
        _ => Err(Unusable::Value { line, column }),
    };
    let name = &fields[columns.user];
    let password = is(columns.password, "password_enabled")?;
    // AWS does not say whether the root user has a password: it has one, unless the report says no.
    let (kind, password) = match password {
        password if name == ROOT => (UserKind::Root, password != Some(false)),
        Some(true) => (UserKind::Person, true),
        _ => (UserKind::Robot, false),
    };
    let mut keys = Vec::new();
    for (number, key) in (1..).zip(&columns.keys) {
        if is(key.active, "access_key_active")? == Some(true) {
            let time = |place: usize| {
                let time = DateTime::parse_from_rfc3339(&fields[place]).ok();
                time.map(|time| time.to_utc())
            };
            keys.push(Key {
                number,
                made: time(key.made),
                used: time(key.used),
            });
        }
    }
    Ok(ReportedUser {
        name: name.clone(),
        arn: fields[columns.arn].clone(),
        kind,
        password,
        mfa: is(columns.mfa, "mfa_active")? == Some(true),
        keys,
    })
}
