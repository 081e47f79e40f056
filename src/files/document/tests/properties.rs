//! The properties of every edit of every text.

use std::borrow::Cow;

use proptest::prelude::*;
use proptest::string::string_regex;

use crate::files::document::edit;
use crate::files::document::edit::{Body, body_of};
use crate::files::document::line::{LineKind, Lines};
use crate::files::document::{Change, Document};

const KEYS: [&str; 4] = [
    "aws_access_key_id",
    "aws_session_token",
    "expiration",
    "assumed_role_arn",
];

fn line() -> impl Strategy<Value = String> {
    let one_of =
        |texts: &[&'static str]| prop::sample::select(texts.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        3 => one_of(&["[p]", "[q]", "[p-long-term]", " [p] ", "[ p ]", "[p] # x", "[p", "[p] x"]),
        5 => (one_of(&["", "  ", "\t"]), prop::sample::select(KEYS.to_vec()), one_of(&["=", " = ", " : ", ""]),
              one_of(&["", "old", "old # why", "old;", "a=b", "é", "old \t", "old\u{a0}", "old\u{a0} ", "old\u{b}", "a\rb", "\0"]))
            .prop_map(|(indent, key, equals, value)| format!("{indent}{key}{equals}{value}")),
        2 => one_of(&["region = x", "  s3 =", "    n = 1", "Expiration=2", "AWS_SESSION_TOKEN = t"]),
        3 => one_of(&["", "   ", "# note", "; note", "  # note", "  more"]),
        1 => string_regex("\\PC{0,12}").unwrap(),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let line_end = prop::sample::select(vec!["\n", "\n", "\r\n", "\n\n"]);
    let lines = prop::collection::vec((line(), line_end), 0..16);
    (any::<bool>(), lines, any::<bool>()).prop_map(|(mark, lines, ends)| {
        let mut text = if mark { "\u{feff}" } else { "" }.to_owned();
        for (line, line_end) in lines {
            text.push_str(&line);
            text.push_str(line_end);
        }
        if ends {
            text
        } else {
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
    })
}

/// What happens to a key. `Change` itself does not show its values.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Set(&'static str),
    Remove,
    Leave,
}

/// A plan for each key.
fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plans = vec![
        Plan::Set("new"),
        Plan::Set("new"),
        Plan::Set(""),
        Plan::Remove,
        Plan::Leave,
    ];
    prop::collection::vec(prop::sample::select(plans), KEYS.len())
}

fn changes(plans: &[Plan]) -> Vec<Change<'static>> {
    let plans = plans.iter().zip(KEYS);
    plans
        .filter_map(|(plan, key)| match plan {
            Plan::Set(value) => Some(Change::Set(key, Cow::Borrowed(*value))),
            Plan::Remove => Some(Change::Remove(key)),
            Plan::Leave => None,
        })
        .collect()
}

fn is_changed(key: &str, changes: &[Change<'_>]) -> bool {
    changes.iter().any(|change| match change {
        Change::Set(name, _) | Change::Remove(name) => name.eq_ignore_ascii_case(key),
    })
}

/// The lines of a section's body that an edit has to leave as they are, without their line endings.
fn untouched<'t>(body: &'t str, changes: &[Change<'_>]) -> Vec<&'t str> {
    let mut inside_changed = false;
    Lines::of_body(body, 1)
        .filter(|(_, line)| match &line.kind {
            LineKind::Property(property) => {
                inside_changed = is_changed(property.key, changes);
                !inside_changed
            }
            LineKind::Continuation { .. } => !inside_changed,
            _ => true,
        })
        .map(|(_, line)| line.text.trim_end_matches(['\r', '\n']))
        .collect()
}

proptest! {
    // Instead of a fuzzer: cargo-fuzz needs a nightly toolchain.
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_passed_over_quickly_has_no_structure(text in text()) {
        let mut quick = Lines::of_file(&text);
        let quick = std::iter::from_fn(|| quick.next_of_structure());
        let quick = quick.filter(|line| line.header.is_some() || line.irregularity.is_some());
        let quick = quick.map(|line| (line.number, line.start, line.end, line.header, line.irregularity));
        let all = Lines::of_file(&text).map(|(start, line)| {
            let header = match line.kind {
                LineKind::Header { name } => Some(name),
                _ => None,
            };
            (line.number, start, start + line.text.len(), header, line.irregularity)
        });
        let all = all.filter(|(.., header, irregularity)| header.is_some() || irregularity.is_some());
        prop_assert_eq!(quick.collect::<Vec<_>>(), all.collect::<Vec<_>>());
    }

    #[test]
    fn an_edit_does_what_it_should_and_nothing_else(text in text(), plans in plans()) {
        let changes = changes(&plans);
        let Ok(new) = edit(&text, "p", &changes) else {
            let unclear = Lines::of_file(&text).any(|(_, line)| matches!(line.kind, LineKind::Malformed | LineKind::Continuation { .. }));
            prop_assert!(unclear, "refused without a reason");
            return Ok(());
        };
        prop_assert_eq!(&new, &edit(&new, "p", &changes).unwrap(), "editing twice is editing once");

        let old_document = Document::parse(&text);
        let new_document = Document::parse(&new);
        let once = old_document.sections("p").count() <= 1;
        for change in &changes {
            match change {
                Change::Set(key, value) => {
                    let read = new_document.get("p", key);
                    prop_assert_eq!(read.as_deref(), Some(value.as_ref()), "{}", key);
                }
                Change::Remove(key) if once => prop_assert_eq!(new_document.get("p", key), None),
                Change::Remove(_) => {}
            }
        }

        // Outside the section every byte is as it was.
        match body_of(&text, "p") {
            Some(Body { start, end, .. }) => {
                prop_assert!(new.starts_with(&text[..start]));
                prop_assert!(new.ends_with(&text[end..]));
                let body = &new[start..new.len() - (text.len() - end)];
                // Inside it, what is not changed stays, in its order; comments of changed lines come as lines of their own.
                let mut after = untouched(body, &changes).into_iter();
                for line in untouched(&text[start..end], &changes) {
                    prop_assert!(after.any(|other| other == line), "{:?} is gone", line);
                }
            }
            None => prop_assert!(new.starts_with(&text)),
        }

        // Every other section reads as before.
        let others = |document: &Document<'_>| -> Vec<(String, Vec<(String, String)>)> {
            document
                .all()
                .filter(|section| section.name() != "p")
                .map(|section| {
                    let properties = section.properties();
                    let pairs = properties.iter().map(|property| (property.key.to_owned(), property.value().into_owned()));
                    (section.name().to_owned(), pairs.collect())
                })
                .collect()
        };
        prop_assert_eq!(others(&old_document), others(&new_document));
    }

    #[test]
    fn every_text_has_a_reading_and_no_line_is_lost(text in string_regex("\\PC{0,80}|([\\[\\]=:#; \t\r\n\u{feff}a]){0,40}").unwrap()) {
        let document = Document::parse(&text);
        for section in document.all() {
            for property in section.properties() {
                prop_assert!(!property.key.is_empty());
            }
        }
        let all: String = Lines::of_file(&text).map(|(_, line)| line.text).collect();
        prop_assert_eq!(all, text.strip_prefix('\u{feff}').unwrap_or(&text));
    }
}
