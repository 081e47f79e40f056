//! The rules of "Words" in `.github/CONTRIBUTING.md` that a program can check, and the list of all texts, in which a change of words
//! is reviewed: `target/tmp/messages.txt`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::support::sources;

/// What the rules forbid, and what is written instead. A word matches as a whole, and a phrase that ends with `-` as a beginning.
const FORBIDDEN: &[(&str, &str)] = &[
    ("shall", "must, or the present tense"),
    ("so long", "how long, or up to"),
    ("run it again", "run the command again"),
    ("run this again", "run the command again"),
    ("once more", "again"),
    ("in vain", "failed"),
    ("anew", "again"),
    ("mend-", "fix"),
    ("has gone", "was removed, or is no longer in"),
    ("just now", "leave it out"),
    ("spoken", "supported"),
    ("counts for", "is ignored"),
    ("whoever", "name who"),
    ("good for nothing", "no longer usable"),
    ("goes on with", "continues"),
    ("go on with", "continue"),
    ("is told", "say who reports it"),
    ("are told", "say who reports it"),
    ("resynchronis-", "resynchronize"),
    ("recognis-", "recognize"),
    ("enrolment", "enrollment"),
    ("colour-", "color"),
    ("behaviour", "behavior"),
    ("the clock of this machine", "this machine's clock"),
    ("belongs into", "goes into"),
    ("is no longer of", "name what it is"),
    ("holds", "contains, or stores"),
    ("changed meanwhile", "changed in the meantime"),
    ("continues meanwhile", "continues in the meantime"),
    ("answer from aws", "response from AWS"),
    ("did not answer", "did not respond"),
    ("could not tell", "say who could not do what"),
    ("with an editor", "in an editor"),
    ("you find", "say where it is"),
    ("lets aws", "asks AWS to"),
    (
        "from the first release on",
        "starting with the first release",
    ),
    ("no pair of", "reject"),
    ("in the list of processes", "in the process list"),
    ("hand out", "pass on, or return"),
    ("aws's files", "the AWS files"),
    ("file of aws's", "one of the AWS files"),
    ("the url of an endpoint", "an endpoint URL"),
    ("the name of a role session", "a role session name"),
    ("like this:", "leave it out, or name it"),
    ("and until when", "and when they expire"),
    ("sts knows", "STS recognizes"),
    ("must name a", "set it to a"),
    ("finds no", "found no, or there is no"),
    ("a rotation of the access key", "the access key rotation"),
    ("is not utf-8 text, which", "is not valid UTF-8 text"),
    ("are on the screen", "are visible on the screen"),
    ("else as", "otherwise as for"),
    ("it answered", "it returned"),
    ("aren't", "are not"),
    ("can't", "cannot"),
    ("couldn't", "could not"),
    ("doesn't", "does not"),
    ("don't", "do not"),
    ("isn't", "is not"),
    ("it's", "it is"),
    ("won't", "will not"),
    ("you're", "you are"),
];

/// The same, where upper and lower case matter.
const FORBIDDEN_AS_WRITTEN: &[(&str, &str)] = &[
    ("key id", "key ID"),
    ("key ids", "key IDs"),
    ("account id", "account ID"),
    ("external id", "external ID"),
    ("request id", "request ID"),
    ("an id", "an ID"),
    ("the id", "the ID"),
    ("its id", "its ID"),
    ("Who has", "people who have"),
];

/// What the command line and the AWS tools see as text, and a person does not.
fn is_for_people(text: &str) -> bool {
    let has_words = text.trim().contains(' ') && text.contains(char::is_alphabetic);
    has_words && !text.starts_with("CONNECT ")
}

/// All texts, by file.
fn messages() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut messages = BTreeMap::new();
    for file in sources::files() {
        let source = sources::read(&file);
        let texts = sources::texts(&source).into_iter();
        let mut texts: Vec<String> = texts.filter(|text| is_for_people(text)).collect();
        texts.extend(sources::help(&source));
        if !texts.is_empty() {
            let name = file.strip_prefix(root).unwrap().display().to_string();
            messages.insert(name, texts);
        }
    }
    messages
}

/// The documents that people read, without their code blocks.
fn documents() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    for directory in ["src/guide", ".github"] {
        let entries = fs::read_dir(root.join(directory)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|end| end == "md"));
    let documents = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let prose = text.split("\n```").step_by(2);
        // The page of rules names what it forbids.
        let prose = prose.map(|part| match part.split_once("| write | not |") {
            Some((before, table)) => format!("{before}{}", table.split_once("\n\n").unwrap().1),
            None => part.to_owned(),
        });
        (
            file.strip_prefix(root).unwrap().display().to_string(),
            prose.collect(),
        )
    });
    documents.collect()
}

fn violates(text: &str, phrase: &str) -> bool {
    contains(&text.to_lowercase(), phrase)
}

fn contains(text: &str, phrase: &str) -> bool {
    let (phrase, is_whole) = match phrase.strip_suffix('-') {
        Some(start) => (start, false),
        None => (phrase, true),
    };
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(phrase).any(|(at, _)| {
        let is_longer = is_whole && text[at + phrase.len()..].starts_with(is_letter);
        !text[..at].ends_with(is_letter) && !is_longer
    })
}

#[test]
fn every_text_keeps_to_the_rules() {
    let mut list = String::new();
    for (file, texts) in messages() {
        writeln!(list, "\n{file}").unwrap();
        for text in texts {
            writeln!(list, "    {}", text.replace('\n', "\n    ")).unwrap();
        }
    }
    fs::write(
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages.txt"),
        list,
    )
    .unwrap();
    let mut broken = String::new();
    for (file, texts) in messages().into_iter().chain(documents()) {
        for text in texts {
            let lower = text.to_lowercase();
            let as_written = FORBIDDEN_AS_WRITTEN.iter().map(|rule| (&text, rule));
            let rules = FORBIDDEN.iter().map(|rule| (&lower, rule));
            for (text, (phrase, instead)) in rules.chain(as_written) {
                if contains(text, phrase) {
                    let at = text.find(phrase.trim_end_matches('-')).unwrap();
                    let start = text[..at].rfind('\n').map_or(0, |start| start + 1);
                    let line = text[start..].lines().next().unwrap();
                    writeln!(broken, "{file}: {line}\n    \"{phrase}\": {instead}").unwrap();
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "see Words in .github/CONTRIBUTING.md:\n{broken}"
    );
}

#[test]
fn a_forbidden_word_would_be_found() {
    assert!(violates("how long it shall last", "shall"));
    assert!(violates("run it again; no code was used", "run it again"));
    assert!(violates("Mend those above", "mend-"));
    assert!(contains("without its id, which", "its id"));
    assert!(!contains("without its ID, which", "its id"));
    assert!(!contains("the {id} of it", "the id"));
    assert!(!violates("a marshalling yard", "shall"));
    assert!(!violates("amend it", "mend-"));
}
