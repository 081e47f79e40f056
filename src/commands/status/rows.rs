//! Renders the stored credentials as a table and as JSON.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use console::Style;
use serde::Serialize;

use crate::core::arn::Arn;
use crate::core::clock::{self, span, timestamp};
use crate::core::table::{self, GAP};
use crate::core::text::{self, plain};

/// No column is made narrower than this to fit a terminal.
const NARROWEST: usize = 8;
/// Credentials that expire sooner are colored as a warning.
const SOON: TimeDelta = TimeDelta::minutes(15);

/// Credentials of a profile, or a session that is stored for a key and a device.
pub struct Row {
    pub of: RowOwner,
    pub state: RowState,
    /// Why they are not valid.
    pub reason: Option<String>,
    pub expiration: Option<DateTime<Utc>>,
    /// The role that they are for, or would be for; none for a session of the user.
    pub role_arn: Option<String>,
    pub device: Option<String>,
}

/// Who they belong to, and where they are.
pub enum RowOwner {
    Profile {
        name: String,
        place: RowPlace,
    },
    /// The last characters of the access key ID.
    Key(String),
}

impl RowOwner {
    /// Whether they are those of `aws login`.
    fn is_login(&self) -> bool {
        let Self::Profile { place, .. } = self else {
            return false;
        };
        matches!(place, RowPlace::LoginCache)
    }
}

/// Where credentials are, or would be.
pub enum RowPlace {
    /// In this section of the credentials file.
    Section(String),
    /// In the private file of mfa-creds.
    Private,
    /// In the cache of `aws login`.
    LoginCache,
    /// Unknown, because something is wrong with the profile.
    Unknown,
}

/// Whether they can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    Valid,
    /// They expire sooner than `--min-ttl` allows.
    Expiring,
    Expired,
    /// There are none yet.
    Missing,
    /// They are for another role than the profile's, or for none.
    OtherRole,
    /// They have other session policies or tags than the profile, or none.
    #[serde(rename = "other_session")]
    OtherScope,
    /// They are incomplete, or cannot be read.
    Defective,
}

/// The width and color of the table.
pub struct Layout {
    /// In characters; none if it is not limited.
    pub width: Option<usize>,
    pub has_colors: bool,
}

const COLUMNS: usize = 6;
const HEAD: [&str; COLUMNS] = ["PROFILE", "STATE", "LEFT", "UNTIL", "KIND", "DEVICE"];
const STATE: usize = 1;
/// The columns that may be truncated: part of a name is still useful.
const SHRINKABLE: [usize; 3] = [0, 4, 5];
/// The columns that are dropped, in this order, if the table does not fit.
const DISPENSABLE: [usize; 4] = [5, 3, 4, 2];

/// A table with a line for each row, and below it what is wrong with some of them.
pub fn table(rows: &[Row], layout: &Layout, now: DateTime<Utc>) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row, now)));
    let widths = fitted(table::widths(&lines), layout.width);
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let mut whole = String::new();
        for (column, width) in &widths {
            let cell = &line[*column];
            let padded = console::pad_str(cell, *width, console::Alignment::Left, Some("…"));
            let style = match number.checked_sub(1) {
                Some(row) if *column == STATE => style(&rows[row], now),
                Some(_) => Style::new(),
                None => Style::new().bold(),
            };
            if *column > 0 {
                whole.push_str(GAP);
            }
            let style = style.force_styling(layout.has_colors);
            whole.push_str(&style.apply_to(padded).to_string());
        }
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    for (row, line) in rows.iter().zip(&lines[1..]) {
        let is_explained = matches!(
            row.state,
            RowState::Defective | RowState::OtherRole | RowState::OtherScope
        );
        if let Some(reason) = row.reason.as_ref().filter(|_| is_explained) {
            text.push_str(&plain(&format!("{}: {reason}", line[0])));
            text.push('\n');
        }
    }
    text
}

/// The columns that are shown, each with its width.
fn fitted(natural: [usize; COLUMNS], room: Option<usize>) -> Vec<(usize, usize)> {
    let mut shown: Vec<(usize, usize)> = natural.into_iter().enumerate().collect();
    let Some(room) = room else {
        return shown;
    };
    let mut dispensable = DISPENSABLE.iter();
    loop {
        let least = |(column, width): &(usize, usize)| {
            let shrinkable = SHRINKABLE.contains(column);
            if shrinkable {
                NARROWEST.min(*width)
            } else {
                *width
            }
        };
        let gaps = GAP.len() * (shown.len() - 1);
        if shown.iter().map(least).sum::<usize>() + gaps <= room {
            break;
        }
        match dispensable.next() {
            Some(dispensable) => shown.retain(|(column, _)| column != dispensable),
            None => break,
        }
    }
    let gaps = GAP.len() * (shown.len() - 1);
    while shown.iter().map(|(_, width)| width).sum::<usize>() + gaps > room {
        let shrinkable = shown
            .iter_mut()
            .filter(|(column, _)| SHRINKABLE.contains(column));
        match shrinkable.max_by_key(|(_, width)| *width) {
            Some((_, width)) if *width > 1 => *width -= 1,
            _ => break,
        }
    }
    shown
}

