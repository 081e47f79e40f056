//! Which credentials there are: a table for people, and JSON for programs.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use console::Style;
use serde::Serialize;

use super::{json, timestamp};
use crate::report::{self, span};

/// No column is made narrower than this to fit a terminal.
const NARROWEST: usize = 8;
/// Between two columns.
const GAP: &str = "  ";
/// What ends sooner is coloured as a warning.
const SOON: TimeDelta = TimeDelta::minutes(15);

/// Credentials of a profile, or a session that is kept for a key and a device.
pub struct Row {
    pub of: Of,
    /// The section of the credentials file; none where they are in the tool's own file.
    pub section: Option<String>,
    pub state: State,
    /// Why they are not valid.
    pub reason: Option<String>,
    pub expiration: Option<DateTime<Utc>>,
    /// The role that they are for; none for a session of the user.
    pub role_arn: Option<String>,
    pub device: Option<String>,
}

/// Whose they are.
pub enum Of {
    Profile(String),
    /// The end of the access key's id.
    Key(String),
}

/// Whether they can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Valid,
    /// They end sooner than `--min-ttl` says.
    Expiring,
    Expired,
    /// There are none yet.
    Missing,
    /// They are for another role than the profile's, or for none.
    OtherRole,
    /// They are not whole, or cannot be read.
    Defective,
}

/// How much room and colour there is.
pub struct Layout {
    /// In characters; none where it does not matter.
    pub width: Option<usize>,
    pub colour: bool,
}

/// A table with a line for each.
pub fn table(rows: &[Row], layout: &Layout, now: DateTime<Utc>) -> String {
    let head = ["PROFILE", "STATE", "LEFT", "UNTIL", "KIND", "DEVICE"].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(|row| cells(row, now)));
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = console::measure_text_width(cell).max(*width);
        }
    }
    if let Some(room) = layout.width {
        shrink(&mut widths, room);
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let mut whole = String::new();
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let padded = console::pad_str(cell, width, console::Alignment::Left, Some("…"));
            let style = match number.checked_sub(1) {
                Some(row) if column == 1 => style(&rows[row], now),
                Some(_) => Style::new(),
                None => Style::new().bold(),
            };
            let style = style.force_styling(layout.colour);
            if column > 0 {
                whole.push_str(GAP);
            }
            whole.push_str(&style.apply_to(padded).to_string());
        }
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

fn cells(row: &Row, now: DateTime<Utc>) -> [String; 6] {
    let state = match row.state {
        State::Valid => "valid",
        State::Expiring => "expiring",
        State::Expired => "expired",
        State::Missing => "missing",
        State::OtherRole => "other role",
        State::Defective => "defective",
    };
    let profile = match &row.of {
        Of::Profile(name) if row.section.is_none() => format!("{name} (private)"),
        Of::Profile(name) => name.clone(),
        Of::Key(id) => format!("(key {id})"),
    };
    let left = |end| row_left(end, now).map_or("-".to_owned(), span);
    let kind = match &row.role_arn {
        Some(arn) => format!("role {}", short(arn)),
        None => "session".to_owned(),
    };
    let dash = || "-".to_owned();
    [
        profile,
        state.to_owned(),
        row.expiration.map_or_else(dash, left),
        row.expiration
            .map_or_else(dash, |end| report::clock(end, now).to_string()),
        kind,
        row.device.as_deref().map_or_else(dash, short),
    ]
}

/// How long they last; none where they have ended.
fn row_left(end: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeDelta> {
    Some(end - now).filter(|left| *left > TimeDelta::zero())
}

/// The name in an ARN and its account: `alice (123456789012)`. Anything else as it is.
fn short(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, _, _, account, resource] => match resource.split_once('/') {
            Some((_, name)) => format!("{name} ({account})"),
            None => arn.to_owned(),
        },
        _ => arn.to_owned(),
    }
}

fn style(row: &Row, now: DateTime<Utc>) -> Style {
    let ends_soon = row.expiration.is_some_and(|end| end - now < SOON);
    match row.state {
        State::Valid if ends_soon => Style::new().yellow(),
        State::Valid => Style::new().green(),
        State::Expiring => Style::new().yellow(),
        State::Missing => Style::new().dim(),
        State::Expired | State::OtherRole | State::Defective => Style::new().red(),
    }
}

/// Takes from the widest column until all of them fit, as far as that goes.
fn shrink(widths: &mut [usize; 6], room: usize) {
    let gaps = GAP.len() * (widths.len() - 1);
    while widths.iter().sum::<usize>() + gaps > room {
        let widest = widths.iter_mut().max();
        match widest {
            Some(width) if *width > NARROWEST => *width -= 1,
            _ => break,
        }
    }
}

/// Everything. The README documents it: keys may be added, but none is renamed or goes.
#[derive(Serialize)]
struct Status<'a> {
    version: u8,
    profiles: Vec<Profile<'a>>,
    sessions: Vec<Session<'a>>,
}

#[derive(Serialize)]
struct Profile<'a> {
    #[serde(rename = "profile")]
    name: &'a str,
    section: Option<&'a str>,
    state: State,
    reason: Option<&'a str>,
    kind: &'static str,
    role_arn: Option<&'a str>,
    device: Option<&'a str>,
    expiration: Option<String>,
    seconds_left: Option<i64>,
}

/// A session that no section holds.
#[derive(Serialize)]
struct Session<'a> {
    access_key_id_end: &'a str,
    device: Option<&'a str>,
    expiration: Option<String>,
    seconds_left: Option<i64>,
}

/// The same as JSON.
///
/// # Errors
/// Those of the writer of JSON.
pub fn json(rows: &[Row], now: DateTime<Utc>) -> Result<String> {
    let mut status = Status {
        version: 1,
        profiles: Vec::new(),
        sessions: Vec::new(),
    };
    for row in rows {
        let device = row.device.as_deref();
        let expiration = row.expiration.map(timestamp);
        let seconds_left = row.expiration.map(|end| (end - now).num_seconds().max(0));
        match &row.of {
            Of::Profile(name) => status.profiles.push(Profile {
                name,
                section: row.section.as_deref(),
                state: row.state,
                reason: row.reason.as_deref(),
                kind: if row.role_arn.is_some() {
                    "role"
                } else {
                    "session"
                },
                role_arn: row.role_arn.as_deref(),
                device,
                expiration,
                seconds_left,
            }),
            Of::Key(id) => status.sessions.push(Session {
                access_key_id_end: id,
                device,
                expiration,
                seconds_left,
            }),
        }
    }
    json::text(&status).map(|text| text.to_string())
}
