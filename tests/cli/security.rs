//! Each promise in `.github/SECURITY.md` names the tests that prove it.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_is_named_here_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(".github/SECURITY.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|words| words.split_once("::"));
    // How it says that they are named.
    let named: Vec<_> = named.filter(|named| *named != ("file", "test")).collect();
    assert!(named.len() > 30, "{named:?}");
    for (file, test) in named {
        let source = root.join(format!("tests/cli/{file}.rs"));
        let source = fs::read_to_string(&source).unwrap_or_default();
        assert!(
            source.contains(&format!("#[test]\nfn {test}() {{")),
            "there is no test {file}::{test}"
        );
    }
}
