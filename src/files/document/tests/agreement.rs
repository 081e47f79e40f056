//! Reads as the AWS SDKs do: their table of cases, and random files, against the Rust SDK's own parser.
//! With `MFA_CREDS_READINGS`, it writes its readings down, so that botocore can be compared with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::files::document::{Document, Note};

/// Profiles and their properties.
type Profiles = BTreeMap<String, BTreeMap<String, String>>;

/// Which of the two files a text is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Config,
    Credentials,
}

/// Whether the SDKs read a line as we do.
fn is_read_by_sdks(note: &Note) -> bool {
    note.what.is_blank_in_header()
}

/// Reads both files as the SDKs want them merged. None where one has a line that they refuse.
fn read(config: &str, credentials: &str) -> Option<(Profiles, Profiles)> {
    let (mut profiles, mut sso_sessions) = (Profiles::new(), Profiles::new());
    for (kind, text) in [(Kind::Config, config), (Kind::Credentials, credentials)] {
        let document = Document::parse(text);
        if !document.notes().iter().all(is_read_by_sdks) {
            return None;
        }
        let prefixed_default = document
            .names()
            .any(|name| words(name) == ["profile", "default"]);
        for section in document.all() {
            let (target, name) = match (kind, &words(section.name())[..]) {
                (Kind::Config, ["default"]) if !prefixed_default => (&mut profiles, "default"),
                (Kind::Config, ["profile", name]) | (Kind::Credentials, [name]) => {
                    (&mut profiles, *name)
                }
                (Kind::Config, ["sso-session", name]) => (&mut sso_sessions, *name),
                _ => continue,
            };
            if !is_identifier(name) {
                continue;
            }
            let target = target.entry(name.to_owned()).or_default();
            for property in section.properties() {
                if is_identifier(property.key) {
                    target.insert(
                        property.key.to_ascii_lowercase(),
                        property.value().into_owned(),
                    );
                }
            }
        }
    }
    Some((profiles, sso_sessions))
}

fn words(name: &str) -> Vec<&str> {
    match name.split_once([' ', '\t']) {
        Some((prefix, rest)) => vec![prefix, rest.trim()],
        None => vec![name],
    }
}

fn is_identifier(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c))
}

/// The platform of the toolchain.
fn host() -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .arg("-vV")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}

/// The SDKs' table is part of the test data of a crate that we use anyway.
fn table() -> Value {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // Only crates for this platform are sure to have been fetched.
        .args(["--filter-platform", &host()])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "aws-runtime")
        .unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    let path = manifest
        .with_file_name("test-data")
        .join("profile-parser-tests.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn passes_the_table_of_the_sdks() {
    let table = table();
    let cases = table["tests"].as_array().unwrap();
    assert_eq!(cases.len(), 65);
    for case in cases {
        let text = |file: &str| case["input"][file].as_str().unwrap_or_default().to_owned();
        let reading = read(&text("configFile"), &text("credentialsFile"));
        let expected = &case["output"]["config"];
        let reading = reading.map(|(profiles, sso_sessions)| {
            let mut reading = json!({ "profiles": profiles });
            if expected.get("sso_sessions").is_some() {
                reading["sso_sessions"] = json!(sso_sessions);
            }
            reading
        });
        assert_eq!(
            reading.as_ref(),
            Some(expected).filter(|expected| !expected.is_null()),
            "{case:#}"
        );
    }
}

const KEYS: [&str; 3] = ["alpha", "beta", "gamma_2"];

/// The Rust SDK's reading of a config file.
fn sdk(config: &str) -> Option<Profiles> {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let source = runtime
        .block_on(source::load(
            &Env::from_slice(&[]),
            &Fs::from_slice(&[]),
            &files,
        ))
        .unwrap();
    let sections = EnvConfigSections::parse(source).ok()?;
    let profile = |name: &str| {
        let profile = sections.get_profile(name).unwrap();
        let properties = KEYS
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), profile.get(key)?.to_owned())));
        (name.to_owned(), properties.collect())
    };
    Some(sections.profiles().map(profile).collect())
}

/// Lines that a config file may have, in any order. Not indented comments: there we differ on purpose.
fn line() -> impl Strategy<Value = String> {
    let one_of = |texts: &[&'static str]| prop::sample::select(texts.to_vec());
    let key = one_of(&["alpha", "beta", "gamma_2", "ALPHA", "Beta"]);
    let equals = one_of(&["=", " = ", "\t=  ", "= "]);
    let value = one_of(&[
        "",
        "v",
        "v w",
        "v#x",
        "v # x",
        "v\t; x",
        "a=b",
        "日本",
        "\"q\"",
        "c:\\new\\",
        "%h",
        " # x",
        "v ",
    ]);
    let blank = one_of(&[" ", "\t", "    "]);
    prop_oneof![
        4 => (key, equals, value.clone()).prop_map(|(key, equals, value)| format!("{key}{equals}{value}")),
        3 => one_of(&[
            "[profile a]", "[profile b-c]", "[default]", "[profile default]", "[profile a] # x",
            "[profile b-c];x",
        ]).prop_map(str::to_owned),
        2 => (blank, one_of(&["more", "n = 1", "n=", "more # x", "[x]", "= 1"]))
            .prop_map(|(blank, text)| format!("{blank}{text}")),
        2 => one_of(&["", "  ", "# x", ";", "#[profile a]"]).prop_map(str::to_owned),
        1 => one_of(&["nonsense", "= v", "alpha : v", "[profile a", "[profile a] x", "[]x"]).prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec((line(), prop::sample::select(vec!["\n", "\r\n"])), 0..14);
    (lines, any::<bool>()).prop_map(|(lines, ends)| {
        // Mostly files that begin with a section, as real ones do.
        let mut text = "[profile a]\n".to_owned();
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_as_the_rust_sdk_does(text in text()) {
        let ours = read(&text, "").map(|(profiles, _)| profiles);
        prop_assert_eq!(ours, sdk(&text), "{:?}", text);
    }
}

/// For every file in a directory: our reading and the SDK's, next to it as JSON. botocore's is made by the caller.
#[test]
fn writes_readings_down_for_botocore() {
    let Some(directory) = std::env::var_os("MFA_CREDS_READINGS") else {
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "config")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let ours = read(&text, "").map(|(profiles, _)| profiles);
            let readings = json!({ "ours": ours, "sdk": sdk(&text) });
            std::fs::write(path.with_extension("json"), readings.to_string()).unwrap();
        }
    }
}
