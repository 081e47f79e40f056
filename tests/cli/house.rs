//! What belongs where in the code.

use std::fs;
use std::path::Path;

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
