//! Texts and their readings, and edits byte for byte.

use std::borrow::Cow;

use super::edit;
use super::{Change, Document, Irregularity, Uneditable};

fn get(text: &str, section: &str, key: &str) -> Option<String> {
    Document::parse(text).get(section, key).map(Cow::into_owned)
}

fn notes(text: &str) -> Vec<(usize, Irregularity)> {
    let document = Document::parse(text);
    document
        .notes()
        .iter()
        .map(|note| (note.line, note.what))
        .collect()
}

fn set(text: &str, section: &str, pairs: &[(&'static str, &'static str)]) -> String {
    let changes: Vec<Change<'_>> = pairs
        .iter()
        .map(|(key, value)| Change::Set(key, Cow::Borrowed(*value)))
        .collect();
    let new = edit(text, section, &changes).unwrap();
    assert_eq!(
        new,
        edit(&new, section, &changes).unwrap(),
        "editing twice is editing once"
    );
    for (key, value) in pairs {
        assert_eq!(get(&new, section, key).as_deref(), Some(*value));
    }
    new
}

#[test]
fn reads_what_the_sdks_read() {
    for (text, value) in [
        ("[a]\nk = v", Some("v")),
        ("[a]\nK=v\n", Some("v")),
        ("[a]\r\nk\t= \tv \t\r\n", Some("v")),
        ("[a]\nk = v=w", Some("v=w")),
        ("[a]\nk = v # comment", Some("v")),
        ("[a]\nk = v#kept", Some("v#kept")),
        ("[a] # comment\nk = v", Some("v")),
        ("[a];comment\nk = v", Some("v")),
        ("[a]\nk =\n", Some("")),
        (
            "[a]\nk = v\n more\n\n  # comment\n more",
            Some("v\nmore\nmore"),
        ),
        ("[a]\nk =\n  n = 1\n", Some("\nn = 1")),
        ("[a]\nk = 1\n[b]\nk = 2\n[a]\nk = 3\n", Some("3")),
        ("[a]\nk = 1\nK = 2\n", Some("2")),
        ("[b]\nk = v\n[a]\n", None),
    ] {
        assert_eq!(get(text, "a", "k").as_deref(), value, "{text:?}");
        assert_eq!(notes(text), [], "{text:?}");
    }
}

#[test]
fn reads_what_only_some_tools_read_and_notes_it() {
    use Irregularity::{
        AfterHeader, BlanksBeforeName, BlanksBehindName, ByteOrderMark, Colon, Indented, OddBlank,
    };
    for (text, value, note) in [
        ("[a]\nk : v", "v", (2, Colon)),
        (
            "[a]\nk: arn:aws:iam::1:mfa/a",
            "arn:aws:iam::1:mfa/a",
            (2, Colon),
        ),
        ("[a]\nk: v=w", "v=w", (2, Colon)),
        ("[a]\n  k = v", "v", (2, Indented)),
        ("[a] trailing\nk = v", "v", (1, AfterHeader)),
        ("  [a]\nk = v", "v", (1, Indented)),
        ("[ a ];comment\nk = v", "v", (1, BlanksBeforeName)),
        ("[a\t]\nk = v", "v", (1, BlanksBehindName)),
        ("\u{feff}[a]\nk = v\n", "v", (1, ByteOrderMark)),
        ("[a]\nk\u{a0}= v", "v", (2, OddBlank('\u{a0}'))),
        ("[a]\nk\u{2003} = v", "v", (2, OddBlank('\u{2003}'))),
        ("[a]\nk = \u{a0}v", "\u{a0}v", (2, OddBlank('\u{a0}'))),
        ("[a]\nk = v\u{a0}\n", "v\u{a0}", (2, OddBlank('\u{a0}'))),
        ("[a]\nk = v\u{a0} \n", "v\u{a0}", (2, OddBlank('\u{a0}'))),
    ] {
        assert_eq!(get(text, "a", "k").as_deref(), Some(value), "{text:?}");
        assert_eq!(notes(text), [note], "{text:?}");
    }
    assert_eq!(
        get("[a]\n  x = 1\n  k = v\n", "a", "k").as_deref(),
        Some("v")
    );
}

#[test]
fn a_character_that_nobody_sees_is_named_where_it_hides_a_key() {
    for (text, odd) in [
        ("[a]\n\u{a0}k = v", '\u{a0}'),
        ("[a]\nk\u{200b} = v", '\u{200b}'),
        ("[a]\n\u{feff}k = v", '\u{feff}'),
    ] {
        assert_eq!(get(text, "a", "k"), None, "{text:?}");
        assert_eq!(notes(text), [(2, Irregularity::OddBlank(odd))], "{text:?}");
    }
}