fn cells(row: &Row, now: DateTime<Utc>) -> [String; COLUMNS] {
    let state = match row.state {
        RowState::Valid => "valid",
        RowState::Expiring => "expiring",
        RowState::Expired => "expired",
        RowState::Missing => "missing",
        RowState::OtherRole => "other role",
        RowState::OtherScope => "other session",
        RowState::Defective => "defective",
    };
    let profile = match &row.of {
        RowOwner::Profile {
            name,
            place: RowPlace::Private,
        } => format!("{name} (private)"),
        RowOwner::Profile { name, .. } => name.clone(),
        RowOwner::Key(id) => format!("(key {id})"),
    };
    let left = |end| row_left(end, now).map_or("-".to_owned(), span);
    let kind = match (&row.role_arn, &row.of) {
        (Some(arn), _) => format!("role {}", short(arn)),
        (None, owner) if owner.is_login() => "aws login".to_owned(),
        (None, _) => "session".to_owned(),
    };
    let dash = || "-".to_owned();
    [
        profile,
        state.to_owned(),
        row.expiration.map_or_else(dash, left),
        row.expiration
            .map_or_else(dash, |end| clock::time_of_day(end, now).to_string()),
        kind,
        row.device.as_deref().map_or_else(dash, short),
    ]
    .map(|cell| plain(&cell))
}

/// How long they are still valid; none if they have expired.
fn row_left(end: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeDelta> {
    Some(end - now).filter(|left| *left > TimeDelta::zero())
}

/// The name in an ARN and its account: `alice (123456789012)`. Anything else as it is.
fn short(arn: &str) -> String {
    let parsed = Arn::parse(arn).and_then(|arn| Some((arn.account, arn.kind_and_name()?.1)));
    match parsed {
        Some((account, name)) => format!("{name} ({account})"),
        None => arn.to_owned(),
    }
}

fn style(row: &Row, now: DateTime<Utc>) -> Style {
    let ends_soon = row.expiration.is_some_and(|end| end - now < SOON);
    match row.state {
        RowState::Valid if ends_soon => Style::new().yellow(),
        RowState::Valid => Style::new().green(),
        RowState::Expiring => Style::new().yellow(),
        RowState::Missing => Style::new().dim(),
        RowState::Expired | RowState::OtherRole | RowState::OtherScope | RowState::Defective => {
            Style::new().red()
        }
    }
}

/// All rows. The guide `reference` documents it: keys may be added, but none may be renamed or removed.
#[derive(Serialize)]
struct StatusJson<'a> {
    version: u8,
    profiles: Vec<ProfileJson<'a>>,
    sessions: Vec<SessionJson<'a>>,
}

#[derive(Serialize)]
struct ProfileJson<'a> {
    #[serde(rename = "profile")]
    name: &'a str,
    section: Option<&'a str>,
    private: bool,
    state: RowState,
    reason: Option<&'a str>,
    kind: &'static str,
    role_arn: Option<&'a str>,
    device: Option<&'a str>,
    expiration: Option<String>,
    seconds_left: Option<i64>,
}

/// A session that is in no section.
#[derive(Serialize)]
struct SessionJson<'a> {
    access_key_id_end: &'a str,
    state: RowState,
    device: Option<&'a str>,
    expiration: Option<String>,
    seconds_left: Option<i64>,
}

/// The same as JSON.
pub fn json(rows: &[Row], now: DateTime<Utc>) -> Result<String> {
    let mut status = StatusJson {
        version: 1,
        profiles: Vec::new(),
        sessions: Vec::new(),
    };
    for row in rows {
        let device = row.device.as_deref();
        let expiration = row.expiration.map(timestamp);
        let seconds_left = row.expiration.map(|end| (end - now).num_seconds().max(0));
        match &row.of {
            RowOwner::Profile { name, place } => status.profiles.push(ProfileJson {
                name,
                section: match place {
                    RowPlace::Section(section) => Some(section),
                    RowPlace::Private | RowPlace::LoginCache | RowPlace::Unknown => None,
                },
                private: matches!(place, RowPlace::Private),
                state: row.state,
                reason: row.reason.as_deref(),
                kind: match &row.role_arn {
                    Some(_) => "role",
                    None if row.of.is_login() => "login",
                    None => "session",
                },
                role_arn: row.role_arn.as_deref(),
                device,
                expiration,
                seconds_left,
            }),
            RowOwner::Key(id) => status.sessions.push(SessionJson {
                access_key_id_end: id,
                state: row.state,
                device,
                expiration,
                seconds_left,
            }),
        }
    }
    text::json(&status).map(|text| text.to_string())
}
