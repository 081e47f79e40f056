//! The order of the source: arrows between layers run downwards, no circles, and tests import from `support` only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn tests_import_from_support_and_not_from_each_other() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut wrong = Vec::new();
    let mut number = 0;
    for directory in [tests.clone(), tests.join("support")] {
        for entry in fs::read_dir(directory).unwrap() {
            let file = entry.unwrap().path();
            // The list of the modules is nobody's test.
            if file.is_dir() || file.ends_with("tests/cli/main.rs") {
                continue;
            }
            number += 1;
            let source = fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(&tests).unwrap().display();
            for (line, text) in (1..).zip(source.lines()) {
                wrong.extend(
                    imported(text)
                        .filter(|module| *module != "support")
                        .map(|module| format!("{name}:{line} imports from `{module}`")),
                );
            }
        }
    }
    assert!(number > 60, "only {number} files were read");
    assert!(
        wrong.is_empty(),
        "what several tests need belongs into tests/cli/support: {wrong:#?}"
    );
}

/// The modules of the tests that a line of code names.
fn imported(line: &str) -> impl Iterator<Item = &str> {
    let code = line.trim_start();
    let code = if code.starts_with("//") { "" } else { code };
    // A group of them begins with a brace, and is none of ours.
    let end = |c: char| !c.is_alphanumeric() && !"_{".contains(c);
    code.split("crate::")
        .skip(1)
        .filter_map(move |path| path.split(end).next())
        .filter(|module| !module.is_empty())
}

/// The layers from the lowest to the highest, as `src/main.rs` lists them.
fn layers() -> Vec<String> {
    let main = fs::read_to_string(source_directory().join("main.rs")).unwrap();
    let modules = main.lines().filter_map(|line| line.strip_prefix("mod "));
    let names = modules.map(|rest| rest.trim_end_matches(';').to_owned());
    names.collect()
}

fn source_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every module of the source by its path, as `files/store/lock`, with its text; without tests, the root, and the build script.
fn modules() -> BTreeMap<String, String> {
    let root = source_directory();
    let mut modules = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let module = path.strip_prefix(&root).unwrap().with_extension("");
            let module = module.to_str().unwrap();
            let module = module.strip_suffix("/mod").unwrap_or(module);
            let is_program = module != "main" && !module.starts_with("build/");
            let is_rust = path.extension().is_some_and(|end| end == "rs");
            if is_program && is_rust && !module.split('/').any(|part| part == "tests") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\nmod tests {").next().unwrap();
                modules.insert(module.to_owned(), without_comments(code));
            }
        }
    }
    modules
}

fn without_comments(code: &str) -> String {
    let lines = code.lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that a module names, by `crate::`, `super::` and `self::`.
fn named(module: &str, code: &str, modules: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            for path in expanded(&code[at..]) {
                named.extend(resolved(module, &path, modules));
            }
        }
    }
    named.remove(module);
    named
}

/// The paths that begin here: several where a group in braces follows.
fn expanded(code: &str) -> Vec<String> {
    let is_of_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    let end = code.find(|c| !is_of_path(c)).unwrap_or(code.len());
    let (path, rest) = code.split_at(end);
    let Some(group) = rest.strip_prefix('{').filter(|_| path.ends_with("::")) else {
        return vec![path.to_owned()];
    };
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().unwrap().push(c);
    }
    let items = items
        .iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty());
    items
        .flat_map(|item| expanded(&format!("{path}{item}")))
        .collect()
}

/// The module that a path leads to: the longest beginning that is one.
fn resolved(module: &str, path: &str, modules: &BTreeMap<String, String>) -> Option<String> {
    let mut parts: Vec<&str> = module.split('/').collect();
    let mut words = path.split("::").peekable();
    match words.next()? {
        "crate" => parts.clear(),
        "super" => drop(parts.pop()),
        _ => {}
    }
    while words.next_if_eq(&"super").is_some() {
        parts.pop();
    }
    parts.extend(words.filter(|word| !word.is_empty()));
    while !parts.is_empty() {
        let candidate = parts.join("/");
        if modules.contains_key(&candidate) {
            return Some(candidate);
        }
        parts.pop();
    }
    None
}

/// The modules directly below one: it names them in its list.
fn parts_of(module: &str, modules: &BTreeMap<String, String>) -> Vec<String> {
    let names = modules.keys();
    let parts = names.filter(|name| {
        let part = name.strip_prefix(module);
        let part = part.and_then(|rest| rest.strip_prefix('/'));
        part.is_some_and(|part| !part.contains('/'))
    });
    parts.cloned().collect()
}

#[test]
fn no_module_names_one_of_a_higher_layer() {
    let (layers, modules) = (layers(), modules());
    assert!(
        modules.len() > 150,
        "only {} files were read",
        modules.len()
    );
    let height = |module: &str| {
        let layer = module.split('/').next().unwrap();
        let found = layers.iter().position(|other| other == layer);
        found.unwrap_or_else(|| panic!("{layer} is not listed in src/main.rs"))
    };
    let mut wrong = Vec::new();
    let mut number = 0;
    for (module, code) in &modules {
        for other in named(module, code, &modules) {
            number += 1;
            if height(&other) > height(module) {
                wrong.push(format!(
                    "src/{module}.rs names src/{other}.rs, of a higher layer"
                ));
            }
        }
    }
    assert!(number > 800, "only {number} names were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_modules_name_each_other_in_a_circle() {
    let modules = modules();
    // What a module has from the one that it is a part of is no circle: there they are one.
    let is_part = |module: &str, other: &str| {
        module
            .strip_prefix(other)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, code) in &modules {
        let mut others = named(module, code, &modules);
        others.retain(|other| !is_part(module, other));
        others.extend(parts_of(module, &modules));
        names.insert(module, others);
    }
    // Whoever names nobody who is left can go, until only circles are left.
    loop {
        let left: BTreeSet<String> = names.keys().map(|module| (*module).to_owned()).collect();
        let before = names.len();
        names.retain(|_, others| others.iter().any(|other| left.contains(other)));
        if names.len() == before {
            break;
        }
    }
    assert!(names.is_empty(), "in circles, or naming one: {names:#?}");
}