#[test]
fn notes_lines_that_have_no_reading() {
    use Irregularity::{BadHeader, BadNested, NoEqualsSign, NoKey, OutsideSection};
    for (text, note) in [
        ("[a]\nnonsense\nk = v", (2, NoEqualsSign)),
        ("[a]\n= v", (2, NoKey)),
        ("k = v\n[a]", (1, OutsideSection)),
        ("[a\nk = v", (1, BadHeader)),
        ("[]\nk = v", (1, BadHeader)),
        ("[a]\ns3 =\n nonsense", (3, BadNested)),
    ] {
        assert_eq!(notes(text), [note], "{text:?}");
        assert!(note.1.is_malformed());
    }
    // What follows a broken header belongs to nobody, least of all to the section above it.
    assert_eq!(
        get("[a]\nk = 1\n[b\nk = 2\n", "a", "k").as_deref(),
        Some("1")
    );
}

#[test]
fn an_edit_changes_only_its_own_lines() {
    let table: &[(&str, &str)] = &[
        ("", "[p]\nk = v\n"),
        ("[a]\nx = 1", "[a]\nx = 1\n\n[p]\nk = v\n"),
        ("[a]\r\nx = 1\r\n", "[a]\r\nx = 1\r\n\r\n[p]\r\nk = v\r\n"),
        ("# only a comment\n\n", "# only a comment\n\n[p]\nk = v\n"),
        ("\u{feff}[p]\n", "\u{feff}[p]\nk = v\n"),
        ("[p]", "[p]\nk = v\n"),
        ("[p]\n\n# about q\n[q]\n", "[p]\nk = v\n\n# about q\n[q]\n"),
        ("[p]\nk=old", "[p]\nk = v"),
        ("[p]\nK : old\n", "[p]\nk = v\n"),
        (
            "[p]\nx = 1 # note\n\n[q]\nk = 2\n",
            "[p]\nx = 1 # note\nk = v\n\n[q]\nk = 2\n",
        ),
        (
            "[p]\nk = old # note\nx = 1\n",
            "[p]\n# note\nk = v\nx = 1\n",
        ),
        ("[p]\n  x = 1\n  k = old\n", "[p]\n  x = 1\n  k = v\n"),
        ("[p]\n  x = 1\n", "[p]\n  x = 1\n  k = v\n"),
        (
            "[p]\n  k = old # note\n  x = 1\n",
            "[p]\n# note\n  k = v\n  x = 1\n",
        ),
        // A header that is indented must not become a part of the value above it.
        (
            "  [p]\n\n  [q]\n  k = 2\n",
            "  [p]\n  k = v\n\n  [q]\n  k = 2\n",
        ),
        ("[p]\n\n\t[q]\nk = 2\n", "[p]\n\tk = v\n\n\t[q]\nk = 2\n"),
        (
            "[p]\ns3 =\n  n = 1\n# end\n",
            "[p]\ns3 =\n  n = 1\nk = v\n# end\n",
        ),
        (
            "[p-x]\nk = 1\n[p]\r\nk = 2\r\n",
            "[p-x]\nk = 1\n[p]\r\nk = v\r\n",
        ),
    ];
    for (old, new) in table {
        assert_eq!(set(old, "p", &[("k", "v")]), *new, "{old:?}");
    }
}

#[test]
fn a_removed_key_leaves_its_comment() {
    for (old, new) in [
        ("[p]\na = 1\nk = x\nb = 2\n", "[p]\na = 1\nb = 2\n"),
        ("[p]\nk = x ; why\n", "[p]\n; why\n"),
        ("[p]\na = 1\nk = x", "[p]\na = 1\n"),
        ("[p]\na = 1\n", "[p]\na = 1\n"),
    ] {
        assert_eq!(
            edit(old, "p", &[Change::Remove("k")]).unwrap(),
            new,
            "{old:?}"
        );
    }
}

#[test]
fn an_edit_refuses_to_lose_what_may_be_meant_as_something_else() {
    let change = [Change::Set("k", Cow::Borrowed("v"))];
    for (text, refusal) in [
        (
            "[p]\nk = old\n  [q]\n  secret = x\n",
            Uneditable::Continued(3),
        ),
        (
            "[q]\n[p]\nk = old\n# note\n  more\n",
            Uneditable::Continued(5),
        ),
        ("[p]\nnonsense\n", Uneditable::Malformed(2)),
    ] {
        assert_eq!(edit(text, "p", &change), Err(refusal), "{text:?}");
    }
    // Values that stay may have as many lines as they like.
    let text = "[p]\ns3 =\n  n = 1\n";
    assert_eq!(edit(text, "p", &change).unwrap(), format!("{text}k = v\n"));
}

#[test]
fn new_keys_come_in_the_order_given() {
    assert_eq!(
        set("[p]\nb = 0\n", "p", &[("a", "1"), ("b", "2"), ("c", "3")]),
        "[p]\nb = 2\na = 1\nc = 3\n"
    );
}

#[test]
fn values_that_would_be_read_as_something_else_are_refused() {
    for value in ["a\nb", "a\r", " a", "a ", "#a", "a #b", "a\t;b", "\u{7f}"] {
        let change = [Change::Set("k", Cow::Borrowed(value))];
        assert!(edit("[p]\n", "p", &change).is_err(), "{value:?}");
    }
    for section in ["", " p", "a]b", "a\nb", "a#b"] {
        assert!(edit("", section, &[]).is_err(), "{section:?}");
    }
}

mod agreement;
mod properties;
